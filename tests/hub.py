"""A stand-in for the hub on loopback, which can also misbehave."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" + 34 * "0"


class Hub:
    """Serves `models` (name: folder), at any revision, until it is closed.

    `fault` is None, or one of "dribble" (a header line now and then, without end), a status such as "404", "portal" (an
    HTML page to every question, as a hotel's network gives), "outside" (an ETag that is a path), "html" (in
    place of config.json), "endless" (config.json, without its length); or, once the weights are asked for: "missing"
    (404), "stall" (half of them, then nothing), "drop" (half, then the connection is closed), "wrong" (as many
    bytes, one of them another). `requests` holds "HEAD address" and "GET address" in order, `tokens` what was
    sent as such.
    """

    def __init__(self, models, fault=None):
        self.requests, self.tokens, self.over = [], set(), threading.Event()
        self.fault, hub = fault, self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                asked = f"{self.command} {self.path}"
                hub.requests.append(asked)
                hub.tokens.add(self.headers.get("Authorization"))
                if hub.requests.count(asked) > 8:
                    hub.repair()  # lest a client that tries for ever hang
                name, _, rest = self.path[1:].partition("/resolve/")
                self.revision, _, file = rest.partition("/")
                file = Path(models.get(name, "/nowhere"), file)
                weights = hub.fault if file.name == "model.safetensors" else None
                if hub.fault == "dribble":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    while not hub.over.wait(0.05):
                        self.wfile.write(b"X-More: 1\r\n")
                elif hub.fault == "portal":
                    self.send(200, b"<html>Welcome to the hotel</html>", {"X-Repo-Commit": None})
                elif (hub.fault or "").isdigit():
                    self.send(int(hub.fault), b"")
                elif name not in models:
                    self.send(404, b"", {"X-Error-Code": "RepoNotFound"})
                elif not file.is_file() or weights == "missing":
                    self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
                else:
                    body = file.read_bytes()
                    large = hashlib.sha256(body) if file.suffix == ".safetensors" else None
                    digest = large or hashlib.sha1(b"blob %d\0" % len(body) + body)  # as git names it
                    etag = {"ETag": f'"{digest.hexdigest()}"', "Content-Length": len(body)}
                    if hub.fault == "outside":
                        etag["ETag"] = '"../../outside"'
                    if file.name == "config.json" and hub.fault == "html":
                        body = b"<html>".ljust(len(body))
                    if file.name == "config.json" and hub.fault == "endless":
                        self.close_connection = True
                        etag["Content-Length"] = None
                        body *= 1000
                    if weights == "wrong":
                        body = body[:-1] + bytes([body[-1] ^ 1])
                    self.send(200, body[: len(body) // 2] if weights in ("stall", "drop") else body, etag)
                    if self.command == "GET" and weights == "stall":
                        hub.over.wait()

            do_GET = do_HEAD  # noqa: N815 (the name that http.server looks for)

            def log_message(self, *_):
                pass

            def send(self, status, body, headers=None):
                commit = COMMIT if self.revision == "main" else self.revision
                self.send_response(status)
                usual = {"Content-Length": len(body), "X-Repo-Commit": commit}
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
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def repair(self):
        self.fault = None
        self.over.set()

    def close(self):
        self.repair()
        self.server.shutdown()
        self.server.server_close()
