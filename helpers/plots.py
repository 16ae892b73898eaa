"""The course's pictures: data in, picture out.

Every function returns a `helpers.picture.Picture` whose alt text and caption are computed from the data.
Arrays may be tensors of any real dtype (gradients or not) or nested lists; T is the number of tokens, H the
hidden size. Where tokens go down the side, of more than 14 the first ten and the last four are shown, and
the words say so. A batch is drawn as its sentences one after the other: `tokens` is then a list of lists.

A wrong argument raises TypeError (not numbers, not text) or ValueError (shape, NaN, a picture that would be
untrue), in one sentence with the shapes found and expected.

The pictures of the layer are here, those for any data (bars, lines, histograms, strips, heat_maps, points)
in `helpers.charts`; `plots` has them all.
"""

import numpy as np
import torch
from matplotlib.patches import Rectangle

from . import picture as draw
from .charts import bars, heat_maps, histograms, lines, points, strips  # noqa: F401
from .picture import COLOURS, MUTED, PARTS, Picture, counted, listed, quote, styled, write

# ---------------------------------------------------------------- the layer


STEPS = ("tokenize", "word", "segment", "position", "sum", "layer norm", "dropout")


@styled
def pipeline(step=None):
    """The whole layer as a strip, `step` lit (one of "tokenize", "word", "segment", "position", "sum",
    "layer norm", "dropout"); with None every step is.

    Raises ValueError for any other step.
    """
    if step not in (None, *STEPS):
        raise ValueError(f"step must be None or one of {listed(STEPS)}, found {step!r}")
    figure = draw.new_figure(180)
    axes = draw.overlay(figure)

    def arrow(x, y, to_x, to_y):
        look = {"arrowstyle": "-|>", "color": MUTED, "lw": 1.6}
        axes.annotate("", (to_x, to_y), (x, y), arrowprops=look)

    def box(name, label, x, y, width, height=48):
        colour = COLOURS.get(name, draw.PLAIN if name == "tokenize" else COLOURS["sum"])
        draw.chip(axes, x, y, width, height, label, colour, lit=step in (None, name))

    write(axes, 24, 90, "text", 12.5)
    arrow(44, 90, 64, 90)
    box("tokenize", "tokenize", 66, 6, 100, 168)
    inputs = ("ids [B, T]", "segment ids [B, T]", "places [T]")
    for name, told, y in zip(PARTS, inputs, (30, 90, 150), strict=True):
        arrow(168, y, 322, y)
        write(axes, 245, y - 12, told, 10.5, MUTED)
        box(name, f"{name}\ntable", 324, y - 24, 98)
        arrow(424, y, 468, 90 + (y - 90) * 0.25)
    box("sum", "+", 470, 66, 56)
    box("layer norm", "LayerNorm", 558, 66, 116)
    box("dropout", "dropout", 706, 66, 92)
    for x in (528, 676, 800):
        arrow(x, 90, x + 28, 90)
    write(axes, 862, 90, "[B, T, H]")
    alt = (
        "The embedding layer from left to right: text is tokenized to ids [B, T], segment ids [B, T] and "
        "places [T]; each picks rows of a table of its own, the word, the segment and the position table; "
        "the rows are summed, then come LayerNorm and dropout, and [B, T, H] comes out."
    )
    if step is None:
        return Picture(figure, alt, "The whole embedding layer.")
    told = f"{step}, step {STEPS.index(step) + 1} of {len(STEPS)}"
    caption = f"You are here: {told} of the embedding layer."
    return Picture(figure, f"{alt} Lit here: {told}.", caption)


@styled
def word_pieces(text, tokens, ids, word_ids):
    """Text → word pieces → ids.

    `tokens` list of T strings, `ids` [T], `word_ids` list of T (`encoding.word_ids()`: None for a special
    token, else the number of the word the piece belongs to).
    """
    tokens, word_ids = draw.check_texts("tokens", tokens), list(word_ids)
    ids = draw.check_numbers("ids", ids, "T", {"T": len(tokens)}).astype(int)
    if len(word_ids) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens need as many word_ids, found {len(word_ids)}")
    names = [draw.shorten(token, 200, 12) for token in tokens]
    pairs = zip(names, map(str, ids), strict=True)
    width = [max(38, draw.text_width(t, 12) + 14, draw.text_width(i) + 8) for t, i in pairs]

    def lay_out(most):
        """The boxes [(place, x, line)] when `most` tokens are drawn; pieces of one word touch."""
        boxes, x, line, word = [], 0, 0, None
        for t in draw.Shown(tokens, most).places:
            across = 132 if t is None else width[t]
            touching = t is not None and word is not None and word == word_ids[t]
            x += 0 if touching or not x else 9
            x, line = (0, line + 1) if x + across > 776 else (x, line)
            boxes.append((t, x, line))
            x, word = x + across, t if t is None else word_ids[t]
        return boxes

    most = min(len(tokens), 60)
    while (boxes := lay_out(most))[-1][2] > 2:  # three lines are enough
        most -= 1
    height, left_out = 84 * (boxes[-1][2] + 1), len(tokens) - most
    figure = draw.new_figure(54 + height)
    axes = draw.overlay(figure)
    write(axes, 112, 28, draw.shorten(text, 770, 14), 14, ha="left")
    write(axes, 98, 28, "text", colour=MUTED, ha="right")
    for y in range(0, height, 84):
        write(axes, 98, 79 + y, "word pieces", colour=MUTED, ha="right")
        write(axes, 98, 115 + y, "ids", colour=MUTED, ha="right")
    for t, x, line in boxes:
        x, y = 112 + x, 62 + 84 * line
        if t is None:
            write(axes, x + 66, y + 17, f"… {left_out:,} more …", colour=MUTED)
            continue
        colour = MUTED if word_ids[t] is None else COLOURS["word"]
        look = {"facecolor": draw.tint(colour, 0.16), "edgecolor": colour, "linewidth": 1.2}
        axes.add_patch(Rectangle((x, y), width[t], 34, **look))
        write(axes, x + width[t] / 2, y + 17, names[t], 12)
        write(axes, x + width[t] / 2, y + 53, str(ids[t]))

    words = {}
    for token, word in zip(tokens, word_ids, strict=True):
        words.setdefault(word, []).append(token)
    special = words.pop(None, [])
    split = sorted((pieces for pieces in words.values() if len(pieces) > 1), key=len, reverse=True)
    pairs = [f"{quote(t)} {i}" for t, i in zip(tokens, ids, strict=True)]
    pairs = pairs if len(pairs) <= draw.MOST_TOKENS else [*pairs[:4], "…", *pairs[-2:]]
    alt = (
        f"The text {quote(text)} becomes {counted(len(tokens), 'token')}, "
        f"{len(special)} of them special. Token and id: {', '.join(pairs)}."
    )
    caption = "Every word is one piece." if words else "No word at all: only special tokens."
    if split:
        caption = f"{len(split)} of {counted(len(words), 'word')} became several touching pieces."
        alt += f" The word in most pieces: {listed(map(quote, split[0][:8]))}."
    caption += " Grey: special tokens." if special else ""
    if left_out:
        caption += f" {left_out} of the {len(tokens)} tokens are left out of the picture."
    return Picture(figure, f"{alt} {caption}", caption)


VOCABULARY_KINDS = {
    "special": COLOURS["sum"],
    "unused": COLOURS["neutral"],
    "single characters": "#7d7d7d",
    "whole words": COLOURS["word"],
    "## pieces": draw.tint(COLOURS["word"], 0.35),
}


def _vocabulary_kind(token):
    if token.startswith("##"):
        return "## pieces"
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        return "unused" if token.startswith("[unused") else "special"
    return "single characters" if len(token) == 1 else "whole words"


@styled
def vocabulary_map(tokens):
    """What lies where in the vocabulary: for each 1,000 ids, how many of each kind.

    `tokens` list of the V vocabulary strings in id order.
    """
    tokens = draw.check_texts("tokens", tokens)
    ids = {kind: [] for kind in VOCABULARY_KINDS}
    for i, token in enumerate(tokens):
        ids[_vocabulary_kind(token)].append(i)
    ids = {kind: np.array(found) for kind, found in ids.items() if found}
    bins = -(-len(tokens) // 1000)
    figure = draw.new_figure(330, "constrained")
    axes, bottom = figure.add_subplot(), np.zeros(bins)
    for kind, found in ids.items():
        row = np.bincount(found // 1000, minlength=bins)
        at = np.flatnonzero(row)  # a bar of no height takes as long to draw as any
        look = {"color": VOCABULARY_KINDS[kind], "label": f"{len(found):,} {kind}"}
        axes.bar(at + 0.5, row[at], 0.88, bottom[at], **look)
        bottom += row
    axes.set(xlim=(0, bins), ylim=(0, 1000), xlabel="token id", ylabel="per 1,000 ids")
    ticks = range(0, bins + 1, max(1, -(-bins // 8)))
    axes.set_xticks(ticks, [f"{k * 1000:,}" for k in ticks])
    axes.set_yticks([0, 500, 1000], ["0", "500", "1,000"])
    figure.legend(loc="outside upper left", ncols=5)
    alt = f"The {len(tokens):,} vocabulary entries, counted per 1,000 ids. "
    told = (f"{len(of):,} {kind}, from id {of[0]:,} to {of[-1]:,}" for kind, of in ids.items())
    words, pieces = (len(ids.get(k, ())) / len(tokens) for k in ("whole words", "## pieces"))
    caption = f"{words:.0%} of the vocabulary are whole words, {pieces:.0%} are ## pieces."
    return Picture(figure, alt + "; ".join(told) + ".", caption)


def _dims(dims, width):
    """How many of `width` numbers are drawn, and what is said of it."""
    if dims < 1:
        raise ValueError(f"dims must be 1 or more, found {dims}")
    return min(dims, width), f"the first {dims} of {width}" if dims < width else f"all {width}"


@styled
def lookup(kind, table, ids, rows, tokens, dims=32):
    """The lookup: the tall table, the rows picked, and the tensor that comes out.

    `kind` "word", "segment" or "position"; `table` [N, H]; `ids` [T], the row picked for each token; `rows`
    [T, H], what came out; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `rows` are not the table's rows at `ids`.
    """
    if kind not in PARTS:
        raise ValueError(f"kind must be one of {listed(PARTS)}, found {kind!r}")
    tokens, ids, rows = draw.unbatched(tokens, ids, rows)
    tokens, table = draw.check_texts("tokens", tokens), torch.as_tensor(table)
    if table.dim() != 2:
        raise ValueError(f"table must have the shape [N, H], found {list(table.shape)}")
    (length, width), sizes = table.shape, {"T": len(tokens), "H": table.shape[1]}
    ids = draw.check_numbers("ids", ids, "T", sizes)
    if (ids != ids.round()).any() or ids.min() < 0 or ids.max() >= length:
        raise ValueError(f"ids must be whole numbers from 0 to {length - 1}, found {ids.tolist()}")
    ids, rows = ids.astype(int), draw.check_numbers("rows", rows, "T H", sizes)
    picked = draw.check_numbers("table", table[torch.as_tensor(ids)], "T H", sizes)
    for t in np.flatnonzero((picked != rows).any(1)):
        told = f"row {t} of rows ({quote(tokens[t])}) is not row {ids[t]} of the table"
        raise ValueError(f"{told}: no such lookup")
    (dims, dims_said), colour, shown = _dims(dims, width), COLOURS[kind], draw.Shown(tokens, 7)

    # The table's rows from top to bottom, None where it is torn because rows are left out.
    drawn = sorted({0, length - 1, *(ids[t] for t in shown.places if t is not None)})
    slots = []
    for i, before in zip(drawn, [-1, *drawn], strict=False):
        slots += [i] if i == before + 1 else [None, i]
    of_table = np.full((len(slots), dims), np.nan)
    in_table = draw.check_numbers("table", table[drawn], "N H")[:, :dims]
    of_table[[i is not None for i in slots]] = in_table
    of_rows = shown.rows(rows)[:, :dims]
    limit = draw.colour_limit(of_table, of_rows)
    unit, step = min(34.0, 280 / len(slots)), min(34.0, 280 / len(of_rows))
    tall = max(unit * len(slots), step * len(of_rows))
    figure = draw.new_figure(62 + tall + 46)
    axes = draw.add_axes_px(figure, 84, 62, 290, unit * len(slots))
    draw.heat_strip(axes, of_table, limit)
    axes.spines[:].set(visible=True, color=colour, linewidth=2)
    draw.row_labels(axes, [f"{i:,}" if i is not None else "" for i in slots])
    for label, i in zip(axes.get_yticklabels(), slots, strict=True):
        bold = {"weight": "bold"} if i in ids else {"color": MUTED}
        label.set(fontsize=min(11.5, unit * 0.68), **bold)
    for row in (row for row, i in enumerate(slots) if i is None):
        skipped = slots[row + 1] - (slots[row - 1] + 1 if row else 0)
        axes.axhspan(row - 0.5, row + 0.5, color="#efefef", lw=0)
        write(axes, dims / 2, row, f"⋯ {counted(skipped, 'row')} ⋯", min(11, unit * 0.6), MUTED)
    start = 62 + max(0.0, (unit * len(slots) - step * len(of_rows)) / 2)
    out = draw.add_axes_px(figure, 520, start, 250, step * len(of_rows))
    image = draw.heat_strip(out, of_rows, limit)
    draw.row_labels(out, shown.names(112), side="right")
    over = draw.overlay(figure)
    for row, t in enumerate(shown.places):
        if t is not None:
            begin, end = 62 + unit * (slots.index(ids[t]) + 0.5), start + step * (row + 0.5)
            look = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
            over.annotate("", (517, end), (378, begin), arrowprops=look)
    draw.chip(over, 84, 4, 290, 28, f"{kind} table", colour)
    draw.chip(over, 520, 4, 250, 28, "rows picked", colour)
    write(over, 229, 46, f"[{length:,}, {width}]", colour=MUTED)
    write(over, 645, 46, f"[{len(tokens)}, {width}]", colour=MUTED)
    draw.scale_bar(figure, image, 570, 62 + tall + 10, 150)
    write(over, 84, 62 + tall + 18, f"{dims_said} numbers →", colour=MUTED, ha="left")

    distinct = len(set(ids.tolist()))
    which = listed(f"{quote(tokens[t])} row {ids[t]:,}" for t in range(min(len(tokens), 10)))
    alt = (
        f"Lookup in the {kind} table [{length:,}, {width}]: each of {counted(len(tokens), 'token')} takes "
        f"one row, unchanged, and the rows are the tensor [{len(tokens)}, {width}]. {which}"
        f"{' …' if len(tokens) > 10 else ''}. Different rows used: {distinct}. Drawn: {dims_said} numbers."
    )
    caption = f"Each of {counted(len(tokens), 'token')} takes one of the {length:,} rows"
    if distinct == 1 and len(tokens) > 1:
        caption = f"Every token takes the same row, {ids[0]},"
    alt += shown.said + draw.beyond(limit, of_rows, of_table)
    return Picture(figure, alt, f"{caption} of the {kind} table, unchanged.{shown.said}")


@styled
def one_hot(matrix, table, rows):
    """One-hot [T, N] @ table [N, H] = rows [T, H] with the numbers written in, for toy sizes.

    Raises ValueError when T, N or H is over 12, when a row of `matrix` is not one 1 and else zeros, or when
    the product is not `rows`.
    """
    matrix = draw.check_numbers("matrix", matrix, "T N", sizes := {})
    table = draw.check_numbers("table", table, "N H", sizes)
    rows = draw.check_numbers("rows", rows, "T H", sizes)
    if max(sizes.values()) > 12:
        raise ValueError(f"one_hot writes every number: at most 12 each way, found {sizes}")
    if not ((matrix == 0) | (matrix == 1)).all() or (matrix.sum(1) != 1).any():
        raise ValueError("each row of matrix must hold a single 1 and zeros else")
    if not np.allclose(matrix @ table, rows, atol=1e-4):
        raise ValueError("rows is not matrix @ table, so the picture would be untrue")
    ids, most = matrix.argmax(1), max(sizes["T"], sizes["N"])
    columns = sizes["N"] + 2 * sizes["H"]
    step, cell = min(32.0, 310 / most), min(58.0, 660 / columns)
    figure = draw.new_figure(56 + step * most)
    over, middle = draw.overlay(figure), 46 + step * most / 2
    x = (draw.WIDTH - cell * columns - 190) / 2 + 20
    # How strong the word table's blue is in each row, or cell.
    picked = 0.18 * np.isin(np.arange(sizes["N"]), ids)[:, None]
    for title, array, blue, names, sign, gap in (
        ("one-hot", matrix, matrix, [""] * sizes["T"], "@", 70),
        ("table", table, picked, range(sizes["N"]), "=", 100),
        ("rows", rows, 0.18, [f"row {i}" for i in ids], "", 0),
    ):
        down, across = array.shape
        axes = draw.add_axes_px(figure, x, middle - step * down / 2, across * cell, step * down)
        blue = np.broadcast_to(blue, array.shape)[..., None]
        colours = np.where(blue > 0, draw.tint(COLOURS["word"], blue), 0.93)
        axes.imshow(colours, aspect="auto", interpolation="nearest")
        axes.hlines(np.arange(1, down) - 0.5, -0.5, across - 0.5, color="white", lw=2)
        axes.vlines(np.arange(1, across) - 0.5, -0.5, down - 0.5, color="white", lw=2)
        decimals = next((d for d in (0, 1) if np.abs(array - array.round(d)).max() < 1e-4), 2)
        for (row, column), value in np.ndenumerate(array.round(decimals) + 0):
            told = f"{value:.{decimals}f}".replace("-", "−")
            write(axes, column, row, told, min(12.0, cell / 3), draw.ink_on(colours[row, column]))
        draw.row_labels(axes, [str(name) for name in names])
        axes.set(xticks=[], label=title)
        axes.spines[:].set_visible(False)
        write(over, x + across * cell / 2, 20, f"{title} [{down}, {across}]", weight="bold")
        x += across * cell
        write(over, x + 24, middle, sign, 18, weight="bold")
        x += gap
    alt = (
        f"A one-hot matrix {list(matrix.shape)} times a table {list(table.shape)} gives {list(rows.shape)}: "
        f"the single 1 in each row of the matrix stands in column {listed(map(str, ids))}, and exactly these "
        "rows of the table come out, in this order."
    )
    return Picture(figure, alt, "Each single 1 picks one row of the table; the zeros pick nothing.")


# ---------------------------------------------------------------- the sum and LayerNorm


@styled
def sum_equation(word, segment, position, total, tokens, dims=32):
    """word + segment + position = sum as four heat maps on one scale.

    All four [T, H]; `tokens` list of T strings. The first `dims` of the H numbers are drawn.

    Raises ValueError when `total` is not the sum of the other three.
    """
    tokens, *arrays = draw.unbatched(tokens, word, segment, position, total)
    tokens = draw.check_texts("tokens", tokens)
    sizes, names = {"T": len(tokens)}, (*PARTS, "total")
    pairs = zip(names, arrays, strict=True)
    *parts, total = (draw.check_numbers(name, array, "T H", sizes) for name, array in pairs)
    # Each number for itself, and as wide as bfloat16 rounds: an outlier elsewhere hides nothing.
    error, allowed = np.abs(sum(parts) - total), 0.01 * sum(map(np.abs, parts)) + 1e-6
    for t in np.flatnonzero((error > allowed).any(1)):
        told = f"at token {t} ({quote(tokens[t])}) off by {draw.format_number(error[t].max())}"
        raise ValueError(f"total is not word + segment + position: {told}")
    (dims, dims_said), shown = _dims(dims, sizes["H"]), draw.Shown(tokens)
    parts = dict(zip((*PARTS, "sum"), (*parts, total), strict=True))
    drawn = {name: shown.rows(array)[:, :dims] for name, array in parts.items()}
    limit = draw.colour_limit(*drawn.values())
    height = min(34.0, 270 / len(shown.places)) * len(shown.places)
    figure = draw.new_figure(46 + height + 52)
    over = draw.overlay(figure)
    for index, (name, array) in enumerate(drawn.items()):
        x = 108 + index * 202
        axes = draw.add_axes_px(figure, x, 46, 172, height)
        image = draw.heat_strip(axes, array, limit)
        axes.set_label(name)
        if index == 0:
            draw.row_labels(axes, shown.names(100))
        else:
            sign = "=" if name == "sum" else "+"
            write(over, x - 15, 46 + height / 2, sign, 20, weight="bold")
        draw.chip(over, x, 8, 172, 28, name, COLOURS[name])
    draw.scale_bar(figure, image, draw.WIDTH - 180, 46 + height + 12, 152)
    write(over, 108, 46 + height + 18, f"{dims_said} numbers →", colour=MUTED, ha="left")

    lengths = {name: np.linalg.norm(array, axis=1) for name, array in parts.items()}
    means = {name: lengths[name].mean() for name in PARTS}
    longest = np.argmax([lengths[name] for name in PARTS], axis=0)
    t = int(lengths["sum"].argmax())
    alt = (
        f"Four heat maps on one colour scale, one row for each of {counted(len(tokens), 'token')}: word plus "
        f"segment plus position equals sum, number by number. Tokens: {draw.some(tokens)}. The longest sum "
        f"is that of {quote(tokens[t])} at place {t}: {draw.format_number(lengths['sum'][t])}. Mean length: "
        + listed(f"{name} {draw.format_number(mean)}" for name, mean in means.items())
    )
    for i in np.unique(longest):
        alt += f". The {PARTS[i]} part is the longest for {draw.some(tokens, longest == i)}"
    caption = (
        f"One colour scale, {dims_said} numbers per token: added number by number. "
        f"The {max(means, key=means.get)} part is the longest on average.{shown.said}"
    )
    return Picture(figure, f"{alt}. {caption}{draw.beyond(limit, *drawn.values())}", caption)


@styled
def shares(values, tokens):
    """How much word, segment and position contribute to each token: [T, 3], rows that sum to 1."""
    tokens, values = draw.unbatched(tokens, values)
    tokens = draw.check_texts("tokens", tokens)
    values = draw.check_numbers("values", values, "T 3", {"T": len(tokens)})
    if (values < 0).any() or (np.abs(values.sum(1) - 1) > 1e-3).any():
        row = values[np.abs(values.sum(1) - 1).argmax()].round(3)
        raise ValueError(f"each row of values must be shares that sum to 1, found {row.tolist()}")
    shown = draw.Shown(tokens)
    figure, axes = draw.row_figure(shown.names(120), 36, 56)
    rows, start = np.arange(len(shown.places)), 0
    for part, column in zip(PARTS, np.nan_to_num(shown.rows(values)).T, strict=True):
        look = {"color": COLOURS[part], "edgecolor": "white", "label": part}
        drawn = axes.barh(rows, column, 0.78, left=start, **look)
        told = [f"{share:.0%}" if share >= 0.08 else "" for share in column]
        axes.bar_label(drawn, told, label_type="center", color=draw.ink_on(COLOURS[part]))
        start = start + column
    axes.set(xlim=(0, 1), xticks=[])
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside upper left", ncols=5)
    means = listed(f"{p} {draw.percent(m)}" for p, m in zip(PARTS, values.mean(0), strict=True))
    alt = (
        f"For each of {counted(len(tokens), 'token')}, the shares of word, segment and position, as bars of "
        f"length 1. Mean shares: {means}."
    )
    caption = []
    for part, column, most in zip(PARTS, values.T, np.eye(3)[values.argmax(1)].T, strict=True):
        if most.any():
            caption.append(f"{part} is the largest share of {draw.some(tokens, most)}")
            t = int(column.argmax())
            alt += f" The {part} share is at most {draw.percent(column[t])} ({quote(tokens[t])})."
    caption = f"{draw.capital('; '.join(caption))}.{shown.said}"
    return Picture(figure, f"{alt} {caption}", caption)


@styled
def before_after(tokens, before, after):
    """Mean and spread of each token's vector before and after LayerNorm: bars from mean − spread to
    mean + spread, all on one scale.

    `tokens` list of T strings; `before` and `after` are pairs (mean [T], standard deviation [T]).
    """
    if not len(before) == len(after) == 2:
        raise ValueError("before and after must each be a pair (mean [T], standard deviation [T])")
    tokens, *values = draw.unbatched(tokens, *before, *after)
    tokens = draw.check_texts("tokens", tokens)
    names = ("mean before", "spread before", "mean after", "spread after")
    sizes, pairs = {"T": len(tokens)}, zip(names, values, strict=True)
    values = [draw.check_numbers(name, array, "T", sizes) for name, array in pairs]
    shown = draw.Shown(tokens)
    figure, axes = draw.row_figure(shown.names(120), 40, 80)
    rows = np.arange(len(shown.places))
    drawn = [shown.rows(array) for array in values]
    for name, mean, spread, colour, up in (
        ("before: mean ± spread", *drawn[:2], COLOURS["neutral"], -0.2),
        ("after: mean ± spread", *drawn[2:], COLOURS["sum"], 0.2),
    ):
        axes.barh(rows + up, 2 * spread, 0.32, left=mean - spread, color=colour, label=name)
        axes.plot(mean, rows + up, "|", color=MUTED, ms=10, mew=2)
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.set(xlabel="a token's numbers")
    axes.margins(x=0.04)
    for row, t in enumerate(shown.places):
        if t is not None:
            told = f"spread {draw.format_number(values[1][t])} → {draw.format_number(values[3][t])}"
            write(axes, 1.02, row, told, ha="left", transform=axes.get_yaxis_transform())
    figure.legend(loc="outside upper left", ncols=5)

    def told(array):
        low, high = draw.format_number(array.min()), draw.format_number(array.max())
        return f"{low} for every token" if low == high else f"{low} to {high}"

    said = (f"{name}: {told(array)}" for name, array in zip(names, values, strict=True))
    alt = f"{counted(len(tokens), 'token')} before and after LayerNorm. {'; '.join(said)}. "
    alt += f"Most spread before: {quote(tokens[int(values[1].argmax())])}."
    caption = f"The spread was {told(values[1])}; after LayerNorm it is {told(values[3])}."
    return Picture(figure, alt + shown.said, caption + shown.said)


@styled
def neighbours(lists):
    """The nearest tokens by cosine; `lists` dict token → list of (neighbour, cosine), nearest first. At
    most 5 tokens, of each the first 8 neighbours.

    Raises ValueError when a list is not sorted.
    """
    lists, pairs = draw.check_named("lists", lists, 5, "tokens fit side by side"), {}
    for token, found in lists.items():
        try:
            names, values = zip(*found, strict=True)
        except (TypeError, ValueError):
            told = f"{quote(token)} needs a list of (neighbour, cosine) pairs, one or more"
            raise ValueError(told) from None
        values = draw.check_numbers(token, list(values), "n")
        if (np.diff(values) > 1e-6).any():
            raise ValueError(f"the neighbours of {quote(token)} must come nearest first: {values}")
        pairs[token] = draw.check_texts(f"neighbours of {token}", names)[:8], values[:8]
    longest = max(len(names) for names, _ in pairs.values())
    figure = draw.new_figure(64 + min(34.0, 280 / longest) * longest, "constrained")
    every = np.concatenate([[0.1], *(values for _, values in pairs.values())])
    alt = "Nearest tokens by cosine."
    panels = figure.subplots(1, len(pairs), squeeze=False)[0]
    for axes, (token, (names, values)) in zip(panels, pairs.items(), strict=True):
        drawn = axes.barh(range(len(names)), values, 0.74, color=COLOURS["word"])
        told = [f"{value:.2f}".replace("-", "−") for value in values]
        wide = values > 0.4 * every.max()
        axes.bar_label(drawn, np.where(wide, told, ""), padding=-36, color="white")
        axes.bar_label(drawn, np.where(wide, "", told), padding=4)
        axes.set(xlim=(min(0, 1.5 * every.min()), every.max()), xticks=[])
        axes.set_ylim(longest - 0.5, -0.5)
        draw.row_labels(axes, [draw.shorten(name, 440 / len(pairs)) for name in names])
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.set_title(draw.shorten(token, 500 / len(pairs), 13), fontsize=13)
        said = listed(f"{quote(n)} {v:.2f}" for n, v in zip(names[:3], values[:3], strict=True))
        alt += f" {quote(token)}: {said}{' and more' if len(names) > 3 else ''}."
    who = listed(f"{quote(token)} has {quote(names[0])}" for token, (names, _) in pairs.items())
    return Picture(figure, alt, f"Nearest by cosine: {who}.")
