"""Actions of the faulty examples; none of them is ever run."""

from typing import Literal

from interlock.tools.action import ActionContext, Amount, Arguments, Email, Result, about, action


class Notice(Arguments):
    to: Email = about("Who is told.")
    text: str = about("What they are told.")
    urgent: bool = about("Whether it is urgent.", default=False)


class Payment(Arguments):
    payee: str = about("Who is paid.")
    amount: Amount = about("How much.")
    currency: Literal["EUR", "USD"] = about("Currency.", default="EUR")


class Lookup(Arguments):
    name: str = about("Who is looked up.")


class Reservation(Arguments):
    name: str = about("For whom.")


class Release(Arguments):
    reservation: str = about("Which reservation.")


class Reserved(Result):
    reservation: str


class Done(Result):
    id: str


class Found(Result):
    known: bool
    balance: float
    status: Literal["open", "closed"]


@action("house.notify", effect="keyed", risk="medium", targets=["to"])
def notify(arguments: Notice, context: ActionContext) -> Done:
    """Tell somebody something."""
    return Done(id=context.key)


@action("house.pay", effect="keyed", risk="high", targets=["payee"])
def pay(arguments: Payment, context: ActionContext) -> Done:
    """Pay somebody; no policy of this folder decides it."""
    return Done(id=context.key)


@action("house.wire", effect="blind", risk="high", targets=["payee"])
def wire(arguments: Payment, context: ActionContext) -> Done:
    """Pay somebody through a bank that cannot be asked."""
    return Done(id=context.key)


@action("house.look", effect="read")
def look(arguments: Lookup, context: ActionContext) -> Found:
    """Look somebody up."""
    return Found(known=True, balance=0.0, status="open")


@action("house.reserve", effect="keyed", risk="low", compensate="house.release")
def reserve(arguments: Reservation, context: ActionContext) -> Reserved:
    """Reserve something."""
    return Reserved(reservation=context.key)


@action("house.release", effect="idempotent", risk="low")
def release(arguments: Release, context: ActionContext) -> Reserved:
    """Give a reservation back."""
    return Reserved(reservation=arguments.reservation)
