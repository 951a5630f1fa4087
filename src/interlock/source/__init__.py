"""Files people write: a strict YAML reader that keeps positions, and findings that point into the text."""

from interlock.source.document import Document, SourceError
from interlock.source.finding import Finding, Loc, Mark, did_you_mean, hint_for
from interlock.source.reader import MAX_BYTES, parse_document, read_document
from interlock.source.rendering import render
from interlock.source.validation import validate

__all__ = [
    "MAX_BYTES",
    "Document",
    "Finding",
    "Loc",
    "Mark",
    "SourceError",
    "did_you_mean",
    "hint_for",
    "parse_document",
    "read_document",
    "render",
    "validate",
]
