"""The operations of an OpenAPI document (3.0 and 3.1): what each takes and answers, as far as it can be expressed.

Nothing outside the document is opened: not the files and addresses that its references name, nor the servers
that it lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.digest import Json
from interlock.errors import ProjectError
from interlock.source import SourceError, read_document
from interlock.tools.toolsets.lock import MOST
from interlock.tools.toolsets.schemas import Schema, Unfit, resolved, settled
from interlock.tools.toolsets.shapes import Slot

METHODS = ("get", "head", "post", "put", "patch", "delete")
READS = ("GET", "HEAD")
_TEMPLATE = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|\{[^{}/]+\})*)+")
_OURS = frozenset(
    ["accept", "content-type", "authorization", "host", "content-length", "transfer-encoding", "connection"]
)
"""Headers that no argument sets."""


@dataclass(frozen=True)
class Operation:
    """One operation, as it is written in its document."""

    name: str
    """`POST /orders/{id}/refunds`."""
    method: str
    template: str
    id: str | None
    """What the document calls it."""
    written: Mapping[str, Any]
    shared: tuple[Any, ...]
    """Parameters that all operations of the path have."""


@dataclass(frozen=True)
class Form:
    """What an operation takes and answers; nothing of it leads anywhere else."""

    about: str
    slots: tuple[Slot, ...]
    whole_body: bool
    """Whether the argument `body` is the body, instead of its fields being arguments."""
    answers: tuple[int, ...]
    """Statuses that say that it was done, and come with `answer`."""
    answer: Schema | None
    """None where nothing is answered, or text."""
    text: bool
    secured: bool
    """Whether the document asks who calls."""

    def offer(self, operation: Operation) -> dict[str, Json]:
        """What is pinned of it."""
        takes: list[Json] = [
            {"name": slot.wire, "in": slot.place, "required": slot.required, "schema": slot.schema}
            for slot in self.slots
        ]
        return {
            "name": operation.name,
            "description": self.about,
            "takes": takes,
            "answers": list(self.answers),
            "answer": self.answer,
        }


def read_openapi(path: Path) -> dict[str, Any]:
    """A document, from JSON or plain YAML.

    Raises:
        ProjectError: it cannot be read, or is no OpenAPI document of version 3.
    """
    try:
        if path.stat().st_size > MOST:
            raise ProjectError(f"{path.name} is larger than {MOST:,} bytes.")
        data = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else read_document(path).data
    except SourceError as error:
        raise ProjectError(f"{path.name}: {error.findings[0].message}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path.name} cannot be read: {type(error).__name__}.") from None
    version = data.get("openapi") if isinstance(data, dict) else None
    if not str(version).startswith(("3.0", "3.1")):
        raise ProjectError(f"{path.name} is no OpenAPI document of version 3.0 or 3.1.")
    if not isinstance(data.get("paths"), dict):
        raise ProjectError(f"{path.name} has no `paths`.")
    return dict(data)


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """All operations of a document, in its order."""
    for template, item in document["paths"].items():
        if not isinstance(item, dict):
            continue
        for method in METHODS:
            written = item.get(method)
            if isinstance(written, dict):
                name = f"{method.upper()} {template}"
                known = written.get("operationId")
                shared = item.get("parameters", [])
                yield Operation(
                    name=name,
                    method=method.upper(),
                    template=template,
                    id=known if isinstance(known, str) else None,
                    written=written,
                    shared=tuple(shared) if isinstance(shared, list) else (),
                )


def form_of(operation: Operation, document: Mapping[str, Any], only: int | None = None) -> Form:
    """What an operation takes and answers.

    Args:
        only: the status whose answer is meant, where the document has several forms.

    Raises:
        Unfit: something of it cannot be expressed; the message names it.
    """
    if not _TEMPLATE.fullmatch(operation.template) or any(
        part in (".", "..") for part in operation.template.split("/")
    ):
        raise Unfit(f"the path {operation.template!r} cannot be expressed")
    slots = list(_parameters(operation, document))
    body, whole = _body(operation, document)
    answers, answer, text = _answer(operation, document, only)
    written = operation.written
    about = str(written.get("summary") or written.get("description") or "").strip().partition("\n")[0]
    settled({"description": about}, {}, "what it does")
    needed = set(re.findall(r"\{([^{}]+)\}", operation.template))
    missing = needed - {slot.wire for slot in slots if slot.place == "path"}
    if missing:
        raise Unfit(f"nothing says what {{{missing.pop()}}} of the path is")
    asks = written.get("security", document.get("security"))
    return Form(
        about=about,
        slots=(*slots, *body),
        whole_body=whole,
        answers=answers,
        answer=answer,
        text=text,
        secured=bool(asks) and {} not in asks,
    )


def _part(value: Any, document: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    """A part of the document, which may stand elsewhere in it."""
    for _ in range(10):
        if not isinstance(value, dict):
            raise Unfit(f"{at} is no mapping")
        if "$ref" not in value:
            return value
        reference = value["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unfit(f"{at}: the reference {reference!r} leads outside the document, where nothing is read")
        value = resolved(reference, document, at)
    raise Unfit(f"{at}: its references lead around in a circle")


def _parameters(operation: Operation, document: Mapping[str, Any]) -> Iterator[Slot]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    own = operation.written.get("parameters", [])
    for written in (*operation.shared, *(own if isinstance(own, list) else ())):
        parameter = _part(written, document, "a parameter")
        found[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    for (name, place), parameter in found.items():
        at = f"the {place} parameter {name}"
        required = parameter.get("required") is True
        if place == "cookie":
            if required:
                raise Unfit(f"{at} cannot be expressed")
            continue
        if place not in ("path", "query", "header"):
            raise Unfit(f"{at} is in no place that there is")
        if place == "header" and name.lower() in _OURS:
            continue
        if "schema" not in parameter or parameter.get("allowReserved"):
            raise Unfit(f"{at} is not written in the plain form, which is all that can be expressed")
        schema = settled(parameter["schema"], document, at)
        if parameter.get("description") and "description" not in schema:
            schema |= settled({"description": parameter["description"]}, {}, at)
        _plain_form(parameter, schema, place, at)
        yield Slot(name, schema, required or place == "path", place)


def _plain_form(parameter: Mapping[str, Any], schema: Schema, place: str, at: str) -> None:
    """Refuse what is not one word, or in the query, several of them one after the other."""
    style = parameter.get("style", "form" if place == "query" else "simple")
    kinds = {part.get("type") for part in (schema.get("anyOf") or schema.get("oneOf") or [schema])}
    if place == "query" and kinds == {"array"}:
        inner = schema.get("items", {})
        if style == "form" and parameter.get("explode", True) and inner.get("type") not in (None, "array", "object"):
            return
    elif (
        (style in ("form", "simple") and not kinds & {None, "array", "object"})
        or schema.get("enum")
        or "const" in schema
    ):
        return
    raise Unfit(f"{at} has a form (style {style}, type {schema.get('type', 'any')}) that cannot be expressed")


def _body(operation: Operation, document: Mapping[str, Any]) -> tuple[list[Slot], bool]:
    if "requestBody" not in operation.written:
        return [], False
    if operation.method in READS:
        raise Unfit(f"a body of {operation.method} cannot be expressed")
    body = _part(operation.written["requestBody"], document, "the body")
    content = body.get("content")
    media = content.get("application/json") if isinstance(content, dict) else None
    if not isinstance(media, dict):
        raise Unfit(f"the body is {', '.join(content or ['of no kind'])}; only application/json can be expressed")
    schema = settled(media.get("schema", True), document, "the body")
    required = body.get("required") is True
    properties = schema.get("properties")
    if schema.get("type") == "object" and properties and (required or not schema.get("required")):
        if schema.get("additionalProperties") is not False:
            raise Unfit("the body takes fields beside those that it names")
        needed = set(schema.get("required", []))
        return [Slot(name, part, name in needed, "body") for name, part in properties.items()], False
    return [Slot("body", schema, required, "body")], True


def _answer(
    operation: Operation, document: Mapping[str, Any], only: int | None
) -> tuple[tuple[int, ...], Schema | None, bool]:
    responses = operation.written.get("responses")
    found: dict[int, tuple[Schema | None, bool]] = {}
    for status, written in responses.items() if isinstance(responses, dict) else ():
        if not re.fullmatch("2[0-9][0-9]", str(status)) or (only is not None and int(status) != only):
            continue
        at = f"the answer {status}"
        content = _part(written, document, at).get("content") or {}
        media = content.get("application/json")
        if isinstance(media, dict):
            found[int(status)] = (settled(media.get("schema", True), document, at, sent=False), False)
        elif not content or all(str(kind).startswith("text/") for kind in content):
            found[int(status)] = (None, bool(content))
        else:
            raise Unfit(f"{at} is {', '.join(content)}; only application/json and text can be expressed")
    if not found:
        raise Unfit(f"it has no answer {only or '200 to 299'}")
    first = next(iter(found.values()))
    other = next((status for status, form in found.items() if form != first), None)
    if other is not None:
        raise Unfit(f"its answers {next(iter(found))} and {other} have two forms; say which is meant with `answer`")
    return tuple(found), *first
