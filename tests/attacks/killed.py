"""A process that drives a graph and dies by SIGKILL between an effect and its checkpoint.

Called as `python -m tests.attacks.killed plain|ours FOLDER RUN DURABILITY`: it begins the run, or goes on with it.
The third effect kills it, unless the file `spared` is there.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, TypedDict

STEPS = ("one", "two", "three", "four")
LETHAL = 3

TOOLS = '''
"""A till that keeps to the effect class it declares; the third payment kills whoever makes it."""

from pathlib import Path

from interlock.tools.action import ActionContext, Arguments, Probe, Result, about, action
from tests.attacks.killed import happen


class Money(Arguments):
    what: str = about("What is paid for.")


class Receipt(Result):
    key: str


def _pay(arguments: Money, context: ActionContext) -> Receipt:
    happen(Path(context.home), arguments.what, context.key)
    return Receipt(key=context.key)


def _known(context: ActionContext) -> bool:
    path = Path(context.home, "effects")
    return path.exists() and context.key in path.read_text().split()


def _look(arguments: Money, context: ActionContext) -> Probe:
    if _known(context):
        return Probe("happened", result=Receipt(key=context.key))
    return Probe("did_not_happen")


@action("till.keyed", effect="keyed", risk="low")
def keyed(arguments: Money, context: ActionContext) -> Receipt:
    """Pay, at a provider that knows its keys."""
    return Receipt(key=context.key) if _known(context) else _pay(arguments, context)


@action("till.queryable", effect="queryable", risk="low", probe=_look)
def queryable(arguments: Money, context: ActionContext) -> Receipt:
    """Pay, at a provider that can be asked."""
    return _pay(arguments, context)


@action("till.blind", effect="blind", risk="low")
def blind(arguments: Money, context: ActionContext) -> Receipt:
    """Pay in cash."""
    return _pay(arguments, context)
'''

POLICY = """
policy: till
version: 1
applies_to: [till.*]
inputs: {what: {type: string}}
rules:
  - {id: small, when: {what: {in: [one, two, three, four]}}, then: auto, because: it costs little}
"""


def graph(effect: str) -> str:
    """A workflow of four payments of an effect class."""
    steps = "".join(f"  {name}: {{call: till.{effect}, bind: {{what: {name}}}}}\n" for name in STEPS)
    edges = "  - START -> one\n"
    for number, (name, after) in enumerate(zip(STEPS, (*STEPS[1:], "END"), strict=True)):
        keeps = f", keeps: [{', '.join(STEPS[:number])}]" if number else ""
        edges += f"  - {name} -> {after}\n"
        edges += f"  - {{from: {name}, on: [rejected, expired, denied], to: END, outcome: stopped}}\n"
        edges += f"  - {{from: {name}, on: failed, to: END, outcome: broken{keeps}}}\n"
    return f"graph: till\nversion: 1\ninput: {{amount: {{type: integer}}}}\nsteps:\n{steps}edges:\n{edges}"


def happen(home: Path, what: str, key: str = "-") -> None:
    """An effect: a line of a file.  The third kills this process, once its line is on the disk."""
    path = home / "effects"
    with path.open("a") as effects:
        effects.write(f"{what} {key}\n")
        effects.flush()
        os.fsync(effects.fileno())
    if len(path.read_text().splitlines()) == LETHAL and not (home / "spared").exists():
        os.kill(os.getpid(), signal.SIGKILL)


def plain(folder: Path, run: str, durability: Any) -> None:
    """Four effects in four nodes of plain LangGraph."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"done": str}, total=False))  # type: ignore[operator]
    for name, after in zip(STEPS, (*STEPS[1:], END), strict=True):
        builder.add_node(name, lambda state, name=name: (happen(folder, name), {"done": name})[1])
        builder.add_edge(name, after)
    builder.add_edge(START, STEPS[0])
    config: Any = {"configurable": {"thread_id": run}}
    with SqliteSaver.from_conn_string(str(folder / "plain.db")) as saver:
        compiled = builder.compile(checkpointer=saver)
        begun = saver.get_tuple(config) is not None
        compiled.invoke(None if begun else {"done": ""}, config, durability=durability)


def ours(folder: Path, run: str, durability: Any) -> None:
    """The workflow `till` of a house, driven through its compiled graph alone."""
    from tests.attacks.house import House

    project = House(folder).project()
    compiled = project.workflow(folder / "graphs" / "till.yaml").compile(project.checkpoints)
    config: Any = {"configurable": {"thread_id": run}}
    begun = project.checkpoints.get_tuple(config) is not None
    compiled.invoke(None if begun else {"amount": 1}, config, durability=durability)


if __name__ == "__main__":
    {"plain": plain, "ours": ours}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
