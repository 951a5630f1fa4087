# expect: N015 1:1
"""Something that no step can use."""

from math import tau

HALF = tau / 2
