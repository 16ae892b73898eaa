"""A stand-in for the hub on loopback, which can also misbehave."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" + 34 * "0"


class Hub:
    """Serves `models` (name: folder), at any revision, until the `with` block ends.

    `fault` is None, or one of "silent" (accepts, never answers), "404", "503", "portal" (an HTML page to every
    question, as a hotel's network gives); or, once the weights are asked for: "missing" (404), "stall" (half of
    them, then nothing), "drip" (a few bytes now and then), "drop" (half, then the connection is closed),
    "truncated" (half, said to be all), "wrong" (as many bytes, one of them another).
    As the real hub does, it answers with a redirect, and only that says which commit this is and which SHA-256
    the weights have. `requests` holds "HEAD address" and "GET address" in order, `tokens` what was sent as such.
    """

    def __init__(self, models, fault=None):
        self.requests, self.tokens, over = [], set(), threading.Event()
        requests, tokens = self.requests, self.tokens

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.answer()

            def do_GET(self):
                self.answer()

            def log_message(self, *_):
                pass

            def answer(self):
                redirected = self.path.startswith("/elsewhere/")
                name, _, rest = self.path.removeprefix("/elsewhere")[1:].partition("/resolve/")
                file = Path(models.get(name, "/nowhere"), rest.partition("/")[2])
                weights = file.name == "model.safetensors"
                if not redirected:
                    requests.append(f"{self.command} {self.path}")
                    tokens.add(self.headers.get("Authorization"))
                if fault == "silent":
                    over.wait()
                elif fault == "portal":
                    self.send(200, b"<html>Welcome to the hotel</html>")
                elif fault in ("404", "503"):
                    self.send(int(fault), b"")
                elif not file.is_file() or (weights and fault == "missing"):
                    self.send(404, b"")
                elif not redirected:
                    headers = {"Location": "/elsewhere" + self.path, "X-Repo-Commit": COMMIT}
                    if weights and fault != "truncated":
                        headers["X-Linked-Etag"] = f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
                    self.send(302, b"", headers)
                elif weights:
                    self.send_weights(file.read_bytes())
                else:
                    self.send(200, file.read_bytes())

            def send_weights(self, body):
                half = body[: len(body) // 2]
                if fault in ("stall", "drip", "drop"):
                    self.send(200, b"" if fault == "drip" else half, length=len(body))
                    if fault == "stall":
                        over.wait()
                    for _ in range(200 if fault == "drip" else 0):
                        self.wfile.write(b"...")
                        over.wait(0.05)
                elif fault == "wrong":
                    self.send(200, body[:-1] + bytes([body[-1] ^ 1]))
                else:
                    self.send(200, half if fault == "truncated" else body)

            def send(self, status, body, headers=None, length=None):
                self.send_response(status)
                self.send_header("Content-Length", length or len(body))
                for key, value in (headers or {}).items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

        self.over = over
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that hung up
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
