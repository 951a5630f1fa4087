"""What a venue is paid in advance."""

from decimal import ROUND_HALF_EVEN, Decimal

from interlock import Result, Values, node

SHARE = Decimal("0.20")
LEAST = Decimal("25.00")


class Price(Values):
    price: float


class Deposit(Result):
    amount: float


@node("deposit")
def deposit(values: Price) -> Deposit:
    """A fifth of the price, at least 25 EUR, and never more than the price."""
    price = Decimal(str(values.price))
    share = (price * SHARE).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return Deposit(amount=float(min(max(share, LEAST), price)))
