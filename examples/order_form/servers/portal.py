"""A supplier's portal on loopback: one form to order with.

`python servers/portal.py start` starts it in the background, `stop` ends it; by itself it ends after ten minutes.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

PORT = 47311
PID, PRICE = Path("portal.pid"), Path("price")

FORM = """<!doctype html><html lang="en"><head><title>Order supplies</title><link rel="icon" href="data:,">
<style>body{{font:16px sans-serif;margin:2rem}}label{{display:block;margin:.5rem 0}}</style></head><body>
<h1>Order supplies</h1>
<p>A carton of paper is {price} EUR.</p>
<form method="post" action="/orders">
<input type="hidden" name="csrf_token" value="{token}">
<label>Article <select name="article"><option>Paper, A4</option><option>Envelopes</option></select></label>
<label>Cartons <input name="cartons" inputmode="numeric" required></label>
<label>Cost centre <input name="cost_centre" required></label>
<button>Order now</button>
</form></body></html>"""
THANKS = "<!doctype html><html lang='en'><title>Thank you</title><h1>Thank you</h1><p>Order {number} was taken.</p>"
ORDERS: list[str] = []
TOKENS: set[str] = set()


class Portal(BaseHTTPRequestHandler):
    """The form, and what comes of it."""

    def do_GET(self) -> None:
        """The form, or all orders."""
        if self.path == "/orders":
            self.answer("".join(f"{order}\n" for order in ORDERS), "text/plain")
            return
        token = secrets.token_hex(8)
        TOKENS.add(token)
        self.answer(FORM.format(price=PRICE.read_text().strip() if PRICE.exists() else "20", token=token))

    def do_POST(self) -> None:
        """Take an order, once for each form."""
        sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if sent.get("csrf_token", [""])[0] not in TOKENS:
            self.send_error(403)
            return
        TOKENS.discard(sent["csrf_token"][0])
        ORDERS.append(f"{sent['cartons'][0]} x {sent['article'][0]} for {sent['cost_centre'][0]}")
        self.answer(THANKS.format(number=len(ORDERS)))

    def answer(self, text: str, kind: str = "text/html") -> None:
        """Send a page."""
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def start() -> None:
    """Start it in the background, and wait until it answers."""
    process = subprocess.Popen(
        [sys.executable, __file__, "serve"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    PID.write_text(str(process.pid))
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/orders", timeout=5).close()
            print("The portal is open.")
            return
        except OSError:
            if process.poll() is not None:
                sys.exit(f"The portal cannot open; is another one at port {PORT}?")
            time.sleep(0.1)
    sys.exit("The portal does not answer.")


def serve() -> None:
    """Answer for ten minutes."""
    end = threading.Timer(600, lambda: os.kill(os.getpid(), signal.SIGTERM))
    end.daemon = True
    end.start()
    ThreadingHTTPServer(("127.0.0.1", PORT), Portal).serve_forever()


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
            sys.exit("python servers/portal.py start | stop")
