"""Who takes which requests under `model: auto`, and the errors of each: `python -m benchmarks.routing_mixed --json`.

Closed requests have one right call: those of the shipped actions, in wordings that no model was trained on, and
those of generated functions, which count as reversible.  Open ones ask for what no action does: to polish, to
summarise, for an opinion; they were written by hand.  Each is put before the policy of an act step with
`model: auto`: the action model where its certified threshold holds, else the chat model, else a person.

An action model is wrong where its call is not exactly the right one, or where there was none to make; so is a
chat model, and it is also wrong where it finds that no action fits a closed request.  A person is counted as
work, not as an error.  The chat model is the embedded `offline` one unless `--chat` names another: rules, no
LLM, so its figures say what the policy does with a weak second voice, and nothing of an LLM.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.errors import ModelError
from interlock.graphs.cards import ActCard
from interlock.lam.confidence.certificate import thresholds_of
from interlock.lam.evaluate import held_out
from interlock.lam.examples import Example
from interlock.lam.generator.mixture import Mixture
from interlock.lam.load import load_action_model
from interlock.lam.parameters import faults, nest
from interlock.lam.protocol import Action, ActionModel, Observation
from interlock.nodes.act import PROPOSAL_RISK
from interlock.nodes.models import chat_model
from interlock.nodes.routed import RiskClass, call_of_chat, standing_of
from interlock.settings import load_settings
from interlock.tools.drawer import read_actions

ROOT = Path(__file__).parents[1]
SEED = 8_100

OPEN = (
    "Polish this text: we was very happy to recieve your order and will ship it soonest.",
    "Summarise the minutes of yesterday's meeting in three sentences.",
    "What do you think of our new logo?",
    "Write a friendlier version of the paragraph above.",
    "Explain the difference between a deposit and a prepayment.",
    "Give me five ideas for the summer party.",
    "Is it polite to decline a meeting without a reason?",
    "Translate 'thank you for your patience' into Italian.",
    "Make this shorter without losing the point.",
    "How would you tell a customer that we are late?",
    "Compare the two offers and say which one you would take, and why.",
    "Draft talking points for the talk on Thursday.",
    "Rewrite the introduction so that it sounds less formal.",
    "Why do people prefer to pay by invoice?",
    "Help me understand clause seven of this contract.",
    "Tell me a joke about accountants.",
    "What are the weak points of this plan?",
    "Find a better word for 'problem' in this sentence.",
    "Which tone suits a second reminder?",
    "List the arguments for and against working from home.",
    "Proofread this: There going to send they're invoice to late.",
    "How do I sound more confident in a negotiation?",
    "Turn these notes into a readable paragraph.",
    "What would a fair price be for a week of consulting?",
    "Describe our company in two sentences for a brochure.",
    "Can you think of a title for this report?",
    "Do you agree with what the customer writes?",
    "What did Keynes mean by animal spirits?",
    "Give me feedback on my cover letter.",
    "Put yourself in the supplier's place: what would you answer?",
)


@dataclass(frozen=True)
class Case:
    """A request, what may be done for it, and the right call; none for an open one."""

    example: Example
    classes: Mapping[str, RiskClass]
    kind: str


def cases(each: int) -> Iterator[Case]:
    """`each` closed requests of the shipped actions and as many of functions, and the open ones of both."""
    shipped: dict[str, RiskClass] = {name: action.risk_class for name, action in read_actions(ROOT / "tools").items()}
    first: list[Example] = []
    for example in held_out(6 * each):
        if example.kind == "act" and len(first) < each:
            first.append(example)
            yield Case(example, shipped, "closed, shipped actions")
    mixture, found, index = Mixture(SEED), [], 0
    while len(found) < each:
        name, example = mixture.drawn(index)
        index += 1
        if name == "functions" and example.kind == "act" and len(example.calls) == 1:
            found.append(example)
            yield Case(example, _reversible(example), "closed, functions")
    for number, text in enumerate(OPEN):
        like = (first if number % 2 else found)[number % each]
        asked = Example(Observation(sources={"request": text}, today="2026-03-04"), like.space, "abstain")
        yield Case(asked, shipped if number % 2 else _reversible(asked), "open")


def _reversible(example: Example) -> dict[str, RiskClass]:
    return {schema.name: "reversible" for schema in example.space}


def is_right(case: Case, action: Action | None) -> bool:
    """Whether a call, or none, is what the request asks for."""
    calls = case.example.calls
    if action is None or not calls:
        return action is None and not calls
    bound = case.example.observation.bound
    wanted = {name: value for name, value in calls[0].arguments.items() if name not in bound}
    made = {name: value for name, value in action.arguments.items() if name not in bound}
    return action.name == calls[0].name and made == nest(wanted)


def measure(model: ActionModel, chat: str = "offline", each: int = 60) -> dict[str, Any]:
    """The shares and the errors."""
    settings = load_settings()
    voice = chat_model(chat, settings)
    taken: dict[str, Counter[str]] = {}
    wrong: Counter[str] = Counter()
    for case in cases(each):
        by, action = _routed(case, model, voice)
        taken.setdefault(case.kind, Counter())[by] += 1
        if by != "person" and not is_right(case, action):
            wrong[by] += 1
            taken[case.kind][f"{by}_wrong"] += 1
    whole = {by: sum(row[by] for row in taken.values()) for by in ("lam", "model", "person")}
    count = sum(whole.values())
    return {
        "requests": count,
        "chat_model": "offline (rules, no LLM)" if chat == "offline" else chat,
        "model_id": getattr(model, "model_id", ""),
        "thresholds": thresholds_of(model),
        "share_percent": {by: round(100 * number / count, 1) for by, number in whole.items()},
        "errors": {by: {"n": whole[by], "wrong": wrong[by], "percent": _percent(wrong[by], whole[by])} for by in whole},
        "by_kind": {kind: dict(sorted(row.items())) for kind, row in taken.items()},
    }


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _routed(case: Case, model: ActionModel, voice: Any) -> tuple[str, Action | None]:
    """Who proposed, and what; `model` without an action found that none fits, and would answer in words."""
    example = case.example
    decision = model.decide(example.observation, list(example.space), risk=PROPOSAL_RISK)
    if standing_of(model, decision, case.classes, case.example.space).by == "lam":
        return "lam", decision.actions[0]
    card = ActCard(node="do", kind="act", goal="Do what the request asks for.", actions=[s.name for s in example.space])
    schemas = {schema.name: schema for schema in example.space}

    def fault(name: str, arguments: dict[str, Any]) -> str | None:
        broken = faults(schemas[name], {**arguments, **example.observation.bound})
        return f"{', '.join(broken)} does not fit" if broken else None

    try:
        read = {name.replace(".", "_"): text for name, text in example.observation.sources.items()}
        heard = call_of_chat(card, read, list(example.space), fault, voice)
    except ModelError:
        return "person", None
    agreed = heard.none_fits and not decision.actions
    return "model" if heard.call is not None or agreed else "person", heard.call


def main(arguments: Iterable[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=60, help="closed requests of each kind")
    parser.add_argument("--chat", default="offline", help="provider string of the chat model")
    parser.add_argument("--model", type=Path, help="folder of action-model weights; the packaged ones if omitted")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(list(arguments) if arguments is not None else None)
    report = measure(load_action_model(given.model, threads=1), given.chat, given.each)
    if given.json:
        print(json.dumps(report))
        return
    for by, row in report["errors"].items():
        print(f"{by:<7} {report['share_percent'][by]:>5} %   {row['wrong']} of {row['n']} wrong")


if __name__ == "__main__":
    main()
