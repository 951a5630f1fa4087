"""Runs that wait for time or events, at the terminal."""

from __future__ import annotations

from tests.journeys.terminal import Terminal

EVENT = "tests/accepted/wait_event.yaml"


def test_an_event_sent_at_the_terminal_gets_a_run_on(terminal: Terminal) -> None:
    """The run says what it waits for and what to type; wrong data changes nothing; `--due` finds the run."""
    started = terminal.shell(f"interlock run {EVENT} -i order=8812")
    assert started.code == 3
    [line] = [line for line in started.out.splitlines() if "Send:" in line]
    assert line.endswith("""payment_settled --data '{"amount": 1.5}'""")
    run = line.split()[4]
    wrong = terminal.shell(["interlock", "runs", "send", run, "payment_settled", "--data", '{"amount": "many"}'])
    wrong.refused("amount: 'many' is not of type 'number'")
    terminal.shell(["interlock", "runs", "send", run, "payment"]).refused("it waits for: payment_settled")
    assert terminal.shell("interlock runs resume --due").out.strip() == "No run is due."
    sent = terminal.shell(
        ["interlock", "runs", "send", run, "payment_settled", "--data", '{"amount": 240.5}', "--json"]
    )
    assert sent.json() == {
        "run": run,
        "event": "payment_settled",
        "taken": {"step": "settled", "run": run},
        "kept": False,
    }
    done = terminal.shell("interlock runs resume --due --json")
    assert done.code == 0
    last = done.out.splitlines()[-1]
    assert '"outcome": "large"' in last
    assert '"payment": {"amount": 240.5}' in last


def test_resume_takes_a_run_or_all_that_are_due(terminal: Terminal) -> None:
    """Neither and both are told what to type."""
    assert "--due" in terminal.shell("interlock runs resume").refused("--due", code=2)
    terminal.shell("interlock runs resume run-1 --due").refused("--due", code=2)
