"""Where the values that a visit finds in the state came from: by the record of what was written, never by the state.

A value is as trusted as the visit that last wrote it recorded.  One that is not what was recorded then was
changed from outside and is `untrusted`, whoever may write its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from interlock.digest import fingerprint
from interlock.graphs.bind import path_parts, well_formed
from interlock.graphs.labels import labels
from interlock.graphs.spec import Spec
from interlock.nodes.services import Place, Services
from interlock.policies.origins import AUTHOR, Mark, Origin, Traced, from_json, traced
from interlock.policies.provenance import Marks
from interlock.store.tables import Run, Written
from interlock.store.written import Value

CHANGED = traced("untrusted", Origin(kind="changed"))
NOBODY = traced("user", AUTHOR)
"""What a path to nothing gives; there is no value that it could be the label of."""


class Trace:
    """The labels and origins of the state's values, as they stand before one visit or at the end of a run."""

    def __init__(self, run: Run, values: Mapping[str, Any], services: Services, before: int | None = None) -> None:
        self.run = run
        self.values = values
        self.services = services
        self.before = before

    def key(self, key: str) -> Traced:
        """Where the whole value of a key came from."""
        if key not in self._known:
            self._known[key] = self._look(key)
        return self._known[key]

    def path(self, path: str) -> Traced:
        """Where what stands at `$.key.field` came from."""
        if not well_formed(path):
            return NOBODY
        key, *rest = path_parts(path)
        return self.key(key).inside(rest)

    def read(self, paths: Iterable[str]) -> dict[str, Mark]:
        """The marks of all these paths."""
        return {path: self.path(path).at() for path in paths}

    @cached_property
    def _known(self) -> dict[str, Traced]:
        return {}

    @cached_property
    def _rows(self) -> dict[str, Written]:
        return self.services.runs.written(self.run.id, self.values, self.before)

    @cached_property
    def _spec(self) -> Spec:
        return Spec.model_validate_json(self.services.runs.spec_body(self.run.spec_digest))

    @cached_property
    def _static(self) -> dict[str, Marks]:
        return labels(self._spec, self.services.actions)

    def _look(self, key: str) -> Traced:
        value = self.values.get(key)
        if value is None:
            return NOBODY
        found = fingerprint(value)
        row = self._rows.get(key)
        if row is not None:
            return from_json(row.marks) if row.digest == found else CHANGED
        schema = self._spec.input.get(key)
        if schema is not None and key in self.run.input and fingerprint(self.run.input[key]) == found:
            return traced(schema.provenance, Origin(kind="input", of=f"$.{key}"))
        if self.run.traced:
            return CHANGED
        return Traced(self._static.get(key, Marks("user")), {(): Origin(kind="unknown")})


def trace(place: Place, values: Mapping[str, Any], services: Services) -> Trace:
    """The trace of what a visit finds; a visit that is still to come finds all that has been written."""
    here = services.runs.find_visit(place.run, place.step, place.visit)
    before = here.position if here is not None else None
    return Trace(services.runs.get(place.run), values, services, before)


def recorded(value: Any, source: Traced) -> Value:
    """A value as it is kept on record."""
    return Value(fingerprint(value), source.as_json())


def ended(run: Run, services: Services) -> Trace:
    """The trace of what an ended child run gave back."""
    return Trace(run, run.output, services)
