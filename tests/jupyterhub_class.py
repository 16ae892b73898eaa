"""A class on a real JupyterHub on this machine: does it hold, and what does a learner cost?

    python tests/jupyterhub_class.py                    # 8 learners, notebooks 00, 05 and 07
    python tests/jupyterhub_class.py --learners 2 --notebooks notebooks/03*.ipynb

Starts JupyterHub on loopback in a temporary folder, logs every learner in through the login page, gives
each a copy of the notebooks, opens JupyterLab, and runs the notebooks one after another, all learners at
the same time, through the hub: sessions over its REST API, cells over the kernels' websockets. Kernels
stay open, as they do when a learner only closes the tab. Prints one Markdown table; exits with 1 if a
notebook failed. Linux and macOS, as JupyterHub itself. Not part of the test run.
"""

import argparse
import contextlib
import json
import math
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import psutil
import requests
import websocket

ROOT = Path(__file__).resolve().parent.parent
MB = 1e6
SETTINGS = """
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.concurrent_spawn_limit = 0
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allow_all = True
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r}
c.Spawner.default_url = "/lab"
c.Spawner.cmd = {command!r}
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH"]
c.Spawner.environment = {{"BERT_MODEL": "bundled", "HF_HUB_OFFLINE": "1"}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
"""


def free_ports(count):
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def hub(folder, password):
    """A running JupyterHub: yields its address and its process; leaves no process behind."""
    ports = free_ports(3)
    settings = folder / "jupyterhub_config.py"
    command = [sys.executable, "-m", "jupyterhub.singleuser"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    homes = str(folder / "{username}")
    settings.write_text(
        SETTINGS.format(ports=ports, password=password, homes=homes, command=command), encoding="utf-8"
    )
    log = (folder / "hub.log").open("w")
    process = psutil.Popen(
        [sys.executable, "-m", "jupyterhub", "--config", str(settings)],
        cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        for _ in range(120):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{address}/hub/health", timeout=5).ok:
                    break
            if process.poll() is not None:
                break
            time.sleep(0.5)
        else:
            process.terminate()
        if process.poll() is not None:
            sys.exit("JupyterHub did not start:\n" + (folder / "hub.log").read_text()[-3000:])
        yield address, process
    finally:
        started = [process, *process.children(recursive=True)] if process.is_running() else []
        if process.is_running():
            process.terminate()  # the hub stops its proxy and its learners' servers
        _, alive = psutil.wait_procs(started, timeout=30)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        log.close()


class Learner(threading.Thread):
    """Logs in, opens the course, runs notebooks; `problems` says what went wrong."""

    def __init__(self, name, address, password, folder, notebooks, together):
        super().__init__(name=name, daemon=True)
        self.address, self.password, self.folder, self.notebooks = address, password, folder, notebooks
        self.together = together
        self.web = requests.Session()
        self.problems = []
        self.seconds = []  # for each notebook

    def run(self):
        try:
            self.log_in()
            self.together.wait(timeout=600)
            for path in self.notebooks:
                began = time.monotonic()
                self.run_notebook(path)
                self.seconds.append(time.monotonic() - began)
                say(f"{self.name}: {path.name} {self.seconds[-1]:.0f} s")
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this learner's failure
            self.together.abort()
            self.problems.append(f"{self.name}: {type(error).__name__}: {error}")

    def ask(self, method, path, **more):
        answer = self.web.request(method, self.address + path, timeout=300, **more)
        if not answer.ok:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")
        return answer

    def log_in(self):
        shutil.copytree(ROOT / "notebooks", self.folder / self.name / "notebooks")
        self.ask("GET", "/hub/login")
        form = {"username": self.name, "password": self.password, "_xsrf": self.web.cookies["_xsrf"]}
        self.ask("POST", "/hub/login", params={"next": "/hub/home"}, data=form)
        xsrf = {"X-XSRFToken": next(c.value for c in self.web.cookies if c.name == "_xsrf")}
        token = self.ask(
            "POST",
            f"/hub/api/users/{self.name}/tokens",
            headers={**xsrf, "Referer": f"{self.address}/hub/home"},
            json={},
        )
        self.web = requests.Session()
        self.web.headers["Authorization"] = f"token {token.json()['token']}"
        self.ask("POST", f"/hub/api/users/{self.name}/server")
        while not self.ask("GET", f"/hub/api/users/{self.name}").json()["servers"].get("", {}).get("ready"):
            time.sleep(0.5)
        page = self.ask("GET", f"/user/{self.name}/lab/tree/notebooks")
        if "jupyter-config-data" not in page.text:
            raise RuntimeError("JupyterLab did not open")

    def run_notebook(self, path):
        base = f"/user/{self.name}/api"
        notebook = self.ask("GET", f"{base}/contents/notebooks/{path.name}").json()["content"]
        kernel = {"path": f"notebooks/{path.name}", "name": path.name, "type": "notebook"}
        kernel["kernel"] = {"name": "python3"}
        session = self.ask("POST", f"{base}/sessions", json=kernel).json()
        channels = websocket.create_connection(
            f"ws{self.address[4:]}{base}/kernels/{session['kernel']['id']}/channels",
            header={"Authorization": self.web.headers["Authorization"]},
            timeout=600,
        )
        with contextlib.closing(channels):
            for number, cell in enumerate(notebook["cells"], 1):
                if cell["cell_type"] != "code":
                    continue
                error = execute(channels, "".join(cell["source"]))
                if error and "raises-exception" not in cell["metadata"].get("tags", []):
                    self.problems.append(f"{self.name}: {path.name} cell {number}: {error}")


def execute(channels, source):
    """Run one cell over the kernel's websocket; its error as one line, or None."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3", "username": ""}
    header |= {"session": header["msg_id"], "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
    content |= {"user_expressions": {}, "stop_on_error": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
    channels.send(json.dumps({**message, "channel": "shell"}))
    error = None
    while True:
        reply = channels.recv()
        if isinstance(reply, bytes):  # a widget's buffers; nothing that tells the cell's end
            continue
        reply = json.loads(reply)
        if reply["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if reply["msg_type"] == "error":
            error = f"{reply['content']['ename']}: {reply['content']['evalue'][:200]}"
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return error


def say(text):
    print(text, file=sys.stderr, flush=True)


def own_memory(process):
    """(bytes that only this process has, its fair share of all it has mapped or None); CPU seconds."""
    memory = process.memory_full_info()
    times = process.cpu_times()
    return memory.uss, getattr(memory, "pss", None), times.user + times.system


def measure(hub_process):
    """{learner: {"server": [...], "kernels": [...]}} with `own_memory` of each process."""
    table = {}
    for process in hub_process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            learner = process.environ().get("JUPYTERHUB_USER")
            if learner:
                line = " ".join(process.cmdline())
                kind = "kernels" if "ipykernel" in line else "server" if "singleuser" in line else None
                if kind:
                    row = table.setdefault(learner, {"server": [], "kernels": []})
                    row[kind].append(own_memory(process))
    return table


def report(learners, memory, seconds, notebooks):
    """The table, and the values for Zero to JupyterHub that follow from it."""

    def spread(values, form="{:,.0f} MB", unit=MB):
        values = [value / unit for value in values]
        return f"{form.format(statistics.median(values))} (most {form.format(max(values))})"

    rows = list(memory.values())
    servers = [one[0] for row in rows for one in row["server"]]
    kernels = [one[0] for row in rows for one in row["kernels"]]
    one_open = [sum(s[0] for s in row["server"]) + max(k[0] for k in row["kernels"]) for row in rows]
    all_open = [sum(one[0] for one in row["server"] + row["kernels"]) for row in rows]
    cpu = [one[2] for row in rows for one in row["kernels"]]
    processes = [one for row in rows for one in row["server"] + row["kernels"]]
    runs = len(learners) * len(notebooks)
    failed = len({problem.split(" cell ")[0] for one in learners for problem in one.problems})
    done = sum(len(one.seconds) for one in learners)
    failed = max(failed, runs - done)
    names = ", ".join(path.stem[:2] for path in notebooks)
    size = f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}"

    print(f"\n| A class of {len(learners)} on one JupyterHub | |\n|---|---|")
    print(f"| machine | {size} |")
    print(f"| each learner ran | notebooks {names}, one after another, all learners at the same time |")
    print(f"| notebooks failed | {failed} of {runs} |")
    print(f"| from the first cell to the last learner's last | {seconds:.0f} s |")
    print(f"| one notebook | {spread([s for one in learners for s in one.seconds], '{:.0f} s', 1)} |")
    print(f"| CPU time of one notebook | {spread(cpu, '{:.0f} s', 1)} |")
    print(f"| memory of a learner's server, own share | {spread(servers)} |")
    print(f"| memory of a kernel, own share | {spread(kernels)} |")
    print(f"| memory of a learner with one notebook open | {spread(one_open)} |")
    print(f"| memory of a learner with all {len(notebooks)} open | {spread(all_open)} |")
    if all(one[1] is not None for one in processes):
        shared = sum(one[1] - one[0] for one in processes)
        print(f"| shared by all learners, once for the machine | {shared / MB:,.0f} MB |")

    def up(value, step):
        return math.ceil(value / step) * step

    # Kubernetes' M and G are powers of ten, as MB here.
    print(
        "\nFor Zero to JupyterHub:"
        f" memory guarantee {up(max(one_open) / MB, 50)}M (one notebook open),"
        f" limit {up(1.25 * max(all_open) / 1e9, 0.5)}G (all {len(notebooks)} open and a quarter to spare),"
        f" CPU guarantee {up(max(cpu) / 60, 0.05):.2f} (everybody runs a whole notebook at once: a minute),"
        " limit 1."
    )
    return failed


def missing():
    """What has to be installed first, as one sentence, or None."""
    if find_spec("jupyterhub") is None:
        return "JupyterHub is not in this environment: run `pip install jupyterhub`."
    if shutil.which("configurable-http-proxy") is None:
        return "JupyterHub's proxy is not on the PATH: run `npm install -g configurable-http-proxy`."
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=8)
    parser.add_argument("--notebooks", type=Path, nargs="+", help="default: 00, 05 and 07")
    options = parser.parse_args()
    if sentence := missing():
        sys.exit(sentence)
    notebooks = options.notebooks or sorted((ROOT / "notebooks").glob("0[057]_*.ipynb"))
    for path in notebooks:
        if path.resolve().parent != ROOT / "notebooks" or not path.is_file():
            sys.exit(f"{path} is not a notebook of this course.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    password = uuid.uuid4().hex
    # Short, because the sockets of Jupyter's kernels have a limit on the length of their path.
    with tempfile.TemporaryDirectory(prefix="class") as temporary:
        folder = Path(temporary)
        with hub(folder, password) as (address, process):
            say(f"JupyterHub runs; {options.learners} learners log in")
            together = threading.Barrier(options.learners + 1)
            learners = [
                Learner(f"learner{n}", address, password, folder, notebooks, together)
                for n in range(1, options.learners + 1)
            ]
            for one in learners:
                one.start()
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(timeout=600)
                say("all are in and begin")
            began = time.monotonic()
            for one in learners:
                one.join()
            seconds = time.monotonic() - began
            problems = [problem for one in learners for problem in one.problems]
            memory = {name: row for name, row in measure(process).items() if row["kernels"]}
            if memory:
                report(learners, memory, seconds, notebooks)
            if problems:
                sys.exit("\n" + "\n".join(problems))


if __name__ == "__main__":
    main()
