"""Functions of the accepted examples."""

from interlock import Result, Values, node


class Request(Values):
    request: str


class Counted(Result):
    words: int


@node("count_words")
def count_words(values: Request) -> Counted:
    """How many words a request has."""
    return Counted(words=len(values.request.split()))
