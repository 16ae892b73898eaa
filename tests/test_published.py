"""The published figures of bert-base-uncased: are they in order, does the model have them, do notebooks show them?

"stand-in" is a checkpoint made here that has every published row in its place (checkpoints.py), so that this is
tested without bert-base-uncased; "real" is bert-base-uncased itself, where it is at hand.
"""

import dataclasses
import hashlib
import json
import re
from decimal import Decimal

import pytest
import regenerate
import torch
from checkpoints import NOTEBOOKS, published_bert, real_bert, run_notebook

from helpers import load_bert, published
from helpers.exercises.tables import tables

PARTS = ["word", "segment", "position", "sum", "layer"]
IDS = [101, 2651, 2003, 1037, 2204, 2154, 102]  # today is a good day
# What the rows of that sentence are published under, and which notebook shows them.
SEED = {"word": IDS, "segment": 7 * [0], "position": range(7), "sum": [*zip(IDS, range(7), strict=True)]}
SHOWN = pytest.mark.parametrize("notebook, part", [*zip(["02", "03", "04", "05"], SEED, strict=True)])


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    return str(published_bert(tmp_path_factory.mktemp("stand-in")))


@pytest.fixture(scope="module", params=["stand-in", "real"])
def base(request):
    """What to load: a folder or a name."""
    return real_bert() if request.param == "real" else request.getfixturevalue("stand_in")


def rows(bert, part, keys):
    """The model's rows of a part for keys as they are published under, [n, H]."""
    tables_of, keys = dict(zip(PARTS, tables(bert), strict=False)), torch.tensor([*keys])
    if part in tables_of:
        return tables_of[part][keys]
    ids, positions = keys.T
    if part == "layer":
        return bert.model.embeddings(input_ids=ids[None], position_ids=positions[None])[0].detach()
    return tables_of["word"][ids] + tables_of["segment"][0] + tables_of["position"][positions]


def numbers_in(text):
    """The numbers with four or more decimals in the brackets of a printed tensor, as printed."""
    return re.findall(r"-?\d+\.\d{4}(?:e[+-]\d+)?", text)


def seed_numbers(part):
    """What torch prints of a part of the seed sentence: six numbers of the first three and last three of 7 rows."""
    known = published.rows_of(part)
    return [printed for place in (0, 1, 2, 4, 5, 6) for printed in known[SEED[part][place]]]


def test_the_figures_are_the_ones_that_were_collected():
    """A checksum, so that none changes by accident: each was read in public, and its sources are beside it."""
    digest = hashlib.sha256(json.dumps(published.figures(), sort_keys=True).encode()).hexdigest()
    assert digest == "d37f3e13340d747b177039790b08250a96fe499a5ac4db08d63d1f4f14b2636e"


def test_published_tokenizations_are_the_tokenizers(bert):
    for example in published.tokenizations():
        encoding = bert.tokenizer(example["text"], example["text_pair"])
        found = encoding["input_ids"], encoding["token_type_ids"], encoding.tokens()
        assert found == (example["input_ids"], example["token_type_ids"], example["tokens"])


@pytest.mark.parametrize("part", PARTS)
def test_the_model_has_every_published_row(base, part):
    bert, known = load_bert(base), published.rows_of(part)
    if part == "layer" and bert.model.config.num_hidden_layers == 1:
        pytest.skip("the stand-in has no published LayerNorm weights: only the real model can show this")
    found = rows(bert, part, known)[:, published.figures()["dims"]].tolist()
    for row, (key, printed) in zip(found, known.items(), strict=True):
        assert all(map(published.agrees, row, printed, 6 * [part])), (key, row, printed)


@SHOWN
def test_a_notebook_prints_the_published_rows_of_the_seed_digit_for_digit(base, notebook, part):
    """Run on bert-base-uncased, the notebook prints what its folded block says, and its proof finds them equal."""
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(notebook))
    ran = run_notebook(path, model=base, until="published.compare(")
    assert seed_numbers(part) in [numbers_in(cell.text()) for cell in ran]
    proofs = [cell.stdout for cell in ran if "published.compare(" in cell.source]
    assert all(re.match(r"✓ ([1-9]\d*) of \1 published", said) for said in proofs), proofs


@SHOWN
def test_a_notebook_says_in_a_folded_block_what_bert_base_uncased_prints(notebook, part):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(notebook))
    prose = [c.source for c in regenerate.read(path).cells if c.cell_type == "markdown"]
    block, *_ = re.findall(r"uncased prints.*?```\w*\n(.*?)```", "\n".join(prose), re.DOTALL)
    assert numbers_in(block) == seed_numbers(part)


@pytest.mark.parametrize("part", SEED)
def test_compare_names_the_first_number_that_disagrees(stand_in, capsys, part):
    bert = load_bert(stand_in)
    found, keys = rows(bert, part, SEED[part]), torch.tensor(IDS if part == "sum" else SEED[part])[None]
    capsys.readouterr()
    published.compare(bert, part, found[None], keys)
    assert re.fullmatch(r"✓ ([1-9]) of \1 published .*\n", capsys.readouterr().out)
    for dim, printed in zip((0, 767), published.rows_of(part)[SEED[part][2]][::5], strict=True):
        wrong = found.clone()  # by one unit of the last place, where half of one is allowed
        wrong[2, dim] += 10.0 ** Decimal(printed).as_tuple().exponent
        with pytest.raises(AssertionError, match=rf"DISAGREES .*number {dim} is printed as {printed}"):
            published.compare(bert, part, wrong, keys)


def test_compare_says_in_one_line_that_this_is_another_model(bert, capsys):
    table = bert.model.embeddings.word_embeddings.weight
    published.compare(bert, "word", table[:2], [0, 1])
    assert re.fullmatch(r"✓ all-MiniLM-L6-v2 is another model .*\n", capsys.readouterr().out)
    with pytest.raises(AssertionError, match="DISAGREES"):  # a name does not pass for the numbers
        alias = dataclasses.replace(bert, name="google-bert/bert-base-uncased")
        published.compare(alias, "word", table[:2], [0, 1])
