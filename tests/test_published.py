"""The published figures of bert-base-uncased: are they in order, does the model have them, do notebooks show them?

"stand-in" is a checkpoint made here that has every published row in its place (checkpoints.py), so that this is
tested without bert-base-uncased; "real" is bert-base-uncased itself, where it is at hand.
"""

import dataclasses
import hashlib
import re

import pytest
import regenerate
import torch
from checkpoints import NOTEBOOKS, published_bert, real_bert, run_notebook

from helpers import load_bert, published

FIGURES = published.figures()
DIMS = FIGURES["dims"]
SEED = [101, 2651, 2003, 1037, 2204, 2154, 102]  # today is a good day
PARTS = ["word", "segment", "position", "sum", "layer"]
SHOWN = {"02": "word", "03": "segment", "04": "position", "05": "sum"}  # which notebook shows which rows


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    return published_bert(tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="module", params=["stand-in", "real"])
def base(request):
    """What to load: a folder or a name."""
    return real_bert() if request.param == "real" else str(request.getfixturevalue("stand_in"))


@pytest.fixture(scope="module")
def base_bert(base):
    return load_bert(base)


def rows(bert, part):
    """The model's rows of a part, for the keys that are published, in order, [n, H]."""
    layer, keys = bert.model.embeddings, list(published.rows_of(part))
    tables = {"word": layer.word_embeddings, "segment": layer.token_type_embeddings}
    tables["position"] = layer.position_embeddings
    with torch.no_grad():
        if part in tables:
            return tables[part](torch.tensor(keys))
        ids, positions = torch.tensor(keys).T
        if part == "layer":
            return layer(input_ids=ids[None], position_ids=positions[None])[0]
        words, segment = tables["word"](ids), tables["segment"](torch.tensor(0))
        return words + segment + tables["position"](positions)


def test_the_figures_are_the_ones_that_were_collected():
    """A checksum, so that none changes by accident: each was read in public, and its sources are beside it."""
    figures = [number for part in PARTS for row in FIGURES[part] for number in row["printed"]]
    assert len(figures) == 426
    assert (
        hashlib.sha256(" ".join(figures).encode()).hexdigest()
        == "6bd6253110cc86c8da070242986cb0358fab079133560e9b5fa4b61f7a532cde"
    )


def test_printed_sums_follow_from_printed_parts():
    parts = {part: published.rows_of(part) for part in PARTS}
    for (token_id, position), total in parts["sum"].items():
        row = [parts["word"][token_id], parts["segment"][0], parts["position"][position], total]
        for *added, result in zip(*row, strict=True):
            allowed = sum(map(published.half_unit, [*added, result]))
            assert abs(float(result) - sum(map(float, added))) <= allowed, (token_id, position, result)


def test_half_unit_of_the_last_printed_place():
    assert published.half_unit("0.0316") == pytest.approx(5e-5, rel=1e-12)
    assert published.half_unit("-3.6711e-05") == pytest.approx(5e-10, rel=1e-12)
    assert published.half_unit("1.3468e+00") == pytest.approx(5e-5, rel=1e-12)


def test_published_tokenizations_are_the_tokenizers(bert):
    assert len(published.tokenizations()) == 22
    for example in published.tokenizations():
        encoding = bert.tokenizer(example["text"], example["text_pair"])
        assert encoding["input_ids"] == example["input_ids"]
        assert encoding["token_type_ids"] == example["token_type_ids"]
        assert bert.tokenizer.convert_ids_to_tokens(example["input_ids"]) == example["tokens"]


@pytest.mark.parametrize("part", PARTS)
def test_the_model_has_every_published_row(base_bert, part):
    if part == "layer" and base_bert.model.config.num_hidden_layers == 1:
        pytest.skip("the stand-in has no published LayerNorm weights: only the real model can show this")
    published_rows = published.rows_of(part)
    for (key, known), row in zip(published_rows.items(), rows(base_bert, part)[:, DIMS], strict=True):
        for number, printed in zip(row.tolist(), known, strict=True):
            allowed = published.half_unit(printed) + 1e-7 * (part in ("sum", "layer"))
            assert abs(number - float(printed)) <= allowed, (key, number, printed)


@pytest.mark.parametrize("notebook, part", SHOWN.items())
def test_a_notebook_prints_the_published_rows_of_the_seed_digit_for_digit(base, notebook, part):
    """Run on bert-base-uncased, the notebook prints what its folded block says, and its proof finds them equal."""
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(notebook))
    ran = run_notebook(path, model=base)
    assert any(seed_numbers(part) == numbers_in(cell.text()) for cell in ran), (
        f"{path.name} does not show them"
    )
    proofs = [cell.stdout for cell in ran if "published.compare" in cell.source]
    assert proofs and all(re.match(r"✓ (\d+) of \1 published", said) for said in proofs), proofs


@pytest.mark.parametrize("notebook, part", SHOWN.items())
def test_a_notebook_says_in_a_folded_block_what_bert_base_uncased_prints(notebook, part):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(notebook))
    prose = [c.source for c in regenerate.read(path).cells if c.cell_type == "markdown"]
    blocks = [
        re.findall(r"```(?:\w*\n)?(.*?)```", text, re.DOTALL) for text in prose if "uncased prints" in text
    ]
    assert blocks and blocks[0]
    assert numbers_in(blocks[0][0]) == seed_numbers(part)


def seed_numbers(part):
    """What torch prints of a part of the seed sentence: six numbers of the first three and last three of 7 rows."""
    key = {
        "word": lambda place: SEED[place],
        "segment": lambda place: 0,
        "position": lambda place: place,
        "sum": lambda place: (SEED[place], place),
    }[part]
    known = published.rows_of(part)
    return [printed for place in (0, 1, 2, 4, 5, 6) for printed in known[key(place)]]


def numbers_in(text):
    """The numbers with four or more decimals in the brackets of a printed tensor, as printed."""
    return re.findall(r"-?\d+\.\d{4}(?:e[+-]\d+)?", text)


@pytest.mark.parametrize("part", ["word", "segment", "position", "sum"])
def test_compare_names_the_first_number_that_disagrees(stand_in, capsys, part):
    bert = load_bert(str(stand_in))
    layer = bert.model.embeddings
    with torch.no_grad():
        words = layer.word_embeddings(torch.tensor([SEED]))
        segments = layer.token_type_embeddings(torch.zeros(1, 7, dtype=torch.long))
        positions = layer.position_embeddings(torch.arange(7)[None])
    found = {"word": words, "segment": segments, "position": positions, "sum": words + segments + positions}
    keys = {"word": SEED, "segment": [0] * 7, "position": range(7), "sum": torch.tensor([SEED])}
    capsys.readouterr()
    published.compare(bert, part, found[part], keys[part])
    assert re.fullmatch(r"✓ (\d) of \1 published .*\n", capsys.readouterr().out)
    for dim in (0, 767):
        wrong = found[part].clone()
        wrong[0, 2, dim] += 3e-4
        with pytest.raises(AssertionError, match=rf"DISAGREES .*number {dim} is printed as -?\d"):
            published.compare(bert, part, wrong, keys[part])


def test_compare_says_in_one_line_that_this_is_another_model(bert, capsys):
    published.compare(bert, "word", bert.model.embeddings.word_embeddings.weight[:2], [0, 1])
    assert re.fullmatch(r"✓ all-MiniLM-L6-v2 is another model .*\n", capsys.readouterr().out)
    with pytest.raises(AssertionError, match="DISAGREES"):  # a name does not pass for the numbers
        alias = dataclasses.replace(bert, name="google-bert/bert-base-uncased")
        published.compare(alias, "word", bert.model.embeddings.word_embeddings.weight[:2], [0, 1])
