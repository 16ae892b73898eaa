"""What every run needs, whatever folder `pytest` is called from and whatever it is asked to run.

pyproject.toml loads this file as a plugin, because a conftest.py in tests/ is not read for a run of
notebooks alone, and nbval resolves the path of its sanitizing file against the working directory.
nbval compares every text; the pictures in a cell's output are compared here. A kernel is forked from a process that has
imported torch already, where that can be done: most notebooks run for a shorter time than a kernel starts.
"""

import atexit
import base64
import gc
import io
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFilter

# Its grammars, 39 of them, take longer than all else that nbformat imports, and no notebook needs one.
sys.modules["rfc3987_syntax"] = None
# Set before any kernel starts: kernels inherit them.
os.environ["BERT_MODEL"] = "bundled"  # the same model, so the same outputs, on every machine
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["IPYKERNEL_CELL_NAME"] = "<cell>"  # a warning names the cell, not a temporary file
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side already

# Without a home to write to, as in some containers, matplotlib and IPython complain in the outputs of cells.
if not os.access(os.path.join(Path.home(), ""), os.W_OK):
    os.environ["HOME"] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)

PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
SHIFT = 2  # device pixels, one CSS pixel: as far may a mark stand from its place on another processor
STEP = 3  # of 255: as much may rounding change a colour

IMPORTED = [
    "run_settings",
    "anywidget",
    "ipykernel.kernelapp",
    "matplotlib.figure",
    "transformers.models.bert.modeling_bert",
]


class Forked:
    """The process of a kernel, with what jupyter_client asks of it; as new as another, but for the modules it has."""

    stdin = stdout = stderr = None

    def __init__(self, command, cwd, **_):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        ready, begun = context.Pipe(duplex=False)
        self._process = context.Process(target=_kernel, args=(command[-2:], cwd, begun), daemon=True)
        self._process.start()
        ready.recv()
        self.pid = self._process.pid

    def poll(self):
        return self._process.exitcode

    def wait(self):
        self._process.join()
        return self._process.exitcode


def _kernel(arguments, cwd, begun):
    gc.freeze()  # what was imported stays
    os.setsid()  # signals go to the whole group
    os.chdir(cwd)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    tests = multiprocessing.parent_process()
    threading.Thread(target=lambda: (tests.join(), os._exit(1)), daemon=True).start()
    begun.send(True)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance(arguments)


def pytest_configure(config):
    if sys.platform == "linux":
        from jupyter_client.provisioning import local_provisioner

        local_provisioner.launch_kernel = Forked
    else:  # on a slow machine a new one's first kernel would say in a cell that it looks for the fonts
        import matplotlib.font_manager  # noqa: F401
    config.option.nbval_sanitize_with = str(Path(__file__).with_name("nbval_sanitize.cfg"))
    if config.args_source == config.ArgsSource.INVOCATION_DIR:
        config.args = [str(config.rootpath / folder) for folder in config.getini("testpaths")]


def pytest_collection_finish():
    gc.freeze()  # what was imported stays: no search for garbage goes through it again, which took a tenth of the time


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that at the end no worker waits for another."""
    items.sort(key=lambda item: not re.search("test_site|test_any_bert|/08_|/12_", item.nodeid))


def pictures(outputs):
    """The PNG bytes of every picture in a cell's outputs."""
    html = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    return [base64.b64decode(data) for text in html for data in PICTURE.findall(text)]


def outside(picture, other):
    """The pixels of one picture that are, in some channel, outside what the other has around their place."""
    size = 2 * SHIFT + 1
    low, high = (
        np.asarray(other.filter(kind(size)), int) for kind in (ImageFilter.MinFilter, ImageFilter.MaxFilter)
    )
    pixels = np.asarray(picture, int)
    return ((pixels < low - STEP) | (pixels > high + STEP)).any(axis=-1)


def difference(stored, fresh):
    """What an eye sees to differ between two pictures, as bytes, in a few words; empty if nothing does."""
    if stored == fresh:
        return ""
    a, b = (Image.open(io.BytesIO(data)).convert("RGB") for data in (stored, fresh))
    if a.size != b.size:
        return f"its size is {b.size}, not {a.size}"
    box = ImageChops.difference(a, b).getbbox()  # outside it they are equal
    if not box:
        return ""
    left, top, right, bottom = box
    left, top = max(left - SHIFT, 0), max(top - SHIFT, 0)
    a, b = (
        image.crop((left, top, min(right + SHIFT, a.width), min(bottom + SHIFT, a.height)))
        for image in (a, b)
    )
    rows, columns = (outside(a, b) | outside(b, a)).nonzero()
    return (
        f"{len(rows)} pixels differ, the first at {columns[0] + left}, {rows[0] + top}" if len(rows) else ""
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    if type(item).__name__ == "IPyNbCell":
        pairs = zip(pictures(item.cell.outputs), pictures(item.test_outputs), strict=True)
        for number, (stored, fresh) in enumerate(pairs, 1):
            found = difference(stored, fresh)
            assert not found, f"picture {number} of this cell is not the stored one: {found}"
    return result
