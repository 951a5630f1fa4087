# expect: N006 1:1
"""A node that no card describes."""
