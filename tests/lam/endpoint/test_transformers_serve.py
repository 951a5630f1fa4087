"""`transformers serve` over tiny models as the action model: a real server, found out and asked as any other.

The models know three answers by heart, since random weights say nothing that can be read; one of them is random.
The server places models by `accelerate`, which the extra `dev` brings.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from interlock.errors import ModelError
from interlock.lam.endpoint.messages import free_space, messages_for
from interlock.lam.endpoint.model import EndpointModel, NotScored
from interlock.lam.endpoint.options import Options, Way
from interlock.lam.endpoint.ways import body_for
from interlock.lam.protocol import Action, Decision
from tests.lam.endpoint.memorised import Lesson, learn, make_model, make_tokenizer, save
from tests.lam.endpoint.test_model import ASKED, SPACE, TO_ANNA, seen

pytestmark = pytest.mark.slow
"""Two models are trained and a server is started, which takes longer than all other tests of the folder."""

LOST, NOTHING = "Write to Bob, please.", "What a nice day."
OFFERED = free_space(SPACE, {})


def lesson(request: str, answer: str) -> Lesson:
    body = body_for("tools", messages_for(seen(request), OFFERED, "tools"), OFFERED)
    return body["messages"], body["tools"], answer


def written(name: str, **arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


LESSONS = [
    lesson(ASKED, written("email_send", **TO_ANNA)),
    lesson(LOST, written("email_send", body="Bob")),
    lesson(NOTHING, "I only send mail and pay."),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Qwen2 whose calls the server reads, a Llama whose calls stay in the text, and a Llama of random weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    texts = [message["content"] for messages, _, _ in LESSONS for message in messages]
    texts += [json.dumps(LESSONS[0][1])] * 3 + [answer for _, _, answer in LESSONS]
    tokenizer, root = make_tokenizer(texts), tmp_path_factory.mktemp("models")
    made = {}
    for name in ("qwen2", "llama", "random"):
        model = make_model("qwen2" if name == "qwen2" else "llama", tokenizer)
        made[name] = save(root / name, model, tokenizer)
        if name != "random":
            # read anew: transformers splits texts for a Qwen2 by rules of its own, whatever was saved
            learn(model, AutoTokenizer.from_pretrained(made[name]), LESSONS)
            model.save_pretrained(made[name])
    torch.set_num_threads(before)
    return made


@contextmanager
def started() -> Iterator[str]:
    """The address of a running `transformers serve`; its own line says when it listens, and where."""
    server = subprocess.Popen(
        [sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1", "--port", "0",
         "--device", "cpu"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert server.stderr is not None
    last = deque[str](maxlen=40)
    try:
        for line in server.stderr:
            last.append(line)
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError("the server ended before it listened:\n" + "".join(last))
        rest = threading.Thread(target=last.extend, args=(server.stderr,), daemon=True)
        rest.start()  # a full pipe would hold the server up
        yield found[1]
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        print("".join(last))  # shown with a test that fails


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with started() as url:
        yield url


def decided(address: str, folder: Path, request: str, **options: Any) -> tuple[EndpointModel, Decision]:
    patient = {"seconds": 250.0, "max_tokens": 120} | options  # the first request loads the model
    model = EndpointModel(Options(f"{address}/v1", model=str(folder), **patient))
    return model, model.decide(seen(request), SPACE, risk=1)


@pytest.mark.parametrize("name", ["qwen2", "llama"])
def test_a_served_model_acts_asks_and_abstains(address: str, folders: dict[str, Path], name: str) -> None:
    """The way is found to be `tools`, since the server keeps to no schema; calls come in its form or in the text."""
    model, decision = decided(address, folders[name], ASKED)
    assert model._way == "tools"
    assert decision.kind == "act"
    assert decision.actions[0].arguments == TO_ANNA
    assert {path: found.text for path, found in decision.actions[0].evidence.items()} == TO_ANNA
    asking = model.decide(seen(LOST), SPACE, risk=1)
    assert (asking.kind, asking.missing, asking.actions[0].arguments) == ("ask", ["to"], {"body": "Bob"})
    assert model.decide(seen(NOTHING), SPACE, risk=1).kind == "abstain"
    assert model.decide(seen(ASKED), SPACE, risk=1) == decision


def test_a_served_model_is_not_sure_and_does_not_score(address: str, folders: dict[str, Path]) -> None:
    """The server tells no log-probabilities: the call is to be confirmed, and `score` says why there is none."""
    model, _ = decided(address, folders["llama"], ASKED, way="tools")
    cautious = model.decide(seen(ASKED), SPACE, risk=0.5)
    assert (cautious.kind, cautious.missing) == ("ask", ["email.send"])
    with pytest.raises(NotScored):
        model.score(seen(ASKED), SPACE, Action(name="email.send", arguments=TO_ANNA, confidence=1))


@pytest.mark.parametrize("way", ["tools", "response_format"])
def test_random_weights_cause_no_call(address: str, folders: dict[str, Path], way: Way) -> None:
    """What never comes to an end, and under a schema nobody keeps to, is refused."""
    with pytest.raises(ModelError, match="no usable answer: the answer was cut off"):
        decided(address, folders["random"], ASKED, way=way)


def test_a_model_that_is_not_there_is_an_error(address: str, folders: dict[str, Path]) -> None:
    """The server cannot load it, and says so with a status of its own."""
    with pytest.raises(ModelError, match="answered"):
        decided(address, folders["llama"].with_name("none"), ASKED, attempts=1)
