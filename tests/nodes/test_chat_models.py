"""Chat models by provider string, and what their errors become."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from interlock.errors import LimitExceeded, ModelError, ModelUnavailable, SettingsError
from interlock.nodes.models import chat_model, model_name, provider_errors
from interlock.nodes.offline import OfflineChatModel
from interlock.settings import Settings
from interlock.testing import ScriptedChatModel


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_default_is_what_the_settings_name():
    """`default` and `offline` both give the offline model as long as nothing else is set."""
    assert isinstance(chat_model("default", settings(model="offline")), OfflineChatModel)
    assert isinstance(chat_model("offline", settings()), OfflineChatModel)
    assert isinstance(chat_model("default", settings(model="scripted:endless_loop")), ScriptedChatModel)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("opnai:gpt", "Did you mean openai"),
        ("gpt-4o", "Known: offline, openai:…"),
        ("", "names no chat model"),
        ("openai:", "openai needs a name"),
        ("openai", "openai needs a name"),
        ("offline:x", "takes no name"),
        ("openai:m@ftp://h", "write openai:MODEL or openai:MODEL@http"),
        ("openai:@http://h/v1", "write openai:MODEL or openai:MODEL@http"),
        ("scripted:heist", "wrong_tool, invented_argument, endless_loop"),
        ("hf:/no/such/folder", "no such folder"),
    ],
)
def test_a_wrong_provider_string_says_what_to_write(provider, said):
    """Every provider string that names nothing is a `SettingsError` with the next step."""
    with pytest.raises(SettingsError) as raised:
        chat_model(provider, settings())
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("provider", "module", "install"),
    [
        ("openai:gpt-4o", "langchain_openai", 'pip install "interlock[openai]"'),
        ("anthropic:claude", "langchain_anthropic", "pip install langchain-anthropic"),
        ("ollama:qwen3", "langchain_ollama", "pip install langchain-ollama"),
        ("hf:.", "langchain_huggingface", "pip install langchain-huggingface"),
    ],
)
def test_a_missing_package_is_named(provider, module, install, monkeypatch):
    """Without its integration a provider says which command installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError) as raised:
        chat_model(provider, settings())
    assert install in raised.value.message


@pytest.mark.parametrize(
    ("provider", "module", "maker", "given"),
    [
        (
            "anthropic:claude",
            "langchain_anthropic",
            "ChatAnthropic",
            {"model": "claude", "timeout": 7.0, "max_retries": 0},
        ),
        ("ollama:qwen3:4b", "langchain_ollama", "ChatOllama", {"model": "qwen3:4b", "client_kwargs": {"timeout": 7.0}}),
    ],
)
def test_integrations_get_model_timeout_and_no_retries(provider, module, maker, given, monkeypatch):
    """Each integration is made with the model's name, our timeout and its own retries off."""
    fake = ModuleType(module)
    setattr(fake, maker, lambda **fields: SimpleNamespace(**fields))
    monkeypatch.setitem(sys.modules, module, fake)
    assert vars(chat_model(provider, settings(model_timeout=7))) == given  # type: ignore[arg-type]


def test_openai_needs_its_key_only_at_openai(monkeypatch):
    """Without a key `openai:MODEL` is refused with the variable's name, and another server works."""
    pytest.importorskip("langchain_openai")
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        chat_model("openai:gpt-4o", settings())
    model: Any = chat_model("openai:org/m@x@http://127.0.0.1:1/v1", settings(model_timeout=3))
    assert model_name(model) == "org/m@x"
    assert (model.openai_api_base, model.request_timeout, model.max_retries) == ("http://127.0.0.1:1/v1", 3.0, 0)


class HttpError(Exception):
    """An SDK's error: a status of its own, or the one of its response."""

    def __init__(self, status: int | None = None, response: int | None = None) -> None:
        super().__init__(f"status {status or response}")
        if status is not None:
            self.status_code = status
        self.response = SimpleNamespace(status_code=response) if response is not None else None


class APIConnectionError(Exception):
    """What SDKs call it when there is no connection."""


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (HttpError(status=429), ModelUnavailable),
        (HttpError(response=502), ModelUnavailable),
        (HttpError(status=408), ModelUnavailable),
        (HttpError(status=401), ModelError),
        (HttpError(response=404), ModelError),
        (ConnectionRefusedError("no"), ModelUnavailable),
        (TimeoutError(), ModelUnavailable),
        (APIConnectionError("no"), ModelUnavailable),
        (ValueError("odd"), ModelError),
    ],
)
def test_errors_of_providers_become_ours(raised, becomes):
    """Connections, timeouts, 429 and 5xx are retryable; the rest is terminal; the cause is kept."""
    with pytest.raises(ModelError) as found, provider_errors("tiny"):
        raise raised
    assert type(found.value) is becomes
    assert found.value.message.startswith("tiny ")
    assert found.value.__cause__ is raised


@pytest.mark.parametrize("raised", [LimitExceeded(), AssertionError("script")])
def test_our_own_errors_pass(raised):
    """A limit that is reached inside the call, and a failed assertion, stay what they are."""
    with pytest.raises(type(raised)), provider_errors("tiny"):
        raise raised
