"""The pictures for any data: bars, lines, histograms, strips, heat_maps, points. `plots` says what they share."""

import math

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator

from . import picture as draw
from .picture import COLOURS, INK, MUTED, Picture, counted, listed, quote, styled, write


@styled
def bars(values, xlabel, *, log=False, unit=""):
    """Horizontal bars with their values; `values` dict name → number, or name → dict of series → number
    for up to 4 bars together. `unit` is written after each value; "%" writes shares as percents."""
    values = draw.check_named("values", values, 12, "rows of bars can be read at a glance")
    grouped = isinstance(next(iter(values.values())), dict)
    series = list(next(iter(values.values()))) if grouped else [""]
    draw.check_named("series", dict.fromkeys(series), 4, "series can be told apart")
    rows = {name: of if isinstance(of, dict) else {"": of} for name, of in values.items()}
    if any(list(of) != series for of in rows.values()):
        raise ValueError(f"each of values must have the same series, as the first has: {series}")
    table = draw.check_numbers("values", [list(of.values()) for of in rows.values()], "n s")
    if log and (table <= 0).any():
        raise ValueError(f"a logarithmic scale needs values above 0, found {table.min():g}")

    def told(value):
        number = draw.magnitude(value) if log else draw.format_number(value)
        return draw.percent(value) if unit == "%" else number + unit

    lines = len(rows) * (len(series) + grouped) * (0.8 if grouped else 1)
    figure, axes = draw.row_figure([draw.shorten(n, 280) for n in rows], 36 * lines / len(rows), 90)
    thick, looks = 0.74 / len(series), draw.looks(series)
    for index, name in enumerate(series):
        at = np.arange(len(table)) + (index - (len(series) - 1) / 2) * thick
        own = [COLOURS.get(draw.part_of(row), draw.PLAIN) for row in rows]
        look = {"color": looks[name][0] if grouped else own, "label": draw.shorten(name, 260)}
        drawn = axes.barh(at, table[:, index], thick * 0.94, **look)
        axes.bar_label(drawn, list(map(told, table[:, index])), padding=4)
    axes.set_xlabel(draw.shorten(xlabel, 560, 12))
    room = 0.05 + 0.0013 * max(draw.text_width(told(value)) for value in table.flat)
    low, high = min(0, table.min()), max(0, table.max())
    if log:
        low, high = table.min() / 3, table.max()
        draw.log_axis(axes, "x", low, high * (high / low) ** room)
    else:
        axes.set_xlim(low - (high - low) * room * (low < 0), high + ((high - low) * room or 1))
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}" if unit == "%" else draw.tick(v))
    if grouped:
        figure.legend(loc="outside upper left", ncols=5)
    names = [f"{row} ({one})" if grouped else row for row in rows for one in series]
    said = dict(zip(names, table.flat, strict=True))
    alt = f"{xlabel}{', logarithmic' if log else ''}: "
    alt += listed(f"{name} {told(value)}" for name, value in said.items()) + "."
    most, least = max(said, key=said.get), min(said, key=said.get)
    caption = f"Largest: {most}, {told(said[most])}"
    caption += f"; smallest: {least}, {told(said[least])}." if len(said) > 1 else "."
    return Picture(figure, alt, caption)


@styled
def lines(curves, xlabel, ylabel, *, x=None, log="", mark=None, levels=None):
    """Up to 4 curves with their names beside them; `curves` dict name → [n], or one [n].

    `x` [n] (0, 1, … if not given) is shared; `log` "", "x", "y" or "xy"; `mark` dict x → text marks points;
    `levels` dict name → a height or [n] heights are dashed. On a logarithmic scale 0 is the bottom edge.
    """
    curves, sizes = curves if isinstance(curves, dict) else {"": curves}, {}
    curves = draw.check_arrays("curves", curves, "n", 4, "curves can be told apart", sizes)
    x = np.arange(sizes["n"]) + 0.0 if x is None else draw.check_numbers("x", x, "n", sizes)
    levels = {
        str(name): draw.check_numbers(name, torch.as_tensor(of).expand(len(x)), "n", sizes)
        for name, of in (levels or {}).items()
    }
    every = np.concatenate([*curves.values(), *levels.values()])
    if ("x" in log and x.min() <= 0) or ("y" in log and (every.min() < 0 or every.max() == 0)):
        raise ValueError("a logarithmic scale needs x above 0, and heights of 0 or more")
    if (np.diff(x) <= 0).any():
        raise ValueError(f"x must rise from left to right, found {x.tolist()}")
    figure = draw.new_figure(350, "constrained")
    axes = figure.add_subplot()
    low, high = every.min(), every.max()
    if "y" in log:
        draw.log_axis(axes, "y", every[every > 0].min(), high)
    else:
        # From 0 where that costs little room: a small difference must not look like a large one.
        low = 0 if 0 < low < 0.6 * high else low
        pad = (high - low) * 0.08 or 0.1
        axes.set_ylim(low - pad * (low != 0), high + pad * (2 if mark else 1))
        axes.yaxis.set_major_locator(MaxNLocator(5))
    if "x" in log:
        draw.log_axis(axes, "x", x[0], x[-1])
    else:
        whole = (x == x.round()).all()
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=whole, steps=[1, 2, 5, 10]))
    axes.set(xlabel=draw.shorten(xlabel, 600, 12), ylabel=draw.shorten(ylabel, 260, 12))
    axes.grid()
    floor, ends = axes.get_ylim()[0], []
    looks = draw.looks(curves if any(curves) else [xlabel])
    for (name, of), (colour, dash, marker) in zip(curves.items(), looks.values(), strict=True):
        # Many points are drawn finer, without dashes and markers, which only blur there.
        look = {"ls": dash, "marker": marker if len(x) <= 24 else "", "ms": 7}
        look = {"color": colour, **(look if len(x) <= 100 else {"lw": 1.3})}
        axes.plot(x, np.maximum(of, floor), label=name, **look)
        ends.append((max(of[-1], floor), name, colour))
    for name, of in levels.items():
        look = {"color": MUTED, "lw": 1.6, "ls": (0, (5, 3)), "zorder": 1}
        axes.plot(x, np.maximum(of, floor), label=name, **look)
        ends.append((max(of[-1], floor), name, MUTED))
    draw.end_labels(axes, x[-1], ends)

    say = draw.magnitude if "y" in log else draw.format_number
    scales = {"": "", "x": ", x logarithmic", "y": ", y logarithmic"}.get(log, ", both logarithmic")
    alt = f"{ylabel} by {xlabel}, from {draw.tick(x[0])} to {draw.tick(x[-1])}{scales}."
    caption = []
    for name, of in curves.items():
        caption.append(f"{name}{': ' if name else ''}{say(of[0])} to {say(of[-1])}")
        alt += f" {caption[-1]}"
        # Ties that only the last bits decide go to the first.
        fine = np.array([float(f"{value:.4g}") for value in of])
        for word, at in (("lowest", fine.argmin()), ("highest", fine.argmax())):
            alt += f", {word} {say(of[at])} at {draw.tick(x[at])}" if 0 < at < len(x) - 1 else ""
        alt += "."
    alt += "".join(f" Dashed: {name}, {say(of[-1])} at the end." for name, of in levels.items())
    for at, told in (mark or {}).items():
        found = np.flatnonzero(np.isclose(x, at, rtol=1e-4, atol=0))
        if not len(found):
            raise ValueError(f"mark must name values of x, found {at}")
        spots = [max(of[found[0]], floor) for of in curves.values()]
        axes.plot([at] * len(spots), spots, "o", color=INK, ms=8, zorder=5)
        told = told or f"{draw.tick(at)}: {say(max(spots))}"
        side = ("left", *["center"] * 6, "right")[found[0] * 8 // len(x)]
        look = {"textcoords": "offset points", "ha": side, "va": "bottom"}
        axes.annotate(draw.shorten(told, 260), (at, max(spots)), (0, 8), **look)
        alt += f" Marked at {draw.tick(at)}: {told}."
    told = f"{ylabel} from {xlabel} {draw.tick(x[0])} to {draw.tick(x[-1])}"
    return Picture(figure, alt, f"{draw.capital(told)}: {'; '.join(caption)}.")


@styled
def histograms(samples, xlabel, *, marks=None):
    """Overlaid histograms of up to 4 samples on shared bins, with the mean of each; `samples` dict
    name → [n]. `marks` dict text → x are upright lines that carry the text."""
    samples = draw.check_arrays("samples", samples, "n", 4, "histograms can be told apart")
    marks = {float(x): str(text) for text, x in (marks or {}).items()}
    every = np.concatenate([*samples.values(), list(marks)])
    pad = np.ptp(every) * 0.02 or 0.5
    bins = np.linspace(every.min() - pad, every.max() + pad, 61)
    figure = draw.new_figure(370)
    top = 16 + 24 * math.ceil(len(samples) / 2) + (34 if marks else 0)
    axes = draw.add_axes_px(figure, 72, top, 808, 310 - top)
    alt, handles = f"Histograms of {xlabel} on the same bins.", []
    looks = draw.looks(samples)
    for name, of in samples.items():
        (colour, dash, _), told = looks[name], draw.shorten(name, 330)
        share, mean = np.histogram(of, bins)[0] / len(of), draw.format_number(of.mean())
        axes.stairs(share, bins, fill=True, color=colour, alpha=0.18)
        look = {"color": colour, "ls": dash, "label": f"{told}: mean {mean}"}
        handles.append(axes.stairs(share, bins, lw=2.2, **look))
        axes.axvline(of.mean(), color=colour, ls=dash, lw=1.6)
        alt += f" {name}: {counted(len(of), 'value')}, mean {mean}, "
        alt += f"spread {draw.format_number(of.std())}."
    axes.set(xlim=(bins[0], bins[-1]), xlabel=draw.shorten(xlabel, 700, 12))
    axes.set_ylabel("share of values")
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: draw.percent(value))
    axes.grid(axis="y")
    for x, text in marks.items():
        axes.axvline(x, color=MUTED, lw=1.2, ls=(0, (2, 2)))
        alt += f" Marked: {text}, at {draw.format_number(x)}."
    draw.flags(axes, marks)
    figure.legend(handles=handles, loc="upper left", ncols=2, handlelength=2)
    told = listed(f"{draw.format_number(of.mean())} for {name}" for name, of in samples.items())
    return Picture(figure, alt, f"Mean {told}.")


@styled
def strips(rows, *, marked=None, columns="dimension"):
    """All numbers of a few vectors, each as one heat strip, on one scale; `rows` dict name → [H], or a list
    of (name, [H]). `marked` dict index → text points at columns; the largest number of each strip is written
    beside it; of up to 128 columns a dot marks an exact 0."""
    pairs, sizes = list(rows.items()) if isinstance(rows, dict) else list(rows), {}
    if not 1 <= len(pairs) <= 12:
        raise ValueError(f"rows: 1 to 12 strips can be read at a glance, found {len(pairs)}")
    names = [str(name) for name, _ in pairs]
    table = np.stack([draw.check_numbers(name, of, "H", sizes) for name, of in pairs])
    width, marked = sizes["H"], {int(i): str(text) for i, text in (marked or {}).items()}
    if any(not 0 <= i < width for i in marked):
        raise ValueError(f"marked must be from 0 to {width - 1}, found {list(marked)}")
    limit, top = draw.colour_limit(table), 62 if marked else 30
    height = min(52.0, 250 / len(table)) * len(table)
    figure = draw.new_figure(top + height + 70)
    axes = draw.add_axes_px(figure, 140, top, 640, height)
    image = draw.heat_strip(axes, table, limit, gap=8)
    draw.row_labels(axes, [draw.shorten(name, 136) for name in names])
    zeros = np.argwhere(table == 0) if width <= 128 else np.empty((0, 2))
    axes.plot(*zeros.T[::-1], ".", color=MUTED, ms=5)
    draw.flags(axes, marked)
    beside = {"transform": axes.get_yaxis_transform()}
    ticks = MaxNLocator(6, integer=True).tick_values(0, width)
    ticks = [int(t) for t in ticks if 0 <= t < 0.94 * width] + [width - 1]
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_xlabel(draw.shorten(columns, 260, 12), loc="left")
    draw.scale_bar(figure, image, 580, top + height + 32, 190)
    if len(zeros):
        write(draw.overlay(figure), 400, top + height + 38, "dot: exactly 0", colour=MUTED)
    alt, most = f"{counted(len(names), 'heat strip')} of {width} numbers on one colour scale.", []
    write(axes, 1.02, -0.5 - 14 * len(table) / height, "largest", colour=MUTED, ha="left", **beside)
    for row, (name, of) in enumerate(zip(names, table, strict=True)):
        at, none = int(np.abs(of).argmax()), int((of == 0).sum())
        number = draw.format_number(of[at])
        most.append((abs(of[at]), f"{name}, {number} at {columns} {at}"))
        write(axes, 1.02, row, f"{number} at {at}", ha="left", **beside)
        alt += f" Largest of {most[-1][1]}; length {draw.format_number(np.linalg.norm(of))}"
        alt += f"; {none} of {width} are exactly 0." if none else "."
    alt += "".join(f" Marked: {columns} {i}, {text}." for i, text in marked.items())
    caption = f"Largest of all: {max(most, key=lambda pair: pair[0])[1]}."
    return Picture(figure, alt + draw.beyond(limit, table), caption)


@styled
def heat_maps(maps, xlabel, ylabel, *, limit=None, rows=None, columns=None, scale=""):
    """Up to 4 matrices of one shape side by side on one signed colour scale, 0 white; `maps` dict
    title → [n, m].

    The scale goes from -`limit` to `limit` (computed if not given) and has the name `scale`; `rows` and
    `columns` name the n rows and m columns. Where cells are large, their numbers are written in.
    """
    named = {"n": rows, "m": columns}
    sizes = {k: len(draw.check_texts("names", v)) for k, v in named.items() if v is not None}
    maps = draw.check_arrays("maps", maps, "n m", 4, "maps fit side by side", sizes)
    n, m = sizes["n"], sizes["m"]
    limit = draw.colour_limit(*maps.values()) if limit is None else float(limit)
    left = 64 if rows is None else 34 + draw.widest(rows, 92)
    room = (draw.WIDTH - left - 22 * len(maps)) / len(maps)
    # Whole device pixels, so that no pattern appears that is not in the data; of what is too large for
    # that every second, third … number.
    steps = math.ceil(n / 524), math.ceil(m / room / 2)
    steps = (max(steps),) * 2 if n == m else steps
    high, broad = (math.ceil(size / step) for size, step in zip((n, m), steps, strict=True))
    tall = wide = min(524 // high, 2 * room // broad, 108) / 2
    slanted = columns is not None and draw.widest(columns, 92) > wide - 4
    tall = max(tall, min(262 / n, 34)) if m > 2 * n else tall  # long rows need height
    across, down = wide * broad, tall * high
    below = 42 + 0.65 * draw.widest(columns, 92) if slanted else 54
    figure = draw.new_figure(34 + down + below + 40)
    x = left + (room - across) * len(maps) / 2
    # Few colours for many numbers: easier to read off, and far smaller on disk.
    colours = draw.DIVERGING if n * m < 10_000 else draw.DIVERGING.resampled(15)
    for index, (title, array) in enumerate(maps.items()):
        axes = draw.add_axes_px(figure, x, 34, across, down)
        look = {"cmap": colours, "vmin": -limit, "vmax": limit, "interpolation": "nearest"}
        extent = (-0.5, m - 0.5, n - 0.5, -0.5)
        image = axes.imshow(array[:: steps[0], :: steps[1]], aspect="auto", extent=extent, **look)
        for axis, names, size in ((axes.xaxis, columns, m), (axes.yaxis, rows, n)):
            if names is None:
                axis.set_ticks(sorted({0, (size - 1) // 2, size - 1}))
            else:
                shown = range(0, size, math.ceil(17 / (wide if axis is axes.xaxis else tall)))
                axis.set_ticks(shown, [draw.shorten(names[i], 92) for i in shown])
                axis.set_tick_params(length=0)
        for label in axes.get_xticklabels() if slanted else ():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
        if columns is None and m > 9:  # the last number must not join the next panel's first
            axes.get_xticklabels()[0].set_ha("left")
            axes.get_xticklabels()[-1].set_ha("right")
        axes.tick_params(axis="y", labelleft=index == 0)
        axes.set(xlabel=draw.shorten(xlabel, room, 12), title=draw.shorten(title, room, 12.5))
        axes.set_ylabel(draw.shorten(ylabel, 240, 12) if index == 0 else "")
        draw.frame(axes)
        if tall >= 24 and wide > draw.text_width("0.00" if array.min() > -0.005 else "−0.00"):
            for (row, column), value in np.ndenumerate(array.round(2) + 0):
                ink = draw.ink_on(colours((value / limit + 1) / 2)[:3])
                write(axes, column, row, f"{value:.2f}".replace("-", "−"), colour=ink)
        x += across + 22
    draw.scale_bar(figure, image, 650, 34 + down + below, 190)
    write(draw.overlay(figure), 636, 40 + down + below, scale, colour=MUTED, ha="right")

    alt = f"{counted(len(maps), 'heat map')}, {ylabel} by {xlabel}, from −{limit:g} to {limit:g}."
    caption = []
    for title, array in maps.items():
        low, mean, high = map(draw.format_number, (array.min(), array.mean(), array.max()))
        alt += f" {title}, [{n}, {m}]: from {low} to {high}, mean {mean}."
        rest, off = array, ""
        if n == m > 2 and np.allclose(np.diag(array), array.max(1)):
            rest, off = array - np.diag(np.full(n, np.inf)), " off the diagonal"
        if off and rows is None:
            near = int((np.abs(rest.argmax(1) - np.arange(n)) == 1).sum())
            caption.append(f"{title}: {near} of {n} rows are most like a row next to them.")
            continue
        r, c = np.unravel_index((rest if off else np.abs(rest)).round(4).argmax(), array.shape)
        row = quote(rows[r]) if rows else f"{ylabel} {r}"
        column = quote(columns[c]) if columns else f"{xlabel} {c}"
        most = draw.format_number(array[r, c])
        caption.append(f"{title}: largest{off} {most}, {row} by {column}.")
    told = " ".join(map(draw.capital, caption))
    alt += f" Drawn is one number in {steps[0] * steps[1]}." if max(steps) > 1 else ""
    return Picture(figure, f"{alt} {told}{draw.beyond(limit, *maps.values())}", told)


@styled
def points(panels, labels=None, *, joined="", groups=None, axes=None):
    """Points in a plane, one scale on both axes, up to 4 panels; `panels` dict title → [n, 2].

    `labels` list of n strings, or dict title → list; `joined` "", "line" or "ring" joins them in order;
    `groups` list of n names (up to 4 different) gives each its colour and marker. With `axes`, the names
    (x, y) of the axes, the panels share one scale with numbers and lines through 0; without, each shows a
    plane of its own.
    """
    if joined not in ("", "line", "ring"):
        raise ValueError(f"joined must be '', 'line' or 'ring', found {joined!r}")
    panels = draw.check_arrays("panels", panels, "n 2", 4, "panels fit side by side")
    kinds = dict.fromkeys(groups or [""])
    looks = draw.looks(draw.check_named("groups", kinds, 4, "groups can be told apart"))
    figure, each = draw.new_figure(380), (draw.WIDTH - (60 if axes else 0)) / len(panels)
    (left, right, below), top = (60, 24, 50) if axes else (8, 16, 10), 66 if groups else 36
    alt, caption = f"{counted(len(panels), 'panel')} of points in a plane.", []
    for index, (title, of) in enumerate(panels.items()):
        n, told = len(of), []
        names = labels.get(title) if isinstance(labels, dict) else labels
        for what, found in (("labels", names), ("groups", groups)):
            if found is not None and len(found) != n:
                raise ValueError(f"{title} has {counted(n, 'point')} and {len(found)} {what}")
        panel = draw.add_axes_px(figure, left + index * each, top, each - right, 380 - below - top)
        for inside in panels.values() if axes else [of]:
            panel.update_datalim(inside)
        panel.set_aspect("equal", adjustable="datalim")
        panel.margins(0.16 if names else 0.06)
        if axes:
            panel.axhline(0, color=COLOURS["neutral"], lw=1, zorder=0)
            panel.axvline(0, color=COLOURS["neutral"], lw=1, zorder=0)
            panel.set(xlabel=axes[0], ylabel=axes[1] if index == 0 else "")
            panel.tick_params(labelleft=index == 0)
            panel.locator_params(nbins=5)
        else:
            panel.set(xticks=[], yticks=[])
        draw.frame(panel)
        plain = COLOURS.get(draw.part_of(title), COLOURS["word"])
        if joined:
            line = np.concatenate([of, of[:1]]) if joined == "ring" else of
            panel.plot(*line.T, "-", color=draw.tint(plain, 0.5), zorder=1)
            crossings = _crossings(of, joined == "ring")
            crosses = {0: "never crosses itself", 1: "crosses itself once"}
            crosses = crosses.get(crossings, f"crosses itself {crossings} times")
            told.append(f"the joined line {crosses}")
        for kind, (colour, _, marker) in looks.items():
            mine = np.array([group == kind for group in groups or [""] * n])
            look = {"color": colour if groups else plain, "ms": 8 if n <= 60 else 4}
            panel.plot(*of[mine].T, marker, label=draw.shorten(kind, 260), zorder=3, **look)
        panel.autoscale_view()
        panel.apply_aspect()
        if names:
            written = draw.label_points(panel, of, names)
            told += [f"{written} of the {n} names find room"] if written < n else []
        panel.set_title(draw.shorten(title, each - 24, 12.5))
        if len(looks) > 1:
            apart = ((of[:, None] - of[None]) ** 2).sum(-1) + np.diag(np.full(n, np.inf))
            like = sum(groups[i] == groups[j] for i, j in enumerate(apart.argmin(1)))
            told.append(f"{like} of {n} points have one of their own group nearest")
        alt += f" {title}: {draw.some(names) if names else counted(n, 'point')}."
        caption += [f"{title}: {'; '.join(told)}"] if told else []
    if groups:
        handles = panel.get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="upper left", ncols=4)
        alt += f" Groups: {listed(f'{kind} ({list(groups).count(kind)})' for kind in looks)}."
    told = ". ".join(map(draw.capital, caption or [listed(panels)])) + "."
    return Picture(figure, f"{alt} {told}", told)


def _crossings(points, closed):
    """How often the line through `points` [n, 2] crosses itself."""
    step = (np.roll(points, -1, axis=0) - points)[:, None]
    there = points[None] - points[:, None]
    side = np.sign(step[..., 0] * there[..., 1] - step[..., 1] * there[..., 0])  # [line, point]
    parted = side * np.roll(side, -1, axis=1) < 0  # the first line passes between the second's ends
    last = None if closed else -1
    return int((parted & parted.T)[:last, :last].sum()) // 2
