"""How values stand in checkpoints: JSON types, and the one class of LangGraph's own that it keeps there.

Whatever else a row claims to be comes back as plain data: no class path that stands in a database is ever imported.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # read once, when langgraph's serializer is imported

import ormsgpack
from langgraph.checkpoint.serde.jsonplus import EXT_DELTA_SNAPSHOT, JsonPlusSerializer
from langgraph.types import Interrupt

from interlock.errors import Refused

READABLE = ("null", "bytes", "msgpack")
"""The types of a row that are read; LangGraph's others (json, pickle) can name classes to build."""


@dataclass(frozen=True)
class Boxed:
    """A text on its way into a checkpoint, which no saver may take for a scalar to keep beside the values."""

    text: str


class PlainSerializer(JsonPlusSerializer):
    """LangGraph's serializer, which writes as it does and reads plain values."""

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None, __unpack_ext_hook__=_plain)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return super().dumps_typed(obj.text if isinstance(obj, Boxed) else obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        if data[0] not in READABLE:
            raise Refused(f"a checkpoint holds a value of the type {data[0]!r}, which is not read; nothing was done.")
        return super().loads_typed(data)


def _plain(code: int, data: bytes) -> Any:
    """An object of a row as data; an interrupt as itself."""
    item = ormsgpack.unpackb(data, ext_hook=_plain, option=ormsgpack.OPT_NON_STR_KEYS)
    if code == EXT_DELTA_SNAPSHOT or not isinstance(item, list) or len(item) < 3:
        return item
    module, name, content = item[:3]
    if (module, name) == (Interrupt.__module__, Interrupt.__name__) and isinstance(content, dict):
        schema = content.get("response_schema")
        return Interrupt(
            value=content.get("value"),
            id=str(content.get("id")),
            response_schema=schema if isinstance(schema, dict) else None,
        )
    return content
