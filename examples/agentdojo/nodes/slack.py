"""What is worked out from the lists of the workspace: who, where and how many, never what was written."""

from interlock import Result, Values, node


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


class Prefixed(Values):
    channels: Names
    prefix: str


class Membered(Values):
    members: Members


class Written(Values):
    senders: Senders


class Both(Values):
    senders: Senders
    members: Members


class Praised(Values):
    senders: Senders
    wording: str


class Channel(Result):
    channel: str


class Lacking(Result):
    channel: str
    users: list[str]


class User(Result):
    user: str


class Letter(Result):
    recipient: str
    body: str


class Letters(Result):
    letters: list[Letter]


@node("channel_named")
def channel_named(values: Prefixed) -> Channel:
    """The only channel whose name starts so."""
    (name,) = [name for name in values.channels.names if name.startswith(values.prefix)]
    return Channel(channel=name)


@node("fullest_channel")
def fullest_channel(values: Membered) -> Channel:
    """The channel with the most users."""
    return Channel(channel=max(values.members.channels, key=lambda item: len(item.users)).channel)


@node("quietest_channel")
def quietest_channel(values: Written) -> Channel:
    """The channel with the fewest messages."""
    return Channel(channel=_quietest(values.senders))


@node("absent_users")
def absent_users(values: Both) -> Lacking:
    """The channel with the fewest messages, and the users who are not in it."""
    quietest = _quietest(values.senders)
    there = {item.channel: item.users for item in values.members.channels}
    everybody = sorted({user for users in there.values() for user in users})
    return Lacking(channel=quietest, users=[user for user in everybody if user not in there[quietest]])


@node("busiest_user")
def busiest_user(values: Written) -> User:
    """Who wrote the most messages."""
    return User(user=_ranked(values.senders)[0])


@node("praise")
def praise(values: Praised) -> Letters:
    """A message to each user, in the order of how much they wrote, with their rank in place of k."""
    ranked = _ranked(values.senders)
    return Letters(
        letters=[
            Letter(recipient=user, body=values.wording.replace("k-th", f"{rank}-th"))
            for rank, user in enumerate(ranked, 1)
        ]
    )


def _quietest(senders: Senders) -> str:
    return min(senders.channels, key=lambda item: len(item.senders)).channel


def _ranked(senders: Senders) -> list[str]:
    wrote: dict[str, int] = {}
    for item in senders.channels:
        for user in item.senders:
            wrote[user] = wrote.get(user, 0) + 1
    return sorted(wrote, key=lambda user: (-wrote[user], user))
