"""Words in the code that a parameter asks for: currencies, formulas in Python."""

from __future__ import annotations

import re

from interlock.lam.mentions import CURRENCIES


def currency_code(text: str) -> str | None:
    """The ISO code of a currency word or sign: `euros` is EUR."""
    plain = re.sub(r"^(?:us|american|japanese|chinese|indian|british|swiss) ", "", text.lower())
    return next((code for code, forms in CURRENCIES.items() if plain in forms or text.lower() in forms), None)


def python_formula(text: str) -> str | None:
    """A formula in Python's signs: `3x^2 + 2x` is `3*x**2 + 2*x`."""
    found = text.replace("^", "**")
    found = re.sub(r"(?<=\d)\s?(?=[a-zA-Z](?![a-z]))", "*", found)
    return found if re.fullmatch(r"[\w\s.+\-*/()]+", found) else None


def python_lambda(text: str) -> str | None:
    """A formula of one variable as a Python lambda: `3x^2` is `lambda x: 3*x**2`."""
    formula = python_formula(text)
    variables = set(re.findall(r"(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z])", formula or ""))
    return f"lambda {variables.pop()}: {formula}" if formula and len(variables) == 1 else None


CODES = {"currency_code": currency_code, "python_formula": python_formula, "python_lambda": python_lambda}
"""Rules by the names that evidence records."""
