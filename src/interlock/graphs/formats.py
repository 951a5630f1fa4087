"""What the formats of a schema mean: one answer for inputs, forms, events and what models write."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from urllib.parse import urlsplit

from email_validator import validate_email
from jsonschema import FormatChecker

FORMATS = FormatChecker(formats=())
"""Checks each `format` that a `Schema` may ask for; jsonschema alone skips some of them in silence."""

LIKE = {
    "email": "anna@example.org",
    "date": "2026-01-31",
    "time": "14:30",
    "date-time": "2026-01-31T14:30:00+01:00",
    "uri": "https://example.org/",
}
"""A value of each format, for messages."""


@FORMATS.checks("email", raises=ValueError)
def _is_email(value: object) -> bool:
    return not isinstance(value, str) or bool(validate_email(value, check_deliverability=False))


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


@FORMATS.checks("time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or (":" in value and time.fromisoformat(value) is not None)


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", value)
