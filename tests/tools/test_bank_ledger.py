"""The ledger: every transaction balances, one key books once, and no cent is given back twice."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import EffectFailed, EffectNotDone, InterlockError
from interlock.settings import Settings
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect import bank, database

Contexts = Callable[..., ActionContext]
CAPITAL = Decimal("100000.00")


def pay(context: ActionContext, amount: str = "49.90", payee: str = "Northwind Traders") -> bank.Booking:
    return bank.transfer(context, payee=payee, amount=Decimal(amount), currency="EUR", reference="RE-17")


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "bank.db")) as db:
        return db.execute(query).fetchall()


def test_a_transfer_moves_money_once(context: Contexts, home: Path) -> None:
    """What leaves main arrives at the payee, and the same key, also with 49.9 for 49.90, moves nothing more."""
    first = pay(context())
    assert pay(context(), "49.9") == first
    assert first.id.startswith("pay-")
    assert bank.balance("main", home)["EUR"] == CAPITAL - Decimal("49.90")
    assert bank.balance(" northwind  TRADERS", home) == {"EUR": Decimal("49.90")}


def test_the_ledger_opens_with_capital_from_equity(context: Contexts, home: Path) -> None:
    """Before and after the first booking the opening capital stands in main against equity."""
    before = bank.balance("main", home)
    assert not home.exists()
    assert before == dict.fromkeys(["CHF", "EUR", "GBP", "USD"], CAPITAL)
    pay(context())
    assert bank.balance("equity", home) == dict.fromkeys(["CHF", "EUR", "GBP", "USD"], -CAPITAL)


def test_a_key_cannot_pay_twice_differently(context: Contexts, home: Path) -> None:
    """The same key with another amount, or for a refund, is refused by name."""
    payment = pay(context()).payment
    with pytest.raises(EffectFailed, match="Key key was already used"):
        pay(context(), "50.00")
    with pytest.raises(EffectFailed, match="Key key was already used"):
        bank.refund(context(), payment=payment, amount=Decimal(1), currency="EUR")
    assert bank.balance("Northwind Traders", home) == {"EUR": Decimal("49.90")}


def test_money_that_is_not_there_is_not_paid(context: Contexts, home: Path) -> None:
    """One cent more than main holds is refused; all it holds may be paid."""
    with pytest.raises(EffectFailed, match=r"holds 100000.00 EUR, not 100000.01 EUR"):
        pay(context("a"), "100000.01")
    pay(context("b"), "100000.00")
    with pytest.raises(EffectFailed, match=r"holds 0.00 EUR"):
        pay(context("c"), "0.01")


def test_a_payee_called_main_is_not_the_main_account(context: Contexts, home: Path) -> None:
    """Names of the bank's own accounts can be payees without touching them."""
    pay(context("a"), payee="main")
    pay(context("b"), payee="Equity")
    assert bank.balance("main", home)["EUR"] == CAPITAL - Decimal("99.80")
    assert bank.balance("equity", home)["EUR"] == -CAPITAL


def test_refunds_never_exceed_what_is_left(context: Contexts, home: Path) -> None:
    """Parts can be given back until nothing is left; a repeat gives back nothing more."""
    payment = pay(context("pay")).payment
    first = bank.refund(context("one"), payment=payment, amount=Decimal("40.00"), currency="EUR")
    assert bank.refund(context("one"), payment=payment, amount=Decimal("40.00"), currency="EUR") == first
    with pytest.raises(EffectFailed, match=r"9.90 EUR is left"):
        bank.refund(context("two"), payment=payment, amount=Decimal("9.91"), currency="EUR")
    bank.refund(context("three"), payment=payment, amount=Decimal("9.90"), currency="EUR")
    with pytest.raises(EffectFailed, match=r"0.00 EUR is left"):
        bank.refund(context("four"), payment=payment, amount=Decimal("0.01"), currency="EUR")
    assert bank.balance("main", home)["EUR"] == CAPITAL


def test_a_refund_needs_its_payment_and_currency(context: Contexts) -> None:
    """An unknown payment, a refund's or the opening's identifier, and another currency are refused."""
    payment = pay(context("pay")).payment
    refund = bank.refund(context("one"), payment=payment, amount=Decimal(1), currency="EUR").id
    for wrong in ("pay-0", refund, "opening"):
        with pytest.raises(EffectFailed, match="There is no payment"):
            bank.refund(context("two"), payment=wrong, amount=Decimal(1), currency="EUR")
    with pytest.raises(EffectFailed, match="made in EUR, not USD"):
        bank.refund(context("two"), payment=payment, amount=Decimal(1), currency="USD")


def test_concurrent_transfers_with_one_key_book_once(context: Contexts, home: Path) -> None:
    """Four threads released together on a fresh home book one transaction and get the same answer."""
    gate = threading.Barrier(4)
    answers: list[bank.Booking] = []

    def book() -> None:
        gate.wait()
        answers.append(pay(context()))

    threads = [threading.Thread(target=book) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert rows(home, "select count(*) from transactions where kind = 'transfer'") == [(1,)]


DIE = """
import os, signal, sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from interlock.settings import Settings
from interlock.tools.action import ActionContext
from interlock.tools.connect import bank

book = bank._book
def book_and_die(ledger, transaction, legs):
    book(ledger, transaction, legs)
    if transaction["kind"] == "transfer":
        os.kill(os.getpid(), signal.SIGKILL)
bank._book = book_and_die
context = ActionContext("key", "run", Settings(home=Path(sys.argv[1])), datetime(2026, 1, 5, 10, 0, tzinfo=UTC))
bank.transfer(context, payee="Contoso", amount=Decimal("49.90"), currency="EUR", reference=None)
"""


def test_a_kill_before_the_commit_books_nothing(context: Contexts, home: Path) -> None:
    """Killed after the postings and before the commit, nothing is booked; the repeat books once."""
    killed = subprocess.run([sys.executable, "-c", DIE, str(home)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert not bank.knows_payee("Contoso", home)
    assert bank.balance("main", home)["EUR"] == CAPITAL
    pay(context(), payee="Contoso")
    assert rows(home, "select count(*) from transactions where kind = 'transfer'") == [(1,)]


def test_a_known_payee_was_paid_or_registered(context: Contexts, home: Path, actions: dict[str, Action]) -> None:
    """The fact `payee_known` is read without creating a ledger and turns true by payment or registration."""
    action = actions["payments.transfer"]
    assert action.facts is not None
    assert action.fact_names == ("payee_known",)

    def known(payee: str) -> object:
        assert action.facts is not None
        return action.facts(action.validate({"payee": payee, "amount": "1.00"}), context())["payee_known"]

    assert known("Northwind Traders") is False
    assert not home.exists()
    bank.register_payee("Northwind  Traders", home)
    assert known("northwind traders") is True
    assert known("Northwind Trader") is False
    assert known("N\u043erthwind Traders") is False
    pay(context(), payee="Contoso")
    assert known("Contoso") is True
    assert bank.balance("main", home)["EUR"] == CAPITAL - Decimal("49.90")


def test_postings_that_do_not_balance_are_refused(context: Contexts, home: Path) -> None:
    """A transaction whose postings do not sum to zero per currency is never stored."""
    pay(context())
    legs = [("main", "EUR", -100), ("equity", "USD", 100)]
    with (
        pytest.raises(EffectFailed, match="does not balance"),
        database.writing(home / "bank.db", bank.schema) as ledger,
    ):
        bank._book(ledger, {"id": "x", "key": "x", "request": "x", "kind": "transfer", "booked": "x"}, legs)
    assert rows(home, "select count(*) from transactions where id = 'x'") == [(0,)]


STEP = st.tuples(
    st.sampled_from(["transfer", "refund"]),
    st.integers(0, 7),  # the key
    st.sampled_from(["Anna", "ANNA ", "Ben"]),
    st.integers(1, 6_000_000),
    st.sampled_from(["EUR", "USD"]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_whatever_is_asked_the_books_balance(steps: list[tuple[str, int, str, int, str]]) -> None:
    """After any sequence of requests every transaction sums to zero and no account but equity is negative."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kind, key, payee, cents, currency in steps:
            amount = Decimal(cents).scaleb(-2)
            context = ActionContext(str(key), "run", Settings(home=home), datetime(2026, 1, 5, tzinfo=UTC))
            try:
                if kind == "transfer":
                    bank.transfer(context, payee=payee, amount=amount, currency=currency, reference=None)
                else:
                    payments = rows(home, "select id from transactions where kind = 'transfer' order by id")
                    payment = str(payments[key % len(payments)][0]) if payments else "pay-0"
                    bank.refund(context, payment=payment, amount=amount, currency=currency)
            except (EffectFailed, sqlite3.OperationalError):
                continue
        bank.register_payee("Clara", home)
        unbalanced = 'select 1 from postings group by "transaction", currency having sum(cents) <> 0'
        overdrawn = "select 1 from postings where account <> 'equity' group by account, currency having sum(cents) < 0"
        assert rows(home, unbalanced) == rows(home, overdrawn) == []


def test_a_locked_ledger_is_certain(context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another connection holds the database nothing is booked, and afterwards the repeat books once."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    pay(context("first"))
    with closing(sqlite3.connect(home / "bank.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EffectNotDone, match=r"bank.db is locked.*try again"):
            pay(context())
        other.execute("ROLLBACK")
    pay(context())
    assert rows(home, "select count(*) from transactions where kind = 'transfer'") == [(2,)]


def test_a_full_ledger_is_certain(context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the database cannot grow nothing is half booked; with room the same key books once."""
    pay(context("first"))
    with monkeypatch.context() as patch:
        patch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "max_page_count=1"))
        booked = 0

        def pay_many() -> None:
            nonlocal booked
            while True:
                pay(context(f"many-{booked}"), "0.01", payee=f"Payee {booked} " + "x" * 100)
                booked += 1

        with pytest.raises(EffectNotDone, match="full; nothing was changed"):
            pay_many()
    assert rows(home, "select count(*) from transactions where kind = 'transfer'") == [(1 + booked,)]
    assert rows(home, 'select 1 from postings group by "transaction", currency having sum(cents) <> 0') == []
    pay(context(f"many-{booked}"), "0.01", payee=f"Payee {booked} " + "x" * 100)
    assert bank.balance("main", home)["EUR"] == CAPITAL - Decimal("49.90") - Decimal(booked + 1).scaleb(-2)


@pytest.mark.parametrize("content", [b"", b"this is no database " * 100])
def test_a_ledger_that_cannot_be_used_is_certain(context: Contexts, home: Path, content: bytes) -> None:
    """A home that is a file, or a file that is no database, fails with its name and books nothing."""
    blocked = home.parent / "file"
    blocked.write_text("")
    with pytest.raises(EffectNotDone, match=r"file.*cannot be"):
        pay(context(home=blocked))
    home.mkdir()
    (home / "bank.db").write_bytes(content)
    if content:
        with pytest.raises(EffectFailed, match="damaged or no SQLite database"):
            pay(context())
        assert (home / "bank.db").read_bytes() == content
    else:
        assert bank.balance("main", home)["EUR"] == CAPITAL
        pay(context())


def test_an_error_names_no_statement_and_no_value(context: Contexts, home: Path) -> None:
    """What SQLite says is passed on without the statement and its values."""
    pay(context("first"))
    with closing(sqlite3.connect(home / "bank.db", isolation_level=None)) as other:
        other.execute("alter table postings rename column cents to pence")
    with pytest.raises(InterlockError) as caught:
        pay(context(), payee="Secret Payee")
    assert "Secret" not in str(caught.value)
    assert "SELECT" not in str(caught.value).upper()
    assert caught.value.__cause__ is None


def test_the_declared_actions_pay_refund_and_balance(context: Contexts, actions: dict[str, Action]) -> None:
    """The three payment actions work together through their declared arguments."""

    def run(name: str, key: str, **values: object) -> dict[str, object]:
        action = actions[name]
        return action.run(action.validate(values), context(key)).model_dump()

    paid = run("payments.transfer", "p", payee="Contoso", amount="12.50", currency="CHF")
    assert (paid["amount"], paid["currency"]) == (Decimal("12.50"), "CHF")
    back = run("payments.refund", "r", payment=paid["payment"], amount=2, currency="CHF")
    assert back["payment"] == paid["payment"]
    assert run("payments.balance", "b", account="contoso")["amounts"] == {"CHF": Decimal("10.50")}
    with pytest.raises(EffectFailed, match=r"There is no account Nobody. There are: equity, main, Contoso"):
        run("payments.balance", "b", account="Nobody")
