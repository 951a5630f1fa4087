"""Chat models by provider string, and what their errors mean.

| provider string                        | model                                                      |
|----------------------------------------|------------------------------------------------------------|
| `default`                              | the one the settings name (`INTERLOCK_MODEL`)              |
| `offline`                              | rules, no LLM, no network (`interlock.nodes.offline`)      |
| `openai:MODEL`                         | OpenAI; key from `OPENAI_API_KEY`                          |
| `openai:MODEL@http://HOST:PORT/v1`     | any OpenAI-compatible server; no key is sent               |
| `anthropic:MODEL`                      | Anthropic; key from `ANTHROPIC_API_KEY`                    |
| `ollama:MODEL`                         | an Ollama server                                           |
| `hf:FOLDER`                            | a model folder on disk, by transformers                    |
| `scripted:NAME`                        | a script of `interlock.testing`, for demonstrations        |

A provider's own retries are off: retries are counted in the database by whoever runs the step.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata

from interlock.errors import InterlockError, ModelError, ModelUnavailable, SettingsError
from interlock.settings import Settings


class Meter(Protocol):
    """Counts what chat models cost; the run's limits stand behind it."""

    def call(self) -> None:
        """Record one call, before it is made: a call that fails is paid too.

        Raises:
            LimitExceeded: the run has no call left; the model is not asked.
        """

    def usage(self, metadata: UsageMetadata | None) -> None:
        """Record the tokens of one answer, as soon as it has arrived; None when the provider tells none.

        Raises:
            LimitExceeded: the answer has used up the money of the run.
        """


def chat_model(provider: str, settings: Settings) -> BaseChatModel:
    """The chat model that a provider string names; nothing is called yet.

    Raises:
        SettingsError: unknown provider, missing package, missing key or missing folder.
    """
    if provider == "default":
        provider = settings.model
    kind, _, rest = provider.partition(":")
    make = PROVIDERS.get(kind)
    if make is None:
        close = get_close_matches(kind, PROVIDERS, n=1)
        known = "offline, " + ", ".join(f"{name}:…" for name in PROVIDERS if name != "offline")
        raise SettingsError(
            f"{provider!r} names no chat model." + (f" Did you mean {close[0]}?" if close else "") + f" Known: {known}."
        )
    if bool(rest) == (kind == "offline"):
        raise SettingsError(
            "The offline model takes no name; write offline." if rest else f"{kind} needs a name: {kind}:NAME."
        )
    return make(rest, settings)


def _offline(_: str, settings: Settings) -> BaseChatModel:
    from interlock.nodes.offline import OfflineChatModel  # its dictionary is read only when it serves

    return OfflineChatModel()


def _openai(name: str, settings: Settings) -> BaseChatModel:
    integration = _integration("langchain_openai", 'pip install "interlock[openai]"')
    model, at, url = _endpoint(name)
    given: dict[str, Any] = {"model": model, "timeout": settings.model_timeout, "max_retries": 0}
    if at:
        # The key of OPENAI_API_KEY belongs to OpenAI: another server must not see it.
        given |= {"base_url": url, "api_key": "none", "use_responses_api": False}
    return _made(integration.ChatOpenAI, given, "OPENAI_API_KEY")


def _endpoint(name: str) -> tuple[str, bool, str]:
    for scheme in ("@http://", "@https://"):
        model, found, rest = name.partition(scheme)
        if found:
            if not model or not rest:
                break
            return model, True, scheme[1:] + rest
    else:
        if "@" not in name:
            return name, False, ""
    raise SettingsError(f"openai:{name}: write openai:MODEL or openai:MODEL@http://HOST:PORT/v1.")


def _anthropic(name: str, settings: Settings) -> BaseChatModel:
    integration = _integration("langchain_anthropic", "pip install langchain-anthropic")
    given = {"model": name, "timeout": settings.model_timeout, "max_retries": 0}
    return _made(integration.ChatAnthropic, given, "ANTHROPIC_API_KEY")


def _ollama(name: str, settings: Settings) -> BaseChatModel:
    integration = _integration("langchain_ollama", "pip install langchain-ollama")
    given = {"model": name, "client_kwargs": {"timeout": settings.model_timeout}}
    return _made(integration.ChatOllama, given, "OLLAMA_HOST")


def _huggingface(name: str, settings: Settings) -> BaseChatModel:
    if not Path(name).is_dir():
        raise SettingsError(f"hf:{name}: there is no such folder; name a folder that holds a transformers model.")
    integration = _integration("langchain_huggingface", "pip install langchain-huggingface")
    pipeline = integration.HuggingFacePipeline.from_model_id(
        model_id=name, task="text-generation", pipeline_kwargs={"max_new_tokens": 1024, "return_full_text": False}
    )
    return _made(integration.ChatHuggingFace, {"llm": pipeline}, "the folder")


def _scripted(name: str, settings: Settings) -> BaseChatModel:
    from interlock.testing import CLASSIC_FAILURES  # test doubles are loaded only when asked for

    if name not in CLASSIC_FAILURES:
        raise SettingsError(f"scripted:{name}: there is no such script. Known: {', '.join(CLASSIC_FAILURES)}.")
    return CLASSIC_FAILURES[name]()


PROVIDERS: dict[str, Callable[[str, Settings], BaseChatModel]] = {
    "offline": _offline,
    "openai": _openai,
    "anthropic": _anthropic,
    "ollama": _ollama,
    "hf": _huggingface,
    "scripted": _scripted,
}
"""Makers by the word before the colon; each takes what follows it, and the settings."""


def _integration(module: str, install: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise SettingsError(f"{module} is not installed ({missing}); run: {install}") from None


def _made(maker: Callable[..., Any], given: dict[str, Any], look_at: str) -> BaseChatModel:
    try:
        model: BaseChatModel = maker(**given)
    except Exception as refused:  # each integration has its own class for a missing key
        raise SettingsError(f"The chat model could not be set up: {_told(refused)} Look at {look_at}.") from refused
    return model


@contextmanager
def provider_errors(name: str) -> Iterator[None]:
    """Turn whatever a provider raises inside the block into our two errors.

    Errors of this project and failed assertions pass unchanged.

    Raises:
        ModelUnavailable: no connection, a timeout, 408, 425, 429 or 5xx; trying again can help.
        ModelError: anything else, such as a refused key or a request the server does not take.
    """
    try:
        yield
    except (InterlockError, AssertionError):
        raise
    except Exception as raised:
        status = _status(raised)
        if status in (408, 425, 429) or (status is not None and status >= 500):
            raise ModelUnavailable(f"{name} answered {status}: {_told(raised)} Try again later.") from raised
        if status is None and _is_connection_trouble(raised):
            raise ModelUnavailable(f"{name} could not be reached: {_told(raised)} Try again later.") from raised
        hint = " Check the key in the environment." if status in (401, 403) else ""
        word = f"answered {status}" if status else "failed"
        raise ModelError(f"{name} {word}: {_told(raised)}{hint}") from raised


def refused_status(error: BaseException) -> int | None:
    """The HTTP status behind an error made by `provider_errors`, if there was one."""
    return _status(error.__cause__) if error.__cause__ is not None else None


def patient(model: BaseChatModel, seconds: float | None) -> BaseChatModel:
    """`model` with a client that waits no longer than `seconds`, where its integration takes that with each request.

    Others keep the timeout they were made with: whoever asks stops waiting by itself, and this only ends
    a request that nobody waits for any more.
    """
    taken = getattr(model, "model_kwargs", None)
    own = _OWN_TIMEOUT.get(type(model).__name__)
    if seconds is None or own is None or not isinstance(taken, dict):
        return model
    before = getattr(model, own, None)
    least = min(seconds, before) if isinstance(before, int | float) else seconds
    return model.model_copy(update={"model_kwargs": taken | {"timeout": max(least, 0.001)}})


_OWN_TIMEOUT = {"ChatOpenAI": "request_timeout", "ChatAnthropic": "default_request_timeout"}
"""The integrations that hand `timeout` of a single request to their client, and their field for all requests."""


def model_name(model: BaseChatModel) -> str:
    """What an error message calls the model: its own name for its weights, or else its class."""
    for field in ("model_name", "model", "model_id"):
        value = getattr(model, field, None)
        if isinstance(value, str) and value:
            return value
    return type(model).__name__


def _status(raised: BaseException) -> int | None:
    """The HTTP status that an SDK's error carries: `.status_code`, or the one of its `.response`."""
    for holder in (raised, getattr(raised, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and not isinstance(status, bool) and status >= 400:
            return status
    return None


_CONNECTION_TROUBLE = frozenset(
    {"APIConnectionError", "APITimeoutError", "TransportError", "RequestException", "ConnectionError", "TimeoutError"}
)
"""Names, since the SDKs (openai, anthropic, httpx, requests) are optional and share no base class."""


def _is_connection_trouble(raised: BaseException) -> bool:
    return any(base.__name__ in _CONNECTION_TROUBLE for base in type(raised).__mro__)


def _told(raised: BaseException) -> str:
    text = " ".join(str(raised).split()) or type(raised).__name__
    text = text if len(text) <= 300 else text[:299] + "…"
    return text if text.endswith((".", "!", "?", "…")) else text + "."
