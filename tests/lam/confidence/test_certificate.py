"""The certificate: which tools it is about, what it takes to be believed, and that changes are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.errors import ModelError
from interlock.lam.confidence.certificate import ANY, NOTHING, Certificates, families, granted
from interlock.lam.confidence.certification import Column, Origin, certified, replaced
from interlock.lam.confidence.seal import check_seal, sealed
from interlock.lam.protocol import ActionSchema
from interlock.testing import certificates_for

SEND = ActionSchema(name="email.send", description="Send a message.")
PAY = ActionSchema(name="payments.transfer", description="Pay.")
OTHER = ActionSchema(name="weather_forecast", description="Tell the weather.")
ORIGIN = Origin("m-1", "generated", "a test", "2026-01-05T09:00:00+00:00", 7)
GROUPS = families([SEND, PAY])


def column(count: int, wrong: int) -> Column:
    """Decisions of falling confidence, the wrong ones last."""
    return Column([1 - n / (2 * count) for n in range(count)], [n < count - wrong for n in range(count)])


def made(testing: dict[str, Column]) -> Certificates:
    return certified({name: column(1000, 0) for name in testing}, testing, GROUPS, ORIGIN)[0]


def test_a_family_with_enough_decisions_is_certified_by_itself() -> None:
    """Its own threshold counts for its tools, the common one for all others."""
    found = made({"email": column(400, 0), ANY: column(2000, 900)})
    email = found.grant("m-1", SEND, "reversible").certificate
    common = found.grant("m-1", OTHER, "read").certificate
    assert email is not None
    assert common is not None
    assert (email.group, email.n, email.wrong) == ("email", 400, 0)
    assert common.group == ANY
    assert common.threshold > email.threshold
    assert common.alpha < email.alpha or common.risk_class == "read"


def test_a_family_that_failed_does_not_fall_back_on_the_others() -> None:
    """Enough decisions that show too much risk ask, although the common certificate would let them go."""
    found = made({"email": column(400, 399), ANY: column(2000, 0)})
    refused = found.grant("m-1", SEND, "read")
    assert refused.certificate is None
    assert "nothing is certified for email (read)" in refused.because
    assert found.grant("m-1", OTHER, "read").certificate is not None


def test_a_family_with_too_few_decisions_goes_by_the_common_certificate() -> None:
    """Below 200 there is no group, so its tools are like tools that were never seen."""
    found = made({"payments": column(150, 0), ANY: column(2000, 0)})
    grant = found.grant("m-1", PAY, "read").certificate
    assert grant is not None
    assert grant.group == ANY


def test_a_changed_tool_is_another_tool() -> None:
    """With another description the tool has left its group."""
    found = made({"email": column(400, 0), ANY: column(2000, 1999)})
    assert found.grant("m-1", SEND, "read").certificate is not None
    assert found.grant("m-1", SEND.model_copy(update={"description": "Send all."}), "read").certificate is None


def test_generated_requests_certify_unseen_tools_at_half_of_alpha() -> None:
    """The margin is part of what the certificate says."""
    found = made({"email": column(400, 0), ANY: column(2000, 0)})
    alphas = {(c.group, c.risk_class): c.alpha for c in found.held}
    assert alphas[ANY, "read"] == alphas["email", "read"] / 2


def test_irreversible_actions_are_never_certified() -> None:
    """There is no certificate of that class, so none can be granted."""
    found = made({"email": column(4000, 0), ANY: column(4000, 0)})
    assert found.grant("m-1", SEND, "irreversible").certificate is None
    assert found.thresholds["irreversible"] is None


LIES: dict[str, dict[str, Any]] = {
    "another model": {"model_id": "m-2"},
    "fewer wrong than there were": {"wrong": 0},
    "more decisions than there were": {"n": 5000},
    "a larger alpha": {"alpha": 0.5},
    "a larger delta": {"delta": 0.9},
    "too few decisions": {"decisions": 100},
    "another p-value": {"p_value": 0.0},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_certificate_that_its_counts_do_not_show_is_refused(lie: str) -> None:
    """It is tested again whenever it is used."""
    found = made({"email": column(400, 2), ANY: column(400, 0)})
    true = next(c for c in found.held if (c.group, c.risk_class) == ("email", "read"))
    assert true.fault("m-1") is None
    changed = true.model_copy(update=LIES[lie])
    grant = Certificates((changed,), {}, GROUPS).grant("m-1", SEND, "read")
    assert grant.certificate is None
    assert grant.because


def test_a_model_without_certificates_is_granted_nothing() -> None:
    """No attribute, a dictionary of thresholds, and the certificates of another model are all nothing."""
    for held in (None, {"read": 0.1}, NOTHING, certificates_for("m-2")):
        grant = granted(type("Model", (), {"certificates": held})(), "m-1", SEND, "read")
        assert grant.certificate is None, held
    assert granted(object(), "m-1", SEND, "read").because == "nothing is certified for m-1"


def test_certificates_are_read_back_as_they_were_written() -> None:
    """Through JSON nothing is lost, and what is no list of certificates is refused."""
    found = made({"email": column(400, 399), ANY: column(2000, 0)})
    assert Certificates.of(found.document()) == found
    for broken in ({}, {"held": [{}], "refused": [], "groups": {}}, {"held": 1, "refused": [], "groups": {}}):
        with pytest.raises(ModelError, match="certificates cannot be read"):
            Certificates.of(broken)


def test_verdicts_replace_the_groups_they_are_about() -> None:
    """The other groups keep what they had."""
    old = made({"email": column(400, 0), "payments": column(400, 0), ANY: column(400, 0)})
    new, _ = certified({"email": column(100, 0)}, {"email": column(300, 299)}, families([SEND]), ORIGIN)
    merged = replaced(old, new)
    assert merged.grant("m-1", SEND, "read").certificate is None
    assert merged.grant("m-1", PAY, "read").certificate is not None


def metadata() -> dict[str, Any]:
    found = made({"email": column(400, 0), ANY: column(400, 0)})
    return sealed(
        {
            "digest": "d", "model_id": "m-1", "shape": {}, "calibration": {"weights": {"fits": 1.0}, "bias": 0.5},
            "certificates": found.document(), "references": {"email": {"tools": [1.0, 2.0]}}, "licence": "Apache-2.0",
        }
    )  # fmt: skip


CHANGES: dict[str, Any] = {
    "a threshold": lambda m: m["certificates"]["held"][0].update(threshold=0.01),
    "the bias of the calibration": lambda m: m["calibration"].update(bias=9.0),
    "a weight": lambda m: m["calibration"]["weights"].update(fits=9.0),
    "a group": lambda m: m["certificates"]["groups"]["email"].update({"email.wipe": "x"}),
    "the sample of the calibration": lambda m: m["references"]["email"].update(tools=[3.0]),
    "the weights": lambda m: m.update(digest="e"),
    "the model's name": lambda m: m.update(model_id="m-2"),
    "the seal": lambda m: m.update(seal="sha256:0"),
    "no seal": lambda m: m.pop("seal"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_breaks_the_seal(change: str) -> None:
    """What decides how sure a model is said to be cannot be edited without its being seen."""
    document = metadata()
    check_seal(document, Path("m/model.json"))
    CHANGES[change](document)
    with pytest.raises(ModelError, match="changed after they were made"):
        check_seal(document, Path("m/model.json"))


def test_what_does_not_matter_may_be_edited() -> None:
    """The seal is about confidence; and a pinned seal accepts no other, be it a true one."""
    document = metadata()
    document["licence"] = "another"
    check_seal(document, Path("m/model.json"), document["seal"])
    check_seal({"digest": "d", "model_id": "m"}, Path("m/model.json"))
    with pytest.raises(ModelError, match="INTERLOCK_ACTION_MODEL_SEAL"):
        check_seal(document, Path("m/model.json"), "sha256:1")
