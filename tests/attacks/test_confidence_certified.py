"""Whatever a model says of its confidence, it acts alone only under a true certificate that is in force."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.service import Engine
from interlock.errors import ModelError
from interlock.lam.confidence.certificate import Certificates, families
from interlock.lam.confidence.suspension import FILE, Suspension, suspend
from interlock.lam.protocol import Action, ActionSchema, Decision
from interlock.nodes.act import schema_of
from interlock.testing import ScriptedActionModel, certificates_for
from tests.attacks.house import House

GRAPH = """
graph: desk
version: 1
input: {request: {type: string}}
steps:
  note: {node: noting, reads: [request], writes: line}
edges:
  - START -> note
  - note -> END
  - {from: note, on: [abstained, rejected, expired, denied], to: END, outcome: nothing}
output: [line]
"""
TOOLS = '''
"""Sums that can be put aside and released."""

from pathlib import Path

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Sum(Arguments):
    amount: int = about("How much.")
    to: str = about("For whom.")


class Held(Result):
    line: str


def _happen(name: str, arguments: Sum, context: ActionContext) -> Held:
    line = f"{name} {arguments.amount} {arguments.to}"
    with Path(context.home, "effects").open("a") as effects:
        effects.write(line + "\\n")
    return Held(line=line)


@action("shop.hold", effect="keyed", risk="low", compensate="shop.release", title="{amount} for {to}")
def hold(arguments: Sum, context: ActionContext) -> Held:
    """Put a sum aside."""
    return _happen("hold", arguments, context)


@action("shop.release", effect="keyed", risk="low", title="{amount} for {to}")
def release(arguments: Sum, context: ActionContext) -> Held:
    """Release a sum."""
    return _happen("release", arguments, context)
'''
POLICY = """
policy: holding
version: 1
applies_to: [shop.hold]
rules:
  - {id: any, then: auto, because: it can be released}
"""
CARD = "node: noting\nkind: act\ngoal: Put aside what is said.\nactions: [shop.hold, shop.look]\n"
HOLD = Action(name="shop.hold", arguments={"amount": 5, "to": "anna"}, confidence=1.0)
LOOK = Action(name="shop.look", arguments={"what": "till"}, confidence=1.0)


class Model(ScriptedActionModel):
    """Proposes one action whatever it is asked, as `m-1`."""

    def __init__(self, action: Action, kind: Any = "act", certificates: Any = None) -> None:
        decision = Decision(kind=kind, actions=[action], p_null=0.0, backend="loud", model_id="m-1")
        super().__init__([decision], loop=True)
        self.certificates = certificates


def run(house: House, model: Model) -> tuple[str, str]:
    """What became of a request: the run's status, and why the gate asked."""
    house.write("graphs/desk.yaml", GRAPH)
    house.write("nodes/noting.yaml", CARD)
    if not (house.root / "tools/holding.py").exists():
        house.write("tools/holding.py", TOOLS)
        house.write("policies/holding.yaml", POLICY)
    engine = Engine(replace(house.project(), action_model=lambda: model))
    begun = engine.start(engine.project.workflow(house.root / "graphs/desk.yaml"), {"request": "Hold 5"}, "visitor")
    engine.drive(begun.id)
    standing = engine.standing(begun.id)
    reasons = standing.waiting[0].request["reasons"] if standing.waiting else []
    return standing.run.status, "; ".join(row["because"] for row in reasons if row["rule"] == "confidence")


def effects(house: House) -> bool:
    return (house.home / "effects").exists()


def test_a_certified_model_acts_where_the_policy_lets_it(house: House) -> None:
    """The counterpart of all attacks: with a certificate, enough confidence and a policy that says auto, it goes on."""
    assert run(house, Model(HOLD, certificates=certificates_for("m-1")))[0] == "done"
    assert effects(house)


def one(house: House, **changes: Any) -> Certificates:
    """The certificates for writes with something changed."""
    held = certificates_for("m-1").held
    return Certificates(tuple(c.model_copy(update=changes) for c in held if c.risk_class == "reversible"))


def grouped(house: House) -> Certificates:
    """Certificates of the group `*`, with the hold in a family for which nothing could be certified."""
    house.write("tools/holding.py", TOOLS)
    house.write("policies/holding.yaml", POLICY)
    actions = house.project().actions
    return replace(
        certificates_for("m-1"), groups=families([schema_of(actions["shop.hold"])]),
        refused={("shop", "reversible"): "9 of 100 wrong"},
    )  # fmt: skip


ATTACKS: dict[str, tuple[Callable[[House], Any], str]] = {
    "no certificate": (lambda house: None, "nothing is certified for m-1"),
    "thresholds of its own": (lambda house: {"read": 0.0, "reversible": 0.0}, "nothing is certified"),
    "a certificate of another model": (lambda house: certificates_for("m-2"), "is of m-2, not of m-1"),
    "a certificate for reads": (lambda house: certificates_for("m-1", risks=["read"]), "nothing is certified for *"),
    "a certificate of another group": (lambda house: certificates_for("m-1", group="email"), "nothing is certified"),
    "a group that failed": (grouped, "9 of 100 wrong"),
    "a lower threshold than the counts show": (lambda house: one(house, n=900, wrong=200), "counts"),
    "a larger alpha": (lambda house: one(house, alpha=0.4), "less than reversible actions need"),
    "a certificate for what was never tested": (lambda house: one(house, n=1, decisions=1), "less than reversible"),
    "a threshold above its confidence": (lambda house: one(house, threshold=1.0), ""),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_loud_model_does_not_act_alone(house: House, attack: str) -> None:
    """A confidence of 1.0 asks a person, and the reason says what is lacking."""
    certificates, because = ATTACKS[attack]
    action = HOLD.model_copy(update={"confidence": 0.99}) if "above" in attack else HOLD
    status, why = run(house, Model(action, certificates=certificates(house)))
    assert status == "waiting"
    assert because in why
    assert not effects(house)


def test_reads_ask_too(house: House) -> None:
    """An uncertified model does not even look on its own."""
    assert run(house, Model(LOOK))[0] == "waiting"
    assert run(house, Model(LOOK, certificates=certificates_for("m-1", risks=["read"])))[0] == "done"


def test_what_cannot_be_undone_always_asks(house: House) -> None:
    """Shipping is irreversible, so no certificate is about it."""
    house.write("graphs/desk.yaml", GRAPH)
    card = CARD.replace("shop.hold", "shop.ship")
    house.write("policies/ship.yaml", SHIP)
    ship = Action(name="shop.ship", arguments={"amount": 5, "to": "anna"}, confidence=1.0)
    engine = Engine(replace(house.project(), action_model=lambda: Model(ship, certificates=certificates_for("m-1"))))
    house.write("nodes/noting.yaml", card)
    begun = engine.start(engine.project.workflow(house.root / "graphs/desk.yaml"), {"request": "Ship"}, "visitor")
    engine.drive(begun.id)
    assert engine.standing(begun.id).run.status == "waiting"


SHIP = """
policy: ship
version: 1
applies_to: [shop.ship]
rules:
  - {id: any, then: auto, because: it is cheap}
"""


def test_a_policy_may_demand_more_than_the_certificate(house: House) -> None:
    """A certificate never loosens: what a policy leaves to nobody stays denied, what it asks about is asked."""
    run(house, Model(HOLD))
    house.change("policies/holding.yaml", "then: auto", "then: {approve: one}")
    status, why = run(house, Model(HOLD, certificates=certificates_for("m-1")))
    assert status == "waiting"
    assert not why.startswith("nothing")
    house.change("policies/holding.yaml", "then: {approve: one}", "then: deny")
    assert run(house, Model(HOLD, certificates=certificates_for("m-1")))[0] != "waiting"
    assert not effects(house)


def test_a_question_is_not_taken_for_an_answer(house: House) -> None:
    """A model that asks, and says nothing is missing, does not act."""
    status, why = run(house, Model(HOLD, kind="ask", certificates=certificates_for("m-1")))
    assert (status, why) == ("waiting", "the action model asked, so a person answers")


@pytest.mark.parametrize("kept", ["a suspension", "an unreadable file"])
def test_a_suspended_certificate_asks(house: House, kept: str) -> None:
    """Drift has put it out of force, or nobody can tell."""
    house.home.mkdir(parents=True, exist_ok=True)
    if kept == "a suspension":
        suspend(
            house.home,
            Suspension(model_id="m-1", group="*", risk_class="reversible", since="2026-02-01", because="it drifted"),
        )
    else:
        (house.home / FILE).write_text("{")
    generated = one(house, data="generated", source="a script")
    status, why = run(house, Model(HOLD, certificates=generated))
    assert status == "waiting"
    assert "it drifted" in why or FILE in why


def test_an_edited_threshold_is_seen(tmp_path: Path) -> None:
    """A model whose certificates were edited in its metadata, or brought from another model, is not opened at all."""
    from interlock.lam.confidence.calibrator import UNCALIBRATED
    from interlock.lam.confidence.certificate import granted
    from interlock.lam.confidence.seal import sealed
    from interlock.lam.load import load_action_model
    from interlock.lam.weights import METADATA, TENSORS, packaged_folder

    shutil.copy(packaged_folder() / TENSORS, tmp_path / TENSORS)
    true = json.loads((packaged_folder() / METADATA).read_text(encoding="utf-8"))
    certificates = certificates_for(true["model_id"]).document()
    true = sealed({**true, "calibration": UNCALIBRATED.document(), "certificates": certificates})
    (tmp_path / METADATA).write_text(json.dumps(true), encoding="utf-8")
    model = load_action_model(tmp_path, threads=1)
    assert model.certificates == Certificates.of(certificates)

    edited = json.loads(json.dumps(true))
    for row in edited["certificates"]["held"]:
        row["threshold"] = 0.01
    foreign = {**true, "certificates": certificates_for("spans-000000000000").document()}
    for number, document in enumerate((edited, foreign, {**true, "model_id": "spans-000000000000"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(tmp_path / TENSORS, folder / TENSORS)
        (folder / METADATA).write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(ModelError):
            load_action_model(folder, threads=1)
    with pytest.raises(ModelError, match="INTERLOCK_ACTION_MODEL_SEAL"):
        load_action_model(tmp_path, threads=1, seal="sha256:0")

    resealed = sealed(foreign)
    folder = tmp_path / "resealed"
    folder.mkdir()
    shutil.copy(tmp_path / TENSORS, folder / TENSORS)
    (folder / METADATA).write_text(json.dumps(resealed), encoding="utf-8")
    opened = load_action_model(folder, threads=1)
    hold = ActionSchema(name="shop.hold", description="Put a sum aside.")
    assert granted(opened, opened.model_id, hold, "read").certificate is None
