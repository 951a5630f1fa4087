"""Declared SQL statements as actions.

::

    sql: crm
    database: secret://crm_url                  # a SQLAlchemy URL
    tools:
      customer:
        description: Look a customer up.
        statement: SELECT id, name FROM customers WHERE id = :customer
        effect: read
        arguments: {customer: {type: integer, description: Number of the customer.}}
        columns: {id: integer, name: string}
        records: [rows.id]
      rename:
        description: Give a customer another name.
        statement: UPDATE customers SET name = :name WHERE id = :customer
        effect: idempotent
        arguments: {customer: {type: integer}, name: {type: string, max_length: 80}}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from interlock.digest import digest, plain
from interlock.errors import EffectFailed
from interlock.source import Document, Finding, validate
from interlock.tools.action import Action, ActionContext, Arguments, Result
from interlock.tools.connect.statements import KEY, Statement
from interlock.tools.secret import NAME as SECRET
from interlock.tools.toolsets.declared import NAME, Declared, Fault, ToolFields, words
from interlock.tools.toolsets.schemas import Schema, Unfit, settled
from interlock.tools.toolsets.shapes import Reading, Shape, Slot, reading_of, shape_of

Column = Literal["string", "integer", "number", "boolean", "any"]


class ArgumentFields(Declared):
    """The type of one value of a statement."""

    type: Literal["string", "integer", "number", "boolean"] = Field(description="The kind of the value.")
    description: str = Field(default="", description="What it means, for models and people.")
    format: Literal["email", "date", "date-time", "uuid"] | None = Field(
        default=None, description="For text: how it is written."
    )
    enum: list[str] | None = Field(default=None, min_length=1, description="For text: all the values there are.")
    min_length: int | None = Field(default=None, ge=0, description="For text: at least so many characters.")
    max_length: int | None = Field(default=None, ge=0, description="For text: at most so many characters.")
    minimum: float | None = Field(default=None, description="For a number: this or more.")
    maximum: float | None = Field(default=None, description="For a number: this or less.")

    def json_schema(self) -> Schema:
        """It as JSON Schema."""
        names = {"min_length": "minLength", "max_length": "maxLength"}
        return {names.get(key, key): value for key, value in self.model_dump().items() if value not in (None, "")}


class SqlTool(ToolFields):
    """One statement."""

    statement: str = Field(min_length=1, max_length=10_000, description="The SQL, with each value as `:name`.")
    arguments: dict[str, ArgumentFields] = Field(default={}, description="The types of its values, by name.")
    columns: dict[str, Column] = Field(default={}, description="For a read: the columns of a row, and their types.")
    rows: int | None = Field(
        default=None, ge=1, le=10_000, description="Rows that it may change (1), or that are read of its answer (100)."
    )


class SqlFields(Declared):
    """Statements of one database."""

    sql: str = Field(pattern=NAME, description="Family of the actions.")
    description: str = Field(default="", description="What the database holds.")
    database: str = Field(pattern=f"^{SECRET.pattern}$", description="Its SQLAlchemy URL, as `secret://name`.")
    seconds: float = Field(default=30, gt=0, le=600, description="How long one statement may take.")
    tools: dict[str, SqlTool] = Field(min_length=1, description="The statements that are actions, by their name.")


class Changed(Result):
    """What a statement did; 0 where an earlier attempt with the same key had done it."""

    rows: int


def read(document: Document, path: Path) -> tuple[list[Action], list[Finding]]:
    """The actions of a file, and what is wrong with it."""
    fields, findings = validate(SqlFields, document, "C")
    if fields is None or findings:
        return [], findings
    actions = []
    for name, tool in fields.tools.items():
        try:
            actions.append(_action(name, tool, fields))
        except Unfit as fault:
            findings.append(document.finding("C005", f"`{name}`: {fault}", ("tools", name), key=True))
        except Fault as fault:
            findings.append(document.finding("C006", str(fault), ("tools", name, *fault.at)))
    return actions, findings


def _action(name: str, tool: SqlTool, fields: SqlFields) -> Action:
    reads = tool.effect == "read"
    statement = Statement(tool.statement, reads, tool.rows or (100 if reads else 1), fields.seconds)
    if fault := statement.faults():
        raise Fault(fault, "statement")
    if not tool.description:
        raise Fault("say what it does with a `description`; models choose it by that")
    wanted = [parameter for parameter in statement.parameters if parameter != KEY]
    if (tool.effect == "keyed") != (KEY in statement.parameters):
        raise Fault(f"a keyed statement carries its key as `:{KEY}`, and no other does", "statement")
    if unknown := sorted(set(wanted) ^ set(tool.arguments)):
        raise Fault(f"`{unknown[0]}` stands in only one of `statement` and `arguments`", "statement")
    if bool(tool.columns) != reads:
        raise Fault("a statement that reads names its `columns`, and no other has any")
    shape = shape_of(
        f"{fields.sql} {name}",
        [Slot(wire, settled(tool.arguments[wire].json_schema(), {}, wire)) for wire in wanted],
    )
    reading = _reading(f"{fields.sql} {name} answer", tool.columns) if reads else None
    result = reading.model if reading is not None else Changed
    declared = {"database": fields.database, "statement": tool.statement, "rows": statement.rows}
    return Action(
        name=f"{fields.sql}.{name}",
        description=tool.description,
        arguments=shape.model,
        result=result,
        run=_Call(statement, fields.database, shape, reading, keyed=tool.effect == "keyed"),
        declared_as=digest(declared),
        **words(tool, shape.model, result),
    )


def _reading(title: str, columns: Mapping[str, Column]) -> Reading:
    kinds: dict[str, Schema] = {
        name: {} if kind == "any" else {"anyOf": [{"type": kind}, {"type": "null"}]} for name, kind in columns.items()
    }
    row: Schema = {"type": "object", "properties": kinds, "required": list(kinds), "additionalProperties": False}
    return reading_of(
        title,
        {
            "type": "object",
            "properties": {"rows": {"type": "array", "items": row}, "more": {"type": "boolean"}},
            "required": ["rows", "more"],
        },
    )


class _Call:
    """One statement, carried out."""

    def __init__(
        self, statement: Statement, database: str, shape: Shape, reading: Reading | None, *, keyed: bool
    ) -> None:
        self._statement = statement
        self._database = database
        self._shape = shape
        self._reading = reading
        self._keyed = keyed

    def __call__(self, arguments: Arguments, context: ActionContext) -> Result:
        """Carry it out.

        Raises:
            EffectNotDone: the database cannot be used now; nothing was changed.
            EffectFailed: it refuses, or more rows would be changed than may be; nothing was changed.
            AnswerUnknown: the commit broke off.
        """
        values: dict[str, Any] = dict(self._shape.sent(arguments))
        url = context.secret(self._database)
        if self._reading is None:
            if self._keyed:
                values[KEY] = context.key
            return Changed(rows=self._statement.change(url, values, repeats=self._keyed))
        rows, more = self._statement.read(url, values)
        try:
            return self._reading.read({"rows": [plain(row) for row in rows], "more": more})
        except (TypeError, ValueError) as error:
            raise EffectFailed(f"the rows are not as declared: {error}.") from None
