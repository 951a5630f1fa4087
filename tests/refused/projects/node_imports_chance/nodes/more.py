# expect: N013 4:8
"""A function that gives another result each time."""

import random

from interlock import Result, Values, node


class Drawn(Result):
    number: float


@node("draw")
def draw(values: Values) -> Drawn:
    """A number."""
    return Drawn(number=random.random())
