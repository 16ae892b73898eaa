"""The pictures: what is drawn is the data, and the words are true of it."""

import gc
import html
import io
import itertools
import math
import re
import time

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from helpers import drawing, plots
from helpers.figure import Picture, drawable, fit, in_look, place, readable, sheet, text_width

SEED = ["[CLS]", "today", "is", "a", "good", "day", "[SEP]"]
AWKWARD = [
    "$5",
    "$x$_{2}",
    r"\frac{1}{2}",
    "<b>&amp;",
    "🙂",
    "今天",
    "صباح",
    "a\nb\t\x07",
    "x" * 40,
    "",
    " ",
    "\ud800",
]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def three_parts(tokens, hidden=36, seed=0):
    word, position = numbers(tokens, hidden, seed=seed), numbers(tokens, hidden, seed=seed + 1) / 2
    segment = numbers(1, hidden, seed=seed + 2).expand(tokens, hidden) / 4
    return word, segment, position, word + segment + position


def cosines(vectors):
    unit = torch.nn.functional.normalize(vectors, dim=1)
    return unit @ unit.T


def one_of_each(tokens=SEED):
    """Every picture, drawn for `tokens` and small made-up data."""
    n = len(tokens)
    word, segment, position, total = three_parts(n)
    table = numbers(3000, 36, seed=5)
    ids = torch.arange(n) * 7 % 2000 + 5
    shares = torch.softmax(numbers(n, 3), 1)
    plane, small = numbers(n, 2), torch.eye(5)[[2, 0, 4]]
    noise = word[0] * (numbers(36, seed=9) > -1.3) / 0.9
    few, named = tokens[:5], tokens[:9]
    return {
        "pipeline": lambda: plots.pipeline("word"),
        "word_pieces": lambda: plots.word_pieces(
            " ".join(tokens), tokens, ids, [None, *range(n - 2), None][:n]
        ),
        "vocabulary_map": lambda: plots.vocabulary_map([*tokens, *(f"[unused{i}]" for i in range(1500))]),
        "lookup": lambda: plots.lookup("word", table, ids, table[ids], tokens),
        "one_hot": lambda: plots.one_hot(small, table[:5, :4], small @ table[:5, :4]),
        "parameters": lambda: plots.parameters({t: 10**i for i, t in enumerate(few)}, tokens[-1]),
        "segment_rows": lambda: plots.segment_rows(table[:2]),
        "arrows": lambda: plots.arrows(plane, plane + 0.5, tokens),
        "similarity_maps": lambda: plots.similarity_maps({t: cosines(table[:40]) for t in tokens[:2]}),
        "norms": lambda: plots.norms(table[:300].norm(dim=1), [0, 7, 299], tokens[-1]),
        "sum_equation": lambda: plots.sum_equation(word, segment, position, total, tokens),
        "shares": lambda: plots.shares(shares, tokens),
        "histograms": lambda: plots.histograms(
            {t: numbers(99, seed=i) for i, t in enumerate(few[:4])}, tokens[0]
        ),
        "layer_norm_geometry": lambda: plots.layer_norm_geometry({t: numbers(50, 3) for t in few[:4]}),
        "before_after": lambda: plots.before_after(
            tokens, (word.mean(1), word.std(1)), (word[:, 0], shares[:, 0])
        ),
        "cost": lambda: plots.cost([1e-12, 1e-8, 1e-5], [1e-9, 0, 3e-3], tokens[0], {tokens[-1]: 8e-3}),
        "dropout": lambda: plots.dropout(word[0], noise, noise / word[0]),
        "convergence": lambda: plots.convergence([1, 10, 100], [1.0, 0.3, 0.1]),
        "rings": lambda: plots.rings({t: numbers(n, 2) for t in tokens[:2]}, tokens),
        "neighbours": lambda: plots.neighbours({t: [(u, 0.5) for u in named] for t in few}),
        "by_layer": lambda: plots.by_layer(
            {t: numbers(4, seed=i) for i, t in enumerate(few[:4])}, tokens[-1]
        ),
        "bars": lambda: plots.bars({t: 0.1 * i - 0.2 for i, t in enumerate(few)}, tokens[-1]),
    }


NAMES = list(one_of_each())


@pytest.fixture(scope="module", autouse=True)
def _no_search_through_torch():
    """Figures are cycles, so the collector runs often: spare it what the imports made."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def gallery():
    return {name: draw() for name, draw in one_of_each().items()}


def words_in(picture):
    return [text for text in picture.figure.findobj(Text) if text.get_text() and text.get_visible()]


def bounds(picture):
    """The box around all that is drawn, in inches: lays every text out and renders nothing."""
    figure = picture.figure
    return in_look(figure.get_tightbbox)(FigureCanvasAgg(figure).get_renderer())


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def images(picture):
    return [axes.images[0] for axes in picture.figure.axes if axes.images]


# ---------------------------------------------------------------- every picture


def test_the_gallery_has_every_picture():
    public = {n: f for n, f in vars(plots).items() if not n.startswith("_") and hasattr(f, "__wrapped__")}
    drawn = {n for n, f in public.items() if f.__module__ == plots.__name__}
    assert drawn == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_fits_a_slide_and_a_notebook(gallery, name):
    picture = gallery[name]
    width, height = picture.figure.get_size_inches() * 100
    assert width == 900
    assert height <= 382
    png = picture.png
    assert len(png) <= 60_000
    assert Image.open(io.BytesIO(png)).size == (round(2 * width), round(2 * height))


@pytest.mark.parametrize("name", NAMES)
def test_says_something(gallery, name):
    picture = gallery[name]
    for words in (picture.alt, picture.caption):
        assert re.fullmatch(r"\S.{20,}[.]", words), words
        assert "nan" not in words.lower().split()
    assert len(picture.caption) < 260


@pytest.mark.parametrize("name", NAMES)
def test_no_word_leaves_the_picture(gallery, name):
    box = bounds(gallery[name])
    width, height = gallery[name].figure.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -0.01, box


@pytest.mark.parametrize("name", NAMES)
def test_any_text(name):
    picture = one_of_each(AWKWARD)[name]()
    bounds(picture)  # a missing glyph would be a warning, and so an error
    assert not any(text.get_parse_math() for text in words_in(picture))
    for words in (picture.alt, picture.caption):
        words.encode("utf-8")
        assert not re.search(r"[\x00-\x1f]", words)


@pytest.mark.parametrize("name", ["lookup", "sum_equation", "shares", "before_after", "word_pieces"])
@pytest.mark.parametrize("count", [1, 512])
def test_one_token_and_512(name, count):
    tokens = [f"t{i}" for i in range(count)]
    start = time.thread_time()
    picture = one_of_each(tokens)[name]()
    assert count == 1 or picture.png
    assert time.thread_time() - start < 2
    drawn = {text.get_text() for text in words_in(picture)} & set(tokens)
    left_out = re.search(
        r"first (\d+) and the last (\d+) of 512|(\d+) of the 512 tokens are left out", picture.caption
    )
    if count == 1:
        assert drawn == set(tokens)
        assert not left_out
    else:
        first, last, rest = left_out.groups()
        assert len(drawn) == (int(first) + int(last) if first else 512 - int(rest))
        assert {"t0", "t511"} <= drawn
        assert any("more" in text.get_text() for text in words_in(picture))


@pytest.mark.parametrize(
    "name", ["lookup", "sum_equation", "shares", "norms", "before_after", "similarity_maps"]
)
def test_a_last_bit_does_not_change_the_words(name, gallery, monkeypatch):
    before = gallery[name]
    exact = numbers
    monkeypatch.setitem(globals(), "numbers", lambda *shape, seed=0: exact(*shape, seed=seed) * (1 + 1e-7))
    after = one_of_each()[name]()
    assert (after.alt, after.caption) == (before.alt, before.caption)


POINTS = {
    "any": numbers(512, 2),
    "one place": torch.ones(512, 2) * 3,
    "a column": numbers(512, 2) * torch.tensor([0.0, 1]),
    "far away": numbers(512, 2) + 1e12,
    "far apart": numbers(512, 2) * 1e12,
    "close together": numbers(512, 2) * 1e-12,
}


@pytest.mark.parametrize("name", ["arrows", "rings"])
@pytest.mark.parametrize("kind, count", [("any", 1), ("any", 512), *((kind, 2) for kind in POINTS)])
def test_any_points(name, kind, count, caplog):
    points, names = POINTS[kind][:count], [f"t{i}" for i in range(count)]
    start = time.thread_time()
    with caplog.at_level("WARNING", "matplotlib"):
        if name == "arrows":
            picture = plots.arrows(points, points.flip(0) + 0.5, names)
        else:
            picture = plots.rings({"the points": points}, names)
        in_look(FigureCanvasAgg(picture.figure).draw)()
    assert time.thread_time() - start < 2
    assert not caplog.records
    written = {text.get_text() for text in words_in(picture)} & set(names)
    if count == 512:
        assert f"{len(written)} of the 512 names find room" in picture.caption
    else:
        assert len(written) == count
        assert "find room" not in picture.caption


def test_names_that_find_room_can_be_read():
    points = POINTS["any"][:64]
    picture = plots.rings({"the points": points}, [f"t{i}" for i in range(64)])
    axes = picture.figure.axes[0]
    canvas = FigureCanvasAgg(picture.figure)
    boxes = np.array([text.get_window_extent(canvas.get_renderer()).extents for text in axes.texts])
    assert 3 < len(boxes) < 64
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    assert ((high - low).min(2) > 0).sum() == len(boxes)  # each covers itself only
    points = axes.transData.transform(points)
    inside = (points[:, None] > boxes[:, :2]) & (points[:, None] < boxes[:, 2:])
    assert not inside.all(2).any()


def test_dtype_and_gradient_do_not_matter(gallery):
    parts = three_parts(7)
    plain = gallery["sum_equation"]
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        other = plots.sum_equation(*(p.to(dtype).requires_grad_() for p in parts), SEED)
        assert other.alt.split(". ")[:3] == plain.alt.split(". ")[:3]


# ---------------------------------------------------------------- the figure


@pytest.fixture
def small():
    @in_look
    def draw():
        figure = sheet(200, 100)
        place(figure, 20, 10, 100, 50).set_title("$5")
        return Picture(figure, 'Say "<b>" & \x07 ü', "See <i> 今天")

    return draw()


def test_html_is_semantic_and_escaped(small):
    bundle = small._repr_mimebundle_()
    assert bundle["text/plain"] == 'Say "<b>" & □ ü'
    assert re.fullmatch(
        r'<figure [^>]*><img alt="([^"]*)" width="200" style="max-width: 100%; height: auto" '
        r'src="data:image/png;base64,[A-Za-z0-9+/=]+"><figcaption>([^<]*)</figcaption></figure>',
        bundle["text/html"],
    )
    assert f'alt="{html.escape(small.alt)}"' in bundle["text/html"]
    assert "<figcaption>See &lt;i&gt; 今天</figcaption>" in bundle["text/html"]


def test_place_counts_from_the_top_left(small):
    box = small.figure.axes[0].get_window_extent()
    assert [round(v) for v in (box.x0, 100 - box.y1, box.width, box.height)] == [20, 10, 100, 50]


def test_saved_files_carry_the_words(small, tmp_path):
    for ending in ("png", "svg", "pdf"):
        for name in ("one", "two"):
            small.save(tmp_path / f"{name}.{ending}")
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    image = Image.open(tmp_path / "one.png")
    assert image.text["Description"] == small.alt
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    svg = (tmp_path / "one.svg").read_text("utf-8")
    assert '<svg role="img" ' in svg
    assert f"<title>{html.escape(small.caption)}</title><desc>{html.escape(small.alt)}</desc>" in svg
    pdf = (tmp_path / "one.pdf").read_bytes()
    pdf = re.sub(rb"\\([()\\])", rb"\1", pdf)
    for key, words in (("Title", small.caption), ("Subject", small.alt)):
        assert f"/{key} (".encode() + b"\xfe\xff" + words.encode("utf-16-be") in pdf


def test_other_endings_are_refused(small, tmp_path):
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf; 'picture.gif' ends in '\.gif'"):
        small.save(tmp_path / "picture.gif")


def test_stand_ins():
    assert drawable("a🙂今") == "a□□"
    assert drawable("") == "(empty)"
    assert drawable("  ") == "␣␣"
    assert drawable("صباح é") == "صباح é"
    assert readable("a\nb\x00🙂\u202e") == "a↵b□🙂□"


def test_long_text_is_shortened_to_the_room():
    assert fit("short", 200) == "short"
    long = fit("x" * 400, 120)
    assert long.endswith("…")
    assert 100 < text_width(long) <= 120


# ---------------------------------------------------------------- the palette

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1, 1.08883])
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def lightness(colour):
    return lab(linear(colour))[0]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours", [list(plots.COLOURS.values()), [s[0] for s in plots.SERIES]], ids=["parts", "series"]
)
def test_colours_can_be_told_apart(vision, colours):
    seen = [lab(np.array(VISION[vision]) @ linear(c)) for c in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


@pytest.mark.parametrize(
    "colours", [list(plots.COLOURS.values()), [s[0] for s in plots.SERIES]], ids=["parts", "series"]
)
def test_colours_can_be_told_apart_in_greyscale(colours):
    grey = sorted(lightness(c) for c in colours)
    assert min(np.diff(grey)) > 10


def test_colours_can_be_read_on_white():
    for name, colour in plots.COLOURS.items():
        luminance = XYZ[1] @ linear(colour)
        assert name == "neutral" or 1.05 / (luminance + 0.05) >= 3, name
        ink = XYZ[1] @ linear(plots.ink_on(colour))
        light, dark = sorted([luminance, ink], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def test_the_signed_map_is_ordered_and_centred():
    steps = np.array([lightness(plots.DIVERGING(v)[:3]) for v in np.linspace(0, 1, 41)])
    assert steps[20] > 99
    assert (np.diff(steps[:21]) > 0).all()
    assert (np.diff(steps[20:]) < 0).all()
    assert abs(steps[0] - steps[-1]) > 20  # the sign of a large number survives greyscale
    for matrix in VISION.values():
        low, high = (lab(np.array(matrix) @ linear(plots.DIVERGING(v)[:3])) for v in (0.15, 0.85))
        assert np.linalg.norm(low - high) > 30


# ---------------------------------------------------------------- what each picture draws


def test_pipeline_lights_the_step():
    bold = {t.get_text() for t in words_in(plots.pipeline("segment")) if t.get_weight() == "bold"}
    assert bold == {"segment"}
    bold = {t.get_text() for t in words_in(plots.pipeline()) if t.get_weight() == "bold"}
    assert bold == {"tokenize", "word", "segment", "position", "+", "LayerNorm", "dropout"}
    assert "step 3 of 7" in plots.pipeline("segment").alt


def test_word_pieces():
    tokens = ["[CLS]", "una", "##ffa", "##ble", "day", "[SEP]"]
    ids = [101, 14477, 20961, 3468, 2154, 102]
    picture = plots.word_pieces("unaffable day", tokens, ids, [None, 0, 0, 0, 1, None])
    drawn = [t.get_text() for t in words_in(picture)]
    assert [t for t in drawn if t in tokens] == tokens
    assert [int(t) for t in drawn if t.isdigit()] == ids
    boxes = sorted(p.get_extents().x0 for p in picture.figure.axes[0].patches)
    ends = sorted(p.get_extents().x1 for p in picture.figure.axes[0].patches)
    touching = [abs(end - start) < 0.1 for end, start in zip(ends, boxes[1:], strict=False)]
    assert touching == [False, True, True, False, False]
    assert "1 of 2 words became" in picture.caption
    assert "broken into 3: “una”, “##ffa” and “##ble”" in picture.alt
    assert "“una” 14477" in picture.alt


def test_vocabulary_map():
    tokens = [
        "[PAD]",
        *(f"[unused{i}]" for i in range(999)),
        "a",
        "b",
        *(["word"] * 500),
        *(["##x"] * 498),
        "[MASK]",
    ]
    picture = plots.vocabulary_map(tokens)
    axes = picture.figure.axes[0]
    drawn = {
        c.get_label(): [(math.floor(b.get_x()), b.get_y(), b.get_height()) for b in c]
        for c in axes.containers
    }
    assert drawn == {
        "special": [(0, 0, 1), (2, 0, 1)],
        "unused": [(0, 1, 999)],
        "single characters": [(1, 0, 2)],
        "whole words": [(1, 2, 500)],
        "## pieces": [(1, 502, 498)],
    }
    assert "2 special, 999 unused, 2 single characters, 500 whole words and 498 ## pieces" in picture.alt
    assert "Whole words: from id 1,002 to 1,501." in picture.alt


@pytest.mark.parametrize(("large", "limit"), [(0, 1), (4, 1), (6, 50)])
def test_one_number_in_200_may_lie_beyond_the_colour_scale(large, limit):
    values = np.linspace(-1, 1, 1000)
    values[:large] = -50
    assert drawing.limit_of(values[:600], values[600:]) == limit


@pytest.mark.parametrize("kind", ["word", "segment", "position"])
def test_lookup_draws_the_rows(kind):
    table, ids = numbers(50, 36), torch.tensor([9, 3, 3, 40, 0, 49, 10])
    picture = plots.lookup(kind, table, ids, table[ids], SEED)
    mesh = picture.figure.axes[0].collections[0]
    drawn = np.asarray(mesh.get_array().filled(np.nan)).reshape(-1, 32)
    assert np.array_equal(drawn[~np.isnan(drawn[:, 0])], table[[0, 3, 9, 10, 40, 49], :32].double().numpy())
    out = images(picture)[0]
    assert np.array_equal(out.get_array(), table[ids, :32].double().numpy())
    assert mesh.get_clim() == out.get_clim()
    assert labels(out.axes) == SEED
    assert [t for t in labels(picture.figure.axes[0]) if t] == ["0", "3", "9", "10", "40", "49"]
    assert "⋯ 30 rows ⋯" not in [t.get_text() for t in words_in(picture)]
    assert "⋯ 29 rows ⋯" in [t.get_text() for t in words_in(picture)]
    curves = [a for axes in picture.figure.axes for a in axes.texts if getattr(a, "arrow_patch", None)]
    heights = [round(a.xyann[1]) for a in curves]
    assert len(curves) == 7
    assert heights[1] == heights[2]  # the same row twice, so one starting point
    assert sorted(set(heights)) == sorted({h for h, i in zip(heights, ids, strict=True)})
    assert "“is” row 3," in picture.alt
    assert "6 different rows of 50 are used" in picture.alt


def test_lookup_refuses_rows_that_are_not_the_tables():
    table, ids = numbers(50, 36), torch.arange(7)
    rows = table[ids].clone()
    rows[3, 35] += 1
    with pytest.raises(ValueError, match=r"row 3 of rows .“a”. is not row 3 of the table"):
        plots.lookup("word", table, ids, rows, SEED)


def test_one_hot_writes_the_numbers():
    matrix, table = torch.eye(4)[[2, 0]], torch.tensor([[1.5, 2], [3, 4], [-0.25, 6], [7, 8]])
    picture = plots.one_hot(matrix, table, matrix @ table)
    drawn = {a.get_label(): [t.get_text() for t in a.texts] for a in picture.figure.axes if a.images}
    assert drawn["one-hot"] == list("00101000")
    assert drawn["rows"] == ["−0.25", "6.00", "1.50", "2.00"]
    assert "column 2 and 0" in picture.alt


def test_parameters():
    counts = {"word": 9000, "position": 900, "segment": 100}
    picture = plots.parameters(counts, "the layer")
    for axes, scale in zip(picture.figure.axes, ("linear", "log"), strict=False):
        assert [bar.get_width() for bar in axes.patches] == list(counts.values())
        assert [to_rgb(bar.get_facecolor()[:3]) for bar in axes.patches] == [
            to_rgb(plots.COLOURS[n]) for n in counts
        ]
        assert axes.get_xscale() == scale
    assert "word 9,000 (90%), position 900 (9%) and segment 100 (1%)" in picture.alt
    assert picture.caption == "Most: word, 90% of the 10,000 parameters."


def test_segment_rows_share_a_scale():
    table = numbers(3, 36)
    table[0, 5] = 9
    picture = plots.segment_rows(table)
    axes = picture.figure.axes
    drawn = [a.patches[0].get_data().values for a in axes]
    first, second = table[:2].double().numpy()
    assert all(np.array_equal(a, b) for a, b in zip(drawn, (first, second, second - first), strict=True))
    assert len({a.get_ylim() for a in axes}) == 1
    assert any("9.00" in t.get_text() for t in axes[0].texts) or axes[0].get_ylim()[1] >= 9
    assert f"row 0 {np.linalg.norm(first):.3g}" in picture.alt


def test_arrows():
    before, after = numbers(7, 2), numbers(7, 2) + torch.tensor([0.5, 2.0])
    picture = plots.arrows(before, after, SEED)
    moves = (after - before).double().numpy()
    field, rose = (axes.collections[0] for axes in picture.figure.axes)
    assert np.allclose(np.c_[field.U, field.V], moves)
    assert np.allclose(field.get_offsets(), before)
    assert np.allclose(np.c_[rose.U, rose.V], moves)
    assert {t.get_text() for t in picture.figure.axes[0].texts} == set(SEED)
    assert "to within 5 degrees" in plots.arrows(before, before + torch.tensor([0.5, 2.0]), SEED).caption
    assert "different directions" in plots.arrows(before, -before, SEED).alt


@pytest.mark.parametrize("n", [40, 300])
def test_similarity_maps_share_a_scale(n):
    walk = numbers(n, 64).cumsum(0)
    maps = {"walk": cosines(walk), "random": cosines(numbers(n, 64, seed=3))}
    picture = plots.similarity_maps(maps)
    every = 1 if n == 40 else 2
    for image, array in zip(images(picture), maps.values(), strict=False):
        assert np.array_equal(image.get_array(), array[::every, ::every].double().numpy())
        assert image.get_clim() == (-1, 1)
    assert ("one row and column in 2" in picture.alt) == (n == 300)
    off = maps["walk"].clone().fill_diagonal_(-2)
    near = int(((off.argmax(1) - torch.arange(n)).abs() == 1).sum())
    assert picture.caption.startswith(f"Walk: {near} of {n} rows are most like a row next to them; random: ")
    walk = plots.similarity_maps({"walk": cosines(torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [-1, 1]]))})
    assert "Walk: 4 of 4 rows are" in walk.caption
    lone = torch.tensor([[1.0, 0.2, 0.9, 0.3], [0.2, 1, 0.1, 0.9], [0.9, 0.1, 1, 0.2], [0.3, 0.4, 0.5, 1]])
    assert plots.similarity_maps({"x": lone}).caption == "X: 1 of 4 rows is most like a row next to it."


def test_norms_name_the_longest():
    values = torch.full((60,), 0.5)
    values[[3, 59]] = torch.tensor([2.0, 1.25])
    picture = plots.norms(values, [3, 59])
    axes = picture.figure.axes[0]
    assert np.array_equal(axes.lines[0].get_ydata(), values.numpy())
    assert list(axes.lines[1].get_xdata()) == [3, 59]
    assert {t.get_text() for t in axes.texts} == {"3: 2.00", "59: 1.25"}
    assert "the longest is position 3 with 2" in picture.alt
    assert picture.caption == "Longest: position 3, 4 times the median length."


def test_sum_equation_is_the_data_on_one_scale():
    parts = three_parts(7)
    picture = plots.sum_equation(*parts, SEED)
    maps = [a for a in picture.figure.axes if a.get_label() in ("word", "segment", "position", "sum")]
    for axes, part in zip(maps, parts, strict=True):
        assert np.array_equal(axes.images[0].get_array(), part[:, :32].double().numpy())
    assert len({a.images[0].get_clim() for a in maps}) == 1
    low, high = maps[0].images[0].get_clim()
    assert low == -high
    assert labels(maps[0]) == SEED
    longest = SEED[int(parts[3].norm(dim=1).argmax())]
    assert f"The longest sum is that of “{longest}”" in picture.alt
    assert "The segment rows are all the same." in picture.alt
    assert "first 32 of 36 numbers" in picture.caption
    assert [t.get_text() for t in words_in(picture) if t.get_text() in "+="] == ["+", "+", "="]


def test_sum_equation_refuses_what_is_not_the_sum():
    word, segment, position, total = three_parts(7)
    total = total.clone()
    total[4] += 1
    with pytest.raises(ValueError, match=r"not word \+ segment \+ position: at token 4 \(“good”\)"):
        plots.sum_equation(word, segment, position, total, SEED)


def test_a_batch_is_its_sentences_one_after_the_other():
    parts = three_parts(6)
    flat = plots.sum_equation(*parts, list("abcdef"))
    batch = plots.sum_equation(*(p.unflatten(0, (2, 3)) for p in parts), [list("abc"), list("def")])
    assert batch.alt == flat.alt
    assert np.array_equal(images(batch)[0].get_array(), images(flat)[0].get_array())
    with pytest.raises(ValueError, match=r"batch of 2 sentences of \[3\] tokens needs .* found \[3, 2, 36\]"):
        plots.sum_equation(*(p.unflatten(0, (3, 2)) for p in parts), [list("abc"), list("def")])


def test_shares():
    values = torch.tensor([[0.29, 0.03, 0.68], [0.78, 0.11, 0.11], [0.6, 0.2, 0.2]])
    picture = plots.shares(values, ["[CLS]", "to", "day"])
    axes = picture.figure.axes[0]
    drawn = {c.get_label(): [bar.get_width() for bar in c] for c in axes.containers}
    assert np.allclose(list(drawn.values()), values.T)
    assert list(drawn) == ["word", "segment", "position"]
    ends = [[bar.get_x() + bar.get_width() for bar in c] for c in axes.containers]
    assert np.allclose(ends, values.T.cumsum(0))
    assert labels(axes) == ["[CLS]", "to", "day"]
    assert (
        picture.caption
        == "Word is the largest share of “to” and “day”; position is the largest share of “[CLS]”."
    )
    assert "at most 78% (“to”)" in picture.alt


def test_histograms_share_their_bins():
    samples = {"a": numbers(200), "b": numbers(100, seed=1) + 3}
    picture = plots.histograms(samples, "cosine")
    outlines = [p for p in picture.figure.axes[0].patches if p.get_label() in samples]
    assert len({tuple(p.get_data().edges) for p in outlines}) == 1
    for outline, values in zip(outlines, samples.values(), strict=True):
        assert math.isclose(outline.get_data().values.sum(), 1)
        centres = (outline.get_data().edges[1:] + outline.get_data().edges[:-1]) / 2
        assert abs(outline.get_data().values @ centres - values.mean()) < 0.1
    assert f"mean {samples['b'].mean():.3g}" in picture.alt


def test_layer_norm_geometry():
    cloud = numbers(60, 3)
    plane = cloud - cloud.mean(1, keepdim=True)
    ring = plane / plane.pow(2).mean(1, keepdim=True).sqrt()
    stages = {"cloud": cloud, "plane": plane, "ring": ring}
    picture = plots.layer_norm_geometry(stages)
    axes = picture.figure.axes
    for panel, points in zip(axes, stages.values(), strict=True):
        assert np.allclose(panel.collections[0].get_offsets(), points.double().numpy() @ plots.VIEW)
    assert len({(a.get_xlim(), a.get_ylim()) for a in axes}) == 1
    assert len({tuple(a.collections[0].get_array()) for a in axes}) == 1
    assert np.allclose(plots.VIEW.T @ plots.VIEW, np.eye(2))
    assert "ring: every point's mean is 0, so all lie in one plane; all have length 1.73." in picture.alt
    assert "cloud: lengths from" in picture.alt


def test_before_after():
    mean, spread = torch.tensor([0.1, -0.2]), torch.tensor([0.5, 0.25])
    picture = plots.before_after(["x", "y"], (mean, spread), (torch.zeros(2), torch.ones(2)))
    for axes, start, end in zip(picture.figure.axes, (mean, spread), (0, 1), strict=False):
        before, after = (
            next(line for line in axes.lines if line.get_label() == n) for n in ("before", "after")
        )
        assert np.allclose(before.get_xdata(), start)
        assert (after.get_xdata() == end).all()
    assert labels(picture.figure.axes[0]) == ["x", "y"]
    assert picture.caption == "The spread was 0.25 to 0.5; after LayerNorm it is 1 for every token."
    assert "Most spread before: “x”" in picture.alt


def test_cost():
    picture = plots.cost([1e-12, 1e-8, 1e-5], [1e-7, 2e-6, 2.7e-3], "eps", {"unbiased": 8e-3})
    axes = picture.figure.axes[0]
    assert np.allclose(axes.lines[0].get_xydata(), [[1e-12, 1e-7], [1e-8, 2e-6], [1e-5, 2.7e-3]])
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert next(line for line in axes.lines[1:]).get_ydata()[0] == 8e-3
    assert "below 0.00001 at 1e-12, about 0.003 at 1e-05" in picture.alt
    assert "unbiased, about 0.008" in picture.alt


def test_dropout_says_the_same_for_any_mask():
    row = numbers(32)
    masks = [(torch.rand(32, generator=torch.Generator().manual_seed(s)) > 0.3) / 0.9 for s in (1, 2)]
    pictures = [plots.dropout(row, row * mask, mask) for mask in masks]
    assert pictures[0]._repr_mimebundle_()["text/plain"] == pictures[1].alt
    assert "either 0 (dropped) or 1.11" in pictures[0].alt
    drawn = [image.get_array()[0] for image in images(pictures[0])[:3]]
    expected = (row, row * masks[0], masks[0])
    assert all(np.array_equal(a, b.double().numpy()) for a, b in zip(drawn, expected, strict=True))
    limits = [image.get_clim() for image in images(pictures[0])]
    assert limits[0] == limits[1]
    assert "not of two kinds" in plots.dropout(row, row * 2, torch.linspace(0, 1, 32)).alt


def test_convergence():
    passes = torch.tensor([1.0, 10, 100, 1000])
    picture = plots.convergence(passes, 3 / passes.sqrt())
    lines = {line.get_label(): line.get_xydata() for line in picture.figure.axes[0].lines}
    assert np.allclose(lines["distance"][:, 1], 3 / passes.sqrt())
    assert np.allclose(lines["guide"], lines["distance"])
    assert "like 1/√n" in picture.caption
    assert "like 1/√n" not in plots.convergence(passes, 3 / passes).caption


def test_rings_count_the_crossings():
    square = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    bow = square[[0, 1, 3, 2]]
    picture = plots.rings({"ring": square, "control": bow}, list("abcd"))
    for axes, points in zip(picture.figure.axes, (square, bow), strict=True):
        assert np.array_equal(axes.lines[0].get_xydata(), torch.cat([points, points[:1]]).numpy())
        assert {t.get_text() for t in axes.texts} == set("abcd")
    assert picture.caption == "Ring: the line never crosses itself; control: the line crosses itself once."
    dart = torch.tensor([[0.0, 0], [4, 0], [1, 1], [0, 4]])  # crossed beyond a line's end only
    assert plots.rings({"dart": dart}, list("abcd")).caption == "Dart: the line never crosses itself."
    turn = torch.arange(7) * 3 * 2 * math.pi / 7
    star = torch.stack([turn.cos(), turn.sin()], 1)  # {7/3} has 14 crossings
    assert plots.rings({"star": star}, list("abcdefg")).caption == "Star: the line crosses itself 14 times."


def test_neighbours():
    lists = {"bank": [("banks", 0.78), ("banking", 0.66)], "king": [("kings", 0.69)]}
    picture = plots.neighbours(lists)
    for axes, pairs in zip(picture.figure.axes, lists.values(), strict=True):
        assert labels(axes) == [name for name, _ in pairs]
        assert [bar.get_width() for bar in axes.patches] == [value for _, value in pairs]
    assert len({a.get_xlim() for a in picture.figure.axes}) == 1
    assert "“bank” has “banks” and “king” has “kings”" in picture.caption


def test_by_layer():
    curves = {"bank": [1.0, 0.7, 0.8], "river": [1.0, 0.95, 0.9]}
    picture = plots.by_layer(curves, "cosine")
    axes = picture.figure.axes[0]
    assert [line.get_ydata().tolist() for line in axes.lines] == list(curves.values())
    assert {t.get_text() for t in axes.texts} == set(curves)
    assert "bank: 1.00 at layer 0, 0.80 at layer 2, lowest 0.70 at layer 1" in picture.alt
    assert picture.caption == "From layer 0 to the last: bank 1.00 to 0.80; river 1.00 to 0.90."


def test_bars():
    values = {"without words": -0.25, "other": 0.5}
    picture = plots.bars(values, "cosine")
    axes = picture.figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == list(values.values())
    assert to_rgb(axes.patches[0].get_facecolor()[:3]) == to_rgb(plots.COLOURS["word"])
    assert picture.caption == "Largest: other, 0.5; smallest: without words, −0.25."


# ---------------------------------------------------------------- wrong arguments

T2 = torch.ones(2, 2)
WRONG = {
    "rank": (lambda: plots.shares(torch.ones(1, 2, 3) / 3, ["a", "b"]), r"values must have the shape \[2, 3\] = \[T, 3\], found \[1, 2, 3\]; one sentence of a batch is values\[0\]"),
    "rows": (lambda: plots.shares(torch.ones(3, 3) / 3, ["a", "b"]), r"\[2, 3\] = \[T, 3\], found \[3, 3\]"),
    "width": (lambda: plots.sum_equation(T2, T2, torch.ones(2, 3), T2, ["a", "b"]), r"position must have the shape \[2, 2\] = \[T, H\], found \[2, 3\]"),
    "nan": (lambda: plots.norms([1.0, math.nan], []), r"values holds NaN or infinity, first at \[1\]"),
    "infinity": (lambda: plots.segment_rows([[1.0, 2], [math.inf, 1]]), r"first at \[1, 0\]"),
    "text for numbers": (lambda: plots.norms("abc", []), "values must be a tensor of numbers, found str"),
    "nothing": (lambda: plots.segment_rows(None), "table must be a tensor of numbers, found NoneType"),
    "complex": (lambda: plots.norms(torch.ones(2) * 1j, []), "real numbers"),
    "one string": (lambda: plots.shares(T2, "ab"), "tokens must be a list of strings, found str"),
    "not strings": (lambda: plots.shares(T2, [1, 2]), "tokens must be a list of strings, found a int in it"),
    "no tokens": (lambda: plots.shares(T2, []), "tokens is empty"),
    "empty": (lambda: plots.norms([], []), "values is empty"),
    "step": (lambda: plots.pipeline("norm"), "step must be None or one of tokenize, .* found 'norm'"),
    "kind": (lambda: plots.lookup("words", T2, [0], T2[:1], ["a"]), "kind must be one of word, segment and position"),
    "table": (lambda: plots.lookup("word", torch.ones(4), [0], T2[:1], ["a"]), r"table must be .* \[N, H\], found \[4\]"),
    "id": (lambda: plots.lookup("word", T2, [2], T2[:1], ["a"]), "ids must be from 0 to 1, found 2"),
    "half an id": (lambda: plots.lookup("word", T2, [0.5], T2[:1], ["a"]), "ids must hold whole numbers"),
    "toy sizes": (lambda: plots.one_hot(torch.eye(13), torch.eye(13), torch.eye(13)), "12 at most; found T = 13, N = 13, H = 13"),
    "two hot": (lambda: plots.one_hot(T2, T2, T2), "a single 1"),
    "product": (lambda: plots.one_hot(torch.eye(2), T2, torch.eye(2)), "rows is not matrix @ table"),
    "shares": (lambda: plots.shares([[0.5, 0.5, 0.5]], ["a"]), "shares that sum to 1; row 0"),
    "word ids": (lambda: plots.word_pieces("a", ["a", "b"], [1, 2], [0]), "expected 2, found 1"),
    "one row": (lambda: plots.segment_rows([[1.0, 2]]), r"two rows or more, found the shape \[1, 2\]"),
    "square": (lambda: plots.similarity_maps({"m": torch.ones(2, 3)}), r"m must be square, found the shape \[2, 3\]"),
    "not a dict": (lambda: plots.bars([1, 2], "x"), "values must be a dict of name to numbers, found list"),
    "marked": (lambda: plots.norms([1.0, 2], [2]), "marked must be from 0 to 1, found 2"),
    "logarithm": (lambda: plots.cost([0.0], [1.0], "eps", {}), "logarithmic scale"),
    "pairs": (lambda: plots.neighbours({"a": ["b"]}), r"“a” needs a list of \(neighbour, cosine\) pairs"),
    "pair": (lambda: plots.before_after(["a"], [1.0], [1.0]), "before must be a pair"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_told_in_a_sentence(case):
    call, sentence = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=sentence) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None
