"""Orders, refunds, messages and marks of a small shop; what happens is a line of a file in its home."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from interlock.tools.action import ActionContext, Amount, Arguments, Email, Result, about, action


class Part(BaseModel):
    """Something of an order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: str = Field(description="The article.", pattern=r"^[A-Z]{2}-[0-9]{3}$")
    pieces: int = Field(description="How many.", ge=1, le=99)


class Account(BaseModel):
    """Where money goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder: str = Field(description="Whose it is.", min_length=1, max_length=80)
    iban: str = Field(description="Its number.", pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$")


class Refund(Arguments):
    order: str = about("The order that is refunded.", pattern=r"^[0-9]{4,8}$")
    amount: Amount = about("How much is given back.")
    currency: Literal["EUR", "USD", "GBP"] = about("Currency of the amount.", default="EUR")
    reason: str = about("What the customer is told.", min_length=3, max_length=200)
    pay_on: date = about("The day of the payment.")
    account: Account = about("Where the money goes.")
    parts: list[Part] = about("What is refunded.", min_length=1, max_length=10)
    notify: bool = about("Whether the customer gets a message.", default=True)


class Tag(Arguments):
    customer: str = about("The customer's number.", pattern=r"^c-[0-9]+$")
    tag: Literal["vip", "late", "call back"] = about("The mark.")


class Message(Arguments):
    to: list[Email] = about("Who gets it.", min_length=1, max_length=5)
    subject: str = about("Its subject.", min_length=1, max_length=80)
    body: str = about("Its text.", min_length=1, max_length=2000)


class Look(Arguments):
    order: str = about("The order's number.", pattern=r"^[0-9]{4,8}$")


class Order(Result):
    order: str
    account: Account
    parts: list[Part]


class Done(Result):
    line: str


def _happen(line: str, context: ActionContext) -> Done:
    with Path(context.home, "happened").open("a", encoding="utf-8") as happened:
        happened.write(line + "\n")
    return Done(line=line)


@action("shop.order", effect="read", records=["order", "account", "parts"])
def order(arguments: Look, context: ActionContext) -> Order:
    """Look an order up."""
    return Order(
        order=arguments.order,
        account=Account(holder="Ada Lindqvist", iban="SE4550000000058398257466"),
        parts=[Part(sku="LM-204", pieces=2), Part(sku="CB-017", pieces=1)],
    )


@action(
    "payments.refund", effect="keyed", risk="high", targets=["account"], title="{amount} {currency} to order {order}"
)
def refund(arguments: Refund, context: ActionContext) -> Done:
    """Give money back to a customer."""
    return _happen(f"refund {arguments.order} {arguments.amount} {arguments.currency}", context)


@action("crm.tag", effect="keyed", risk="low", title="add “{tag}” to {customer}")
def tag(arguments: Tag, context: ActionContext) -> Done:
    """Mark a customer."""
    return _happen(f"tag {arguments.customer} {arguments.tag}", context)


@action("email.send", effect="keyed", risk="medium", targets=["to"], title="“{subject}” to {to}")
def send(arguments: Message, context: ActionContext) -> Done:
    """Send a message."""
    return _happen(f"mail {', '.join(arguments.to)}: {arguments.subject}", context)
