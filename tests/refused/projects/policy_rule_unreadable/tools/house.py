"""One action of a faulty example."""

from interlock.tools.action import ActionContext, Amount, Arguments, Result, about, action


class Payment(Arguments):
    payee: str = about("Who is paid.")
    amount: Amount = about("How much.")


class Done(Result):
    id: str


@action("house.pay", effect="keyed", risk="high", targets=["payee"], fact_names=["payee_known"])
def pay(arguments: Payment, context: ActionContext) -> Done:
    """Pay somebody."""
    return Done(id=context.key)


class Question(Arguments):
    account: str = about("Which account.")


@action("house.look", effect="read")
def look(arguments: Question, context: ActionContext) -> Done:
    """Look at an account."""
    return Done(id=arguments.account)
