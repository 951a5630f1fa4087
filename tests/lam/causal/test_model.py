"""A causal model as an action model: the protocol, risk, evidence, bound arguments and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.errors import ModelError, SettingsError
from interlock.lam.causal.model import CausalModel
from interlock.lam.causal.tokens import Tokens
from interlock.lam.load import open_action_model
from interlock.lam.protocol import ActionModel, Decision, Observation
from interlock.testing import action_cases, action_model_conformance
from tests.lam.causal.conftest import ACTIONS, REQUESTS, SCORES, Make, action
from tests.lam.causal.tiny import make_model, save

ASKED = [(Observation(sources={"request": text}, today="2026-03-04"), ACTIONS) for text in REQUESTS]


def decided(make: Make, kinds: set[str], risk: float = 1.0, **options: Any) -> list[Decision]:
    """Decisions of a few random models, until each of the kinds was among them."""
    found: list[Decision] = []
    for seed in range(12):
        found += make(seed=seed, **options).decide_all(ASKED, risk=risk)
        if kinds <= {decision.kind for decision in found}:
            return found
    raise AssertionError(f"only { ({decision.kind for decision in found}) } in {len(found)} decisions")


@pytest.mark.slow  # twenty cases, each decided and scored several times
def test_it_keeps_every_promise_of_the_protocol(make: Make) -> None:
    """Random weights that can only copy pass the one suite for action models."""
    model = make("qwen2", seed=4, copy_only=True, most=300)
    assert isinstance(model, ActionModel)
    cases = {name: case for name, case in action_cases().items() if name != "a very long text"}
    assert action_model_conformance(model, cases, risk=1.0, copies=True, errors=True)


def test_acts_asks_and_abstentions_are_all_reached(make: Make) -> None:
    """Each kind of decision comes out, and an ask names what no value of the context fits."""
    for decision in decided(make, {"act", "ask", "abstain"}, copy_only=True):
        assert decision.backend == "causal"
        assert bool(decision.missing) is (decision.kind == "ask")
        assert bool(decision.actions) is (decision.kind != "abstain")
        if decision.kind != "abstain":
            assert decision.p_null <= 0.5


def test_confidence_is_that_of_the_free_tokens(make: Make) -> None:
    """A call is no surer than any of its arguments or than that there is a call, and evidence is a quotation."""
    acts = [d for d in decided(make, {"act"}, copy_only=True) if d.kind == "act"]
    for decision in acts:
        for done in decision.actions:
            assert 0 < done.confidence <= 1 - decision.p_null + 1e-9
            assert all(done.confidence <= sure + 1e-9 for sure in done.argument_confidence.values())


def test_risk_asks_or_abstains(make: Make) -> None:
    """At no risk nothing is done: what is doubtful becomes a question about it, or an abstention."""
    bold = decided(make, {"act"}, copy_only=True)
    careful: list[Decision] = []
    for seed in range(3):
        careful += make(seed=seed, copy_only=True).decide_all(ASKED, risk=0.0)
    assert any(decision.kind == "act" for decision in bold)
    assert all(decision.kind != "act" or decision.actions[0].confidence == 1 for decision in careful)
    asked = [decision for decision in careful if decision.kind == "ask"]
    assert asked
    assert all(
        name not in done.arguments for d in asked if len(d.actions) == 1 for done in d.actions for name in d.missing
    )


def test_bound_arguments_are_neither_told_nor_written(make: Make) -> None:
    """They are part of the call as the graph has them, and stand in no prompt."""
    model = make(copy_only=True)
    seen = Observation(sources={"request": "Pay 12 to Anna."}, bound={"payee": "zebra-4711", "amount": 3.5})
    question = model._question(seen, ACTIONS[:1], model._answers(seen, ACTIONS[:1]))
    prompt = model.tokens.tokenizer.decode(question.prompt)
    assert "zebra" not in prompt
    assert "payee" not in prompt
    assert "urgent" in prompt
    for seed in range(12):
        decision = make(seed=seed, copy_only=True).decide(seen, ACTIONS[:1], risk=1.0)
        if decision.kind == "act":
            done = decision.actions[0]
            assert done.arguments["payee"] == "zebra-4711"
            assert done.arguments["amount"] == 3.5
            assert not done.evidence.keys() & {"payee", "amount"}
            return
    pytest.fail("no random model acted")


def test_a_prompt_that_leaves_no_room_is_refused(make: Make) -> None:
    """The error counts tokens; nothing of the text is in it."""
    model = make(most=8000)
    with pytest.raises(ModelError, match="reads only 8192") as caught:
        model.decide(Observation(sources={"request": "secret " * 400}), ACTIONS, risk=1.0)
    assert "secret" not in caught.value.message


def test_one_odd_schema_is_named(make: Make) -> None:
    """A feature that no grammar follows is an error before the model is asked, with the action's name."""
    odd = action("odd.one", "Odd.", [], field={"not": {}})
    with pytest.raises(ModelError, match=r"odd\.one"):
        make().decide(ASKED[0][0], [*ACTIONS, odd], risk=1.0)


# -- folders --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    return save(tmp_path_factory.mktemp("weights") / "tiny-qwen", make_model("qwen2", SCORES, 4), tokenizer)


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "int8"])
def test_a_folder_is_opened_in_every_width(folder: Path, make: Make, dtype: str) -> None:
    """`hf:FOLDER` gives a model whose calls are valid; at full width it decides as the weights that were saved."""
    model = open_action_model(f"hf:{folder}?dtype={dtype}&copy_only=1&max_tokens=300")
    assert isinstance(model, CausalModel)
    assert (model.dialect.name, model.most, model.copy_only) == ("generic", 300, True)
    assert model.model_id == f"tiny-qwen:generic:{dtype}+copy"
    assert open_action_model(f"hf:{folder}?dtype={dtype}&copy_only=1&max_tokens=300") is model
    found = model.decide_all(ASKED[:3], risk=1.0)
    if dtype == "fp32":
        saved = make("qwen2", seed=4).model
        alone = CausalModel(saved, model.tokens, model.dialect, model_id="saved", copy_only=True)
        same = alone.decide_all(ASKED[:3], risk=1.0)
        for one, other in zip(found, same, strict=True):
            assert (one.kind, [a.arguments for a in one.actions]) == (other.kind, [a.arguments for a in other.actions])


def test_weights_that_are_not_for_every_use_are_asked_for_by_their_licence(folder: Path) -> None:
    """The error is the notice; naming the licence accepts it, and naming another does not."""
    card = folder / "README.md"
    card.write_text("---\ntags: [x]\nlicense: cc-by-nc-4.0\n---\nA card.\n", encoding="utf-8")
    try:
        for accepted in ("", "?licence=mit"):
            with pytest.raises(ModelError, match="not for commercial use") as caught:
                open_action_model(f"hf:{folder}{accepted}")
            assert "licence=cc-by-nc-4.0" in caught.value.message
        assert open_action_model(f"hf:{folder}?licence=cc-by-nc-4.0").decide(*ASKED[0], risk=1.0)
    finally:
        card.unlink()


def test_a_folder_without_usable_weights_is_refused(tmp_path: Path, tokenizer: Any) -> None:
    """No weights, and weights in a form that can run code, are both no model."""
    with pytest.raises(ModelError, match="holds no causal language model"):
        open_action_model(f"hf:{tmp_path}")
    made = save(tmp_path / "pickled", make_model("llama", SCORES, 0), tokenizer)
    (made / "model.safetensors").rename(made / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        open_action_model(f"hf:{made}")


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, tokenizer: Any) -> None:
    """More tokens than the model has scores for cannot belong to it."""
    made = save(tmp_path / "other", make_model("llama", 64, 0), tokenizer)
    with pytest.raises(ModelError, match="do not belong together"):
        open_action_model(f"hf:{made}")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("hf:", "no such folder"),
        ("hf:/no/where", "no such folder"),
        ("hf:{folder}?dialect=klingon", "Known: xlam-1"),
        ("hf:{folder}?copy_only=yes", "0 or 1"),
        ("hf:{folder}?dtype=int4", "Known: fp32"),
        ("hf:{folder}?max_tokens=0", "above 0"),
        ("hf:{folder}?colour=red", "no option colour"),
        ("hf:{folder}?dtype=bf16&dtype=int8", "twice"),
        ("hf:{folder}?dtype", "name=value"),
    ],
)
def test_a_wrong_reference_is_named(folder: Path, reference: str, said: str) -> None:
    """What does not fit is told with what would."""
    with pytest.raises(SettingsError, match=said):
        open_action_model(reference.format(folder=folder))


def test_a_dialect_that_needs_a_template_says_so(make: Make) -> None:
    """Without a chat template the generic dialect still works, and the others say what is missing."""
    model = make(dialect="hermes")
    made = model.tokens.tokenizer
    bare = type(made)(tokenizer_object=made.backend_tokenizer, eos_token="<|end|>")
    tokens = Tokens(bare, model.tokens.size, model.tokens.ends)
    alone = CausalModel(model.model, tokens, model.dialect, model_id="bare")
    with pytest.raises(ModelError, match="needs a chat template"):
        alone.decide(*ASKED[0], risk=1.0)
    assert CausalModel(model.model, tokens, make().dialect, model_id="bare", copy_only=True).decide(*ASKED[0], risk=1.0)
