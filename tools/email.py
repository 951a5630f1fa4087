"""E-mail: send, keep a draft, search what was sent."""

from interlock.tools.action import ActionContext, Arguments, Email, Probe, Result, about, action
from interlock.tools.connect import mail


class Send(Arguments):
    to: Email = about("E-mail address of the recipient.")
    subject: str = about("Subject line.", min_length=1, max_length=200)
    body: str = about("Text of the message.", min_length=1, max_length=100_000)
    cc: list[Email] = about("E-mail addresses that receive a copy.", default_factory=list, max_length=20)


class Draft(Arguments):
    to: Email = about("E-mail address of the recipient.")
    subject: str = about("Subject line.", min_length=1, max_length=200)
    body: str = about("Text of the message.", min_length=1, max_length=100_000)


class Search(Arguments):
    query: str = about("Words to look for in subject, body and addresses.", min_length=1, max_length=200)


class Sent(Result):
    message_id: str
    delivery: str


class Drafted(Result):
    message_id: str


class Found(Result):
    messages: list[dict[str, str]]


def find_sent(arguments: Send, context: ActionContext) -> Probe:
    """Find out whether an earlier attempt sent the message."""
    trace = mail.probe(context)
    receipt = trace.receipt
    result = Sent(message_id=receipt.message_id, delivery=receipt.delivery) if receipt is not None else None
    return Probe(trace.answer, result, trace.because)


@action(
    "email.send",
    effect="queryable",
    risk="high",
    targets=["to", "cc"],
    title='to {to}, "{subject}"',
    probe=find_sent,
)
def send(arguments: Send, context: ActionContext) -> Sent:
    """Send an e-mail message to a recipient."""
    receipt = mail.deliver(
        mail.compose(context, to=arguments.to, cc=arguments.cc, subject=arguments.subject, body=arguments.body),
        context,
    )
    return Sent(message_id=receipt.message_id, delivery=receipt.delivery)


@action("email.draft", effect="idempotent", risk="low", title='to {to}, "{subject}"')
def draft(arguments: Draft, context: ActionContext) -> Drafted:
    """Save an e-mail draft without sending it."""
    message = mail.compose(context, to=arguments.to, cc=[], subject=arguments.subject, body=arguments.body)
    return Drafted(message_id=mail.keep_draft(message, context))


@action("email.search", effect="read", title='"{query}"')
def search(arguments: Search, context: ActionContext) -> Found:
    """Search the sent e-mail messages and drafts for words."""
    return Found(messages=mail.search(arguments.query, context))
