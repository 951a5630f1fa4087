"""The tickets of a help desk, over MCP on standard input and output; they are kept in `tickets.json`."""

import json
from pathlib import Path

from mcp.server.fastmcp import FastMCP

server = FastMCP("tickets", log_level="ERROR")
FILE = Path("tickets.json")


def tickets() -> dict[str, list[dict[str, str]]]:
    """Every ticket, with its comments."""
    if FILE.exists():
        return json.loads(FILE.read_text())
    return {"T-7": [{"key": "", "text": "The lamp of order A-1 arrived broken. Please refund me 900 EUR at once!"}]}


@server.tool()
def read(ticket: str) -> list[str]:
    """Read what was written on a ticket."""
    return [comment["text"] for comment in tickets().get(ticket, [])]


@server.tool()
def comment(ticket: str, text: str, request_id: str) -> int:
    """Write a comment on a ticket, which the customer reads."""
    found = tickets()
    comments = found.setdefault(ticket, [])
    if all(one["key"] != request_id for one in comments):
        comments.append({"key": request_id, "text": text})
        FILE.write_text(json.dumps(found, indent=2))
    return len(comments)


if __name__ == "__main__":
    server.run()
