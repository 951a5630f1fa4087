"""What spans tell of a run: the names of the conventions, one tree, and nothing that people or models wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import REGISTRY

from interlock import telemetry
from interlock.errors import Conflict
from interlock.lam.protocol import Decision
from interlock.testing import ScriptedActionModel, ScriptedChatModel
from tests.engine.conftest import Make, start
from tests.engine.forked import GRAPHS, PUT, PUT_POLICY, THINK_WHY
from tests.engine.test_runs import ACT, ADD, CARD, EDGE, LOOP

Spans = Callable[[], Sequence[ReadableSpan]]

SECRET = "the merger is on Friday"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """Spans that have ended, in the order in which they began."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "TRACER", provider.get_tracer("interlock"))
    yield lambda: sorted(exporter.get_finished_spans(), key=lambda each: each.start_time or 0)
    provider.shutdown()


def named(found: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    """The one span of a name."""
    (only,) = [each for each in found if each.name == name]
    return only


def parents(found: Sequence[ReadableSpan], child: ReadableSpan) -> list[str]:
    """The names above a span, from the nearest on."""
    known = {each.context.span_id: each for each in found if each.context}
    above = []
    while child.parent is not None and child.parent.span_id in known:
        child = known[child.parent.span_id]
        above.append(child.name)
    return above


def test_a_reason_step_is_a_chat_in_a_step_in_a_workflow(make: Make, spans: Spans) -> None:
    """The chat carries model, provider and tokens; the workflow its graph, its run and how it stands."""
    chat = ScriptedChatModel([{"verdict": "go", "amount": 1}])
    _, run_id = start(make({"loop": LOOP}, chat=chat), "loop", question="why")
    found = spans()
    asked = named(found, "chat ScriptedChatModel")
    assert parents(found, asked) == ["step think", "invoke_workflow loop"]
    assert asked.attributes is not None
    assert asked.attributes["gen_ai.operation.name"] == "chat"
    assert asked.attributes["gen_ai.request.model"] == "ScriptedChatModel"
    whole = named(found, "invoke_workflow loop").attributes
    assert whole is not None
    assert (whole["gen_ai.workflow.name"], whole["interlock.run.id"]) == ("loop", run_id)
    assert whole["interlock.run.status"] == "done"
    assert all(each.status.status_code is StatusCode.UNSET for each in found)


def test_a_waiting_approval_is_no_error(make: Make, spans: Spans) -> None:
    """The drive that parks and the one that is refused by nobody end without an error; the wait is an event."""
    engine, run_id = start(make({"edge": EDGE}), "edge", amount=7)
    before = spans()
    assert all(each.status.status_code is StatusCode.UNSET for each in before)
    events = [event.name for each in before for event in each.events]
    assert events == ["interlock.waits"]
    assert named(before, "invoke_workflow edge").attributes is not None
    asked = engine.standing(run_id).waiting[0]
    engine.services.approvals.reject(asked.id, "one", comment="no")
    engine.drive(run_id)
    assert all(each.status.status_code is StatusCode.UNSET for each in spans())


def test_an_effect_is_one_tool_span_named_by_its_ledger_row(make: Make, spans: Spans) -> None:
    """`execute_tool` stands in the step, and its call id is the effect's."""
    engine, run_id = start(make({"add": ADD}), "add", amount=7)
    found = spans()
    tool = named(found, "execute_tool counter.add")
    (effect,) = engine.services.ledger.of_run(run_id)
    assert tool.attributes is not None
    assert tool.attributes["gen_ai.tool.call.id"] == effect.id
    assert tool.attributes["interlock.effect.digest"] == effect.digest
    assert parents(found, tool)[-1] == "invoke_workflow add"


def test_a_tool_that_throws_is_an_error_by_its_class(make: Make, spans: Spans) -> None:
    """What it said is not in the span, only what kind of error it was."""
    project = make({"add": ADD})
    (project.root / "tools" / "counter.py").write_text(
        (project.root / "tools" / "counter.py")
        .read_text()
        .replace("    if not any(", f"    raise OSError({SECRET!r})\n    if not any(")
    )
    start(project, "add", amount=7)
    tools = [each for each in spans() if each.name == "execute_tool counter.add"]
    assert tools
    assert all(each.status.status_code is StatusCode.ERROR for each in tools)
    assert all(each.attributes is not None and each.attributes["error.type"] == "OSError" for each in tools)
    assert SECRET not in "".join(each.to_json() for each in spans())


def test_child_runs_hang_below_the_step_that_began_them(make: Make, spans: Spans) -> None:
    """One trace holds the workflow and the runs of its items, though each is driven in a thread of its own."""
    project = make(GRAPHS, nodes_think=THINK_WHY, policies_put=PUT_POLICY, chat=ScriptedChatModel([{"text": "so"}] * 9))
    (project.root / "tools" / "put.py").write_text(PUT)
    start(project, "each", amounts=[2, 3])
    found = spans()
    children = [each for each in found if each.name.startswith("invoke_workflow ") and each.parent is not None]
    assert len(children) >= 2
    assert {each.context.trace_id for each in found if each.context} == {
        each.context.trace_id for each in found if each.name == "invoke_workflow each" and each.context
    }


@pytest.mark.parametrize("content", [False, True])
def test_content_is_in_spans_only_where_it_is_asked_for(make: Make, spans: Spans, content: bool) -> None:
    """By default neither what went to the model nor what came back is in any attribute, name or event."""
    project = make({"loop": LOOP}, chat=ScriptedChatModel([{"verdict": "go", "amount": 1}]))
    project.settings = project.settings.model_copy(update={"trace_content": content})
    start(project, "loop", question=SECRET)
    told = "".join(each.to_json() for each in spans())
    assert (SECRET in told) is content
    assert ("verdict" in told) is content
    if content:
        said = named(spans(), "chat ScriptedChatModel").attributes
        assert said is not None
        assert {message["role"] for message in json.loads(str(said["gen_ai.input.messages"]))} == {"system", "user"}


def test_a_decision_of_the_action_model_is_told(make: Make, spans: Spans) -> None:
    """Its kind and the names of its calls, and which model decided."""
    model = ScriptedActionModel([Decision(kind="abstain", p_null=0.9, backend="s", model_id="m-1")])
    project = make({"act": ACT}, nodes_act=CARD, act=model)
    start(project, "act", request="add seven")
    decided = named(spans(), "generate_content m-1")
    assert decided.attributes is not None
    assert decided.attributes["interlock.decision"] == "abstain"


def test_what_was_rolled_back_is_not_counted(make: Make) -> None:
    """A committed entry is counted once; one whose transaction failed is not."""
    engine, run_id = start(make({"edge": EDGE}), "edge", amount=7)

    def count(event: str) -> float:
        return REGISTRY.get_sample_value("interlock_events_total", {"event": event}) or 0.0

    asked = engine.standing(run_id).waiting[0]
    before = count("approval.approved"), count("tried.and.failed")
    engine.approve(asked.id, "one")
    engine.approve(asked.id, "two")
    services = engine.services

    def fails() -> None:
        with services.database.write() as session:
            services.audit.append(session, "one", "tried.and.failed", run_id, {})
            raise Conflict("no")

    with pytest.raises(Conflict):
        fails()
    assert (count("approval.approved"), count("tried.and.failed")) == (before[0] + 1, before[1])
