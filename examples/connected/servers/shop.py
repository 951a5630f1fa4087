"""A shop and its store on loopback: an HTTP service with an OpenAPI document, and an MCP server over HTTP.

`python servers/shop.py start` starts it in the background, `stop` ends it; by itself it ends after ten minutes.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel, Field

PORT = 47310
PID = Path("shop.pid")

store = FastMCP("stock", stateless_http=True, log_level="ERROR")
shop = FastAPI(title="Shop", version="1", lifespan=lambda _: store.session_manager.run())

ORDERS = {"A-1": {"order": "A-1", "article": "lamp", "total": 49.9, "note": "Ring twice."}}
IN_STOCK = {"lamp": 3}
REFUNDS: dict[str, dict[str, object]] = {}
RESERVED: dict[str, int] = {}


class Order(BaseModel):
    order: str
    article: str
    total: float
    note: str = ""


class Refund(BaseModel):
    amount: float = Field(gt=0)


class Refunded(BaseModel):
    refund: str
    order: str
    amount: float


@shop.get("/orders/{order}", operation_id="readOrder", summary="Read an order.")
def read_order(order: str) -> Order:
    if order not in ORDERS:
        raise HTTPException(404, "there is no such order")
    return Order(**ORDERS[order])


@shop.post("/orders/{order}/refunds", operation_id="refundOrder", summary="Give money back.", status_code=201)
def refund_order(order: str, refund: Refund, idempotency_key: Annotated[str, Header()]) -> Refunded:
    if refund.amount > float(ORDERS[order]["total"]):
        raise HTTPException(422, "that is more than was paid")
    made = {"refund": f"R-{len(REFUNDS) + 1}", "order": order, "amount": refund.amount}
    return Refunded(**REFUNDS.setdefault(idempotency_key, made))


@shop.get("/refunds", include_in_schema=False)
def refunds() -> list[Refunded]:
    return [Refunded(**made) for made in REFUNDS.values()]


@store.tool()
def level(article: str) -> int:
    """Say how many of an article are in stock."""
    return IN_STOCK.get(article, 0) - sum(name.startswith(f"{article}:") for name in RESERVED)


@store.tool()
def reserve(article: str, request_id: str) -> int:
    """Reserve one of an article."""
    RESERVED.setdefault(f"{article}:{request_id}", 1)
    return level(article)


shop.mount("/", store.streamable_http_app())


def start() -> None:
    """Start it in the background, and wait until it answers."""
    process = subprocess.Popen(
        [sys.executable, __file__, "serve"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    PID.write_text(str(process.pid))
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/refunds", timeout=5).close()
            print("The shop is open.")
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"The shop cannot open; is another one at port {PORT}?")
            time.sleep(0.1)
    sys.exit("The shop does not answer.")


def serve() -> None:
    """Answer for ten minutes."""
    end = threading.Timer(600, lambda: os.kill(os.getpid(), signal.SIGTERM))
    end.daemon = True
    end.start()
    uvicorn.run(shop, host="127.0.0.1", port=PORT, log_level="error")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start"]:
            start()
        case ["serve"]:
            serve()
        case ["stop"]:
            os.kill(int(PID.read_text()), signal.SIGTERM)
            PID.unlink()
        case _:
            sys.exit("python servers/shop.py start | stop")
