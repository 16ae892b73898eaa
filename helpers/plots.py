"""The course's pictures: data in, picture out.

Every function returns a `helpers.picture.Picture` whose alt text and caption are computed from the data.
Arrays may be tensors of any real dtype (gradients or not) or nested lists; T is the number of tokens, H the
hidden size. Where tokens go down the side, of more than 14 the first ten and the last four are shown, and the
words say so. A batch is drawn as its sentences one after the other: `tokens` is then a list of lists. Of a
vector in a heat map the first 32 numbers are drawn.

What cannot be drawn, or not truly, raises PictureError (a ValueError), in one sentence with the shapes found and
expected.

The pictures of the layer are here, those for any data (bars, lines, histograms, strips, grid, heat_maps, points,
arrows) in `helpers.charts`; `plots` has them all.
"""

import re
from itertools import groupby, pairwise

import numpy as np
import torch
from matplotlib.patches import Rectangle

from . import picture as draw
from .charts import arrows, bars, grid, heat_maps, histograms, lines, points, strips  # noqa: F401
from .picture import COLOURS, MUTED, NEUTRAL, PARTS, Picture, PictureError, listed, quote, styled
from .wording import counted

DIMS = 32  # at most so many numbers of a vector are drawn
STEPS = ("tokenize", "word", "segment", "position", "sum", "layer norm", "dropout")


@styled
def pipeline(step=None):
    """The whole layer as a strip, `step` lit (one of "tokenize", "word", "segment", "position", "sum", "layer
    norm", "dropout"); with None every step is.

    Raises PictureError for any other step.
    """
    step = draw.check_choice("step", step, None, *STEPS)
    figure = draw.new_figure(180)
    axes = draw.overlay(figure)

    def arrow(x, y, to_x, to_y):
        draw.arrow(axes, (x, y), (to_x, to_y), shrink=2)

    def box(name, label, x, y, width, height=48):
        colour = COLOURS.get(name, draw.PLAIN if name == "tokenize" else COLOURS["sum"])
        label = f"{STEPS.index(name) + 1} {label}"
        draw.chip(axes, x, y, width, height, label, colour, lit=step in (None, name))

    draw.write(axes, 22, 60, "text", 12)
    arrow(40, 60, 58, 60)
    box("tokenize", "tokenize", 60, 6, 118, 108)
    draw.write(axes, 119, 142, "counted:", 10.5, MUTED)
    draw.write(axes, 119, 160, "0, 1, 2, …", 10.5, MUTED)
    inputs = ("ids [B, T]", "segment ids [B, T]", "places [T]")
    for name, told, y in zip(PARTS, inputs, (30, 90, 150), strict=True):
        arrow(180, y, 316, y)
        draw.write(axes, 246, y - 15, told, 10, MUTED)
        box(name, f"{name}\ntable", 318, y - 24, 118)
        arrow(438, y, 468, 90 + (y - 90) * 0.25)
    box("sum", "+", 470, 66, 48)
    box("layer norm", "LayerNorm", 540, 66, 142)
    box("dropout", "dropout", 704, 66, 112)
    for x in (519, 683, 817):
        arrow(x, 90, x + 20, 90)
    draw.write(axes, 868, 90, "[B, T, H]", 11)
    alt = "The embedding layer from left to right: text is tokenized to ids [B, T] and segment ids [B, T], places "
    alt += "[T] are counted, 0, 1, 2 and so on; each picks rows of a table of its own, the word, the segment and the "
    alt += "position table; the rows are summed, then come LayerNorm and dropout, and [B, T, H] comes out."
    if step is None:
        return Picture(figure, alt, "The whole embedding layer.")
    told = f"{step}, step {STEPS.index(step) + 1} of {len(STEPS)}"
    return Picture(figure, f"{alt} Lit here: {told}.", f"You are here: {told} of the embedding layer.")


@styled
def whole(layers, hidden):
    """The whole of BERT as a strip, the embedding layer lit; `layers` and `hidden` are how many layers with attention the
    model has, and how many numbers a token (`num_hidden_layers` and `hidden_size` of its config)."""
    layers, hidden = (draw.check_number(*of, whole=True) for of in (("layers", layers), ("hidden", hidden)))
    for name, size, most in ("layers", layers, 999), ("hidden", hidden, 99_999):  # as many digits find room
        if not 1 <= size <= most:
            raise PictureError(f"{name} must be from 1 to {most}, found {size}")
    figure = draw.new_figure(150)
    axes = draw.overlay(figure)

    def arrow(x, to_x):
        draw.arrow(axes, (x, 66), (to_x, 66), shrink=2)

    def box(label, x, width, lit=False):
        draw.chip(axes, x, 22, width, 88, label, COLOURS["sum"], lit=lit)

    draw.write(axes, 22, 66, "text", 12)
    arrow(40, 58)
    box("tokenizer", 60, 104)
    arrow(165, 184)
    box("embedding\nlayer", 186, 150, lit=True)
    draw.write(axes, 261, 128, "this course", 12, weight="bold")
    arrow(338, 357)
    shown = list(range(1, layers + 1)) if layers <= 7 else [1, 2, 3, 4, 5, "…", layers]
    for index, number in enumerate(shown):
        box(f"{number}", 359 + 42 * index, 40)
    end = 359 + 42 * len(shown)
    draw.write(axes, max(440, (359 + end) / 2), 128, f"{counted(layers, 'layer')} with attention", 12)
    arrow(end, end + 19)
    words = counted(hidden, "number"), "for each token"
    draw.write(axes, end + 24, 66, "\n".join(words), 12, ha="left")
    end += 30 + max(draw.text_width(line, 12) for line in words)
    last = min(end + 24, 836)  # as far as it finds room
    arrow(end, last - 5)
    draw.write(axes, last, 66, "search,\nsort,\nanswer", 12, ha="left")
    alt = "The whole of BERT from left to right: text is tokenized; the embedding layer, lit here, makes of each token "
    alt += f"{counted(hidden, 'number')}; {counted(layers, 'layer')} with attention mix the tokens; what comes out, again "
    alt += f"{counted(hidden, 'number')} for each token, is used to search, to sort and to find answers."
    told = f"This course is about BERT's first layer; {counted(layers, 'layer')} with attention follow."
    return Picture(figure, alt, told)


@styled
def word_pieces(text, tokens, ids, word_ids):
    """Text → word pieces → ids.

    `tokens` list of T strings, `ids` [T], `word_ids` list of T (`encoding.word_ids()`: None for a special
    token, else the number of the word the piece belongs to). Of many tokens as many are drawn as fit on three
    lines.
    """
    text = draw.check_text("text", text)
    tokens, ids = draw.check_tokens(tokens, "T", whole=True, ids=ids)
    word_ids = draw.check_list("word_ids", word_ids, len(tokens), "word numbers")
    numbers = draw.check_numbers("word_ids", [0 if n is None else n for n in word_ids], "T", whole=True)
    word_ids = [None if n is None else number for n, number in zip(word_ids, numbers.tolist(), strict=True)]
    for name, least in ("ids", ids.min()), ("word_ids", numbers.min()):
        if least < 0:
            raise PictureError(f"{name} must be 0 or more, found {least}")
    boxes, torn = [], ""  # (left edge, line, width, name) of each token; pieces of one word touch
    end = line = 0
    for t, name in enumerate(draw.shorten(token, 200, 12) for token in tokens):
        width = max(38, draw.text_width(name, 12) + 14, draw.text_width(str(ids[t])) + 8)
        touching = t > 0 and word_ids[t] is not None and word_ids[t] == word_ids[t - 1]
        x = end if touching or not end else end + 9
        over = x + width > 776
        x, line = (0, line + 1) if over else (x, line)
        if line == 3:
            break
        torn = " A word may go on in the next line." if over and touching else torn
        boxes.append((x, line, width, name))
        end = x + width
    height, left_out = 84 * (boxes[-1][1] + 1), len(tokens) - len(boxes)
    figure = draw.new_figure(54 + height + (24 if left_out else 0))
    axes = draw.overlay(figure)
    draw.write(axes, 112, 28, draw.shorten(text, 770, 14), 14, ha="left")
    draw.write(axes, 98, 28, "text", colour=MUTED, ha="right")
    for y in range(0, height, 84):
        draw.write(axes, 98, 79 + y, "word pieces", colour=MUTED, ha="right")
        draw.write(axes, 98, 115 + y, "ids", colour=MUTED, ha="right")
    for t, (x, line, width, name) in enumerate(boxes):
        x, y, colour = 112 + x, 62 + 84 * line, MUTED if word_ids[t] is None else COLOURS["word"]
        axes.add_patch(Rectangle((x, y), width, 34, fc=draw.tint(colour, 0.16), ec=colour, lw=1.2))
        draw.write(axes, x + width / 2, y + 17, name, 12)
        draw.write(axes, x + width / 2, y + 53, str(ids[t]))

    # As drawn: a piece that does not touch the one before begins a word (numbers begin again in each text).
    words = [len([*pieces]) for word, pieces in groupby(word_ids) if word is not None]
    split, special = sum(pieces > 1 for pieces in words), word_ids.count(None)
    pairs = [f"{quote(t)} {i}" for t, i in zip(tokens, ids, strict=True)]
    pairs = pairs if len(pairs) <= draw.MOST_TOKENS else [*pairs[:4], "…", *pairs[-2:]]
    alt = f"The text {quote(text)} becomes {counted(len(tokens), 'token')}, {special} of them special. "
    alt += f"Token and id: {', '.join(pairs)}."
    caption = "Every word is one piece." if words else "No word at all: only special tokens."
    if split:
        caption = f"{split} of {counted(len(words), 'word')} became several touching pieces.{torn}"
    caption += " Grey: special tokens." if special else ""
    if left_out:
        draw.write(axes, 112, 62 + height, f"… {left_out:,} more", colour=MUTED, ha="left")
        caption += f" {left_out} of the {len(tokens)} tokens are left out of the picture."
    return Picture(figure, f"{alt} {caption}", caption)


VOCABULARY_KINDS = {
    "special": (r"\[(?!unused).+\]", COLOURS["sum"]),
    "unused": (r"\[unused.*\]", NEUTRAL),
    "single characters": (".", "#7d7d7d"),
    "words or beginnings": ("(?!##).*", COLOURS["word"]),
    "## pieces": ("##.*", draw.tint(COLOURS["word"], 0.35)),
}


@styled
def vocabulary_map(tokens):
    """What lies where in the vocabulary: for each 1,000 ids, how many of each kind.

    `tokens` list of the V vocabulary strings in id order.
    """
    tokens = draw.check_texts("tokens", tokens)
    for mark in "Ġ▁":
        if sum(token[:1] == mark for token in tokens) > max(9, len(tokens) / 10):
            what = f"many of tokens begin with {mark}, which marks where a word begins"
            raise PictureError(f"{what}: this draws WordPiece, with ##")
    ids = {kind: [] for kind in VOCABULARY_KINDS}
    for i, token in enumerate(tokens):
        kind = next(k for k, (form, _) in VOCABULARY_KINDS.items() if re.fullmatch(form, token, re.DOTALL))
        ids[kind].append(i)
    ids = {kind: found for kind, found in ids.items() if found}
    figure = draw.new_figure(330, "constrained")
    axes, end = figure.add_subplot(), -(-len(tokens) // 1000) * 1000
    one = {kind: re.sub(r"s\b", "", kind) for kind in ids}  # 1 single character
    labels = [f"{len(found):,} {kind if len(found) > 1 else one[kind]}" for kind, found in ids.items()]
    look = {"color": [VOCABULARY_KINDS[kind][1] for kind in ids], "label": labels, "rwidth": 0.88}
    axes.hist(list(ids.values()), range(0, end + 1, 1000), stacked=True, **look)
    axes.set(xlim=(0, end), ylim=(0, 1000), xlabel="token id", ylabel="per 1,000 ids", yticks=[0, 500, 1000])
    axes.set_xticks(range(0, end + 1, max(1000, -(-end // 8000) * 1000)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    figure.legend(loc="outside upper left", ncols=3)
    told = (f"{n}, from id {at[0]:,} to {at[-1]:,}" for n, at in zip(labels, ids.values(), strict=True))
    alt = f"The {counted(len(tokens), 'vocabulary entry')}, counted per 1,000 ids. {'; '.join(told)}."
    words, pieces = (len(ids.get(k, ())) / len(tokens) for k in ("words or beginnings", "## pieces"))
    words, pieces = map(draw.percent, (words, pieces))
    caption = f"{words} of the vocabulary are words or beginnings of words, {pieces} are ## pieces."
    return Picture(figure, alt, caption)


@styled
def lookup(kind, table, ids, rows, tokens, *, limit=None):
    """The lookup: the tall table, the rows picked, and the tensor that comes out.

    `kind` "word", "segment" or "position"; `table` [N, H]; `ids` [T], the row picked for each token; `rows`
    [T, H], what came out, the table's rows at `ids` or they are refused; `tokens` list of T strings. The scale goes
    from -`limit` to `limit` (computed if not given).
    """
    kind = draw.check_choice("kind", kind, *PARTS)
    _, rows = draw.check_tokens(tokens, "T H", rows=rows)
    tokens, ids = draw.check_tokens(tokens, "T", whole=True, ids=ids)
    # Of a table as a model has it only the rows drawn are read.
    if not isinstance(table, torch.Tensor) or table.layout != torch.strided or table.dim() != 2:
        table = torch.from_numpy(draw.check_numbers("table", table, "N H"))
    if ids.min() < 0 or ids.max() >= len(table):
        raise PictureError(f"ids must be from 0 to {len(table) - 1}, found {ids.tolist()}")
    picked = draw.check_numbers("table[ids]", table[ids], "T H", dict(zip("TH", rows.shape, strict=True)))
    for t in np.flatnonzero((picked != rows).any(1)):
        told = f"row {t} of rows ({quote(tokens[t])}) is not row {ids[t]} of the table"
        raise PictureError(f"{told}: no such lookup")
    (length, width), colour, shown = table.shape, COLOURS[kind], draw.Shown(tokens, 7)
    said = f"the first {min(DIMS, width)} of {width} numbers"
    slots = _torn(length, [ids[t] for t in shown.places if t is not None])
    of_table = draw.check_numbers("of the rows drawn the table", table[[i or 0 for i in slots]], "N H")
    of_table = of_table[:, :DIMS]
    of_table[[i is None for i in slots]] = np.nan
    of_rows = shown.rows(rows)[:, :DIMS]
    limit = draw.colour_limit(of_table, of_rows, limit=limit)
    unit, step = min(34.0, 280 / len(slots)), min(34.0, 280 / len(of_rows))
    tall = max(unit * len(slots), step * len(of_rows))
    figure = draw.new_figure(62 + tall + 46)
    axes = draw.heat_strip(figure, (84, 62, 290, unit * len(slots)), of_table, limit)
    axes.spines[:].set(visible=True, color=colour, linewidth=2)
    _label_torn(axes, slots, ids, unit)
    start = 62 + max(0.0, (unit * len(slots) - step * len(of_rows)) / 2)
    place = (520, start, 250, step * len(of_rows))
    draw.heat_strip(figure, place, of_rows, limit, shown.names(112), side="right")
    over = draw.overlay(figure)
    for row, t in enumerate(shown.places):
        if t is not None:
            begin, end = 62 + unit * (slots.index(ids[t]) + 0.5), start + step * (row + 0.5)
            draw.arrow(over, (378, begin), (517, end), colour, 1.8)
    for x, wide, name, rows in (84, 290, f"{kind} table", length), (520, 250, "rows picked", len(tokens)):
        draw.chip(over, x, 4, wide, 28, name, colour)
        draw.write(over, x + wide / 2, 46, f"[{rows:,}, {width}]", colour=MUTED)
    beyond = draw.scale_bar(figure, 570, 62 + tall + 10, 150)
    draw.write(over, 84, 62 + tall + 18, f"{said} →", colour=MUTED, ha="left")

    distinct = len(set(ids.tolist()))
    which = listed(f"{quote(token)} row {i:,}" for token, i in zip(tokens[:10], ids, strict=False))
    which += " …" if len(tokens) > 10 else ""
    many = counted(len(tokens), "token")
    alt = f"Lookup in the {kind} table [{length:,}, {width}]: each of {many} takes one row, unchanged, and "
    alt += f"the rows are the tensor [{len(tokens)}, {width}]. {which}. "
    alt += f"Different rows used: {distinct}. Drawn: {said}, in colours from {draw.tick(-limit)} to {draw.tick(limit)}."
    caption = f"Each of {many} takes one of the {length:,} rows"
    if distinct == 1 and len(tokens) > 1:
        caption = f"Every token takes the same row, {ids[0]},"
    caption += f" of the {kind} table, unchanged.{shown.said}"
    return Picture(figure, alt + shown.said + beyond, caption)


def _torn(length, ids):
    """The rows drawn of a table of `length` from top to bottom, its ends and `ids`; None where rows are left out."""
    slots = [0]
    for before, i in pairwise(sorted({0, length - 1, *ids})):
        slots += [i] if i == before + 1 else [None, i]
    return slots


def _label_torn(axes, slots, ids, unit):
    """Write the numbers of the rows `slots`, each `unit` CSS pixels high, those of `ids` bold, and the tears."""
    draw.row_labels(axes, ["" if i is None else f"{i:,}" for i in slots])
    for row, (label, i) in enumerate(zip(axes.get_yticklabels(), slots, strict=True)):
        label.set(fontsize=min(11.5, unit * 0.68), **({"weight": "bold"} if i in ids else {"color": MUTED}))
        if i is None:
            left_out = counted(slots[row + 1] - slots[row - 1] - 1, "row")
            axes.axhspan(row - 0.5, row + 0.5, color="#efefef", lw=0)
            middle = np.mean(axes.get_xlim()) + 0.5
            draw.write(axes, middle, row, f"⋯ {left_out} ⋯", min(11, unit * 0.6), MUTED)


@styled
def one_hot(matrix, table, rows):
    """One-hot [T, N] @ table [N, H] = rows [T, H] with the numbers written in, for toy sizes.

    Raises PictureError when T, N or H is over 12, when a row of `matrix` is not one 1 and else zeros, or when
    the product is not `rows`.
    """
    close = max(1e-4, _rounding(table, rows))
    matrix = draw.check_numbers("matrix", matrix, "T N", sizes := {})
    table = draw.check_numbers("table", table, "N H", sizes)
    rows = draw.check_numbers("rows", rows, "T H", sizes)
    if max(sizes.values()) > 12:
        raise PictureError(f"one_hot writes every number: at most 12 each way, found {sizes}")
    if not ((matrix == 0) | (matrix == 1)).all() or (matrix.sum(1) != 1).any():
        raise PictureError("each row of matrix must hold a single 1 and zeros else")
    if not np.allclose(matrix @ table, rows, rtol=close, atol=0):
        raise PictureError("rows is not matrix @ table, so the picture would be untrue")
    ids, most, columns = matrix.argmax(1), max(sizes["T"], sizes["N"]), sizes["N"] + 2 * sizes["H"]
    step, cell = min(32.0, 310 / most), min(58.0, 660 / columns)
    figure = draw.new_figure(56 + step * most)
    over, middle = draw.overlay(figure), 46 + step * most / 2
    x = (draw.WIDTH - cell * columns - 190) / 2 + 20
    # How strong the word table's blue is in each row, or cell.
    picked = 0.18 * np.isin(np.arange(sizes["N"]), ids)[:, None]
    for title, array, blue, names, sign, gap in (
        ("one-hot", matrix, matrix, [""] * sizes["T"], "@", 70),
        ("table", table, picked, [str(i) for i in range(sizes["N"])], "=", 100),
        ("rows", rows, 0.18, [f"row {i}" for i in ids], "", 0),
    ):
        down, across = array.shape
        blue = np.broadcast_to(blue, array.shape)[..., None]
        colours = np.where(blue > 0, draw.tint(COLOURS["word"], blue), 0.93)
        place = (x, middle - step * down / 2, across * cell, step * down)
        axes = draw.heat_strip(figure, place, colours, names=names, gap=2)
        axes.vlines(np.arange(1, across) - 0.5, -0.5, down - 0.5, color="white", lw=2)
        told = _written(array)
        size = min(12.0, cell / 3, 12 * (cell - 2) / max(map(draw.text_width, told.flat, [12] * told.size)))
        if size < 4.5:
            raise PictureError("one_hot writes every number: those of so many digits find no room")
        for (row, column), text in np.ndenumerate(told):
            draw.write(axes, column, row, text, size, draw.ink_on(colours[row, column]))
        draw.write(over, x + across * cell / 2, 20, f"{title} [{down}, {across}]", weight="bold")
        x += across * cell
        draw.write(over, x + 24, middle, sign, 18, weight="bold")
        x += gap
    alt = f"A one-hot matrix {list(matrix.shape)} times a table {list(table.shape)} gives {list(rows.shape)}"
    alt += f": the single 1 in each row of the matrix stands in column {listed(map(str, ids))}, and exactly "
    alt += "these rows of the table come out, in this order."
    return Picture(figure, alt, "Each single 1 picks one row of the table; the zeros pick nothing.")


def _written(numbers):
    """`numbers` as texts, of as few decimals as tell them, or two."""
    most = np.abs(numbers).max()
    if 0 < most < 0.005:
        what = "one_hot writes two decimals of every number"
        raise PictureError(f"{what}: these are too small to be told from 0")
    decimals = next((d for d in (0, 1) if np.abs(numbers - numbers.round(d)).max() < 1e-4 * min(1, most)), 2)
    return np.vectorize(lambda n: f"{n:.{decimals}f}".replace("-", "−"))(numbers.round(decimals) + 0)


@styled
def sum_equation(word, segment, position, total, tokens):
    """word + segment + position = sum as four heat maps on one scale.

    All four [T, H]; `tokens` list of T strings.

    Raises PictureError when `total` is not the sum of the other three.
    """
    arrays = {"word": word, "segment": segment, "position": position, "total": total}
    tokens, *parts, total = draw.check_tokens(tokens, "T H", **arrays)
    # Each number for itself, as wide as the coarsest of the dtypes rounds: an outlier elsewhere hides nothing.
    rounding = _rounding(*arrays.values())
    error, allowed = np.abs(sum(parts) - total), 4 * rounding * sum(map(np.abs, parts))
    for t in np.flatnonzero((error > allowed).any(1)):
        told = f"at token {t} ({quote(tokens[t])}) off by {draw.teller(error)(error[t].max())}"
        raise PictureError(f"total is not word + segment + position: {told}")
    width, shown = total.shape[1], draw.Shown(tokens)
    many, said = counted(len(tokens), "token"), f"the first {min(DIMS, width)} of {width} numbers"
    parts = dict(zip((*PARTS, "sum"), (*parts, total), strict=True))
    drawn = {name: shown.rows(array)[:, :DIMS] for name, array in parts.items()}
    limit = draw.colour_limit(*drawn.values())
    height = min(34.0, 270 / len(shown.places)) * len(shown.places)
    figure = draw.new_figure(46 + height + 52)
    over = draw.overlay(figure)
    for index, (name, array) in enumerate(drawn.items()):
        x = 108 + index * 202
        names = () if index else shown.names(100)
        draw.heat_strip(figure, (x, 46, 172, height), array, limit, names)
        draw.chip(over, x, 8, 172, 28, name, COLOURS[name])
        if index:
            draw.write(over, x - 15, 46 + height / 2, "=" if name == "sum" else "+", 20, weight="bold")
    beyond = draw.scale_bar(figure, draw.WIDTH - 180, 46 + height + 12, 152)
    draw.write(over, 108, 46 + height + 18, f"{said} →", colour=MUTED, ha="left")

    lengths = {name: np.linalg.norm(array, axis=1) for name, array in parts.items()}
    say = draw.teller([*lengths.values()])
    means = listed(f"{name} {say(lengths[name].mean())}" for name in PARTS)
    longest = draw.tops(lengths["sum"])
    alt = f"Four heat maps on one colour scale, one row for each of {many}: word plus segment plus position "
    alt += f"equals sum, number by number. Tokens: {draw.some(tokens)}. The longest sum is that of "
    alt += f"{draw.some(tokens, longest)}" + (f" at place {longest.argmax()}" if longest.sum() == 1 else "")
    alt += f": {say(lengths['sum'].max())}. Mean length: {means}"
    for part, which in _first(np.stack([lengths[name] for name in PARTS], axis=1)):
        alt += f". The {part} part is the longest for {draw.some(tokens, which)}"
    caption = f"One colour scale, {said} per token: added number by number. "
    near = [(total * parts[name]).sum(1) / (lengths[name] * lengths["sum"] + 1e-300) for name in PARTS]
    for part, _ in _first(np.mean(near, axis=1)[None]):  # the cosine with the sum
        caption += f"The sum is most like the {part} part."
    caption = caption.strip() + shown.said
    return Picture(figure, f"{alt}. {caption}{beyond}", caption)


def _rounding(*arrays):
    """How far apart numbers near 1 are in the coarsest of float32 and the dtypes of `arrays`."""
    arrays = [a[0] if isinstance(a, list | tuple) and a else a for a in arrays]  # of rows
    kinds = [a.dtype for a in arrays if isinstance(a, torch.Tensor) and a.is_floating_point()]
    kinds += [torch.float16 for a in arrays if isinstance(a, np.ndarray) and a.dtype == np.float16]
    return max(torch.finfo(kind).eps for kind in (torch.float32, *kinds))


def _first(values):
    """Of `values` [T, 3], a column for each part, the parts that are highest anywhere, and in which rows alone."""
    tops = draw.tops(values, axis=1)
    tops &= tops.sum(1, keepdims=True) == 1
    return [(part, which) for part, which in zip(PARTS, tops.T, strict=True) if which.any()]


@styled
def shares(values, tokens):
    """How much word, segment and position contribute to each token: [T, 3], rows that sum to 1."""
    tokens, values = draw.check_tokens(tokens, "T 3", values=values)
    values = np.where(np.abs(values) < 1e-6, 0, values)
    wrong = (values < 0).any(1) | (np.abs(values.sum(1) - 1) > 0.01)  # as wide as bfloat16 rounds
    for row in values[wrong]:
        raise PictureError(
            f"each row of values must be shares from 0 to 1, 1 in all, found {row.round(6).tolist()}"
        )
    shown = draw.Shown(tokens)
    figure, axes = draw.row_figure(shown.names(120), 36, 56)
    start = 0
    for part, column in zip(PARTS, np.nan_to_num(shown.rows(values)).T, strict=True):
        look = {"color": COLOURS[part], "edgecolor": "white", "label": part}
        drawn = axes.barh(range(len(column)), column, 0.78, left=start, **look)
        told = [draw.percent(share) if share >= 0.08 else "" for share in column]
        axes.bar_label(drawn, told, label_type="center", color=draw.ink_on(COLOURS[part]))
        start = start + column
    axes.set(xlim=(0, 1), xticks=[])
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside upper left", ncols=5)
    means = listed(f"{p} {draw.percent(m)}" for p, m in zip(PARTS, values.mean(0), strict=True))
    alt = f"For each of {counted(len(tokens), 'token')}, the shares of word, segment and position, as bars "
    alt += f"of length 1. Mean shares: {means}."
    caption = []
    for part, which in _first(values):
        caption.append(f"{part} is the largest share of {draw.some(tokens, which)}")
        column = values[:, PARTS.index(part)]
        t = draw.highest(column)
        alt += f" The {part} share is at most {draw.percent(column[t])} ({quote(tokens[t])})."
    caption = draw.capital("; ".join(caption)) or "No share is the largest of its token"
    return Picture(figure, f"{alt} {caption}.{shown.said}", f"{caption}.{shown.said}")


@styled
def before_after(tokens, before, after):
    """Mean and spread of each token's vector before and after LayerNorm: bars from mean − spread to mean +
    spread, all on one scale.

    `tokens` list of T strings; `before` and `after` are pairs (mean [T], standard deviation [T]).
    """
    names = ("mean before", "spread before", "mean after", "spread after")
    pairs = {"before": before, "after": after}
    of_lists = "lists, the means and the spreads"
    values = [numbers for when, pair in pairs.items() for numbers in draw.check_list(when, pair, 2, of_lists)]
    tokens, *values = draw.check_tokens(tokens, "T", **dict(zip(names, values, strict=True)))
    values = dict(zip(names, values, strict=True))
    if min(values["spread before"].min(), values["spread after"].min()) < 0:
        raise PictureError("a spread is 0 or more, found one below 0")
    say = {when: draw.teller([values[f"mean {when}"], values[f"spread {when}"]]) for when in pairs}
    shown = draw.Shown(tokens)
    figure, axes = draw.row_figure(shown.names(120), 40, 80)
    rows = np.arange(len(shown.places))
    for when, colour, up in (("before", COLOURS["sum"], -0.2), ("after", NEUTRAL, 0.2)):
        mean, spread = (shown.rows(values[f"{what} {when}"]) for what in ("mean", "spread"))
        label = f"{when}: mean ± spread"
        axes.barh(rows + up, 2 * spread, 0.32, left=mean - spread, color=colour, label=label)
        axes.plot(mean, rows + up, "|", color=MUTED, ms=10, mew=2)
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.set(xlabel="a token's numbers")
    axes.margins(x=0.04)
    for row, t in enumerate(shown.places):
        if t is not None:
            told = " → ".join(say[when](values[f"spread {when}"][t]) for when in pairs)
            draw.write(axes, 1.02, row, f"spread {told}", ha="left", transform=axes.get_yaxis_transform())
    figure.legend(loc="outside upper left", ncols=5)

    said = {}
    for name, numbers in values.items():
        low, high = map(say[name.split()[1]], (numbers.min(), numbers.max()))
        said[name] = f"{low} for every token" if low == high else f"{low} to {high}"
    alt = f"{counted(len(tokens), 'token')} before and after LayerNorm. "
    alt += "; ".join(f"{name}: {words}" for name, words in said.items()) + "."
    if draw.spread(values["spread before"]):
        alt += f" Most spread before: {quote(tokens[draw.highest(values['spread before'])])}."
    caption = f"The spread was {said['spread before']}; after LayerNorm it is {said['spread after']}."
    return Picture(figure, alt + shown.said, caption + shown.said)


@styled
def neighbours(lists):
    """The nearest tokens by cosine; `lists` dict token → list of (neighbour, cosine), nearest first. At most
    5 tokens, of each the first 8 neighbours.

    Raises PictureError when a list is not sorted.
    """
    pairs = {}
    for token, found in draw.check_named("lists", lists, 5, "tokens fit side by side").items():
        found = draw.check_pairs(f"the neighbours of {quote(token)}", found)
        names, values = [name for name, _ in found], [value for _, value in found]
        values = draw.check_numbers(token, values, "n")
        if (np.diff(values) > 1e-6).any():
            found = draw.short(values.tolist())
            raise PictureError(f"the neighbours of {quote(token)} must come nearest first, found {found}")
        if np.abs(values).max() > 1.001:
            raise PictureError(f"a cosine lies between -1 and 1, found {draw.short(values.tolist())}")
        pairs[token] = draw.check_texts(f"neighbours of {token}", names)[:8], values[:8]
    longest = max(len(names) for names, _ in pairs.values())
    figure = draw.new_figure(64 + min(34.0, 280 / longest) * longest, "constrained")
    every = np.concatenate([[0.1], *(values for _, values in pairs.values())])
    low, high = min(0, every.min()), every.max()
    left, right = 58 * (low < 0), 40  # CSS pixels, for a value beside its bar
    alt = "Nearest tokens by cosine."
    panels = figure.subplots(1, len(pairs), squeeze=False)[0]
    for axes, (token, (names, _)) in zip(panels, pairs.items(), strict=True):
        axes.set(xticks=[], ylim=(longest - 0.5, -0.5))
        draw.row_labels(axes, [draw.shorten(name, 440 / len(pairs) - left / 2) for name in names])
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.set_title(draw.shorten(token, 400 / len(pairs), 13), fontsize=13)
    draw.lay_out(figure)
    pixel = (high - low) / (min(axes.bbox.width for axes in panels) - left - right)
    for axes, (token, (names, values)) in zip(panels, pairs.items(), strict=True):
        drawn = axes.barh(range(len(names)), values, 0.74, color=COLOURS["word"])
        axes.set_xlim(low - left * pixel, high + right * pixel)
        told = [f"{value:z.2f}".replace("-", "−") for value in values]
        axes.bar_label(drawn, told, padding=4)
        said = listed(f"{quote(n)} {v}" for n, v in zip(names[:3], told[:3], strict=True))
        alt += f" {quote(token)}: {said}{' and more' if len(names) > 3 else ''}."
    who = listed(f"{quote(token)} has {quote(names[0])}" for token, (names, _) in pairs.items())
    return Picture(figure, alt, f"Nearest by cosine: {who}.")
