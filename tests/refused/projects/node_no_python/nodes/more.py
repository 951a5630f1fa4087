# expect: N011 3:7
"""A nodes file that is not Python."""
def f(:
