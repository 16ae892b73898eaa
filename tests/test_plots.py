"""The pictures: what is drawn is the data, odd input breaks none. The notebooks' are compared by nbval."""

import html
import inspect
import io
import itertools
import math
import re
from unittest.mock import patch

import matplotlib.style
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image
from run_settings import difference

from helpers import picture, plots

SEED = ["[CLS]", "today", "is", "a", "good", "day", "[SEP]"]
AWKWARD = ["$5", r"\frac{1}{2}", "<b>&", "🙂", "今天", "صباح", "\n\x07", "x" * 90, "", " ", "\ud800"]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def three_parts(tokens, hidden=36):
    word, position = numbers(tokens, hidden), numbers(tokens, hidden, seed=1) / 2
    segment = numbers(1, hidden, seed=2).expand(tokens, hidden) / 4
    return word, segment, position, word + segment + position


def one_of_each(tokens=SEED):
    """All arguments of every picture, made of `tokens` and small made-up data."""
    n, few, first, last = len(tokens), tokens[:4], tokens[0], tokens[-1]
    *parts, total = three_parts(n)
    table, ids, small = numbers(3000, 36, seed=5), torch.arange(n) * 7 % 2000 + 5, torch.eye(5)[[2, 0, 4]]
    share, plane, groups = torch.softmax(numbers(n, 3), 1), numbers(n, 2), (few * n)[:n]
    samples = {t: numbers(99, seed=i) for i, t in enumerate(few)}
    return {
        "pipeline": {"step": "word"},
        "whole": {"layers": 12, "hidden": 768},
        "word_pieces": {"text": " ".join(tokens), "tokens": tokens, "ids": ids, "word_ids": [None, *range(n - 2), None][:n]},
        "vocabulary_map": {"tokens": [*tokens, *["[unused1]", "a", "a word", "##s"] * 9999]},
        "lookup": {"kind": "word", "table": table, "ids": ids, "rows": table[ids], "tokens": tokens, "limit": None},
        "one_hot": {"matrix": small, "table": table[:5, :4], "rows": small @ table[:5, :4]},
        "sum_equation": {**dict(zip(picture.PARTS, parts, strict=True)), "total": total, "tokens": tokens},
        "shares": {"values": share, "tokens": tokens},
        "before_after": {"tokens": tokens, "before": plane.abs().T, "after": share[:, :2].T},
        "neighbours": {"lists": {t: [(u, 0.5) for u in tokens[:9]] for t in few}},
        "bars": {"values": {t: {u: i - 0.2 for u in few} for i, t in enumerate(few)}, "xlabel": last, "log": False, "unit": "", "marked": None, "groups": None},
        "lines": {"curves": samples, "xlabel": last, "ylabel": first, "x": None, "log": "", "marks": {last: 5}, "levels": {first: 0.5}},
        "histograms": {"samples": samples, "xlabel": last, "marks": {first: 0, last: 0.1}, "ends": None},
        "strips": {"rows": list(samples.items()), "marks": {first: 7, last: 9}, "limit": None},
        "grid": {"rows": {t: tokens for t in few}, "groups": [groups] * len(few)},
        "heat_maps": {"maps": {t: table[:n, :n] for t in few}, "xlabel": last, "ylabel": first, "limit": None, "rows": tokens},
        "points": {"panels": {t: numbers(n, 2) for t in few[:2]}, "labels": tokens, "joined": "ring", "groups": groups, "axes": None},
        "arrows": {"vectors": {t: of[:36] for t, of in samples.items()}, "angle": True, "shadow": few[-1], "joined": False},
    }  # fmt: skip


NAMES = list(one_of_each())


def one(name, tokens=SEED):
    return getattr(plots, name)(**one_of_each(tokens)[name])


def words_in(drawn):
    return [text for text in drawn.figure.findobj(Text) if text.get_text() and text.get_visible()]


def lay_out(drawn):
    """Every text and line of it in its place, and nothing rendered: what cannot be drawn raises here."""
    drawn.figure.canvas = FigureCanvasAgg(drawn.figure)
    picture.styled(drawn.figure.draw_without_rendering)()


def inches(drawn):
    """The box around all that is drawn."""
    lay_out(drawn)
    return picture.styled(drawn.figure.get_tightbbox)(drawn.figure.canvas.get_renderer())


# ---------------------------------------------------------------- every picture, any text


def test_the_tables_have_every_picture_and_argument():
    assert {n for n, f in vars(plots).items() if hasattr(f, "__wrapped__")} - {"styled"} == set(NAMES)
    assert {kind.split(":")[0] for kind in SAID} == set(NAMES)
    taken = {n: list(inspect.signature(getattr(plots, n)).parameters) for n in NAMES}
    assert taken == {name: list(of) for name, of in one_of_each().items()}


# What notebooks draw of usual words nbval compares, and no stored picture is cut off.
@pytest.mark.parametrize(
    "tokens",
    [pytest.param(SEED, marks=pytest.mark.weekly), AWKWARD],
    ids=["seed", "awkward"],
)
@pytest.mark.parametrize("name", NAMES)
def test_any_text_fits_a_slide_and_is_said_in_words(name, tokens):
    drawn = one(name, tokens)
    box = inches(drawn)  # a missing glyph would be a warning, and so an error
    width, height = drawn.figure.get_size_inches()
    assert width == 9
    assert height <= 4.3
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -0.02, box
    # Of more than 256 colours, as where lines cross, all are kept: a palette would be another one elsewhere.
    assert tokens is AWKWARD or len(drawn.png) < 200_000
    assert not any(text.get_parse_math() for text in words_in(drawn))
    for words in (drawn.alt, drawn.caption):
        assert re.fullmatch(r"[^\s\x00-\x1f][^\x00-\x1f\ud800-\udfff]{20,}[.]", words), words
        assert "nan" not in words.lower().split()


@pytest.mark.parametrize("name", ["lookup", "sum_equation", "shares", "before_after", "word_pieces"])
@pytest.mark.parametrize("count", [1, 512])
def test_one_token_and_512(name, count):
    tokens = [f"t{i}" for i in range(count)]
    drawn = one(name, tokens)
    assert inches(drawn).y0 >= -0.02
    written = {text.get_text() for text in words_in(drawn)} & set(tokens)
    said = re.findall(r"first (\d+) and the last (\d+) of 512|(\d+) of the 512 tokens", drawn.caption)
    first, last, rest = (int(number or 0) for number in said[0]) if said else (1, 0, 0)
    assert written == {*tokens[: first or count - rest], *tokens[count - last :]}
    more = re.findall(r"(\d+) more", " ".join(text.get_text() for text in words_in(drawn)))
    assert [*map(int, more)] == [count - len(written)] * bool(said) == [count - len(written)] * (count == 512)


def test_a_batch_is_its_sentences_one_after_the_other():
    parts, tokens = three_parts(6), [list("abc"), list("def")]
    batch = plots.sum_equation(*(part.unflatten(0, (2, 3)) for part in parts), tokens)
    assert batch.html == plots.sum_equation(*parts, list("abcdef")).html
    with pytest.raises(ValueError, match=r"batch of tokens is \[2, 3\], found .* \[3, 2, 36\]"):
        plots.sum_equation(*(part.unflatten(0, (3, 2)) for part in parts), tokens)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("bars", "neighbours")])
def test_a_last_bit_changes_no_word(name, monkeypatch):
    exact, before = numbers, one(name)
    monkeypatch.setitem(globals(), "numbers", lambda *a, **k: exact(*a, **k) * (1 + 1e-7))
    again = one(name)
    assert (again.alt, again.caption) == (before.alt, before.caption)


@pytest.mark.parametrize("scale", [0, 1, 1e-12, 1e12])
@pytest.mark.parametrize("count", [1, 2, 200])
def test_any_points(scale, count):
    names = [f"t{i}" for i in range(count)]
    drawn = plots.points({"p": numbers(count, 2) * scale + 3}, names)
    lay_out(drawn)
    axes, written = drawn.figure.axes[0], {text.get_text() for text in words_in(drawn)} & set(names)
    assert len(written) == count or f"{len(written)} of the 200 names find room" in drawn.caption
    data, pixel = axes.viewLim, axes.bbox
    assert np.isclose(data.width / data.height, pixel.width / pixel.height)


# ---------------------------------------------------------------- what is drawn is the data

PARTS, TABLE, IDS = three_parts(7), numbers(50, 36), torch.tensor([9, 3, 3, 40, 0, 49, 10])
BF16, EYE3 = [part.bfloat16().requires_grad_() for part in PARTS[:3]], torch.eye(3)
MAPS, X = {"a": numbers(7, 5), "b": numbers(7, 5, seed=1) * 9}, torch.logspace(-9, 0, 9)
GROUPED, HALF = {"words": {"a": 0.25, "b": 0.5}, "other": {"a": -1.0, "b": 2.0}}, [1.0, 0.5, 0.25]
SHARE = torch.tensor([[0.3, 0.03, 0.67], [0.7, 0.2, 0.1]])
VOCABULARY = ["[PAD]", *["[unused1]"] * 999, *"ab", *["word"] * 500, *["##x"] * 498, "[MASK]"]
CURVES, SAMPLES = {"a": X + 1, "b": X + 2}, {"a": numbers(200), "b": numbers(100, seed=1) + 3}
LISTS = {"king": [("kings", 0.7), ("queen", 0.6)], "day": [("days", 0.4)]}
CLOUD = numbers(6, 2)
MANY, MANY_PARTS, COUNT = [f"t{i}" for i in range(20)], three_parts(20), np.arange(1, 21)
FIRST_AND_LAST = [*range(10), *range(16, 20)]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def rows_of(axes):
    return [label.get_text() for label in axes.get_yticklabels() if label.get_text()]


def arrays(axes):
    return [np.asarray(np.ma.filled(a.images[0].get_array(), np.nan)) for a in axes if a.images]


def bars(axes, read="width"):
    return [[getattr(bar, f"get_{read}")() for bar in bars] for bars in axes.containers]


def there(rows):
    return [row for row in rows if np.ravel(row)[0] == np.ravel(row)[0]]  # not the gap


DRAWN = {  # what is drawn, how to read it from the axes, and what must be found
    "sum": (lambda: plots.sum_equation(*PARTS, SEED), lambda a: [*arrays(a)[:4], rows_of(a[1])], [*(p[:, :32] for p in PARTS), SEED]),
    "sum: bfloat16": (lambda: plots.sum_equation(*BF16, sum(BF16), SEED), lambda a: arrays(a)[:3], [p[:, :32].detach().float() for p in BF16]),
    "heat_maps": (lambda: plots.heat_maps(MAPS, "x", "y", rows=SEED), lambda a: [*arrays(a)[:2], rows_of(a[0])], [*MAPS.values(), SEED]),
    "strips": (lambda: plots.strips({"a": X, "b": X - 1}), lambda a: [arrays(a)[0], rows_of(a[0])], [torch.stack([X, X - 1]), ["a", "b"]]),
    "strips: a scale with an outlier": (lambda: plots.strips({"a": [0.1] * 399 + [-9]}), lambda a: a[0].images[0].get_clim(), (-0.1, 0.1)),
    "strips, lookup: one scale": (lambda: plots.strips({"a": X}, limit=7), lambda a: a[0].images[0].get_clim() + plots.lookup("word", EYE3, [0], EYE3[:1], ["a"], limit=7).figure.axes[0].images[0].get_clim(), (-7, 7, -7, 7)),
    "strips: only zeros": (lambda: plots.strips({"a": [0.0] * 9}), lambda a: a[0].images[0].get_clim(), (-1, 1)),
    "lookup": (lambda: plots.lookup("word", TABLE, IDS, TABLE[IDS], SEED), lambda a: [arrays(a)[1], rows_of(a[1])], [TABLE[IDS, :32], SEED]),
    "lookup: table": (lambda: plots.lookup("word", TABLE, IDS, TABLE[IDS], SEED), lambda a: [row for row in arrays(a)[0] if row[0] == row[0]], TABLE[[0, 3, 9, 10, 40, 49], :32]),
    "lookup: rows": (lambda: plots.lookup("word", TABLE, IDS, TABLE[IDS], SEED), lambda a: [*rows_of(a[0]), *texts(a[0])], ["0", "3", "9", "10", "40", "49", "⋯ 2 rows ⋯", "⋯ 5 rows ⋯", "⋯ 29 rows ⋯", "⋯ 8 rows ⋯"]),
    "lookup: arrows": (lambda: plots.lookup("word", TABLE, IDS, TABLE[IDS], SEED), lambda a: np.argsort([t.xyann[1] for t in a[2].texts if getattr(t, "arrow_patch", None)], kind="stable"), IDS.argsort(stable=True)),
    "lookup: sizes": (lambda: plots.lookup("word", TABLE, IDS, TABLE[IDS], SEED), lambda a: [t for t in texts(a[2]) if t[:1] == "["], ["[50, 36]", "[7, 36]"]),
    "one_hot": (lambda: plots.one_hot(EYE3[[2, 0]], EYE3 * 1.5, EYE3[[2, 0]] * 1.5), lambda a: ["".join(texts(b)) for b in a if b.images], ["001100", "1.50.00.00.01.50.00.00.01.5", "0.00.01.51.50.00.0"]),
    "one_hot: no rounder than it is": (lambda: plots.one_hot(EYE3[:1], EYE3 * 99.994, EYE3[:1] * 99.994), lambda a: ["".join(texts(b)) for b in a[3:] if b.images], ["99.990.000.00"]),
    "word_pieces": (lambda: plots.word_pieces("unaffa day", ["una", "##ffa", "day"], [7, 8, 9], [0, 0, 1]), lambda a: texts(a[0])[-6:], ["una", "7", "##ffa", "8", "day", "9"]),
    "word_pieces: gaps": (lambda: plots.word_pieces("unaffa day", ["una", "##ffa", "day"], [7, 8, 9], [0, 0, 1]), lambda a: [q.get_x() - p.get_x() - p.get_width() for p, q in itertools.pairwise(a[0].patches)], [0, 9]),
    "vocabulary_map": (lambda: plots.vocabulary_map(VOCABULARY), lambda a: bars(a[0], "height"), [[1, 0, 1], [999, 0, 0], [0, 2, 0], [0, 500, 0], [0, 498, 0]]),
    "bars": (lambda: plots.bars(GROUPED, "x"), lambda a: [*bars(a[0]), texts(a[0]), rows_of(a[0])], [[0.25, -1], [0.5, 2], ["0.25", "−1", "0.5", "2"], ["words", "other"]]),
    "bars: percents": (lambda: plots.bars({"a": 0.983, "b": 0.017}, "x", log=True, unit="%"), lambda a: [a[0].get_xscale(), *texts(a[0])], ["log", "98%", "2%"]),
    "bars: marked": (lambda: plots.bars({"a": 2, "b": 1}, "x", marked="b"), lambda a: [to_rgb(bar.get_facecolor()) for bar in a[0].patches], [to_rgb(picture.PLAIN), to_rgb(picture.INK)]),
    "bars: groups": (lambda: plots.bars({"a": 2, "b": 1, "c": 3}, "x", groups=["u", "v", "u"]), lambda a: [to_rgb(bar.get_facecolor()) == to_rgb(patch.get_facecolor()) for patch in a[0].figure.legends[0].get_patches() for bar in a[0].patches], [True, False, True, False, True, False]),
    "shares": (lambda: plots.shares(SHARE, ["a", "b"]), lambda a: [*bars(a[0]), *bars(a[0], "x")], [*SHARE.T, *(SHARE.cumsum(1) - SHARE).T]),
    "neighbours": (lambda: plots.neighbours(LISTS), lambda a: [[*zip(rows_of(b), bars(b)[0], strict=True)] == of for b, of in zip(a, LISTS.values(), strict=True)], [True, True]),
    "before_after": (lambda: plots.before_after(["x"], ([0.1], [0.5]), ([0.0], [1.0])), lambda a: [*bars(a[0], "x"), *bars(a[0])], [[-0.4], [-1], [1], [2]]),
    "sum, of 20": (lambda: plots.sum_equation(*MANY_PARTS, MANY), lambda a: list(map(there, arrays(a)[:4])), [part[FIRST_AND_LAST, :32] for part in MANY_PARTS]),
    "shares, of 20": (lambda: plots.shares([[1 / n, 1 - 1 / n, 0] for n in COUNT], MANY), lambda a: [*filter(None, bars(a[0])[0])], 1 / COUNT[FIRST_AND_LAST]),
    "before_after, of 20": (lambda: plots.before_after(MANY, (COUNT, COUNT), (COUNT, COUNT + 1)), lambda a: [there(bars(a[0])[0]), texts(a[0])], [2 * COUNT[FIRST_AND_LAST], [f"spread {n} → {n + 1}" for n in COUNT[FIRST_AND_LAST]]]),
    "lookup, of 20": (lambda: plots.lookup("word", TABLE, COUNT, TABLE[COUNT], MANY), lambda a: there(arrays(a)[1]), TABLE[[*range(1, 6), 19, 20], :32]),
    "sum: numpy, reversed": (lambda: plots.sum_equation(*[np.array([[1.0, 7]])[:, ::-1]] * 3, [[21, 3]], ["a"]), lambda a: arrays(a)[0], [[7, 1]]),
    "one_hot: half": (lambda: plots.one_hot([[1]], torch.tensor([[0.1]]), torch.tensor([[0.1]]).bfloat16()), lambda a: [b.images[0].get_array().shape[:2] for b in a if b.images], [(1, 1)] * 3),
    "sum: numpy float16": (lambda: plots.sum_equation(*[np.float16([[0.1, 0.7]])] * 3, np.float16([[0.1, 0.7]]) * np.float16(3), ["a"]), lambda a: arrays(a)[0], np.float16([[0.1, 0.7]])),
    "lines: one point": (lambda: plots.lines([7], "s", "l", levels={"v": 3}), lambda a: a[0].lines[1].get_xdata(), [0, 1]),
    "bars: percents, log": (lambda: plots.bars({"a": 0.5, "b": 3}, "x", unit="%", log=True), lambda a: [{t.get_text()[-1:] for t in a[0].get_xticklabels()} == {"%"}], [True]),
    "bars: one of the parts is not marked": (lambda: plots.bars({"word": 3, "sum": 2, "b": 1}, "x", marked="b"), lambda a: [len({p.get_facecolor() for p in a[0].patches[:2]}), len({p.get_facecolor() for p in a[0].patches})], [1, 2]),
    "lines": (lambda: plots.lines(CURVES, "eps", "y", x=X, log="xy"), lambda a: [*(line.get_xydata() for line in a[0].lines), [a[0].get_xscale(), a[0].get_yscale()]], [*(np.stack([X, of], 1) for of in CURVES.values()), ["log", "log"]]),
    "lines: marks, levels": (lambda: plots.lines(HALF, "n", "y", marks={"here": 1}, levels={"c": 2}), lambda a: [line.get_xydata()[:, 1].tolist() for line in a[0].lines] + texts(a[0]), [HALF, [2, 2], [0.5], "c", "here"]),
    "points": (lambda: plots.points({"p": CLOUD}, groups=list("ababab")), lambda a: [line.get_xydata() for line in a[0].lines], [CLOUD[::2], CLOUD[1::2]]),
    "lines: a mark among many": (lambda: plots.lines(np.arange(20000.0) ** 2, "n", "y", marks={"here": 15000}), lambda a: a[0].lines[1].get_xydata(), [[15000, 15000**2]]),
    "lines: numbers of any kind": (lambda: plots.lines({"a": np.array([3.0, 2, 1])[::-1], "b": np.array([1, 2, 3], ">f4"), "c": [torch.tensor(1.0, requires_grad=True), np.array(2), 3], "d": np.broadcast_to(np.float16(1), 3)}, "x", "y"), lambda a: [line.get_ydata() for line in a[0].lines], [[1, 2, 3]] * 3 + [[1, 1, 1]]),
    "heat_maps: rows in a list": (lambda: plots.heat_maps({"a": [torch.ones(2), np.zeros(2)], "b": ((1, 2), [3, 4])}, "x", "y"), lambda a: arrays(a)[:2], [[[1, 1], [0, 0]], [[1, 2], [3, 4]]]),
    "bars: a tensor of one number": (lambda: plots.bars({"a": torch.ones(1, requires_grad=True), "b": True}, "x"), lambda a: bars(a[0]), [[1, 1]]),
    "arrows": (lambda: plots.arrows({"a": [3, 4], "b": [-1, 2]}), lambda a: [t.xy for t in a[0].texts if t.get_text() == ""], [[3, 4], [-1, 2]]),
    "arrows: a plane": (lambda: plots.arrows({"a": [0, 3, 4], "b": [5, 0, 0], "c": [1, 3, 4]}), lambda a: [t.xy for t in a[0].texts if t.get_text() == ""], [[5, 0], [0, 5], [5, 1]]),
    "arrows: angle, shadow": (lambda: plots.arrows({"a": [2, 0, 0], "b": [0, 4, 0], "c": [1, 3, 0]}, angle=True, shadow="c"), lambda a: [*(line.get_xydata()[-1] for line in a[0].lines[1:]), a[0].lines[0].get_xydata()], [[1, 0], [1, 0], [0, 3], [0, 3], [[0.3, 0], [0.3, 0.3], [0, 0.3]]]),
    "arrows: what is written": (lambda: plots.arrows({"a": [2, 0, 0], "b": [1, 1, 0], "c": [3, 0, 4]}, angle=True, shadow="b"), lambda a: sorted(filter(None, texts(a[0]))), ["45°, cosine 0.707", "a", "b", "c", "shadow 1"]),
    "arrows: of length 1 the shadow is the cosine": (lambda: plots.arrows({"a": [1, 0, 0], "b": [0.6, 0.8, 0]}, angle=True, shadow="b"), lambda a: sorted(filter(None, texts(a[0]))), ["53°", "a", "b", "cosine 0.6"]),
    "grid": (lambda: plots.grid([("x", ["a", "", "b"]), ("x", ["c"])]), lambda a: texts(a[0]), ["x", "a", "", "b", "x", "c"]),
    "grid: groups": (lambda: plots.grid({"x": ["a", "b"], "y": ["c", 1]}, ["uv", ["v", ""]]), lambda a: ["".join("gvw"[[0.79, 0.87, 1.0].index(round(p.get_facecolor()[0], 2))] for p in a[0].patches)], ["gvvw"]),
    "histograms": (lambda: plots.histograms(SAMPLES, "x"), lambda a: [round(b.patches[0].get_data().values @ b.patches[0].get_data().edges[1:], 1) for b in a], [0, 2.9]),
    "histograms: means, marks": (lambda: plots.histograms(SAMPLES, "x", marks={"m": 1.5, "k": -1}), lambda a: [line.get_xdata()[0] for b in a for line in b.lines], [n for of in SAMPLES.values() for n in (of.mean(), -1, 1.5)]),
    "histograms: ends": (lambda: plots.histograms({"a": [0.5, 1.0]}, "x", ends=(-1, 1)), lambda a: [*a[0].get_xlim(), a[0].patches[0].get_data().values[-1]], [-1, 1, 0.5]),
    "points: labels": (lambda: plots.points({"p": CLOUD[:2], "q": CLOUD[:2]}, {"q": ["a", "b"]}), lambda a: [*texts(a[0]), *texts(a[1])], ["a", "b"]),
    "arrows: joined": (lambda: plots.arrows({"a": [3, 4], "b": [-1, 2], "c": [0, 1]}, joined=True), lambda a: [line.get_xydata() for line in a[0].lines[2:]], [[[3, 4], [-1, 2]], [[-1, 2], [0, 1]]]),
    "grid: parts": (lambda: plots.grid({"x": ["a", "b"]}, [["for words", "places"]]), lambda a: [to_rgb(p.get_edgecolor()) for p in a[0].patches], [to_rgb(picture.COLOURS[part]) for part in ("word", "position")]),
    "strips: dots": (lambda: plots.strips({"a": [1, -2, 0], "b": [0, 0, 0]}), lambda a: a[0].lines[0].get_xydata(), [[2, 0], [0, 1], [1, 1], [2, 1]]),
    "lines: what only the last bits tell apart is level": (lambda: plots.lines([1e6, 1e6 + 0.1], "n", "y"), lambda a: a[0].get_ylim()[:1], [9e5]),
    "grid: as many columns as find room": (lambda: plots.grid({"x": ["a"] * 60}), lambda a: [len(a[0].patches), len(texts(a[0]))], [25, 26]),
    "pipeline": (lambda: plots.pipeline("sum"), lambda a: [to_rgb(box.get_facecolor()) != (1, 1, 1) for box in a[0].patches[-7:]], [False] * 4 + [True] + [False] * 2),
    "whole": (lambda: plots.whole(3, 768), lambda a: [t for t in texts(a[0]) if t], ["text", "tokenizer", "embedding\nlayer", "this course", "1", "2", "3", "3 layers with attention", "768 numbers\nfor each token", "search,\nsort,\nanswer"]),
}  # fmt: skip


def same(found, expected):
    if len(found) and isinstance(found[0], (list, str, tuple, np.ndarray)):
        pairs = zip(found, expected, strict=True)
        return all(a == b if isinstance(a, str) else same(a, b) for a, b in pairs)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected)


@pytest.mark.parametrize("kind", DRAWN)
def test_what_is_drawn_is_the_data(kind):
    draw, read, expected = DRAWN[kind]
    assert same(read(draw().figure.axes), expected), read(draw().figure.axes)


TIES = [3, 0.69318, 0.69312, 0.69310, 0.9]
FAR = {"far": [[5000, 0], [5001, 2], [5000.5, -3], [5002, 1]], "two": [[0, 9], [5, 0], [5, 1e-9], [0, 9]]}
CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]]
RINGS = {
    "square": CORNERS,
    "bow": [CORNERS[n] for n in (0, 1, 3, 2)],
    "dart": [[0, 0], [4, 0], [1, 1], [0, 4]],
}
CIRCLE = np.stack([np.cos(range(9)), np.sin(range(9))], 1)
UVW = [["_u", "", "v"] * 20, ["v"]]
SAID = {  # what is drawn, the caption, and parts of the alt text
    "lines": (lambda: plots.lines({"a": TIES, "b": [0, 1.0003, 1.0004, -1, 0]}, "n", "y", marks={"c": 1}, levels={"d": 2}),
        "Y by n: a: lowest 0.693 at 3, highest 3 at 0; b: lowest −1 at 3, highest 1 at 2.",
        "y by n, from 0 to 4. a: ", "Dashed: d, at 2. Marked at 1: c."),
    "lines: log": (lambda: plots.lines({"a": TIES, "b": TIES[::-1]}, "n", "y", log="y"),
        "Y by n: a: lowest 0.693 at 3, highest 3 at 0; b: lowest 0.693 at 1, highest 3 at 4.", "to 4, y logarithmic."),
    "lines: one way": (lambda: plots.lines({"a": [3, 2, 2], "b": [-1, 0, 5], "c": [1, 1, 1]}, "n", "y"),
        "Y by n: a: falls from 3 to 2; b: rises from −1 to 5; c: 1 throughout."),
    "lines: by steps that are next to nothing": (lambda: plots.lines(np.linspace(1, 1.05, 99999), "n", "y"),
        "Y by n: rises from 1 to 1.05."),
    "lines: what only the last bits tell apart": (lambda: plots.lines([1e6, 1e6 + 0.1], "n", "y"), "Y by n: 1,000,000 throughout."),
    "lines: told alike": (lambda: plots.lines([0.69312, 0.69318, 0.69314], "n", "y"), "Y by n: 0.693 nearly throughout."),
    "lines: beside a large one": (lambda: plots.lines([1e99, -1e-12, -0.999, 1e98], "n", "y"),
        "Y by n: lowest −0.999 at 2, highest 1e99 at 0."),
    "strips: like one, unlike one another": (lambda: plots.strips({"a": [1, 0.19], "x": [1, 0], "b": [1, -0.19]}),
        "Largest of all: a, 1 at dimension 0. A dot: exactly 0, 1 of 6 numbers."),
    "lines: from an iterator": (lambda: plots.lines(iter([1, 2]), "n", "y"), "Y by n: rises from 1 to 2."),
    "lines: small on both sides of 0": (lambda: plots.lines({"a": [0.001] * 3, "b": [-0.0004, 0.0002, 0.0004]}, "n", "y"),
        "Y by n: a: 0.001 throughout; b: rises from about 0 to about 0."),
    "lines: flat where it is drawn": (lambda: plots.lines({"a": [1, 1], "b": [0.0014, 0.0006]}, "n", "y"),
        "Y by n: a: 1 throughout; b: 0.001 nearly throughout."),
    "lines: the last point is marked": (
        lambda: plots.lines({"a": [1, 2, 3], "b": [1, 2, 2.9]}, "n", "y", x=torch.tensor([1e4, 1e4 + 0.1, 1e4 + 0.3]), marks={"the last": 1e4 + 0.3}),
        "Y by n: a: rises from 1 to 3; b: rises from 1 to 2.9.", "Marked at 10,000.3: the last."),
    "lines: below what is told": (lambda: plots.lines({"a": [9e-6, 1e-9, 9e-6], "b": [1] * 3}, "n", "y", log="y"),
        "Y by n: a: below 0.00001 throughout; b: 1 throughout."),
    "lines: a mark where x was rounded": (lambda: plots.lines([1, 2, 3], "n", "y", x=[-1, 4e-8, 1], marks={"m": 0}),
        "Y by n: rises from 1 to 3.", "Marked at 0: m."),
    "lines: a slow tent": (lambda: plots.lines([1000 + min(i, 400 - i) / 20 for i in range(401)], "n", "y"),
        "Y by n: lowest 1,000 at 0, highest 1,010 at 200."),
    "lines: by small steps": (lambda: plots.lines(1 + torch.arange(20000) * 5e-7, "n", "y"), "Y by n: rises from 1 to 1.01."),
    "lines: level and large": (lambda: plots.lines([1e50] * 3, "n", "y"), "Y by n: 1e50 throughout."),
    "lines: 0 where there is none": (lambda: plots.lines([1, 10], "n", "y", log="y", levels={"d": 0}),
        "Y by n: rises from 1 to 10.", "Dashed: d, at below 0.00001."),
    "histograms": (lambda: plots.histograms({"a": [1, 2, 3e6]}, "x", marks={"mean": 2, "median": 2, "_": -5}),
        "Mean 1,000,001 for a.", "Marked: _, at −5. Marked: mean, at 2. Marked: median, at 2."),
    "histograms: equal and large": (lambda: plots.histograms({"a": [1e50] * 3}, "x"), "Mean 1e50 for a."),
    "bars": (lambda: plots.bars({"a": {1: 0.5, 2: -7.0}, "b": {1: 0.50004, 2: 0.2}}, "x"),
        "Largest: a (1) and b (1), 0.5; smallest: a (2), −7.", "x: a (1) 0.5, a (2) −7, b (1) 0.5 and b (2) 0.2."),
    "bars: marked": (lambda: plots.bars({"a": 3, "b": 2, "c": 1}, "x", marked="b"),
        "B: 2, number 2 of 3. Largest: a, 3; smallest: c, 1."),
    "bars: marked among equals": (lambda: plots.bars({"a": 3, "b": 2, "c": 2, "d": 1}, "x", marked="c"),
        "C: 2, number 2 of 4. Largest: a, 3; smallest: d, 1."),
    "bars: named by numbers": (lambda: plots.bars({1: 5, 2: 7, 3: 9}, "x", marked=2),
        "2: 7, number 2 of 3. Largest: 3, 9; smallest: 1, 5."),
    "bars: all equal": (lambda: plots.bars({"a": 3, "b": 3}, "x"), "All are 3."),
    "bars: told alike, not next to one another": (lambda: plots.bars({"a": 0.0004, "b": 0, "c": -0.0004, "d": 5}, "x"),
        "Largest: d, 5; smallest: c, about 0."),
    "bars: a unit with a space": (lambda: plots.bars({"a": 50, "b": 30}, "x", unit=" %"), "Largest: a, 50 %; smallest: b, 30 %."),
    "bars: equal but for rounding, logarithmic": (
        lambda: plots.bars({"a": 3, "b": 0.1 + 0.2, "c": 0.3, "d": 0.1}, "x", log=True, marked="c", unit=None),
        "C: 0.3, number 2 of 4. Largest: a, 3; smallest: d, 0.1."),
    "bars: told alike, logarithmic": (lambda: plots.bars({"a": 1e-9, "b": 9e-6, "d": 1}, "x", log=True),
        "Largest: d, 1; smallest: a, below 0.00001."),
    "bars: names with spaces": (lambda: plots.bars({"cafe\u0301 ": 2, "c": 1, "d": 3}, "x", marked="cafe\u0301 "),
        "Café: 2, number 2 of 3. Largest: d, 3; smallest: c, 1."),
    "bars: told alike": (lambda: plots.bars({"a": 0.5001, "b": 0.5002}, "x"), "All are 0.5."),
    "bars: marked between what is told alike": (lambda: plots.bars({"a": 3.0002, "b": 3.0001, "c": 2, "d": 1}, "x", marked="c"),
        "C: 2, number 3 of 4. Largest: a and b, 3; smallest: d, 1."),
    "bars: beside a large one": (lambda: plots.bars({"a": 1e99, "b": -1e-12, "c": -0.999}, "x"),
        "Largest: a, 1e99; smallest: c, −0.999."),
    "bars: series in another order": (lambda: plots.bars({"a": {1: 2, 2: 3}, "b": {2: 5, 1: 4}}, "x"),
        "Largest: b (2), 5; smallest: a (1), 2."),
    "bars: groups": (lambda: plots.bars({"a": 2, "b": 1, "c": 3}, "x", groups=["u", "_", "u"]),
        "Largest: c, 3; smallest: b, 1.", "Groups: u (2) and _ (1)."),
    "bars: names": (lambda: plots.bars({"": 1, "a\nb": 2, "x" * 999: 3}, ""),
        f"Largest: {'x' * 53}…{'x' * 26}, 3; smallest: (empty), 1.", f"(empty): (empty) 1, a↵b 2 and {'x' * 53}…{'x' * 26} 3."),
    "bars: percents of many digits": (lambda: plots.bars({"a": 1e99, "b": -0.999}, "x", unit="%"),
        "Largest: a, 1e101%; smallest: b, −99.9%."),
    "word_pieces": (lambda: plots.word_pieces("a b", list("abcd"), [1, 2, 3, 4], [None, 0, 0, 0]),
        "1 of 1 word became several touching pieces. Grey: special tokens.",
        "becomes 4 tokens, 1 of them special. Token and id: “a” 1, “b” 2, “c” 3, “d” 4."),
    "word_pieces: on two lines": (lambda: plots.word_pieces("a", ["em", "##bed", "##ding"] * 9, [1] * 27, [i // 3 for i in range(27)]),
        "9 of 9 words became several touching pieces. A word may go on in the next line."),
    "word_pieces: torn where nothing is drawn": (
        lambda: plots.word_pieces("x", [f"tok{i:02d}" for i in range(33)] + ["##aaaa"] * 3, range(36), [*range(33)] + [32] * 3),
        "1 of 33 words became several touching pieces. 3 of the 36 tokens are left out of the picture."),
    "word_pieces: a batch": (lambda: plots.word_pieces("a b", [["a", "b"], ["c", "d"]], [[1, 2], [3, 4]], [0, 1, 0, 1]),
        "Every word is one piece."),
    "points": (lambda: plots.points(FAR), "Two: the 4 points lie on 2 spots.", "far: 4 points."),
    "points: nothing to say": (lambda: plots.points({"far": FAR["far"]}), "Far."),
    "points: groups": (lambda: plots.points({"a": CIRCLE[:4]}, groups=[1, 1, 2, 2]), "A: all points are equally far from 0.",
        "Groups: 1 (2) and 2 (2)."),
    "points: a circle": (lambda: plots.points({"circle": CIRCLE, "moved": CIRCLE + 1}), "Circle: all points are equally far from 0."),
    "points: a line": (lambda: plots.points({"p": [[0, 1], [1, 2], [5, 6]], "q": [[0, 1], [1, 2], [5, 5]]}),
        "P: all points lie on one line."),
    "points: many on a line": (lambda: plots.points({"p": [[i, 0] for i in range(2100)]}), "P: all points lie on one line."),
    "points: rings that touch": (lambda: plots.points({"x": [[0, 0], [1, 1], [1, -1], [0, 0], [-1, 1], [-1, -1]]}, joined="ring"),
        "X: the joined line meets itself at a corner."),
    "points: rings that only seem to cross": (
        lambda: plots.points({"closed": [*CORNERS, [0, 0]], "on it": [[0.5, 0], [0.8, 0.6], [0.6, 0.2], [0.4, 0.3]]}, joined="ring"),
        "Closed: the joined line never crosses itself. On it: the joined line meets itself at a corner."),
    "points: a closed circle": (lambda: plots.points({"t": [[math.cos(n / 2 * math.pi), math.sin(n / 2 * math.pi)] for n in range(5)]}, joined="ring"),
        "T: the joined line never crosses itself; all points are equally far from 0."),
    "points: groups with spaces": (lambda: plots.points({"t": [[0, 0], [1, 1], [2, 0]]}, groups=["a ", "b", "b"]),
        "T: 1 of 3 points have one of their own group nearest.", "Groups: a (1) and b (2)."),
    "points: a ring": (lambda: plots.points(RINGS, joined="ring"),
        ("Square: the joined line never crosses itself. Bow: the joined line crosses itself once. "
         "Dart: the joined line never crosses itself.")),
    "arrows": (lambda: plots.arrows({"a": [5, 0, 0], "b": [-3, 0.1, 0], "c": [1, 1, 9]}, angle=True, shadow="c"),
        ("“a” and “b” are 178° apart, cosine −0.999; the shadow of “c” on “a” is 1; the shadow of “c” on “b” is −0.966; "
         "of “c” the part in this plane is drawn, 16% of its length."),
        "3 arrows from 0, in the plane of “a” and “b”. “a”: length 5. “b”: length 3. “c”: length 9.11."),
    "arrows: joined": (lambda: plots.arrows({"a": [3, 4], "b": [0, 0]}, joined=True),
        "“a” is [3, 4]; “b” is [0, 0].", "“a”: [3, 4], length 5. “b”: [0, 0], length 0."),
    "arrows: one is 0": (lambda: plots.arrows({"a": [3, 0, 4], "b": [0, 0, 0]}), "“a” is 5 long; “b” is 0 long."),
    "arrows: the first that span a plane": (lambda: plots.arrows({"a": [1, 0, 0], "b": [2, 0, 0], "c": [0, 1, 0]}),
        "“a” is 1 long; “b” is 2 long; “c” is 1 long.", "in the plane of “a” and “c”."),
    "arrows: on a line": (lambda: plots.arrows({"a": [1.0], "b": [-2.0]}, angle=True),
        "“a” and “b” are 180° apart, cosine −1.", "on a line. “a”: length 1."),
    "arrows: a cosine": (lambda: plots.arrows({"a": [1, 0, 0], "b": [0.6, 0.8, 0]}, angle=True, shadow="b"),
        "“a” and “b” are 53° apart, cosine 0.6; the shadow of “b” on “a” is 0.6."),
    "strips": (lambda: plots.strips({"a": [1e-6, -2e-6, 0], "b": [0, 0, 0]}, marks={"c": 1}),
        "Largest of all: a, −2e−06 at dimension 1. A dot: exactly 0, 4 of 6 numbers.",
        "; 1 of 3 are exactly 0. Largest of b,", "; 3 of 3 are exactly 0. Marked: dimension 1, c."),
    "strips: alike": (lambda: plots.strips({"p": [1, 2, 3], "q": [2, 4.01, 6], "r": [-1, -2, -3], "s": [1, 2, 1.2]}),
        "“p” and “q” are alike; “r” is the reverse of “p”. Largest of all: q, 6 at dimension 2."),
    "strips: none alike": (lambda: plots.strips({"p": [1, 0, 0], "q": [0, 1, 0]}),
        "Largest of all: p, 1 at dimension 0. A dot: exactly 0, 4 of 6 numbers."),
    "strips: a scale with an outlier": (DRAWN["strips: a scale with an outlier"][0],
        "Largest of all: a, −9 at dimension 399.", "Numbers beyond ±0.1 take the colour of the scale's end."),
    "strips: many": (lambda: plots.strips({"a": np.arange(2000)}),
        "Largest of all: a, 1,999 at dimension 1999.", "There are more numbers than pixels, so not every one is drawn."),
    "grid": (lambda: plots.grid({"x": ["a" * 9] * 60, "_y": ["d"]}, UVW),
        "“_u”: column 1 and 4 in “x”; “v”: column 3 and 6 in “x”, 1 in “_y”. Of 60 columns the first 6 are drawn."),
    "grid: each row": (lambda: plots.grid({n: "ab" for n in "pqrst"}, ["uv"] * 5),
        "“u”: column 1 in each row; “v”: column 2 in each row."),
    "grid: runs": (lambda: plots.grid({n: "ab" for n in "pqrst"}, ["uu", "uu", ["", ""], "u_", "u_"]),
        "“u”: column 1 to 2 in “p” to “q”, 1 in “s” to “t”; “_”: column 2 in “s” to “t”."),
    "grid: odd names of groups": (lambda: plots.grid({"x": ["a", "b", "c"]}, [["u\nv", " ", None]]),
        "“u↵v”: column 1 in “x”; “␣”: column 2 in “x”."),
    "grid: numbers": (lambda: plots.grid({"x": torch.tensor([101, 102]), "y": [0.1 + 0.2, None]}),
        "2 rows of up to 2 texts.", "x: “101 102”. y: “0.3”."),
    "heat_maps": (lambda: plots.heat_maps({"_a": [[1e-6, 2e-6], [0, -3e-6]], "b": [[0, 0], [7e4, 1]]}, "x", "y"),
        "_a: from −3e−06 to 2e−06. B: from 0 to 70,000."),
    "heat_maps: names": (lambda: plots.heat_maps({"a": [[1, 2], [0, -3], [1, 1]], "b": [[4, 4], [1, 0], [9, 9]]}, "x", "y", rows=list("pqr")),
        "A: y “q” is strongest, “r” palest. B: y “r” is strongest, “q” palest."),
    "heat_maps: beyond the scale": (lambda: plots.heat_maps({"a": [[5, 5.0], [10, 10]]}, "x", "y", rows=list("pq"), limit=1),
        "A: each y is as strong as the others."),
    "heat_maps: names twice": (lambda: plots.heat_maps({"a": [[1, 2], [0, 1], [0, 0.5]]}, "x", "y", rows=["the", "cat", "the"]),
        "A: y “the” (row 0) is strongest, “the” (row 2) palest."),
    "heat_maps: names alike but for a space": (lambda: plots.heat_maps({"m": [[1, 2], [0, 0]]}, "x", "y", rows=["a", "a "]),
        "M: y “a” (row 0) is strongest, “a” (row 1) palest."),
    "heat_maps: none is next": (lambda: plots.heat_maps({"a": torch.eye(5), "b": torch.ones(5, 5)}, "x", "y"),
        "Rows that are most like a row next to them: a: 0 of 5, b: 0 of 5."),
    "heat_maps: a matrix of no cosines": (lambda: plots.heat_maps({"a": torch.eye(5) * 3}, "x", "y"), "A: from 0 to 3."),
    "heat_maps: counts": (lambda: plots.heat_maps({"a": [[1, 3, 0], [3, 1, 2], [0, 2, 1]]}, "x", "y"), "A: from 0 to 3."),
    "heat_maps: all equal": (lambda: plots.heat_maps({"a": torch.zeros(3, 2)}, "x", "y", rows=list("pqr")),
        "A: each y is as strong as the others."),
    "sum_equation": (lambda: plots.sum_equation([[3, 4], [1, 0]], [[0, 0]] * 2, [[0, 0], [0, 2]], [[3, 4], [1, 2]], ["a", "b"]),
        "One colour scale, the first 2 of 2 numbers per token: added number by number. The sum is most like the word part.",
        "The longest sum is that of “a” at place 0: 5. Mean length: word 3, segment 0 and position 1.",
        "The word part is the longest for “a”. The position part is the longest for “b”."),
    "sum_equation: all equal": (lambda: plots.sum_equation(*[torch.ones(2, 2)] * 3, torch.ones(2, 2) * 3, ["a", "b"]),
        "One colour scale, the first 2 of 2 numbers per token: added number by number.",
        "The longest sum is that of “a” and “b”: 4.24. Mean length: word 1.41, segment 1.41 and position 1.41. One"),
    "lookup": (DRAWN["lookup"][0], "Each of 7 tokens takes one of the 50 rows of the word table, unchanged.",
        "“[CLS]” row 9, “today” row 3, “is” row 3, ", "Different rows used: 6."),
    "one_hot": (DRAWN["one_hot"][0], "Each single 1 picks one row of the table; the zeros pick nothing.",
        "stands in column 2 and 0, and"),
    "vocabulary_map": (DRAWN["vocabulary_map"][0],
        "25% of the vocabulary are words or beginnings of words, 25% are ## pieces.",
        "2 special, from id 0 to 2,000; 999 unused, from id 1 to 999; 2 single characters, from id 1,000 to 1,001; ",
        "500 words or beginnings, from id 1,002 to 1,501; 498 ## pieces, from id 1,502 to 1,999."),
    "shares": (DRAWN["shares"][0], "Word is the largest share of “b”; position is the largest share of “a”.",
        "The word share is at most 70% (“b”). The position share is at most 67% (“a”)."),
    "shares: two are equal": (lambda: plots.shares([[0.5, 0.5, 0], [0.2, 0.2, 0.6]], ["a", "b"]),
        "Position is the largest share of “b”.", "The position share is at most 60% (“b”). Position"),
    "before_after": (lambda: plots.before_after(["x", "y"], ([0.1, -2], [0.5, 3]), ([0.0, 0], [1.0, 1])),
        "The spread was 0.5 to 3; after LayerNorm it is 1 for every token.",
        "mean before: −2 to 0.1; spread before: 0.5 to 3; mean after: 0 for every token;", "Most spread before: “y”."),
    "neighbours": (DRAWN["neighbours"][0], "Nearest by cosine: “king” has “kings” and “day” has “days”.",
        "“king”: “kings” 0.70 and “queen” 0.60. “day”: “days” 0.40."),
    "vocabulary_map: nearly all": (lambda: plots.vocabulary_map(["ww"] * 999 + ["##x"]),
        "99.9% of the vocabulary are words or beginnings of words, 0.1% are ## pieces."),
    "neighbours: below 0": (lambda: plots.neighbours({"a": [("b", -0.001), ("c", -0.5)]}), "Nearest by cosine: “a” has “b”.",
        "“a”: “b” 0.00 and “c” −0.50."),
    "pipeline": (DRAWN["pipeline"][0], "You are here: sum, step 5 of 7 of the embedding layer.", "Lit here: sum, step 5 of 7."),
    "whole": (DRAWN["whole"][0], "This course is about BERT's first layer; 3 layers with attention follow.",
        "makes of each token 768 numbers; 3 layers with attention mix the tokens; what comes out, again 768 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_the_words_say_what_is_drawn(kind):
    draw, caption, *parts = SAID[kind]
    drawn = draw()
    assert drawn.caption == caption
    assert [part for part in parts if part not in drawn.alt] == [], drawn.alt


SIZES = {  # the same picture of numbers of any size
    "bars": lambda n: plots.bars({"a": n, "b": -3 * n}, "x"),
    "bars: log": lambda n: plots.bars({"a": n, "b": 3 * n}, "x", log=True),
    "lines": lambda n: plots.lines({"a": [n, 2 * n, n], "b": [2 * n, 3 * n, 4 * n]}, "x", "y"),
    "histograms": lambda n: plots.histograms({"a": [n, 2 * n]}, "x", marks={"m": n}),
    "strips": lambda n: plots.strips({"a": [n, -2 * n]}),
    "heat_maps": lambda n: plots.heat_maps({"a": [[n, 2 * n]]}, "x", "y"),
    "arrows": lambda n: plots.arrows({"a": [n, 2 * n], "b": [2 * n, n]}, shadow="b"),
    "sum_equation": lambda n: plots.sum_equation(*[[[n, n]]] * 3, [[3 * n, 3 * n]], ["a"]),
    "before_after": lambda n: plots.before_after(["a"], ([n], [2 * n]), ([2 * n], [n])),
}


@pytest.mark.parametrize("kind", SIZES)
def test_no_number_is_told_as_0_because_all_are_small(kind):
    def zeros(drawn):
        words = [drawn.alt, drawn.caption, *(text.get_text() for text in words_in(drawn))]
        return re.findall(
            r"about 0\b(?!\.)|below|\[0|0\]|(?:from|to|at|mean|spread|of|length|is|[ab],?) 0\b(?!\.)",
            " | ".join(words),
        )

    usual, small = SIZES[kind](2.0), SIZES[kind](2e-9)
    assert zeros(small) == zeros(usual)
    assert "e−09" in small.alt


OPEN = {  # pictures in which one text once covered another, or was cut off
    "bars": lambda: plots.bars({f"a long name of a bar with many words {n}": -1e5 * n for n in (1, 2)}, "x", unit=" and a unit"),
    "bars: a long unit": lambda: plots.bars({f"a quite long name of a model {n}": n * 1e6 for n in range(12)}, "x", unit=" million parameters"),
    "neighbours": lambda: plots.neighbours({n: [("b", 0.9), ("c", -0.9)] for n in "vwxyz"}),
    "neighbours: long": lambda: plots.neighbours({f"quite a long token {n}": [(f"a neighbour, also long {n}", 0.9)] for n in range(5)}),
    "strips": lambda: plots.strips({"a": numbers(9) * 1e9}),
    "histograms": lambda: plots.histograms({"a": numbers(9) * 1e9}, "x"),
    "histograms: small": lambda: plots.histograms({"a": numbers(9) * 1e-5}, "x", ends=(-1e-4, 1e-4)),
    "histograms: marks at the edges": lambda: plots.histograms({"a": [0.0, 1.0]}, "x", marks={"where it began": 0.0, "and where it ended": 1.0}),
    "lines: ends that meet": lambda: plots.lines({n: [i, 9 + i / 99] for i, n in enumerate("abc")}, "x", "y", levels={"d": 9}),
    "arrows": lambda: plots.arrows({"a": [100000, 2], "b": [3, -99999]}),
    "arrows: small": lambda: plots.arrows({"a": [1e-7, 2e-7], "b": [2e-7, 1e-7]}),
    "points": lambda: plots.points({"a": numbers(9, 2) / 50}, axes=("first", "second")),
    "one_hot": lambda: plots.one_hot(torch.eye(9), numbers(9, 4) * 100, numbers(9, 4) * 100),
    "whole": lambda: plots.whole(1, 8),
    "whole: large": lambda: plots.whole(999, 99999),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPEN)
def test_no_text_covers_another_or_is_cut_off(kind):
    drawn, written, draw = OPEN[kind](), [], Text.draw
    with patch.object(Text, "draw", lambda text, renderer: (written.append(text), draw(text, renderer))):
        lay_out(drawn)
    boxes = [
        (t.get_text(), Text.get_window_extent(t)) for t in dict.fromkeys(written) if t.get_text().strip()
    ]
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 3, (one, other)
    page = drawn.figure.bbox.padded(1)
    cut = [one for one, box in boxes if not (page.contains(*box.p0) and page.contains(*box.p1))]
    assert not cut


# ---------------------------------------------------------------- colours


def test_a_part_has_its_own_colour_only_where_the_names_leave_no_doubt():
    clear, unclear = "words, position rows", ("words, other", "words, a word", "words of sums, a sum")
    for names in (clear, *unclear):
        found = [colour for colour, *_ in picture.looks(names.split(", ")).values()]
        own = [picture.COLOURS[part] for part in ("word", "position")]
        assert found == (own if names == clear else [colour for colour, *_ in picture.SERIES[:2]])


# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB; the numbers by rows.
VISION = {
    "usual": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "protanopia": [0.152, 1.053, -0.205, 0.115, 0.786, 0.099, -0.004, -0.048, 1.052],
    "deuteranopia": [0.367, 0.861, -0.228, 0.280, 0.673, 0.047, -0.012, 0.043, 0.969],
    "tritanopia": [1.256, -0.077, -0.179, -0.078, 0.931, 0.148, 0.005, 0.691, 0.304],
    "greyscale": [0.2126, 0.7152, 0.0722] * 3,
}
XYZ = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]


def lab(colour, vision="usual"):
    rgb = np.array(to_rgb(colour))
    rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    rgb = np.clip(np.reshape(VISION[vision], (3, 3)) @ rgb, 0, 1)
    xyz = np.array(XYZ) @ rgb / (0.9505, 1, 1.0888)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_can_be_told_apart(vision):
    for colours in [*picture.COLOURS.values(), picture.NEUTRAL], [colour for colour, *_ in picture.SERIES]:
        pairs = itertools.combinations([lab(colour, vision) for colour in colours], 2)
        assert min(np.linalg.norm(a - b) for a, b in pairs) > (10 if vision == "greyscale" else 15)


@pytest.mark.parametrize("vision", VISION)
def test_the_signed_map_is_ordered_centred_and_no_parts_colour(vision):
    steps = [lab(picture.DIVERGING(v)[:3], vision) for v in np.linspace(0, 1, 41)]
    light = np.array(steps)[:, 0]
    assert light[20] > 99
    assert (np.diff(light[:21]) > 0).all()
    assert (np.diff(light[20:]) < 0).all()
    assert abs(light[0] - light[-1]) > 20  # the sign of a large number survives greyscale
    if vision != "greyscale":
        assert np.linalg.norm(steps[6] - steps[34]) > 30
    parts = [lab(picture.COLOURS[part]) for part in picture.PARTS] if vision == "usual" else []
    assert all(np.linalg.norm(part - end) > 35 for part in parts for end in (steps[4], steps[36]))


# ---------------------------------------------------------------- files and pages


@pytest.fixture
def small():
    figure = picture.new_figure(100)
    picture.styled(picture.add_axes_px)(figure, 20, 10, 100, 50).set_title("$5")
    return picture.Picture(figure, 'Say "<b>" & \x07 ü', "See <i> 今天")


def test_the_page_has_one_figure_and_no_markup_from_the_words(small):
    page = small._repr_html_()
    assert repr(small) == 'Say "<b>" & □ ü'
    assert 'alt="Say &quot;&lt;b&gt;&quot; &amp; □ ü" width="900"' in page
    assert re.findall("<(.*?)[ >]", page) == ["figure", "img", "figcaption", "/figcaption", "/figure"]


def test_saved_files_carry_the_words_and_are_the_same_each_time(small, tmp_path):
    for ending in ("png", "svg", "pdf"):
        one, two = (tmp_path / f"{name}.{ending}" for name in ("one", "two"))
        small.save(one)
        small.save(two)
        assert one.read_bytes() == two.read_bytes()
    image = Image.open(tmp_path / "one.png")
    assert image.text["Description"] == small.alt
    assert image.size == (1800, 200)
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    words = f"<title>{html.escape(small.caption)}</title><desc>{html.escape(small.alt)}</desc>"
    assert words in (tmp_path / "one.svg").read_text("utf-8")
    pdf = re.sub(rb"\\([()\\])", rb"\1", (tmp_path / "one.pdf").read_bytes())
    assert b"/Subject (\xfe\xff" + small.alt.encode("utf-16-be") in pdf
    assert b"CreationDate" not in pdf
    with pytest.raises(ValueError, match=r"saved as \.png, \.svg or \.pdf, not as 'picture\.gif'"):
        small.save(tmp_path / "picture.gif")


def test_what_the_font_lacks_is_drawn_with_another_or_said_to_be_missing(monkeypatch):
    before = plots.bars(BARS, "x").png
    monkeypatch.setattr(picture, "FONTS", ["DejaVu Sans"])
    drawn = plots.bars(
        {"a\u210a": 1.0, "b": 2.0}, "x", groups=iter("uv")
    )  # ships with matplotlib, in STIXGeneral
    assert rows_of(drawn.figure.axes[0]) == ["a\u210a", "b"]
    assert len(picture.FONTS) == 2
    assert drawn.caption.endswith("smallest: a\u210a, 1.")
    lay_out(drawn)
    assert plots.bars(BARS, "x").png == before
    drawn = plots.bars({"a\U000fffff": 1.0, "b": 2.0}, "x")  # for private use
    assert rows_of(drawn.figure.axes[0]) == ["a□", "b"]
    assert drawn.caption.endswith(f" {picture.LOST}")
    assert drawn.alt.endswith(f" {picture.LOST}")
    assert picture.LOST not in plots.bars(BARS, "x").alt


def test_odd_characters_are_replaced_and_long_text_is_shortened():
    assert picture.drawable("") == "(empty)"
    assert picture.readable("a\nb\x00🙂\u202e") == "a↵b□🙂□"
    long = picture.shorten("x" * 400, 120)
    assert 100 < picture.text_width(long) <= 120
    assert picture.shorten("one long name of today", 120) != picture.shorten("one long name of tomorrow", 120)


def test_numbers_in_words_are_short():
    values = (23440896, 2.3649, 0.98512, -0.34, 0.0004, 1e-6)
    told = ["23,440,896", "2.36", "0.985", "−0.34", "about 0", "0"]
    assert [picture.format_number(value) for value in values] == told
    told = ["98%", "2%", "0.01%", "99.7%", "99.9%", "100%", "−1e−10%", "100.5%", "101%", "100%", "100.5%"]
    shares = (0.983, 0.017, 0.0001, 0.997, 0.9996, 1, -1e-12, 1.0041, 1.006, np.float32(1.0000001), 1.005)
    assert [picture.percent(share) for share in shares] == told


# ---------------------------------------------------------------- refusals

T2, EYE = torch.ones(2, 2), torch.eye(2)
OUTLIER, DOT = torch.tensor([[1000.0, 1], [1, 1]]), torch.tensor([[0, 0], [0, 1]])
WRONG = [
    (lambda: plots.shares(torch.ones(1, 2, 3) / 3, ["a", "b"]), r"values must have the shape \[2, 3\] = \[T, 3\], found \[1, 2, 3\]; one sentence of a batch is values\[0\]"),
    (lambda: plots.sum_equation(T2, T2, torch.ones(2, 3), T2, ["a", "b"]), r"position must have the shape \[2, 2\] = \[T, H\], found \[2, 3\]"),
    (lambda: plots.lines([], "x", "y"), r"curves must have the shape \[n\], found \[0\]"),
    (lambda: plots.lines([1.0, float("nan")], "x", "y"), r"curves holds NaN or infinity, first at \[1\]"),
    (lambda: plots.lines("abc", "x", "y"), "curves must be a tensor of numbers, found a text"),
    (lambda: plots.shares(T2, "ab"), "tokens must be a list of one or more strings, found 'ab'"),
    (lambda: plots.bars([1, 2], "x"), "values must be a dict of name to numbers, found a list of 2 numbers"),
    (lambda: plots.heat_maps({}, "x", "y"), "maps: 1 to 4 maps fit side by side, found 0"),
    (lambda: plots.sum_equation(OUTLIER, T2, T2, OUTLIER + 2 + DOT * 5, ["a", "b"]), r"at token 1 \(“b”\) off by 5"),
    (lambda: plots.lookup("word", EYE, [0, 1], EYE + DOT, ["a", "b"]), r"row 1 of rows \(“b”\) is not row 1 of the table"),
    (lambda: plots.lookup("words", EYE, [0], EYE[:1], ["a"]), "kind must be one of 'word', 'segment', 'position', found 'words'"),
    (lambda: plots.lookup("word", EYE, [2], EYE[:1], ["a"]), r"ids must be from 0 to 1, found \[2\]"),
    (lambda: plots.lines([1.0, -1], "x", "y", log="y"), "heights of 0 or more"),
    (lambda: plots.lines([1.0, 2], "x", "y", log="Y"), "log must be one of '', 'x', 'y', 'xy', found 'Y'"),
    (lambda: plots.lines([1.0, 2], "x", "y", x=[2.0, 1]), "x must rise from left to right"),
    (lambda: plots.lines([1.0, 2], "x", "y", marks={"no": 7}), "marks must name values of x, found 7"),
    (lambda: plots.lines([1, 5], "x", "y", x=[20000, 20001], marks={"no": 20000.5}), "marks must name values of x, found 20,000.5"),
    (lambda: plots.lines([1] * 30, "x", "y", marks={"alpha beta gamma": 10, "delta epsilon": 11}), "a text covers another one"),
    (lambda: plots.shares([[0.5, 0.5, 0.5]], ["a"]), r"1 in all, found \[0.5, 0.5, 0.5\]"),
    (lambda: plots.shares([[0.5, 0.3, 0.2], [1.2, -0.2, 0]], ["a", "b"]), r"shares from 0 to 1, .* found \[1.2, -0.2, 0.0\]"),
    (lambda: plots.pipeline("norm"), "step must be one of None, 'tokenize', .* found 'norm'"),
    (lambda: plots.one_hot(torch.eye(13), torch.eye(13), torch.eye(13)), "at most 12 each way"),
    (lambda: plots.one_hot(T2, T2, T2), "a single 1"),
    (lambda: plots.one_hot(EYE, T2, EYE), "rows is not matrix @ table"),
    (lambda: plots.one_hot([[1]], [[1000, 0.05]], [[1000, 0.01]]), "rows is not matrix @ table"),
    (lambda: plots.bars(itertools.cycle("ab"), "x"), "values must be a dict of name to numbers, found an object of type cycle"),
    (lambda: plots.heat_maps({"a": [iter(range(400_000))] * 2}, "x", "y"), "a must be a tensor of numbers, found"),
    (lambda: plots.lines([1, 2, 3], "x", "y", x=[1e-12, 1e-5, 0.1], log="x", marks={"m": 5e-9}), "marks must name values of x"),
    (lambda: plots.points({"a": [[0, 0]]}, labels={"a": ["x"], "a ": ["y"]}), "labels: two names read the same"),
    (lambda: plots.shares(T2, torch.ones(2, device="meta")), "tokens must be a list of one or more strings, found <tensor"),
    (lambda: plots.shares(T2, EYE.to_sparse()), "tokens must be a list of strings, found <tensor"),
    (lambda: plots.lines(itertools.count(), "x", "y"), "curves: up to 300,000 numbers can be drawn, found more"),
    (lambda: plots.lines({"a": iter([1, "x"])}, "x", "y"), r"a must be a tensor of numbers, found \[1, 'x'\]"),
    (lambda: plots.bars({"a": 1}, "x", unit=np.array([1, 2])), "unit must be a text, found"),
    (lambda: plots.shares(T2, itertools.count()), "tokens: up to 300,000 strings can be drawn, found more"),
    (lambda: plots.bars({"a": 1, " a": 2}, "x"), "two names read the same"),
    (lambda: plots.word_pieces("a", ["a", "b"], [1, 2], [0]), r"word_ids must be a list of 2 word numbers, found \[0\]"),
    (lambda: plots.neighbours({"a": [("b", 0.1), ("c", 0.9)]}), "must come nearest first"),
    (lambda: plots.neighbours({"a": ["bc", "d"]}), "the neighbours of “a” must be a list of pairs, found"),
    (lambda: plots.before_after(["a"], [1.0], ([1.0], [1.0])), "before must be a list of 2 lists, the means and the spreads, found"),
    (lambda: plots.bars({"a": {"x": 1}, "b": {"y": 1}}, "x"), r"the same series, as the first has: \['x'\]"),
    (lambda: plots.bars({"a": 0.0}, "x", log=True), "values above 0, found 0"),
    (lambda: plots.strips({"a": [1.0, 2]}, marks={"c": 2}), "marks must be from 0 to 1"),
    (lambda: plots.strips([]), r"rows must be a list of one or more pairs, found \[\]"),
    (lambda: plots.vocabulary_map({"a": 1}), "tokens must be a list of one or more strings"),
    (lambda: plots.vocabulary_map(["<s>", "Ġa", "b"] * 10), "many of tokens begin with Ġ, which marks where a word begins"),
    (lambda: plots.lookup("word", torch.nn.Embedding(2, 2), [0], EYE[:1], ["a"]), "table must be a tensor of numbers"),
    (lambda: plots.heat_maps({"a": T2}, "x", "y", limit=-1), "limit must be a number above 0, found -1"),
    (lambda: plots.points({"a": T2}, joined="line"), "joined must be one of '', 'ring', found 'line'"),
    (lambda: plots.arrows({"a": [1, 2], "b": [0, 0]}, angle=True), "two vectors, both longer than 0"),
    (lambda: plots.arrows({"a": [1, 2]}, shadow="b"), "shadow must be one of None, 'a', found 'b'"),
    (lambda: plots.arrows({"a": [1, 2], "b": [1]}), r"b must have the shape \[2\] = \[H\], found \[1\]"),
    (lambda: plots.sum_equation(*[torch.ones(1, 1)] * 3, torch.full((1, 1), 3.0001), ["a"]), r"at token 0 \(“a”\) off by 9.99e−05"),
    (lambda: plots.sum_equation([[100.0]], [[-99.0]], [[0.0]], [[0.9]], ["a"]), r"at token 0 \(“a”\) off by 0.1"),
    (lambda: plots.lookup("word", EYE, [1.9, 0], EYE, ["a", "b"]), r"ids holds what is not a whole number, first at \[0\]"),
    (lambda: plots.word_pieces("a", ["a"], [2**70], [0]), r"ids holds a whole number beyond 2\*\*53"),
    (lambda: plots.word_pieces("a", ["a"], [1], [-1]), "word_ids must be 0 or more, found -1"),
    (lambda: plots.word_pieces("a", ["a"], [1], [float("nan")]), "word_ids holds NaN or infinity"),
    (lambda: plots.strips({"a": [1.0, 2]}, marks={"c": 1, "d": 1.9}), "marks holds what is not a whole number"),
    (lambda: plots.lines({None: [1.0], "None": [2.0]}, "x", "y"), "curves: two names read the same, None and None"),
    (lambda: plots.lines([1.0], "x", "y", marks=[0]), "marks must be a dict of text to number, found a list of 1 number"),
    (lambda: plots.lines([1.0], "x", "y", levels={"a": None}), r"levels must be a tensor of numbers, found \[None\]"),
    (lambda: plots.bars({"a": {"x": 1}, "b": 1}, "x"), "b must be a dict of name to numbers, found a number"),
    (lambda: plots.bars({"a": 1}, "x", marked="b"), "marked must be one of None, 'a', found 'b'"),
    (lambda: plots.bars({"a": 1}, "x", groups=["b", "c"]), "groups must be a list of 1 names, found"),
    (lambda: plots.bars({"a": 1}, "x", marked="a", groups=["b"]), "groups are for single bars of which none is marked"),
    (lambda: plots.grid({"a": ["b"]}, [["c", "d"]]), "groups of a must be a list of 1 texts, found"),
    (lambda: plots.points({"a": T2}, axes=("x",)), "axes must be a list of 2 strings, found"),
    (lambda: plots.points({"a": T2}, ["x"]), "a has 2 points and 1 labels"),
    (lambda: plots.histograms({"a": [1.0, 3]}, "x", ends=(0, 2)), "two rising numbers around all values, 1 to 3, found 0 and 2"),
    (lambda: plots.histograms({"a": [1.0]}, "x", ends=[2]), r"ends must have the shape \[2\], found \[1\]"),
    (lambda: plots.whole(0, 768), "layers must be from 1 to 999, found 0"),
    (lambda: plots.whole(12, "768"), "hidden must be a number, found '768'"),
    (lambda: plots.one_hot(torch.eye(12), numbers(12, 12) * 1e9, numbers(12, 12) * 1e9), "those of so many digits find no room"),
    (lambda: plots.bars({"a": 5e-324}, "x", log=True), r"a holds a number nearer to 0 than 1e-150"),
    (lambda: plots.points({"a": torch.zeros(2001, 2)}, joined="ring"), "a: up to 2,000 points can have groups or a line, found 2,001"),
    (lambda: plots.points({"a": torch.zeros(501, 2)}, ["b"] * 501), "a: up to 500 points can have names, found 501"),
    (lambda: plots.before_after(["a"], ([1.0], [-1.0]), ([0.0], [1.0])), "a spread is 0 or more"),
    (lambda: plots.neighbours({"a": [("b", 1.5)]}), "a cosine lies between -1 and 1"),
    (lambda: plots.sum_equation(*[EYE * 1e-8] * 4, ["a", "b"]), r"at token 0 \(“a”\) off by 2e−08"),
    (lambda: plots.one_hot(EYE, EYE * 1e-3, EYE * 1e-3), "too small to be told from 0"),
    (lambda: plots.one_hot(EYE, EYE * 1e-5, EYE * 0), "rows is not matrix @ table"),
    (lambda: plots.lines(np.ma.array([1.0, 99], mask=[0, 1]), "x", "y"), r"curves holds NaN or infinity, first at \[1\]"),
    (lambda: plots.lines(torch.ones(2, device="meta"), "x", "y"), "found a tensor on the meta device, which holds no numbers"),
    (lambda: plots.lines(np.array(["1", "2"]), "x", "y"), "must be a tensor of numbers, found a list of 2 texts"),
    (lambda: plots.lines([1.0, 2], "x", "y", x=[1e10, 1e10 + 0.5]), "by steps that can be told apart"),
    (lambda: plots.lines([1.0, 2], "x", "y", marks={"a": 1, "b": 1.00001}), "marks: two texts find no room at 1"),
    (lambda: plots.lines([1.0], "x", "y", levels={n: n for n in range(9)}), "levels: up to 8 find room, found 9"),
    (lambda: plots.histograms({"a": [1.0]}, "x", marks={n: 1 for n in "abcde"}), "the texts of 5 marks find no room above one another"),
    (lambda: plots.shares(T2 / 2, {"a", "b"}), "tokens must be a list of one or more strings, found {"),
    (lambda: plots.strips(T2), r"rows must be a list of pairs, found a tensor of shape \[2, 2\]"),
    (lambda: plots.bars({"a": [1, 2]}, "x"), r"a must be a number, found \[1, 2\]"),
    (lambda: plots.bars({n: dict.fromkeys("abcd", 1) for n in "abcdefg"}, "x"), "up to 24 bars can be read at a glance, found 28"),
    (lambda: plots.bars({"a": 1}, "x", unit=5), "unit must be a text, found 5"),
    (lambda: plots.bars({"a": 1}, "x", log="no"), "log must be one of False, True, found 'no'"),
    (lambda: plots.arrows({"a": [1, 0]}, joined="no"), "joined must be one of False, True, found 'no'"),
    (lambda: plots.pipeline(np.array(["word", "sum"])), "step must be one of None, 'tokenize', .* found array"),
    (lambda: plots.points({"a": T2}, {"b": ["x", "y"]}), "a title of labels must be one of 'a', found 'b'"),
    (lambda: plots.points({"a": T2}, groups=5), "groups must be a list of one or more names, found 5"),
    (lambda: plots.grid({"a": None}), "a must be a list of one or more texts, found None"),
    (lambda: plots.grid({"a": ["b"]}, {"a": ["c"]}), "groups must be a list of 1 lists of names, found"),
    (lambda: plots.word_pieces(["a"], ["a"], [1], [0]), r"text must be a text, found \['a'\]"),
    (lambda: plots.lookup("word", torch.tensor([[1.0], [2], [torch.nan]]), [0], [[1.0]], ["a"]), r"of the rows drawn the table holds NaN or infinity, first at \[2, 0\]"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_a_wrong_argument_is_told_in_one_sentence(case):
    call, sentence = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=sentence) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None


ODD = [None, 5, -1, "\ud800", [], [None], ["_a", "\ud800"], {}, {None: None}, {"_\ud800": float("nan")}, {0: "_\ud800"}, 10**400, 5e-324, object(), 1j,
       {"_\ud800": {"_\ud800": 5e-324}}, {"a": "b"}, {"a": [5e-324, 1e-323]}, {"a": [1e99, -1e99]}, torch.ones(2, 2, 2), torch.ones(2, 2, device="meta")]  # fmt: skip


@pytest.mark.weekly  # thousands of arguments; each picture and each odd text is drawn in each push
@pytest.mark.parametrize("name", NAMES)
def test_any_argument_is_drawn_or_refused_in_one_sentence(name):
    plot, good, refused, laid_out = getattr(plots, name), one_of_each(["a", "b"])[name], 0, set()
    good |= {"values": {"a": 1.0, "b": 2.0}} if name == "bars" else {}  # of bars together none is marked
    for argument, odd in itertools.product(good, ODD):
        try:
            drawn = plot(**good | {argument: odd})
        except picture.PictureError as error:
            refused += 1
            assert re.fullmatch("[^\n]{9,400}", str(error)), (argument, odd)
            assert error.__suppress_context__ or error.__context__ is None
        else:
            if drawn.alt not in laid_out:  # the same words are said of the same picture
                lay_out(drawn)
            laid_out.add(drawn.alt)
    assert refused > 9
    lay_out(plot(**good))


BARS = {"one": {"a": 1.0, "b": 0.5}, "two": {"a": 0.25, "b": 0.75}}
MAP = np.linspace(-1, 1, 72).reshape(6, 12)
SEEN = {  # bars or a heat map, what else is drawn, and whether the comparison of pictures, as notebooks have them, sees it
    "nothing": (BARS, BARS, False),
    "a bar longer by 1 in 10,000": ({"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 0.50005}, False),
    "two labels exchanged": ({"dog": 1.0, "cat": 0.9}, {"cat": 1.0, "dog": 0.9}, True),
    "one letter": ({"dog": 1.0, "cat": 0.9}, {"dog": 1.0, "cot": 0.9}, True),
    "names in a legend exchanged": (BARS, {"two": BARS["one"], "one": BARS["two"]}, True),
    "one cell of a heat map by a tenth of the scale": (
        MAP,
        MAP + 0.2 * (np.arange(72).reshape(6, 12) == 30),
        True,
    ),
}


@pytest.mark.parametrize("what", SEEN)
def test_the_comparison_sees_what_an_eye_would(what):
    *pair, seen = SEEN[what]
    one, other = (
        plots.bars(of, "x") if type(of) is dict else plots.heat_maps({"m": of}, "x", "y") for of in pair
    )
    assert bool(difference(one.png, other.png)) == seen


def test_the_comparison_lets_a_mark_move_by_one_css_pixel_and_no_further():
    def spot(at):
        image = Image.new("RGB", (100, 60), "white")
        image.paste((13, 59, 140), (at, 20, at + 8, 28))
        return picture_bytes(image)

    assert not difference(spot(40), spot(42))
    assert "pixels differ, the first at 40, 20" in difference(spot(40), spot(43))
    larger = picture_bytes(Image.new("RGB", (101, 60)))
    assert difference(spot(40), larger) == "its size is (101, 60), not (100, 60)"


def picture_bytes(image):
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


RC = matplotlib.rcParams
SETTINGS = {
    "dark": lambda: matplotlib.style.use("dark_background"),
    "ggplot": lambda: matplotlib.style.use("ggplot"),
    "classic": lambda: matplotlib.style.use("classic"),
    "transparent": lambda: RC.update({"savefig.transparent": True, "figure.facecolor": "red"}),
    "laid out by itself": lambda: RC.update({"figure.autolayout": True, "axes.grid": True}),
    "LaTeX": lambda: RC.update({"text.usetex": True, "font.family": "serif"}),
    "float64": lambda: torch.set_default_dtype(torch.float64),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "another device": lambda: torch.set_default_device("meta"),
    "few digits": lambda: torch.set_printoptions(precision=1),
}


@pytest.fixture(scope="module")
def two_pictures():
    """Two pictures, as drawn now and whenever it is called."""
    row = [[1.0, 2.0]]

    def drawn():
        return [p.png for p in (plots.bars(BARS, "x"), plots.lookup("word", row, [0], row, ["a"]))]

    return drawn(), drawn


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_picture_is_the_same_whatever_the_reader_has_set(setting, two_pictures):
    before, drawn = two_pictures
    with matplotlib.rc_context(), patch.dict(vars(torch._tensor_str.PRINT_OPTS)):
        SETTINGS[setting]()
        try:
            assert drawn() == before
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_grad_enabled(True)
            torch.set_default_device(None)
