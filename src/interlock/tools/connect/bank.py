"""A small bank: a double-entry ledger in `bank.db` of the home.

Every transaction's postings sum to zero in each currency, and nothing booked is ever changed.  Amounts
are whole cents.  When the ledger is created, the account `main` receives its starting capital from the
account `equity`: 100 000.00 in each currency, booked as the transaction `opening`.  A payee's account
is opened by the first transfer to it, or by `register_payee`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
)

from interlock.digest import digest
from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext
from interlock.tools.connect import database
from interlock.tools.connect.keys import key_clash, name_of

MAIN, EQUITY, PAYEE = "main", "equity", "payee:"
OPENING_CENTS = {"EUR": 10_000_000, "USD": 10_000_000, "GBP": 10_000_000, "CHF": 10_000_000}

schema = MetaData()
accounts = Table(
    "accounts",
    schema,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
)
transactions = Table(
    "transactions",
    schema,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("request", String, nullable=False),
    Column("kind", String, CheckConstraint("kind in ('opening', 'transfer', 'refund')"), nullable=False),
    Column("refunds", String, ForeignKey("transactions.id")),
    Column("reference", String),
    Column("booked", String, nullable=False),
)
postings = Table(
    "postings",
    schema,
    Column("transaction", String, ForeignKey("transactions.id"), primary_key=True),
    Column("account", String, ForeignKey("accounts.name"), primary_key=True),
    Column("currency", String, primary_key=True),
    Column("cents", BigInteger, CheckConstraint("cents <> 0"), nullable=False),
)

Posting = tuple[str, str, int]
"""Account, currency, cents: positive into the account, negative out of it."""


@dataclass(frozen=True)
class Booking:
    """A booked movement of money; `payment` is the transfer that was made or given back."""

    id: str
    payment: str
    amount: Decimal
    currency: str


def transfer(context: ActionContext, *, payee: str, amount: Decimal, currency: str, reference: str | None) -> Booking:
    """Move money from `main` to the payee.  A repeat with the same key returns the first booking.

    The point of no return is the commit.

    Raises:
        EffectNotDone: the ledger is locked, full or cannot be written; nothing was booked.
        EffectFailed: not enough money in `main`, or the key stands for another request.
    """
    cents, account = _cents(amount), _payee(payee)
    request = digest(["transfer", account, cents, currency, reference])
    booking = Booking(f"pay-{name_of(context.key)}", f"pay-{name_of(context.key)}", _money(cents), currency)
    with database.writing(context.home / "bank.db", schema) as ledger:
        _open_ledger(ledger, context.now)
        if _is_booked(ledger, context.key, request):
            return booking
        there = _sums(ledger, MAIN).get(currency, 0)
        if there < cents:
            raise EffectFailed(
                f"Account main holds {_money(there)} {currency}, not {amount} {currency}; nothing was paid. "
                "Pay less, or pay money in first."
            )
        _open_account(ledger, account, payee)
        row = {"id": booking.id, "key": name_of(context.key), "request": request, "kind": "transfer"}
        note = {"reference": reference, "booked": context.now.isoformat()}
        _book(ledger, {**row, **note}, [(MAIN, currency, -cents), (account, currency, cents)])
    return booking


def refund(context: ActionContext, *, payment: str, amount: Decimal, currency: str) -> Booking:
    """Give back a transfer, in full or in part, from the payee to `main`.

    A repeat with the same key returns the first booking.  The point of no return is the commit.

    Raises:
        EffectNotDone: the ledger is locked, full or cannot be written; nothing was booked.
        EffectFailed: no such payment, another currency, more than what is left of it, or the key stands
            for another request.
    """
    cents = _cents(amount)
    request = digest(["refund", payment, cents, currency])
    booking = Booking(f"ref-{name_of(context.key)}", payment, _money(cents), currency)
    with database.writing(context.home / "bank.db", schema) as ledger:
        _open_ledger(ledger, context.now)
        if _is_booked(ledger, context.key, request):
            return booking
        payee, paid_in, left = _left_of(ledger, payment)
        if paid_in != currency:
            raise EffectFailed(f"Payment {payment} was made in {paid_in}, not {currency}; nothing was given back.")
        if left < cents:
            raise EffectFailed(
                f"Of payment {payment} {_money(left)} {currency} is left to give back, not {amount}; "
                "nothing was given back. Ask for what is left at most."
            )
        row = {"id": booking.id, "key": name_of(context.key), "request": request, "kind": "refund"}
        legs = [(payee, currency, -cents), (MAIN, currency, cents)]
        _book(ledger, row | {"refunds": payment, "booked": context.now.isoformat()}, legs)
    return booking


def balance(account: str, home: Path) -> dict[str, Decimal]:
    """What an account holds, by currency: `main`, `equity` or a payee's name.

    A ledger that was never written answers as it will be opened; reading does not create it.

    Raises:
        EffectNotDone: the ledger cannot be read now.
        EffectFailed: there is no such account; the message names those there are.
    """
    name = account.strip().casefold() if account.strip().casefold() in (MAIN, EQUITY) else _payee(account)
    with database.reading(home / "bank.db", schema) as ledger:
        sums = _sums(ledger, name) if ledger is not None else {}
        is_open = ledger is not None and ledger.scalar(select(transactions.c.id).limit(1)) is not None
        known = _titles(ledger) if ledger is not None and is_open else {MAIN: MAIN, EQUITY: EQUITY}
    if not is_open and name in (MAIN, EQUITY):
        sign = 1 if name == MAIN else -1
        sums = {currency: sign * cents for currency, cents in OPENING_CENTS.items()}
    elif name not in known:
        raise EffectFailed(f"There is no account {account}. There are: {', '.join(list(known.values())[:20])}.")
    return {currency: _money(cents) for currency, cents in sorted(sums.items())}


def knows_payee(payee: str, home: Path) -> bool:
    """Whether money went to this payee before, or it was registered.  Case and spacing do not count.

    Reads only: neither a ledger nor an account is created.

    Raises:
        EffectNotDone: the ledger cannot be read now.
    """
    with database.reading(home / "bank.db", schema) as ledger:
        if ledger is None:
            return False
        return ledger.scalar(select(accounts.c.name).where(accounts.c.name == _payee(payee))) is not None


def register_payee(payee: str, home: Path) -> None:
    """Make a payee known by opening its account; does nothing if it is open.

    Raises:
        EffectNotDone: the ledger cannot be written; nothing was changed.
    """
    with database.writing(home / "bank.db", schema) as ledger:
        _open_account(ledger, _payee(payee), payee)


def _open_ledger(ledger: Connection, now: datetime) -> None:
    if ledger.scalar(select(transactions.c.id).limit(1)) is not None:
        return
    _open_account(ledger, MAIN, MAIN)
    _open_account(ledger, EQUITY, EQUITY)
    legs = [(MAIN, currency, cents) for currency, cents in OPENING_CENTS.items()]
    legs += [(EQUITY, currency, -cents) for currency, cents in OPENING_CENTS.items()]
    row = {"id": "opening", "key": "opening", "request": "opening", "kind": "opening", "booked": now.isoformat()}
    _book(ledger, row, legs)


def _open_account(ledger: Connection, name: str, title: str) -> None:
    if ledger.scalar(select(accounts.c.name).where(accounts.c.name == name)) is None:
        ledger.execute(insert(accounts).values(name=name, title=" ".join(title.split())))


def _book(ledger: Connection, transaction: Mapping[str, str | None], legs: Sequence[Posting]) -> None:
    """Store a transaction with its postings.

    Raises:
        EffectFailed: the postings do not sum to zero in each currency.
    """
    sums: Counter[str] = Counter()
    for _, currency, cents in legs:
        sums[currency] += cents
    if not legs or any(sums.values()):
        raise EffectFailed(f"Transaction {transaction['id']} does not balance; nothing was booked.")
    ledger.execute(insert(transactions).values(**transaction))
    rows = [{"transaction": transaction["id"], "account": a, "currency": c, "cents": n} for a, c, n in legs]
    ledger.execute(insert(postings), rows)


def _is_booked(ledger: Connection, key: str, request: str) -> bool:
    row = ledger.execute(
        select(transactions.c.id, transactions.c.request).where(transactions.c.key == name_of(key))
    ).one_or_none()
    if row is not None and row.request != request:
        raise key_clash(key, f"booked as {row.id}")
    return row is not None


def _left_of(ledger: Connection, payment: str) -> tuple[str, str, int]:
    """The payee's account, the currency, and the cents of a transfer that were not given back yet."""
    ours = select(transactions.c.id).where(
        ((transactions.c.id == payment) & (transactions.c.kind == "transfer")) | (transactions.c.refunds == payment)
    )
    row = ledger.execute(
        select(postings.c.account, postings.c.currency, func.sum(postings.c.cents))
        .where(postings.c.transaction.in_(ours), postings.c.account.startswith(PAYEE))
        .group_by(postings.c.account, postings.c.currency)
    ).one_or_none()
    if row is None:
        raise EffectFailed(f"There is no payment {payment}; nothing was given back. Payments are called pay-….")
    return str(row[0]), str(row[1]), int(row[2])


def _sums(ledger: Connection, account: str) -> dict[str, int]:
    rows = ledger.execute(
        select(postings.c.currency, func.sum(postings.c.cents))
        .where(postings.c.account == account)
        .group_by(postings.c.currency)
    )
    return {str(currency): int(cents) for currency, cents in rows}


def _titles(ledger: Connection) -> dict[str, str]:
    rows = ledger.execute(select(accounts.c.name, accounts.c.title).order_by(accounts.c.name))
    return {str(name): str(title) for name, title in rows}


def _payee(name: str) -> str:
    """The account of a payee: the same for the same name in other letter case or spacing."""
    plain = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    if not plain:
        raise EffectFailed("A payee needs a name; nothing was booked.")
    return PAYEE + plain


def _cents(amount: Decimal) -> int:
    cents = amount.scaleb(2)
    if cents <= 0 or cents != cents.to_integral_value():
        raise EffectFailed(f"{amount} is not a positive amount in whole cents; nothing was booked.")
    return int(cents)


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2).quantize(Decimal("0.01"))
