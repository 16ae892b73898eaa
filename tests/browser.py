"""A real JupyterLab, a web server and a browser, for the tests that need them: all local, all gone at the end."""

import atexit
import contextlib
import functools
import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest

AXE = Path(__file__).parents[1] / "docs" / "node_modules" / "axe-core" / "axe.min.js"
NO_CHROMIUM = (
    "needs Chromium: run `apt-get install chromium` (or the like), or name a Chrome or Chromium in the "
    "environment variable CHROMIUM"
)
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page
}
_packed = functools.lru_cache(64)(gzip.compress)  # a test asks for what the one before it did
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium():
    """Where a Chromium or Chrome is, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextlib.contextmanager
def jupyterlab(root):
    """A JupyterLab server over the folder `root`, with no settings but its own; yields (address, token)."""
    with tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True) as home:
        folders = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        environment = os.environ | {name: str(Path(home) / name.lower()) for name in folders}
        environment["JUPYTER_PREFER_ENV_PATH"] = "1"
        for name, values in SETTINGS.items():
            file = Path(environment["JUPYTER_CONFIG_DIR"], "lab/user-settings", f"{name}.jupyterlab-settings")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += ["--ServerApp.ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={Path(root).resolve()}"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        log = Path(home, "log.txt")
        with log.open("w") as out:
            server = subprocess.Popen(
                command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        try:
            began, runs = time.monotonic(), Path(environment["JUPYTER_RUNTIME_DIR"])
            while not (found := _listening(runs)):
                if server.poll() is not None or time.monotonic() - began > 60:
                    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield found["url"].rstrip("/"), found["token"]
        finally:
            server.terminate()  # it ends its kernels and then itself
            server.wait(timeout=20)


def _listening(runs):
    """What a server has written of where it listens, once the file is whole and it answers there."""
    with contextlib.suppress(StopIteration, ValueError, OSError):
        found = json.loads(next(runs.glob("jpserver-*[0-9].json")).read_text(encoding="utf-8"))
        urllib.request.urlopen(found["url"] + "api", timeout=5).close()
        return found


@functools.cache
def _browser():
    """The one browser of this process: a headless Chromium that asks nobody but the address it is given."""
    if not chromium():
        pytest.skip(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not work for root
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright.chromium.launch(executable_path=chromium(), args=arguments)


@contextlib.contextmanager
def page(width=1280, height=720, service_workers="block"):
    """A page with nothing in its storage. Skips the test where there is no browser."""
    viewport = {"width": width, "height": height}
    context = _browser().new_context(viewport=viewport, service_workers=service_workers)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextlib.contextmanager
def serve(folder, ranges=True, status=None, waits=()):
    """A web server over `folder` that every page may ask; yields its address, which ends in a slash, and a list of the
    bytes it has sent, one number an answer. Texts are sent packed, as any web server on the internet sends them, and
    what pages share is kept by the browser.

    `ranges`: whether it answers a Range request with those bytes only. `status`: answer this, always. `waits`: seconds
    before the first answers.
    """
    sent, waits, over = [], list(waits), threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def end_headers(self):
            self.send_header("Access-Control-Allow-Origin", "*")
            super().end_headers()

        def do_GET(self):
            time.sleep(waits.pop(0) if waits else 0)
            if over.is_set():  # a browser keeps its connection
                self.close_connection = True
                return None
            path = AXE if self.path == "/axe.js" else Path(self.translate_path(self.path))
            path = path / "index.html" if path.is_dir() else path
            if status or not path.is_file():
                return self.send_error(status or 404)
            size = path.stat().st_size
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if ranges else None
            first, last = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, size - 1)
            with path.open("rb") as file:
                file.seek(first)
                data = file.read(last + 1 - first)
            kind = self.guess_type(str(path))
            packed = kind.startswith("text/") or kind.endswith(("javascript", "json"))
            packed = packed and "gzip" in self.headers.get("Accept-Encoding", "")
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            elif self.path.startswith(("/_static/", "/axe.js")):
                self.send_header("Cache-Control", "max-age=600")
            if packed:
                data = _packed(data)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            sent.append(len(data))
            with contextlib.suppress(ConnectionError):  # the page has gone
                self.wfile.write(data)

        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=os.fspath(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", sent
        finally:
            over.set()
            server.shutdown()


def axe(page, only=None, without=None, leave_out=()):
    """What axe-core finds on the page of a server that `serve` has started, one string a rule; by the rule `only`, or by
    all but the rule `without`, and not in the parts with the selectors `leave_out`. Skips the test where npm's packages
    are missing.
    """
    if not AXE.exists():
        pytest.skip("needs axe-core: `python docs/explorer_data.py` brings it")
    if not page.evaluate("window.axe !== undefined"):
        page.add_script_tag(url="/axe.js")
    options = {"resultTypes": ["violations"]}
    options |= {"runOnly": [only]} if only else {}
    options |= {"rules": {without: {"enabled": False}}} if without else {}
    return page.evaluate(
        "async ([parts, options]) => (await axe.run({exclude: parts.map((part) => [part])}, options)).violations"
        ".map(({id, nodes}) => `${id} at ${nodes.slice(0, 3).map(({target}) => target.join(' ')).join('; ')}`)",
        [list(leave_out), options],
    )


def answers(path):
    """What nobody should read who opens nothing of a notebook, as a page shows it: what only the code cells below a
    prediction print, no other cell and no code; what is said below them; what settles a thing that one may have heard;
    and what one can do in the end.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts, asked, answered, heard = [], False, False, False
    for cell in cells:
        text, metadata = "".join(cell["source"]), cell["metadata"]
        if cell["cell_type"] == "code":
            known = [each["source"] for each in cells if each["cell_type"] == "code"] if asked else []
            known += [each.get("outputs") for each in cells if each is not cell] if asked else []
            known = " ".join(json.dumps(known, ensure_ascii=False).split())
            for output in cell["outputs"] if asked else ():
                data = output.get("data", {})
                caption = re.findall("<figcaption>(.*?)</figcaption>", "".join(data.get("text/html", "")))
                lines = caption or output.get("text", data.get("text/plain", ()))
                texts += [line for line in lines if said(line) not in known]
            answered = asked
        elif "**Predict" in text:
            asked, answered = True, False
        elif text.startswith("#"):
            heading, _, below = text.partition("\n")
            heard = heading.startswith("## You may have heard")
            texts += re.findall("^- (.*)$", below, re.MULTILINE) if "now do" in heading else []
            if "answer" in metadata.get("tags", ()):
                texts.append(below)
            else:
                asked = asked and not answered
        elif ((answered and asked) or heard) and not text.startswith(('**"', "<details>", "> **(")):
            texts.append(text)
    return [part for part in map(said, texts) if len(part) > 25]


def said(text):
    """What of a text's first line a page shows as it is written: the longest part without markup."""
    first = text.strip().partition("\n")[0]
    return " ".join(max(re.split(r"[`*\[\]()_<>~\\“”\"'.]+", first), key=len).split())


def explore(page, text, box=0):
    """Type `text` into the explorer's box of this number, wait until it is drawn."""
    page.evaluate(_TYPE, [text, box])


_TYPE = """([text, box]) => new Promise((done, fail) => {
  setTimeout(fail, 60_000, new Error("it has drawn nothing for a minute"));
  const root = document.querySelector(".bert-explorer"), input = root.querySelectorAll("input")[box];
  const before = root.dataset.drawn;
  new MutationObserver((_, me) => {
    if (root.dataset.drawn === before) return;
    me.disconnect();
    done();
  }).observe(root, {attributes: true});
  input.value = text;
  input.dispatchEvent(new Event("input", {bubbles: true}));
})"""
