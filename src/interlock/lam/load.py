"""Opens the action model that a setting or an option names, once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from interlock.errors import SettingsError
from interlock.lam.causal.reference import PREFIX as CAUSAL
from interlock.lam.causal.reference import read_reference
from interlock.lam.endpoint.options import PREFIXES
from interlock.lam.protocol import ActionModel
from interlock.settings import load_settings

if TYPE_CHECKING:  # torch takes seconds to import, and an endpoint needs none of it
    from interlock.lam.spans import SpanModel


def open_action_model(reference: str | None = None, *, key: SecretStr | None = None) -> ActionModel:
    """The action model that `reference` names.

    | reference           | model                                                  |
    |---------------------|--------------------------------------------------------|
    | none                | the packaged weights of the embedded model             |
    | `http(s)://HOST/v1` | an endpoint of the OpenAI protocol (`lam.endpoint`)    |
    | `hf:FOLDER`         | a causal language model on disk (`lam.causal`)         |
    | any other text      | a folder of trained weights for the embedded model     |

    The same reference gives the same object for as long as the process lives.

    Args:
        key: what an endpoint is sent to prove who asks; `INTERLOCK_ACTION_MODEL_KEY` when `None`.

    Raises:
        ModelError: there is no intact model.
        SettingsError: the reference has an option that does not fit.
    """
    if reference and reference.startswith(PREFIXES):
        return _endpoint(reference, key or load_settings().action_model_key)
    if reference and reference.startswith(CAUSAL):
        return _causal(reference)
    return load_action_model(Path(reference) if reference else None, seal=load_settings().action_model_seal)


@lru_cache(maxsize=2)
def _causal(reference: str) -> ActionModel:
    try:
        import llguidance  # noqa: F401  # an extra
    except ImportError:
        raise SettingsError(f"{reference}: causal models need llguidance: pip install 'interlock[hf]'.") from None
    from interlock.lam.causal.model import CausalModel

    return CausalModel.load(read_reference(reference))


@lru_cache(maxsize=16)
def _endpoint(reference: str, key: SecretStr | None) -> ActionModel:
    from interlock.lam.endpoint.model import EndpointModel
    from interlock.lam.endpoint.options import read_options

    return EndpointModel(read_options(reference, key))


def load_action_model(path: Path | None = None, *, threads: int | None = None, seal: str | None = None) -> SpanModel:
    """The embedded model of a folder written by `interlock lam train`, or the packaged one.

    The same folder gives the same object for as long as the process lives.

    Args:
        threads: CPU threads for a decision; torch's own setting when `None`.
        seal: the only seal that is accepted; any true one when `None`.

    Raises:
        ModelError: the folder holds no intact model, or one with another seal.
    """
    from interlock.lam.weights import packaged_folder

    return _load((path or packaged_folder()).resolve(), threads, seal)


@lru_cache(maxsize=4)
def _load(folder: Path, threads: int | None, seal: str | None) -> SpanModel:
    from interlock.lam.confidence.calibrator import UNCALIBRATED, Calibration
    from interlock.lam.confidence.certificate import NOTHING, Certificates
    from interlock.lam.reader import halves
    from interlock.lam.spans import SpanModel
    from interlock.lam.weights import load

    encoder, head, metadata = load(folder, seal=seal)
    calibration = Calibration.read(metadata.get("calibration") or {})
    certificates = Certificates.of(metadata["certificates"]) if calibration and "certificates" in metadata else NOTHING
    return SpanModel(
        encoder, head, model_id=metadata["model_id"], calibration=calibration or UNCALIBRATED,
        certificates=certificates, threads=threads, half=halves(),
    )  # fmt: skip
