# expect: N014 16:11
"""A function that gives another result tomorrow."""

from datetime import date

from interlock import Result, Values, node


class Day(Result):
    day: date


@node("today")
def today(values: Values) -> Day:
    """The day."""
    day = date.today()
    return Day(day=day)
