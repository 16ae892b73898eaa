"""The explorer without a browser: what it shows is what the model does, for any text on any BERT."""

import html
import re
import time

import numpy as np
import pytest
import torch
from checkpoints import random_bert

from helpers import explore, load_bert
from helpers.explorer import comparison, layer_picture, look, token_picture


def words(explorer):
    """The texts drawn in the picture."""
    return [t.get_text() for axes in explorer.picture.figure.axes for t in axes.texts]


def images(picture):
    return [image for axes in picture.figure.axes for image in axes.images]


@pytest.fixture(scope="module")
def small_bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    random_bert(folder, hidden_size=36, max_position_embeddings=64, type_vocab_size=1, dtype=torch.float64)
    return load_bert(str(folder))


@pytest.mark.parametrize(
    ("text", "second"),
    [("today is a good day", ""), ("where is it?", "on the bank"), ("", ""), ("unaffable 🙂 東京", "")],
)
def test_look_is_what_the_model_does(bert, text, second):
    seen = look(bert, text, second)
    encoding = bert.tokenizer(text, second or None, return_tensors="pt")
    with torch.no_grad():
        expected = bert.model.embeddings(encoding["input_ids"], encoding["token_type_ids"])[0]
    assert seen.ids == encoding["input_ids"][0].tolist()
    np.testing.assert_allclose(seen.stages["LayerNorm"], expected.double().numpy(), atol=1e-6)
    np.testing.assert_array_equal(
        seen.stages["segment"],
        bert.model.embeddings.token_type_embeddings.weight[encoding["token_type_ids"][0]].detach().numpy(),
    )
    squared = np.stack([np.linalg.norm(seen.stages[p], axis=1) ** 2 for p in ("word", "segment", "position")])
    np.testing.assert_allclose(seen.shares.T * squared.sum(0), squared)


def test_the_picture_shows_the_numbers(bert):
    seen = look(bert, "today is a good day")
    drawn = images(layer_picture(seen))[:5]
    for image, rows in zip(drawn, seen.stages.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(image.get_array()), rows[:, :24])
    assert len({image.get_clim() for image in drawn[:4]}) == 1, "the parts and their sum share one scale"
    alone = images(token_picture(seen, 3))[:5]
    for image, rows in zip(alone, seen.stages.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(image.get_array())[0], rows[3])


def test_typing_changes_tokens_and_ids(bert):
    explorer = explore(bert)
    assert {"today", "2651"} <= set(words(explorer))
    before = explorer.view.value
    explorer.sentence.value = "unaffable"
    assert {"una", "##ffa", "##ble", "14477", "20961", "3468"} <= set(words(explorer))
    assert "today" not in words(explorer)
    assert explorer.view.value != before
    assert "“##ffa”" in explorer.picture.alt
    assert html.escape(explorer.picture.alt) in explorer.view.value


def test_one_token_is_followed_while_it_is_there(bert):
    explorer = explore(bert)
    explorer.token.value = 5
    assert "followed alone: “good” (id 2204) at place 5" not in words(explorer)
    assert "followed alone: “day” (id 2154) at place 5" in words(explorer)
    explorer.sentence.value = "today is a good night"
    assert "followed alone: “night” (id 2305) at place 5" in words(explorer)
    explorer.sentence.value = "hi"
    assert explorer.token.value == -1
    assert [label for label, _ in explorer.token.options] == ["all tokens", "0 [CLS]", "1 hi", "2 [SEP]"]


def test_second_text_as_segment_or_for_comparison(bert):
    explorer = explore(bert, "good day", "day good")
    assert explorer.picture.alt.startswith("7 tokens")
    explorer.use.value = "compare"
    assert explorer.picture.alt.startswith("The first: 4 tokens")
    explorer.token.value = 1
    assert "Nearest to “good” at place 1 is “good” at place 2" in explorer.picture.caption
    explorer.other.value = ""
    assert explorer.picture.alt.startswith("4 tokens")


def test_comparison_shows_cosines(bert):
    first, second = look(bert, "the bank of the river"), look(bert, "river of the bank money")
    picture = comparison(first, second)
    a, b = (torch.tensor(one.stages["LayerNorm"]) for one in (first, second))
    expected = torch.cosine_similarity(a[:, None], b[None], dim=-1)
    np.testing.assert_allclose(np.asarray(images(picture)[0].get_array()), expected, atol=1e-9)
    assert f"“bank” at 2 and 4: {expected[2, 4]:.2f}" in picture.alt
    assert "“river” at 5 and 1" in picture.alt
    assert "money" not in picture.alt.split("Tokens in both")[1]


def test_the_same_words_in_another_order_differ_by_place_only(bert):
    first, second = look(bert, "dog bites man"), look(bert, "man bites dog")
    np.testing.assert_array_equal(first.stages["word"][1], second.stages["word"][3])
    assert (first.stages["LayerNorm"][1] != second.stages["LayerNorm"][3]).any()


TEXTS = [
    "", " ", "\x00\x07\x1b[31m", "🙂", "مرحبا", "$x_1$ \\frac{", "<b>&amp;\"'", "word " * 2000, "x" * 9000,
    "東京", "e\u0301\u200d\u202e", "[MASK] [SEP]",
]  # fmt: skip


@pytest.fixture(scope="module")
def explorers(small_bert, bert):
    """One explorer to type into for all texts, and one to compare them with a first one."""
    compare = explore(bert, "a day", "x")
    compare.use.value = "compare"
    return explore(small_bert), compare


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_any_text_gets_a_picture(explorers, text):
    one, compare = explorers
    compare.other.value = one.sentence.value = text
    assert len(re.findall(r'<img alt="[^"]{40,}" ', one.view.value)) == 1
    assert len(one.token.options) - 1 <= 64
    one.token.value = len(one.token.options) - 2
    assert "Followed alone: “[SEP]”" in one.picture.alt
    assert len(re.findall(r'<img alt="[^"]{40,}" ', compare.view.value)) == 1
    assert html.escape(compare.picture.caption) in compare.view.value


def test_half_a_surrogate_pair_is_shown_as_a_stand_in(bert):
    explorer = explore(bert, "\ud800 day", "\udfff")
    assert (explorer.sentence.value, explorer.other.value) == ("\ufffd day", "\ufffd")
    assert look(bert, explorer.sentence.value).tokens == ["[CLS]", "day", "[SEP]"]


def test_no_text_gives_the_two_special_tokens(bert):
    assert look(bert, "").tokens == ["[CLS]", "[SEP]"]


@pytest.mark.parametrize("use", ["pair", "compare"])
def test_too_long_is_cut_and_said(bert, small_bert, use):
    explorer = explore(bert, "good day " * 400)
    assert "longer than this model's 512 positions; it is cut after 512 tokens." in explorer.picture.caption
    assert "leaves out tokens" in explorer.picture.alt
    assert html.escape("this model's 512 positions") in explorer.view.value
    explorer = explore(bert, "a day", "good " * 600)
    explorer.use.value = use
    assert "it is cut after 512 tokens" in explorer.picture.caption
    assert "it is cut after 64 tokens" in explore(small_bert, "good " * 63).picture.caption
    assert "cut" not in explore(small_bert, "good " * 62).picture.caption


def test_what_is_typed_stays_text(bert):
    typed = '<script>alert(1)</script> "><img src=x onerror=alert(1)>'
    explorer = explore(bert, typed, typed)
    for use in ("pair", "compare"):
        explorer.use.value = use
        for index in (-1, 1):
            explorer.token.value = index
            tags = re.findall(r"<(\w+)", explorer.view.value)
            assert tags == ["figure", "img", "figcaption"]
            assert "“&lt;”" in explorer.view.value


def test_a_model_without_a_second_segment_says_so(small_bert):
    explorer = explore(small_bert, "one", "two")
    assert explorer.view.value == "<p>This model&#x27;s table has no row for segment 1: it ends at 0.</p>"
    explorer.use.value = "compare"
    assert "<img" in explorer.view.value


@pytest.mark.parametrize(("sentence", "other"), [(3, ""), (None, ""), ("a", ["b"])])
def test_not_a_text_is_refused_in_one_sentence(bert, sentence, other):
    with pytest.raises(TypeError, match=r"must be a string, found \w+$"):
        explore(bert, sentence, other)


def test_without_a_kernel_a_still_picture_stands_there(bert):
    bundle = explore(bert, "good day")._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bundle["text/plain"].startswith("4 tokens: “[CLS]”, “good”, “day” and “[SEP]”.")
    assert bundle["text/html"].startswith("<figure")
    assert html.escape(bundle["text/plain"]) in bundle["text/html"]


def test_a_redraw_takes_less_than_300_ms(bert):
    explorer = explore(bert)
    times = []
    for sentence in ("today is a good day!", "today is a good day again", "is today a good day?") * 2:
        began = time.process_time()
        explorer.sentence.value = sentence
        times.append(time.process_time() - began)
    assert min(times) < 0.3
