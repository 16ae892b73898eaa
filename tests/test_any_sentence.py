"""Whatever the text: the lookups, the sum and the layer made by hand are the model's own, to the last bit.

LayerNorm by hand agrees to rounding.
"""

import pytest
import torch
from torch.nn.functional import one_hot

TEXTS = {
    "empty": "",
    "spaces": "   \t\n ",
    "one emoji": "🙂",
    "right to left": "مرحبا بالعالم שלום",
    "Chinese": "今天是好日子",
    "combining marks": "e\u0301\u0323\u0302 a\u0300 \u0301",
    "NUL and control characters": "a\0b\x01\x07\x1b[31mc\x7f\x85",
    "10,000 characters": "word " * 2000,
    "typed special tokens": "the [MASK] is [CLS] not [SEP] typed [PAD]",
    "markup": "<script>alert('x')</script> & <b>$x_1$ costs $5",
    "odd spaces": "a\u00a0b\u200bc\u200d\u202e\u2028\ufeff\ufffd\U000e0001éßİǅﬁ",
}
LENGTHS = {"empty": 2, "spaces": 2, "one emoji": 3, "Chinese": 8, "10,000 characters": 512}


def tokenize(bert, *texts, **options):
    """A batch that fits the model."""
    most = bert.model.config.max_position_embeddings
    return bert.tokenizer(*texts, truncation=True, max_length=most, return_tensors="pt", **options)


@torch.no_grad()
def check_layer(bert, encoding):
    """Make the layer by hand from its tables, and compare every step with the model's own."""
    layer, ids, segment_ids = (bert.model.embeddings, encoding["input_ids"], encoding["token_type_ids"])
    # As the course counts places: the first real token stands at 0; padding is never looked at.
    position_ids = (encoding["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    tables = [
        (layer.word_embeddings, ids),
        (layer.token_type_embeddings, segment_ids),
        (layer.position_embeddings, position_ids),
    ]
    words, segments, positions = (table.weight[keys] for table, keys in tables)
    total = (words + segments) + positions
    output = layer(input_ids=ids, token_type_ids=segment_ids, position_ids=position_ids)
    assert torch.isfinite(output).all() and torch.equal(layer.LayerNorm(total), output)

    mean = total.mean(dim=-1, keepdim=True)
    variance = (total - mean).pow(2).mean(dim=-1, keepdim=True)
    by_hand = (total - mean) / torch.sqrt(variance + bert.model.config.layer_norm_eps)
    by_hand = layer.LayerNorm.weight * by_hand + layer.LayerNorm.bias
    torch.testing.assert_close(by_hand, output, atol=1e-5, rtol=1e-5)
    return output


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_and_a_pair(bert, name):
    encoding = tokenize(bert, TEXTS[name])
    assert encoding["input_ids"].shape[1] == LENGTHS.get(name, encoding["input_ids"].shape[1])
    output = check_layer(bert, encoding)
    with torch.no_grad():  # positions and segment 0 are the default
        assert torch.equal(bert.model.embeddings(encoding["input_ids"]), output)
    check_layer(bert, tokenize(bert, TEXTS[name], "and another"))
    check_layer(bert, tokenize(bert, "one", TEXTS[name]))


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_padded_on_either_side(bert, side):
    batch = list(TEXTS.values())
    encoding = tokenize(bert, batch, padding=True, padding_side=side)
    output, mask = check_layer(bert, encoding), encoding["attention_mask"].bool()
    for row, text in enumerate(batch):
        with torch.no_grad():
            alone = bert.model.embeddings(tokenize(bert, text)["input_ids"])[0]
        torch.testing.assert_close(output[row][mask[row]], alone, atol=1e-6, rtol=0)


def test_one_hot_times_the_word_table_is_the_lookup_bit_by_bit(bert):
    table = bert.model.embeddings.word_embeddings.weight.detach()
    for text in TEXTS.values():
        ids = tokenize(bert, text)["input_ids"][0, :16]
        assert torch.equal(one_hot(ids, len(table)).to(table.dtype) @ table, table[ids])
