"""What every run needs, whatever folder `pytest` is called from and whatever it is asked to run.

pyproject.toml loads this file as a plugin, because a conftest.py in tests/ is not read for a run of
notebooks alone, and nbval resolves the path of its sanitizing file against the working directory.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Set before any kernel starts: kernels inherit them.
os.environ["BERT_MODEL"] = "bundled"  # the same model, so the same outputs, on every machine
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["IPYKERNEL_CELL_NAME"] = "<cell>"  # a warning names the cell, not a temporary file
os.environ["OMP_NUM_THREADS"] = "1"  # the tests run side by side already

# Without a home to write to, as in some containers, matplotlib and IPython complain in the outputs of cells.
if not os.access(os.path.join(Path.home(), ""), os.W_OK):
    os.environ["HOME"] = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)

# nbformat brings the grammar of a kind of address that no notebook uses, at two seconds a process.
sys.modules["rfc3987_syntax"] = None


def pytest_configure(config):
    config.option.nbval_sanitize_with = str(Path(__file__).with_name("nbval_sanitize.cfg"))
    if config.args_source == config.ArgsSource.INVOCATION_DIR:
        config.args = [str(config.rootpath / folder) for folder in config.getini("testpaths")]
    if sys.platform == "linux":
        import forked_kernels  # not before the settings above are made

        forked_kernels.register()
