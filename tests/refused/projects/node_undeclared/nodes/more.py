# expect: N012 15:1
"""A function that does not say what it takes."""

from interlock import Result, Values, node


class Request(Values):
    request: str


class Counted(Result):
    words: int


@node("count")
def count(values) -> Counted:
    """How many words there are."""
    return Counted(words=len(values.request.split()))
