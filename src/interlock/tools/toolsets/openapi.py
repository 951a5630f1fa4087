"""The operations of an OpenAPI document as actions.

::

    openapi: shop
    document: documents/shop.json        # in the project; its own `servers` are not asked
    server: {url: https://shop.example.org/v1, bearer: secret://shop_token}
    tools:
      read_order: {operation: getOrder}                          # GET and HEAD read
      refund: {operation: POST /orders/{id}/refunds, effect: keyed, key_header: Idempotency-Key, targets: [id]}

Every other method counts as one that changes something, of which nobody can know whether it happened, until
the file says more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from interlock.digest import Json, digest, fingerprint, plain
from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.source import Document, Finding, hint_for, validate
from interlock.tools.action import Action, ActionContext, Arguments, Result
from interlock.tools.connect.http import METHODS, Answer, AnswerUnknown, Api
from interlock.tools.connect.place import place_of, public
from interlock.tools.secret import NAME as SECRET
from interlock.tools.toolsets.declared import NAME, Declared, Fault, ToolFields, words
from interlock.tools.toolsets.lock import lock_file, read_lock
from interlock.tools.toolsets.operations import READS, Form, Operation, form_of, operations, read_openapi
from interlock.tools.toolsets.schemas import Unfit
from interlock.tools.toolsets.shapes import Reading, Shape, reading_of, shape_of


class ServiceFields(Declared):
    """Where the service stands, and how it knows who calls."""

    url: str = Field(description="Address below which the paths of the document lie; the document's own is not asked.")
    private: bool = Field(default=False, description="Whether it stands on this machine or in a private network.")
    bearer: str | None = Field(
        default=None, pattern=f"^{SECRET.pattern}$", description="The token to send, as `secret://name`."
    )
    headers: dict[str, str] = Field(default={}, description="Headers to send; a value may be `secret://name`.")
    query: dict[str, str] = Field(default={}, description="Parameters to send; a value may be `secret://name`.")


class OperationTool(ToolFields):
    """What is declared of one operation."""

    operation: str | None = Field(
        default=None, min_length=1, description="Its `operationId`, or method and path; without it, the name here."
    )
    key_header: str | None = Field(
        default=None, pattern="^[A-Za-z0-9-]+$", description="For `keyed`: the header that carries the effect's key."
    )
    key_ttl: float | None = Field(
        default=None, gt=0, description="For `keyed`: seconds that the service remembers a key."
    )
    answer: int | None = Field(
        default=None, ge=200, le=299, description="The status whose answer is meant, where there are several forms."
    )


class OpenApiFields(Declared):
    """The operations of an OpenAPI document."""

    openapi: str = Field(pattern=NAME, description="Family of the actions.")
    description: str = Field(default="", description="What the service is for.")
    document: str = Field(min_length=1, description="The document, as a path in the project: `.json`, or `.yaml`.")
    server: ServiceFields = Field(description="The service: its address, and what is sent with every call.")
    seconds: float = Field(default=30, gt=0, le=600, description="How long one call may take.")
    most: int = Field(default=1_000_000, ge=1000, le=50_000_000, description="Bytes that are read of one answer.")
    tools: dict[str, OperationTool] = Field(min_length=1, description="The operations that are actions, by their name.")


def read(document: Document, path: Path) -> tuple[list[Action], list[Finding]]:
    """The actions of a file, and what is wrong with it."""
    fields, findings = validate(OpenApiFields, document, "C")
    if fields is None or findings:
        return [], findings
    try:
        check_server(fields.server)
    except Fault as fault:
        return [], [document.finding("C006", str(fault), fault.at)]
    try:
        whole = read_openapi(document_file(fields, path))
    except ProjectError as error:
        return [], [document.finding("C007", error.message.rstrip("."), ("document",))]
    try:
        pins = read_lock(lock_file(path), fields.openapi) or {}
    except ProjectError as error:
        return [], [document.finding("C004", error.message.rstrip("."), ("openapi",), hint=_again(fields))]
    actions = []
    for name, tool in fields.tools.items():
        at = ("tools", name)
        try:
            operation = find(name, tool, whole)
            form = form_of(operation, whole, tool.answer)
            pin = fingerprint(form.offer(operation))
            before = pins.get(operation.name)
            if before is None or before["digest"] != pin:
                how = "has not been pinned" if before is None else "is not what was pinned"
                message = f"the operation `{operation.name}` {how}"
                findings.append(document.finding("C004", message, at, key=True, hint=_again(fields)))
                continue
            actions.append(_action(name, tool, fields, operation, form, pin))
        except Unfit as fault:
            findings.append(document.finding("C005", f"`{name}`: {fault}", at, key=True))
        except Fault as fault:
            place = (*at, *fault.at) if document.at((*at, *fault.at)) is not None else at
            hint = hint_for(tool.operation or name, _known(whole)) if fault.at == ("operation",) else None
            findings.append(document.finding("C006", str(fault), place, key=place == at, hint=hint))
    return actions, findings


def _again(fields: OpenApiFields) -> str:
    return f"look at it, then pin it: interlock tools pin {fields.openapi}"


def check_server(service: ServiceFields) -> None:
    """Refuse a server that could never be called.

    Raises:
        Fault: its address is none, or inside without saying so.
    """
    for part, values in (("headers", service.headers), ("query", service.query)):
        for name, value in values.items():
            if value.startswith("secret:") and not SECRET.fullmatch(value):
                raise Fault("name a secret as secret://name", "server", part, name)
    try:
        place = place_of(service.url, private=service.private)
    except ProjectError as error:
        raise Fault(error.message.rstrip("."), "server", "url") from None
    try:
        inside = not public(place.host)
    except ValueError:
        return  # a name, which is looked at when it is called
    if inside and not service.private:
        raise Fault(f"{place.host} is no public address, and the service is not declared as `private`", "server", "url")


def document_file(fields: OpenApiFields, path: Path) -> Path:
    """The document of a toolset, which stands in its project.

    Raises:
        ProjectError: the path leads out of the project.
    """
    root = path.resolve().parent.parent
    found = (root / fields.document).resolve()
    if not found.is_relative_to(root) or Path(fields.document).is_absolute():
        raise ProjectError(f"the document {fields.document} does not stand in the project.")
    return found


def find(name: str, tool: OperationTool, document: Mapping[str, Any]) -> Operation:
    """The operation that a tool means.

    Raises:
        Fault: there is none, or several are called so.
    """
    wanted = tool.operation or name
    found = [operation for operation in operations(document) if wanted in (operation.id, operation.name)]
    if len(found) != 1:
        how = "no operation" if not found else f"{len(found)} operations"
        raise Fault(f"the document has {how} `{wanted}`", "operation")
    return found[0]


def _known(document: Mapping[str, Any]) -> list[str]:
    return [word for operation in operations(document) for word in (operation.id, operation.name) if word]


def _api(fields: OpenApiFields, tool: OperationTool) -> Api:
    return Api(
        fields.server.url,
        methods=METHODS,
        private=fields.server.private,
        seconds=fields.seconds,
        most=fields.most,
        key_header=tool.key_header or "",
    )


def _action(
    name: str, tool: OperationTool, fields: OpenApiFields, operation: Operation, form: Form, pin: str
) -> Action:
    if tool.effect is None and operation.method in READS:
        tool = tool.model_copy(update={"effect": "read"})
    if (tool.effect == "keyed") != (tool.key_header is not None):
        raise Fault(
            "a keyed effect needs `key_header`, the header that carries the key, and no other has one", "effect"
        )
    if tool.effect == "keyed" and operation.method in READS:
        raise Fault(f"{operation.method} carries no key", "effect")
    if tool.key_ttl is not None and tool.effect != "keyed":
        raise Fault("`key_ttl` is for a keyed effect", "key_ttl")
    if form.secured and not (fields.server.bearer or fields.server.headers or fields.server.query):
        raise Fault("the document asks who calls; add `bearer`, `headers` or `query` to the `server`")
    about = tool.description or form.about
    if not about:
        raise Fault("neither the document nor this file says what it does; add a `description`")
    taken = {tool.key_header.lower()} if tool.key_header else set()
    taken |= {header.lower() for header in fields.server.headers}
    slots = [
        slot
        for slot in form.slots
        if not (slot.place == "header" and slot.wire.lower() in taken)
        and not (slot.place == "query" and slot.wire in fields.server.query)
    ]
    shape = shape_of(f"{fields.openapi} {name}", slots)
    reading = reading_of(f"{fields.openapi} {name} answer", form.answer) if form.answer is not None else None
    result = reading.model if reading is not None else Text if form.text else Done
    call = _Call(_api(fields, tool), fields.server, operation, form, shape, reading)
    words_of = words(tool, shape.model, result, key_ttl=tool.key_ttl)
    call.reads = words_of["effect"] == "read"
    return Action(
        name=f"{fields.openapi}.{name}",
        description=about,
        arguments=shape.model,
        result=result,
        run=call,
        declared_as=digest({"url": fields.server.url, "pin": pin, "key": tool.key_header}),
        **words_of,
    )


class Done(Result):
    """The service answered that it was done, and nothing more."""

    status: int


class Text(Result):
    """What the service answered, where that is text that anybody may have written."""

    text: str


class _Call:
    """The call of one operation."""

    def __init__(
        self,
        api: Api,
        service: ServiceFields,
        operation: Operation,
        form: Form,
        shape: Shape,
        reading: Reading | None,
    ) -> None:
        self._api = api
        self._service = service
        self._operation = operation
        self._form = form
        self._shape = shape
        self._reading = reading
        self.reads = False

    def __call__(self, arguments: Arguments, context: ActionContext) -> Result:
        """Call the operation.

        Raises:
            EffectNotDone: nothing was done; it may be tried again.
            EffectFailed: it was refused, for good.
            AnswerUnknown: it was called, and what became of it is not known.
        """
        try:
            return self._read(self._sent(arguments, context))
        except AnswerUnknown as error:
            if self.reads:
                raise EffectNotDone(str(error)) from None
            raise

    def _sent(self, arguments: Arguments, context: ActionContext) -> Answer:
        values = self._shape.sent(arguments)
        placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}}
        for slot in self._shape.slots.values():
            if slot.wire in values:
                value = values[slot.wire]
                placed[slot.place][slot.wire] = value if slot.place == "body" else _word(value)
        body: Json = placed["body"] or None
        if self._form.whole_body:
            body = placed["body"].get("body")
        elif body is None and any(slot.place == "body" for slot in self._form.slots):
            body = {}
        return self._api.call(
            context,
            self._operation.method,
            self._operation.template,
            path=placed["path"],
            query=placed["query"] | self._secrets(self._service.query, context),
            headers=placed["header"] | self._secrets(self._service.headers, context),
            json=body,
            bearer=self._service.bearer,
        )

    def _secrets(self, values: Mapping[str, str], context: ActionContext) -> dict[str, str]:
        return {name: context.secret(value) if SECRET.fullmatch(value) else value for name, value in values.items()}

    def _read(self, answer: Answer) -> Result:
        try:
            if answer.status not in self._form.answers:
                raise ValueError(f"it is {answer.status}, not {', '.join(map(str, self._form.answers))}")
            if self._reading is not None:
                return self._reading.read(plain(answer.json()))
            if self._form.text:
                return Text(text=answer.body.decode("utf-8"))
            return Done(status=answer.status)
        except (ValueError, TypeError) as error:
            said = f"the answer of {self._operation.name} is not as its document says: {error}"
            if self.reads:
                raise EffectFailed(f"{said}.") from None
            raise AnswerUnknown(f"{said}; it was called all the same.") from None


def _word(value: Any) -> Any:
    """A value as it stands in a URL or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_word(item) for item in value]
    return str(value)


def offers(fields: OpenApiFields, path: Path) -> dict[str, dict[str, Json]]:
    """What the document says now of the operations that the file declares.

    Raises:
        ProjectError: the document cannot be used, or an operation of it cannot be expressed.
    """
    document = read_openapi(document_file(fields, path))
    found = {}
    for name, tool in fields.tools.items():
        try:
            operation = find(name, tool, document)
            found[operation.name] = form_of(operation, document, tool.answer).offer(operation)
        except (Unfit, Fault) as fault:
            raise ProjectError(f"{path.name}: `{name}`: {fault}.") from None
    return found


def tool_name(operation: Operation) -> str:
    """What an operation is called here where nobody says otherwise: `createRefund` is `create_refund`."""
    written = operation.id or f"{operation.method.lower()}{operation.template}"
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written)
    found = re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")
    return found if re.fullmatch(NAME, found) else f"do_{found}"
