"""A matplotlib figure that carries its own words and shows itself the same way everywhere.

No pyplot: a `Figure` of its own is quicker, and nothing stays open behind the reader's back.
"""

import base64
import functools
import html
import io
import unicodedata
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path
from PIL import Image, PngImagePlugin

FONT = "DejaVu Sans"  # ships with matplotlib, so it is the same on every machine
INK = "#161616"
MUTED = "#5a5a5a"
DPI = 100  # one inch is 100 CSS pixels, so every size below can be said in pixels
SCREEN = 2  # device pixels per CSS pixel in a PNG: crisp on a projector

LOOK = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 11.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "font.family": [FONT],
    "font.size": 11.5,
    "hatch.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "pdf.fonttype": 42,
    "savefig.bbox": None,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "svg.hashsalt": "bert",  # the same file from a second run
    "text.color": INK,
    "text.parse_math": False,  # a token such as $5 is text
    "text.usetex": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11,
}


class Picture:
    """A figure with the words that carry it; as the value of a cell it shows itself.

    Attributes: `figure` (matplotlib Figure), `alt` (the full description) and `caption` (what to see),
    both plain text.
    """

    def __init__(self, figure, alt, caption):
        self.figure = figure
        self.alt, self.caption = (readable(" ".join(words.split())) for words in (alt, caption))

    @property
    def png(self):
        """The picture as PNG bytes, two device pixels per CSS pixel, with the alt text inside."""
        pixels = io.BytesIO()
        with matplotlib.rc_context(LOOK):
            self.figure.savefig(pixels, format="rgba", dpi=SCREEN * DPI)
        size = tuple(int(side) for side in self.figure.get_size_inches() * (SCREEN * DPI))
        image = Image.frombytes("RGBA", size, pixels.getvalue()).convert("RGB")
        # A palette of 256 colours cannot be told from the full picture here and takes a third of the room.
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        palette, corner = image.getpalette(), 3 * image.getpixel((0, 0))
        image.putpalette([*palette[:corner], 255, 255, 255, *palette[corner + 3 :]])  # white stays white
        words = PngImagePlugin.PngInfo()
        words.add_itxt("Title", self.caption)
        words.add_itxt("Description", self.alt)
        out = io.BytesIO()
        image.save(out, format="png", pnginfo=words, dpi=(SCREEN * DPI, SCREEN * DPI))
        return out.getvalue()

    @property
    def html(self):
        """The picture as one HTML `<figure>`, the image inside it."""
        width = round(self.figure.get_size_inches()[0] * DPI)
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<figure style="margin: 0.5em 0"><img alt="{html.escape(self.alt)}" width="{width}" '
            f'style="max-width: 100%; height: auto" src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": self.alt}

    def __repr__(self):
        return self.alt

    def save(self, path):
        """Write the picture with its alt text inside, as PNG, SVG or PDF according to the name's ending.

        Raises ValueError for any other ending.
        """
        path = Path(path)
        kind = path.suffix.lower()
        if kind == ".png":
            path.write_bytes(self.png)
        elif kind == ".svg":
            path.write_text(self._svg(), encoding="utf-8", newline="\n")
        elif kind == ".pdf":
            words = {"Title": self.caption, "Subject": self.alt, "CreationDate": None}
            with matplotlib.rc_context(LOOK):
                self.figure.savefig(path, format="pdf", metadata=words)
        else:
            raise ValueError(
                f"a picture is saved as .png, .svg or .pdf; '{path.name}' ends in '{path.suffix}'"
            )

    def _svg(self):
        out = io.StringIO()
        with matplotlib.rc_context(LOOK):
            self.figure.savefig(out, format="svg", metadata={"Date": None})
        head, opening, rest = out.getvalue().partition("<svg ")
        attributes, _, body = rest.partition(">")
        words = f"<title>{html.escape(self.caption)}</title><desc>{html.escape(self.alt)}</desc>"
        return f'{head}{opening}role="img" {attributes}>{words}{body}'


def in_look(function):
    """Decorate a function that draws, so that everything it makes has the course's fonts and no mathtext."""

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with matplotlib.rc_context(LOOK):
            return function(*args, **kwargs)

    return wrapped


def sheet(width, height):
    """An empty figure of `width` × `height` CSS pixels. Draw on it inside a function marked `in_look`."""
    return Figure(figsize=(width / DPI, round(height) / DPI), dpi=DPI)


def place(figure, x, y, width, height, **options):
    """Axes at `x`, `y` (CSS pixels from the top left corner of the figure) of the size given."""
    across, down = figure.get_size_inches() * DPI
    return figure.add_axes((x / across, 1 - (y + height) / down, width / across, height / down), **options)


def overlay(figure):
    """Axes over the whole figure, in CSS pixels from its top left corner: for text, boxes and arrows."""
    across, down = figure.get_size_inches() * DPI
    axes = figure.add_axes((0, 0, 1, 1), zorder=5)
    axes.set(xlim=(0, across), ylim=(down, 0))
    axes.patch.set_visible(False)
    axes.axis("off")
    return axes


def write(axes, x, y, text, size=11.5, colour=INK, ha="center", **options):
    """Write `text` at `x`, `y` of `axes`, its lower-case letters around `y`; `ha` is its alignment across."""
    return axes.text(x, y, text, fontsize=size, color=colour, ha=ha, va="center_baseline", **options)


def readable(text):
    """`text` for reading aloud: control characters, lone surrogates and direction marks become stand-ins."""
    return "".join(_STAND_INS.get(c, "□") if _unprintable(c) else c for c in str(text))


@functools.lru_cache(maxsize=4096)
def drawable(text):
    """`text` for drawing: as `readable`, and what the font has no glyph for becomes □."""
    if not text.strip():
        return "␣" * len(text) or "(empty)"
    return "".join(c if get_font(_font()).get_char_index(ord(c)) else "□" for c in readable(text))


@functools.lru_cache(maxsize=4096)
def fit(text, room, size=11.5):
    """`text` made drawable and, where it is wider than `room` CSS pixels, shortened with an ellipsis."""
    text = drawable(text[:400])
    width = text_width(text, size)
    if width <= room:
        return text
    keep = int(len(text) * room / width) + 2
    while keep and text_width(text[:keep] + "…", size) > room:
        keep -= 1
    return text[:keep] + "…"


@functools.lru_cache(maxsize=4096)
def text_width(text, size=11.5):
    """The width of `text` in CSS pixels at `size` points."""
    properties = FontProperties(family=FONT, size=size)
    return text_to_path.get_text_width_height_descent(text, properties, False)[0] * DPI / 72


_STAND_INS = {"\n": "↵", "\r": "↵", "\t": "⇥", "\u2028": "↵", "\u2029": "↵"}


def _unprintable(character):
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@functools.cache
def _font():
    return findfont(FontProperties(family=FONT))
