"""The pictures for any data: bars, lines, histograms, strips, grid, heat_maps, points, arrows. `plots` says what they
share."""

import math
from itertools import chain, groupby, pairwise, zip_longest

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, MultipleLocator

from . import picture as draw
from .picture import COLOURS, INK, MUTED, NEUTRAL, Picture, PictureError, listed, quote, styled
from .wording import counted


@styled
def bars(values, xlabel, *, log=False, unit="", marked=None, groups=None):
    """Horizontal bars with their values; `values` dict name → number, or name → dict of series → number for
    up to 4 bars together. `unit` is written after each value; "%" writes shares as percents. `marked`, a name, is the
    bar to look at; `groups`, a list of as many names as bars, up to 4 different, gives each its colour."""
    values = draw.check_named("values", values, 12, "rows of bars can be read at a glance")
    grouped, log = isinstance(next(iter(values.values())), dict), draw.check_choice("log", log, False, True)
    rows = values if grouped else {name: {"value": number} for name, number in values.items()}
    rows = {name: draw.check_named(name, row, 4, "series can be told apart") for name, row in rows.items()}
    series = list(next(iter(rows.values())))
    if any({*row} != {*series} for row in rows.values()):
        raise PictureError(f"each of values must have the same series, as the first has: {series}")
    if len(rows) * len(series) > 24:
        raise PictureError(f"values: up to 24 bars can be read at a glance, found {len(rows) * len(series)}")
    table = np.array([[draw.check_number(name, row[one]) for one in series] for name, row in rows.items()])
    if log and (table <= 0).any():
        raise PictureError(f"a logarithmic scale needs values above 0, found {table.min():g}")
    marked = marked if marked is None else draw.told(marked)
    draw.check_choice("marked", marked, None, *([] if grouped else values))
    kinds, of_kind = ([], {}) if groups is None else draw.check_groups(groups, len(values))
    if kinds and (grouped or marked is not None):
        raise PictureError("groups are for single bars of which none is marked")
    unit = draw.check_text("unit", "" if unit is None else unit)
    unit = unit and " " * unit[0].isspace() + draw.shorten(unit, 120)
    xlabel, say = draw.told(xlabel), draw.teller(table, log)

    def told(value):
        return draw.percent(value) if unit == "%" else say(value) + unit

    each = 36 * (len(series) + 1) * 0.8 if grouped else 36
    figure, axes = draw.row_figure([draw.shorten(n, 280) for n in rows], each, 90)
    room = (figure.bbox.height - 90) / len(rows)
    thick, looks = 0.74 / len(series), draw.looks(series)
    own, size = [COLOURS.get(draw.part_of(row), draw.PLAIN) for row in rows], min(11.5, 0.62 * thick * room)
    if marked is not None:  # ink is the sum's colour, too
        own = [INK if row == marked else draw.PLAIN for row in rows]
    own = [of_kind[kind][0] for kind in kinds] or own
    for index, name in enumerate(series):
        at = np.arange(len(table)) + (index - (len(series) - 1) / 2) * thick
        drawn = axes.barh(at, table[:, index], thick * 0.94, color=looks[name][0] if grouped else own)
        axes.bar_label(drawn, list(map(told, table[:, index])), padding=4, fontsize=size)
    axes.set_xlabel(draw.shorten(xlabel, 560, 12))
    _bar_scale(axes, table, log, unit, max(draw.text_width(told(value)) for value in table.flat))
    if grouped:
        draw.legend(figure, dict(zip(series, axes.containers, strict=True)), 740 / len(series) - 40, 5)
    if kinds:
        patches = {kind: drawn.patches[kinds.index(kind)] for kind in of_kind}
        draw.legend(figure, patches, 330, len(patches) if len(patches) < 3 else 2)
    names = [f"{row} ({one})" if grouped else row for row in rows for one in series]
    alt = f"{xlabel}{', logarithmic' if log else ''}: "
    alt += listed(f"{name} {told(value)}" for name, value in zip(names, table.flat, strict=True)) + "."
    alt += f" Groups: {listed(f'{kind} ({kinds.count(kind)})' for kind in of_kind)}." if kinds else ""
    return Picture(figure, alt, _ranked(names, table.ravel(), told, marked, log))


def _ranked(names, values, told, marked, log):
    """Which of `values` is the largest and which the smallest, and the place of the one that is `marked`; what reads the
    same and follows one another is the same, but where logarithms show the difference."""
    order = np.argsort(-values, kind="stable")
    same = groupby(order, key=lambda n: values[n] if log and values[n] < 1e-5 else told(values[n]))
    same = [sorted(which) for _, which in same]
    first, *_, last = (
        (listed(names[n] for n in which), told(values[which[0]])) for which in [*same, same[-1]]
    )
    caption = f"Largest: {', '.join(first)}"
    caption += f"; smallest: {', '.join(last)}." if len(names) > 1 else "."
    caption = caption if len(same) > 1 or len(names) == 1 else f"All are {first[1]}."
    place = next((n for n, which in enumerate(same) if marked in [names[n] for n in which]), 0)
    if 0 < place < len(same) - 1:
        number = sum(map(len, same[:place])) + 1
        caption = f"{draw.capital(marked)}: {told(values[same[place][0]])}, number {number} of {len(names)}. {caption}"
    return caption


def _bar_scale(axes, table, log, unit, room):
    """The scale of bars that end at `table`, with `room` in CSS pixels for what is written beyond their ends."""
    low, high = min(0, table.min()), max(0, table.max())
    names = max(draw.text_width(label.get_text()) for label in axes.get_yticklabels())
    part = (room + 6) / (860 - names)  # of the axes; then of the numbers, so that no value reaches the names
    beyond = (room - 20) / (860 - names)  # 20 find room beside the axes
    right = max(0.05 + 0.0013 * room, beyond / (1 - beyond))
    left = max(right, part * (1 + right) / (1 - part))
    if log:
        low = table.min() / 3
        draw.log_axis(axes, "x", low, high * (high / low) ** right)
    else:
        axes.set_xlim(low - (high - low) * left * (low < 0), high + ((high - low) * right or 1))
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(5 if room < 90 else 3))
    axes.xaxis.set_major_formatter(lambda v, _: f"{draw.tick(100 * v)}%" if unit == "%" else draw.tick(v))


@styled
def lines(curves, xlabel, ylabel, *, x=None, log="", marks=None, levels=None):
    """Up to 4 curves with their names beside them; `curves` dict name → [n], or one [n].

    `x` [n] (0, 1, … if not given) is shared; `log` "", "x", "y" or "xy"; `marks` dict text → x marks points;
    `levels` dict name → height are dashed. On a logarithmic scale 0 is the bottom edge.
    """
    log, sizes = draw.check_choice("log", log, "", "x", "y", "xy"), {}
    xlabel, ylabel, named = draw.told(xlabel), draw.told(ylabel), isinstance(curves, dict)
    curves = curves if named else {"curves": curves}
    curves = draw.check_named("curves", curves, 4, "curves can be told apart", "n", sizes)
    x = np.arange(sizes["n"]) + 0.0 if x is None else draw.check_numbers("x", x, "n", sizes)
    if (np.diff(x) <= 0).any() or 0 < np.ptp(x) < 1e-5 * np.abs(x).max():
        found = draw.short(x.tolist())
        raise PictureError(f"x must rise from left to right, by steps that can be told apart, found {found}")
    marks, levels = draw.check_marks("marks", marks, 12), draw.check_marks("levels", levels, 8)
    figure = draw.new_figure(350, "constrained")
    axes = figure.add_subplot(xlabel=draw.shorten(xlabel, 600, 12), ylabel=draw.shorten(ylabel, 260, 12))
    heights = np.concatenate([*curves.values(), [y for y, _ in levels]])
    floor, say = _line_scales(axes, x, heights, log, marks), draw.teller(heights, "y" in log)
    looks, ends, told = draw.looks(curves if named else [xlabel]).values(), [], []
    for (name, curve), (colour, dash, marker) in zip(curves.items(), looks, strict=True):
        # Many points are drawn finer, without dashes and markers, which only blur there.
        marker = marker if len(x) <= 24 else ""
        look = {"ls": dash, "marker": marker, "ms": 7} if len(x) <= 100 else {"lw": 1.3}
        axes.plot(x, np.maximum(curve, floor), color=colour, label=name, **look)
        ends.append((max(curve[-1], floor), name if named else "", colour))
        told.append(f"{f'{name}: ' * named}{_course(x, curve, say)}")
    scales = {"": "", "x": ", x logarithmic", "y": ", y logarithmic"}.get(log, ", both logarithmic")
    told = f"{'; '.join(told)}."
    alt = f"{ylabel} by {xlabel}, from {draw.tick(x[0])} to {draw.tick(x[-1])}{scales}. {told}"
    for height, name in levels:
        at = max(height, floor)
        look = {"color": MUTED, "lw": 1.6, "ls": (0, (5, 3)), "zorder": 1}
        axes.plot(x[[0, -1]], [at, at], **look) if len(x) > 1 else axes.axhline(at, **look)
        ends.append((at, name, MUTED))
        alt += f" Dashed: {name}, at {say(height)}."
    draw.end_labels(axes, x[-1], ends)
    alt += _mark(axes, x, [np.maximum(curve, floor) for curve in curves.values()], marks)
    return Picture(figure, alt, f"{draw.capital(ylabel)} by {xlabel}: {told}")


def _line_scales(axes, x, heights, log, above):
    """Scales and grid of `axes` for curves over `x` that have these `heights`, with room `above` for a mark; the
    height of the bottom edge."""
    low, high = heights.min(), heights.max()
    if ("x" in log and x[0] <= 0) or ("y" in log and (low < 0 or high == 0)):
        needs = "x above 0, and heights of 0 or more, one of them above 0"
        raise PictureError(f"a logarithmic scale needs {needs}")
    if "y" in log:
        draw.log_axis(axes, "y", heights[heights > 0].min(), high)
    else:
        # From 0 where that costs little room: a small difference must not look like a large one.
        low = 0 if 0 < low < 0.6 * high else low
        pad = (high - low) * 0.08 if draw.spread(heights) else abs(high) * 0.1 or 0.1
        axes.set_ylim(low - pad * (low != 0), high + pad * (2 if above else 1))
        axes.yaxis.set_major_locator(MaxNLocator(5))
    if "x" in log:
        draw.log_axis(axes, "x", x[0], x[-1])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=(x == x.round()).all(), steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda value, _: draw.tick(value))
    axes.grid()
    return axes.get_ylim()[0]


def _course(x, curve, say):
    """How a curve runs, in words; `say` writes a height."""
    noise = 1e-6 * np.abs(curve).max()  # what only the last bits tell apart is level
    up = (curve - np.minimum.accumulate(curve)).max() > noise
    down = (np.maximum.accumulate(curve) - curve).max() > noise
    low, high = say(curve.min()), say(curve.max())
    below, flat = low == high and low.startswith("below"), np.ptp(curve) < 0.02 * say.keywords["scale"]
    if below or (low == high and flat) or not (up or down):
        return f"{low}{' nearly' if (up or down) and not below else ''} throughout"
    if up and down:
        ends = ("lowest", low, draw.highest(-curve)), ("highest", high, draw.highest(curve))
        return ", ".join(f"{word} {height} at {draw.tick(x[at])}" for word, height, at in ends)
    return f"{'rises' if up else 'falls'} from {say(curve[0])} to {say(curve[-1])}"


def _mark(axes, x, curves, marks):
    """Mark `curves` at the numbers of `marks`, pairs (number, text); what the alt text says of it."""
    alt, seen, texts = "", set(), []
    for at, text in marks:
        place = np.abs(x - at).argmin()
        step = np.abs(np.delete(x, place) - x[place]).min(initial=np.inf)
        if len(x) == 1 or axes.get_xscale() == "log":
            step = min(step, abs(x[place]))
        if abs(x[place] - at) > 0.05 * step:  # as far as half precision rounds
            raise PictureError(f"marks must name values of x, found {draw.tick(at)}")
        at = at if at == 0 or np.float32(at) == np.float32(x[place]) else x[place]
        if place in seen:
            raise PictureError(f"marks: two texts find no room at {draw.tick(x[place])}")
        seen.add(place)
        spots = [curve[place] for curve in curves]
        axes.plot([x[place]] * len(spots), spots, "o", color=INK, ms=8, zorder=5)
        side = ("left", *["center"] * 6, "right")[7 if 0 < place == len(x) - 1 else place * 8 // len(x)]
        look = {"textcoords": "offset points", "ha": side, "va": "bottom"}
        texts.append(axes.annotate(draw.shorten(text, 260), (x[place], max(spots)), (0, 8), **look))
        alt += f" Marked at {draw.tick(at)}: {text}."
    if texts:
        draw.lay_out(axes.figure)
        # Of Text, as an annotation's own extent has its arrow in it.
        boxes = {text: Text.get_window_extent(text) for text in [*axes.texts, axes.yaxis.label]}
        if any(boxes[one].overlaps(box) for one in texts for text, box in boxes.items() if text is not one):
            raise PictureError("marks: a text covers another one: give fewer, or shorter ones")
    return alt


@styled
def histograms(samples, xlabel, *, marks=None, ends=None):
    """Histograms of up to 4 samples, one below the other over one scale, each as high as its row, with the mean of each;
    `samples` dict name → [n]. `marks` dict text → x are upright lines that carry the text; `ends`, a pair of numbers, is
    where the scale begins and ends (the data if not given)."""
    samples = draw.check_named("samples", samples, 4, "histograms can be read together", "n")
    marks = draw.check_marks("marks", marks, 12)
    every = np.concatenate([*samples.values(), [x for x, _ in marks]])
    low, high = _ends(every, ends)
    bins = np.linspace(low, high, 61 if ends is None else 121)
    names = [draw.shorten(name, 250) for name in samples]
    left = 24 + max(map(draw.text_width, names))
    top = 23 + 21 * min(len(marks), 4) if marks else 10  # where no two texts fit beside one another
    each = min(110, (384 - top) // len(samples))
    figure = draw.new_figure(top + each * len(samples) + 46)
    xlabel, say = draw.told(xlabel), draw.teller((low, high))
    alt, means = f"{counted(len(samples), 'histogram')} of {xlabel}, from {say(low)} to {say(high)}.", []
    for row, (name, sample) in enumerate(samples.items()):
        axes = draw.add_axes_px(figure, left, top + row * each, 766 - left, each - 8)
        say, colour = draw.teller(sample), COLOURS.get(draw.part_of(name), draw.PLAIN)
        mean = say(sample.mean())
        means.append(f"{mean} for {name}")
        heights = np.histogram(sample.clip(low, high), bins)[0] / len(sample)
        axes.stairs(heights, bins, fill=True, color=colour)
        axes.axvline(sample.mean(), color=INK, lw=2)
        for x, _ in marks:
            axes.axvline(x, color=MUTED, lw=1.4, ls=(0, (2, 2)))
        axes.set(xlim=(low, high), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelbottom=row == len(samples) - 1)
        for x, side, text, room in (-0.01, "right", names[row], None), (1.01, "left", f"mean {mean}", 118):
            draw.write(axes, x, 0.35, text, ha=side, room=room, transform=axes.transAxes)
        alt += f" {name}: {counted(len(sample), 'value')}, mean {mean}, spread {say(sample.std())}."
    axes.set_xlabel(draw.shorten(xlabel, 700, 12))
    for x, text in marks:
        alt += f" Marked: {text}, at {draw.teller(every)(x)}."
    draw.flags(figure.axes[0], marks)
    return Picture(figure, alt, f"Mean {listed(means)}.")


def _ends(values, ends):
    """Where a scale for `values` begins and ends: at `ends`, which must hold them, or a little beyond them."""
    if ends is None:
        pad = draw.spread(values) * 0.02 or abs(values.max()) * 0.1 or 0.5
        return values.min() - pad, values.max() + pad
    low, high = draw.check_numbers("ends", ends, "2")
    slack = 1e-5 * (high - low)
    if not low < high or (values < low - slack).any() or (values > high + slack).any():
        found = f"{values.min():g} to {values.max():g}, found {low:g} and {high:g}"
        raise PictureError(f"ends must be two rising numbers around all values, {found}")
    return low, high


TOO_MANY = "so not every one is drawn"


@styled
def strips(rows, *, marks=None, limit=None):
    """All numbers of a few vectors, each as one heat strip, on one scale from -`limit` to `limit` (computed if not
    given); `rows` dict name → [H], or a list of (name, [H]). `marks` dict text → dimension points at columns; the
    largest number of each strip is written beside it; of up to 128 columns a dot marks an exact 0."""
    pairs, sizes = draw.check_pairs("rows", rows, 12), {}
    names = [draw.told(name) for name, _ in pairs]
    table = np.stack([draw.check_numbers(name, numbers, "H", sizes) for name, numbers in pairs])
    width, marks = sizes["H"], draw.check_marks("marks", marks, 12, whole=True)
    if any(not 0 <= i < width for i, _ in marks):
        raise PictureError(f"marks must be from 0 to {width - 1}, found {[i for i, _ in marks]}")
    limit, top = draw.colour_limit(table, limit=limit), 62 if marks else 30
    height = min(52.0, 250 / len(table)) * len(table)
    figure = draw.new_figure(top + height + 70)
    labels = [draw.shorten(name, 136) for name in names]
    axes = draw.heat_strip(figure, (140, top, 640, height), table, limit, labels, gap=8)
    zeros = np.argwhere(table == 0) if width <= 128 else np.empty((0, 2))
    axes.plot(*zeros.T[::-1], ".", color=MUTED, ms=5)
    draw.flags(axes, marks)
    ticks = MaxNLocator(6, integer=True).tick_values(0, width)
    axes.set_xticks(sorted({*(int(t) for t in ticks if 0 <= t < 0.94 * width), width - 1}))
    axes.set_xlabel("dimension", loc="left")
    beyond = draw.scale_bar(figure, 580, top + height + 32, 190)
    if len(zeros):
        draw.write(draw.overlay(figure), 400, top + height + 38, "dot: exactly 0", colour=MUTED)
    alt, most = f"{counted(len(names), 'heat strip')} of {width} numbers on one colour scale.", []
    beside = {"transform": axes.get_yaxis_transform(), "ha": "left"}
    draw.write(axes, 1.02, -0.5 - 14 * len(table) / height, "largest", colour=MUTED, **beside)
    for row, (name, numbers) in enumerate(zip(names, table, strict=True)):
        at, none = draw.highest(np.abs(numbers)), int((numbers == 0).sum())
        say = draw.teller(numbers)
        number = say(numbers[at])
        most.append((abs(numbers[at]), f"{name}, {number} at dimension {at}"))
        draw.write(axes, 1.02, row, f"{number} at {at}", room=107, **beside)
        alt += f" Largest of {most[-1][1]}; length {say(np.linalg.norm(numbers))}"
        alt += f"; {none} of {width} are exactly 0." if none else "."
    alt += "".join(f" Marked: dimension {i}, {text}." for i, text in marks)
    alt += f" There are more numbers than pixels, {TOO_MANY}." if width > 640 * draw.SCREEN else ""
    caption = _alike(names, table) + f"Largest of all: {most[draw.highest([size for size, _ in most])][1]}."
    caption += f" A dot: exactly 0, {len(zeros)} of {table.size} numbers." if len(zeros) else ""
    return Picture(figure, alt + beyond, caption)


def _alike(names, rows):
    """Which of `rows` [n, H] are nearly the same pattern, and which its reverse, in words; nothing if none is."""
    lengths = np.linalg.norm(rows, axis=1)
    cosine = rows @ rows.T / np.maximum(np.outer(lengths, lengths), 1e-300)
    nearest = cosine[draw.highest((cosine > 0.98).sum(1))]
    if not (cosine[np.ix_(nearest > 0.98, nearest > 0.98)] > 0.98).all():
        return ""
    same, reverse = ([quote(n) for n, c in zip(names, s * nearest, strict=True) if c > 0.98] for s in (1, -1))
    told = [f"{listed(same)} are alike"] if same[1:] else []
    told += [f"{one} is the reverse of {same[0]}" for one in reverse]
    return f"{draw.capital('; '.join(told))}. " if told else ""


GROUPS = ("#0b8f77",), ("#6a51a3",), (INK,), (MUTED,)  # of a grid


@styled
def grid(rows, groups=None):
    """Texts in a grid, one below the other; `rows` dict name → list of texts ("" is an empty cell), or a list of
    (name, texts). `groups`, for each row a list of names ("" for none), gives up to 4 groups their colour. Columns
    that find no room are left out."""
    pairs = draw.check_pairs("rows", rows, 10)
    names = [draw.told(name) for name, _ in pairs]
    cells = [_cells(name, texts) for name, (_, texts) in zip(names, pairs, strict=True)]
    given = draw.check_list("groups", groups, len(cells), "lists of names") if groups is not None else []
    groups = given or [[None] * len(texts) for texts in cells]
    groups = [_cells(f"groups of {n}", g, len(c)) for n, g, c in zip(names, groups, cells, strict=True)]
    labels = [draw.shorten(name, 190, 13) for name in names]
    left = 24 + max(draw.text_width(label, 13) for label in labels)
    drawn = [[draw.shorten(cell, 130, 14) if cell else "" for cell in texts] for texts in cells]
    columns = zip_longest(*drawn, fillvalue="")
    wide = np.array([max(34, *(14 + draw.text_width(cell, 14) for cell in texts)) for texts in columns])
    ends = left + wide.cumsum()
    fit = max(1, int((ends < draw.WIDTH - 10).sum()))
    groups = [group[:fit] for group in groups]
    kinds, patches = [*filter(None, chain(*groups))], {}
    looks = draw.check_groups(kinds, None, GROUPS)[1] if kinds else {}
    top = 40 if kinds else 8
    figure = draw.new_figure(top + 38 * len(cells) + 8)
    axes, alt, told = draw.overlay(figure), f"{counted(len(cells), 'row')} of texts.", []
    for row, (name, texts, group) in enumerate(zip(names, drawn, groups, strict=True)):
        y = top + 38 * row
        draw.write(axes, left - 10, y + 19, labels[row], 13, MUTED, ha="right")
        for text, kind, end, width in zip(texts, group, ends, wide, strict=False):
            (colour,) = looks.get(kind, (NEUTRAL,))
            look = {"fc": draw.tint(colour, 0.22 * (kind != "")), "ec": colour, "lw": 1.2}
            patches[kind] = axes.add_patch(Rectangle((end - width + 2, y + 2), width - 4, 34, **look))
            draw.write(axes, end - width / 2, y + 19, text, 14, INK if kind or not looks else MUTED)
        alt += f" {name}: “{' '.join(filter(None, cells[row][:fit]))}”."
        told.append([[n for n, one in enumerate(group, 1) if one == kind] for kind in looks])
    if looks:
        draw.legend(figure, {kind: patches[kind] for kind in looks}, 170)
    caption = _in_groups(names, looks, told)
    caption = caption or f"{counted(len(cells), 'row')} of up to {counted(len(wide), 'text')}."
    if fit < len(wide):
        caption += f" Of {len(wide)} columns the first {fit} are drawn."
    return Picture(figure, f"{alt} {caption}", caption)


def _cells(name, texts, number=None):
    """The texts of a row, or whatever else can be written, as they are told; "" of what is empty."""
    texts = draw.check_list(name, list(texts) if isinstance(texts, str) else texts, number, "texts")
    texts = [draw.tick(cell) if isinstance(cell, float) else cell for cell in texts]
    return ["" if cell is None or str(cell) == "" else draw.told(cell) for cell in texts]


def _in_groups(names, kinds, columns):
    """Which columns of the rows `names` are of each of `kinds`, in words; `columns` of each row, of each kind."""
    told = []
    for kind, of in zip(kinds, zip(*columns, strict=True), strict=True):
        where, start = [], 0
        for found, alike in groupby(of):
            rows = names[start : start + len([*alike])]
            start += len(rows)
            which = "each row" if len(rows) == len(names) > 1 else _ends_of(map(quote, rows))
            where += [f"{_spans(found)} in {which}"] if found else []
        said = ", ".join(where) if len(where) <= 7 else f"{where[0]} … {where[-1]}"
        told.append(f"{quote(kind)}: column {said}")
    return f"{'; '.join(told)}." if told else ""


def _ends_of(texts):
    """The first and the last of `texts` in words."""
    first, *_, last = [*texts] * 2
    return first if first == last else f"{first} to {last}"


def _spans(numbers):
    """Rising whole numbers in words, those that follow one another by the first and the last: 1 to 3 and 5."""
    runs = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    return listed(_ends_of(str(number) for _, number in run) for _, run in runs)


@styled
def heat_maps(maps, xlabel, ylabel, *, limit=None, rows=None):
    """Up to 4 matrices of one shape side by side on one signed colour scale, 0 white; `maps` dict title → [n,
    m].

    The scale goes from -`limit` to `limit` (computed if not given); `rows` name the n rows.
    """
    rows = None if rows is None else [*map(draw.told, draw.check_texts("rows", rows))]
    sizes = {"n": len(rows)} if rows else {}
    maps = draw.check_named("maps", maps, 4, "maps fit side by side", "n m", sizes)
    n, m = sizes["n"], sizes["m"]
    limit = draw.colour_limit(*maps.values(), limit=limit)
    names = [draw.shorten(name, 92) for name in rows or range(n)]
    left = 34 + max(map(draw.text_width, names)) if rows else 64
    room = (draw.WIDTH - left - 22 * len(maps)) / len(maps)
    # Whole device pixels, so that no pattern appears that is not in the data; what is too large for that is
    # smoothed. Long rows need height, long columns breadth.
    cell = min(524 // n, 2 * room // m, 108) / 2 or min(262 / n, room / m)
    tall = max(cell, min(262 / n, 34)) if m > 2 * n else cell
    wide = max(cell, min(room / m, 34)) if n > 2 * m else cell
    shown = range(0, n, math.ceil(17 / tall)) if rows else sorted({0, (n - 1) // 2, n - 1})
    across, down, smooth = wide * m, tall * n, "hanning" if max(wide, tall) < 0.5 else "nearest"
    figure = draw.new_figure(34 + down + 94)
    xlabel, ylabel = draw.told(xlabel), draw.told(ylabel)
    titles = [draw.shorten(title, room, 14) for title in maps]  # bold
    below = draw.shorten(xlabel, room, 12)
    each = max(across, min(room, max(draw.text_width(text, 14) for text in (*titles, below))))  # of the page
    x = left + (room - each) * len(maps) / 2 + (each - across) / 2
    upright = draw.shorten(ylabel, min(240, down + 64 * (each == across)), 12)
    alt = f"{counted(len(maps), 'heat map')}, {ylabel} by {xlabel}, from {draw.tick(-limit)} to {draw.tick(limit)}."
    caption, beside = [], []
    for index, (title, array) in enumerate(maps.items()):
        axes = draw.add_axes_px(figure, x, 34, across, down)
        look = {"interpolation": smooth, "interpolation_stage": "data"}  # the mean of numbers, not of colours
        axes.imshow(array, draw.DIVERGING, vmin=-limit, vmax=limit, **look)
        axes.set_xticks(sorted({0, (m - 1) // 2, m - 1}))
        axes.set_yticks(shown, [names[i] for i in shown])
        axes.tick_params(axis="y", labelleft=index == 0, length=0 if rows else 3.5)
        if m > 9:  # the last number must not join the next panel's first
            axes.get_xticklabels()[0].set_ha("left")
            axes.get_xticklabels()[-1].set_ha("right")
        axes.set(xlabel=below, ylabel="" if index else upright, title=titles[index])
        axes.spines[:].set(visible=True, color=NEUTRAL)
        x += each + 22
        low, mean, high = map(draw.teller(array), (array.min(), array.mean(), array.max()))
        alt += f" {title}, [{n}, {m}]: from {low} to {high}, mean {mean}."
        cosines = n == m > 2 and np.abs(array).max() < 1.001
        if cosines and np.allclose(array, np.where(np.eye(n), 1, array.T), atol=1e-3):
            apart = np.abs(np.subtract.outer(range(n), range(n)))
            beside.append(f"{title}: {draw.nearer(array, apart == 1)} of {n}")
        else:
            strongest = rows and n > 1 and _strongest(array, rows, ylabel, limit)
            ends = strongest or f"from {low} to {high}"
            caption.append(f"{title}: {ends}.")
    caption += [f"rows that are most like a row next to them: {', '.join(beside)}."] if beside else []
    told = " ".join(map(draw.capital, caption))
    if min(wide, tall) < 0.5:
        alt += f" There are more numbers than pixels, {'so they are smoothed' if smooth == 'hanning' else TOO_MANY}."
    return Picture(figure, f"{alt} {told}{draw.scale_bar(figure, 650, 34 + down + 54, 190)}", told)


def _strongest(array, names, what, limit):
    """Which row of `array` has the strongest colours, up to those of `limit`, and which the palest, in words."""
    strong = np.sqrt((array.clip(-limit, limit) ** 2).mean(1))
    if not draw.spread(strong):
        return f"each {what} is as strong as the others"
    at = [draw.highest(strength) for strength in (strong, -strong)]
    first, last = (quote(names[n]) + f" (row {n})" * (names.count(names[n]) > 1) for n in at)
    return f"{what} {first} is strongest, {last} palest"


@styled
def points(panels, labels=None, *, joined="", groups=None, axes=None):
    """Points in a plane, one scale on both axes, up to 4 panels; `panels` dict title → [n, 2].

    `labels` list of n strings, or dict title → such a list; `joined` "ring" joins them in order and the last to the
    first; `groups` list of n names (up to 4 different) gives each its colour and marker. With `axes`, the names (x, y) of the
    axes, the panels share one scale with numbers and lines through 0; without, each shows a plane of its own.
    """
    joined = draw.check_choice("joined", joined, "", "ring")
    panels = draw.check_named("panels", panels, 4, "panels fit side by side", "n 2")
    labels = _labels(labels, [*panels]) if labels is not None else {}
    axes = None if axes is None else draw.check_texts("axes", axes, 2)
    groups, looks = (None, {}) if groups is None else draw.check_groups(groups, None)
    left, right, below, top = 8, 16, 10, 66 if groups else 36
    if axes:
        left, right, below = _beside(np.concatenate([*panels.values()]), 60), 24, 50
    figure, each = draw.new_figure(380), (draw.WIDTH - left * bool(axes)) / len(panels)
    alt, caption = f"{counted(len(panels), 'panel')} of points in a plane.", []
    for index, (title, xy) in enumerate(panels.items()):
        n, told, names = len(xy), [], labels.get(title)
        most = 500 if names else 2000 if groups or joined else n  # each is held against every other
        if n > most:
            what = "names" if names else "groups or a line"
            raise PictureError(f"{title}: up to {most:,} points can have {what}, found {n:,}")
        for what, found in ("labels", names), ("groups", groups):
            if found is not None and len(found) != n:
                raise PictureError(f"{title} has {counted(n, 'point')} and {len(found)} {what}")
        panel = draw.add_axes_px(figure, left + index * each, top, each - right, 380 - below - top)
        panel.update_datalim(np.concatenate([*panels.values()] if axes else [xy]))
        panel.set_aspect("equal", adjustable="datalim")
        panel.margins(0.16 if names else 0.06)
        panel.set_title(draw.shorten(title, each - 24, 14))  # bold
        panel.spines[:].set(visible=True, color=NEUTRAL)
        if axes:
            _number(
                panel,
                [draw.shorten(text, room, 12) for text, room in zip(axes, (each - 40, 260), strict=True)],
                index,
            )
        else:
            panel.set(xticks=[], yticks=[])
        if joined:
            told.append(_crossings(xy))
        handles = _dots(panel, xy, COLOURS.get(draw.part_of(title), COLOURS["word"]), joined, groups, looks)
        panel.autoscale_view()
        panel.apply_aspect()
        if names:
            written = draw.label_points(panel, xy, xy.mean(0), names)
            told += [f"{written} of the {n} names find room"] if written < n else []
        told += _spots(xy, groups if len(looks) > 1 else None)
        alt += f" {title}: {draw.some(names) if names else counted(n, 'point')}."
        caption += [f"{title}: {'; '.join(told)}"] if told else []
    if groups:
        draw.legend(figure, handles, 260)
        alt += f" Groups: {listed(f'{kind} ({groups.count(kind)})' for kind in looks)}."
    told = ". ".join(map(draw.capital, caption or [listed(panels)])) + "."
    return Picture(figure, f"{alt} {told}", told)


def _labels(labels, titles):
    """{title: names}, of a list for all or of a dict."""
    if not isinstance(labels, dict):
        labels = dict.fromkeys(titles, draw.check_texts("labels", labels))
    labels = draw.check_named("labels", labels, 4, "panels fit side by side") if labels else {}
    for title in labels:
        draw.check_choice("a title of labels", title, *titles)
    return {title: draw.check_texts("labels", names) for title, names in labels.items()}


def _number(panel, names, index):
    """Numbers, names and lines through 0 for the axes of a panel; the names beside the first only."""
    _cross(panel)
    panel.set(xlabel=names[0], ylabel="" if index else names[1])
    panel.tick_params(labelleft=not index)
    wide = draw.text_width(draw.tick(-float(f"{np.abs(panel.dataLim.get_points()).max():.1g}")))
    nbins, prune = max(1, min(5, int(panel.bbox.width / (wide + 10)) - 1)), "both" if wide > 30 else None
    panel.locator_params("x", nbins=nbins, prune=prune)
    panel.locator_params("y", nbins=5)


def _dots(panel, points, plain, joined, groups, looks):
    """Draw `points` in the colour `plain`, or each in the look of its group; {group: what is drawn}."""
    look = {"zorder": 3, "ms": 8 if len(points) <= 60 else 4}
    if joined:
        panel.plot(*np.concatenate([points, points[:1]]).T, "-", color=draw.tint(plain, 0.5), zorder=1)
    if not groups:
        return panel.plot(*points.T, "o", color=plain, **look)
    drawn = {}
    for kind, (colour, _, marker) in looks.items():
        mine = np.array([group == kind for group in groups])
        (drawn[kind],) = panel.plot(*points[mine].T, marker, color=colour, **look)
    return drawn


def _beside(points, least):
    """CSS pixels for the numbers and the name of the upright axis of `points`."""
    ticks = MaxNLocator(5).tick_values(
        2 * points[:, 1].min(), 2 * points[:, 1].max()
    )  # the axes may be wider
    return max(least, 36 + max(draw.text_width(draw.tick(n)) for n in ticks))


def _cross(axes):
    """Lines through 0."""
    for line in axes.axhline, axes.axvline:
        line(0, color=NEUTRAL, lw=1, zorder=0)


def _spots(points, groups):
    """What there is to say of where `points` lie: on few spots, on a circle around 0, each beside its own group."""
    spread, away = np.ptp(points, axis=0).max(), np.linalg.norm(points, axis=1)  # the axes go by the spread
    spots = len(np.unique(((points - points.min(0)) / (spread or 1)).round(3), axis=0))
    n, (long, *short) = len(points), np.linalg.svd(points - points.mean(0), compute_uv=False)
    if spots <= min(n / 2, 12):  # more nobody counts
        return [f"the {n} points lie on {counted(spots, 'spot')}"]
    if n > 2 and max(short, default=0) < 1e-3 * long:
        return ["all points lie on one line"]
    if n > 2 and np.ptp(away) < 1e-3 * spread:
        return ["all points are equally far from 0"]
    if groups is None:
        return []
    apart = ((points[:, None] - points[None]) ** 2).sum(-1)
    own = draw.nearer(-apart, np.equal.outer(groups, groups))
    return [f"{own} of {n} points have one of their own group nearest"]


def _crossings(points):
    """How often the closed line through `points` [n, 2] crosses itself, in words."""
    apart = np.abs(points - np.roll(points, 1, axis=0)).max(1)
    points = points[apart > 1e-6 * np.ptp(points)]
    step = (np.roll(points, -1, axis=0) - points)[:, None]
    there, own = points[None] - points[:, None], np.eye(len(points))
    side = step[..., 0] * there[..., 1] - step[..., 1] * there[..., 0]  # [line, point]
    length, along = (step**2).sum(-1), (there * step).sum(-1)
    side = np.where(np.abs(side) < 1e-6 * length, 0, np.sign(side))
    between = (along > -1e-6 * length) & (along < (1 + 1e-6) * length)
    if ((side == 0) & between & (own + np.roll(own, 1, axis=1) == 0)).any():
        return "the joined line meets itself at a corner"
    parted = side * np.roll(side, -1, axis=1) < 0  # the first line passes between the second's ends
    crossings = int((parted & parted.T).sum()) // 2
    often = {0: "never crosses itself", 1: "crosses itself once"}
    return f"the joined line {often.get(crossings, f'crosses itself {crossings} times')}"


@styled
def arrows(vectors, *, angle=False, shadow=None, joined=False):
    """Up to 4 vectors as arrows from 0, one scale both ways; `vectors` dict name → [H].

    Two numbers each are drawn as they are. Of longer ones the plane is drawn in which the first two lie, these two
    with their true lengths and angle. `angle` writes the angle between the first two and its cosine; `shadow`
    names the vector whose shadow falls, at right angles, on each of the others; `joined` leads a dashed line from each
    tip to the next.
    """
    vectors = draw.check_named("vectors", vectors, 4, "arrows can be told apart", "H", sizes := {})
    names, rows = list(vectors), np.array([*vectors.values()])
    length, say = np.linalg.norm(rows, axis=1), draw.teller(rows)
    shadow = draw.check_choice("shadow", shadow if shadow is None else draw.told(shadow), None, *names)
    angle = draw.check_choice("angle", angle, False, True)
    joined = draw.check_choice("joined", joined, False, True)
    if angle and (len(names) < 2 or not length[:2].all()):
        raise PictureError("an angle needs two vectors, both longer than 0")
    tips, spanning = _plane(rows)
    drawn, flat = np.linalg.norm(tips, axis=1), sizes["H"] == 2
    unit, share = tips / np.where(drawn > 0, drawn, 1)[:, None], drawn / np.where(length > 0, length, 1)
    tip = tips[names.index(shadow)] if shadow else None
    onto = [n for n, name in enumerate(names) if shadow not in (None, name) and share[n] > 0.999]
    feet = {n: unit[n] * (unit[n] @ tip) for n in onto}
    far = {n: say(unit[n] @ tip) for n in onto}
    at = [f" [{', '.join(map(say, of))}]" if flat else "" for of in tips]
    figure, axes = _plane_axes(np.array([[0, 0], *tips, *feet.values()]), flat)
    covered, labels, told = [], [], []  # a label: its text, its point, what it keeps away from
    # Of two arrows of length 1 the shadow is the cosine.
    both = (0, 1) if angle and shadow in names[:2] and np.allclose(drawn[:2], 1) else ()

    def line(*ends, **look):
        axes.plot(*np.transpose(ends), zorder=1, **look)
        covered.extend(np.linspace(*ends, 60))

    dashed = {"color": MUTED, "ls": (0, (4, 3)), "lw": 1.6}
    if angle:
        arc, written = _angle(axes, unit[:2], 0.25 * length[:2].min())
        covered.extend(arc)
        labels.append((", ".join(written[: 1 if both else 2]), arc[len(arc) // 2], (0, 0)))
        told.append(f"{quote(names[0])} and {quote(names[1])} are {' apart, '.join(written)}")
    for ends in pairwise(tips) if joined else ():
        line(*ends, **dashed)
    for n, (name, (colour, *_)) in enumerate(draw.looks(names).items()):
        if n in feet:
            line((0, 0), feet[n], color=draw.tint(colour, 0.35), lw=12, solid_capstyle="butt")
            line(tip, feet[n], **dashed)
            labels.append((f"{'cosine' if n in both else 'shadow'} {far[n]}", feet[n] / 2, tip - feet[n] / 2))
        covered.extend(np.linspace((0, 0), tips[n], 60))
        look = {"style": "-|>,head_width=0.35,head_length=0.7", "mutation_scale": 22}
        draw.arrow(axes, (0, 0), tips[n], colour, 3.5, **look)
        name = draw.shorten(name, 300 - draw.text_width(at[n], 17), 17)
        labels.append((f"{name}{at[n]}", tips[n], (0, 0)))
        told += [f"the shadow of {quote(shadow)} on {quote(names[n])} is {far[n]}"] if n in far else []
        told += [f"{quote(names[n])} is{at[n]}"] if flat else []
        if share[n] < 0.999 * (length[n] > 0):
            part = f"is drawn, {draw.percent(share[n])} of its length"
            told.append(f"of {quote(names[n])} the part in this plane {part}")
    texts, *points = zip(*labels, strict=True)
    draw.label_points(axes, *map(np.array, points), texts, avoid=np.array(covered), size=17)
    return Picture(figure, *_arrow_words([*map(quote, names)], at, [*map(say, length)], spanning, told))


def _arrow_words(names, at, length, spanning, told):
    """Alt text and caption of arrows: where each ends, how long it is, and what there is `told` of them beside that."""
    where = "" if at[0] else ", on a line"
    where = f", in the plane of {listed(names[n] for n in spanning)}" if not at[0] and spanning[1:] else where
    alt = f"{counted(len(names), 'arrow')} from 0{where}."
    for name, end, long in zip(names, at, length, strict=True):
        alt += f" {name}:{end}{',' if end else ''} length {long}."
    told = told or [f"{name} is {long} long" for name, long in zip(names, length, strict=True)]
    caption = f"{draw.capital('; '.join(told))}."
    return f"{alt} {caption}", caption


def _angle(axes, unit, size):
    """Draw the angle between two vectors of length 1 as an arc of `size`, a right one as two sides of a square; the points
    of it, and what is written: degrees and cosine."""
    one, other = unit
    cosine = min(1, max(-1, one @ other))
    written = f"{math.degrees(math.acos(cosine)):.0f}°", f"cosine {draw.format_number(cosine)}"
    if abs(cosine) < 0.0005:
        arc = np.stack([one, one + other, other]) * 0.6
    else:
        start, turn = math.atan2(one[1], one[0]), math.atan2(one[0] * other[1] - one[1] * other[0], cosine)
        angles = start + np.linspace(0, turn, 61)
        arc = np.stack([np.cos(angles), np.sin(angles)], 1)
    axes.plot(*(arc * size).T, color=INK, lw=1.6)
    return arc * size, written


def _plane(vectors):
    """`vectors` [n, H] in a plane, [n, 2], and which of them span it: two numbers each as they are; else the first
    two that do, the first to the right and the second upward."""
    axes, spanning = [], []
    for n, vector in enumerate(vectors):
        rest = vector - sum(vector @ axis * axis for axis in axes)
        if len(axes) < 2 and np.linalg.norm(rest) > 1e-6 * np.linalg.norm(vector):
            axes.append(rest / np.linalg.norm(rest))
            spanning.append(n)
    axes = np.stack([*axes, *np.zeros((2 - len(axes), vectors.shape[1]))])
    return vectors if vectors.shape[1] == 2 else vectors @ axes.T, spanning


def _plane_axes(shown, numbered):
    """A figure, and axes of one scale both ways around `shown` [n, 2], with room for names; `numbered` has numbers
    and lines through 0."""
    size, middle = np.ptp(shown, axis=0), (shown.max(0) + shown.min(0)) / 2
    scale = 1 / (max(size / (480, 240)) or 0.01)  # CSS pixels for a 1
    height, left = max(150, size[1] * scale + 110), 70 if np.abs(shown).max() < 1000 else _beside(shown, 70)
    figure = draw.new_figure(height + (66 if numbered else 20))
    low, high = (middle + sign * np.array([886 - left, height]) / scale / 2 for sign in (-1, 1))
    axes = draw.add_axes_px(figure, left, 14, 886 - left, height)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.spines[:].set_visible(False)
    axes.yaxis.OFFSETTEXTPAD = -14  # where numbers have a factor, it stands inside
    if numbered:
        axes.set(xlabel="first number", ylabel="second number")
        _cross(axes)
        axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MultipleLocator(np.diff(axes.get_xticks()[:2])[0]))
        axes.grid()
    else:
        axes.set(xticks=[], yticks=[])
    return figure, axes
