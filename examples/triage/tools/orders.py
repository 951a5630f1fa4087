"""Orders of a small shop.  They stand in this file; a real shop's client would read them from its own system."""

from collections.abc import Mapping
from decimal import Decimal

from interlock.digest import Json
from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Result, about, action
from interlock.tools.connect import bank

ORDERS = {
    "A-1001": ("Desk lamp", "48.00", "delivered", None, "Anna Okafor"),
    "A-1002": ("Bookcase", "240.00", "shipped", "P-77", "Ben Aydin"),
    "A-1003": ("Chair", "89.90", "open", None, "Ben Aydin"),
}
PARCELS = {"P-77": ("at the depot", "2026-01-09")}


class Order(Arguments):
    order: str = about("Number of the order, such as A-1001.", min_length=1, max_length=20)


class Parcel(Arguments):
    parcel: str = about("Number of the parcel, such as P-77.", min_length=1, max_length=20)


class Found(Result):
    order: str
    item: str
    price: Decimal
    status: str
    parcel: str | None
    due: str | None


class Place(Result):
    parcel: str
    place: str
    due: str


class Refunded(Result):
    order: str
    amount: Decimal
    payment: str


def _find(order: str) -> Found:
    if order not in ORDERS:
        raise EffectFailed(f"there is no order {order}")
    item, price, status, parcel, _ = ORDERS[order]
    due = PARCELS[parcel][1] if parcel else None
    return Found(order=order, item=item, price=Decimal(price), status=status, parcel=parcel, due=due)


@action("orders.find", effect="read", title="{order}")
def find(arguments: Order, context: ActionContext) -> Found:
    """Find an order: what was bought, its price, how it stands, and its parcel."""
    return _find(arguments.order)


@action("orders.parcel", effect="read", title="{parcel}")
def parcel(arguments: Parcel, context: ActionContext) -> Place:
    """Look up where a parcel is and when it should arrive."""
    if arguments.parcel not in PARCELS:
        raise EffectFailed(f"there is no parcel {arguments.parcel}")
    place, due = PARCELS[arguments.parcel]
    return Place(parcel=arguments.parcel, place=place, due=due)


def price_of(arguments: Order, context: ActionContext) -> Mapping[str, Json]:
    """What was paid for the order; from the shop's own record, never from the request."""
    return {"price": str(_find(arguments.order).price)}


@action(
    "orders.refund",
    effect="keyed",
    risk="high",
    targets=["order"],
    title="the price of order {order}",
    facts=price_of,
    fact_names=["price"],
)
def refund(arguments: Order, context: ActionContext) -> Refunded:
    """Refund the price of an order to the customer who paid it."""
    found, customer = _find(arguments.order), ORDERS[arguments.order][4]
    booking = bank.transfer(
        context, payee=customer, amount=found.price, currency="EUR", reference=f"refund of {arguments.order}"
    )
    return Refunded(order=arguments.order, amount=booking.amount, payment=booking.payment)
