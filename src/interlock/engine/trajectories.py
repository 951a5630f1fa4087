"""A run as a trajectory: what was asked, what a model chose, what people said of it, and what came of it.

It is read from the rows alone: visits, consultations of the action model, effects and requests.  Each proposal is one
message of the assistant.  Further rows of the same visit (an edit, the same action gated anew) belong to the proposal
that they followed from; the lookups of a reason step are proposals of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from interlock.errors import ProjectError
from interlock.graphs.spec import ActStep, Spec
from interlock.lam.heldout import held_out
from interlock.lam.protocol import ActionSchema, Decision, Observation
from interlock.lam.trajectories.trajectory import (
    GRAPH,
    FunctionCall,
    Lam,
    Message,
    ToolCall,
    Trajectory,
    Verdict,
)
from interlock.nodes.act import schema_of
from interlock.nodes.lookup import is_lookup
from interlock.nodes.services import Services
from interlock.store.consultations import Consulted
from interlock.store.effects import BEGUN, STANDING
from interlock.store.tables import Approval, Effect, Run, Visit

DONE = (*STANDING, "compensating", "compensated")
"""States of a row whose action was performed."""


@dataclass(frozen=True)
class _Proposal:
    """The rows that one proposal became, oldest first; none where a model abstained and nothing was proposed."""

    effects: Sequence[Effect]
    consulted: Consulted | None

    @property
    def first(self) -> Effect:
        return self.effects[0]

    @property
    def last(self) -> Effect:
        return self.effects[-1]

    @property
    def edit(self) -> Effect | None:
        """The newest row, where a person changed the proposal."""
        return self.last if len(self.last.proposed_by) > len(self.first.proposed_by) else None


def trajectories(services: Services, run_ids: Iterable[str]) -> Iterator[Trajectory]:
    """The trajectories of runs and of their child runs, each once.

    Raises:
        NotFound: there is no such run.
        Refused: what a run's model was shown is sealed, and the key is not there.
    """
    done: set[str] = set()
    for run_id in run_ids:
        for run in services.runs.family(services.runs.get(run_id).id):
            if run.id not in done:
                done.add(run.id)
                yield trajectory(services, run)


def trajectory(services: Services, run: Run) -> Trajectory:
    """One run."""
    spec = Spec.model_validate_json(services.runs.spec_body(run.spec_digest))
    effects = sorted(services.ledger.of_run(run.id), key=lambda effect: (effect.step, effect.visit, effect.slot))
    rows = {place: list(found) for place, found in groupby(effects, lambda effect: (effect.step, effect.visit))}
    asked = {(c.step, c.visit, c.slot): c for c in services.consultations.of_run(run.id)}
    requests = {approval.id: approval for approval in services.approvals.of_run(run.id)}
    conversation = [Message(role="user", content=_request(run.input))]
    for visit in services.runs.visits(run.id):
        for proposal in _proposals(visit, rows.get((visit.step, visit.visit), []), asked):
            conversation += _messages(proposal, requests)
    return Trajectory(
        unique_trajectory_id=run.id,
        task_instruction=_instruction(spec),
        tools=_tools(services, effects, asked.values()),
        conversation=conversation,
        split="dev" if held_out(_first(services, run)) else "train",
        source="run",
    )


def _first(services: Services, run: Run) -> str:
    """The run that decides what is held out: a fork tells of the same request as the run that it came from."""
    before = services.runs.ancestry(run.id)
    return before[-1].run_id if before else run.id


def _request(values: Mapping[str, Any]) -> str:
    """What the run was asked: its `request`, its only text, or all that it was given as JSON."""
    texts = [value for value in values.values() if isinstance(value, str)]
    if isinstance(values.get("request"), str):
        return str(values["request"])
    return texts[0] if len(values) == 1 and texts else json.dumps(values, ensure_ascii=False)


def _instruction(spec: Spec) -> str:
    goals = [step.card.goal for step in spec.steps.values() if isinstance(step, ActStep)]
    return "\n".join(dict.fromkeys([spec.description or spec.graph, *goals]))


def _tools(services: Services, effects: Iterable[Effect], asked: Iterable[Consulted]) -> list[ActionSchema]:
    """All that were offered or used, as they were offered; one that nobody knows any more by its name."""
    known: dict[str, ActionSchema] = {}
    for consulted in asked:
        for document in consulted.tools:
            schema = ActionSchema.model_validate(document)
            known.setdefault(schema.name, schema)
    for effect in effects:
        if effect.action not in known:
            try:
                known[effect.action] = schema_of(services.action(effect.action))
            except ProjectError:
                known[effect.action] = ActionSchema(name=effect.action, description="")
    return list(known.values())


def _proposals(
    visit: Visit, effects: Sequence[Effect], asked: Mapping[tuple[str, int, int], Consulted]
) -> Iterator[_Proposal]:
    chain: list[Effect] = []
    consulted: Consulted | None = None
    for effect in effects:
        here = asked.get((visit.step, visit.visit, effect.slot))
        if chain and (here is not None or is_lookup(effect)):
            yield _Proposal(chain, consulted)
            chain = []
        if not chain:
            consulted = here
        chain.append(effect)
    if chain:
        yield _Proposal(chain, consulted)
    slot = effects[-1].slot + 1 if effects else 0
    alone = asked.get((visit.step, visit.visit, slot))
    if alone is not None:  # the model abstained, or what it said could not be proposed
        yield _Proposal([], alone)


def _messages(proposal: _Proposal, requests: Mapping[str, Approval]) -> list[Message]:
    lam = _lam(proposal)
    if not proposal.effects or proposal.first.model.get("abstained"):
        return [_not_proposed(proposal, lam)]
    first, edit, verdict = proposal.first, proposal.edit, _verdict(proposal, requests)
    call = ToolCall(id=first.id, function=FunctionCall(name=first.action, arguments=first.arguments))
    edited = verdict in ("edited", "executed_error") and edit is not None
    made = [
        Message(
            role="assistant",
            tool_calls=[call],
            lam=lam,
            verdict=verdict,
            edited_action=_call(proposal.last) if edited else None,
        )
    ]
    said = _outcome(proposal.last, requests)
    if said is not None:
        made.append(Message(role="tool", content=said, tool_call_id=first.id, name=proposal.last.action))
    return made


def _not_proposed(proposal: _Proposal, lam: Lam) -> Message:
    """The model abstained, or said what the step could not propose: what people had done instead is the edit."""
    said = Decision.model_validate(proposal.consulted.decision).actions if proposal.consulted is not None else []
    calls = [ToolCall(function=FunctionCall(name=action.name, arguments=action.arguments)) for action in said]
    if proposal.effects and proposal.last.state in DONE:
        edit = _call(proposal.last)
        return Message(role="assistant", tool_calls=calls, lam=lam, verdict="edited", edited_action=edit)
    return Message(role="assistant", tool_calls=calls, lam=lam)


def _call(effect: Effect) -> FunctionCall:
    return FunctionCall(name=effect.action, arguments=effect.arguments)


def _lam(proposal: _Proposal) -> Lam:
    """What the model knew: as it was recorded, or for older runs what the ledger says of it."""
    if proposal.consulted is not None:
        decision = Decision.model_validate(proposal.consulted.decision)
        action = decision.actions[0] if decision.actions else None
        return Lam(
            backend=decision.backend,
            model_id=decision.model_id,
            decision=decision.kind,
            confidence=action.confidence if action is not None else None,
            evidence=dict(action.evidence) if action is not None else {},
            p_null=decision.p_null,
            missing=decision.missing,
            offered=[tool["name"] for tool in proposal.consulted.tools],
            observation=Observation.model_validate(proposal.consulted.observation),
        )
    facts = proposal.first.model
    if not facts:
        return Lam(backend=GRAPH, model_id="", decision="act")
    kind = "abstain" if facts.get("abstained") else "ask" if proposal.first.missing else "act"
    return Lam.model_validate(
        {
            "backend": facts.get("backend", ""),
            "model_id": facts.get("model_id", ""),
            "decision": kind,
            "confidence": facts.get("confidence"),
            "evidence": proposal.first.evidence,
            "p_null": facts.get("p_null"),
            "missing": proposal.first.missing,
        }
    )


def _verdict(proposal: _Proposal, requests: Mapping[str, Approval]) -> Verdict | None:
    """A person's word counts before what came of it, except where what they agreed to failed."""
    last = proposal.last
    if last.state == "rejected":
        return "rejected"
    if last.state == "failed":
        return "executed_error"
    if proposal.edit is not None:
        return "edited"
    word = _word(last, requests)
    if word == "approved" and last.state in ("approved", *BEGUN):
        return "approved"
    return "executed_ok" if last.state in DONE else None


def _word(effect: Effect, requests: Mapping[str, Approval]) -> str | None:
    """What people decided of an action, if they were asked whether it may happen."""
    approval = requests.get(effect.approval_id or "")
    if approval is None or approval.kind not in ("action", "question"):
        return None
    return str((approval.answer or {}).get("decision", approval.state))


def _outcome(effect: Effect, requests: Mapping[str, Approval]) -> str | None:
    """What the assistant is told of its call; None while it is open."""
    match effect.state:
        case state if state in DONE:
            return json.dumps(effect.result or {}, ensure_ascii=False)
        case "denied":
            reasons = (effect.verdict or {}).get("reasons") or [{}]
            return f"denied: {reasons[0].get('because', 'a rule forbids it')}"
        case "rejected":
            approval = requests.get(effect.approval_id or "")
            comment = (approval.answer or {}).get("comment") if approval is not None else None
            return f"rejected: {comment or effect.error or 'no reason given'}"
        case "failed" | "expired" | "superseded":
            return f"{effect.state}: {effect.error or 'no reason given'}"
        case _:
            return None
