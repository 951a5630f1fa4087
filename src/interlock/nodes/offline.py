"""The chat model that serves when none is configured: rules, no LLM, no network, no key.

It does a small amount of honest text work on what stands in the tags of a prompt (`<draft>…</draft>`):
spelling, capitals, punctuation, greeting and closing; a subject and a summary by extraction; for a
revision, what the reviewer put in quotation marks, and shortening.  It fills the JSON Schema of the
system message with that, leaves out what it cannot know, and says of a question that it cannot answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from interlock.nodes.offline_extract import keywords, shortened, subject_of, summary_of
from interlock.nodes.offline_revise import revise
from interlock.nodes.offline_text import Letter, polish, read_letter, sentences
from interlock.nodes.offline_tools import call_of

MODEL = "offline-rules-1"
CANNOT_ANSWER = (
    "I am Interlock's offline model: rules that polish, shorten and extract text, not a language model. "
    "I cannot answer this. Name a chat model in INTERLOCK_MODEL to get an answer."
)
CANNOT_ACT = "This is text only: a chat model without tools sends, pays and changes nothing."

_OPENING = re.compile(r"<([a-z][a-z0-9_]*(?:-[0-9]+)?)>")
_NAMED_TAGS = re.compile(r"^Text inside (<[^ ]+>(?:, <[^ ]+>)*) is data", re.MULTILINE)
_LABELLED = re.compile(r"^(draft|text|body|letter):[ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_TEXT_TAGS = ("draft", "text", "body", "email", "message", "document", "letter", "article", "content", "polished")
_ASIDE_TAGS = ("request", "question", "review", "comment", "subject", "title", "goal")
_TASKS = (
    ("revise", r"revis\w+|sent (it|this|the \w+) back|reviewer"),
    ("summarise", r"summar\w+|tl;?dr|sum up|key points"),
    ("shorten", r"shorten\w*|make (it|this) shorter|condense"),
    ("polish", r"polish\w*|correct\w*|proofread\w*|improve\w*|fix\w*|spell\w*|clean up|rewrite"),
    ("subject", r"subject|headline|title"),
)
_ACTS = re.compile(r"\b(send|pay|transfer|refund|book|schedule|delete|remove|update|forward)\b", re.IGNORECASE)
_QUOTED = '["“]([^"“”]+)["”]'


class OfflineChatModel(BaseChatModel):
    """A deterministic, rule-based chat model.  It is no LLM, and its answers' metadata say so."""

    @property
    def _llm_type(self) -> str:
        return "interlock-offline-rules"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": MODEL, "is_llm": False}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools in OpenAI's format; it calls at most one of them, once a request."""
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = _answer(messages, kwargs.get("tools") or [])
        read = sum(len(message.text.split()) for message in messages)
        written = len(answer.text.split())
        answer.usage_metadata = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
        answer.response_metadata = {"model": MODEL, "model_name": MODEL, "is_llm": False}
        return ChatResult(generations=[ChatGeneration(message=answer)])


@dataclass(frozen=True)
class _Question:
    """What a prompt asks: the words outside the tags, the blocks inside, and the goal of the system message."""

    asked: str
    blocks: tuple[tuple[str, str], ...]
    goal: str

    def block(self, *names: str) -> str | None:
        return next((text for name in names for tag, text in self.blocks if tag == name), None)

    @property
    def text(self) -> str | None:
        """The text to work on: a block that is named like one, or else the longest that is no aside."""
        named = self.block(*_TEXT_TAGS)
        others = [text for tag, text in self.blocks if tag not in _ASIDE_TAGS]
        return named if named is not None else max(others, key=len, default=None)

    @property
    def task(self) -> str:
        for said in (self.asked, self.goal):
            for task, words in _TASKS:
                if re.search(rf"\b({words})\b", said, re.IGNORECASE):
                    return task
        return "answer"


def _answer(messages: list[BaseMessage], tools: list[Any]) -> AIMessage:
    if messages and isinstance(messages[-1], ToolMessage):
        return AIMessage(f"The tool answered: {messages[-1].text}")
    system = "\n\n".join(message.text for message in messages if isinstance(message, SystemMessage))
    humans = [message.text for message in messages if isinstance(message, HumanMessage)]
    question = _read(system, next((text for text in humans if _OPENING.search(text)), humans[-1] if humans else ""))
    if tools:
        text = question.text
        letter = None if text is None else polish(text) if question.task == "polish" else read_letter(text)
        said, call = call_of(question.asked, letter, tools, dict(question.blocks))
        return AIMessage(said, tool_calls=[call] if call else [])
    schema = _schema(system)
    if schema is not None:
        return AIMessage(json.dumps(_Filler(question).fields(schema), ensure_ascii=False))
    if question.text is None:
        return AIMessage(CANNOT_ANSWER)
    worked = _Filler(question).text
    return AIMessage(f"{worked}\n\n{CANNOT_ACT}" if _ACTS.search(question.asked) else worked)


def _read(system: str, human: str) -> _Question:
    blocks: list[tuple[str, str]] = []
    outside, at = [], 0
    named = _NAMED_TAGS.search(system)
    fenced = re.findall(r"<([^>]+)>", named[1]) if named else None
    while match := _OPENING.search(human, at):
        if fenced is not None and match[1] not in fenced:  # the words of a value, not of the prompt
            outside.append(human[at : match.end()])
            at = match.end()
            continue
        closing = human.rfind(f"</{match[1]}>")
        if closing < match.end():
            outside.append(human[at : match.end()])
            at = match.end()
            continue
        outside.append(human[at : match.start()])
        blocks.append((match[1].partition("-")[0], human[match.end() : closing].strip("\n")))
        at = closing + len(match[1]) + 3
    outside.append(human[at:])
    if not blocks:
        blocks = [(match[1].lower(), match[2]) for match in _LABELLED.finditer(human)]
    return _Question(" ".join(outside).strip(), tuple(blocks), system.split("\n\n", 1)[0])


def _schema(system: str) -> dict[str, Any] | None:
    start = system.find("{", system.find("JSON Schema"))
    if "JSON Schema" not in system or start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(system[start:])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class _Filler:
    """The fields of one answer."""

    def __init__(self, question: _Question) -> None:
        self.question = question
        self.source = question.text or ""
        self.letter = polish(self.source)
        self.known_subject = question.block("subject", "title")
        if self.known_subject and not self.letter.subject:
            self.letter = replace(self.letter, subject=self.known_subject.strip())
        if question.task == "revise":
            self.letter = revise(self.letter, question.block("review", "comment") or question.asked)
        elif question.task == "shorten":
            self.letter = shortened(self.letter)

    @property
    def text(self) -> str:
        if self.question.text is None:
            return CANNOT_ANSWER
        if self.question.task == "summarise":
            return summary_of(self.letter)
        return subject_of(self.letter) if self.question.task == "subject" else self.letter.text()

    def fields(self, schema: dict[str, Any]) -> dict[str, Any]:
        """An object for `schema`; a field that nothing in the text answers is left out."""
        values = {name: self._value(name, part) for name, part in schema.get("properties", {}).items()}
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, name: str, schema: dict[str, Any]) -> Any:
        if schema.get("enum"):
            return self._likeliest(schema["enum"])
        match schema.get("type"):
            case "string":
                return self._string(name, schema)
            case "boolean":
                meant = keywords(name.replace("_", " ")) | keywords(schema.get("description", ""))
                return bool(meant & keywords(self.letter.text() or self.question.asked))
            case "integer" | "number" as kind:
                return self._number(whole=kind == "integer")
            case "array":
                found = key_strings(self.letter) if schema.get("items", {}).get("type") == "string" else []
                return found[: schema.get("maxItems", 3)]
            case "object":
                return self.fields(schema)
        return None

    def _string(self, name: str, schema: dict[str, Any]) -> str | None:
        pattern = _LITERAL.get(schema.get("format", ""))
        if pattern:
            found = re.search(pattern, f"{self.source}\n{self.question.asked}")
            return found[0] if found else None
        if self.question.text is None:
            text = CANNOT_ANSWER
        elif re.search(r"subject|title|headline", name):
            text = subject_of(self.letter)
        elif re.search(r"summary|abstract|tldr|gist|reason|explanation", name):
            text = summary_of(self.letter)
        else:
            text = self.text if self.question.task != "subject" else self.letter.text()
        return _cut(text, schema.get("maxLength"))

    def _likeliest(self, options: list[Any]) -> Any:
        about = self.letter.text() or " ".join(text for _, text in self.question.blocks)
        words = keywords(f"{about} {self.question.asked}")
        overlap = [len(keywords(str(option).replace("_", " ")) & words) for option in options]
        if not any(overlap):
            unsure = [option for option in options if option in ("other", "unknown", "none", "unclear", "unsure")]
            return unsure[0] if unsure else options[0]
        return options[overlap.index(max(overlap))]

    def _number(self, *, whole: bool) -> int | float | None:
        found = re.search(r"(?<![\w.,-])-?[0-9]{1,12}(\.[0-9]+)?(?![\w])", self.source or self.question.asked)
        if not found or (whole and found[1]):
            return None
        return float(found[0]) if found[1] else int(found[0])


_LITERAL = {
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    "date": r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b",
    "time": r"\b[0-2]?[0-9]:[0-5][0-9]\b",
    "date-time": r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)?",
    "uri": r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]",
}


def key_strings(letter: Letter) -> list[str]:
    """The letter's sentences, for a list of points."""
    return [" ".join(sentence.split()) for paragraph in letter.paragraphs for sentence in sentences(paragraph)]


def _cut(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    kept = text[:longest]
    return kept if text[longest].isspace() or " " not in kept else kept.rsplit(None, 1)[0]
