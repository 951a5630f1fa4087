# expect: T001 7:23
"""An action that cannot be read."""

from interlock.tools.action import ActionContext, Arguments, Result, action


class Lookup(Arguments:
    name: str


@action("more.look", effect="read")
def look(arguments: Lookup, context: ActionContext) -> Result:
    """Look somebody up."""
    return Result()
