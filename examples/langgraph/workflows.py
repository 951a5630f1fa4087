"""The workflows that a LangGraph server serves; `langgraph.json` names them."""

from pathlib import Path

import interlock

# Without a checkpointer: the server brings its own.
graph = interlock.load(Path(__file__).parent / "graphs" / "post_notice.yaml").compile()
