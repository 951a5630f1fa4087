"""Loads a causal language model from a folder: safetensors only, no code from the folder, no network."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from interlock.errors import ModelError
from interlock.lam.causal.reference import Reference, Width

NOT_FREE = "cc-by-nc-4.0"
"""The licence of all weights of xLAM: attribution, and no commercial use."""


def licence_of(folder: Path) -> str | None:
    """The licence that the folder's card names, in lower case; that of xLAM where the name says so."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"\A---\n(?:.*\n)*?license:[ \t]*([\w.-]+)[ \t]*\n(?:.*\n)*?---", text)
    if found:
        return found[1].lower()
    return NOT_FREE if "xlam" in folder.resolve().name.lower() else None


def accept_licence(reference: Reference) -> None:
    """Weights that are not for every use must be asked for by the name of their licence.

    Raises:
        ModelError: the licence is not accepted; the message is the notice.
    """
    licence = licence_of(reference.folder)
    if licence is not None and "-nc" in licence and (reference.licence or "").lower() != licence:
        raise ModelError(
            f"the weights in {reference.folder} are under {licence}: with attribution, and not for commercial use. "
            f"If that is yours to accept, add licence={licence} to the options of the reference."
        )


def load_weights(reference: Reference) -> tuple[Any, Any]:
    """The model, ready to be asked, and its tokenizer.

    Raises:
        ModelError: the folder holds no such model, or its licence is not accepted.
    """
    accept_licence(reference)
    given = {"local_files_only": True, "trust_remote_code": False}
    dtype = torch.bfloat16 if reference.dtype == "bf16" else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(reference.folder, **given)
        model = AutoModelForCausalLM.from_pretrained(reference.folder, dtype=dtype, use_safetensors=True, **given)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{reference.folder} holds no causal language model with safetensors weights and its tokenizer ({reason})."
        ) from error
    return narrowed(model.eval(), reference.dtype), tokenizer


def narrowed(model: Any, width: Width) -> Any:
    """The model with its linear layers in 8-bit integers, if that is asked for.

    Raises:
        ModelError: this build of torch cannot.
    """
    if width != "int8":
        return model
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces another package for this
            from torch.ao.quantization import quantize_dynamic

            quantize: Any = quantize_dynamic
            return quantize(model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"this torch has no 8-bit linear layers here ({reason}); use dtype=bf16.") from error
