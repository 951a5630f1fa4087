# expect: T003 15:1
"""A second action with the name of another."""

from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action


class Payment(Arguments):
    amount: Amount = about("How much.")


class Done(Result):
    id: str


@action("house.pay", effect="keyed", risk="high")
def pay(arguments: Payment, context: ActionContext) -> Done:
    """Pay somebody."""
    return Done(id=context.key)
