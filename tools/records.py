"""Business records in SQL: find, change one field, add a note."""

from typing import Any, Literal

from interlock.tools.action import ActionContext, Arguments, Result, about, action
from interlock.tools.connect import sql

Kind = Literal["customer", "order", "invoice"]


class Update(Arguments):
    kind: Kind = about("Kind of record.")
    id: str = about("Identifier of the record.", min_length=1, max_length=60)
    field: str = about("Name of the field to change.", min_length=1, max_length=60)
    value: str = about("New value of the field.", max_length=2000)


class Find(Arguments):
    kind: Kind = about("Kind of record.")
    id: str = about("Identifier of the record.", min_length=1, max_length=60)


class AddNote(Arguments):
    kind: Kind = about("Kind of record.")
    id: str = about("Identifier of the record.", min_length=1, max_length=60)
    note: str = about("Text of the note.", min_length=1, max_length=2000)


class Changed(Result):
    kind: str
    id: str
    before: dict[str, Any]
    after: dict[str, Any]


class Record(Result):
    kind: str
    id: str
    fields: dict[str, Any]


@action("records.update", effect="keyed", risk="medium", targets=["kind", "id"], title="{kind} {id}: {field} = {value}")
def update(arguments: Update, context: ActionContext) -> Changed:
    """Change one field of a customer, order or invoice record."""
    change = sql.set_field(context, kind=arguments.kind, id=arguments.id, field=arguments.field, value=arguments.value)
    return Changed(kind=arguments.kind, id=arguments.id, before=change.before, after=change.after)


@action("records.find", effect="read", title="{kind} {id}")
def find(arguments: Find, context: ActionContext) -> Record:
    """Look up a customer, order or invoice record."""
    fields = sql.find(arguments.kind, arguments.id, context.home)
    return Record(kind=arguments.kind, id=arguments.id, fields=fields)


@action("records.note", effect="keyed", risk="low", targets=["kind", "id"], title="{kind} {id}: {note}")
def note(arguments: AddNote, context: ActionContext) -> Changed:
    """Attach a note to a customer, order or invoice record."""
    change = sql.add_note(context, kind=arguments.kind, id=arguments.id, note=arguments.note)
    return Changed(kind=arguments.kind, id=arguments.id, before=change.before, after=change.after)
