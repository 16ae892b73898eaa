"""Whatever the text: the lookups, the sum and the layer made by hand are the model's own.

Bitwise for the lookups, for one-hot times table, and for (word + segment) + position through the model's own
LayerNorm; LayerNorm by hand agrees to rounding.
"""

import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from torch.nn.functional import one_hot

# Any character that text can be encoded with; weighted towards those that tokenizers treat in ways of their own.
ODD = (
    "\0\t\n\r\x1b\x7f\u00a0\u00ad\u0301\u200b\u200d\u202e\u2028\ufeff\ufffd\U0001f642\U000e0001éßİǅﬁ東مर##[]"
)
characters = st.one_of(st.characters(codec="utf-8"), st.sampled_from(ODD), st.sampled_from("abcdefghijklm "))
texts = st.text(characters, max_size=60)
# Nothing is written into the folder the tests are run from.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis")
settings.register_profile("same every time", derandomize=True, database=None, deadline=None, max_examples=40)
settings.load_profile("same every time")

NAMED = {
    "empty": "",
    "spaces": "   \t\n ",
    "one emoji": "🙂",
    "right to left": "مرحبا بالعالم שלום",
    "combining marks": "e\u0301\u0323\u0302 a\u0300 \u0301",
    "NUL and control characters": "a\0b\x01\x07\x1b[31mc\x7f\x85",
    "10,000 characters": "word " * 2000,
    "typed special tokens": "the [MASK] is [CLS] not [SEP] typed [PAD]",
    "markup": "<script>alert('x')</script> & <b>",
    "mathtext": "$x_1$ costs $5 \\frac{1}{2}",
}


def tokenize(bert, *texts, **options):
    """A batch that fits the model."""
    P = bert.model.config.max_position_embeddings  # noqa: N806 (the course's shape legend)
    return bert.tokenizer(*texts, truncation=True, max_length=P, return_tensors="pt", **options)


@torch.no_grad()
def check_layer(bert, encoding, position_ids=None):
    """Make the layer by hand from its tables, and compare every step with the model's own."""
    layer, config = bert.model.embeddings, bert.model.config
    ids, segment_ids = encoding["input_ids"], encoding["token_type_ids"]
    B, T = ids.shape  # noqa: N806
    if position_ids is None:
        position_ids = torch.arange(T)[None]
    tables = {
        "word": (layer.word_embeddings, ids),
        "segment": (layer.token_type_embeddings, segment_ids),
        "position": (layer.position_embeddings, position_ids),
    }
    rows = {}
    for name, (embedding, keys) in tables.items():
        rows[name] = embedding.weight[keys]
        assert torch.equal(rows[name], embedding(keys)), name
        if name != "word":
            hot = one_hot(keys, embedding.num_embeddings).to(embedding.weight.dtype)
            assert torch.equal(hot @ embedding.weight, rows[name]), name
    total = (rows["word"] + rows["segment"]) + rows["position"]
    output = layer(input_ids=ids, token_type_ids=segment_ids, position_ids=position_ids)
    assert total.shape == output.shape == (B, T, config.hidden_size)
    assert torch.isfinite(output).all()
    assert torch.equal(layer.LayerNorm(total), output)

    mean = total.mean(dim=-1, keepdim=True)
    variance = (total - mean).pow(2).mean(dim=-1, keepdim=True)
    by_hand = (total - mean) / torch.sqrt(variance + config.layer_norm_eps)
    by_hand = layer.LayerNorm.weight * by_hand + layer.LayerNorm.bias
    torch.testing.assert_close(by_hand, output, atol=1e-5, rtol=1e-5)
    return output


def check_alone(bert, text, *second):
    """Check a text or a pair by itself: its shapes, its ends, its segments, and the layer with nothing given."""
    encoding = tokenize(bert, text, *second)
    ids = encoding["input_ids"]
    assert (
        ids.shape == encoding["token_type_ids"].shape == encoding["attention_mask"].shape == (1, ids.shape[1])
    )
    assert ids[0, 0] == bert.tokenizer.cls_token_id and ids[0, -1] == bert.tokenizer.sep_token_id
    assert encoding["attention_mask"].all()
    output = check_layer(bert, encoding)
    if any(second):  # an empty second text is taken for none
        assert (
            encoding["token_type_ids"][0].diff().clamp(max=0).eq(0).all()
        )  # first 0, then 1, and never back
        assert encoding["token_type_ids"][0, -1] == 1
    else:
        assert not encoding["token_type_ids"].any()
        with torch.no_grad():
            assert torch.equal(bert.model.embeddings(ids), output)  # positions and segment 0 are the default
    return encoding


@given(texts)
def test_any_text(bert, text):
    check_alone(bert, text)


@given(texts, texts)
def test_any_pair(bert, first, second):
    check_alone(bert, first, second)


@given(st.lists(texts, min_size=2, max_size=4), st.sampled_from(["left", "right"]))
def test_any_batch_padded_on_either_side(bert, batch, side):
    encoding = tokenize(bert, batch, padding=True, padding_side=side)
    mask = encoding["attention_mask"]
    # As the course numbers them: the first real token is at 0; padding is never looked at.
    position_ids = (mask.cumsum(dim=1) - 1).clamp(min=0)
    output = check_layer(bert, encoding, position_ids)
    for row, text in enumerate(batch):
        alone = tokenize(bert, text)
        assert torch.equal(encoding["input_ids"][row][mask[row].bool()], alone["input_ids"][0])
        with torch.no_grad():
            torch.testing.assert_close(
                output[row][mask[row].bool()], bert.model.embeddings(alone["input_ids"])[0], atol=1e-6, rtol=0
            )


@pytest.mark.parametrize("name", NAMED)
def test_a_named_text(bert, name):
    text = NAMED[name]
    length = check_alone(bert, text)["input_ids"].shape[1]
    check_alone(bert, text, "and another")
    check_alone(bert, "one", text)
    expected = {"empty": 2, "spaces": 2, "one emoji": 3, "10,000 characters": 512}
    assert length == expected.get(name, length)


def test_an_empty_second_text_makes_no_pair_and_spaces_do(bert):
    assert bert.tokenizer("one", "")["token_type_ids"] == [0, 0, 0]
    assert bert.tokenizer("one", " ")["token_type_ids"] == [0, 0, 0, 1]


def test_one_hot_times_the_word_table_is_the_lookup_bit_by_bit(bert):
    table = bert.model.embeddings.word_embeddings.weight.detach()
    for text in NAMED.values():
        ids = tokenize(bert, text)["input_ids"][0, :16]
        assert torch.equal(one_hot(ids, len(table)).to(table.dtype) @ table, table[ids])


def test_typed_special_tokens_become_the_special_tokens(bert):
    ids = bert.tokenizer("[MASK]").input_ids
    assert ids == [101, 103, 102]


def test_512_tokens_fit_and_513_raise_the_documented_error(bert):
    with torch.no_grad():
        fits = bert.tokenizer("a " * 510, return_tensors="pt")
        assert fits["input_ids"].shape == (1, 512)
        check_layer(bert, fits)
        too_long = bert.tokenizer("a " * 511, return_tensors="pt")
        assert too_long["input_ids"].shape == (1, 513)
        with pytest.raises((IndexError, RuntimeError)):  # which of the two depends on the version
            bert.model.embeddings(too_long["input_ids"])
        with pytest.raises((IndexError, RuntimeError)):
            bert.model(**too_long)


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b"], ids=ascii)
def test_a_lone_surrogate_raises_a_type_error(bert, text):
    with pytest.raises(TypeError):
        bert.tokenizer(text)
    with pytest.raises(TypeError):
        bert.tokenizer("a", text)


@pytest.mark.parametrize("thing", [7, 1.5, None, b"day", {"a": 1}, object], ids=repr)
def test_what_is_no_text_raises_a_value_error(bert, thing):
    with pytest.raises(ValueError, match=r"text"):
        bert.tokenizer(thing)
