"""Saves and loads the trained part of the embedded model: safetensors beside a `model.json`."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, float16

from interlock.errors import ModelError
from interlock.lam.confidence.seal import check_seal
from interlock.lam.encoder import Encoder
from interlock.lam.head import ActionHead

TENSORS, METADATA = "model.safetensors", "model.json"


def packaged_folder() -> Path:
    """The weights that come with the package."""
    return Path(__file__).with_name("weights")


@dataclass(frozen=True)
class Shape:
    """Sizes of the trained part."""

    upper: int = 3
    width: int = 256
    lower: int = 0
    """How many of the layers below the upper ones are trained too."""

    def build(self, *, trained: bool = False) -> tuple[Encoder, ActionHead]:
        """An encoder with its pretrained weights and an untrained head.

        Args:
            trained: the tuned layers are about to be replaced by trained ones, so theirs are not read.
        """
        encoder = Encoder(self.upper, self.lower)
        encoder.load_pretrained(tuned=not trained)
        return encoder, ActionHead(self.width)


def trained_tensors(encoder: Encoder, head: ActionHead) -> dict[str, Tensor]:
    """Every trained tensor by name, detached."""
    made = {f"encoder.{name}": p.detach() for name, p in encoder.named_parameters() if p.requires_grad}
    return made | {f"head.{name}": p.detach() for name, p in head.named_parameters()}


def put_tensors(encoder: Encoder, head: ActionHead, tensors: dict[str, Tensor]) -> None:
    """Write tensors back into the modules.

    Raises:
        ModelError: a tensor is missing or has another shape.
    """
    wanted = trained_tensors(encoder, head)
    for name, place in wanted.items():
        if name not in tensors or tensors[name].shape != place.shape:
            raise ModelError(f"The weights do not fit this model: {name} is missing or has another shape; train again.")
        place.copy_(tensors[name].to(place.dtype))


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save(folder: Path, encoder: Encoder, head: ActionHead, shape: Shape, metadata: dict[str, Any]) -> dict[str, Any]:
    """Write the trained part in half precision; returns the metadata with digest and model id."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.to(float16).contiguous() for name, tensor in trained_tensors(encoder, head).items()}
    save_file(tensors, str(folder / TENSORS))
    digest = digest_of(folder / TENSORS)
    document = {**metadata, "shape": shape.__dict__, "digest": digest, "model_id": f"spans-{digest[:12]}"}
    document["parameters"] = sum(tensor.numel() for tensor in tensors.values())
    write_metadata(folder, document)
    return document


def write_metadata(folder: Path, document: dict[str, Any]) -> None:
    (folder / METADATA).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_metadata(folder: Path) -> dict[str, Any]:
    """What `model.json` says, unchecked.

    Raises:
        ModelError: there is none, or it is no JSON object.
    """
    try:
        metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(
            f"There is no trained action model in {folder}; run `interlock lam train --out {folder}`."
        ) from error
    if not isinstance(metadata, dict):
        raise ModelError(f"{folder / METADATA} is no JSON object; train again or restore it.")
    return metadata


def copy_to(folder: Path, out: Path, metadata: dict[str, Any]) -> None:
    """Write a model of `folder` with other metadata to `out`, which may be the same folder."""
    if out.resolve() != folder.resolve():
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / TENSORS, out / TENSORS)
    write_metadata(out, metadata)


def load(folder: Path, *, checked: bool = True, seal: str | None = None) -> tuple[Encoder, ActionHead, dict[str, Any]]:
    """Read a trained model.

    Args:
        checked: whether its calibration and certificates are looked at; not, where new ones are about to be made.
        seal: the only seal that is accepted; any true one when `None`.

    Raises:
        ModelError: a file is missing, does not match its digest or its seal, or does not fit.
    """
    metadata = read_metadata(folder)
    digest = digest_of(folder / TENSORS) if (folder / TENSORS).is_file() else ""
    if not digest or digest != metadata.get("digest") or metadata.get("model_id") != f"spans-{digest[:12]}":
        raise ModelError(f"{folder / TENSORS} is not the file {METADATA} describes; train again or restore it.")
    if checked:
        check_seal(metadata, folder / METADATA, seal)
    encoder, head = Shape(**metadata["shape"]).build(trained=True)
    put_tensors(encoder, head, load_file(str(folder / TENSORS)))
    return encoder.eval(), head.eval(), metadata
