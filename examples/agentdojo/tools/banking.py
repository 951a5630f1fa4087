"""The bank of AgentDojo's banking suite: its functions as actions, and typed views of its books.

What orders a payment or changes the account keeps the names and arguments of the suite.  Looking up is
split in two: typed views give numbers, dates and account numbers, which are records; the history and
files give free text, which is not.
"""

import sys
from typing import Any

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action


class Nothing(Arguments):
    pass


class About(Arguments):
    about: str = about("A word of the purpose that the account's owner gave the payment.", min_length=1)


class File(Arguments):
    file_path: str = about("Path of the file.", min_length=1)


class Send(Arguments):
    recipient: str = about("IBAN of the recipient.", min_length=1)
    amount: Amount = about("Amount of the transaction.")
    subject: str = about("Subject of the transaction.")
    date: str = about("Date of the transaction.")


class Schedule(Send):
    recurring: bool = about("Whether the transaction is recurring.")


class Change(Arguments):
    id: int = about("Number of the scheduled transaction.")
    recipient: str | None = about("New IBAN of the recipient.", default=None)
    amount: Amount | None = about("New amount.", default=None)
    subject: str | None = about("New subject.", default=None)
    date: str | None = about("New date.", default=None)
    recurring: bool | None = about("Whether it is recurring.", default=None)


class Password(Arguments):
    password: str = about("The new password.", min_length=1)


class Person(Arguments):
    first_name: str | None = about("New first name.", default=None)
    last_name: str | None = about("New last name.", default=None)
    street: str | None = about("New street.", default=None)
    city: str | None = about("New city.", default=None)


class Order(Result):
    number: int
    recipient: str
    amount: float
    date: str
    recurring: bool


class Orders(Result):
    orders: list[Order]


class Receipt(Result):
    number: int
    sender: str
    amount: float
    date: str


class Receipts(Result):
    receipts: list[Receipt]


class Text(Result):
    text: str


class Done(Result):
    message: str


def _call(context: ActionContext, function: str, **arguments: Any) -> Any:
    """What the attached environment answers.

    Raises:
        EffectFailed: none is attached, or it refused.
    """
    bridge = sys.modules.get("agentdojo_bridge")
    if bridge is None:
        raise EffectFailed("No AgentDojo environment is attached; run `python -m benchmarks.agentdojo`.")
    return bridge.call(context.run, function, arguments)


def _orders(found: Any, word: str) -> Orders:
    """Payments that the owner ordered; only what they wrote themselves as the purpose is searched."""
    return Orders(
        orders=[
            Order(
                number=item.id, recipient=item.recipient, amount=item.amount, date=item.date, recurring=item.recurring
            )
            for item in found
            if word.lower() in item.subject.lower()
        ]
    )


@action("bank.paid", effect="read", records=["orders"])
def paid(arguments: About, context: ActionContext) -> Orders:
    """Find payments that the owner of the account made, by a word of their purpose."""
    history = _call(context, "get_most_recent_transactions", n=100)
    return _orders([item for item in history if item.sender == "me"], arguments.about)


@action("bank.scheduled", effect="read", records=["orders"])
def scheduled(arguments: About, context: ActionContext) -> Orders:
    """Find scheduled payments, by a word of their purpose."""
    return _orders(_call(context, "get_scheduled_transactions"), arguments.about)


@action("bank.received", effect="read", records=["receipts"])
def received(arguments: Nothing, context: ActionContext) -> Receipts:
    """List what others paid into the account, without what they wrote."""
    history = _call(context, "get_most_recent_transactions", n=100)
    return Receipts(
        receipts=[
            Receipt(number=item.id, sender=item.sender, amount=item.amount, date=item.date)
            for item in history
            if item.recipient == "me"
        ]
    )


@action("bank.history", effect="read")
def history(arguments: Nothing, context: ActionContext) -> Text:
    """Show the most recent transactions as text, with their subjects."""
    found = _call(context, "get_most_recent_transactions", n=100)
    return Text(text="\n".join(item.model_dump_json() for item in found))


@action("bank.read_file", effect="read")
def read_file(arguments: File, context: ActionContext) -> Text:
    """Read a file."""
    return Text(text=_call(context, "read_file", file_path=arguments.file_path))


@action("bank.send_money", effect="blind", risk="high", targets=["recipient"], title="{amount} to {recipient}")
def send_money(arguments: Send, context: ActionContext) -> Done:
    """Send a transaction to a recipient."""
    values = arguments.model_dump() | {"amount": float(arguments.amount)}
    return Done(**_call(context, "send_money", **values))


@action(
    "bank.schedule_transaction", effect="blind", risk="high", targets=["recipient"], title="{amount} to {recipient}"
)
def schedule_transaction(arguments: Schedule, context: ActionContext) -> Done:
    """Schedule a transaction."""
    values = arguments.model_dump() | {"amount": float(arguments.amount)}
    return Done(**_call(context, "schedule_transaction", **values))


def about_change(arguments: Change, context: ActionContext) -> dict[str, Any]:
    """Which parts of the scheduled transaction are changed."""
    return {f"changes_{name}": getattr(arguments, name) is not None for name in CHANGED}


CHANGED = ("recipient", "amount", "subject", "date", "recurring")


@action(
    "bank.update_scheduled_transaction",
    effect="idempotent",
    risk="high",
    targets=["id", "recipient"],
    title="number {id}: {amount} to {recipient}",
    facts=about_change,
    fact_names=[f"changes_{name}" for name in CHANGED],
)
def update_scheduled_transaction(arguments: Change, context: ActionContext) -> Done:
    """Change a scheduled transaction."""
    values = arguments.model_dump(exclude_none=True)
    if arguments.amount is not None:
        values["amount"] = float(arguments.amount)
    return Done(**_call(context, "update_scheduled_transaction", **values))


@action("bank.update_password", effect="idempotent", risk="high", title="a new password")
def update_password(arguments: Password, context: ActionContext) -> Done:
    """Change the password of the account."""
    return Done(**_call(context, "update_password", password=arguments.password))


def about_person(arguments: Person, context: ActionContext) -> dict[str, Any]:
    """Which parts of the owner's details are changed."""
    return {f"changes_{name}": getattr(arguments, name) is not None for name in PERSONAL}


PERSONAL = ("first_name", "last_name", "street", "city")


@action(
    "bank.update_user_info",
    effect="idempotent",
    risk="medium",
    title="{street}, {city}",
    facts=about_person,
    fact_names=[f"changes_{name}" for name in PERSONAL],
)
def update_user_info(arguments: Person, context: ActionContext) -> Done:
    """Change the details of the account's owner."""
    changed = _call(context, "update_user_info", **arguments.model_dump(exclude_none=True))
    return Done(message=", ".join(changed.values()))
