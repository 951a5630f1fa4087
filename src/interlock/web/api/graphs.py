"""The addresses of graphs: which there are, and what a run of each takes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from interlock.engine.project import Workflow
from interlock.errors import ProjectError
from interlock.graphs.cards import object_schema
from interlock.web.api.reading import WORD
from interlock.web.api.shapes.record import GraphList, GraphShape
from interlock.web.api.taking import describes
from interlock.web.parts import Parts, json_answer
from interlock.web.problems import FAULTY, Problem
from interlock.web.rights import Visitor, needs

Reader = Annotated[Visitor, needs("graphs.read")]
Name = Annotated[str, Path(min_length=1, max_length=200, pattern=WORD, description="Name of the graph.")]


def routes(parts: Parts) -> APIRouter:
    """The graphs of the project."""
    router = APIRouter(tags=["graphs"])

    @router.get("/api/graphs", operation_id="listGraphs", **describes(GraphList))
    def graphs(_: Reader) -> Response:
        """The graphs there are; of one with faults, that it has some."""
        return json_answer({"graphs": [graph_object(parts, name) for name in names(parts)]})

    @router.get("/api/graphs/{name}", operation_id="showGraph", **describes(GraphShape, 404))
    def graph(name: Name, _: Reader) -> Response:
        """One graph, and what a run of it takes."""
        known(parts, name)
        return json_answer(graph_object(parts, name))

    return router


def names(parts: Parts) -> list[str]:
    """The names of the graphs of the project."""
    return sorted(path.stem for path in (parts.engine.project.root / "graphs").glob("*.yaml"))


def known(parts: Parts, name: str) -> None:
    """Raises:
    Problem: the project has no graph of that name; what is asked for is never made a path.
    """
    if name not in (found := names(parts)):
        raise Problem(404, f"There is no graph {name}; there are {', '.join(found) or 'none'}.")


def workflow_of(parts: Parts, name: str) -> Workflow:
    """The workflow of a graph of the project.

    Raises:
        Problem: there is none of that name.
        ProjectError: it has faults.
    """
    known(parts, name)
    project = parts.engine.project
    return project.workflow(project.root / "graphs" / f"{name}.yaml")


def graph_object(parts: Parts, name: str) -> dict[str, Any]:
    """A graph as JSON."""
    unknown = dict.fromkeys(("version", "description", "spec", "input", "outcomes"))
    try:
        spec = workflow_of(parts, name).spec
    except ProjectError:
        return {"graph": name} | unknown | {"fault": FAULTY}
    taken = object_schema(spec.input)
    return {
        "graph": spec.graph,
        "version": spec.version,
        "description": spec.description,
        "spec": spec.digest(),
        "input": taken | {"required": [name for name in taken["required"] if spec.input[name].default is None]},
        "outcomes": sorted({edge.outcome for edge in spec.edges if edge.outcome}),
        "fault": None,
    }
