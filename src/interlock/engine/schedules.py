"""Schedules of a project: made from what people write, and looked at by whoever starts what is due.

When a schedule is due, the graph is read as its file is then.  What cannot be started is told where schedules are
listed and in the audit, and the schedule goes on with its next moment.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from interlock.engine.cron import Cron, read_cron
from interlock.engine.project import Project, Workflow
from interlock.errors import InputError, InterlockError, SettingsError, StoreUnavailable, UsageError
from interlock.nodes.inputs import complete
from interlock.store.people import known_as
from interlock.store.schedules import Schedules
from interlock.store.tables import Run, Schedule

LOG = logging.getLogger("interlock.schedules")

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
MISSED, OVERLAP = ("skip", "once"), ("allow", "skip")

LATE = timedelta(minutes=5)
"""A run that is started later than this was missed: nobody was there."""


class Scheduling:
    """What people do with schedules, and what comes of them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.rows = Schedules(project.database, project.services.audit, project.clock, project.services.runs)

    def workflow(self, graph: str) -> Workflow:
        """The workflow of a graph of the project, as its file is now.

        Raises:
            UsageError: it is no name, but a path: other machines would not find it.
            ProjectError: there is none.
            SourceError: it has faults.
        """
        path = self._project.root / "graphs" / f"{graph}.yaml"
        if not re.fullmatch(r"\w+", graph) or not path.is_file():
            found = self._project.graph_file(graph)
            raise UsageError(f"a schedule takes the name of a graph of the project, not the file {found}.")
        return self._project.workflow(path)

    def add(
        self,
        name: str,
        graph: str,
        cron: str,
        timezone: str,
        values: Mapping[str, Any],
        person: str,
        *,
        missed: str = "skip",
        overlap: str = "allow",
    ) -> Schedule:
        """Start runs of a graph from now on, asked for by `person`.

        Args:
            values: the input of every run; defaults are those of the graph when the run is started.
            missed: what becomes of moments at which nobody was there: `skip`, or `once` for one run in their place.
            overlap: `skip` starts no run while the one before has not ended; `allow` does.

        Raises:
            UsageError: a word is none of those that there are.
            InputError: the expression, the time zone, or the input cannot be used.
            ProjectError, SourceError: the graph cannot be used.
            DecisionRefused: `person` is no person's name.
            Conflict: there is a schedule of that name.
        """
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a schedule; use a-z, 0-9, _ and -, beginning with a letter.")
        for word, known in ((missed, MISSED), (overlap, OVERLAP)):
            if word not in known:
                raise UsageError(f"{word!r} is not one of {', '.join(known)}.")
        times = read_cron(cron, timezone)
        complete(self.workflow(graph).spec, values)
        return self.rows.add(
            Schedule(
                name=name, graph=graph, cron=times.expression, timezone=timezone, input=dict(values), missed=missed,
                overlap=overlap, requester=known_as(person), next_at=times.after(self._project.clock()),
            )
        )  # fmt: skip

    def resume(self, name: str, person: str) -> Schedule:
        """Let a schedule start runs again, from its next moment on; those that passed meanwhile are not made up for.

        Raises:
            NotFound: there is none.
        """
        return self.rows.resume(name, person, _times(self.rows.get(name)).after(self._project.clock()))

    def start_due(self) -> list[Run]:
        """Start the runs of all schedules that are due; they are stored, not yet driven.

        Raises:
            StoreUnavailable: the database cannot be used; what is left is started later.
        """
        started = []
        for schedule in self.rows.due(self._project.clock()):
            try:
                run = self._start(schedule)
            except (InputError, SettingsError) as error:  # of another release, or without what it needs
                LOG.error("schedule %s starts nothing: %s", schedule.name, error.message)
                continue
            if run is not None:
                LOG.info("schedule %s started run %s", schedule.name, run.id)
                started.append(run)
        return started

    def _start(self, schedule: Schedule) -> Run | None:
        times, now = _times(schedule), self._project.clock()
        moment, next_at = max(times.until(now), schedule.next_at), times.after(now)
        if schedule.missed == "skip" and now - moment > LATE:
            because = f"nobody was there to start it within {LATE.total_seconds() / 60:.0f} minutes"
            LOG.warning("schedule %s passes %s over: %s", schedule.name, moment, because)
            self.rows.pass_over(schedule, moment, next_at, "skipped", because)
            return None
        try:
            workflow = self.workflow(schedule.graph)
            values = complete(workflow.spec, schedule.input)
        except StoreUnavailable:
            raise
        except Exception as error:
            because = error.message if isinstance(error, InterlockError) else f"{type(error).__name__}: {error}"
            LOG.error("schedule %s cannot start a run for %s: %s", schedule.name, moment, because)
            self.rows.pass_over(schedule, moment, next_at, "failed", because)
            return None
        return self.rows.start(schedule, moment, next_at, workflow.spec.model_dump(mode="json", by_alias=True), values)


def _times(schedule: Schedule) -> Cron:
    return read_cron(schedule.cron, schedule.timezone)
