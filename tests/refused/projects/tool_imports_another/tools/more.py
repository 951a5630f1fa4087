# expect: T005 4:1
"""A tools file that uses another one."""

from tools.house import Payment

KEPT = Payment
