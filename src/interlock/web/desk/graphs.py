"""The graphs of the project: their pictures, the versions that runs go by, and what an upgrade would do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from interlock.engine.naming import proven
from interlock.engine.project import Project, Workflow
from interlock.engine.upgrade import Upgrading
from interlock.errors import InterlockError, NotFound
from interlock.graphs.upgrades.differences import differences
from interlock.graphs.upgrades.mapping import SpecMapping
from interlock.source import SourceError
from interlock.store.tables import PinnedSpec
from interlock.web.desk.words import ago
from interlock.web.drawings import picture
from interlock.web.parts import Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

TRIED = 20
"""So many of the oldest runs are tried on copies for the page; the command tries all."""

VERDICTS = {
    "safe": ("good", "can go on"),
    "voids_approval": ("mid", "can go on; an approval is asked again"),
    "needs_mapping": ("bad", "needs a mapping"),
    "impossible": ("bad", "stays"),
}


@dataclass(frozen=True)
class Version:
    """One spec of a graph: a pinned one, or what the file says now."""

    digest: str
    version: int
    current: bool
    """Whether the file says the same."""
    living: Mapping[str, int]
    """Runs that have not ended, by status."""
    since: str = ""

    @property
    def short(self) -> str:
        return self.digest[:19]

    @property
    def count(self) -> int:
        return sum(self.living.values())


@dataclass(frozen=True)
class Graph:
    """One graph, with the versions of it that matter: the file's, and those that runs still go by."""

    name: str
    versions: list[Version]
    file: Workflow | None
    fault: str = ""
    """Why the file cannot be read."""


def routes(parts: Parts) -> APIRouter:
    """Graphs."""
    router, project = APIRouter(), parts.engine.project

    @router.get("/graphs")
    def graphs(who: Annotated[Visitor, needs("graphs.read")]) -> Response:
        """Every graph of the project, and every one that runs still go by."""
        found = list(_graphs(parts))
        return HTMLResponse(parts.templates.page("desk/graphs.html", who, here="/graphs", graphs=found))

    @router.get("/graphs/{graph}")
    def one(graph: str, request: Request, who: Annotated[Visitor, needs("graphs.read")]) -> Response:
        """One graph: the picture of a version, the file's unless another is named."""
        found = _graph(parts, graph)
        wanted = request.query_params.get("version")
        shown = _workflow(project, found, wanted) if wanted or not found.file else found.file
        digest = shown.pinned_as or shown.spec.digest()
        return HTMLResponse(
            parts.templates.page(
                "desk/graph.html",
                who,
                here="/graphs",
                graph=found,
                spec=shown.spec,
                digest=digest,
                picture=picture(shown.spec),
                upgrades=who.may("runs.upgrade"),
            )
        )

    @router.get("/graphs/{graph}/upgrade")
    def upgrade(graph: str, request: Request, who: Annotated[Visitor, needs("runs.upgrade")]) -> Response:
        """What would become of runs under another version; nothing is changed."""
        found, query = _graph(parts, graph), request.query_params
        old, new = (_workflow(project, found, query.get(side)) for side in ("from", "to"))
        upgrading = Upgrading(old, proven(new), SpecMapping())
        if upgrading.old_digest == upgrading.new_digest:
            raise Problem(400, "Both are the same version; there is nothing to move.")
        living = next((each.count for each in found.versions if each.digest == upgrading.old_digest), 0)
        return HTMLResponse(
            parts.templates.page(
                "desk/upgrade.html",
                who,
                here="/graphs",
                graph=found,
                old=old.spec,
                new=new.spec,
                old_digest=upgrading.old_digest,
                new_digest=upgrading.new_digest,
                differences=differences(old.spec, new.spec, SpecMapping()),
                outlooks=upgrading.plan(TRIED),
                verdicts=VERDICTS,
                living=living,
                tried=TRIED,
            )
        )

    return router


def _graphs(parts: Parts, only: str | None = None) -> Iterator[Graph]:
    """The graphs by name; or the one of that name."""
    project, now = parts.engine.project, parts.services.clock()
    pinned: dict[str, list[PinnedSpec]] = {}
    for spec in parts.services.runs.specs():
        pinned.setdefault(spec.graph, []).append(spec)
    living = parts.services.runs.living_by_spec()
    files = {path.stem: path for path in (project.root / "graphs").glob("*.yaml")}
    for name in sorted({*files, *(graph for graph in pinned if "." not in graph)}):
        if only not in (None, name):
            continue
        file, fault = None, ""
        if name in files:
            try:
                file = project.workflow(files[name])
            except SourceError as error:
                fault = f"the file has {len(error.findings)} faults; see: interlock check graphs/{name}.yaml"
            except InterlockError as error:
                fault = error.message
        current = file.spec.digest() if file else None
        versions = [
            Version(each.digest, each.version, each.digest == current, living.get(each.digest, {}),
                    ago(each.stored_at, now))
            for each in reversed(pinned.get(name, []))
            if each.digest == current or living.get(each.digest)
        ]  # fmt: skip
        if file and current and all(each.digest != current for each in versions):
            versions.insert(0, Version(current, file.spec.version, True, {}))
        versions.sort(key=lambda each: (not each.current, -each.version))
        yield Graph(name, versions, file, fault)


def _graph(parts: Parts, name: str) -> Graph:
    for found in _graphs(parts, name):
        return found
    raise NotFound(f"there is no graph {name[:60]}.")


def _workflow(project: Project, graph: Graph, digest: str | None) -> Workflow:
    """One version of a graph.

    Raises:
        NotFound: it is none of those that are shown.
    """
    for version in graph.versions:
        if version.digest == digest:
            pinned = any(each.digest == digest for each in project.services.runs.specs())
            return project.pinned(version.digest) if pinned or graph.file is None else graph.file
    raise NotFound(f"{graph.name} has no such version in use.")
