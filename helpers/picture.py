"""A matplotlib figure that carries its own words, and the pieces that the course's pictures share.

`Picture` is what every function of `plots` returns. Below it: the page and the text on it, the palette,
checks of what may be drawn, numbers and tokens in words, and what pictures are made of. Call these from a
function marked `styled`. No pyplot: nothing stays open behind the reader's back.
"""

import base64
import bisect
import functools
import html
import io
import logging
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, MappingView
from collections.abc import Set as AbstractSet
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image, PngImagePlugin

from .wording import describe, error_line, short

# The first ships with matplotlib, so it is the same on every machine; behind it stands what a text needed.
FONTS = ["DejaVu Sans"]
# They have no glyphs of the characters themselves, or no outlines.
NO_FONTS = re.compile("Last Resort|NonUnicode|Color Emoji")
INK, MUTED = "#161616", "#5a5a5a"
DPI = 100  # one inch is 100 CSS pixels, so every size below can be said in pixels
SCREEN = 2  # device pixels per CSS pixel in a PNG: crisp on a projector
WIDTH = 900
MOST_TOKENS = 14
MOST = 300_000  # things in a list; an iterator may have no end

STYLE = {
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.labelcolor", "text.color", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.spines.right", "axes.spines.top", "legend.frameon"), False),
    "axes.axisbelow": True,
    "axes.formatter.limits": [-3, 6],
    "axes.labelsize": 12,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "font.size": 11.5,
    "grid.color": "#e6e6e6",
    "image.aspect": "auto",
    "legend.columnspacing": 1.3,
    "legend.handlelength": 1,
    "lines.linewidth": 2.0,
    "pdf.fonttype": 42,
    "savefig.bbox": None,
    "svg.hashsalt": "bert",  # the same file from a second run
    "text.parse_math": False,  # a token such as $5 is text
}

LOST = "□ stands for a character that no font on this machine can draw; BERT can read it."
missing = set()  # such characters of the picture that is being drawn


class PictureError(ValueError):
    """What cannot be drawn, or not truly, in one sentence on one line."""

    def __init__(self, told):
        told = " ".join(told.split())
        super().__init__(told if len(told) <= 300 else told[:299] + "…")


def styled(function):
    """A decorator: what `function` draws is the same whatever the reader has set before, of matplotlib or of torch.
    An error that it has no sentence for is told in a line, and of characters that no font has, that they are missing."""

    @functools.wraps(function)
    def drawn(*args, **kwargs):
        known = list(FONTS)
        with style.context(["default", STYLE, {"font.family": known}]), torch.device("cpu"):
            try:
                missing.clear()
                made = function(*args, **kwargs)
                if known != FONTS and isinstance(made, Picture):
                    use_fonts(made.figure)
                if missing and isinstance(made, Picture):
                    made.alt, made.caption = f"{made.alt} {LOST}", f"{made.caption} {LOST}"
                return made
            except (PictureError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 (no argument gets a library's error)
                raise PictureError(f"{function.__name__} cannot draw this: {error_line(error)}") from None

    return drawn


class Picture:
    """A figure with the words that carry it; as the value of a cell it shows itself.

    Attributes: `figure` (matplotlib Figure), `alt` (the full description) and `caption` (what to see), both
    plain text.
    """

    def __init__(self, figure, alt, caption):
        self.figure = figure
        self.alt, self.caption = (readable(" ".join(words.split())) for words in (alt, caption))

    @property
    def png(self):
        """The picture as PNG bytes, two device pixels per CSS pixel, with the alt text inside."""
        drawn, out = io.BytesIO(), io.BytesIO()
        styled(self.figure.savefig)(drawn, format="rgba", dpi=SCREEN * DPI)
        width = SCREEN * WIDTH
        pixels = Image.frombytes("RGBA", (width, len(drawn.getvalue()) // 4 // width), drawn.getvalue())
        # In steps of 3, which no eye can tell, most pictures have at most 256 colours: half the room. A palette that was
        # chosen by the picture would be another one for a pixel more.
        image = pixels.convert("RGB").point([value - value % 3 for value in range(256)] * 3)
        if image.getcolors(256):
            image = image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        words = PngImagePlugin.PngInfo()
        words.add_itxt("Title", self.caption)
        words.add_itxt("Description", self.alt)
        image.save(out, format="png", pnginfo=words, dpi=(SCREEN * DPI, SCREEN * DPI), compress_level=7)
        return out.getvalue()

    @property
    def html(self):
        """The picture as one HTML `<figure>`, the image inside it."""
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<figure style="margin: 0.5em 0"><img alt="{html.escape(self.alt)}" width="{WIDTH}" '
            f'style="max-width: 100%; height: auto" src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return self.alt

    def save(self, path):
        """Write the picture with its alt text inside, as PNG, SVG or PDF according to the name's ending.

        Raises ValueError for any other ending.
        """
        path, savefig = Path(path), styled(self.figure.savefig)
        kind = path.suffix.lower()
        if kind == ".png":
            path.write_bytes(self.png)
        elif kind == ".svg":
            out = io.StringIO()
            savefig(out, format="svg", metadata={"Date": None})
            words = f"<title>{html.escape(self.caption)}</title><desc>{html.escape(self.alt)}</desc>"
            head, attributes, body = re.split(r"<svg ([^>]*)>", out.getvalue(), maxsplit=1)
            text = f'{head}<svg role="img" {attributes}>{words}{body}'
            path.write_text(text, encoding="utf-8", newline="\n")
        elif kind == ".pdf":
            savefig(path, metadata={"Title": self.caption, "Subject": self.alt, "CreationDate": None})
        else:
            raise ValueError(f"a picture is saved as .png, .svg or .pdf, not as '{path.name}'")


# ---------------------------------------------------------------- the page and the text on it


def new_figure(height, layout=None):
    """An empty figure of the course's width and of `height` CSS pixels."""
    return Figure(figsize=(WIDTH / DPI, round(height) / DPI), dpi=DPI, layout=layout)


def use_fonts(figure):
    """Have all texts use every font: those that were made before one was found do not know of it."""
    for text in figure.findobj(Text):
        text.set_family(FONTS)


def lay_out(figure):
    """Have matplotlib's layout done, so that axes and texts say where they are."""
    use_fonts(figure)
    figure.draw_without_rendering()


def add_axes_px(figure, x, y, width, height):
    """Axes at `x`, `y` (CSS pixels from the top left corner of the figure) of the size given."""
    across, down = figure.get_size_inches() * DPI
    return figure.add_axes((x / across, 1 - (y + height) / down, width / across, height / down))


def overlay(figure):
    """Axes over the whole figure, in CSS pixels from its top left corner: for text, boxes and arrows."""
    across, down = figure.get_size_inches() * DPI
    look = {"frame_on": False, "xticks": [], "yticks": [], "zorder": 5}
    return figure.add_axes((0, 0, 1, 1), xlim=(0, across), ylim=(down, 0), **look)


def write(axes, x, y, text, size=11.5, colour=INK, ha="center", room=None, **look):
    """Write `text` at `x`, `y` of `axes`, its lower-case letters around `y`, smaller where it has not `room` pixels."""
    size *= min(1, room / text_width(text, size)) if room else 1
    axes.text(x, y, text, size=size, color=colour, ha=ha, va="center_baseline", **look)


def readable(text):
    """`text` for reading aloud: what cannot be seen is written, control characters, lone surrogates, direction marks."""
    text, hidden = str(text), {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if not text.strip():
        return "␣" * len(text) or "(empty)"
    return "".join("□" if unicodedata.category(c) in hidden else c for c in text.replace("\n", "↵"))


def told(text, most=80):
    """`text` as a name in words: readable, the middle of a long one left out, as names tend to differ in their ends; what
    looks the same is the same."""
    text = unicodedata.normalize("NFC", " ".join(readable(text).split()))
    return text if len(text) <= most else ends_of(text, most - 1)


def ends_of(text, most):
    """The beginning and the end of `text`, `most` characters, with an ellipsis between them."""
    last = most // 3
    return f"{text[: most - last]}…{text[len(text) - last :]}"


def quote(token):
    """A token in quotation marks."""
    return f"“{told(token)}”"


@functools.cache
def _characters(family):
    """The characters that a font family has; none of one whose file is gone or broken."""
    try:
        found = fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)
        return frozenset(get_font(found).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


@functools.cache
def _family(character):
    """The first font family of this machine that has a glyph for `character`, the course's own before all."""
    if ord(character) in _characters(FONTS[0]):
        return FONTS[0]
    # That a family has no bold is no news.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    others = {font.name for font in fontManager.ttflist if not NO_FONTS.search(font.name)}
    others = sorted(others, key=lambda name: ("Sans" not in name, name))
    return next((name for name in others if ord(character) in _characters(name)), None)


def drawable(text):
    """`text` for drawing: as `readable`, and what no font has a glyph for becomes □."""
    text = readable(text)
    families = {character: _family(character) for character in text}
    FONTS.extend({*families.values()} - {*FONTS, None})
    missing.update(character for character, family in families.items() if family is None)
    return "".join(character if families[character] else "□" for character in text)


def shorten(text, room, size=11.5):
    """`text` made drawable and, where it is wider than `room` CSS pixels, its middle left out."""
    text = drawable(told(text, 400))
    if text_width(text, size) <= room:
        return text
    over = bisect.bisect(range(1, len(text)), room, key=lambda n: text_width(ends_of(text, n), size))
    return ends_of(text, over)


@functools.lru_cache(maxsize=4096)
def text_width(text, size=11.5):
    """The width of `text` in CSS pixels at `size` points."""
    font = FontProperties(family=FONTS, size=size)
    return text_to_path.get_text_width_height_descent(text, font, False)[0] * DPI / 72


# ---------------------------------------------------------------- the palette

# Told apart under protanopia, deuteranopia and tritanopia and in greyscale: the tests compute it.
COLOURS = {"word": "#0d3b8c", "segment": "#d27d00", "position": "#a8437f", "sum": "#111111"}
PARTS = ("word", "segment", "position")
NEUTRAL, PLAIN = "#c4c4c4", "#8a8a8a"
# What is not one of the parts, with a dash and a marker of its own each.
SERIES = (("#111111", "-", "o"), ("#0b8f77", "--", "s"), ("#b9b9b9", "-.", "^"), ("#6a51a3", ":", "D"))
# Signed numbers: white is zero, neither hue is a part's, and the ends differ in lightness too.
STOPS = (0, "#00231f"), (0.25, "#146a65"), (0.5, "#ffffff"), (0.75, "#f7aeb1"), (1, "#ec404a")
DIVERGING = LinearSegmentedColormap.from_list("signed", STOPS)


def part_of(name):
    """The part ("word", "segment", "position" or "sum") a name speaks of; None if none or several."""
    patterns = {"word": "word", "segment": "segment|type", "position": "position|place", "sum": "sum|total"}
    found = [part for part, pattern in patterns.items() if re.search(rf"\b({pattern})s?\b", name.lower())]
    return found[0] if len(found) == 1 else None


def looks(names, series=SERIES):
    """{name: (colour, dash, marker)}, from `series`: a part's own colour where each name speaks of another part."""
    parts = [part_of(name) for name in names]
    own = None not in parts and len(set(parts)) == len(parts)
    of = zip(names, parts, series, strict=False)
    return {name: (COLOURS[part] if own else colour, *look) for name, part, (colour, *look) in of}


def tint(colour, amount):
    """`colour` mixed with white: 1 is the colour itself, 0 white."""
    return 1 - amount * (1 - np.array(to_rgb(colour)))


def ink_on(colour):
    """Black or white, whichever reads better on `colour`."""
    return "white" if np.power(to_rgb(colour), 2.2) @ (0.2126, 0.7152, 0.0722) < 0.2 else INK


def colour_limit(*arrays, limit=None):
    """`limit`, or a round L so that the map from -L to L shows the arrays; the largest number in 200 may lie
    outside."""
    if limit is not None:
        limit = check_number("limit", limit)
        if limit <= 0:
            raise PictureError(f"limit must be a number above 0, found {limit:g}")
        return limit
    top = max(1e-300, np.nanquantile(np.abs(np.concatenate([np.ravel(a) for a in arrays])), 0.995) or 1.0)
    unit = 10.0 ** math.floor(math.log10(top))
    return next(s * unit for s in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if s * unit >= top * (1 - 1e-9))


# ---------------------------------------------------------------- what may be drawn


def check_numbers(name, value, shape, sizes=None, whole=False):
    """`value` as a float64 array of `shape`, e.g. "T H", or int64 where it must be `whole`; `sizes` remembers what
    T and H are."""
    sizes, names = {} if sizes is None else sizes, shape.split()
    if isinstance(value, Iterator | MappingView):
        value = check_list(name, value, of="numbers")
    try:
        tensor = _tensor(value)
        array = (tensor.real if tensor.is_complex() else tensor).numpy()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = short(value) if isinstance(value, list | tuple) else describe(value)
        raise PictureError(f"{name} must be a tensor of numbers, found {found}") from None
    found, expected = list(tensor.shape), [int(n) if n.isdigit() else sizes.get(n, n) for n in names]
    same = (e in (f, n) for e, f, n in zip(expected, found, names, strict=False))
    if len(found) != len(names) or 0 in found or not all(same):
        hint = f"; one sentence of a batch is {name}[0]" if len(found) == len(names) + 1 else ""
        told = dict.fromkeys(f"[{', '.join(map(str, each))}]" for each in (expected, names))
        raise PictureError(f"{name} must have the shape {' = '.join(told)}, found {found}{hint}")
    sizes.update(zip(names, found, strict=True))
    if tensor.is_complex():
        raise PictureError(f"{name} must be a tensor of real numbers, found complex ones")
    for wrong, what in (
        (~np.isfinite(array), "NaN or infinity"),
        (np.abs(array) > 1e100, "a number beyond 1e100"),
        # Nearer to 0, its square would be 0.
        ((array != 0) & (np.abs(array) < 1e-150), "a number nearer to 0 than 1e-150"),
        (whole & (array != array.round()), "what is not a whole number"),
        (whole & (np.abs(array) > 2**53), "a whole number beyond 2**53"),
    ):
        if wrong.any():
            first = np.argwhere(wrong)[0].tolist()
            raise PictureError(f"{name} holds {what}, first at {first}: it cannot be drawn")
    return array.astype(np.int64) if whole else array


def _tensor(value):
    """Numbers of any kind, and lists of such, as one float64 (or complex) tensor; what a mask hides is NaN."""
    if isinstance(value, Iterator | MappingView):
        value = check_list("what is inside", value, of="numbers")
    if hasattr(value, "toarray"):  # a sparse matrix of scipy
        value = value.toarray()
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.tolist()
    if isinstance(value, list | tuple) and any(isinstance(item, Iterable) for item in value):
        each = [(item, _tensor(item)) for item in value]
        # A tensor with one number in it, as of a cosine, is that number.
        return torch.stack(
            [t.squeeze() if isinstance(i, torch.Tensor) and t.numel() == 1 else t for i, t in each]
        )
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        value = np.ma.filled(value.astype(np.float64), np.nan)
    tensor = torch.as_tensor(value, dtype=None if hasattr(value, "dtype") else torch.float64)
    return tensor.detach().cpu().to_dense().to(torch.complex128 if tensor.is_complex() else torch.float64)


def check_number(name, value, whole=False):
    """`value` as one number; a tensor with one number in it is that number."""
    try:
        (number,) = _tensor(value).flatten()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise PictureError(f"{name} must be a number, found {short(value)}") from None
    return check_numbers(name, number[None], "1", whole=whole).tolist()[0]


def check_text(name, value):
    """`value` as a text."""
    if not isinstance(value, str):
        raise PictureError(f"{name} must be a text, found {short(value)}")
    return value


def check_choice(name, value, *choices):
    """The one of `choices` that `value` is."""
    try:
        return choices[choices.index(value)]
    except Exception:  # noqa: BLE001 (a tensor is not compared with a text)
        many = ", ".join(map(repr, choices))
        raise PictureError(f"{name} must be one of {many}, found {short(value)}") from None


def check_list(name, value, number=None, of="things"):
    """`value`, of one thing or more, or of as many as `number`, as a list; a set has no order, a text is one thing."""
    if isinstance(value, torch.Tensor):
        items = [] if value.is_meta else value.to_dense().tolist()
    else:
        items = value.tolist() if isinstance(value, np.ndarray) else value
    no_list = str | bytes | dict | AbstractSet
    if isinstance(items, no_list) or hasattr(items, "toarray") or not isinstance(items, Iterable):
        items = []
    items = list(islice(items, MOST + 1))
    if len(items) > MOST:
        raise PictureError(f"{name}: up to {MOST:,} {of} can be drawn, found more")
    if not items or len(items) != (number or len(items)):
        raise PictureError(f"{name} must be a list of {number or 'one or more'} {of}, found {short(value)}")
    return items


def check_texts(name, value, number=None):
    """`value` as a list of strings, one or more, or as many as `number`."""
    texts = check_list(name, value, number, "strings")
    if not all(isinstance(text, str) for text in texts):
        raise PictureError(f"{name} must be a list of strings, found {short(value)}")
    return texts


def check_pairs(name, value, most=None):
    """`value`, a dict or a list of up to `most` pairs, as a list of pairs."""
    if isinstance(value, torch.Tensor | np.ndarray):  # its rows have no names
        raise PictureError(f"{name} must be a list of pairs, found {describe(value)}")
    pairs = check_list(name, list(value.items()) if isinstance(value, dict) else value, of="pairs")
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise PictureError(f"{name} must be a list of pairs, found {short(value)}")
    if most and len(pairs) > most:
        raise PictureError(f"{name}: 1 to {most} can be read at a glance, found {len(pairs)}")
    return pairs


def check_named(name, value, most, do, shape=None, sizes=None):
    """`value` as a dict that is not empty, its keys text as it is told, its values (with a `shape`) passed through
    `check_numbers`, `sizes` shared by all; more than `most` do not what `do` says."""
    if not isinstance(value, dict):
        raise PictureError(f"{name} must be a dict of name to numbers, found {describe(value)}")
    if not 1 <= len(value) <= most:
        raise PictureError(f"{name}: 1 to {most} {do}, found {len(value)}")
    names = [*map(told, value)]
    if len(set(names)) < len(names):
        raise PictureError(f"{name}: two names read the same, {listed(names)}")
    values = zip(names, value.values(), strict=True)
    return {n: check_numbers(n, of, shape, sizes) if shape else of for n, of in values}


def check_marks(name, value, most, whole=False):
    """`value`, a dict of up to `most` texts to numbers or None, as a list of (number, text) from left to right."""
    if not isinstance(value, dict | None):
        raise PictureError(f"{name} must be a dict of text to number, found {describe(value)}")
    if not value:
        return []
    if len(value) > most:
        raise PictureError(f"{name}: up to {most} find room, found {len(value)}")
    numbers = check_numbers(name, [*value.values()], "n", whole=whole).tolist()
    return sorted(zip(numbers, map(told, value), strict=True))


def check_groups(groups, number, series=None):
    """`groups`, a name for each of `number` things, as a list, and {name: look} of the up to 4 that are different."""
    groups = [*map(told, check_list("groups", groups, number, "names"))]
    kinds = check_named("groups", dict.fromkeys(groups), 4, "groups can be told apart")
    return groups, looks(kinds, series or SERIES)


def check_tokens(tokens, shape, whole=False, **arrays):
    """`tokens` as a list of strings, and each of `arrays` of `shape`, whose T is their number. A batch (`tokens`
    a list of lists) becomes one long list of tokens, with the arrays to match."""
    if isinstance(tokens, list) and tokens and all(isinstance(sentence, list) for sentence in tokens):
        batch, ragged = [len(tokens), len(tokens[0])], len(set(map(len, tokens))) > 1
        for name, array in arrays.items():
            if not isinstance(array, torch.Tensor):
                array = torch.from_numpy(check_numbers(name, array, f"B {shape}"))
            if ragged or list(array.shape[:2]) != batch:
                found = "ragged" if ragged else batch
                raise PictureError(f"this batch of tokens is {found}, found the shape {list(array.shape)}")
            arrays[name] = array.flatten(0, 1)
        tokens = [token for sentence in tokens for token in sentence]
    tokens = check_texts("tokens", tokens)
    sizes = {"T": len(tokens)}
    return tokens, *(check_numbers(name, array, shape, sizes, whole) for name, array in arrays.items())


# ---------------------------------------------------------------- words


def format_number(number, log=False, scale=1.0):
    """A number for prose: three significant digits and at most three decimals, so that a difference in the
    last bits between machines leaves it alone; whole numbers from 100 on in full. With `log`, where small
    numbers count too, one digit of them. `scale` is the size of the numbers that it is one of: where all are
    small, as many digits of them."""
    if scale < (1e-5 if log else 0.0005) and abs(number) >= 1e-5 * scale:
        return f"about {tick(float(f'{number:.1g}'))}" if log else tick(float(f"{number:.3g}"))
    if abs(number) < 0.0005 and log:
        few = np.format_float_positional(float(f"{number:.1g}"), trim="-")
        return "below 0.00001" if number < 1e-5 else f"about {few}"
    if abs(number) < 0.0005:
        return "0" if abs(number) < 1e-5 else "about 0"
    if abs(number) >= 1e15:
        return tick(float(f"{number:.3g}"))
    if abs(number) >= 100:
        return f"{number:,.0f}".replace("-", "−")
    return np.format_float_positional(round(float(f"{number:.3g}"), 3), trim="-").replace("-", "−")


def teller(values, log=False):
    """`format_number` for numbers of the size of `values`."""
    return functools.partial(format_number, log=log, scale=np.abs(values).max())


def tick(number):
    """A number as the axes write it: 1e-12, 0.001, 1,000."""
    return (f"{number + 0:g}" if abs(number) < 1 else f"{number:,.10g}").replace("e+", "e").replace("-", "−")


def spread(values):
    """How far apart the highest and the lowest of `values` are; 0 where only the last bits tell them apart."""
    far = np.ptp(values)
    return far if far > 1e-6 * np.abs(values).max() else 0.0


def tops(values, axis=None):
    """Which of `values` are the highest, all that only the last bits tell apart; with an `axis`, along it."""
    top = np.max(values, axis, keepdims=True)
    return values >= top - 1e-6 * np.abs(top)


def highest(values):
    """Where the first of the highest of `values` stands."""
    return int(np.argmax(tops(values)))


def nearer(likeness, own):
    """Of how many rows of `likeness` [n, n] the likest other one is among `own` [n, n], and none as like elsewhere."""
    likeness = np.where(np.eye(len(likeness), dtype=bool), -np.inf, likeness)
    inside, outside = (np.where(which, likeness, -np.inf).max(1) for which in (own, ~own))
    return int((inside > outside).sum())


def percent(share):
    """Whole percent, finer where that would say 0% or 100% of what is not."""
    size, sign = abs(share), "−" if share < 0 else ""
    size = 1 if abs(size - 1) < 1e-6 else size
    if size in (0, 1) or 0.00995 <= size < 0.995 or 1.0051 <= size < 1e13:
        return f"{sign}{size:,.0%}"
    if 0.5 < size < 2:  # away from 100%
        return f"{sign}{(math.floor if size < 1 else math.ceil)(size * 1000) / 10:g}%"
    return f"{sign}{tick(float(f'{size * 100:.2g}'))}%"


def listed(items):
    """Texts as one: a, b and c."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def capital(text):
    """`text` as the start of a sentence."""
    return text[:1].upper() + text[1:]


def some(tokens, which=None):
    """The tokens (where `which` is true) by name; of many how many, or the first and the last."""
    if which is not None:
        chosen = [quote(token) for token, yes in zip(tokens, which, strict=True) if yes]
        return listed(chosen) if len(chosen) <= 3 else f"{len(chosen)} of {len(tokens)} tokens"
    if len(tokens) <= MOST_TOKENS:
        return listed(map(quote, tokens))
    return f"{', '.join(map(quote, tokens[:3]))} … {' and '.join(map(quote, tokens[-2:]))}"


class Shown:
    """Which of the tokens are drawn, and what is said of it: all, or the first and last around a gap.

    `places` are their places from top to bottom, None for the gap; `said` is for the alt text and caption.
    """

    def __init__(self, tokens, most=MOST_TOKENS):
        n, last = len(tokens), most * 2 // 7
        self.tokens, self.places, self.said = tokens, list(range(n)), ""
        if n > most:
            self.places[most - last : n - last] = [None]
            self.said = f" Shown are the first {most - last} and the last {last} of {n} tokens."

    def names(self, room):
        """The labels of the rows drawn, each at most `room` CSS pixels wide."""
        gap = f"⋮ {len(self.tokens) - len(self.places) + 1} more"
        return [gap if t is None else shorten(self.tokens[t], room) for t in self.places]

    def rows(self, array):
        """The rows drawn of `array` [T, …]; NaN in the gap."""
        return np.stack([array[0] * np.nan if t is None else array[t] for t in self.places])


# ---------------------------------------------------------------- what pictures are made of


def row_labels(axes, names, side="left"):
    """Write `names` beside rows 0, 1, … of `axes`, without ticks."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelleft=side == "left", labelright=side == "right")


def heat_strip(figure, place, values, limit=None, names=(), side="left", gap=1.5):
    """Draw `values` [rows, columns] from -limit to limit at `place` (as in `add_axes_px`), `gap` points of
    white between rows and `names` beside them; the axes."""
    axes = add_axes_px(figure, *place)
    axes.imshow(values, DIVERGING, vmin=limit and -limit, vmax=limit, interpolation="nearest")
    axes.hlines(np.arange(1, len(values)) - 0.5, -0.5, values.shape[1] - 0.5, color="white", lw=gap)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    row_labels(axes, names, side)
    return axes


def scale_bar(figure, x, y, width):
    """The colour scale of the heat maps drawn so far, 12 CSS pixels high; what to say if numbers lie beyond
    its ends."""
    images = [axes.images[0] for axes in figure.axes if axes.images]
    limit = images[0].get_clim()[1]
    bar = figure.colorbar(images[0], cax=add_axes_px(figure, x, y, width, 12), orientation="horizontal")
    # Longer ones find no room.
    told = tick(limit) if limit < 1e6 else f"{limit:g}".replace("e+0", "e").replace("e+", "e")
    bar.set_ticks([-limit, 0, limit], labels=[f"−{told}", "0", told])
    bar.outline.set_color(NEUTRAL)
    beyond = max(np.abs(image.get_array()).max() for image in images) > limit * (1 + 1e-6)
    return f" Numbers beyond ±{told} take the colour of the scale's end." if beyond else ""


def arrow(axes, start, end, colour=MUTED, wide=1.6, style="-|>", shrink=0, **look):
    """An arrow from `start` to `end`, `shrink` points shorter at both."""
    look |= {"arrowstyle": style, "color": colour, "lw": wide, "shrinkA": shrink, "shrinkB": shrink}
    axes.annotate("", end, start, arrowprops=look)


def chip(axes, x, y, width, height, text, colour, lit=True):
    """A box with a name in it, on an `overlay`; `x`, `y` is its upper left corner."""
    look = {"facecolor": colour if lit else "white", "edgecolor": colour if lit else NEUTRAL}
    box = FancyBboxPatch((x + 4, y + 4), width - 8, height - 8, boxstyle="round,pad=4", linewidth=1.5, **look)
    axes.add_patch(box)
    ink, weight = (ink_on(colour), "bold") if lit else (MUTED, "normal")
    write(axes, x + width / 2, y + height / 2, text, 12.5, ink, weight=weight)


def row_figure(names, each, extra):
    """A figure and axes for one row per name, of at most `each` CSS pixels, and `extra` around them."""
    figure = new_figure(extra + min(each, (400 - extra) / len(names)) * len(names), "constrained")
    axes = figure.add_subplot()
    row_labels(axes, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    return figure, axes


def log_axis(axes, which, low, high):
    """Make an axis logarithmic around `low` … `high`, its labels plain text."""
    axis = getattr(axes, f"{which}axis")
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low / 1.6, high * 1.6)})
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0), numticks=7))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: tick(value))


def flags(axes, marks):
    """Write the texts of `marks`, pairs (x, text) from left to right, over `axes`, a line higher where they would touch."""
    ends = []  # where the text of each line ends
    look = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center"}
    arrow = {"arrowstyle": "-|>", "color": MUTED, "lw": 1, "shrinkA": 0, "shrinkB": 0}
    room, lines = axes.figure.bbox.width, (axes.figure.bbox.height - axes.bbox.y1 - 18) // 20.8
    for x, text in marks:
        text = shorten(text, 260)
        at, half = axes.transData.transform((x, 0))[0], text_width(text) / 2
        middle = min(max(at, half), room - half)  # a text stays inside the picture
        line = next((n for n, end in enumerate(ends) if end < middle - half), len(ends))
        if line >= lines:
            what = f"the texts of {len(marks)} marks find no room above one another"
            raise PictureError(f"{what}: fewer, or shorter ones")
        ends[line : line + 1] = [middle + half + 8]
        aside = (middle - at) * 72 / axes.figure.dpi
        axes.annotate(text, (x, 1), (aside, 13 + 15 * line), arrowprops=arrow, **look)


def legend(figure, handles, room, columns=4):
    """The names of `handles`, a dict, each at most `room` CSS pixels wide, above what is drawn."""
    place = "outside upper left" if figure.get_layout_engine() else "upper left"
    figure.legend(handles.values(), [shorten(name, room) for name in handles], loc=place, ncols=columns)


def end_labels(axes, x, ends):
    """Names beside the right ends, at `x`, of curves: `ends` are (height, name, colour); no two touch."""
    look = {"xycoords": ("axes fraction", "data"), "textcoords": "axes fraction", "va": "center"}
    before, ends, each = -math.inf, sorted(end for end in ends if end[1]), 0.075
    for below, (height, name, colour) in enumerate(ends, 1):
        at = axes.transAxes.inverted().transform(axes.transData.transform((x, height)))[1]
        before = max(before + each, min(at, 1 - each * (len(ends) - below)))  # the last at the top, at most
        arrow = {"arrowstyle": "-", "color": colour, "lw": 1.2, "relpos": (0, 0.5)}
        axes.annotate(shorten(name, 290), (1, height), (1.04, before), arrowprops=arrow, **look)


def label_points(axes, points, centre, names, *, avoid=None, size=11.5):
    """Write `names` beside `points` [n, 2], each at the first place around its point, starting away from `centre`
    (one for all or one each), where it covers no point, none of `avoid` [m, 2] and no earlier name. Of more than
    14 names only those are written that find such a place; returns how many."""
    room, written = axes.bbox.size, 0
    places = points, centre, points if avoid is None else avoid
    points, centre, avoid = (axes.transData.transform(each) - axes.bbox.min for each in places)
    low, high = avoid - 6, avoid + 6  # the corners of what must not be covered
    turns = (0, 0.5, -0.5, 1, -1, 1.6, -1.6, 2.3, -2.3, math.pi)
    reach, turn = (each.ravel() for each in np.meshgrid((8, 17, 28, 40), turns, indexing="ij"))
    reach = reach * max(1, size / 12)
    for point, (across, up), name in zip(points, points - centre, names, strict=True):
        text = shorten(name, 120 if size < 12 else 300, size)
        half = np.array([text_width(text, size) / 2 + (1 if size < 12 else 8), 0.78 * size])
        angle = turn + math.atan2(up, across)
        middle = point + np.stack([np.cos(angle), np.sin(angle)], 1) * (reach[:, None] + half)
        outside = np.maximum(half - middle, middle + half - room).clip(0).sum(1)
        shared = np.minimum(middle[:, None] + half, high) - np.maximum(middle[:, None] - half, low)
        cost = shared.clip(0).prod(2).sum(1) + 1000 * outside
        best = cost.argmin()
        if cost[best] > 0 and len(points) > MOST_TOKENS:
            continue
        written += 1
        low, high = np.vstack([low, middle[best] - half]), np.vstack([high, middle[best] + half])
        look = {"size": size, "ha": "center", "va": "center", "zorder": 6}
        axes.text(*middle[best] / room, text, transform=axes.transAxes, **look)
    return written
