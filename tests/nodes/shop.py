"""A shop whose reservations stand in a file, so that a test can count what happened and what was undone."""

from __future__ import annotations

from pathlib import Path

TOOLS = '''
"""Reservations: each line of the file is one thing that happened."""

from pathlib import Path

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext, Arguments, Probe, Result, about, action


class Reservation(Arguments):
    what: str = about("What is reserved.")
    seats: int = about("How many.", default=1)


class Reserved(Result):
    ticket: str
    what: str


class Release(Arguments):
    ticket: str = about("Which reservation is given back.")
    what: str = about("What was reserved.", default="")
    reason: str = about("Why.", default="")


class Reassigned(Arguments):
    owner: str = about("Who gets it back.")


class Released(Result):
    line: str


def _add(context: ActionContext, line: str) -> str:
    path = Path(context.home, "effects")
    lines = path.read_text().splitlines() if path.exists() else []
    if not any(known.startswith(context.key) for known in lines):
        with path.open("a") as file:
            file.write(f"{context.key} {line}\\n")
    return line


def _trouble(context: ActionContext) -> str:
    path = Path(context.home, "trouble")
    return path.read_text() if path.exists() else ""


def _look(arguments: Release, context: ActionContext) -> Probe:
    path = Path(context.home, "effects")
    there = path.exists() and any(line.startswith(context.key) for line in path.read_text().splitlines())
    return Probe("happened" if there else "did_not_happen", Released(line="found") if there else None)


@action("seats.reserve", effect="keyed", risk="low", compensate="seats.release")
def reserve(arguments: Reservation, context: ActionContext) -> Reserved:
    """Reserve seats."""
    _add(context, f"reserve {arguments.what}")
    return Reserved(ticket="t-" + arguments.what, what=arguments.what)


@action("seats.hold", effect="keyed", risk="low", compensate="seats.reassign")
def hold(arguments: Reservation, context: ActionContext) -> Reserved:
    """Hold seats."""
    _add(context, f"hold {arguments.what}")
    return Reserved(ticket="t-" + arguments.what, what=arguments.what)


@action("seats.release", effect="RELEASES", risk="low", targets=["ticket"], probe=_look)
def release(arguments: Release, context: ActionContext) -> Released:
    """Give a reservation back."""
    match _trouble(context):
        case "not_done":
            raise EffectNotDone("the desk is closed")
        case "failed":
            raise EffectFailed("the desk is gone")
    line = _add(context, f"release {arguments.ticket} {arguments.what} {arguments.reason}".rstrip())
    if _trouble(context) == "lost":
        raise OSError("the answer was lost")
    return Released(line=line)


@action("seats.reassign", effect="keyed", risk="low", targets=["owner"])
def reassign(arguments: Reassigned, context: ActionContext) -> Released:
    """Give seats to somebody else."""
    return Released(line=_add(context, f"reassign {arguments.owner}"))
'''

POLICY = """
policy: seats
version: 1
applies_to: [seats.*]
inputs: {action: {type: string}}
rules:
  - {id: reserving, when: {action: {in: [seats.reserve, seats.hold]}}, then: auto, because: it can be undone}
  - {id: releasing, when: {action: {in: [seats.release, seats.reassign]}}, then: RELEASING, because: as the test says}
"""

UNDONE = """
graph: undone
version: 1
input:
  what: {type: string}
  why: {type: string, optional: true}
steps:
  reserve: {call: seats.reserve, bind: {what: $.what}, writes: reserved}
  check: {approve: Keep it?}
  release: {compensate: reserve, bind: {reason: $.why}, writes: released, retry: {attempts: 2}, visits: 3}
  again: {approve: Once more?}
edges:
  - START -> reserve
  - reserve -> check
  - {from: reserve, on: [rejected, expired, denied], to: END, outcome: nothing}
  - {from: check, on: approved, to: END, outcome: kept}
  - {from: check, on: [rejected, expired], to: release}
  - {from: release, on: done, to: again}
  - {from: again, on: approved, to: END, outcome: undone}
  - {from: again, on: [rejected, expired], to: release}
  - {from: release, on: [rejected, expired, denied], to: END, outcome: stands}
  - {from: release, on: [failed, exhausted], to: END, outcome: stuck, keeps: [reserve]}
output: [reserved, released]
"""


def build(root: Path, graphs: dict[str, str], *, releases: str = "keyed", releasing: str = "auto") -> Path:
    """The shop as a project; `releases` is the effect class of giving back, `releasing` what the policy says to it."""
    files = {
        "tools/seats.py": TOOLS.replace("RELEASES", releases),
        "policies/seats.yaml": POLICY.replace("RELEASING", releasing),
    } | {f"graphs/{name}.yaml": text for name, text in graphs.items()}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "nodes").mkdir(exist_ok=True)
    return root


def happened(home: Path) -> list[str]:
    """What happened, in order, without the keys."""
    path = home / "effects"
    return [line.split(" ", 1)[1] for line in path.read_text().splitlines()] if path.exists() else []
