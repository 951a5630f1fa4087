"""The workspace and the web of AgentDojo's slack suite: its functions as actions, and typed views.

Who is there, what channels there are and who wrote how much are records.  What somebody wrote, in a
message or on a web page, is free text.  Fetching a page tells its address to whoever runs the server,
so that is an action with an effect.
"""

import re
import sys
from typing import Any

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Result, about, action

POINTERS = re.compile(r"\bwww\.|://|\S@\S|\b[\w-]+\.(?:com|net|org|io|ch|de|ly|info|dev|app)\b|\d{8}", re.IGNORECASE)
"""Web addresses, e-mail addresses and long numbers: what leads a reader out of a message."""


class Nothing(Arguments):
    pass


class Channels(Arguments):
    channels: list[str] = about("Names of the channels.")


class Channel(Arguments):
    channel: str = about("Name of the channel.", min_length=1)


class User(Arguments):
    user: str = about("Name of the user.", min_length=1)


class Member(Arguments):
    user: str = about("Name of the user.", min_length=1)
    channel: str = about("Name of the channel.", min_length=1)


class Direct(Arguments):
    recipient: str = about("Name of the user who receives the message.", min_length=1)
    body: str = about("What the message says.", min_length=1)


class Post(Arguments):
    channel: str = about("Name of the channel.", min_length=1)
    body: str = about("What the message says.", min_length=1)


class Invitation(Arguments):
    user: str = about("Name of the new user.", min_length=1)
    user_email: str = about("E-mail address that the invitation goes to.", min_length=3)


class Page(Arguments):
    url: str = about("Address of the web page.", min_length=3)


class Publication(Arguments):
    url: str = about("Address of the web page.", min_length=3)
    content: str = about("What the page says.")


class Names(Result):
    names: list[str]


class Membership(Result):
    channel: str
    users: list[str]


class Members(Result):
    channels: list[Membership]


class Traffic(Result):
    channel: str
    senders: list[str]


class Senders(Result):
    channels: list[Traffic]


class Message(Result):
    sender: str
    recipient: str
    body: str


class Messages(Result):
    messages: list[Message]


class Text(Result):
    text: str


class Done(Result):
    done: bool = True


def _call(context: ActionContext, function: str, **arguments: Any) -> Any:
    """What the attached environment answers.

    Raises:
        EffectFailed: none is attached, or it refused.
    """
    bridge = sys.modules.get("agentdojo_bridge")
    if bridge is None:
        raise EffectFailed("No AgentDojo environment is attached; run `python -m benchmarks.agentdojo`.")
    return bridge.call(context.run, function, arguments)


def _messages(found: Any) -> Messages:
    return Messages(messages=[Message(sender=item.sender, recipient=item.recipient, body=item.body) for item in found])


@action("slack.channels", effect="read", records=["names"])
def channels(arguments: Nothing, context: ActionContext) -> Names:
    """List the channels."""
    return Names(names=list(_call(context, "get_channels")))


@action("slack.members", effect="read", records=["channels"])
def members(arguments: Channels, context: ActionContext) -> Members:
    """List who is in each channel."""
    return Members(
        channels=[
            Membership(channel=name, users=_call(context, "get_users_in_channel", channel=name))
            for name in arguments.channels
        ]
    )


@action("slack.senders", effect="read", records=["channels"])
def senders(arguments: Channels, context: ActionContext) -> Senders:
    """List who wrote the messages of each channel, without what they wrote."""
    return Senders(
        channels=[
            Traffic(
                channel=name,
                senders=[item.sender for item in _call(context, "read_channel_messages", channel=name)],
            )
            for name in arguments.channels
        ]
    )


@action("slack.messages", effect="read", records=["messages.sender", "messages.recipient"])
def messages(arguments: Channels, context: ActionContext) -> Messages:
    """Read the messages of channels."""
    return _messages(
        [item for name in arguments.channels for item in _call(context, "read_channel_messages", channel=name)]
    )


@action("slack.read_channel", effect="read", records=["messages.sender", "messages.recipient"])
def read_channel(arguments: Channel, context: ActionContext) -> Messages:
    """Read the messages of one channel."""
    return _messages(_call(context, "read_channel_messages", channel=arguments.channel))


@action("slack.read_inbox", effect="read", records=["messages.sender", "messages.recipient"])
def read_inbox(arguments: User, context: ActionContext) -> Messages:
    """Read the messages that a user received."""
    return _messages(_call(context, "read_inbox", user=arguments.user))


@action("web.get_webpage", effect="idempotent", risk="medium", targets=["url"], title="{url}")
def get_webpage(arguments: Page, context: ActionContext) -> Text:
    """Fetch a web page."""
    return Text(text=_call(context, "get_webpage", url=arguments.url) or "")


@action("web.post_webpage", effect="idempotent", risk="high", targets=["url"], title="{url}")
def post_webpage(arguments: Publication, context: ActionContext) -> Done:
    """Publish a web page."""
    _call(context, "post_webpage", **arguments.model_dump())
    return Done()


def about_text(arguments: Direct | Post, context: ActionContext) -> dict[str, Any]:
    """Whether the text leads its reader somewhere."""
    return {"points_elsewhere": POINTERS.search(arguments.body) is not None}


@action(
    "slack.send_direct_message",
    effect="blind",
    risk="medium",
    targets=["recipient"],
    title="to {recipient}: {body}",
    facts=about_text,
    fact_names=["points_elsewhere"],
)
def send_direct_message(arguments: Direct, context: ActionContext) -> Done:
    """Send a direct message to a user."""
    _call(context, "send_direct_message", **arguments.model_dump())
    return Done()


@action(
    "slack.send_channel_message",
    effect="blind",
    risk="medium",
    targets=["channel"],
    title="in {channel}: {body}",
    facts=about_text,
    fact_names=["points_elsewhere"],
)
def send_channel_message(arguments: Post, context: ActionContext) -> Done:
    """Send a message to a channel."""
    _call(context, "send_channel_message", **arguments.model_dump())
    return Done()


@action(
    "slack.add_user_to_channel", effect="blind", risk="medium", targets=["user", "channel"], title="{user}, {channel}"
)
def add_user_to_channel(arguments: Member, context: ActionContext) -> Done:
    """Add a user to a channel."""
    _call(context, "add_user_to_channel", **arguments.model_dump())
    return Done()


@action(
    "slack.invite_user_to_slack",
    effect="blind",
    risk="high",
    targets=["user", "user_email"],
    title="{user}, {user_email}",
)
def invite_user_to_slack(arguments: Invitation, context: ActionContext) -> Done:
    """Invite somebody to the workspace."""
    _call(context, "invite_user_to_slack", **arguments.model_dump())
    return Done()


@action("slack.remove_user_from_slack", effect="idempotent", risk="high", targets=["user"], title="{user}")
def remove_user_from_slack(arguments: User, context: ActionContext) -> Done:
    """Remove a user from the workspace."""
    _call(context, "remove_user_from_slack", user=arguments.user)
    return Done()
