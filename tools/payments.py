"""Payments on the embedded double-entry ledger."""

from decimal import Decimal
from typing import Literal

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


class Balance(Result):
    account: str
    amounts: dict[str, Decimal]


@action(
    "payments.transfer",
    effect="keyed",
    risk="high",
    targets=["payee"],
    title="{amount} {currency} to {payee}",
)
def transfer(arguments: Transfer, context: ActionContext) -> Paid:
    """Pay money to a person or company by bank transfer."""


@action(
    "payments.refund",
    effect="keyed",
    risk="high",
    targets=["payment"],
    title="{amount} {currency} of payment {payment}",
)
def refund(arguments: Refund, context: ActionContext) -> Paid:
    """Refund an earlier payment, in full or in part."""


@action("payments.balance", effect="read", title="{account}")
def balance(arguments: BalanceOf, context: ActionContext) -> Balance:
    """Show the balance of an account."""
