# expect: T004 15:1
"""An action that another one would have to undo."""

from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action


class Payment(Arguments):
    amount: Amount = about("How much.")


class Done(Result):
    id: str


@action("more.reserve", effect="keyed", risk="low", compensate="more.relaese")
def reserve(arguments: Payment, context: ActionContext) -> Done:
    """Put money aside."""
    return Done(id=context.key)
