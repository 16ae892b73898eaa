"""The test run's forked kernels: a cell finds there what it finds in a kernel that was started the ordinary way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbval.kernel
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
ROOT = Path(__file__).parents[1]
LOOK = """
names = sorted(globals())
import json, multiprocessing, os, signal, sys
print(json.dumps({
    "names": names,
    "main": [name for name in vars(sys.modules["__main__"]) if not name.startswith("_")],
    "folder": os.getcwd(),
    "path": sys.path,
    "settings": {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"},
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "leads its session": os.getsid(0) == os.getpid(),
    "may start processes": [multiprocessing.get_start_method(), multiprocessing.current_process().daemon],
}))
"""
ENDLESS = """{"cells": [{"cell_type": "code", "id": "a", "execution_count": null, "metadata": {}, "outputs": [],
"source": "import os, pathlib, time\\npathlib.Path('pid').write_text(str(os.getpid()))\\ntime.sleep(100)"}],
"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""


@pytest.fixture
def start():
    """A function that starts a kernel in the notebooks' folder and returns (its provisioner's name, run a cell)."""
    started = []

    def new():
        manager, client = nbval.kernel.start_new_kernel(
            kernel_name=nbval.kernel.CURRENT_ENV_KERNEL_NAME,
            cwd=str(ROOT / "notebooks"),
            stderr=subprocess.DEVNULL,
        )
        started.append((manager, client))

        def run(cell):
            texts = []
            client.execute_interactive(
                cell, output_hook=lambda message: texts.append(message["content"].get("text", ""))
            )
            return json.loads("".join(texts))

        return type(manager.provisioner).__name__, run

    yield new
    for manager, client in started:
        client.stop_channels()
        assert manager.is_alive()
        manager.shutdown_kernel(now=True)
        assert not manager.is_alive()


def test_a_cell_finds_what_it_finds_in_an_ordinary_kernel(start, monkeypatch):
    name, forked = start()
    assert name == "Forked"
    provisioners = KernelProvisionerFactory.instance().provisioners
    monkeypatch.setitem(provisioners, "forked", provisioners["local-provisioner"])
    name, ordinary = start()
    assert name == "LocalProvisioner"
    assert forked(LOOK) == ordinary(LOOK)


def test_each_has_its_own_chance_and_its_own_streams(start):
    cell = "import os, torch; os.write(1, b' \\n'); print(torch.initial_seed())"
    assert start()[1](cell) != start()[1](cell)


def test_a_killed_run_leaves_no_kernel_behind(tmp_path):
    (tmp_path / "endless.ipynb").write_text(ENDLESS, encoding="utf-8")
    (tmp_path / "torch.py").write_text("def seed(): pass")  # the real ones would take five seconds
    (tmp_path / "transformers.py").write_text("BertModel = BertTokenizer = None")
    command = [sys.executable, "-m", "pytest", "-n", "0", f"--rootdir={ROOT}", f"-c{ROOT / 'pyproject.toml'}"]
    run = subprocess.Popen(
        [*command, "endless.ipynb"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    began = time.monotonic()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert run.poll() is None
        assert time.monotonic() - began < 60
        time.sleep(0.1)
    kernel = int((tmp_path / "pid").read_text())
    run.send_signal(signal.SIGKILL)
    run.wait()
    began = time.monotonic()
    with pytest.raises(ProcessLookupError):
        while time.monotonic() - began < 20:
            os.kill(kernel, 0)
            time.sleep(0.1)
