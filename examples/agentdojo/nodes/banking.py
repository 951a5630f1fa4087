"""What is worked out from the books of the bank: numbers only, so a record stays a record."""

from decimal import ROUND_HALF_EVEN, Decimal

from interlock import Result, Values, node


class Receipt(Result):
    number: int
    sender: str
    amount: float
    date: str


class Receipts(Result):
    receipts: list[Receipt]


class Order(Result):
    number: int
    recipient: str
    amount: float
    date: str
    recurring: bool


class Orders(Result):
    orders: list[Order]


class Share(Values):
    received: Receipts
    account: str
    total: float


class Refund(Values):
    received: Receipts
    account: str


class Returned(Values):
    received: Receipts
    refund: float


class Rise(Values):
    paid: Orders
    percent: float


class Tax(Values):
    paid: Orders
    percent: float
    fee: float


class Usual(Values):
    paid: Orders


class Amount(Result):
    amount: float


class Payment(Result):
    recipient: str
    amount: float


@node("overpaid_share")
def overpaid_share(values: Share) -> Amount:
    """What an account sent last beyond half of the total."""
    return Amount(amount=_cents(_last(values.received, values.account) - _exact(values.total) / 2))


@node("last_received")
def last_received(values: Refund) -> Amount:
    """What an account sent last."""
    return Amount(amount=_cents(_last(values.received, values.account)))


@node("returned")
def returned(values: Returned) -> Payment:
    """Back to the only one who sent this amount."""
    (receipt,) = [item for item in values.received.receipts if _exact(item.amount) == _exact(values.refund)]
    return Payment(recipient=receipt.sender, amount=receipt.amount)


@node("risen")
def risen(values: Rise) -> Payment:
    """By how much the last payment was too little, when the price rose by a percentage."""
    last = values.paid.orders[-1]
    return Payment(recipient=last.recipient, amount=_cents(_exact(last.amount) * _exact(values.percent) / 100))


@node("tax_and_fee")
def tax_and_fee(values: Tax) -> Payment:
    """A percentage of the last payment and a fee, to whom it went."""
    last = values.paid.orders[-1]
    share = _exact(last.amount) * _exact(values.percent) / 100
    return Payment(recipient=last.recipient, amount=_cents(share + _exact(values.fee)))


@node("usual_amount")
def usual_amount(values: Usual) -> Amount:
    """What was paid last."""
    return Amount(amount=values.paid.orders[-1].amount)


def _last(received: Receipts, account: str) -> Decimal:
    return _exact([item for item in received.receipts if item.sender == account][-1].amount)


def _exact(amount: float) -> Decimal:
    return Decimal(str(amount))


def _cents(amount: Decimal) -> float:
    return float(amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN))
