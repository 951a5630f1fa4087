"""The people who have access to the page and the API, and in which roles."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["author", "operator", "reviewer", "admin"]
"""What access is given for; a person may hold several.  Which requests a reviewer may decide is what policies say."""

ROLES: frozenset[Role] = frozenset(get_args(Role))
