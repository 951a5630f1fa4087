"""Chat models that answer from a script, and the three classic failures of an agent as scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

Reply = str | Mapping[str, Any] | AIMessage | Exception
"""A text, an object to be sent as JSON, a whole message (tool calls, tokens), or an error to raise."""


class ScriptEnded(AssertionError):
    """A scripted model was asked more often than its script has answers."""


class ScriptedChatModel(BaseChatModel):
    """A chat model that gives the next reply of its script, whatever it is asked.

    `received` holds the messages of every call, `bound_tools` what the last call had bound.  Tokens are
    counted as words, unless a reply is a message that brings its own count.
    """

    replies: list[Any]
    """What it answers, in order; see `Reply`."""

    loop: bool = False
    """Whether the last reply is repeated for ever; otherwise the script ends in `ScriptEnded`."""

    script: str = "scripted"

    _received: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _bound: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    def __init__(self, replies: Sequence[Reply] = (), **fields: Any) -> None:
        super().__init__(**{"replies": list(replies), **fields})

    @property
    def received(self) -> list[list[BaseMessage]]:
        return self._received

    @property
    def bound_tools(self) -> list[dict[str, Any]]:
        return self._bound

    @property
    def _llm_type(self) -> str:
        return "interlock-scripted"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"script": self.script, "replies": len(self.replies), "loop": self.loop}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        index = len(self._received)
        self._received.append(list(messages))
        self._bound = list(kwargs.get("tools") or [])
        if index >= len(self.replies):
            if not (self.loop and self.replies):
                raise ScriptEnded(
                    f"The script {self.script!r} has {len(self.replies)} replies and was asked once more; "
                    f"the last message it got was: {messages[-1].text[:200] if messages else '(none)'}"
                )
            index = len(self.replies) - 1
        reply = self.replies[index]
        if isinstance(reply, Exception):
            raise reply
        answer = reply.model_copy() if isinstance(reply, AIMessage) else AIMessage(_as_text(reply))
        if answer.usage_metadata is None:
            answer.usage_metadata = count_words(messages, answer)
        return ChatResult(generations=[ChatGeneration(message=answer)])


def _as_text(reply: Any) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def count_words(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Words in and out, in the place of tokens."""
    read = sum(len(message.text.split()) for message in messages)
    written = len(answer.text.split())
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def calls(name: str, arguments: Mapping[str, Any], *, say: str = "", call_id: str = "call-1") -> AIMessage:
    """A message of a chat model that calls one tool."""
    return AIMessage(say, tool_calls=[{"name": name, "args": dict(arguments), "id": call_id, "type": "tool_call"}])


def wrong_tool(payee: str = "Northwind Supplies", amount: str = "480.00") -> ScriptedChatModel:
    """Asked to send a message, it pays money, then claims to be done.

    Stopped by the action space of the step (`unknown_tool`), or where the tool is in it by the policy.
    """
    return ScriptedChatModel(
        [
            calls("payments.transfer", {"payee": payee, "amount": amount}, say="There is an invoice, so I pay it."),
            "Done, everything is taken care of.",
        ],
        script="wrong_tool",
    )  # fmt: skip


def invented_argument(address: str = "accounts@invented.example.net") -> ScriptedChatModel:
    """It sends the message to an address that stands nowhere in what it was given, then claims to be done.

    Stopped by provenance: a value no one gave is labelled `model`, so a person has to agree, or the policy denies.
    """
    message = {"to": address, "subject": "Your message", "body": "Please see the message below."}
    return ScriptedChatModel(
        [calls("email.send", message, say="I know the address."), "Done, the message is sent."],
        script="invented_argument",
    )


def endless_loop(query: str = "delivery", *, varied: int = 0) -> ScriptedChatModel:
    """It searches the mail again and again and never answers.

    Stopped by the rule against identical calls; with `varied` different queries first, by the bound on turns.
    """
    searches = [calls("email.search", {"query": f"{query} {n}"}, call_id=f"call-{n}") for n in range(1, varied + 1)]
    last = calls("email.search", {"query": query}, say="Let me look once more.")
    return ScriptedChatModel([*searches, last], loop=True, script="endless_loop")


CLASSIC_FAILURES: dict[str, Callable[[], ScriptedChatModel]] = {
    "wrong_tool": wrong_tool,
    "invented_argument": invented_argument,
    "endless_loop": endless_loop,
}
"""Makers of the three scripts, by the name that stands in the provider string `scripted:NAME`."""
