"""A real JupyterLab and a real browser, for the tests that need them: both local, both gone at the end."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

NO_CHROMIUM = (
    "needs Chromium: run `apt-get install chromium` (or the like), or name a Chrome or Chromium in the "
    "environment variable CHROMIUM"
)
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page
}
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium():
    """Where a Chromium or Chrome is, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextlib.contextmanager
def jupyterlab(root):
    """A JupyterLab server over the folder `root`, with no settings but its own; yields (address, token)."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="lab", ignore_cleanup_errors=True) as home:
        folders = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        environment = os.environ | {name: str(Path(home) / name.lower()) for name in folders}
        environment["JUPYTER_PREFER_ENV_PATH"] = "1"
        for name, values in SETTINGS.items():
            file = Path(environment["JUPYTER_CONFIG_DIR"], "lab/user-settings", f"{name}.jupyterlab-settings")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        port = _free_port()
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += ["--ServerApp.ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={Path(root).resolve()}"]
        command += [
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        with (Path(home) / "log.txt").open("w+") as log:
            server = subprocess.Popen(
                command, env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                address = f"http://127.0.0.1:{port}"
                _wait_for(f"{address}/api?token={token}", server, log)
                yield address, token
            finally:
                with contextlib.suppress(OSError):  # it ends its kernels and then itself
                    stop = urllib.request.Request(f"{address}/api/shutdown?token={token}", method="POST")
                    urllib.request.urlopen(stop, timeout=10).close()
                try:
                    server.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    server.kill()
                    server.wait()


@contextlib.contextmanager
def page(width=1280, height=720):
    """A page of a headless Chromium that asks nobody but the address it is given."""
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not work for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait_for(address, server, log):
    began = time.monotonic()
    while time.monotonic() - began < 60 and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    log.seek(0)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read()[-2000:]}")
