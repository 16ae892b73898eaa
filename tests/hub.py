"""A stand-in for the hub on loopback, which can also misbehave."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" + 34 * "0"


class Hub:
    """Serves `models` (name: folder), at any revision, until the `with` block ends.

    `fault` is None, or one of "silent" (accepts, never answers), "dribble" (a header line now and
    then, without end), "404", "503", "portal" (an HTML page to every question, as a hotel's network
    gives); or, once the weights are asked for: "missing" (404), "stall" (half of them, then
    nothing), "drip" (a byte now and then), "drop" (half, then the connection is closed),
    "truncated" (half, said to be all), "wrong" (as many bytes, one of them another);
    or "wrong vocabulary" (likewise).
    Small files come after a redirect, as from the real hub. `requests` holds "HEAD address" and "GET address" in order, `tokens` what was sent as such.
    """

    def __init__(self, models, fault=None):
        self.requests, self.tokens, self.over = [], set(), threading.Event()
        self.fault, hub = fault, self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                if hub.requests.count(f"{self.command} {self.path}") > 8:
                    hub.repair()  # lest a client that tries for ever hang
                redirected = self.path.startswith("/elsewhere/")
                if not redirected:
                    hub.requests.append(f"{self.command} {self.path}")
                    hub.tokens.add(self.headers.get("Authorization"))
                name, _, rest = self.path.removeprefix("/elsewhere")[1:].partition("/resolve/")
                file = Path(models.get(name, "/nowhere"), rest.partition("/")[2])
                weights = file.name == "model.safetensors"
                if hub.fault == "silent":
                    hub.over.wait()
                elif hub.fault == "dribble":
                    self.drip(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n")
                elif hub.fault == "portal":
                    self.send(200, b"<html>Welcome to the hotel</html>", {"X-Repo-Commit": None})
                elif hub.fault in ("404", "503"):
                    self.send(int(hub.fault), b"")
                elif name not in models:
                    self.send(404, b"", {"X-Error-Code": "RepoNotFound"})
                elif not file.is_file() or (weights and hub.fault == "missing"):
                    self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
                elif weights:
                    self.send_weights(file.read_bytes())
                elif not redirected:
                    self.send(307, b"", {"Location": "/elsewhere" + self.path, "X-Repo-Commit": None})
                else:
                    body = file.read_bytes()
                    wrong = hub.fault == "wrong vocabulary" and file.name == "vocab.txt"
                    self.send(200, body.replace(b"[PAD]", b"[pad]") if wrong else body)

            do_GET = do_HEAD  # noqa: N815 (the name that http.server looks for)

            def log_message(self, *_):
                pass

            def send_weights(self, body):
                half = body[: len(body) // 2]
                headers = {"X-Linked-Etag": f'"{hashlib.sha256(body).hexdigest()}"'}
                if hub.fault in ("stall", "drip", "drop"):
                    self.send(200, b"" if hub.fault == "drip" else half, headers, length=len(body))
                    if self.command == "GET" and hub.fault == "stall":
                        hub.over.wait()
                    if self.command == "GET" and hub.fault == "drip":
                        self.drip(b"", b".")
                elif hub.fault == "wrong":
                    self.send(200, body[:-1] + bytes([body[-1] ^ 1]), headers)
                else:
                    self.send(200, half if hub.fault == "truncated" else body, headers)

            def drip(self, first, more):
                self.wfile.write(first)
                while not hub.over.wait(0.05):
                    self.wfile.write(more)

            def send(self, status, body, headers=None, length=None):
                revision = self.path.split("/")[-2]
                usual = {
                    "Content-Length": length or len(body),
                    "ETag": f'"{hashlib.sha1(body).hexdigest()}"',
                    "X-Repo-Commit": COMMIT if revision == "main" else revision,
                }
                self.send_response(status)
                for key, value in (usual | (headers or {})).items():
                    if value is not None:
                        self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that hung up
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def repair(self):
        self.fault = None
        self.over.set()

    def __exit__(self, *_):
        self.repair()
        self.server.shutdown()
        self.server.server_close()
