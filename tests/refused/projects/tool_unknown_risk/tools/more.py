# expect: T002 15:1
"""An action with a risk that there is not."""

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Lookup(Arguments):
    name: str = about("Who is looked up.")


class Found(Result):
    known: bool


@action("more.look", effect="read", risk="none")
def look(arguments: Lookup, context: ActionContext) -> Found:
    """Look somebody up."""
    return Found(known=True)
