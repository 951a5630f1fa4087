"""Payments on the ledger that comes with Interlock; a real bank's client would stand in its place."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from interlock.digest import Json
from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action
from interlock.tools.connect import bank


class Transfer(Arguments):
    payee: str = about("Name of the person or company that receives the money.", min_length=1, max_length=120)
    amount: Amount = about("Amount of money to pay.")
    currency: Literal["EUR"] = about("Currency of the amount.", default="EUR")
    reference: str = about("The invoice number.", min_length=1, max_length=140)


class Paid(Result):
    payment: str
    amount: Decimal
    currency: str


def about_payee(arguments: Transfer, context: ActionContext) -> Mapping[str, Json]:
    """Whether the payee was paid before; read from the ledger, never from the request."""
    return {"payee_known": bank.knows_payee(arguments.payee, context.home)}


@action(
    "payments.transfer",
    effect="keyed",
    risk="high",
    targets=["payee"],
    title="{amount} {currency} to {payee}, invoice {reference}",
    facts=about_payee,
    fact_names=["payee_known"],
)
def transfer(arguments: Transfer, context: ActionContext) -> Paid:
    """Pay money to a person or company by bank transfer."""
    booking = bank.transfer(
        context,
        payee=arguments.payee,
        amount=arguments.amount,
        currency=arguments.currency,
        reference=arguments.reference,
    )
    return Paid(payment=booking.payment, amount=booking.amount, currency=booking.currency)
