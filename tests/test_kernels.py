"""The kernels of the test run, which are forked: nothing in a cell can tell them from a reader's."""

import json
import subprocess
import sys
from pathlib import Path

import nbval.kernel
import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"),
    pytest.mark.enable_socket,  # the fork is asked for through a Unix socket
]
FOLDER = Path(__file__).parent
LOOK = """
names = sorted(globals())
import json, os, signal, sys
print(json.dumps({
    "names": names,
    "main": [name for name in vars(sys.modules["__main__"]) if not name.startswith("_")],
    "folder": os.getcwd(),
    "path": [folder for folder in sys.path if "python" in folder],
    "settings": {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"},
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "leads its session": os.getsid(0) == os.getpid(),
}))
"""
MORE = """
import json, sys, torch
print(json.dumps({"chance": torch.initial_seed(), "path": sys.path}))
"""


@pytest.fixture
def start():
    """A function that starts a kernel in the notebooks' folder and returns (its provisioner's name, run a cell)."""
    started = []

    def new():
        manager, client = nbval.kernel.start_new_kernel(
            kernel_name=nbval.kernel.CURRENT_ENV_KERNEL_NAME,
            cwd=str(FOLDER.parent / "notebooks"),
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


def test_a_cell_sees_what_it_sees_in_an_ordinary_kernel(start, monkeypatch):
    name, forked = start()
    assert name == "Forked"
    monkeypatch.setattr(nbval.kernel, "NbvalKernelspecManager", nbval.kernel.NbvalKernelspecManager.__base__)
    name, ordinary = start()
    assert name == "LocalProvisioner"
    assert forked(LOOK) == ordinary(LOOK)


def test_each_has_its_own_chance_and_none_sees_the_tests(start):
    (_, one), (_, other) = start(), start()
    one, other = one(MORE), other(MORE)
    assert one["chance"] != other["chance"]
    assert not {str(FOLDER), str(FOLDER.parent)} & set(one["path"])
