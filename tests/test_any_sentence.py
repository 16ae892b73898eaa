"""Whatever the text: the lookups, the sum and the layer made by hand are the model's own, to the last bit.

LayerNorm by hand agrees to rounding.
"""

import pytest
import torch

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


@torch.no_grad()
def layer_by_hand(bert, *texts, **options):
    """Make the layer from its tables, compare every step with the model's own; return the output and the mask."""
    options |= {"truncation": True, "max_length": 512, "return_tensors": "pt"}
    encoding = bert.tokenizer(*texts, **options)
    layer, ids, segment_ids = bert.model.embeddings, encoding["input_ids"], encoding["token_type_ids"]
    # As the course counts places: the first real token stands at 0; padding is never looked at.
    position_ids = (encoding["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    words, segments = layer.word_embeddings.weight[ids], layer.token_type_embeddings.weight[segment_ids]
    total = words + segments + layer.position_embeddings.weight[position_ids]
    output = layer(input_ids=ids, token_type_ids=segment_ids, position_ids=position_ids)
    assert torch.isfinite(output).all() and torch.equal(layer.LayerNorm(total), output)

    variance, mean = torch.var_mean(total, dim=-1, keepdim=True, correction=0)
    by_hand = (total - mean) / torch.sqrt(variance + bert.model.config.layer_norm_eps)
    by_hand = layer.LayerNorm.weight * by_hand + layer.LayerNorm.bias
    torch.testing.assert_close(by_hand, output, atol=1e-5, rtol=1e-5)
    return output, encoding["attention_mask"].bool()


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_and_a_pair(bert, name):
    layer_by_hand(bert, TEXTS[name])
    layer_by_hand(bert, TEXTS[name], "and another")
    layer_by_hand(bert, "one", TEXTS[name])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_padded_on_either_side(bert, side):
    outputs, masks = layer_by_hand(bert, [*TEXTS.values()], padding=True, padding_side=side)
    for text, output, mask in zip(TEXTS.values(), outputs, masks, strict=True):
        alone, _ = layer_by_hand(bert, text)
        torch.testing.assert_close(output[mask], alone[0], atol=1e-6, rtol=0)
