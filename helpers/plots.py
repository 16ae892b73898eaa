"""The course's pictures: data in, picture out.

Every function returns a `helpers.figure.Picture` whose alt text and caption are computed from the data
drawn. Arrays may be tensors of any real dtype (gradients or not) or nested lists; T is the number of
tokens, H the hidden size. Where tokens go down the side, more than 14 of them are shown as the first ten
and the last four, and the words say so. A batch is drawn as its sentences one after the other: `tokens` is
then a list of lists and the arrays have the batch in front.

A wrong argument raises TypeError (not numbers, not text) or ValueError (shape, NaN, a picture that would be
untrue), in one sentence with the shapes found and expected.

The upper half of the file holds the pieces that pictures are composed of: `token_names`, `heat_strip`,
`scale_bar`, `piece_boxes`, `share_bars`, `chip`. Use them inside a function marked `figure.in_look`.
"""

import math

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from .figure import INK, MUTED, Picture, fit, in_look, overlay, place, readable, sheet, text_width

# Told apart under protanopia, deuteranopia and tritanopia and in greyscale: tests/test_plots.py computes it.
COLOURS = {
    "word": "#0d3b8c",
    "segment": "#d27d00",
    "position": "#a8437f",
    "sum": "#111111",
    "neutral": "#c4c4c4",
}
PARTS = ("word", "segment", "position")
# Lines and histograms that are not one of the parts, with a dash of their own each.
SERIES = (("#111111", "-", "o"), ("#0b8f77", "--", "s"), ("#b9b9b9", "-.", "^"), ("#6a51a3", ":", "D"))
PLAIN = "#8a8a8a"
# Signed numbers: white is zero; the two ends differ in lightness too, so the sign survives greyscale.
DIVERGING = LinearSegmentedColormap.from_list(
    "signed", [(0, "#062a63"), (0.25, "#4a7fc1"), (0.5, "#ffffff"), (0.75, "#f6b26b"), (1, "#d95f02")]
)
SEQUENTIAL = "viridis"
WIDTH = 900
MOST_TOKENS = 14


# ---------------------------------------------------------------- what may be drawn


def _numbers(name, value, shape, sizes=None):
    """`value` as a float64 array of `shape`, e.g. "T H"; `sizes` remembers what T and H are."""
    sizes = {} if sizes is None else sizes
    try:
        tensor = torch.as_tensor(value, dtype=torch.float64 if isinstance(value, (list, tuple)) else None)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a tensor of numbers, found {type(value).__name__}") from None
    if tensor.is_complex():
        raise TypeError(f"{name} must hold real numbers, found {tensor.dtype}")
    names = shape.split()
    expected = [int(n) if n.isdigit() else sizes.get(n, n) for n in names]
    found = list(tensor.shape)
    right = len(found) == len(expected)
    if not right or any(isinstance(e, int) and e != f for e, f in zip(expected, found, strict=True)):
        hint = ""
        if len(found) == len(expected) + 1:
            hint = f"; one sentence of a batch is {name}[0]"
        told = ", ".join(map(str, expected))
        meaning = f" = [{', '.join(names)}]" if [str(e) for e in expected] != names else ""
        raise ValueError(f"{name} must have the shape [{told}]{meaning}, found {found}{hint}")
    if 0 in found:
        raise ValueError(f"{name} is empty: found the shape {found}")
    sizes.update({n: f for n, f in zip(names, found, strict=True) if not n.isdigit()})
    array = tensor.detach().cpu().to(torch.float64).numpy()
    if not np.isfinite(array).all():
        place_of_it = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} holds NaN or infinity, first at {place_of_it}: it cannot be drawn")
    return array


def _whole_numbers(name, value, shape, sizes, below=None):
    array = _numbers(name, value, shape, sizes)
    if (array != np.round(array)).any():
        raise ValueError(f"{name} must hold whole numbers")
    if below is not None and (array.min() < 0 or array.max() >= below):
        wrong = int(array[(array < 0) | (array >= below)][0])
        raise ValueError(f"{name} must be from 0 to {below - 1}, found {wrong}")
    return array.astype(int)


def _texts(name, value):
    """`value` as a list of strings, none missing."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name} must be a list of strings, found {type(value).__name__}")
    texts = list(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a list of strings, found a {type(text).__name__} in it")
    if not texts:
        raise ValueError(f"{name} is empty: there is nothing to draw")
    return texts


def _named(name, value):
    """`value` as a dict that is not empty, its keys text."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a dict of name to numbers, found {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} is empty: there is nothing to draw")
    return {str(key): content for key, content in value.items()}


def _unbatched(tokens, *arrays):
    """A batch as one long list of tokens, with the arrays to match; anything else as it is."""
    if not isinstance(tokens, (list, tuple)) or not tokens or not isinstance(tokens[0], (list, tuple)):
        return tokens, *arrays
    lengths = {len(sentence) for sentence in tokens}
    flat = []
    for array in arrays:
        try:
            array = torch.as_tensor(array)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"a batch needs tensors of numbers, found {type(array).__name__}") from None
        if lengths != {array.shape[1] if array.dim() > 1 else None} or len(tokens) != array.shape[0]:
            raise ValueError(
                f"a batch of {len(tokens)} sentences of {sorted(lengths)} tokens needs the shape "
                f"[{len(tokens)}, {max(lengths)}, …], found {list(array.shape)}"
            )
        flat.append(array.flatten(0, 1))
    return [token for sentence in tokens for token in sentence], *flat


# ---------------------------------------------------------------- words


def _say(number):
    """A number for prose: three significant digits and at most three decimals, so that a difference in the
    last bits between machines leaves it alone."""
    if abs(number) < 0.0005:
        return "0" if abs(number) < 1e-5 else "about 0"
    if abs(number) >= 100:
        return f"{number:,.0f}".replace("-", "−")
    rounded = round(float(f"{number:.3g}"), 3)
    return np.format_float_positional(rounded, trim="-").replace("-", "−")


def _percent(share):
    """Whole percent, finer where that would say 0% or 100% of what is not."""
    if share in (0, 1) or 0.00995 <= share < 0.995:
        return f"{share:.0%}"
    if share > 1:
        return f"{share:,.0%}"
    digits = float(f"{share * 100:.2g}") if share < 0.5 else math.floor(share * 1000) / 10
    return np.format_float_positional(digits, trim="-") + "%"


def _clipped(limit, *arrays):
    """What the words say when numbers lie beyond the ends of the colour scale."""
    beyond = any(np.nanmax(np.abs(array)) > limit for array in arrays)
    return f" Numbers beyond ±{limit:g} take the colour of the scale's end." if beyond else ""


def _list(items):
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _quote(token):
    token = readable(token)
    return f"“{token if len(token) <= 40 else token[:39] + '…'}”"


def _count(n, noun):
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _tokens_said(tokens):
    """The tokens in words: all of them, or the first and last few."""
    if len(tokens) <= MOST_TOKENS:
        return _list(_quote(t) for t in tokens)
    shown = [_quote(t) for t in (*tokens[:3], *tokens[-2:])]
    return f"{', '.join(shown[:3])} … {' and '.join(shown[3:])}"


def _left_out(n, most=MOST_TOKENS):
    """What the words say when not every token is drawn."""
    if n <= most:
        return ""
    first, last = _ends(n, most)
    return f" Shown are the first {len(first)} and the last {len(last)} of {n} tokens."


def _ends(n, most=MOST_TOKENS):
    """The rows drawn when `n` are too many: those before and those after the gap."""
    if n <= most:
        return list(range(n)), []
    last = max(1, most * 2 // 7)
    return list(range(most - last)), list(range(n - last, n))


def _power(value, _=None):
    """Tick label of a logarithmic scale, without mathtext."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if -3 <= exponent <= 3:
        return f"{value:,.0f}" if exponent >= 0 else f"{value:.{-exponent}f}"
    power = "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    digit = round(value / 10**exponent)
    return power if digit == 1 else f"{digit}·{power}"


# ---------------------------------------------------------------- pieces that pictures are made of


def tint(colour, amount):
    """`colour` mixed with white: 1 is the colour itself, 0 white."""
    return tuple(1 - amount * (1 - channel) for channel in to_rgb(colour))


def ink_on(colour):
    """Black or white, whichever reads better on `colour`."""
    red, green, blue = to_rgb(colour)
    return "white" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < 0.25 else INK


def limit_of(*arrays):
    """A round number L so that the map from -L to L shows the arrays; the largest one in 200 may lie outside."""
    sizes = np.abs(np.concatenate([np.ravel(a) for a in arrays]))
    top = np.quantile(sizes[np.isfinite(sizes)], 0.995)
    if top == 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(top))
    return next(step * unit for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * unit >= top * (1 - 1e-9))


def with_gap(array, most=MOST_TOKENS):
    """The rows drawn: `array` itself, or its first and last rows with a row of NaN between them."""
    first, last = _ends(len(array), most)
    if not last:
        return array
    return np.concatenate([array[first], np.full((1, *array.shape[1:]), np.nan), array[last]])


def token_names(tokens, room, most=MOST_TOKENS, size=11.5):
    """The labels of the rows that `with_gap` gives, each at most `room` CSS pixels wide."""
    first, last = _ends(len(tokens), most)
    gap = [f"⋮ {len(tokens) - len(first) - len(last)} more"] if last else []
    return [*(fit(tokens[i], room, size) for i in first), *gap, *(fit(tokens[i], room, size) for i in last)]


def row_labels(axes, names, side="left"):
    """Write `names` beside rows 0, 1, … of `axes`, without ticks."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelleft=side == "left", labelright=side == "right")


def heat_strip(axes, values, limit, names=None):
    """Draw `values` [rows, columns] as a heat map from -limit to limit, a white line between the rows."""
    image = axes.imshow(
        values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest", zorder=1
    )
    axes.hlines(np.arange(1, len(values)) - 0.5, -0.5, values.shape[1] - 0.5, color="white", lw=1.5, zorder=2)
    axes.set_xticks([])
    row_labels(axes, names or [])
    axes.spines[:].set_visible(False)
    return image


def scale_bar(axes, limit, label=""):
    """Draw the one colour scale, from -limit to limit."""
    axes.imshow(
        np.linspace(-limit, limit, 101)[None],
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        extent=(-limit, limit, 0, 1),
    )
    axes.set_yticks([])
    axes.set_xticks([-limit, 0, limit], [f"−{limit:g}", "0", f"{limit:g}"])
    axes.tick_params(axis="x", length=3)
    axes.spines[:].set(visible=True, color=COLOURS["neutral"])
    if label:
        axes.set_title(label, fontsize=11, color=MUTED, pad=4)


def chip(axes, x, y, width, height, text, colour, lit=True, size=12.5):
    """A box with a name in it, on an `overlay`; `x`, `y` is its upper left corner."""
    face, ink = (colour, ink_on(colour)) if lit else ("white", MUTED)
    axes.add_patch(
        FancyBboxPatch(
            (x + 4, y + 4),
            width - 8,
            height - 8,
            boxstyle="round,pad=4",
            facecolor=face,
            edgecolor=colour if lit else COLOURS["neutral"],
            linewidth=1.5,
        )
    )
    axes.text(
        x + width / 2,
        y + height / 2,
        fit(text, width - 6, size),
        ha="center",
        va="center_baseline",
        color=ink,
        fontsize=size,
        weight="bold" if lit else "normal",
    )


def arrow(axes, start, end, colour=MUTED, width=1.6):
    """A straight arrow on an `overlay`."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": width})


def piece_boxes(axes, x, y, room, tokens, ids, word_ids, lines=3, with_labels=True):
    """Draw word pieces as boxes with their ids under them, from `x`, `y` of an `overlay`, `room` wide.

    Pieces of one word touch, special tokens are grey. What does not fit into `lines` lines is left out at a
    gap that says how many. Returns (the height used, the number of tokens left out).
    """
    line_height, size = 84, 12

    def width_of(i):
        if i is None:
            return 128
        return max(38, text_width(fit(tokens[i], 200, size), size) + 14, text_width(str(ids[i]), 11) + 8)

    def lay_out(first, last):
        groups = []  # pieces of one word stay together
        for i in (*first, None, *last) if last else first:
            before = groups[-1][-1] if groups else None
            if None not in (i, before) and word_ids[i] is not None and word_ids[i] == word_ids[before]:
                groups[-1].append(i)
            else:
                groups.append([i])
        places, left, line = [], 0, 0
        for group in groups:
            if left and left + sum(map(width_of, group)) > room:
                left, line = 0, line + 1
            for i in group:
                width = width_of(i)
                if left and left + width > room:
                    left, line = 0, line + 1
                places.append((i, left, line, width))
                left += width
            left += 9
        return places, line + 1

    most = min(len(tokens), 20 * lines)
    places, used = lay_out(*_ends(len(tokens), most))
    while used > lines and most > 3:
        most -= 1
        places, used = lay_out(*_ends(len(tokens), most))
    drawn = [i for i, *_ in places if i is not None]
    for i, left, line, width in places:
        top = y + line * line_height
        middle = x + left + width / 2
        if i is None:
            told = f"… {len(tokens) - len(drawn):,} more …"
            axes.text(middle, top + 17, told, ha="center", va="center_baseline", color=MUTED)
            continue
        special = word_ids[i] is None
        face = tint(COLOURS["neutral"], 0.55) if special else tint(COLOURS["word"], 0.14)
        edge = MUTED if special else COLOURS["word"]
        axes.add_patch(Rectangle((x + left, top), width, 34, facecolor=face, edgecolor=edge, linewidth=1.2))
        label = fit(tokens[i], 200, size)
        axes.text(middle, top + 17, label, ha="center", va="center_baseline", fontsize=size)
        axes.text(middle, top + 53, str(ids[i]), ha="center", va="center_baseline", fontsize=11)
    if with_labels:
        for line in range(used):
            for down, told in ((17, "word pieces"), (53, "ids")):
                at = (x - 14, y + line * line_height + down)
                axes.text(*at, told, ha="right", va="center_baseline", color=MUTED, fontsize=11)
    return used * line_height, len(tokens) - len(drawn)


def share_bars(axes, values, names):
    """Draw rows of three shares [rows, 3] as horizontal bars: word, segment, position."""
    rows, start = np.arange(len(values)), np.zeros(len(values))
    for column, part in enumerate(PARTS):
        width = np.nan_to_num(values[:, column])
        axes.barh(rows, width, 0.78, left=start, color=COLOURS[part], edgecolor="white", label=part)
        for row in rows[width >= 0.08]:
            middle = start[row] + width[row] / 2
            ink = ink_on(COLOURS[part])
            axes.text(
                middle, row, f"{width[row]:.0%}", ha="center", va="center_baseline", color=ink, fontsize=11
            )
        start = start + width
    axes.set(xlim=(0, 1), ylim=(len(values) - 0.5, -0.5))
    axes.set_xticks([])
    row_labels(axes, names)
    axes.spines[:].set_visible(False)


def _legend(axes, x, y, entries, size=11.5):
    """Coloured squares with names, left to right from `x`, `y` on an `overlay`."""
    for text, colour in entries:
        axes.add_patch(Rectangle((x, y - 7), 14, 14, facecolor=colour, edgecolor=MUTED, linewidth=0.8))
        axes.text(x + 20, y, text, va="center_baseline", fontsize=size)
        x += 20 + text_width(text, size) + 20


def _log(axes, which, values, most=7):
    """Make an axis logarithmic, from below to above `values`, with labels that are plain text."""
    axis = getattr(axes, f"{which}axis")
    low, high = min(values), max(values)
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low / 1.6, high * 1.6)})
    subs = (1.0,) if high / low > 100 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_power))
    axes.grid(True, axis=which, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def _label_points(axes, points, names, size=11.5, room=120, avoid=(), toward=None):
    """Write `names` beside `points` [n, 2] (CSS pixels within `axes`, from its lower left corner), each at
    the first place around its point, starting outward or at the angle `toward`, where it covers neither a
    point, nor one of the points `avoid`, nor an earlier name."""
    figure = axes.get_figure()
    width, height = axes.get_position().size * figure.get_size_inches() * 100
    centre = points.mean(0)
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in (*points, *avoid)]
    for (x, y), name in zip(points, names, strict=True):
        text = fit(name, room, size)
        across, down = text_width(text, size) + 2, size * 1.5
        out = math.atan2(y - centre[1], x - centre[0]) if toward is None else toward
        best = None
        for reach in (8, 17, 28, 40):
            for turn in (0, 0.5, -0.5, 1, -1, 1.6, -1.6, 2.3, -2.3, math.pi):
                right, up = math.cos(out + turn), math.sin(out + turn)
                left = x + right * (reach + across / 2) - across / 2
                low = y + up * (reach + down / 2) - down / 2
                box = (left, low, left + across, low + down)
                outside = max(0, -box[0], -box[1], box[2] - width, box[3] - height)
                cover = sum(
                    max(0, min(box[2], b[2]) - max(box[0], b[0]))
                    * max(0, min(box[3], b[3]) - max(box[1], b[1]))
                    for b in taken
                )
                cost = cover + 1000 * outside
                if best is None or cost < best[0]:
                    best = (cost, box)
            if best[0] == 0:
                break
        taken.append(best[1])
        axes.text(
            (best[1][0] + best[1][2]) / 2 / width,
            (best[1][1] + best[1][3]) / 2 / height,
            text,
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=size,
            zorder=6,
        )


def _scale(axes, points, margin, equal=True):
    """Limits around `points`, with `margin` (x, y) CSS pixels free around them and, if `equal`, the same
    scale on both axes; returns the points in CSS pixels within the axes."""
    figure = axes.get_figure()
    size = axes.get_position().size * figure.get_size_inches() * 100
    low, high = points.min(0), points.max(0)
    scale = np.maximum((high - low) / np.maximum(size - 2 * np.asarray(margin), 10), 1e-9)
    scale = scale.max() if equal else scale
    start = (low + high) / 2 - size / 2 * scale
    end = start + size * scale
    axes.set(xlim=(start[0], end[0]), ylim=(start[1], end[1]))
    return (points - start) / scale


def _calm(axes, ticks=5):
    """Few ticks and a pale grid."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks))
    axes.xaxis.set_major_locator(MaxNLocator(ticks + 2))
    axes.grid(True, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def _done(figure, alt, caption):
    return Picture(figure, " ".join(alt.split()), " ".join(caption.split()))


# ---------------------------------------------------------------- the layer


STEPS = {
    "tokenize": "neutral",
    "word": "word",
    "segment": "segment",
    "position": "position",
    "sum": "sum",
    "layer norm": "sum",
    "dropout": "sum",
}


@in_look
def pipeline(step=None):
    """The whole layer as a strip, `step` lit (one of "tokenize", "word", "segment", "position", "sum",
    "layer norm", "dropout"); with None every step is.

    Raises ValueError for any other step.
    """
    if step is not None and step not in STEPS:
        raise ValueError(f"step must be None or one of {_list(STEPS)}, found {step!r}")
    figure = sheet(WIDTH, 168)
    axes = overlay(figure)
    boxes = {
        "tokenize": (92, 62, 104, 44),
        "word": (282, 10, 118, 44),
        "segment": (282, 62, 118, 44),
        "position": (282, 114, 118, 44),
        "sum": (452, 62, 62, 44),
        "layer norm": (560, 62, 116, 44),
        "dropout": (718, 62, 92, 44),
    }
    axes.text(36, 84, "text", ha="center", va="center_baseline", fontsize=12.5)
    arrow(axes, (58, 84), (90, 84))
    for name in PARTS:
        middle = boxes[name][1] + 22
        arrow(axes, (232 if name == "segment" else 240, 84), (280, middle))
        arrow(axes, (402, middle), (450, 84))
    axes.plot([198, 240], [84, 84], color=MUTED, lw=1.6)
    axes.text(222, 112, "ids\n[B, T]", ha="center", va="top", fontsize=10.5, color=MUTED)
    for start, end in ((516, 558), (678, 716), (812, 830)):
        arrow(axes, (start, 84), (end, 84))
    axes.text(864, 84, "[B, T, H]", ha="center", va="center_baseline", fontsize=10.5, color=INK)
    for name, (x, y, width, height) in boxes.items():
        label = {"sum": "+", "layer norm": "LayerNorm"}.get(name, name)
        colour = PLAIN if name == "tokenize" else COLOURS[STEPS[name]]
        chip(axes, x, y, width, height, label, colour, lit=step in (None, name))
    way = (
        "text is tokenized to ids [B, T]; the ids pick rows of the word, segment and position tables; "
        "the three are summed, then come LayerNorm and dropout, and [B, T, H] comes out"
    )
    if step is None:
        return _done(figure, f"The embedding layer from left to right: {way}.", "The whole embedding layer.")
    order = list(STEPS).index(step) + 1
    alt = f"The embedding layer from left to right: {way}. Lit here: {step}, step {order} of {len(STEPS)}."
    return _done(figure, alt, f"You are here: {step}, step {order} of {len(STEPS)} of the embedding layer.")


@in_look
def word_pieces(text, tokens, ids, word_ids):
    """Text → word pieces → ids.

    `tokens` list of T strings, `ids` [T], `word_ids` list of T (`encoding.word_ids()`: None for a special
    token, else the number of the word the piece belongs to).
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, found {type(text).__name__}")
    tokens, sizes = _texts("tokens", tokens), {}
    sizes["T"] = len(tokens)
    ids = _whole_numbers("ids", ids, "T", sizes)
    word_ids = list(word_ids)
    if len(word_ids) != len(tokens):
        raise ValueError(
            f"word_ids must have one entry per token: expected {len(tokens)}, found {len(word_ids)}"
        )
    figure = sheet(WIDTH, 70 + 84 * 3)
    axes = overlay(figure)
    axes.text(98, 28, "text", ha="right", va="center_baseline", color=MUTED, fontsize=11)
    shown = fit(text, 770, 14)
    axes.text(112, 28, shown, va="center_baseline", fontsize=14)
    height, left_out = piece_boxes(axes, 112, 62, 776, tokens, ids, word_ids)
    figure.set_size_inches(WIDTH / 100, (54 + height) / 100)
    axes.set_ylim(54 + height, 0)

    groups = {}
    for token, word in zip(tokens, word_ids, strict=True):
        groups.setdefault(word, []).append(token)
    special = groups.pop(None, [])
    split = sorted((g for g in groups.values() if len(g) > 1), key=len, reverse=True)
    pairs = [f"{_quote(t)} {i}" for t, i in zip(tokens, ids, strict=True)]
    pairs = pairs if len(pairs) <= MOST_TOKENS else [*pairs[:4], "…", *pairs[-2:]]
    alt = (
        f"The text {_quote(text)} becomes {_count(len(tokens), 'token')}: "
        f"{_count(len(tokens) - len(special), 'word piece')} and {_count(len(special), 'special token')}. "
        f"Token and id: {', '.join(pairs)}."
    )
    if split:
        told = _list(_quote(piece) for piece in split[0][:8]) + (" …" if len(split[0]) > 8 else "")
        alt += f" {_count(len(split), 'word')} fall{'s' if len(split) == 1 else ''} into several pieces, "
        alt += f"the most broken into {len(split[0])}: {told}."
        caption = f"{len(split)} of {_count(len(groups), 'word')} became several pieces, drawn touching."
    else:
        alt += " Every word is one piece."
        caption = "Every word is in the vocabulary whole: one piece, one id each."
    if not groups:
        caption = "No word at all: only special tokens."
        alt = alt.replace(" Every word is one piece.", "")
    if special:
        caption += " Grey: special tokens."
    if left_out:
        told = f" {left_out} of the {len(tokens)} tokens are left out of the picture."
        alt, caption = alt + told, caption + told
    return _done(figure, alt, caption)


VOCABULARY_KINDS = {
    "special": COLOURS["sum"],
    "unused": COLOURS["neutral"],
    "single characters": "#7d7d7d",
    "whole words": COLOURS["word"],
    "## pieces": tint(COLOURS["word"], 0.35),
}


def _vocabulary_kind(token):
    if token.startswith("[unused") and token.endswith("]"):
        return "unused"
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        return "special"
    if token.startswith("##"):
        return "## pieces"
    return "single characters" if len(token) == 1 else "whole words"


@in_look
def vocabulary_map(tokens):
    """What lies where in the vocabulary: for each 1,000 ids, how many of each kind.

    `tokens` list of the V vocabulary strings in id order.
    """
    tokens = _texts("tokens", tokens)
    kinds = list(VOCABULARY_KINDS)
    of = np.array([kinds.index(_vocabulary_kind(token)) for token in tokens])
    bins = -(-len(tokens) // 1000)
    counts = np.zeros((len(kinds), bins), int)
    np.add.at(counts, (of, np.arange(len(tokens)) // 1000), 1)

    figure = sheet(WIDTH, 330)
    axes = place(figure, 88, 52, 780, 222)
    bottom = np.zeros(bins)
    for kind, row in zip(kinds, counts, strict=True):
        axes.bar(np.arange(bins) + 0.5, row, 0.88, bottom, color=VOCABULARY_KINDS[kind], label=kind)
        bottom += row
    axes.set(xlim=(0, bins), ylim=(0, 1000), xlabel="token id", ylabel="per 1,000 ids")
    step = max(1, -(-bins // 8))
    axes.set_xticks(range(0, bins + 1, step), [f"{k * 1000:,}" for k in range(0, bins + 1, step)])
    axes.set_yticks([0, 500, 1000], ["0", "500", "1,000"])
    entries = [(f"{n:,} {k}", VOCABULARY_KINDS[k]) for k, n in zip(kinds, counts.sum(1), strict=True) if n]
    _legend(overlay(figure), 20, 24, entries, 11)

    told = [f"{n:,} {kind}" for kind, n in zip(kinds, counts.sum(1), strict=True) if n]
    alt = f"The {len(tokens):,} vocabulary entries, counted per 1,000 ids: {_list(told)}."
    for kind in ("unused", "single characters", "whole words", "## pieces"):
        ids = np.flatnonzero(of == kinds.index(kind))
        if len(ids):
            alt += f" {kind.capitalize()}: from id {ids[0]:,} to {ids[-1]:,}."
    pieces = counts[kinds.index("## pieces")].sum() / len(tokens)
    words = counts[kinds.index("whole words")].sum() / len(tokens)
    caption = f"{_percent(words)} of the vocabulary are whole words, {_percent(pieces)} are ## pieces."
    return _done(figure, alt, caption)


@in_look
def lookup(kind, table, ids, rows, tokens, dims=32):
    """The lookup: the tall table, the rows picked, and the tensor that comes out.

    `kind` "word", "segment" or "position"; `table` [N, H]; `ids` [T], the row picked for each token; `rows`
    [T, H], what came out; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `rows` are not the table's rows at `ids`.
    """
    if kind not in PARTS:
        raise ValueError(f"kind must be one of {_list(PARTS)}, found {kind!r}")
    tokens, ids, rows = _unbatched(tokens, ids, rows)
    tokens = _texts("tokens", tokens)
    if not isinstance(table, torch.Tensor) or table.dim() != 2 or 0 in table.shape:
        found = list(table.shape) if isinstance(table, torch.Tensor) else type(table).__name__
        raise ValueError(f"table must be a tensor of the shape [N, H], found {found}")
    length, width = table.shape
    sizes = {"T": len(tokens), "H": width}
    ids = _whole_numbers("ids", ids, "T", sizes, below=length)
    rows = _numbers("rows", rows, "T H", sizes)
    first, last = _ends(len(tokens), 9)
    drawn = sorted({0, length - 1, *ids[first], *ids[last]})
    picked_rows = _numbers("table", table[torch.as_tensor(ids)], "T H", sizes)
    wrong = np.flatnonzero((picked_rows != rows).any(1))
    if len(wrong):
        t = wrong[0]
        raise ValueError(
            f"row {t} of rows ({_quote(tokens[t])}) is not row {ids[t]} of the table: no such lookup"
        )
    in_table = _numbers("table", table[drawn], "N H")
    dims = min(dims, width)
    colour = COLOURS[kind]

    # The table, torn where rows are left out: full height for a row, less for a tear.
    slots, before = [], -1
    for i in drawn:
        if i > before + 1:
            slots.append(None)
        slots.append(i)
        before = i
    heights = np.array([1.0 if i is not None else 0.62 for i in slots])
    shown = with_gap(rows, 9)[:, :dims]
    top, tall = 62, 270
    unit, step = min(34.0, tall / heights.sum()), min(34.0, tall / len(shown))
    edges = np.concatenate([[0], np.cumsum(heights)]) * unit
    deepest = top + max(edges[-1], step * len(shown))
    figure = sheet(WIDTH, deepest + 46)
    limit = limit_of(in_table[:, :dims], rows[:, :dims])

    axes = place(figure, 84, top, 290, edges[-1])
    values = np.full((len(slots), dims), np.nan)
    values[[i is not None for i in slots]] = in_table[:, :dims]
    axes.pcolormesh(np.arange(dims + 1), edges, values, cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set(ylim=(edges[-1], 0))
    axes.set_xticks([])
    axes.spines[:].set(visible=True, color=colour, linewidth=2)
    middles = (edges[:-1] + edges[1:]) / 2
    small = min(11.5, unit * 0.66)
    axes.set_yticks(middles, [f"{i:,}" if i is not None else "" for i in slots], fontsize=small)
    axes.tick_params(axis="y", length=0)
    for label, i in zip(axes.get_yticklabels(), slots, strict=True):
        label.set(weight="bold" if i in ids else "normal", color=INK if i in ids else MUTED)
    for row, i in enumerate(slots):
        axes.axhline(edges[row], color="white", lw=1)
        if i is None:
            axes.axhspan(edges[row], edges[row + 1], color="#efefef", lw=0)
            skipped = slots[row + 1] - (slots[row - 1] + 1 if row else 0)
            told = f"⋯ {_count(skipped, 'row')} ⋯" if unit > 15 else "⋯"
            axes.text(
                dims / 2,
                middles[row],
                told,
                ha="center",
                va="center_baseline",
                color=MUTED,
                fontsize=small * 0.86,
            )

    start = top + max(0.0, (edges[-1] - step * len(shown)) / 2)
    out = place(figure, 520, start, 250, step * len(shown))
    heat_strip(out, shown, limit)
    row_labels(out, token_names(tokens, 112, 9), side="right")
    over = overlay(figure)
    for row, t in enumerate([*first, None, *last] if last else first):
        if t is None:
            continue
        begin, end = top + middles[slots.index(ids[t])], start + step * (row + 0.5)
        curve = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
        over.annotate("", (517, end), (378, begin), arrowprops=curve)
    for x, across, title, shape in (
        (84, 290, f"{kind} table", f"[{length:,}, {width}]"),
        (520, 250, "rows picked", f"[{len(tokens)}, {width}]"),
    ):
        chip(over, x, 4, across, 28, title, colour)
        over.text(x + across / 2, 46, shape, ha="center", va="center_baseline", color=MUTED, fontsize=11)
    scale_bar(place(figure, 570, deepest + 10, 150, 12), limit)
    if dims < width:
        told = f"first {dims} of {width} numbers →"
        over.text(84, deepest + 18, told, va="center_baseline", fontsize=11, color=MUTED)

    distinct = sorted(set(ids.tolist()))
    which = _list(f"{_quote(tokens[t])} row {ids[t]:,}" for t in range(min(len(tokens), 10)))
    which += " …" if len(tokens) > 10 else ""
    alt = (
        f"Lookup in the {kind} table of {length:,} rows of {width} numbers: each of {_count(len(tokens), 'token')} "
        f"takes one row, unchanged, and the rows stacked are the tensor [{len(tokens)}, {width}]. {which}. "
        f"{_count(len(distinct), 'different row')} of {length:,} {'is' if len(distinct) == 1 else 'are'} used."
    )
    if dims < width:
        alt += f" Drawn are the first {dims} of {width} numbers of each row."
    alt += _left_out(len(tokens), 9) + _clipped(limit, shown, in_table[:, :dims])
    if len(distinct) == 1 and len(tokens) > 1:
        caption = f"Every token takes the same row, {distinct[0]}, of the {kind} table."
    else:
        who = "The one token" if len(tokens) == 1 else f"Each of the {len(tokens)} tokens"
        caption = f"{who} takes one of the {length:,} rows of the {kind} table, unchanged."
    return _done(figure, alt, caption + _left_out(len(tokens), 9))


def _number_grid(axes, array, colours, cell, names=()):
    """A small matrix with its numbers written in the cells, `cell` CSS pixels wide."""
    axes.imshow([[to_rgb(c) for c in row] for row in colours], aspect="auto", interpolation="nearest")
    rows, columns = array.shape
    axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="white", lw=2)
    axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="white", lw=2)
    decimals = next((d for d in (0, 1) if np.abs(array - array.round(d)).max() < 1e-4), 2)
    told = [[f"{v + 0:.{decimals}f}".replace("-", "−") for v in row] for row in array.round(decimals)]
    widest = max(text_width(t, 12) for row in told for t in row)
    size = min(12.0, 12 * 0.92 * cell / widest)
    for row, column in np.ndindex(array.shape):
        ink = ink_on(colours[row][column])
        axes.text(column, row, told[row][column], ha="center", va="center_baseline", fontsize=size, color=ink)
    axes.set_xticks([])
    row_labels(axes, names)
    axes.spines[:].set_visible(False)


@in_look
def one_hot(matrix, table, rows):
    """One-hot [T, N] @ table [N, H] = rows [T, H] with the numbers written in, for toy sizes.

    Raises ValueError when T, N or H is over 12, when a row of `matrix` is not one 1 and else zeros, or when
    the product is not `rows`.
    """
    sizes = {}
    matrix = _numbers("matrix", matrix, "T N", sizes)
    table = _numbers("table", table, "N H", sizes)
    rows = _numbers("rows", rows, "T H", sizes)
    if max(sizes.values()) > 12:
        told = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        raise ValueError(f"one_hot writes every number, so T, N and H may be 12 at most; found {told}")
    if not ((matrix == 0) | (matrix == 1)).all() or (matrix.sum(1) != 1).any():
        raise ValueError("each row of matrix must hold a single 1 and zeros else")
    if not np.allclose(matrix @ table, rows, atol=1e-4):
        raise ValueError("rows is not matrix @ table, so the picture would be untrue")
    ids = matrix.argmax(1)
    most = max(len(matrix), len(table))
    step = min(32.0, 310 / most)
    figure = sheet(WIDTH, 56 + step * most)
    colour, pale, grey = COLOURS["word"], tint(COLOURS["word"], 0.18), "#ededed"
    columns = matrix.shape[1] + 2 * table.shape[1]
    cell = min(58.0, 660 / columns)
    x = (WIDTH - columns * cell - 190) / 2 + 20
    middle = 46 + step * most / 2
    over = overlay(figure)
    parts = (
        ("one-hot", matrix, [[colour if v else "#f1f1f1" for v in row] for row in matrix], ()),
        (
            "table",
            table,
            [[pale if n in ids else grey] * sizes["H"] for n in range(sizes["N"])],
            range(sizes["N"]),
        ),
        ("rows", rows, [[pale] * sizes["H"]] * sizes["T"], [f"row {i}" for i in ids]),
    )
    for (title, array, colours, names), sign, gap in zip(parts, ("@", "=", ""), (70, 100, 0), strict=True):
        across = array.shape[1] * cell
        axes = place(figure, x, middle - step * len(array) / 2, across, step * len(array))
        _number_grid(axes, array, colours, cell, [str(n) for n in names])
        axes.set_label(title)
        shape = f"{title} [{array.shape[0]}, {array.shape[1]}]"
        over.text(x + across / 2, 20, shape, ha="center", va="center_baseline", weight="bold")
        x += across
        over.text(x + 24, middle, sign, ha="center", va="center_baseline", fontsize=18, weight="bold")
        x += gap
    alt = (
        f"A one-hot matrix of shape {list(matrix.shape)} times a table of shape {list(table.shape)} gives "
        f"{list(rows.shape)}: the single 1 in each row of the matrix stands in column "
        f"{_list(str(i) for i in ids)}, and exactly these rows of the table come out, in this order."
    )
    return _done(figure, alt, "Each single 1 picks one row of the table; the zeros pick nothing.")


def _part_colour(name):
    """The colour of the part a name speaks of, else neutral."""
    name = name.lower()
    for part in PARTS:
        if part in name or (part == "segment" and "type" in name):
            return COLOURS[part]
    return COLOURS["sum"] if name in ("sum", "total") else PLAIN


@in_look
def parameters(counts, title):
    """Parameter counts, `counts` dict name → int, as bars on a linear and on a logarithmic scale."""
    counts = _named("counts", counts)
    names = list(counts)
    values = _whole_numbers("counts", [counts[n] for n in names], "N", {})
    if (values < 1).any():
        raise ValueError(f"each count must be 1 or more, found {values.min()}")
    shares = values / values.sum()
    figure = sheet(WIDTH, 92 + 40 * len(names) + 38)
    colours = [_part_colour(name) for name in names]
    rows = np.arange(len(names))
    for x, log in ((150, False), (560, True)):
        axes = place(figure, x, 70, 290 if not log else 230, 40 * len(names))
        axes.barh(rows, values, 0.68, color=colours)
        axes.set(ylim=(len(names) - 0.5, -0.5))
        row_labels(axes, [fit(n, 136) for n in names] if not log else [""] * len(names))
        axes.spines["left"].set_visible(False)
        if log:
            _log(axes, "x", (10 ** (math.floor(math.log10(values.min())) - 0.8), values.max()), 5)
            axes.set_title("the same, logarithmic", fontsize=11.5, color=MUTED)
        else:
            axes.set_xlim(0, values.max() * 1.02)
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
            axes.set_title("to scale", fontsize=11.5, color=MUTED)
        for row in rows:
            told = f"{values[row]:,}" if log else _percent(shares[row])
            inside = not log and shares[row] > 0.8 * shares.max() and values[row] > 0.5 * values.max()
            if log:
                axes.text(1.03, row, told, transform=axes.get_yaxis_transform(), va="center_baseline")
            elif inside:
                axes.text(
                    values[row] * 0.98,
                    row,
                    told,
                    ha="right",
                    va="center_baseline",
                    color=ink_on(colours[row]),
                )
            else:
                axes.text(values[row] + values.max() * 0.015, row, told, va="center_baseline")
    overlay(figure).text(
        WIDTH / 2,
        22,
        fit(title, WIDTH - 40, 13),
        ha="center",
        va="center_baseline",
        fontsize=13,
        weight="bold",
    )
    order = np.argsort(-values, kind="stable")
    told = _list(f"{readable(names[i])} {values[i]:,} ({_percent(shares[i])})" for i in order)
    alt = f"{readable(title)}: {values.sum():,} in all. From most to fewest: {told}."
    most = order[0]
    caption = f"{readable(names[most])} holds {_percent(shares[most])} of the {values.sum():,} parameters."
    return _done(figure, alt, caption)


@in_look
def segment_rows(table):
    """Rows 0 and 1 of the segment table [S, H] and their difference, on one scale."""
    table = _numbers("table", table, "S H")
    if len(table) < 2:
        raise ValueError(f"the segment table must have two rows or more, found the shape {list(table.shape)}")
    first, second = table[0], table[1]
    difference = second - first
    figure = sheet(WIDTH, 350)
    colours = (COLOURS["segment"], tint(COLOURS["segment"], 0.55), COLOURS["sum"])
    limit = limit_of(first, second)
    names = ("row 0\n(A)", "row 1\n(B)", "B − A")
    for index, values in enumerate((first, second, difference)):
        axes = place(figure, 130, 16 + index * 98, 750, 88)
        axes.stairs(values, np.arange(len(values) + 1) - 0.5, fill=True, color=colours[index])
        axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(-limit, limit))
        axes.axhline(0, color=MUTED, lw=0.8)
        for i in np.flatnonzero(np.abs(values) > limit):
            told, top = f"{values[i]:.2f}".replace("-", "−"), values[i] > 0
            place_of_it = (i + len(values) / 150, limit if top else -limit)
            axes.text(
                *place_of_it, f"{'↑' if top else '↓'} {told}", va="top" if top else "bottom", fontsize=11
            )
        axes.set_yticks([-limit / 2, 0, limit / 2], [f"−{limit / 2:g}", "0", f"{limit / 2:g}"])
        axes.set_ylabel(names[index], rotation=0, ha="right", va="center", labelpad=14, fontsize=12)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(True)
    axes.tick_params(axis="x", length=3, labelbottom=True)
    axes.set_xlabel(f"the {table.shape[1]} numbers of a row")
    lengths = [float(np.linalg.norm(v)) for v in (first, second, difference)]
    alt = (
        f"Rows 0 and 1 of the segment table, {table.shape[1]} numbers each, and row 1 minus row 0, on one scale. "
        f"Lengths: row 0 {_say(lengths[0])}, row 1 {_say(lengths[1])}, their difference {_say(lengths[2])}."
    )
    if np.abs(table[:2]).max() > limit or np.abs(difference).max() > limit:
        alt += f" The scale ends at ±{limit:g}; bars beyond it carry their value."
    product = lengths[0] * lengths[1]
    if product > 0:
        cosine = float(first @ second) / product
        alt += f" The cosine between the two rows is {_say(cosine)}."
    share = lengths[2] / max(lengths[0], 1e-30)
    caption = f"The difference B − A is {_percent(share)} as long as row 0."
    return _done(figure, alt, caption)


@in_look
def arrows(before, after, labels):
    """Arrows from `before` to `after`, [n, 2] each, in one plane; `labels` list of n strings."""
    labels = _texts("labels", labels)
    sizes = {"n": len(labels)}
    before, after = _numbers("before", before, "n 2", sizes), _numbers("after", after, "n 2", sizes)
    figure = sheet(WIDTH, 372)
    moves = after - before
    look = {"angles": "xy", "scale_units": "xy", "scale": 1, "color": COLOURS["segment"], "zorder": 3}
    axes = place(figure, 10, 38, 590, 322)
    both = np.concatenate([before, after])
    pixels = _scale(axes, both, (70, 34))
    axes.quiver(*before.T, *moves.T, width=0.006, **look)
    axes.plot(*before.T, "o", color=INK, ms=6, zorder=4)
    starts, ends = pixels[: len(labels)], pixels[len(labels) :]
    _label_points(axes, starts, labels, avoid=[*ends, *(starts + ends) / 2])
    axes.set_title("before → after", fontsize=12.5, weight="bold")
    # The same arrows from one starting point: their directions, however short they are beside the cloud.
    rose = place(figure, 620, 38, 270, 322)
    _scale(rose, np.concatenate([moves, np.zeros((1, 2))]), (30, 30))
    nothing = np.zeros(len(moves))
    rose.quiver(nothing, nothing, *moves.T, width=0.013, **look)
    rose.plot([0], [0], "o", color=INK, ms=7, zorder=4)
    rose.set_title("the same, from one point", fontsize=12.5, weight="bold")
    for panel in (axes, rose):
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(visible=True, color=COLOURS["neutral"])
    lengths = np.linalg.norm(moves, axis=1)
    alt = f"{_count(len(labels), 'arrow')} in a plane, for {_tokens_said(labels)}."
    caption = "Each arrow leads from a point before to the same point after."
    if (lengths > 0).all():
        mean = (moves / lengths[:, None]).mean(0)
        angles = (
            np.degrees(
                [
                    math.acos(np.clip(m @ mean / (n * np.linalg.norm(mean)), -1, 1))
                    for m, n in zip(moves, lengths, strict=True)
                ]
            )
            if np.linalg.norm(mean) > 1e-9
            else np.array([180.0])
        )
        widest = int(math.ceil(angles.max() / 5) * 5)
        if widest <= 45 and len(labels) > 1:
            alt += f" They are nearly parallel: none is more than {widest} degrees off their mean direction."
            caption = f"All {len(labels)} arrows point the same way, to within {widest} degrees."
        elif len(labels) > 1:
            alt += " They point in different directions."
            caption = "The arrows point in different directions."
        alt += f" The shortest is {_say(lengths.min())} long, the longest {_say(lengths.max())}."
    return _done(figure, alt, caption)


@in_look
def similarity_maps(maps):
    """Cosine matrices side by side on one scale from -1 to 1; `maps` dict title → [N, N]."""
    maps = _named("maps", maps)
    sizes = {}
    arrays = {title: _numbers(title, array, "N N", sizes) for title, array in maps.items()}
    for title, array in arrays.items():
        if array.shape[0] != array.shape[1]:
            raise ValueError(f"{title} must be square, found the shape {list(array.shape)}")
    if len(arrays) > 3:
        raise ValueError(f"at most 3 maps fit side by side, found {len(arrays)}")
    n = sizes["N"]
    side = 280 if len(arrays) < 3 else 240
    every = -(-n // 256)  # of more than 256 rows every second, third … is drawn: crisp, and small on disk
    cells = -(-n // every)
    side = max(1, side * 2 // cells) * cells / 2  # whole device pixels per cell: no moiré
    figure = sheet(WIDTH, side + 70)
    gap = (WIDTH - 110 - side * len(arrays)) / (len(arrays) + 1)
    x = gap
    told = []
    for title, array in arrays.items():
        axes = place(figure, x, 32, side, side)
        drawn = array[::every, ::every]
        axes.imshow(
            drawn,
            cmap=_STEPPED,
            vmin=-1,
            vmax=1,
            interpolation="nearest",
            extent=(-0.5, n - 0.5, n - 0.5, -0.5),
        )
        ticks = sorted({0, (n - 1) // 2, n - 1})
        axes.set_xticks(ticks)
        axes.set_yticks(ticks)
        axes.spines[:].set(visible=True)
        axes.set_title(fit(title, side), fontsize=12.5, weight="bold")
        x += side + gap
        if n > 1:
            off = array.copy()
            np.fill_diagonal(off, -np.inf)
            nearest = int((np.abs(off.argmax(1) - np.arange(n)) == 1).sum())
            mean = (array.sum() - np.trace(array)) / (n * (n - 1))
            told.append((readable(title), nearest, np.diagonal(array, 1).mean(), mean))
    bar = place(figure, WIDTH - 80, 60, 16, side - 40)
    bar.imshow(
        np.linspace(1, -1, 11)[:, None], cmap=_STEPPED, vmin=-1, vmax=1, aspect="auto", extent=(0, 1, -1, 1)
    )
    bar.set_xticks([])
    bar.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    bar.yaxis.tick_right()
    bar.spines[:].set(visible=True, color=COLOURS["neutral"])
    overlay(figure).text(
        WIDTH - 72, 42, "cosine", ha="center", va="center_baseline", color=MUTED, fontsize=11
    )
    alt = f"{_count(len(arrays), 'map')} of the cosine of each of {n} rows with each other, on one scale from −1 to 1."
    for title, nearest, lag, mean in told:
        alt += (
            f" {title}: rows next to each other have cosine {_say(lag)} on average, all pairs {_say(mean)}; "
            f"the most similar other row stands next to it for {nearest} of {n} rows."
        )
    if every > 1:
        alt += f" Drawn is one row and column in {every}."
    caption = "; ".join(
        f"{title}: {near} of {n} rows are most like a row next to them" for title, near, *_ in told
    )
    return _done(figure, alt, f"{caption}." if caption else "One row is like itself.")


_STEPPED = DIVERGING.resampled(11)  # eleven steps: easier to read off, and far smaller on disk


@in_look
def norms(values, marked, xlabel="position"):
    """Vector lengths [N] along a table, with the indices `marked` labelled."""
    values = _numbers("values", values, "N")
    marked = [int(i) for i in marked]
    for i in marked:
        if not 0 <= i < len(values):
            raise ValueError(f"marked must be from 0 to {len(values) - 1}, found {i}")
    figure = sheet(WIDTH, 330)
    axes = place(figure, 70, 20, 810, 250)
    colour = COLOURS["position"] if "position" in xlabel else COLOURS["word"]
    axes.plot(values, color=colour, lw=1.6)
    axes.plot(marked, values[marked], "o", color=INK, ms=7)
    top = values.max() * 1.16 or 1
    axes.set(xlim=(-0.02 * len(values), len(values) * 1.02), ylim=(0, top), ylabel="length of the row")
    axes.set_xlabel(fit(xlabel, 600))
    _calm(axes)
    (left, right), pixels = axes.get_xlim(), []
    for i in marked:
        pixels.append(((i - left) / (right - left) * 810, values[i] / top * 250))
    if marked:
        _label_points(axes, np.array(pixels), [f"{i}: {values[i]:.2f}" for i in marked], toward=math.pi / 2)
    median = float(np.median(values))
    most = int(values.argmax())
    alt = (
        f"The length of each of {_count(len(values), 'row')}, by {readable(xlabel)}: the median is {_say(median)}, "
        f"the longest is {readable(xlabel)} {most} with {_say(values[most])}."
    )
    if marked:
        alt += f" Marked: {_list(f'{i} ({_say(values[i])})' for i in marked)}."
    times = values[most] / median if median > 0 else 0
    caption = f"Longest: {readable(xlabel)} {most}, {_say(times)} times the median length."
    return _done(figure, alt, caption)


# ---------------------------------------------------------------- the sum


@in_look
def sum_equation(word, segment, position, total, tokens, dims=32):
    """word + segment + position = sum as four heat maps on one scale.

    All four [T, H]; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `total` is not the sum of the other three.
    """
    tokens, word, segment, position, total = _unbatched(tokens, word, segment, position, total)
    tokens = _texts("tokens", tokens)
    sizes = {"T": len(tokens)}
    parts = {
        "word": _numbers("word", word, "T H", sizes),
        "segment": _numbers("segment", segment, "T H", sizes),
        "position": _numbers("position", position, "T H", sizes),
        "sum": _numbers("total", total, "T H", sizes),
    }
    error = np.abs(parts["word"] + parts["segment"] + parts["position"] - parts["sum"])
    if (error > 0.01 * np.abs(parts["sum"]).max() + 1e-6).any():
        t = int(error.max(1).argmax())
        raise ValueError(
            f"total is not word + segment + position: at token {t} ({_quote(tokens[t])}) it is off by "
            f"{_say(error.max())}"
        )
    dims, width = min(dims, sizes["H"]), sizes["H"]
    shown = {name: with_gap(array)[:, :dims] for name, array in parts.items()}
    rows = len(shown["sum"])
    step = min(34.0, 270 / rows)
    limit = limit_of(*(array[:, :dims] for array in parts.values()))
    height = step * rows
    figure = sheet(WIDTH, 46 + height + 52)
    over = overlay(figure)
    left, across, gap = 108, 172, 30
    for index, (name, array) in enumerate(shown.items()):
        x = left + index * (across + gap)
        axes = place(figure, x, 46, across, height)
        heat_strip(axes, array, limit, token_names(tokens, left - 8) if index == 0 else None)
        axes.set_label(name)
        chip(over, x, 8, across, 28, name, COLOURS[name])
        if index:
            sign = "=" if name == "sum" else "+"
            over.text(
                x - gap / 2,
                46 + height / 2,
                sign,
                ha="center",
                va="center_baseline",
                fontsize=20,
                weight="bold",
            )
    scale_bar(place(figure, WIDTH - 8 - across, 46 + height + 12, across - 20, 12), limit)
    told = f"first {dims} of {width} numbers →" if dims < width else f"all {width} numbers →"
    over.text(left, 46 + height + 18, told, va="center_baseline", fontsize=11, color=MUTED)

    lengths = {name: np.linalg.norm(array, axis=1) for name, array in parts.items()}
    t = int(lengths["sum"].argmax())
    alt = (
        f"Four heat maps on one colour scale, one row for each of {_count(len(tokens), 'token')}: word plus segment "
        f"plus position equals sum, number by number. Tokens: {_tokens_said(tokens)}."
    )
    same = (parts["segment"] == parts["segment"][0]).all()
    if len(tokens) > 1:
        alt += f" The segment rows are {'all the same' if same else 'of more than one kind'}."
        alt += f" The longest sum is that of {_quote(tokens[t])} at place {t}: {_say(lengths['sum'][t])}."
    means = {name: lengths[name].mean() for name in PARTS}
    longest = np.argmax([lengths[name] for name in PARTS], axis=0)
    if len(tokens) > 1:
        for index in np.unique(longest):
            of = np.flatnonzero(longest == index)
            who = (
                _list(_quote(tokens[i]) for i in of) if len(of) <= 3 else f"{len(of)} of {len(tokens)} tokens"
            )
            alt += f" The {PARTS[index]} part is the longest for {who}."
    alt += " Mean length: " + _list(f"{name} {_say(mean)}" for name, mean in means.items()) + "."
    alt += f" Drawn are the first {dims} of {width} numbers." if dims < width else ""
    alt += _left_out(len(tokens)) + _clipped(limit, *(array[:, :dims] for array in parts.values()))
    most = max(means, key=means.get)
    drawn = f"the first {dims} of {width} numbers" if dims < width else f"all {width} numbers"
    caption = (
        f"One colour scale, {drawn} per token: added number by number. "
        f"The {most} part is the longest on average."
    )
    return _done(figure, alt, caption + _left_out(len(tokens)))


@in_look
def shares(values, tokens):
    """How much word, segment and position contribute to each token: [T, 3], rows that sum to 1."""
    tokens, values = _unbatched(tokens, values)
    tokens = _texts("tokens", tokens)
    values = _numbers("values", values, "T 3", {"T": len(tokens)})
    if (values < 0).any() or (np.abs(values.sum(1) - 1) > 1e-3).any():
        t = int(np.abs(values.sum(1) - 1).argmax())
        raise ValueError(
            f"each row of values must be shares that sum to 1; row {t} is {values[t].round(3).tolist()}"
        )
    names = token_names(tokens, 120)
    step = min(36.0, 310 / len(names))
    figure = sheet(WIDTH, 46 + step * len(names) + 10)
    axes = place(figure, 140, 44, 740, step * len(names))
    share_bars(axes, with_gap(values), names)
    _legend(overlay(figure), 140, 22, [(part, COLOURS[part]) for part in PARTS])
    mean = values.mean(0)
    winner = values.argmax(1)
    alt = f"For each of {_count(len(tokens), 'token')}, the shares of word, segment and position, as bars of length 1."
    alt += " Mean shares: " + _list(f"{p} {_percent(m)}" for p, m in zip(PARTS, mean, strict=True)) + "."
    caption = []
    for index, part in enumerate(PARTS):
        of = np.flatnonzero(winner == index)
        if len(of):
            who = (
                _list(_quote(tokens[t]) for t in of) if len(of) <= 3 else f"{len(of)} of {len(tokens)} tokens"
            )
            t = int(values[:, index].argmax())
            caption.append(f"{part} is the largest share of {who}")
            alt += (
                f" {part.capitalize()} is the largest share of {who}, at most {_percent(values[t, index])} "
                f"({_quote(tokens[t])})."
            )
    told = "; ".join(caption)
    left_out = _left_out(len(tokens))
    return _done(figure, alt + left_out, told[0].upper() + told[1:] + "." + left_out)


@in_look
def histograms(samples, xlabel):
    """Overlaid histograms on shared bins; `samples` dict name → [n]."""
    samples = _named("samples", samples)
    if len(samples) > 4:
        raise ValueError(f"at most 4 histograms can be told apart, found {len(samples)}")
    arrays = {name: _numbers(name, values, "n") for name, values in samples.items()}
    everything = np.concatenate(list(arrays.values()))
    low, high = everything.min(), everything.max()
    pad = (high - low) * 0.02 or 0.5
    bins = np.linspace(low - pad, high + pad, 41)
    figure = sheet(WIDTH, 330)
    axes = place(figure, 70, 46, 810, 226)
    alt = f"Histograms of {readable(xlabel)} on the same bins."
    means = {}
    for (name, values), (colour, style, _) in zip(arrays.items(), SERIES, strict=False):
        counts, _ = np.histogram(values, bins)
        share = counts / len(values)
        axes.stairs(share, bins, fill=True, color=colour, alpha=0.16)
        axes.stairs(share, bins, color=colour, linestyle=style, linewidth=2.2, label=name)
        means[name] = values.mean()
        alt += (
            f" {readable(name)}: {_count(len(values), 'value')}, mean {_say(values.mean())}, standard deviation "
            f"{_say(values.std())}."
        )
    axes.set(xlim=(bins[0], bins[-1]), ylim=(0, None), ylabel="share of values")
    axes.set_xlabel(fit(xlabel, 700))
    _calm(axes, 4)
    entries = [(fit(name, 300), colour) for name, (colour, *_) in zip(arrays, SERIES, strict=False)]
    _legend(overlay(figure), 70, 22, entries)
    caption = "Mean " + ", ".join(f"{_say(mean)} for {readable(name)}" for name, mean in means.items()) + "."
    return _done(figure, alt, caption)


# ---------------------------------------------------------------- LayerNorm


def _view():
    """Two directions to project three dimensions on: the plane x + y + z = 0 is seen at a slant."""
    up = np.ones(3) / math.sqrt(3)
    right = np.array([1.0, -1.0, 0.0]) / math.sqrt(2)
    back = np.cross(up, right)
    turn, slant = math.radians(35), math.radians(36)
    right, back = (
        math.cos(turn) * right + math.sin(turn) * back,
        math.cos(turn) * back - math.sin(turn) * right,
    )
    return np.stack([right, math.cos(slant) * up + math.sin(slant) * back], axis=1)


VIEW = _view()  # [3, 2]: points @ VIEW are what layer_norm_geometry draws


@in_look
def layer_norm_geometry(stages):
    """What each stage of LayerNorm does to points in three dimensions; `stages` dict title → [n, 3].

    One panel per stage, the same limits and the same colour for the same point in all of them; a grey disc
    lies in the plane of vectors whose mean is zero.
    """
    stages, sizes = _named("stages", stages), {}
    if len(stages) > 5:
        raise ValueError(f"at most 5 stages fit side by side, found {len(stages)}")
    arrays = {title: _numbers(title, points, "n 3", sizes) for title, points in stages.items()}
    flat = {title: points @ VIEW for title, points in arrays.items()}
    reach = max(np.abs(points[:, 0]).max() for points in flat.values()) * 1.08 or 1.0
    low = min(-0.55 * reach, *(points[:, 1].min() for points in flat.values())) - 0.05 * reach
    high = max(0.8 * reach, *(points[:, 1].max() for points in flat.values())) + 0.05 * reach
    first = next(iter(arrays.values()))
    # The direction within the plane is what LayerNorm keeps: colour by it.
    around = np.arctan2(
        first @ np.cross(np.ones(3), [1, -1, 0]) / math.sqrt(6), first @ [1, -1, 0] / math.sqrt(2)
    )
    side = min(250, (WIDTH - 20) / len(arrays) - 8, 300 * 2 * reach / (high - low))
    tall = side * (high - low) / (2 * reach)
    figure = sheet(WIDTH, 44 + tall)
    turn = np.linspace(0, 2 * math.pi, 90)
    plane = np.stack([np.cos(turn), np.sin(turn)], 1) @ np.stack(
        [[1, -1, 0] / np.sqrt(2), np.cross(np.ones(3), [1, -1, 0]) / np.sqrt(6)]
    )
    alt = f"{_count(sizes['n'], 'point')} in three dimensions at {_count(len(arrays), 'stage')}, same scale throughout."
    for index, (title, points) in enumerate(flat.items()):
        x = (WIDTH - len(arrays) * (side + 8)) / 2 + index * (side + 8) + 4
        axes = place(figure, x, 36, side, tall)
        axes.fill(*(plane * reach * 0.9 @ VIEW).T, color="#ececec", lw=0, zorder=0)
        for axis, name in enumerate("xyz"):
            tip = np.eye(3)[axis] * reach * 0.8 @ VIEW
            axes.plot([0, tip[0]], [0, tip[1]], color="#9a9a9a", lw=1, zorder=1)
            axes.text(*(tip * 1.12), name, ha="center", va="center_baseline", fontsize=10.5, color=MUTED)
        axes.scatter(*points.T, c=around, cmap=SEQUENTIAL, s=17, linewidths=0, zorder=2)
        axes.set(xlim=(-reach, reach), ylim=(low, high))
        axes.axis("off")
        axes.set_title(fit(title, side), fontsize=12.5, weight="bold")
        solid = arrays[title]
        length = np.linalg.norm(solid, axis=1)
        mean = np.abs(solid.mean(1)).max()
        alt += f" {readable(title)}: "
        alt += "every point's mean is 0, so all lie in one plane; " if mean < 1e-3 else ""
        if np.ptp(length) < 1e-3:
            alt += f"all have length {_say(length.mean())}."
        else:
            alt += f"lengths from {_say(length.min())} to {_say(length.max())}."
    caption = f"{' → '.join(readable(t) for t in arrays)}. The grey disc: vectors whose mean is 0."
    return _done(figure, alt, caption)


@in_look
def before_after(tokens, before, after):
    """Mean and spread of each token's vector before and after LayerNorm.

    `tokens` list of T strings; `before` and `after` are pairs (mean [T], standard deviation [T]).
    """
    for name, pair in (("before", before), ("after", after)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"{name} must be a pair (mean [T], standard deviation [T])")
    tokens, *values = _unbatched(tokens, *before, *after)
    tokens = _texts("tokens", tokens)
    sizes = {"T": len(tokens)}
    labels = ("mean before", "spread before", "mean after", "spread after")
    mean0, std0, mean1, std1 = (_numbers(n, v, "T", sizes) for n, v in zip(labels, values, strict=True))
    names = token_names(tokens, 120)
    step = min(36.0, 270 / len(names))
    rows = np.arange(len(names))
    figure = sheet(WIDTH, 58 + step * len(names) + 44)
    for x, title, start, end in (
        (140, "mean", mean0, mean1),
        (540, "spread (standard deviation)", std0, std1),
    ):
        axes = place(figure, x, 58, 340, step * len(names))
        a, b = with_gap(start), with_gap(end)
        axes.hlines(rows, a, b, color=COLOURS["neutral"], lw=2.5, zorder=1)
        axes.plot(a, rows, "o", color="white", mec=MUTED, mew=2, ms=9, label="before", zorder=2)
        axes.plot(b, rows, "o", color=COLOURS["sum"], ms=9, label="after", zorder=3)
        axes.set(ylim=(len(names) - 0.5, -0.5), title=title)
        axes.title.set_fontsize(12.5)
        row_labels(axes, names if x == 140 else [""] * len(names))
        axes.spines["left"].set_visible(False)
        both = np.concatenate([start, end])
        low, high = min(both.min(), 0), max(both.max(), 0)
        pad = (high - low) * 0.06 or 0.5
        axes.set_xlim(low - pad, high + pad)
        axes.axvline(0, color="#dcdcdc", lw=1, zorder=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    over = overlay(figure)
    for x, colour, edge, told in (
        (40, "white", MUTED, "before"),
        (40, COLOURS["sum"], COLOURS["sum"], "after"),
    ):
        y = 18 if told == "before" else 40
        over.plot([x], [y], "o", color=colour, mec=edge, mew=2, ms=9)
        over.text(x + 14, y, told, va="center_baseline")

    def told(values):
        low, high = _say(values.min()), _say(values.max())
        return f"{low} for every token" if low == high else f"{low} to {high}"

    t = int(std0.argmax())
    alt = (
        f"Mean and spread of {_count(len(tokens), 'token')}, before and after LayerNorm. The mean was {told(mean0)} "
        f"and is {told(mean1)}; the spread was {told(std0)} and is {told(std1)}."
    )
    alt += f" Most spread before: {_quote(tokens[t])}." if len(tokens) > 1 else ""
    left_out = _left_out(len(tokens))
    caption = f"The spread was {told(std0)}; after LayerNorm it is {told(std1)}."
    return _done(figure, alt + left_out, caption + left_out)


@in_look
def cost(x, error, xlabel, levels):
    """Error against a setting such as eps, both logarithmic; `levels` dict name → error, drawn as lines.

    `x` and `error` [n], `x` positive. An error of 0 has no place on the scale: it is drawn at the bottom edge.
    """
    sizes = {}
    x, error = _numbers("x", x, "n", sizes), _numbers("error", error, "n", sizes)
    levels = {} if not levels else _named("levels", levels)
    heights = {n: float(_numbers(n, [v], "1")[0]) for n, v in levels.items()}
    if (x <= 0).any() or (error < 0).any() or any(v <= 0 for v in heights.values()):
        raise ValueError("a logarithmic scale needs x and levels above 0 and errors of 0 or more")
    seen = [*error[error > 0], *heights.values()]
    bottom = min(seen) / 5 if seen else 1e-9
    figure = sheet(WIDTH, 350)
    axes = place(figure, 90, 20, 790, 270)
    drawn = np.where(error > 0, error, bottom)
    axes.plot(x, drawn, "o-", color=COLOURS["sum"], ms=7, zorder=3)
    _log(axes, "x", x)
    _log(axes, "y", seen or [1e-9, 1])
    axes.set(ylim=(bottom, (max(seen) if seen else 1) * 5), ylabel="largest error")
    axes.set_xlabel(fit(xlabel, 700))
    for name, height in heights.items():
        axes.axhline(height, color=SERIES[1][0], lw=2, ls="--", zorder=2)
        axes.text(
            0.01,
            height * 1.15,
            fit(name, 500),
            transform=axes.get_yaxis_transform(),
            va="bottom",
            fontsize=11.5,
        )

    def size(value):
        return (
            "below 0.00001"
            if value < 1e-5
            else f"about {np.format_float_positional(float(f'{value:.1g}'), trim='-')}"
        )

    order = np.argsort(x)
    low, high = order[0], order[-1]
    alt = (
        f"Largest error against {readable(xlabel)}, both scales logarithmic: {size(error[low])} at {x[low]:g}, "
        f"{size(error[high])} at {x[high]:g}."
    )
    alt += "".join(f" For comparison: {readable(name)}, {size(height)}." for name, height in heights.items())
    caption = f"At {readable(xlabel)} {x[high]:g} the largest error is {size(error[high])}."
    return _done(figure, alt, caption)


# ---------------------------------------------------------------- dropout


@in_look
def dropout(eval_row, train_row, ratio):
    """One token's numbers [n] in eval mode, in train mode, and train / eval.

    The words hold for any random mask: masks differ between machines.
    """
    sizes = {}
    quiet = _numbers("eval_row", eval_row, "n", sizes)
    noisy, ratio = _numbers("train_row", train_row, "n", sizes), _numbers("ratio", ratio, "n", sizes)
    figure = sheet(WIDTH, 238)
    scale = ratio.max()
    limit = limit_of(quiet * max(scale, 1))
    two_values = (np.isclose(ratio, 0, atol=1e-3) | np.isclose(ratio, scale, rtol=1e-3)).all()
    for y, name, values in ((14, "eval", quiet), (72, "train", noisy)):
        axes = place(figure, 80, y, 800, 46)
        heat_strip(axes, values[None], limit, [name])
        axes.spines[:].set(visible=True, color=COLOURS["neutral"])
    axes = place(figure, 80, 130, 800, 46)
    grey = LinearSegmentedColormap.from_list("ratio", ["#000000", "#d4d4d4"])
    axes.imshow(ratio[None], cmap=grey, vmin=0, vmax=max(scale, 1e-9), aspect="auto", interpolation="nearest")
    axes.vlines(np.arange(1, len(ratio)) - 0.5, -0.5, 0.5, color="white", lw=1.5)
    axes.set_xticks([])
    row_labels(axes, ["ratio"])
    axes.spines[:].set(visible=True, color=COLOURS["neutral"])
    scale_bar(place(figure, 80, 196, 150, 12), limit)
    r = f"{scale:.3g}"
    entries = [("ratio 0: dropped", "black")] if two_values else []
    entries += [(f"ratio {r}: kept and scaled up" if two_values else f"largest ratio {r}", "#d4d4d4")]
    _legend(overlay(figure), 300, 205, entries)
    alt = (
        f"{_count(len(quiet), 'number')} of one token in eval mode, in train mode, and train divided by eval."
    )
    if two_values and scale > 1e-3:
        caption = f"In train mode each number is either 0 or {r} times what it is in eval mode."
        alt += f" Every ratio is either 0 (dropped) or {r} (kept and scaled up)."
    else:
        caption = "In train mode the numbers differ from those in eval mode."
        alt += " The ratios are not of two kinds."
    return _done(figure, alt, caption)


@in_look
def convergence(passes, distance):
    """Distance of the mean of n passes from the goal, both scales logarithmic, with a 1/√n guide; [n] each."""
    sizes = {}
    passes, distance = _numbers("passes", passes, "n", sizes), _numbers("distance", distance, "n", sizes)
    if (passes <= 0).any() or (distance <= 0).any():
        raise ValueError("a logarithmic scale needs passes and distances above 0")
    figure = sheet(WIDTH, 350)
    axes = place(figure, 90, 20, 790, 270)
    order = np.argsort(passes)
    passes, distance = passes[order], distance[order]
    middle = np.exp(np.mean(np.log(distance) + 0.5 * np.log(passes)))
    axes.plot(passes, middle / np.sqrt(passes), "--", color=MUTED, lw=2, label="guide")
    axes.plot(passes, distance, "o-", color=COLOURS["sum"], ms=7, label="distance")
    _log(axes, "x", passes)
    _log(axes, "y", distance)
    axes.set(xlabel="passes averaged", ylabel="distance to eval")
    last = (passes[len(passes) // 2], middle / math.sqrt(passes[len(passes) // 2]))
    axes.annotate(
        "1/√n", last, (10, 12), textcoords="offset points", ha="left", va="bottom", color=MUTED, fontsize=13
    )
    alt = f"Distance of the mean of n train passes from the eval output, for n up to {passes[-1]:,.0f}, both scales logarithmic."
    caption = "The mean of many train passes, beside a 1/√n guide."
    if len(passes) > 1 and passes[0] < passes[-1]:
        slope = np.polyfit(np.log(passes), np.log(distance), 1)[0]
        if abs(slope + 0.5) <= 0.15:
            caption = "The mean of n train passes comes closer to eval like 1/√n."
            alt += " The distance falls about as 1/√n: four times the passes, half the distance."
        else:
            alt += (
                " The distance falls more slowly than 1/√n."
                if slope > -0.5
                else " The distance falls faster than 1/√n."
            )
    return _done(figure, alt, caption)


# ---------------------------------------------------------------- what the tables learned


def _crossings(points):
    """How often the closed line through `points` crosses itself."""
    n = len(points)

    def side(a, b, c):
        return np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    count = 0
    for i in range(n):
        a, b = points[i], points[(i + 1) % n]
        for j in range(i + 2, n if i else n - 1):
            c, d = points[j], points[(j + 1) % n]
            count += side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
    return int(count)


@in_look
def rings(panels, labels):
    """Points joined in order and closed, one panel each; `panels` dict title → [n, 2].

    `labels` is a list of n strings for every panel, or a dict title → list.
    """
    panels = _named("panels", panels)
    if len(panels) > 4:
        raise ValueError(f"at most 4 panels fit side by side, found {len(panels)}")
    figure = sheet(WIDTH, 370)
    each = WIDTH / len(panels)
    alt, told = "", []
    for index, (title, points) in enumerate(panels.items()):
        names = labels.get(title, ()) if isinstance(labels, dict) else labels
        names = _texts(f"labels of {title}", names)
        points = _numbers(title, points, "n 2", {"n": len(names)})
        axes = place(figure, index * each + 8, 38, each - 16, 324)
        control = any(word in title.lower() for word in ("random", "control", "shuffled"))
        colour = MUTED if control else COLOURS["word"]
        closed = np.concatenate([points, points[:1]])
        axes.plot(*closed.T, "-", color=tint(colour, 0.5), lw=2, zorder=1)
        axes.plot(*points.T, "o", color=colour, ms=8, zorder=2)
        pixels = _scale(axes, points, (min(90, each / 3.8), 32), equal=False)
        _label_points(axes, pixels, names, 11.5 if len(panels) < 3 else 10.5)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set(visible=True, color=COLOURS["neutral"])
        axes.set_title(fit(title, each - 24, 12.5), fontsize=12.5, weight="bold")
        crossings = _crossings(points)
        times = "once" if crossings == 1 else f"{crossings} times"
        fact = "never crosses itself" if not crossings else f"crosses itself {times}"
        alt += f" {readable(title)}: {_tokens_said(names)}, joined in this order; the closed line {fact}."
        told.append(f"{readable(title)}: the line {fact}")
    return _done(figure, alt, "; ".join(told) + ".")


@in_look
def neighbours(lists):
    """The nearest tokens by cosine; `lists` dict token → list of (neighbour, cosine). At most 5 tokens."""
    lists = _named("lists", lists)
    if len(lists) > 5:
        raise ValueError(f"at most 5 tokens fit side by side, found {len(lists)}")
    pairs = {}
    for token, found in lists.items():
        try:
            names, values = zip(*found, strict=True)
        except (TypeError, ValueError):
            raise ValueError(
                f"{_quote(token)} needs a list of (neighbour, cosine) pairs, one or more"
            ) from None
        pairs[token] = (_texts(f"neighbours of {token}", names)[:8], _numbers(token, list(values), "n")[:8])
    longest = max(len(names) for names, _ in pairs.values())
    step = min(34.0, 280 / longest)
    figure = sheet(WIDTH, 52 + step * longest + 12)
    each = (WIDTH - 16) / len(pairs)
    alt = "Nearest tokens by cosine."
    room = min(110.0, each * 0.46)
    top = max(0.1, *(values.max() for _, values in pairs.values()))
    for index, (token, (names, values)) in enumerate(pairs.items()):
        axes = place(figure, 8 + index * each + room, 42, each - room - 14, step * len(names))
        rows = np.arange(len(names))
        axes.barh(rows, values, 0.74, color=COLOURS["word"])
        axes.set(xlim=(min(0, values.min()), top), ylim=(len(names) - 0.5, -0.5))
        for row, value in enumerate(values):
            inside = value > 0.3 * top
            axes.text(
                value - 0.03 if inside else max(value, 0) + 0.03,
                row,
                f"{value:.2f}",
                ha="right" if inside else "left",
                va="center_baseline",
                color="white" if inside else INK,
                fontsize=11,
            )
        row_labels(axes, [fit(n, room - 8) for n in names])
        axes.set_xticks([])
        axes.spines[["bottom"]].set_visible(False)
        axes.set_title(fit(token, each - room - 14, 13), fontsize=13, weight="bold")
        said = _list(f"{_quote(n)} {v:.2f}" for n, v in zip(names[:3], values[:3], strict=True))
        alt += f" {_quote(token)}: {said}{' and more' if len(names) > 3 else ''}."
    who = [f"{_quote(token)} has {_quote(names[0])}" for token, (names, _) in pairs.items()]
    return _done(figure, alt, f"Nearest by cosine: {_list(who)}.")


@in_look
def by_layer(curves, ylabel):
    """One line per curve over layer 0 … L-1; `curves` dict name → [L]."""
    curves, sizes = _named("curves", curves), {}
    if len(curves) > 4:
        raise ValueError(f"at most 4 curves can be told apart, found {len(curves)}")
    arrays = {name: _numbers(name, values, "L", sizes) for name, values in curves.items()}
    figure = sheet(WIDTH, 340)
    axes = place(figure, 80, 20, 580, 262)
    alt = f"{readable(ylabel)} by layer, from 0 to {sizes['L'] - 1}."
    ends = []
    for (name, values), (colour, line, marker) in zip(arrays.items(), SERIES, strict=False):
        axes.plot(values, linestyle=line, marker=marker, color=colour, ms=8)
        ends.append((values[-1], name, colour))
        low = int(values.argmin())
        alt += (
            f" {readable(name)}: {values[0]:.2f} at layer 0, {values[-1]:.2f} at layer {len(values) - 1}, "
            f"lowest {values[low]:.2f} at layer {low}."
        )
    everything = np.concatenate(list(arrays.values()))
    pad = np.ptp(everything) * 0.1 or 0.1
    axes.set(ylim=(everything.min() - pad, everything.max() + pad), xlabel="layer")
    axes.set_ylabel(fit(ylabel, 250))
    _calm(axes)
    axes.xaxis.set_major_locator(MaxNLocator(sizes["L"], integer=True))
    height = np.ptp(axes.get_ylim())
    before = -math.inf
    for end, name, colour in sorted(ends, key=lambda e: e[0]):
        at = max(end, before + height * 0.085)
        axes.annotate(
            fit(name, 210, 12),
            (sizes["L"] - 1, end),
            (1.03, (at - axes.get_ylim()[0]) / height),
            textcoords="axes fraction",
            va="center",
            fontsize=12,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1},
        )
        before = at
    caption = "; ".join(
        f"{readable(name)}: {values[0]:.2f} at layer 0, {values[-1]:.2f} at the last"
        for name, values in arrays.items()
    )
    return _done(figure, alt, caption + ".")


@in_look
def bars(values, xlabel):
    """Horizontal bars; `values` dict name → number."""
    values = _named("values", values)
    names = list(values)
    numbers = _numbers("values", [values[name] for name in names], "N")
    if len(names) > 12:
        raise ValueError(f"at most 12 bars can be read at a glance, found {len(names)}")
    step = min(40.0, 280 / len(names))
    figure = sheet(WIDTH, 16 + step * len(names) + 56)
    axes = place(figure, 230, 16, 590, step * len(names))
    axes.barh(np.arange(len(names)), numbers, 0.7, color=[_part_colour(name) for name in names])
    low, high = min(0, numbers.min()), max(0, numbers.max())
    pad = (high - low) * 0.02 or 0.5
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(low - (8 * pad if low < 0 else 0), high + 8 * pad))
    axes.set_xlabel(fit(xlabel, 560))
    for row, value in enumerate(numbers):
        right = value >= 0
        axes.text(
            value + (pad if right else -pad) / 2,
            row,
            _say(value),
            ha="left" if right else "right",
            va="center_baseline",
        )
    row_labels(axes, [fit(name, 210) for name in names])
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    most, least = int(numbers.argmax()), int(numbers.argmin())
    told = _list(f"{readable(n)} {_say(v)}" for n, v in zip(names, numbers, strict=True))
    alt = f"{readable(xlabel)}: {told}."
    caption = f"Largest: {readable(names[most])}, {_say(numbers[most])}"
    caption += f"; smallest: {readable(names[least])}, {_say(numbers[least])}." if len(names) > 1 else "."
    return _done(figure, alt, caption)
