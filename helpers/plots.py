"""The course's pictures: data in, picture out.

Every function returns a `helpers.figure.Picture` whose alt text and caption are computed from the data
drawn. Arrays may be tensors of any real dtype (gradients or not) or nested lists; T is the number of
tokens, H the hidden size. Where tokens go down the side, more than 14 of them are shown as the first ten
and the last four, and the words say so. A batch is drawn as its sentences one after the other: `tokens` is
then a list of lists and the arrays have the batch in front.

A wrong argument raises TypeError (not numbers, not text) or ValueError (shape, NaN, a picture that would be
untrue), in one sentence with the shapes found and expected.

What the pictures are made of is in `helpers.drawing`.
"""

import math

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.ticker import MaxNLocator

from .drawing import (
    COLOURS,
    DIVERGING,
    MOST_TOKENS,
    PARTS,
    PLAIN,
    SERIES,
    WIDTH,
    calm,
    capital,
    check_all,
    check_named,
    check_numbers,
    check_texts,
    check_whole,
    chip,
    clipped,
    counted,
    first_and_last,
    frame,
    gap_said,
    heat_strip,
    ink_on,
    label_points,
    legend,
    limit_of,
    limits_around,
    listed,
    log_axis,
    percent,
    piece_boxes,
    quote,
    row_labels,
    say,
    scale_bar,
    tint,
    token_names,
    tokens_said,
    unbatched,
    who_said,
    with_gap,
)
from .figure import INK, MUTED, Picture, fit, in_look, overlay, place, readable, sheet, text_width, write

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
        raise ValueError(f"step must be None or one of {listed(STEPS)}, found {step!r}")
    figure = sheet(WIDTH, 168)
    axes = overlay(figure)

    def arrow(start, end):
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": MUTED, "lw": 1.6})

    boxes = {
        "tokenize": (92, 62, 104, 44),
        "word": (282, 10, 118, 44),
        "segment": (282, 62, 118, 44),
        "position": (282, 114, 118, 44),
        "sum": (452, 62, 62, 44),
        "layer norm": (560, 62, 116, 44),
        "dropout": (718, 62, 92, 44),
    }
    write(axes, 36, 84, "text", size=12.5)
    arrow((58, 84), (90, 84))
    for name in PARTS:
        middle = boxes[name][1] + 22
        arrow((232 if name == "segment" else 240, 84), (280, middle))
        arrow((402, middle), (450, 84))
    axes.plot([198, 240], [84, 84], color=MUTED, lw=1.6)
    axes.text(222, 112, "ids\n[B, T]", ha="center", va="top", fontsize=10.5, color=MUTED)
    for start, end in ((516, 558), (678, 716), (812, 830)):
        arrow((start, 84), (end, 84))
    write(axes, 864, 84, "[B, T, H]", size=10.5)
    for name, (x, y, width, height) in boxes.items():
        label = {"sum": "+", "layer norm": "LayerNorm"}.get(name, name)
        colour = PLAIN if name == "tokenize" else COLOURS[STEPS[name]]
        chip(axes, x, y, width, height, label, colour, lit=step in (None, name))
    way = (
        "text is tokenized to ids [B, T]; the ids pick rows of the word, segment and position tables; "
        "the three are summed, then come LayerNorm and dropout, and [B, T, H] comes out"
    )
    alt = f"The embedding layer from left to right: {way}."
    if step is None:
        return Picture(figure, alt, "The whole embedding layer.")
    told = f"{step}, step {list(STEPS).index(step) + 1} of {len(STEPS)}"
    return Picture(figure, f"{alt} Lit here: {told}.", f"You are here: {told} of the embedding layer.")


@in_look
def word_pieces(text, tokens, ids, word_ids):
    """Text → word pieces → ids.

    `tokens` list of T strings, `ids` [T], `word_ids` list of T (`encoding.word_ids()`: None for a special
    token, else the number of the word the piece belongs to).
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, found {type(text).__name__}")
    tokens = check_texts("tokens", tokens)
    ids = check_whole("ids", ids, "T", {"T": len(tokens)})
    word_ids = list(word_ids)
    if len(word_ids) != len(tokens):
        told = f"expected {len(tokens)}, found {len(word_ids)}"
        raise ValueError(f"word_ids must have one entry per token: {told}")
    figure = sheet(WIDTH, 70 + 84 * 3)
    axes = overlay(figure)
    write(axes, 98, 28, "text", size=11, colour=MUTED, ha="right")
    write(axes, 112, 28, fit(text, 770, 14), size=14, ha="left")
    height, left_out = piece_boxes(axes, 112, 62, 776, tokens, ids, word_ids)
    figure.set_size_inches(WIDTH / 100, (54 + height) / 100)
    axes.set_ylim(54 + height, 0)

    groups = {}
    for token, word in zip(tokens, word_ids, strict=True):
        groups.setdefault(word, []).append(token)
    special = groups.pop(None, [])
    split = sorted((g for g in groups.values() if len(g) > 1), key=len, reverse=True)
    pairs = [f"{quote(t)} {i}" for t, i in zip(tokens, ids, strict=True)]
    pairs = pairs if len(pairs) <= MOST_TOKENS else [*pairs[:4], "…", *pairs[-2:]]
    alt = (
        f"The text {quote(text)} becomes {counted(len(tokens), 'token')}: "
        f"{counted(len(tokens) - len(special), 'word piece')} and {counted(len(special), 'special token')}. "
        f"Token and id: {', '.join(pairs)}."
    )
    if not groups:
        caption = "No word at all: only special tokens."
    elif split:
        told = listed(quote(piece) for piece in split[0][:8]) + (" …" if len(split[0]) > 8 else "")
        alt += f" {counted(len(split), 'word')} fall{'s' if len(split) == 1 else ''} into several pieces, "
        alt += f"the most broken into {len(split[0])}: {told}."
        caption = f"{len(split)} of {counted(len(groups), 'word')} became several pieces, drawn touching."
    else:
        alt += " Every word is one piece."
        caption = "Every word is in the vocabulary whole: one piece, one id each."
    if special:
        caption += " Grey: special tokens."
    if left_out:
        told = f" {left_out} of the {len(tokens)} tokens are left out of the picture."
        alt, caption = alt + told, caption + told
    return Picture(figure, alt, caption)


VOCABULARY_KINDS = {
    "special": COLOURS["sum"],
    "unused": COLOURS["neutral"],
    "single characters": "#7d7d7d",
    "whole words": COLOURS["word"],
    "## pieces": tint(COLOURS["word"], 0.35),
}


def _vocabulary_kind(token):
    if token.startswith("##"):
        return "## pieces"
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        return "unused" if token.startswith("[unused") else "special"
    return "single characters" if len(token) == 1 else "whole words"


@in_look
def vocabulary_map(tokens):
    """What lies where in the vocabulary: for each 1,000 ids, how many of each kind.

    `tokens` list of the V vocabulary strings in id order.
    """
    tokens = check_texts("tokens", tokens)
    kinds = list(VOCABULARY_KINDS)
    of = np.array([kinds.index(_vocabulary_kind(token)) for token in tokens])
    bins = -(-len(tokens) // 1000)
    counts = np.zeros((len(kinds), bins), int)
    np.add.at(counts, (of, np.arange(len(tokens)) // 1000), 1)

    figure = sheet(WIDTH, 330)
    axes = place(figure, 88, 52, 780, 222)
    bottom = np.zeros(bins)
    for kind, row in zip(kinds, counts, strict=True):
        at = np.flatnonzero(row)  # a bar of no height takes as long to draw as any
        axes.bar(at + 0.5, row[at], 0.88, bottom[at], color=VOCABULARY_KINDS[kind], label=kind)
        bottom += row
    axes.set(xlim=(0, bins), ylim=(0, 1000), xlabel="token id", ylabel="per 1,000 ids")
    step = max(1, -(-bins // 8))
    axes.set_xticks(range(0, bins + 1, step), [f"{k * 1000:,}" for k in range(0, bins + 1, step)])
    axes.set_yticks([0, 500, 1000], ["0", "500", "1,000"])
    entries = [(f"{n:,} {k}", VOCABULARY_KINDS[k]) for k, n in zip(kinds, counts.sum(1), strict=True) if n]
    legend(overlay(figure), 20, 24, entries, 11)

    told = [f"{n:,} {kind}" for kind, n in zip(kinds, counts.sum(1), strict=True) if n]
    alt = f"The {len(tokens):,} vocabulary entries, counted per 1,000 ids: {listed(told)}."
    for kind in ("unused", "single characters", "whole words", "## pieces"):
        ids = np.flatnonzero(of == kinds.index(kind))
        if len(ids):
            alt += f" {kind.capitalize()}: from id {ids[0]:,} to {ids[-1]:,}."
    pieces = counts[kinds.index("## pieces")].sum() / len(tokens)
    words = counts[kinds.index("whole words")].sum() / len(tokens)
    caption = f"{percent(words)} of the vocabulary are whole words, {percent(pieces)} are ## pieces."
    return Picture(figure, alt, caption)


@in_look
def lookup(kind, table, ids, rows, tokens, dims=32):
    """The lookup: the tall table, the rows picked, and the tensor that comes out.

    `kind` "word", "segment" or "position"; `table` [N, H]; `ids` [T], the row picked for each token; `rows`
    [T, H], what came out; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `rows` are not the table's rows at `ids`.
    """
    if kind not in PARTS:
        raise ValueError(f"kind must be one of {listed(PARTS)}, found {kind!r}")
    tokens, ids, rows = unbatched(tokens, ids, rows)
    tokens = check_texts("tokens", tokens)
    if not isinstance(table, torch.Tensor) or table.dim() != 2 or 0 in table.shape:
        found = list(table.shape) if isinstance(table, torch.Tensor) else type(table).__name__
        raise ValueError(f"table must be a tensor of the shape [N, H], found {found}")
    length, width = table.shape
    sizes = {"T": len(tokens), "H": width}
    ids = check_whole("ids", ids, "T", sizes, below=length)
    rows = check_numbers("rows", rows, "T H", sizes)
    first, last = first_and_last(len(tokens), 9)
    drawn = sorted({0, length - 1, *ids[first], *ids[last]})
    picked_rows = check_numbers("table", table[torch.as_tensor(ids)], "T H", sizes)
    wrong = np.flatnonzero((picked_rows != rows).any(1))
    if len(wrong):
        t = wrong[0]
        told = f"row {t} of rows ({quote(tokens[t])}) is not row {ids[t]} of the table"
        raise ValueError(f"{told}: no such lookup")
    in_table = check_numbers("table", table[drawn], "N H")
    dims = min(dims, width)
    colour = COLOURS[kind]

    # The table, torn where rows are left out: full height for a row, less for a tear.
    slots = []
    for i, before in zip(drawn, [-1, *drawn], strict=False):
        slots += [i] if i == before + 1 else [None, i]
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
    axes.hlines(edges[:-1], 0, dims, color="white", lw=1)
    for row, i in enumerate(slots):
        if i is None:
            axes.axhspan(edges[row], edges[row + 1], color="#efefef", lw=0)
            skipped = slots[row + 1] - (slots[row - 1] + 1 if row else 0)
            told = f"⋯ {counted(skipped, 'row')} ⋯" if unit > 15 else "⋯"
            write(axes, dims / 2, middles[row], told, small * 0.86, MUTED)

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
        write(over, x + across / 2, 46, shape, size=11, colour=MUTED)
    scale_bar(place(figure, 570, deepest + 10, 150, 12), limit)
    if dims < width:
        told = f"first {dims} of {width} numbers →"
        write(over, 84, deepest + 18, told, size=11, colour=MUTED, ha="left")

    distinct = sorted(set(ids.tolist()))
    which = listed(f"{quote(tokens[t])} row {ids[t]:,}" for t in range(min(len(tokens), 10)))
    which += " …" if len(tokens) > 10 else ""
    alt = (
        f"Lookup in the {kind} table of {length:,} rows of {width} numbers: each of {counted(len(tokens), 'token')} "
        f"takes one row, unchanged, and the rows stacked are the tensor [{len(tokens)}, {width}]. {which}. "
        f"{counted(len(distinct), 'different row')} of {length:,} {'is' if len(distinct) == 1 else 'are'} used."
    )
    if dims < width:
        alt += f" Drawn are the first {dims} of {width} numbers of each row."
    alt += gap_said(len(tokens), 9) + clipped(limit, shown, in_table[:, :dims])
    if len(distinct) == 1 and len(tokens) > 1:
        caption = f"Every token takes the same row, {distinct[0]}, of the {kind} table."
    else:
        who = "The one token" if len(tokens) == 1 else f"Each of the {len(tokens)} tokens"
        caption = f"{who} takes one of the {length:,} rows of the {kind} table, unchanged."
    return Picture(figure, alt, caption + gap_said(len(tokens), 9))


@in_look
def one_hot(matrix, table, rows):
    """One-hot [T, N] @ table [N, H] = rows [T, H] with the numbers written in, for toy sizes.

    Raises ValueError when T, N or H is over 12, when a row of `matrix` is not one 1 and else zeros, or when
    the product is not `rows`.
    """
    matrix = check_numbers("matrix", matrix, "T N", sizes := {})
    table = check_numbers("table", table, "N H", sizes)
    rows = check_numbers("rows", rows, "T H", sizes)
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
    every = range(len(table))
    parts = (
        ("one-hot", matrix, [[colour if v else "#f1f1f1" for v in row] for row in matrix], ()),
        ("table", table, [[pale if n in ids else grey] * sizes["H"] for n in every], every),
        ("rows", rows, [[pale] * sizes["H"]] * sizes["T"], [f"row {i}" for i in ids]),
    )
    for (title, array, colours, names), sign, gap in zip(parts, ("@", "=", ""), (70, 100, 0), strict=True):
        down, across = array.shape
        axes = place(figure, x, middle - step * down / 2, across * cell, step * down)
        axes.imshow([[to_rgb(c) for c in row] for row in colours], aspect="auto", interpolation="nearest")
        axes.hlines(np.arange(1, down) - 0.5, -0.5, across - 0.5, color="white", lw=2)
        axes.vlines(np.arange(1, across) - 0.5, -0.5, down - 0.5, color="white", lw=2)
        decimals = next((d for d in (0, 1) if np.abs(array - array.round(d)).max() < 1e-4), 2)
        told = {
            at: f"{v + 0:.{decimals}f}".replace("-", "−") for at, v in np.ndenumerate(array.round(decimals))
        }
        size = min(12.0, 12 * 0.92 * cell / max(text_width(number, 12) for number in told.values()))
        for (row, column), number in told.items():
            write(axes, column, row, number, size, ink_on(colours[row][column]))
        axes.set_xticks([])
        row_labels(axes, [str(n) for n in names])
        axes.spines[:].set_visible(False)
        axes.set_label(title)
        write(over, x + across * cell / 2, 20, f"{title} [{down}, {across}]", weight="bold")
        x += across * cell
        write(over, x + 24, middle, sign, size=18, weight="bold")
        x += gap
    alt = (
        f"A one-hot matrix of shape {list(matrix.shape)} times a table of shape {list(table.shape)} gives "
        f"{list(rows.shape)}: the single 1 in each row of the matrix stands in column "
        f"{listed(str(i) for i in ids)}, and exactly these rows of the table come out, in this order."
    )
    return Picture(figure, alt, "Each single 1 picks one row of the table; the zeros pick nothing.")


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
    counts = check_named("counts", counts)
    names = list(counts)
    values = check_whole("counts", [counts[n] for n in names], "N", {})
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
            log_axis(axes, "x", (10 ** (math.floor(math.log10(values.min())) - 0.8), values.max()), 5)
            axes.set_title("the same, logarithmic", fontsize=11.5, color=MUTED)
        else:
            axes.set_xlim(0, values.max() * 1.02)
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
            axes.set_title("to scale", fontsize=11.5, color=MUTED)
        for row in rows:
            told = f"{values[row]:,}" if log else percent(shares[row])
            if log:
                write(axes, 1.03, row, told, ha="left", transform=axes.get_yaxis_transform())
            elif values[row] > 0.8 * values.max():
                write(axes, values[row] * 0.98, row, told, colour=ink_on(colours[row]), ha="right")
            else:
                write(axes, values[row] + values.max() * 0.015, row, told, ha="left")
    write(overlay(figure), WIDTH / 2, 22, fit(title, WIDTH - 40, 13), size=13, weight="bold")
    order = np.argsort(-values, kind="stable")
    told = listed(f"{readable(names[i])} {values[i]:,} ({percent(shares[i])})" for i in order)
    alt = f"{readable(title)}: {values.sum():,} in all. From most to fewest: {told}."
    most = order[0]
    caption = f"Most: {readable(names[most])}, {percent(shares[most])} of the {values.sum():,} parameters."
    return Picture(figure, alt, caption)


@in_look
def segment_rows(table):
    """Rows 0 and 1 of the segment table [S, H] and their difference, on one scale."""
    table = check_numbers("table", table, "S H")
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
            up = values[i] > 0
            told = f"{'↑' if up else '↓'} {values[i]:.2f}".replace("-", "−")
            at = (i + len(values) / 150, limit if up else -limit)
            axes.text(*at, told, va="top" if up else "bottom", fontsize=11)
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
        f"Lengths: row 0 {say(lengths[0])}, row 1 {say(lengths[1])}, their difference {say(lengths[2])}."
    )
    if np.abs(table[:2]).max() > limit or np.abs(difference).max() > limit:
        alt += f" The scale ends at ±{limit:g}; bars beyond it carry their value."
    product = lengths[0] * lengths[1]
    if product > 0:
        cosine = float(first @ second) / product
        alt += f" The cosine between the two rows is {say(cosine)}."
    share = lengths[2] / max(lengths[0], 1e-30)
    caption = f"The difference B − A is {percent(share)} as long as row 0."
    return Picture(figure, alt, caption)


@in_look
def arrows(before, after, labels):
    """Arrows from `before` to `after`, [n, 2] each, in one plane; `labels` list of n strings."""
    labels = check_texts("labels", labels)
    before, after = check_all("n 2", {"n": len(labels)}, before=before, after=after)
    figure = sheet(WIDTH, 372)
    moves = after - before
    look = {"angles": "xy", "scale_units": "xy", "scale": 1, "color": COLOURS["segment"], "zorder": 3}
    axes = place(figure, 10, 38, 590, 322)
    both = np.concatenate([before, after])
    pixels = limits_around(axes, both, (70, 34))
    axes.quiver(*before.T, *moves.T, width=0.006, **look)
    axes.plot(*before.T, "o", color=INK, ms=6, zorder=4)
    starts, ends = pixels[: len(labels)], pixels[len(labels) :]
    written = label_points(axes, starts, labels, avoid=[*ends, *(starts + ends) / 2])
    axes.set_title("before → after", fontsize=12.5, weight="bold")
    # The same arrows from one starting point: their directions, however short they are beside the cloud.
    rose = place(figure, 620, 38, 270, 322)
    limits_around(rose, np.concatenate([moves, np.zeros((1, 2))]), (30, 30))
    nothing = np.zeros(len(moves))
    rose.quiver(nothing, nothing, *moves.T, width=0.013, **look)
    rose.plot([0], [0], "o", color=INK, ms=7, zorder=4)
    rose.set_title("the same, from one point", fontsize=12.5, weight="bold")
    for panel in (axes, rose):
        panel.set(xticks=[], yticks=[])
        frame(panel)
    lengths = np.linalg.norm(moves, axis=1)
    alt = f"{counted(len(labels), 'arrow')} in a plane, for {tokens_said(labels)}."
    caption = "Each arrow leads from a point before to the same point after."
    if (lengths > 0).all():
        unit = moves / lengths[:, None]
        mean = unit.mean(0) / max(np.linalg.norm(unit.mean(0)), 1e-9)
        widest = math.ceil(np.degrees(np.arccos(np.clip((unit @ mean).min(), -1, 1))) / 5) * 5
        if widest <= 45 and len(labels) > 1:
            alt += f" They are nearly parallel: none is more than {widest} degrees off their mean direction."
            caption = f"All {len(labels)} arrows point the same way, to within {widest} degrees."
        elif len(labels) > 1:
            alt += " They point in different directions."
            caption = "The arrows point in different directions."
        alt += f" The shortest is {say(lengths.min())} long, the longest {say(lengths.max())}."
    if written < len(labels):
        caption += f" {written} of the {len(labels)} names find room."
    return Picture(figure, alt, caption)


@in_look
def similarity_maps(maps):
    """Cosine matrices side by side on one scale from -1 to 1; `maps` dict title → [N, N]."""
    maps = check_named("maps", maps, 3, "maps fit side by side")
    sizes = {}
    arrays = {title: check_numbers(title, array, "N N", sizes) for title, array in maps.items()}
    for title, array in arrays.items():
        if array.shape[0] != array.shape[1]:
            raise ValueError(f"{title} must be square, found the shape {list(array.shape)}")
    n = sizes["N"]
    side = 280 if len(arrays) < 3 else 240
    every = -(-n // 256)  # of more than 256 rows every second, third … is drawn: crisp, and small on disk
    cells = -(-n // every)
    side = max(1, side * 2 // cells) * cells / 2  # whole device pixels per cell: no moiré
    figure = sheet(WIDTH, side + 70)
    gap = (WIDTH - 110 - side * len(arrays)) / (len(arrays) + 1)
    x = gap
    look = {"cmap": DIVERGING.resampled(11)}  # eleven steps: easier to read off, and far smaller on disk
    told = []
    for title, array in arrays.items():
        axes = place(figure, x, 32, side, side)
        extent = (-0.5, n - 0.5, n - 0.5, -0.5)
        axes.imshow(array[::every, ::every], vmin=-1, vmax=1, interpolation="nearest", extent=extent, **look)
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
    bar.imshow(np.linspace(1, -1, 11)[:, None], vmin=-1, vmax=1, aspect="auto", extent=(0, 1, -1, 1), **look)
    bar.set_xticks([])
    bar.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    bar.yaxis.tick_right()
    frame(bar)
    write(overlay(figure), WIDTH - 72, 42, "cosine", size=11, colour=MUTED)
    alt = f"{counted(len(arrays), 'map')} of the cosine of each of {n} rows with each other, on one scale from −1 to 1."
    caption = []
    for title, nearest, lag, mean in told:
        alt += (
            f" {title}: rows next to each other have cosine {say(lag)} on average, all pairs {say(mean)}; "
            f"the most similar other row stands next to it for {nearest} of {n} rows."
        )
        is_like = "is most like a row next to it" if nearest == 1 else "are most like a row next to them"
        caption.append(f"{title}: {nearest} of {n} rows {is_like}")
    alt += f" Drawn is one row and column in {every}." if every > 1 else ""
    return Picture(figure, alt, capital("; ".join(caption)) + "." if caption else "One row is like itself.")


@in_look
def norms(values, marked, xlabel="position"):
    """Vector lengths [N] along a table, with the indices `marked` labelled."""
    values = check_numbers("values", values, "N")
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
    calm(axes)
    if marked:
        points = np.column_stack([marked, values[marked]])
        pixels = axes.transAxes.inverted().transform(axes.transData.transform(points)) * (810, 250)
        label_points(axes, pixels, [f"{i}: {values[i]:.2f}" for i in marked], toward=math.pi / 2)
    median = float(np.median(values))
    most = int(values.argmax())
    alt = (
        f"The length of each of {counted(len(values), 'row')}, by {readable(xlabel)}: the median is {say(median)}, "
        f"the longest is {readable(xlabel)} {most} with {say(values[most])}."
    )
    if marked:
        alt += f" Marked: {listed(f'{i} ({say(values[i])})' for i in marked)}."
    times = values[most] / median if median > 0 else 0
    caption = f"Longest: {readable(xlabel)} {most}, {say(times)} times the median length."
    return Picture(figure, alt, caption)


# ---------------------------------------------------------------- the sum


@in_look
def sum_equation(word, segment, position, total, tokens, dims=32):
    """word + segment + position = sum as four heat maps on one scale.

    All four [T, H]; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `total` is not the sum of the other three.
    """
    tokens, word, segment, position, total = unbatched(tokens, word, segment, position, total)
    tokens = check_texts("tokens", tokens)
    sizes = {"T": len(tokens)}
    arrays = check_all("T H", sizes, word=word, segment=segment, position=position, total=total)
    parts = dict(zip((*PARTS, "sum"), arrays, strict=True))
    error = np.abs(parts["word"] + parts["segment"] + parts["position"] - parts["sum"])
    if (error > 0.01 * np.abs(parts["sum"]).max() + 1e-6).any():
        t = int(error.max(1).argmax())
        told = f"at token {t} ({quote(tokens[t])}) it is off by {say(error.max())}"
        raise ValueError(f"total is not word + segment + position: {told}")
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
        heat_strip(axes, array, limit, token_names(tokens, left - 8) if index == 0 else ())
        axes.set_label(name)
        chip(over, x, 8, across, 28, name, COLOURS[name])
        if index:
            sign = "=" if name == "sum" else "+"
            write(over, x - gap / 2, 46 + height / 2, sign, size=20, weight="bold")
    scale_bar(place(figure, WIDTH - 8 - across, 46 + height + 12, across - 20, 12), limit)
    told = f"first {dims} of {width} numbers →" if dims < width else f"all {width} numbers →"
    write(over, left, 46 + height + 18, told, size=11, colour=MUTED, ha="left")

    lengths = {name: np.linalg.norm(array, axis=1) for name, array in parts.items()}
    t = int(lengths["sum"].argmax())
    alt = (
        f"Four heat maps on one colour scale, one row for each of {counted(len(tokens), 'token')}: word plus segment "
        f"plus position equals sum, number by number. Tokens: {tokens_said(tokens)}."
    )
    same = (parts["segment"] == parts["segment"][0]).all()
    if len(tokens) > 1:
        alt += f" The segment rows are {'all the same' if same else 'of more than one kind'}."
        alt += f" The longest sum is that of {quote(tokens[t])} at place {t}: {say(lengths['sum'][t])}."
    means = {name: lengths[name].mean() for name in PARTS}
    longest = np.argmax([lengths[name] for name in PARTS], axis=0)
    if len(tokens) > 1:
        for index in np.unique(longest):
            alt += f" The {PARTS[index]} part is the longest for {who_said(tokens, np.flatnonzero(longest == index))}."
    alt += " Mean length: " + listed(f"{name} {say(mean)}" for name, mean in means.items()) + "."
    alt += f" Drawn are the first {dims} of {width} numbers." if dims < width else ""
    alt += gap_said(len(tokens)) + clipped(limit, *(array[:, :dims] for array in parts.values()))
    most = max(means, key=means.get)
    drawn = f"the first {dims} of {width} numbers" if dims < width else f"all {width} numbers"
    caption = (
        f"One colour scale, {drawn} per token: added number by number. "
        f"The {most} part is the longest on average."
    )
    return Picture(figure, alt, caption + gap_said(len(tokens)))


@in_look
def shares(values, tokens):
    """How much word, segment and position contribute to each token: [T, 3], rows that sum to 1."""
    tokens, values = unbatched(tokens, values)
    tokens = check_texts("tokens", tokens)
    values = check_numbers("values", values, "T 3", {"T": len(tokens)})
    if (values < 0).any() or (np.abs(values.sum(1) - 1) > 1e-3).any():
        t = int(np.abs(values.sum(1) - 1).argmax())
        told = f"row {t} is {values[t].round(3).tolist()}"
        raise ValueError(f"each row of values must be shares that sum to 1; {told}")
    names = token_names(tokens, 120)
    step = min(36.0, 310 / len(names))
    figure = sheet(WIDTH, 46 + step * len(names) + 10)
    axes = place(figure, 140, 44, 740, step * len(names))
    rows, start = np.arange(len(names)), np.zeros(len(names))
    for part, column in zip(PARTS, np.nan_to_num(with_gap(values)).T, strict=True):
        axes.barh(rows, column, 0.78, left=start, color=COLOURS[part], edgecolor="white", label=part)
        for row in rows[column >= 0.08]:
            told = f"{column[row]:.0%}"
            write(axes, start[row] + column[row] / 2, row, told, 11, ink_on(COLOURS[part]))
        start = start + column
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xticks=[])
    row_labels(axes, names)
    axes.spines[:].set_visible(False)
    legend(overlay(figure), 140, 22, [(part, COLOURS[part]) for part in PARTS])
    mean = values.mean(0)
    winner = values.argmax(1)
    alt = f"For each of {counted(len(tokens), 'token')}, the shares of word, segment and position, as bars of length 1."
    alt += " Mean shares: " + listed(f"{p} {percent(m)}" for p, m in zip(PARTS, mean, strict=True)) + "."
    caption = []
    for index, part in enumerate(PARTS):
        of = np.flatnonzero(winner == index)
        if len(of):
            who = who_said(tokens, of)
            t = int(values[:, index].argmax())
            caption.append(f"{part} is the largest share of {who}")
            alt += (
                f" {part.capitalize()} is the largest share of {who}, at most {percent(values[t, index])} "
                f"({quote(tokens[t])})."
            )
    told = "; ".join(caption)
    left_out = gap_said(len(tokens))
    return Picture(figure, alt + left_out, capital(told) + "." + left_out)


@in_look
def histograms(samples, xlabel):
    """Overlaid histograms on shared bins; `samples` dict name → [n]."""
    samples = check_named("samples", samples, 4, "histograms can be told apart")
    arrays = {name: check_numbers(name, values, "n") for name, values in samples.items()}
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
            f" {readable(name)}: {counted(len(values), 'value')}, mean {say(values.mean())}, standard deviation "
            f"{say(values.std())}."
        )
    axes.set(xlim=(bins[0], bins[-1]), ylim=(0, None), ylabel="share of values")
    axes.set_xlabel(fit(xlabel, 700))
    calm(axes, 4)
    entries = [(fit(name, 300), colour) for name, (colour, *_) in zip(arrays, SERIES, strict=False)]
    legend(overlay(figure), 70, 22, entries)
    caption = "Mean " + ", ".join(f"{say(mean)} for {readable(name)}" for name, mean in means.items()) + "."
    return Picture(figure, alt, caption)


# ---------------------------------------------------------------- LayerNorm


def _view():
    """Two directions in the plane of vectors whose mean is 0, [2, 3], and two to project three dimensions on,
    [3, 2], so that this plane is seen at a slant."""
    up, right = np.ones(3) / math.sqrt(3), np.array([1.0, -1.0, 0.0]) / math.sqrt(2)
    back = np.cross(up, right)
    turn, slant = math.radians(35), math.radians(36)
    across = math.cos(turn) * right + math.sin(turn) * back
    away = math.cos(turn) * back - math.sin(turn) * right
    return np.stack([right, back]), np.stack([across, math.cos(slant) * up + math.sin(slant) * away], axis=1)


PLANE, VIEW = _view()  # points @ VIEW are what layer_norm_geometry draws


@in_look
def layer_norm_geometry(stages):
    """What each stage of LayerNorm does to points in three dimensions; `stages` dict title → [n, 3].

    One panel per stage, the same limits and the same colour for the same point in all of them; a grey disc
    lies in the plane of vectors whose mean is zero.
    """
    stages, sizes = check_named("stages", stages, 5, "stages fit side by side"), {}
    arrays = {title: check_numbers(title, points, "n 3", sizes) for title, points in stages.items()}
    flat = {title: points @ VIEW for title, points in arrays.items()}
    reach = max(np.abs(points[:, 0]).max() for points in flat.values()) * 1.08 or 1.0
    low = min(-0.55 * reach, *(points[:, 1].min() for points in flat.values())) - 0.05 * reach
    high = max(0.8 * reach, *(points[:, 1].max() for points in flat.values())) + 0.05 * reach
    first = next(iter(arrays.values()))
    # The direction within the plane is what LayerNorm keeps: colour by it.
    around = np.arctan2(*(first @ PLANE.T).T[::-1])
    side = min(250, (WIDTH - 20) / len(arrays) - 8, 300 * 2 * reach / (high - low))
    tall = side * (high - low) / (2 * reach)
    figure = sheet(WIDTH, 44 + tall)
    turn = np.linspace(0, 2 * math.pi, 90)
    disc = np.stack([np.cos(turn), np.sin(turn)], 1) @ PLANE * reach * 0.9 @ VIEW
    alt = f"{counted(sizes['n'], 'point')} in three dimensions at {counted(len(arrays), 'stage')}, same scale throughout."
    for index, (title, points) in enumerate(flat.items()):
        x = (WIDTH - len(arrays) * (side + 8)) / 2 + index * (side + 8) + 4
        axes = place(figure, x, 36, side, tall)
        axes.fill(*disc.T, color="#ececec", lw=0, zorder=0)
        for axis, name in enumerate("xyz"):
            tip = np.eye(3)[axis] * reach * 0.8 @ VIEW
            axes.plot([0, tip[0]], [0, tip[1]], color="#9a9a9a", lw=1, zorder=1)
            write(axes, *(tip * 1.12), name, size=10.5, colour=MUTED)
        axes.scatter(*points.T, c=around, cmap="viridis", s=17, linewidths=0, zorder=2)
        axes.set(xlim=(-reach, reach), ylim=(low, high))
        axes.axis("off")
        axes.set_title(fit(title, side), fontsize=12.5, weight="bold")
        solid = arrays[title]
        length = np.linalg.norm(solid, axis=1)
        mean = np.abs(solid.mean(1)).max()
        alt += f" {readable(title)}: "
        alt += "every point's mean is 0, so all lie in one plane; " if mean < 1e-3 else ""
        if np.ptp(length) < 1e-3:
            alt += f"all have length {say(length.mean())}."
        else:
            alt += f"lengths from {say(length.min())} to {say(length.max())}."
    caption = f"{capital(' → '.join(readable(t) for t in arrays))}. The grey disc: vectors whose mean is 0."
    return Picture(figure, alt, caption)


@in_look
def before_after(tokens, before, after):
    """Mean and spread of each token's vector before and after LayerNorm.

    `tokens` list of T strings; `before` and `after` are pairs (mean [T], standard deviation [T]).
    """
    for name, pair in (("before", before), ("after", after)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"{name} must be a pair (mean [T], standard deviation [T])")
    tokens, *values = unbatched(tokens, *before, *after)
    tokens = check_texts("tokens", tokens)
    sizes = {"T": len(tokens)}
    labels = ("mean before", "spread before", "mean after", "spread after")
    mean0, std0, mean1, std1 = (check_numbers(n, v, "T", sizes) for n, v in zip(labels, values, strict=True))
    names = token_names(tokens, 120)
    step = min(36.0, 270 / len(names))
    rows = np.arange(len(names))
    figure = sheet(WIDTH, 58 + step * len(names) + 44)
    spread = "spread (standard deviation)"
    for x, title, start, end in ((140, "mean", mean0, mean1), (540, spread, std0, std1)):
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
    for y, colour, edge, name in (
        (18, "white", MUTED, "before"),
        (40, COLOURS["sum"], COLOURS["sum"], "after"),
    ):
        over.plot([40], [y], "o", color=colour, mec=edge, mew=2, ms=9)
        write(over, 54, y, name, ha="left")

    def told(values):
        low, high = say(values.min()), say(values.max())
        return f"{low} for every token" if low == high else f"{low} to {high}"

    t = int(std0.argmax())
    alt = (
        f"Mean and spread of {counted(len(tokens), 'token')}, before and after LayerNorm. The mean was {told(mean0)} "
        f"and is {told(mean1)}; the spread was {told(std0)} and is {told(std1)}."
    )
    alt += f" Most spread before: {quote(tokens[t])}." if len(tokens) > 1 else ""
    left_out = gap_said(len(tokens))
    caption = f"The spread was {told(std0)}; after LayerNorm it is {told(std1)}."
    return Picture(figure, alt + left_out, caption + left_out)


@in_look
def cost(x, error, xlabel, levels):
    """Error against a setting such as eps, both logarithmic; `levels` dict name → error, drawn as lines.

    `x` and `error` [n], `x` positive. An error of 0 has no place on the scale: it is drawn at the bottom edge.
    """
    x, error = check_all("n", x=x, error=error)
    levels = {} if not levels else check_named("levels", levels)
    heights = {n: float(check_numbers(n, [v], "1")[0]) for n, v in levels.items()}
    if (x <= 0).any() or (error < 0).any() or any(v <= 0 for v in heights.values()):
        raise ValueError("a logarithmic scale needs x and levels above 0 and errors of 0 or more")
    seen = [*error[error > 0], *heights.values()]
    bottom = min(seen) / 5 if seen else 1e-9
    figure = sheet(WIDTH, 350)
    axes = place(figure, 90, 20, 790, 270)
    drawn = np.where(error > 0, error, bottom)
    axes.plot(x, drawn, "o-", color=COLOURS["sum"], ms=7, zorder=3)
    log_axis(axes, "x", x)
    log_axis(axes, "y", seen or [1e-9, 1])
    axes.set(ylim=(bottom, (max(seen) if seen else 1) * 5), ylabel="largest error")
    axes.set_xlabel(fit(xlabel, 700))
    for name, height in heights.items():
        axes.axhline(height, color=SERIES[1][0], lw=2, ls="--", zorder=2)
        at, across = (0.01, height * 1.15), axes.get_yaxis_transform()
        axes.text(*at, fit(name, 500), transform=across, va="bottom", fontsize=11.5)

    def size(value):
        if value < 1e-5:
            return "below 0.00001"
        return f"about {np.format_float_positional(float(f'{value:.1g}'), trim='-')}"

    order = np.argsort(x)
    low, high = order[0], order[-1]
    alt = (
        f"Largest error against {readable(xlabel)}, both scales logarithmic: {size(error[low])} at {x[low]:g}, "
        f"{size(error[high])} at {x[high]:g}."
    )
    alt += "".join(f" For comparison: {readable(name)}, {size(height)}." for name, height in heights.items())
    caption = f"At {readable(xlabel)} {x[high]:g} the largest error is {size(error[high])}."
    return Picture(figure, alt, caption)


# ---------------------------------------------------------------- dropout


@in_look
def dropout(eval_row, train_row, ratio):
    """One token's numbers [n] in eval mode, in train mode, and train / eval.

    The words hold for any random mask: masks differ between machines.
    """
    quiet, noisy, ratio = check_all("n", eval_row=eval_row, train_row=train_row, ratio=ratio)
    figure = sheet(WIDTH, 238)
    scale = ratio.max()
    limit = limit_of(quiet * max(scale, 1))
    two_values = (np.isclose(ratio, 0, atol=1e-3) | np.isclose(ratio, scale, rtol=1e-3)).all()
    for y, name, values in ((14, "eval", quiet), (72, "train", noisy)):
        axes = place(figure, 80, y, 800, 46)
        heat_strip(axes, values[None], limit, [name])
        frame(axes)
    axes = place(figure, 80, 130, 800, 46)
    grey = LinearSegmentedColormap.from_list("ratio", ["#000000", "#d4d4d4"])
    axes.imshow(ratio[None], cmap=grey, vmin=0, vmax=max(scale, 1e-9), aspect="auto", interpolation="nearest")
    axes.vlines(np.arange(1, len(ratio)) - 0.5, -0.5, 0.5, color="white", lw=1.5)
    axes.set_xticks([])
    row_labels(axes, ["ratio"])
    frame(axes)
    scale_bar(place(figure, 80, 196, 150, 12), limit)
    r = f"{scale:.3g}"
    entries = [("ratio 0: dropped", "black")] if two_values else []
    entries += [(f"ratio {r}: kept and scaled up" if two_values else f"largest ratio {r}", "#d4d4d4")]
    legend(overlay(figure), 300, 205, entries)
    alt = f"{counted(len(quiet), 'number')} of one token in eval mode, in train mode, and train divided by eval."
    if two_values and scale > 1e-3:
        caption = f"In train mode each number is either 0 or {r} times what it is in eval mode."
        alt += f" Every ratio is either 0 (dropped) or {r} (kept and scaled up)."
    else:
        caption = "In train mode the numbers differ from those in eval mode."
        alt += " The ratios are not of two kinds."
    return Picture(figure, alt, caption)


@in_look
def convergence(passes, distance):
    """Distance of the mean of n passes from the goal, both scales logarithmic, with a 1/√n guide; [n] each."""
    passes, distance = check_all("n", passes=passes, distance=distance)
    if (passes <= 0).any() or (distance <= 0).any():
        raise ValueError("a logarithmic scale needs passes and distances above 0")
    figure = sheet(WIDTH, 350)
    axes = place(figure, 90, 20, 790, 270)
    order = np.argsort(passes)
    passes, distance = passes[order], distance[order]
    middle = np.exp(np.mean(np.log(distance) + 0.5 * np.log(passes)))
    axes.plot(passes, middle / np.sqrt(passes), "--", color=MUTED, lw=2, label="guide")
    axes.plot(passes, distance, "o-", color=COLOURS["sum"], ms=7, label="distance")
    log_axis(axes, "x", passes)
    log_axis(axes, "y", distance)
    axes.set(xlabel="passes averaged", ylabel="distance to eval")
    last = (passes[len(passes) // 2], middle / math.sqrt(passes[len(passes) // 2]))
    look = {"textcoords": "offset points", "va": "bottom", "color": MUTED, "fontsize": 13}
    axes.annotate("1/√n", last, (10, 12), **look)
    alt = f"Distance of the mean of n train passes from the eval output, for n up to {passes[-1]:,.0f}, both scales logarithmic."
    caption = "The mean of many train passes, beside a 1/√n guide."
    if len(passes) > 1 and passes[0] < passes[-1]:
        slope = np.polyfit(np.log(passes), np.log(distance), 1)[0]
        if abs(slope + 0.5) <= 0.15:
            caption = "The mean of n train passes comes closer to eval like 1/√n."
            alt += " The distance falls about as 1/√n: four times the passes, half the distance."
        else:
            alt += f" The distance falls {'more slowly' if slope > -0.5 else 'faster'} than 1/√n."
    return Picture(figure, alt, caption)


# ---------------------------------------------------------------- what the tables learned


def _crossings(points):
    """How often the closed line through `points` [n, 2] crosses itself."""
    start, step = points[:, None], (np.roll(points, -1, axis=0) - points)[:, None]
    there = points[None] - start
    side = np.sign(step[..., 0] * there[..., 1] - step[..., 1] * there[..., 0])  # [line, point]
    parted = side * np.roll(side, -1, axis=1) < 0  # the first line passes between the ends of the second
    return int((parted & parted.T).sum()) // 2


@in_look
def rings(panels, labels):
    """Points joined in order and closed, one panel each; `panels` dict title → [n, 2].

    `labels` is a list of n strings for every panel, or a dict title → list.
    """
    panels = check_named("panels", panels, 4, "panels fit side by side")
    figure = sheet(WIDTH, 370)
    each = WIDTH / len(panels)
    alt, told = "", []
    for index, (title, points) in enumerate(panels.items()):
        names = labels.get(title, ()) if isinstance(labels, dict) else labels
        names = check_texts(f"labels of {title}", names)
        points = check_numbers(title, points, "n 2", {"n": len(names)})
        axes = place(figure, index * each + 8, 38, each - 16, 324)
        control = any(word in title.lower() for word in ("random", "control", "shuffled"))
        colour = MUTED if control else COLOURS["word"]
        closed = np.concatenate([points, points[:1]])
        axes.plot(*closed.T, "-", color=tint(colour, 0.5), lw=2, zorder=1)
        axes.plot(*points.T, "o", color=colour, ms=8, zorder=2)
        pixels = limits_around(axes, points, (min(90, each / 3.8), 32), equal=False)
        written = label_points(axes, pixels, names, 11.5 if len(panels) < 3 else 10.5)
        axes.set(xticks=[], yticks=[])
        frame(axes)
        axes.set_title(fit(title, each - 24, 12.5), fontsize=12.5, weight="bold")
        crossings = _crossings(points)
        times = "once" if crossings == 1 else f"{crossings} times"
        fact = "never crosses itself" if not crossings else f"crosses itself {times}"
        alt += f" {readable(title)}: {tokens_said(names)}, joined in this order; the closed line {fact}."
        if written < len(names):
            fact += f"; {written} of the {len(names)} names find room"
        told.append(f"{readable(title)}: the line {fact}")
    return Picture(figure, alt, capital("; ".join(told)) + ".")


@in_look
def neighbours(lists):
    """The nearest tokens by cosine; `lists` dict token → list of (neighbour, cosine). At most 5 tokens."""
    lists = check_named("lists", lists, 5, "tokens fit side by side")
    pairs = {}
    for token, found in lists.items():
        try:
            names, values = zip(*found, strict=True)
        except (TypeError, ValueError):
            told = f"{quote(token)} needs a list of (neighbour, cosine) pairs, one or more"
            raise ValueError(told) from None
        pairs[token] = (
            check_texts(f"neighbours of {token}", names)[:8],
            check_numbers(token, list(values), "n")[:8],
        )
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
            x, ink = (value - 0.03, "white") if inside else (max(value, 0) + 0.03, INK)
            write(axes, x, row, f"{value:.2f}", 11, ink, ha="right" if inside else "left")
        row_labels(axes, [fit(n, room - 8) for n in names])
        axes.set_xticks([])
        axes.spines[["bottom"]].set_visible(False)
        axes.set_title(fit(token, each - room - 14, 13), fontsize=13, weight="bold")
        said = listed(f"{quote(n)} {v:.2f}" for n, v in zip(names[:3], values[:3], strict=True))
        alt += f" {quote(token)}: {said}{' and more' if len(names) > 3 else ''}."
    who = [f"{quote(token)} has {quote(names[0])}" for token, (names, _) in pairs.items()]
    return Picture(figure, alt, f"Nearest by cosine: {listed(who)}.")


@in_look
def by_layer(curves, ylabel):
    """One line per curve over layer 0 … L-1; `curves` dict name → [L]."""
    curves, sizes = check_named("curves", curves, 4, "curves can be told apart"), {}
    arrays = {name: check_numbers(name, values, "L", sizes) for name, values in curves.items()}
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
    calm(axes)
    axes.xaxis.set_major_locator(MaxNLocator(sizes["L"], integer=True))
    height = np.ptp(axes.get_ylim())
    before = -math.inf
    for end, name, colour in sorted(ends, key=lambda e: e[0]):
        at = max(end, before + height * 0.085)
        line = {"arrowstyle": "-", "color": colour, "lw": 1}
        look = {"textcoords": "axes fraction", "va": "center", "fontsize": 12, "arrowprops": line}
        where = (1.03, (at - axes.get_ylim()[0]) / height)
        axes.annotate(fit(name, 210, 12), (sizes["L"] - 1, end), where, **look)
        before = at
    told = (f"{readable(name)} {values[0]:.2f} to {values[-1]:.2f}" for name, values in arrays.items())
    return Picture(figure, alt, f"From layer 0 to the last: {'; '.join(told)}.")


@in_look
def bars(values, xlabel):
    """Horizontal bars; `values` dict name → number."""
    values = check_named("values", values, 12, "bars can be read at a glance")
    names = list(values)
    numbers = check_numbers("values", [values[name] for name in names], "N")
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
        write(axes, value + (pad if right else -pad) / 2, row, say(value), ha="left" if right else "right")
    row_labels(axes, [fit(name, 210) for name in names])
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    most, least = int(numbers.argmax()), int(numbers.argmin())
    told = listed(f"{readable(n)} {say(v)}" for n, v in zip(names, numbers, strict=True))
    alt = f"{readable(xlabel)}: {told}."
    caption = f"Largest: {readable(names[most])}, {say(numbers[most])}"
    caption += f"; smallest: {readable(names[least])}, {say(numbers[least])}." if len(names) > 1 else "."
    return Picture(figure, alt, caption)
