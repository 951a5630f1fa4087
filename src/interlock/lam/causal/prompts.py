"""The prompt of a question: the context and the actions in the words of a dialect, and nothing that closes a turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from interlock.errors import ModelError
from interlock.lam.causal.dialects import Dialect, function_of, user_turn
from interlock.lam.causal.tokens import Tokens
from interlock.lam.protocol import ActionSchema, Observation

_BLOCKS = ("[BEGIN OF ", "[END OF ")


def question_of(observation: Observation, marks: Iterable[str]) -> str:
    """The sources as one text, the request last; whatever the tokenizer would take for a mark is broken up.

    Args:
        marks: texts that stand for a token of their own, such as the end of a turn.
    """
    parts = [f"Today is {observation.today}."] if observation.today else []
    request = observation.sources.get("request")
    parts += [f"{name}:\n{text}" for name, text in observation.sources.items() if name != "request"]
    parts += [request] if request is not None else []
    return harmless("\n\n".join(parts), marks)


def harmless(text: str, marks: Iterable[str]) -> str:
    """`text` with a space inside each mark: data opens and closes nothing."""
    for mark in (*marks, *_BLOCKS):
        if len(mark) > 1:
            while mark in text:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text


def prompt_of(dialect: Dialect, tokens: Tokens, observation: Observation, space: Sequence[ActionSchema]) -> list[int]:
    """The prompt in tokens.

    Raises:
        ModelError: the dialect needs a chat template, and the folder has none that works.
    """
    tokenizer: Any = tokens.tokenizer
    turn = user_turn(dialect, question_of(observation, tokens.marks), space)
    if not tokenizer.chat_template:
        if dialect.prompt == "tools":
            raise ModelError(
                f"the dialect {dialect.name} needs a chat template, and this tokenizer has none; add "
                "chat_template.jinja to the folder, or use dialect=generic."
            )
        return tokens.encode(turn, special=True)
    given = {"tools": [function_of(action) for action in space]} if dialect.prompt == "tools" else {}
    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": "user", "content": turn}], tokenize=False, add_generation_prompt=True, **given
        )
    except Exception as error:  # a template may raise whatever it likes
        raise ModelError(f"the folder's chat template failed ({type(error).__name__}: {error}).") from error
    return tokens.encode(text, special=False)
