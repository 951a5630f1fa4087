"""Payments on the embedded double-entry ledger."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from interlock.digest import Json
from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action
from interlock.tools.connect import bank

Currency = Literal["EUR", "USD", "GBP", "CHF"]


class Transfer(Arguments):
    payee: str = about("Name of the person or company that receives the money.", min_length=1, max_length=120)
    amount: Amount = about("Amount of money to pay.")
    currency: Currency = about("Currency of the amount.", default="EUR")
    reference: str | None = about("Payment reference, such as an invoice number.", default=None, max_length=140)


class Refund(Arguments):
    payment: str = about("Identifier of the payment to give back.", min_length=1, max_length=60)
    amount: Amount = about("Amount of money to give back.")
    currency: Currency = about("Currency of the amount.", default="EUR")


class BalanceOf(Arguments):
    account: str = about("Name of the account.", min_length=1, max_length=120)


class Paid(Result):
    payment: str
    amount: Decimal
    currency: str


class Refunded(Result):
    refund: str
    payment: str
    amount: Decimal
    currency: str


class Balance(Result):
    account: str
    amounts: dict[str, Decimal]


def about_payee(arguments: Transfer, context: ActionContext) -> Mapping[str, Json]:
    """What policies may ask about the payee; reads the ledger and changes nothing."""
    return {"payee_known": bank.knows_payee(arguments.payee, context.home)}


@action(
    "payments.transfer",
    effect="keyed",
    risk="high",
    targets=["payee"],
    title="{amount} {currency} to {payee}",
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


@action(
    "payments.refund",
    effect="keyed",
    risk="high",
    targets=["payment"],
    title="{amount} {currency} of payment {payment}",
)
def refund(arguments: Refund, context: ActionContext) -> Refunded:
    """Refund an earlier payment, in full or in part."""
    booking = bank.refund(context, payment=arguments.payment, amount=arguments.amount, currency=arguments.currency)
    return Refunded(refund=booking.id, payment=booking.payment, amount=booking.amount, currency=booking.currency)


@action("payments.balance", effect="read", title="{account}")
def balance(arguments: BalanceOf, context: ActionContext) -> Balance:
    """Show the balance of an account."""
    return Balance(account=arguments.account, amounts=bank.balance(arguments.account, context.home))
