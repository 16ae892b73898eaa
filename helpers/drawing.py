"""What the pictures are made of: checks of what may be drawn, numbers and tokens in words, the palette, and pieces
such as heat strips and chips. Call the pieces from a function marked `figure.in_look`.
"""

import functools
import math

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from .figure import DPI, INK, MUTED, fit, readable, text_width, write

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


def check_numbers(name, value, shape, sizes=None):
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
    same = len(found) == len(expected)
    if not same or any(isinstance(e, int) and e != f for e, f in zip(expected, found, strict=True)):
        hint = f"; one sentence of a batch is {name}[0]" if len(found) == len(expected) + 1 else ""
        told = ", ".join(map(str, expected))
        meaning = f" = [{', '.join(names)}]" if [str(e) for e in expected] != names else ""
        raise ValueError(f"{name} must have the shape [{told}]{meaning}, found {found}{hint}")
    if 0 in found:
        raise ValueError(f"{name} is empty: found the shape {found}")
    sizes.update({n: f for n, f in zip(names, found, strict=True) if not n.isdigit()})
    array = tensor.detach().cpu().to(torch.float64).numpy()
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} holds NaN or infinity, first at {first}: it cannot be drawn")
    return array


def check_all(shape, sizes=None, **arrays):
    """`check_numbers` of several arrays of one shape, in order."""
    sizes = {} if sizes is None else sizes
    return [check_numbers(name, value, shape, sizes) for name, value in arrays.items()]


def check_whole(name, value, shape, sizes, below=None):
    """As `check_numbers`, for whole numbers, from 0 to `below` - 1 if given; an array of int."""
    array = check_numbers(name, value, shape, sizes)
    if (array != np.round(array)).any():
        raise ValueError(f"{name} must hold whole numbers")
    if below is not None and (array.min() < 0 or array.max() >= below):
        wrong = int(array[(array < 0) | (array >= below)][0])
        raise ValueError(f"{name} must be from 0 to {below - 1}, found {wrong}")
    return array.astype(int)


def check_texts(name, value):
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


def check_named(name, value, most=math.inf, do=""):
    """`value` as a dict that is not empty, its keys text; more than `most` of them do not what `do` says."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a dict of name to numbers, found {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} is empty: there is nothing to draw")
    if len(value) > most:
        raise ValueError(f"at most {most} {do}, found {len(value)}")
    return {str(key): content for key, content in value.items()}


def unbatched(tokens, *arrays):
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


def say(number):
    """A number for prose: three significant digits and at most three decimals, so that a difference in the
    last bits between machines leaves it alone."""
    if abs(number) < 0.0005:
        return "0" if abs(number) < 1e-5 else "about 0"
    if abs(number) >= 100:
        return f"{number:,.0f}".replace("-", "−")
    rounded = round(float(f"{number:.3g}"), 3)
    return np.format_float_positional(rounded, trim="-").replace("-", "−")


def percent(share):
    """Whole percent, finer where that would say 0% or 100% of what is not."""
    if share in (0, 1) or 0.00995 <= share < 0.995:
        return f"{share:.0%}"
    if share > 1:
        return f"{share:,.0%}"
    digits = float(f"{share * 100:.2g}") if share < 0.5 else math.floor(share * 1000) / 10
    return np.format_float_positional(digits, trim="-") + "%"


def clipped(limit, *arrays):
    """What the words say when numbers lie beyond the ends of the colour scale."""
    beyond = any(np.nanmax(np.abs(array)) > limit for array in arrays)
    return f" Numbers beyond ±{limit:g} take the colour of the scale's end." if beyond else ""


def listed(items):
    """Texts as one: a, b and c."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def quote(token):
    """A token in quotation marks, the end of a long one left out."""
    token = readable(token)
    return f"“{token if len(token) <= 40 else token[:39] + '…'}”"


def capital(text):
    """`text` as the start of a sentence."""
    return text[:1].upper() + text[1:]


def counted(n, noun):
    """A number with its noun: 1 token, 2 tokens."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def tokens_said(tokens):
    """The tokens in words: all of them, or the first and last few."""
    if len(tokens) <= MOST_TOKENS:
        return listed(quote(t) for t in tokens)
    shown = [quote(t) for t in (*tokens[:3], *tokens[-2:])]
    return f"{', '.join(shown[:3])} … {' and '.join(shown[3:])}"


def who_said(tokens, of):
    """The tokens at the places `of` in words: by name when they are few, else how many."""
    return listed(quote(tokens[i]) for i in of) if len(of) <= 3 else f"{len(of)} of {len(tokens)} tokens"


def gap_said(n, most=MOST_TOKENS):
    """What the words say when not every token is drawn."""
    if n <= most:
        return ""
    first, last = first_and_last(n, most)
    return f" Shown are the first {len(first)} and the last {len(last)} of {n} tokens."


def first_and_last(n, most=MOST_TOKENS):
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
    first, last = first_and_last(len(array), most)
    if not last:
        return array
    return np.concatenate([array[first], np.full((1, *array.shape[1:]), np.nan), array[last]])


def token_names(tokens, room, most=MOST_TOKENS, size=11.5):
    """The labels of the rows that `with_gap` gives, each at most `room` CSS pixels wide."""
    first, last = first_and_last(len(tokens), most)
    gap = [f"⋮ {len(tokens) - len(first) - len(last)} more"] if last else []
    return [*(fit(tokens[i], room, size) for i in first), *gap, *(fit(tokens[i], room, size) for i in last)]


def row_labels(axes, names, side="left"):
    """Write `names` beside rows 0, 1, … of `axes`, without ticks."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelleft=side == "left", labelright=side == "right")


def heat_strip(axes, values, limit, names=()):
    """Draw `values` [rows, columns] as a heat map from -limit to limit, a white line between the rows."""
    look = {"cmap": DIVERGING, "aspect": "auto", "interpolation": "nearest", "zorder": 1}
    axes.imshow(values, vmin=-limit, vmax=limit, **look)
    axes.hlines(np.arange(1, len(values)) - 0.5, -0.5, values.shape[1] - 0.5, color="white", lw=1.5, zorder=2)
    axes.set_xticks([])
    row_labels(axes, names)
    axes.spines[:].set_visible(False)


def frame(axes):
    """A pale line around `axes`."""
    axes.spines[:].set(visible=True, color=COLOURS["neutral"])


def scale_bar(axes, limit):
    """Draw the one colour scale, from -limit to limit."""
    look = {"cmap": DIVERGING, "aspect": "auto", "extent": (-limit, limit, 0, 1)}
    axes.imshow(np.linspace(-limit, limit, 101)[None], vmin=-limit, vmax=limit, **look)
    axes.set_yticks([])
    axes.set_xticks([-limit, 0, limit], [f"−{limit:g}", "0", f"{limit:g}"])
    axes.tick_params(axis="x", length=3)
    frame(axes)


def chip(axes, x, y, width, height, text, colour, lit=True, size=12.5):
    """A box with a name in it, on an `overlay`; `x`, `y` is its upper left corner."""
    face, ink = (colour, ink_on(colour)) if lit else ("white", MUTED)
    look = {"facecolor": face, "edgecolor": colour if lit else COLOURS["neutral"], "linewidth": 1.5}
    axes.add_patch(FancyBboxPatch((x + 4, y + 4), width - 8, height - 8, boxstyle="round,pad=4", **look))
    weight = "bold" if lit else "normal"
    write(axes, x + width / 2, y + height / 2, fit(text, width - 6, size), size, ink, weight=weight)


def piece_boxes(axes, x, y, room, tokens, ids, word_ids, lines=3, with_labels=True):
    """Draw word pieces as boxes with their ids under them, from `x`, `y` of an `overlay`, `room` wide.

    Pieces of one word touch, special tokens are grey. What does not fit into `lines` lines is left out at a
    gap that says how many. Returns (the height used, the number of tokens left out).
    """
    line_height, size = 84, 12

    @functools.cache
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
    places, used = lay_out(*first_and_last(len(tokens), most))
    while used > lines and most > 3:
        most -= 1
        places, used = lay_out(*first_and_last(len(tokens), most))
    drawn = [i for i, *_ in places if i is not None]
    for i, left, line, width in places:
        top = y + line * line_height
        middle = x + left + width / 2
        if i is None:
            write(axes, middle, top + 17, f"… {len(tokens) - len(drawn):,} more …", colour=MUTED)
            continue
        special = word_ids[i] is None
        face = tint(COLOURS["neutral"], 0.55) if special else tint(COLOURS["word"], 0.14)
        edge = MUTED if special else COLOURS["word"]
        axes.add_patch(Rectangle((x + left, top), width, 34, facecolor=face, edgecolor=edge, linewidth=1.2))
        write(axes, middle, top + 17, fit(tokens[i], 200, size), size)
        write(axes, middle, top + 53, str(ids[i]), size=11)
    if with_labels:
        for line in range(used):
            for down, told in ((17, "word pieces"), (53, "ids")):
                write(axes, x - 14, y + line * line_height + down, told, 11, MUTED, ha="right")
    return used * line_height, len(tokens) - len(drawn)


def legend(axes, x, y, entries, size=11.5):
    """Coloured squares with names, left to right from `x`, `y` on an `overlay`."""
    for text, colour in entries:
        axes.add_patch(Rectangle((x, y - 7), 14, 14, facecolor=colour, edgecolor=MUTED, linewidth=0.8))
        write(axes, x + 20, y, text, size=size, ha="left")
        x += 20 + text_width(text, size) + 20


def log_axis(axes, which, values, most=7):
    """Make an axis logarithmic, from below to above `values`, with labels that are plain text."""
    axis = getattr(axes, f"{which}axis")
    low, high = min(values), max(values)
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low / 1.6, high * 1.6)})
    subs = (1.0,) if high / low > 100 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs, numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(_power))
    _grid(axes, which)


def calm(axes, ticks=5):
    """Few ticks and a pale grid."""
    axes.yaxis.set_major_locator(MaxNLocator(ticks))
    axes.xaxis.set_major_locator(MaxNLocator(ticks + 2))
    _grid(axes, "both")


def _grid(axes, which):
    axes.grid(True, axis=which, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def label_points(axes, points, names, size=11.5, avoid=(), toward=None):
    """Write `names` beside `points` [n, 2] (CSS pixels within `axes`, from its lower left corner), each at
    the first place around its point, starting outward or at the angle `toward`, where it covers neither a
    point, nor one of the points `avoid`, nor an earlier name. Of more than 14 names only those are written that
    find such a place; returns how many are."""
    width, height = _pixels(axes)
    centre, written = points.mean(0), 0
    taken = np.array([(x - 6, y - 6, x + 6, y + 6) for x, y in (*points, *avoid)])
    turns = (0, 0.5, -0.5, 1, -1, 1.6, -1.6, 2.3, -2.3, math.pi)
    reach, turn = (grid.ravel() for grid in np.meshgrid((8, 17, 28, 40), turns, indexing="ij"))
    for (x, y), name in zip(points, names, strict=True):
        text = fit(name, 120, size)
        across, down = text_width(text, size) + 2, size * 1.5
        angle = turn + (math.atan2(y - centre[1], x - centre[0]) if toward is None else toward)
        left = x + np.cos(angle) * (reach + across / 2) - across / 2
        low = y + np.sin(angle) * (reach + down / 2) - down / 2
        right, high = left + across, low + down
        outside = np.max([-left, -low, right - width, high - height], axis=0)
        spot, room = np.array([x, y]), np.array([across, down]) + reach[-1]
        near = taken[((taken[:, :2] < spot + room) & (taken[:, 2:] > spot - room)).all(1)].T
        wide = np.minimum(right[:, None], near[2]) - np.maximum(left[:, None], near[0])
        tall = np.minimum(high[:, None], near[3]) - np.maximum(low[:, None], near[1])
        cost = (wide.clip(0) * tall.clip(0)).sum(1) + 1000 * outside.clip(0)
        best = cost.argmin()
        if cost[best] > 0 and len(points) > MOST_TOKENS:
            continue
        written += 1
        taken = np.vstack([taken, [left[best], low[best], right[best], high[best]]])
        at = (left[best] + across / 2) / width, (low[best] + down / 2) / height
        look = {"ha": "center", "va": "center", "fontsize": size, "zorder": 6}
        axes.text(*at, text, transform=axes.transAxes, **look)
    return written


def limits_around(axes, points, margin, equal=True):
    """Limits around `points`, with `margin` (x, y) CSS pixels free around them and, if `equal`, the same
    scale on both axes; returns the points in CSS pixels within the axes."""
    size, low, high = _pixels(axes), points.min(0), points.max(0)
    # Where all points are one, a scale at which the limits can still be told apart.
    least = 1e-9 * max(1, np.abs(points).max())
    scale = np.maximum((high - low) / np.maximum(size - 2 * np.asarray(margin), 10), least)
    scale = scale.max() if equal else scale
    start = (low + high) / 2 - size / 2 * scale
    end = start + size * scale
    axes.set(xlim=(start[0], end[0]), ylim=(start[1], end[1]))
    return (points - start) / scale


def _pixels(axes):
    """Width and height of `axes` in CSS pixels, [2]."""
    return axes.get_position().size * axes.get_figure().get_size_inches() * DPI
