"""The files of pages: those that came from elsewhere are what they say, and browsers keep what cannot change."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from interlock.web.static import STATIC, address, content
from tests.web.site import Site

VENDORED = json.loads(content("VENDOR.json"))


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: entry["file"])
def test_a_file_from_elsewhere_is_the_one_that_was_looked_at(entry: dict[str, str]) -> None:
    """By its hash, with version and licence; every script that is not ours is listed."""
    assert hashlib.sha256(content(entry["file"])).hexdigest() == entry["sha256"]
    assert entry["licence"] == "0BSD"
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
    assert {name for name in STATIC if name.endswith(".min.js")} == {each["file"] for each in VENDORED}


@pytest.mark.parametrize("name", STATIC)
def test_a_file_is_kept_under_the_address_of_its_content_alone(shared: Site, name: str) -> None:
    """With the right hash for a year; with none or another one, it is not kept."""
    browser = shared.stranger()
    found = browser.get(address(name))
    assert (found.status_code, found.headers["content-type"], found.content) == (200, STATIC[name], content(name))
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    for other in (f"/static/{name}", f"/static/{name}?v=0", f"{address(name)}&x=1"):
        assert browser.get(other).headers["cache-control"] == "no-store"


def test_nothing_else_is_ever_kept(shared: Site) -> None:
    """Pages, answers to programs, and files that are not there."""
    for path in ("/", "/api/approvals", "/static/none.css?v=1", "/sign-in"):
        assert shared.browser("fay").get(path).headers["cache-control"] == "no-store"
