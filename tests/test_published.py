"""The published figures of bert-base-uncased: are they in order, does the model have them, do notebooks show them?

"stand-in" is a checkpoint made here that has every published figure in its place (checkpoints.py), so that all
of this is tested without bert-base-uncased; "real" is bert-base-uncased itself, where it is at hand.
"""

import dataclasses
import functools
import hashlib
import json
import re
from pathlib import Path

import pytest
import torch
from checkpoints import NOTEBOOKS, published_bert, random_bert, real_bert, run_notebook

from helpers import load_bert, published

FIGURES = json.loads((Path(published.__file__).with_name("published.json")).read_text(encoding="utf-8"))
DIMS = [0, 1, 2, 765, 766, 767]
SEED = [101, 2651, 2003, 1037, 2204, 2154, 102]  # today is a good day
PARTS = ["word", "segment", "position", "sum", "layer"]
COMPARING = [path for path in NOTEBOOKS if "published." in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    return published_bert(tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="module", params=["stand-in", "real"])
def base(request):
    """What to load: a folder or a name."""
    return real_bert() if request.param == "real" else request.getfixturevalue("stand_in")


@pytest.fixture(scope="module")
def base_bert(base):
    return load_bert(str(base))


@pytest.fixture(scope="module")
def stand_in_bert(stand_in):
    return load_bert(str(stand_in))


def rows_of(bert, part):
    """The model's rows for the published figures of a part, from the tables up, and their keys, both in order."""
    layer = bert.model.embeddings
    rows = FIGURES[part]
    tables = {"word": layer.word_embeddings, "segment": layer.token_type_embeddings}
    tables["position"] = layer.position_embeddings
    with torch.no_grad():
        if part in tables:
            return tables[part].weight[[row["id"] for row in rows]]
        ids = torch.tensor([[row["id"] for row in rows]])
        positions = torch.tensor([[row["position"] for row in rows]])
        if part == "layer":
            return layer(input_ids=ids, position_ids=positions)[0]
        words = layer.word_embeddings.weight[ids[0]]
        return words + layer.token_type_embeddings.weight[0] + layer.position_embeddings.weight[positions[0]]


def as_printed(number, example):
    """A number in the format torch printed the example in."""
    return f"{number:.4e}" if "e" in example else f"{number:.4f}"


# The figures themselves


def test_every_figure_is_text_as_torch_prints_it_and_has_its_sources():
    used = set()
    for part in [*PARTS, "tokenizations"]:
        for row in FIGURES[part]:
            used |= set(row["sources"])
            assert row["sources"], row
            for printed in row.get("printed", []):
                assert re.fullmatch(r"-?\d\.\d{4}(e-0\d|e\+00)?", printed), row
            assert part == "tokenizations" or len(row["printed"]) == len(DIMS)
    for single in "config", "parameters", "layer_in_train_mode":
        used |= set(FIGURES[single]["sources"])
    assert used == set(range(len(FIGURES["sources"])))
    assert FIGURES["dims"] == DIMS
    assert "position_table" not in FIGURES  # read from a weights file, not printed


def test_no_figure_has_changed_since_they_were_collected():
    """Only the real weights can tell a wrong last digit; this holds the line where they are not at hand."""
    figures = [printed for part in PARTS for row in FIGURES[part] for printed in row["printed"]]
    assert len(figures) == 426
    digest = "6bd6253110cc86c8da070242986cb0358fab079133560e9b5fa4b61f7a532cde"
    assert hashlib.sha256(" ".join(figures).encode()).hexdigest() == digest


def test_printed_sums_follow_from_printed_parts():
    words, positions = ({row["id"]: row["printed"] for row in FIGURES[part]} for part in ("word", "position"))
    segment = FIGURES["segment"][0]["printed"]
    for row in FIGURES["sum"]:
        for place, total in enumerate(row["printed"]):
            parts = [words[row["id"]][place], segment[place], positions[row["position"]][place]]
            allowed = sum(published.half_unit(printed) for printed in [total, *parts])
            gap = abs(float(total) - sum(map(float, parts)))
            assert gap <= allowed, (row, DIMS[place], gap, allowed)


def test_half_unit_of_the_last_printed_place():
    assert published.half_unit("0.0316") == pytest.approx(5e-5, rel=1e-12)
    assert published.half_unit("-3.6711e-05") == pytest.approx(5e-10, rel=1e-12)
    assert published.half_unit("1.3468e+00") == pytest.approx(5e-5, rel=1e-12)


def test_parameter_counts_follow_from_the_config():
    config, counts = FIGURES["config"], FIGURES["parameters"]
    hidden = config["hidden_size"]
    assert counts["word_embeddings"] == config["vocab_size"] * hidden
    assert counts["position_embeddings"] == config["max_position_embeddings"] * hidden
    assert counts["token_type_embeddings"] == config["type_vocab_size"] * hidden
    assert counts["layer_norm_weight"] == counts["layer_norm_bias"] == hidden
    parts = ["word", "position", "token_type"]
    tables = sum(counts[f"{part}_embeddings"] for part in parts)
    assert counts["embeddings_total"] == tables + counts["layer_norm_weight"] + counts["layer_norm_bias"]
    inner = config["intermediate_size"]
    one_layer = 4 * (hidden * hidden + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden
    assert counts["encoder"] == config["num_hidden_layers"] * one_layer
    assert counts["pooler"] == hidden * hidden + hidden
    assert counts["bert_model_total"] == sum(
        counts[part] for part in ("embeddings_total", "encoder", "pooler")
    )


def test_tokens_and_published_tokenizations_are_the_tokenizers(bert):
    for part in PARTS:
        for row in FIGURES[part]:
            if "token" in row:
                assert bert.tokenizer.convert_ids_to_tokens(row["id"]) == row["token"]
    examples = published.tokenizations()
    assert len(examples) == 22 and examples[0]["input_ids"] == SEED
    for example in examples:
        encoding = bert.tokenizer(example["text"], example["text_pair"])
        assert encoding["input_ids"] == example["input_ids"]
        assert encoding["token_type_ids"] == example["token_type_ids"]
        assert bert.tokenizer.convert_ids_to_tokens(example["input_ids"]) == example["tokens"]


# The model


@pytest.mark.parametrize("part", PARTS)
def test_the_model_has_every_published_row(base_bert, part):
    for row, numbers in zip(FIGURES[part], rows_of(base_bert, part)[:, DIMS].tolist(), strict=True):
        for dim, number, printed in zip(DIMS, numbers, row["printed"], strict=True):
            if part in ("sum", "layer"):  # computed, so the last bits differ between machines
                allowed = published.half_unit(printed) + 1e-7
                assert abs(number - float(printed)) <= allowed, (row, dim, number)
            else:
                assert as_printed(number, printed) == printed, (row, dim, number)


def test_the_model_in_train_mode_gives_the_published_row_of_cls(base_bert):
    place = [row["id"] for row in FIGURES["layer"]].index(101)
    kept = 1 - base_bert.model.config.hidden_dropout_prob
    train_row = rows_of(base_bert, "layer")[place, DIMS] / kept  # none of the six was dropped
    assert [as_printed(n, "0.1873") for n in train_row.tolist()] == FIGURES["layer_in_train_mode"]["printed"]


def test_the_model_has_the_published_sizes(base_bert):
    config = {key: value for key, value in FIGURES["config"].items() if key != "sources"}
    counts = FIGURES["parameters"]
    layers = config.pop("num_hidden_layers")
    model = base_bert.model
    for key, value in config.items():
        assert getattr(model.config, key) == value, key
    assert model.config.num_hidden_layers == (layers if base_bert.name == "bert-base-uncased" else 1)

    def count(module):
        return sum(weight.numel() for weight in module.parameters())

    assert count(model.embeddings.word_embeddings) == counts["word_embeddings"]
    assert count(model.embeddings) == counts["embeddings_total"]
    assert count(model.encoder) * layers == counts["encoder"] * model.config.num_hidden_layers
    assert count(model.pooler) == counts["pooler"]


def test_the_stand_in_has_the_files_names_of_the_real_one(stand_in):
    from safetensors import safe_open

    with safe_open(stand_in / "model.safetensors", "pt") as file:
        names = set(file.keys())
    layer = {f"bert.embeddings.{part}_embeddings.weight" for part in ("word", "position", "token_type")}
    assert layer | {"bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.beta"} <= names
    heads = {name for name in names if name.startswith("cls.")}
    assert len(heads) == 7 and not any("decoder" in name for name in heads)
    assert len(names) + 11 * 16 == 206  # the real file's, with its other eleven layers


# What the notebooks show of it


def seed_rows(part):
    """The rows that torch prints of the seed sentence: the first and the last three of seven."""
    shown = [0, 1, 2, 4, 5, 6]
    key = {
        "word": lambda place: {"id": SEED[place]},
        "segment": lambda place: {"id": 0},
        "position": lambda place: {"id": place},
        "sum": lambda place: {"id": SEED[place], "position": place},
    }[part]
    return [
        next(row["printed"] for row in FIGURES[part] if key(place).items() <= row.items()) for place in shown
    ]


@pytest.fixture(scope="module")
def run_on(base):
    """Run a notebook on the model, once for all tests here."""
    return functools.cache(lambda path: run_notebook(path, model=base))


@pytest.mark.parametrize(
    "notebook, part", [("02", "word"), ("03", "segment"), ("04", "position"), ("05", "sum")]
)
def test_a_notebook_prints_the_published_rows_of_the_seed_digit_for_digit(run_on, notebook, part):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(notebook))
    rows = []
    for row in seed_rows(part):
        numbers = [re.escape(printed) for printed in row]
        rows.append(r"\[\s*" + r",\s*".join([*numbers[:3], r"\.\.\.", *numbers[3:]]) + r"\]")
    tensor = r",\s*".join([*rows[:3], r"\.\.\.", *rows[3:]])
    assert any(re.search(tensor, cell.text()) for cell in run_on(path)), f"{path.name} does not show them"


@pytest.mark.parametrize("path", COMPARING, ids=lambda path: path.stem)
def test_a_notebook_finds_that_the_published_figures_agree(run_on, path):
    cells = [cell for cell in run_on(path) if "published." in cell.source]
    assert cells
    for cell in cells:
        assert re.search(r"(\d+) of \1 (rows agree|published tokenizations agree)", cell.text()), cell.source
        assert "nother model" not in cell.text()


# What `compare` says


def seed_sentence(bert, part):
    """The seed sentence's rows of one part, [1, T, H], and their keys, [1, T]."""
    layer = bert.model.embeddings
    ids = torch.tensor([SEED])
    segment_ids, position_ids = torch.zeros_like(ids), torch.arange(len(SEED))[None]
    with torch.no_grad():
        word = layer.word_embeddings(ids)
        segment = layer.token_type_embeddings(segment_ids)
        position = layer.position_embeddings(position_ids)
        parts = {
            "word": (word, ids),
            "segment": (segment, segment_ids),
            "position": (position, position_ids),
            "sum": (word + segment + position, ids),
            "layer": (layer(ids), ids),
        }
    return parts[part]


@pytest.mark.parametrize(
    "part, rows", [("word", 6), ("segment", 7), ("position", 7), ("sum", 6), ("layer", 3)]
)
def test_compare_says_that_rows_agree_and_how_many(stand_in_bert, capsys, part, rows):
    published.compare(stand_in_bert, part, *seed_sentence(stand_in_bert, part))
    agreement, _, missing = capsys.readouterr().out.partition("Not published: ")
    assert f": {rows} of {rows} rows agree, {6 * rows} numbers, to the last printed place.\n" in agreement
    assert ("a (1037)" in missing) == (part in ("word", "sum", "layer"))


def test_compare_shows_the_published_rows_beside_another_model(bert, capsys):
    published.compare(bert, "layer", *seed_sentence(bert, "layer"))
    assert capsys.readouterr().out == (
        "Another model; here are bert-base-uncased's rows of the layer's output, as published:\n"
        "                           0           1           2  …         765         766         767\n"
        "[CLS] (101) at 0  1.6855e-01 -2.8577e-01 -3.2613e-01  … -2.7571e-02  3.8253e-02  1.6400e-01\n"
        "is (2003) at 2       -0.6270     -0.0633     -0.3143  …      0.3427      0.4636      0.4594\n"
        "[SEP] (102) at 6     -0.1481     -0.2948     -0.1690  …     -0.5009      0.2544     -0.0700\n"
        "Not published: today (2651) at 1, a (1037) at 3, good (2204) at 4, day (2154) at 5.\n"
    )
    published.compare(bert, "segment", *seed_sentence(bert, "segment"))
    assert capsys.readouterr().out == (
        "Another model; here are bert-base-uncased's segment rows, as published:\n"
        "                    0           1           2  …         765         766         767\n"
        "segment 0      0.0004      0.0110      0.0037  …     -0.0066     -0.0034     -0.0086\n"
    )


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dim", [0, 767])
def test_compare_names_the_first_number_that_disagrees_on_bert_base_uncased(stand_in_bert, part, dim):
    rows, keys = seed_sentence(stand_in_bert, part)
    wrong = rows.clone()
    wrong[0, 2, dim] += 3e-4
    wrong[0, 6, dim] += 3e-4
    with pytest.raises(AssertionError, match=rf"DISAGREES .*: row 2 \(.*\), number {dim}: published -?\d"):
        published.compare(stand_in_bert, part, wrong, keys)


def test_compare_notices_a_change_of_the_last_printed_place(stand_in_bert):
    rows, keys = seed_sentence(stand_in_bert, "word")
    rows = rows.clone()
    rows[0, 1, 765] += 1.1e-9  # of -3.6711e-05
    with pytest.raises(AssertionError, match=r"row 1 \(today \(2651\)\), number 765: published -3.6711e-05"):
        published.compare(stand_in_bert, "word", rows, keys)


@pytest.mark.parametrize("name", ["bert-base-uncased", "google-bert/bert-base-uncased"])
def test_compare_does_not_let_the_name_pass_for_the_numbers(bert, name):
    wrong = dataclasses.replace(bert, name=name)
    with pytest.raises(AssertionError, match=r"DISAGREES .*its rows have 768 numbers, these 384"):
        published.compare(wrong, "word", *seed_sentence(bert, "word"))


def test_compare_calls_a_fine_tuned_copy_another_model(stand_in, capsys):
    tuned = load_bert(str(stand_in))
    with torch.no_grad():
        tuned.model.embeddings.LayerNorm.bias += 0.1
    published.compare(tuned, "layer", *seed_sentence(tuned, "layer"))
    assert "Another model" in capsys.readouterr().out
    published.compare(tuned, "word", *seed_sentence(tuned, "word"))  # these are still the published ones
    assert "6 of 6 rows agree" in capsys.readouterr().out


def test_compare_leaves_the_model_in_its_mode(stand_in_bert):
    rows, keys = seed_sentence(stand_in_bert, "layer")
    stand_in_bert.model.train()
    try:
        with pytest.raises(AssertionError, match="DISAGREES"):
            published.compare(stand_in_bert, "layer", rows + 1, keys)
        assert all(module.training for module in stand_in_bert.model.embeddings.modules())
    finally:
        stand_in_bert.model.eval()


def test_compare_takes_rows_and_keys_in_either_form_and_any_precision(stand_in_bert, capsys):
    rows, keys = seed_sentence(stand_in_bert, "word")
    table = stand_in_bert.model.embeddings.word_embeddings.weight  # which asks for a gradient
    for some in rows, rows[0], rows.double(), table[SEED]:
        for ids in keys, keys[0], keys[0].tolist(), keys.int():
            published.compare(stand_in_bert, "word", some, ids)
    assert capsys.readouterr().out.count("6 of 6 rows agree") == 16


def test_compare_says_that_nothing_is_published(bert, capsys):
    rows = bert.model.embeddings.token_type_embeddings.weight[1:]
    published.compare(bert, "segment", rows, [1])
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "none of these has been published" in out


def test_compare_shortens_a_long_list_of_what_is_not_published(bert, capsys):
    published.compare(bert, "position", bert.model.embeddings.position_embeddings.weight, range(512))
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("Not published: position 7, position 8") and last.endswith(" and 494 more.")


def test_compare_says_that_ids_of_another_vocabulary_mean_other_words(tmp_path, capsys):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Good", "good", "day"]
    sizes = {"hidden_size": 36, "num_attention_heads": 4, "intermediate_size": 36}
    cased = load_bert(str(random_bert(tmp_path, vocabulary=words, **sizes)))
    capsys.readouterr()
    published.compare(cased, "word", cased.model.embeddings.word_embeddings.weight[:2], [0, 1])
    out = capsys.readouterr().out
    assert out.startswith("Another vocabulary:") and out.count("\n") == 1
    published.compare(cased, "position", cased.model.embeddings.position_embeddings.weight[:2], [0, 1])
    assert "position 1  7.7580e-03" in capsys.readouterr().out


@pytest.mark.parametrize(
    "part, rows, keys, error, message",
    [
        ("words", torch.zeros(2, 384), [0, 1], ValueError, "part must be one of word, segment.*not 'words'"),
        ("word", [[0.0] * 384], [0], TypeError, "rows must be a tensor of floats.*not list"),
        ("word", torch.zeros(2, 384).long(), [0, 1], TypeError, r"not torch.int64 \[2, 384\]"),
        ("word", torch.tensor([0, 1]), torch.zeros(2, 384), TypeError, "rows must be a tensor of floats"),
        ("word", torch.zeros(2, 384), ["[CLS]", "day"], TypeError, "keys must be .*whole numbers"),
        ("word", torch.zeros(2, 384), torch.tensor([0.0, 1.0]), TypeError, "keys must be .*whole numbers"),
        ("word", torch.zeros(2, 384), 7, TypeError, "keys must be .*whole numbers"),
        ("word", torch.zeros(2, 384), [0, 1, 2], ValueError, r"rows must be \[3, 384\].*not \[2, 384\]"),
        ("word", torch.zeros(2, 2, 384), [0, 1], ValueError, r"rows must be \[2, 384\].*not \[2, 2, 384\]"),
        ("word", torch.zeros(2, 768), [0, 1], ValueError, r"rows must be \[2, 384\].*not \[2, 768\]"),
    ],
)
def test_compare_says_which_argument_does_not_fit(bert, part, rows, keys, error, message):
    with pytest.raises(error, match=message) as raised:
        published.compare(bert, part, rows, keys)
    assert "\n" not in str(raised.value)
