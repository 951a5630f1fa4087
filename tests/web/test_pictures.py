"""Pictures of what a request is about: shown beside it, to who may read it, and nothing else by their address."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from interlock.tools.connect.pictures import keep
from interlock.web.legible import picture_at
from tests.attacks.house import House
from tests.web.site import Site

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_picture_is_served_to_who_may_read_requests(site: Site) -> None:
    """By its digest, as a PNG, and to nobody who has not signed in."""
    where = picture_at(keep(site.house.home, PNG))
    assert where == f"/pictures/{hashlib.sha256(PNG).hexdigest()}.png"
    assert site.stranger().get(where, headers={"accept": "image/png"}).status_code in (303, 401)
    answer = site.browser("fay").get(where)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"


TOOL = '''
"""Something that is sent as people saw it."""

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Sent(Result):
    line: str


class Form(Arguments):
    screenshot: str = about("The page as it was seen.")


@action("form.send", effect="blind", risk="high")
def send(arguments: Form, context: ActionContext) -> Sent:
    """Send a form."""
    return Sent(line=arguments.screenshot)
'''

GRAPH = """
graph: form
version: 1
input: {amount: {type: integer}, shot: {type: string}}
steps:
  send: {call: form.send, bind: {screenshot: $.shot}}
edges:
  - {from: START, to: send, approval: one}
  - {from: send, on: [rejected, expired, denied], to: END, outcome: not_sent}
  - send -> END
"""


def test_a_request_shows_its_picture(tmp_path: Path) -> None:
    """Beside the argument that refers to it, and by the address that serves it."""
    house = House(tmp_path / "shop").build()
    house.write("tools/form.py", TOOL)
    house.write("graphs/form.yaml", GRAPH)
    site = Site(house)
    reference = keep(house.home, PNG)
    run = site.asked("form", shot=reference)
    page = site.browser("fay").get(f"/approvals/{run.asked.id}")
    assert page.status_code == 200
    assert f'src="{picture_at(reference)}"' in page.text
    assert reference in page.text
    site.close()


def test_a_file_that_is_not_the_picture_is_not_served(site: Site) -> None:
    """What was put in its place has another digest."""
    where = picture_at(keep(site.house.home, PNG))
    [path] = (site.house.home / "pictures").iterdir()
    path.write_bytes(PNG + b"<script>")
    assert site.browser("fay").get(str(where)).status_code == 404


@pytest.mark.parametrize("name", ["../interlock.db", "..%2Finterlock.db", "x", "0" * 64, "A" * 64, "audit.key"])
def test_nothing_else_has_such_an_address(site: Site, name: str) -> None:
    """No path is made of what a request says."""
    assert site.browser("fay").get(f"/pictures/{name}.png").status_code == 404


@pytest.mark.parametrize("value", ["picture:sha256:xyz", "picture:sha256:" + "0" * 63, "/etc/passwd", 7, None])
def test_only_a_reference_is_a_picture(value: object) -> None:
    """Any other value is shown as the text that it is."""
    assert picture_at(value) is None
