"""A spec by the names that people give it: a digest, `graph@version`, the name of a graph, or a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from interlock.engine.project import Project, Workflow
from interlock.errors import ProjectError
from interlock.graphs.proofs.prove import prove
from interlock.store.tables import PinnedSpec

DIGEST = re.compile(r"sha256:[0-9a-f]{6,64}")


def workflow_named(project: Project, name: str) -> Workflow:
    """The workflow that `name` means: a pinned spec, or what a graph file says now.

    Args:
        name: a digest or its beginning, `graph@version`, the name of a graph of the project, or a path.

    Raises:
        ProjectError: there is none, or there are several.
        SourceError: the file has faults.
    """
    graph, at, version = name.rpartition("@")
    if DIGEST.fullmatch(name):
        return _pinned(project, name, lambda spec: spec.digest.startswith(name))
    if at and version.isdecimal() and not Path(name).exists():
        return _pinned(project, name, lambda spec: (spec.graph, str(spec.version)) == (graph, version))
    return project.workflow(project.graph_file(name))


def proven(workflow: Workflow) -> Workflow:
    """The workflow, once it has passed the proofs as tools and policies are now; a file's has when it was read.

    Raises:
        ProjectError: it does not pass; the message says what was found first.
    """
    project = workflow.project
    if workflow.pinned_as is not None:
        for fault in prove(workflow.spec, project.actions, lambda action: bool(project.policies.covering(action))):
            if fault.severity == "error":
                raise ProjectError(f"{workflow.spec.graph} no longer passes its check: {fault.message} ({fault.code}).")
    return workflow


def _pinned(project: Project, name: str, wanted: Callable[[PinnedSpec], bool]) -> Workflow:
    runs = project.services.runs
    found = [spec for spec in runs.specs() if wanted(spec)]
    if not found:
        raise ProjectError(f"no run was started under {name}; `interlock runs list` shows the runs there are.")
    living = [spec for spec in found if runs.living(spec.digest)] if len(found) > 1 else found
    if len(living) != 1:
        told = ", ".join(spec.digest[:19] for spec in living or found)
        raise ProjectError(f"{name} is the name of several specs: {told}; name one by its digest.")
    return project.pinned(living[0].digest)
