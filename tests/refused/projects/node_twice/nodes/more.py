# expect: N004 11:1
"""A function with the name of a card."""

from interlock import Result, Values, node


class Thought(Result):
    text: str


@node("think")
def think(values: Values) -> Thought:
    """Think as the card of this name does."""
    return Thought(text="")
