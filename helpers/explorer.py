"""Type a sentence and watch it pass through the embedding layer.

`look` takes the sentence through the layer, `layer_picture` and `comparison` draw what it saw, and `Explorer`
puts a text box in front of them. What is typed reaches the page as text inside a picture or an attribute,
never as markup.
"""

import html
from dataclasses import dataclass

import ipywidgets as W  # noqa: N812, the name its own documentation uses
import numpy as np
import torch
from matplotlib.patches import Rectangle

from .drawing import (
    COLOURS,
    DIVERGING,
    PARTS,
    WIDTH,
    chip,
    counted,
    ink_on,
    limit_of,
    piece_boxes,
    quote,
    token_names,
    tokens_said,
    with_gap,
)
from .figure import MUTED, Picture, fit, in_look, overlay, readable, sheet

DIMS = 24  # numbers drawn for each token; for a token alone, all of them
STAGES = {"word": "word", "segment": "segment", "position": "position", "sum": "sum", "LayerNorm": "sum"}
MOST = 10  # rows in a picture: it must fit on a slide together with the boxes above it
LEFT = 114


@dataclass(frozen=True)
class Look:
    """One text on its way through the layer: T tokens, and [T, H] float64 arrays by stage."""

    tokens: list
    ids: list
    word_ids: list
    stages: dict
    cut: bool

    @property
    def shares(self):
        """[T, 3]: the parts' squared lengths as shares of their sum."""
        squared = np.stack([(self.stages[part] ** 2).sum(1) for part in PARTS], axis=1)
        return squared / np.maximum(squared.sum(1, keepdims=True), 1e-30)


def look(bert, text, second=""):
    """Take `text`, or the pair of `text` and `second`, through the layer of `bert`; returns a `Look`.

    What is longer than the model's positions is cut. Raises ValueError, in one sentence, when the model has
    no row for a token or a segment.
    """
    embeddings = bert.model.embeddings
    positions = bert.model.config.max_position_embeddings
    encoding = bert.tokenizer(text, second or None, truncation=True, max_length=positions)
    ids = torch.tensor(encoding["input_ids"])
    segments = torch.tensor([kind or 0 for kind in encoding.encodings[0].type_ids])
    for what, wanted, table in (
        ("token id", ids, embeddings.word_embeddings),
        ("segment", segments, embeddings.token_type_embeddings),
    ):
        if wanted.max() >= table.num_embeddings:
            raise ValueError(
                f"This model's table has no row for {what} {int(wanted.max())}: it ends at "
                f"{table.num_embeddings - 1}."
            )
    with torch.no_grad():
        device = embeddings.word_embeddings.weight.device
        stages = {
            "word": embeddings.word_embeddings(ids.to(device)),
            "segment": embeddings.token_type_embeddings(segments.to(device)),
            "position": embeddings.position_embeddings(torch.arange(len(ids), device=device)),
        }
        stages["sum"] = stages["word"] + stages["segment"] + stages["position"]
        stages["LayerNorm"] = embeddings.LayerNorm(stages["sum"])
    return Look(
        tokens=bert.tokenizer.convert_ids_to_tokens(encoding["input_ids"]),
        ids=encoding["input_ids"],
        word_ids=encoding.word_ids(),
        stages={name: rows.cpu().double().numpy() for name, rows in stages.items()},
        cut=bool(encoding.encodings[0].overflowing),
    )


@in_look
def layer_picture(seen):
    """All tokens of the `Look` at every stage, and how much each part contributes."""
    names = token_names(seen.tokens, LEFT - 8, MOST)
    figure, over, top, left_out = _with_pieces([seen], lines=2)
    height, across, gap = 26 * len(names), 96, 19
    width = seen.stages["sum"].shape[1]
    dims = min(DIMS, width)
    stages = {stage: rows[:, :dims] for stage, rows in seen.stages.items()}
    limits = _limits(stages)
    _resize(figure, over, top + height + 82)
    for index, (stage, rows) in enumerate(stages.items()):
        x = LEFT + index * (across + gap)
        chip(over, x, top, across, 28, stage, COLOURS[STAGES[stage]], size=11)
        _heat(over, x, top + 36, across, height, with_gap(rows, MOST), limits[stage])
        if index:
            middle = (x - gap / 2, top + 36 + height / 2)
            over.text(*middle, "++=→"[index - 1], ha="center", va="center_baseline", fontsize=14)
    _rows(over, LEFT - 8, top + 36, height, names)
    x = LEFT + 5 * (across + gap) + 6
    chip(over, x, top, WIDTH - x - 8, 28, "share of each part", COLOURS["neutral"], size=11)
    _shares(over, x, top + 36, WIDTH - x - 8, height, with_gap(seen.shares, MOST))
    below = top + 36 + height + 12
    told = f"first {dims} of {width} numbers" if dims < width else f"all {width} numbers"
    over.text(LEFT, below + 6, told, va="center_baseline", fontsize=11, color=MUTED)
    _scale(over, LEFT + 2 * (across + gap), below, 150, limits["sum"])
    _scale(over, LEFT + 4 * (across + gap), below, across, limits["LayerNorm"])

    mean = dict(zip(PARTS, seen.shares.mean(0), strict=True))
    parts = ", ".join(f"{part} {share:.0%}" for part, share in mean.items())
    alt = (
        f"{_tokens_said(seen)} For each token the rows picked from the word, segment and position tables, "
        f"their sum, and what LayerNorm makes of it, as heat maps of the {told}. Shares of the squared length, "
        f"on average: {parts}."
    )
    most = max(mean, key=mean.get)
    count = counted(len(seen.tokens), "token")
    caption = f"{count}. The {most} part brings the largest share on average, {mean[most]:.0%}."
    return Picture(figure, alt + left_out, caption + left_out + _cut_said(seen))


@in_look
def token_picture(seen, index):
    """One token of the `Look`, alone: all its numbers at every stage."""
    figure, over, top, left_out = _with_pieces([seen], lines=2)
    rows = {stage: rows[index : index + 1] for stage, rows in seen.stages.items()}
    width, limits = rows["sum"].shape[1], _limits(rows)
    lengths = {stage: float(np.linalg.norm(row)) for stage, row in rows.items()}
    _resize(figure, over, top + 5 * 44 + 78)
    who = f"{quote(seen.tokens[index])} (id {seen.ids[index]}) at place {index}"
    over.text(LEFT, top + 10, fit(f"followed alone: {who}", 600), va="center_baseline", weight="bold")
    for line, (stage, row) in enumerate(rows.items()):
        y = top + 30 + line * 44
        chip(over, 2, y + 2, LEFT - 10, 28, stage, COLOURS[STAGES[stage]], size=11)
        _heat(over, LEFT, y, WIDTH - LEFT - 196, 32, row, limits[stage])
        told = f"length {lengths[stage]:.2f}"
        if stage in PARTS:
            told += f", share {seen.shares[index, PARTS.index(stage)]:.0%}"
        over.text(WIDTH - 186, y + 16, told, va="center_baseline", fontsize=11)
    below = top + 5 * 44 + 34
    over.text(LEFT, below + 6, f"all {width} numbers", va="center_baseline", fontsize=11, color=MUTED)
    _scale(over, LEFT + 180, below, 150, limits["sum"])
    over.text(LEFT + 442, below + 6, "LayerNorm", ha="right", va="center_baseline", fontsize=11, color=MUTED)
    _scale(over, LEFT + 460, below, 120, limits["LayerNorm"])

    told = ", ".join(f"{stage} {length:.2f}" for stage, length in lengths.items())
    parts = ", ".join(f"{part} {seen.shares[index, i]:.0%}" for i, part in enumerate(PARTS))
    alt = (
        f"{_tokens_said(seen)} Followed alone: {who}. All {width} numbers of its word, segment and position "
        f"rows, of their sum, and after LayerNorm, as heat strips. Lengths: {told}. Shares of the squared "
        f"length: {parts}."
    )
    caption = f"{who}: {parts} of the squared length."
    return Picture(figure, alt + left_out, caption + left_out + _cut_said(seen))


@in_look
def comparison(first, second, index=None):
    """Two `Look`s: the cosine of every token of the first with every token of the second after the layer, and
    of the tokens that stand in both. With `index`, of that token of the first only."""
    figure, over, top, left_out = _with_pieces([first, second], lines=1)
    rows = token_names(first.tokens, LEFT - 8, MOST)
    columns = token_names(second.tokens, 64, MOST, size=11)
    cosines = _cosine(first.stages["LayerNorm"], second.stages["LayerNorm"])
    pairs = _pairs(first, second, cosines, index)
    top, height, across = top + 50, 24 * len(rows), 42 * len(columns)
    _resize(figure, over, top + max(height, 26 * len(pairs)) + 46)
    _heat(over, LEFT, top, across, height, with_gap(with_gap(cosines, MOST).T, MOST).T, 1.0)
    _rows(over, LEFT - 8, top, height, rows)
    for column, name in enumerate(columns):
        over.text(LEFT + 42 * column + 14, top - 6, name, rotation=40, fontsize=11, rotation_mode="anchor")
    drawn = _row_of(index, len(first.tokens)) if index is not None else None
    if drawn is not None:
        edge = {"fill": False, "edgecolor": COLOURS["sum"], "linewidth": 2, "zorder": 4}
        over.add_patch(Rectangle((LEFT, top + 24 * drawn), across, 24, **edge))
    _scale(over, LEFT, top + height + 12, 150, 1.0)
    told = "cosine after the layer"
    over.text(LEFT + 170, top + height + 18, told, va="center_baseline", fontsize=11, color=MUTED)

    x, room = 690, WIDTH - 690 - 50
    heading = "the same token in both" if index is None else "nearest in the second"
    over.text(x - 110, top - 14, heading, va="center_baseline", fontsize=11, color=MUTED)
    for line, (i, j, cosine) in enumerate(pairs):
        y = top + 4 + 26 * line
        label = f"{_short(first.tokens[i])} {i}, {j}" if index is None else f"{_short(second.tokens[j])} {j}"
        over.text(x - 10, y + 9, fit(label, 110, 11), ha="right", va="center_baseline", fontsize=11)
        over.add_patch(Rectangle((x, y), max(cosine, 0) * room, 18, facecolor=COLOURS["neutral"]))
        over.text(
            x + max(cosine, 0) * room + 6,
            y + 9,
            f"{round(cosine, 2) + 0:.2f}",
            va="center_baseline",
            fontsize=11,
        )

    alt = (
        f"The first: {_tokens_said(first)} The second: {_tokens_said(second)} A heat map of the cosine of every "
        "token of the first with every token of the second, after the whole layer."
    )
    if index is not None:
        _, j, cosine = pairs[0]
        caption = (
            f"Nearest to {quote(first.tokens[index])} at place {index} is {quote(second.tokens[j])} at "
            f"place {j}: cosine {cosine:.2f}."
        )
        alt += f" {caption}"
    elif pairs:
        told = (f"{quote(first.tokens[i])} at {i} and {j}: {cosine:.2f}" for i, j, cosine in pairs)
        alt += f" Tokens in both: {'; '.join(told)}."
        caption = "The same token has the same word row here and there. What differs comes from its place."
    else:
        caption = "No token stands in both."
        alt += f" {caption}"
    return Picture(figure, alt + left_out, caption + left_out + _cut_said(first, second))


class Explorer(W.VBox):
    """The text boxes, the choices and the picture; see `explore`. `.picture` is the picture shown."""

    def __init__(self, bert, sentence, other):
        self._bert = bert
        wide = W.Layout(width="98%", max_width="860px")
        words = {"description_width": "90px"}
        self.sentence = W.Text(_text("sentence", sentence), description="Sentence", layout=wide, style=words)
        self.other = W.Text(
            _text("other", other),
            description="Second text",
            placeholder="nothing",
            layout=wide,
            style=words,
        )
        self.use = W.Dropdown(
            options=[("as the pair's second segment", "pair"), ("compare with the first", "compare")],
            description="Use it",
            style=words,
        )
        self.token = W.Dropdown(options=[("all tokens", -1)], description="Follow", style=words)
        self.view = W.HTML()
        self.picture = None
        for box in (self.sentence, self.other, self.use):
            box.observe(self._draw_all, "value")
        self.token.observe(self._draw, "value")
        self._draw_all()
        super().__init__([self.sentence, self.other, W.HBox([self.use, self.token]), self.view])

    def _draw_all(self, change=None):
        """The text has changed: look again, offer its tokens, keep the one followed if it is still there."""
        sentence, other = (_text("text", box.value) for box in (self.sentence, self.other))
        compare = other and self.use.value == "compare"
        try:
            first = look(self._bert, sentence, "" if compare else other)
            self._seen = first, look(self._bert, other) if compare else None
        except ValueError as error:
            self._seen, self.picture = None, None
            self.view.value = f"<p>{html.escape(str(error))}</p>"
            return
        options = [("all tokens", -1)]
        options += [(f"{i} {_short(token)}", i) for i, token in enumerate(first.tokens)]
        if options != list(self.token.options):
            followed = self.token.value if self.token.value < len(first.tokens) else -1
            self.token.unobserve(self._draw, "value")  # one redraw is enough
            self.token.options = options
            self.token.value = followed
            self.token.observe(self._draw, "value")
        self._draw()

    def _draw(self, change=None):
        if self._seen is None:
            return
        (first, second), index = self._seen, self.token.value
        if second is not None:
            self.picture = comparison(first, second, None if index < 0 else index)
        elif index >= 0:
            self.picture = token_picture(first, index)
        else:
            self.picture = layer_picture(first)
        self.view.value = self.picture.html

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and for where no kernel runs the picture as it is now."""
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        return {
            **bundle,
            "text/html": self.view.value,
            "text/plain": self.picture.alt if self.picture else self.view.value,
        }


def explore(bert, sentence="today is a good day", other=""):
    """Type a sentence and watch it pass: word pieces with ids, three lookups, their sum, LayerNorm, and how much
    each part contributes. Pick a token to follow it alone; give a second text to use it as the second segment
    of a pair, or to compare the two.

    Returns a widget that shows itself. Without a kernel its place holds the picture of `sentence`. Raises
    TypeError when `sentence` or `other` is not a string.
    """
    return Explorer(bert, sentence, other)


def _text(name, value):
    """`value` without halves of surrogate pairs, which no page and no tokenizer takes."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, found {type(value).__name__}")
    return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in value)


def _pieces(seen):
    return seen.tokens, seen.ids, seen.word_ids


def _with_pieces(looks, lines):
    """A figure with the word pieces of each `Look` on top: (figure, overlay, where they end in CSS pixels, what
    the words say of what is left out). One axes for everything, because axes are what takes time to draw."""
    figure = sheet(WIDTH, 900)
    over, y, left_out = overlay(figure), 8, 0
    for line, seen in enumerate(looks):
        labels = len(looks) == 1
        height, missing = piece_boxes(
            over, LEFT, y, WIDTH - LEFT - 8, *_pieces(seen), lines=lines, with_labels=labels
        )
        if not labels:
            name = ("first", "second")[line]
            over.text(LEFT - 14, y + 17, name, ha="right", va="center_baseline", fontsize=11, color=MUTED)
        y, left_out = y + height, left_out + missing
    left_out = left_out or any(len(seen.tokens) > MOST for seen in looks)
    return figure, over, y, " The picture leaves out tokens in the middle." if left_out else ""


def _resize(figure, over, height):
    """Make the figure `height` CSS pixels high; what is drawn stays where it is."""
    figure.set_size_inches(WIDTH / 100, round(height) / 100)
    over.set_ylim(round(height), 0)


def _heat(over, x, y, width, height, values, limit):
    """A heat map at `x`, `y` of the overlay, rows apart by a white line."""
    sides = over.get_xlim(), over.get_ylim()
    over.imshow(
        values,
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
        extent=(x, x + width, y + height, y),
    )
    over.set(xlim=sides[0], ylim=sides[1])
    over.hlines(y + height / len(values) * np.arange(1, len(values)), x, x + width, color="white", lw=1.5)


def _rows(over, x, y, height, names):
    """The names of the rows of a heat map, ending at `x`."""
    for row, name in enumerate(names):
        middle = y + height / len(names) * (row + 0.5)
        over.text(x, middle, name, ha="right", va="center_baseline", fontsize=11)


def _shares(over, x, y, width, height, shares):
    """Rows of three shares as bars of the same length, with the numbers that fit in."""
    step = height / len(shares)
    for row, values in enumerate(np.nan_to_num(shares)):
        left = x
        for part, value in zip(PARTS, values, strict=True):
            size = (value * width, step - 6)
            over.add_patch(Rectangle((left, y + row * step + 3), *size, facecolor=COLOURS[part]))
            if value * width > 34:
                middle = (left + value * width / 2, y + (row + 0.5) * step)
                ink = ink_on(COLOURS[part])
                over.text(*middle, f"{value:.0%}", ha="center", va="center_baseline", fontsize=10, color=ink)
            left += value * width


def _scale(over, x, y, width, limit):
    """The colour scale from -limit to limit."""
    _heat(over, x, y, width, 12, np.linspace(-limit, limit, 101)[None], limit)
    for share, told in ((0, f"−{limit:g}"), (0.5, "0"), (1, f"{limit:g}")):
        over.text(x + share * width, y + 24, told, ha="center", va="center_baseline", fontsize=10.5)


def _limits(stages):
    """One scale for the three parts and their sum; LayerNorm's numbers are of another size."""
    limit = limit_of(*(stages[name] for name in (*PARTS, "sum")))
    return dict.fromkeys((*PARTS, "sum"), limit) | {"LayerNorm": limit_of(stages["LayerNorm"])}


def _cosine(a, b):
    a, b = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (a, b))
    return a @ b.T


def _pairs(first, second, cosines, index, most=6):
    """(place in the first, place in the second, cosine): of the same token, or nearest to token `index`."""
    if index is not None:
        order = np.argsort(-cosines[index].round(6), kind="stable")[:most]
        return [(index, int(j), float(cosines[index, j])) for j in order]
    places = {}
    for j, token in enumerate(second.ids):
        places.setdefault(token, []).append(j)
    pairs = []
    for i, token in enumerate(first.ids):
        if first.word_ids[i] is not None and places.get(token):
            j = places[token].pop(0)
            pairs.append((i, j, float(cosines[i, j])))
    return pairs[:most]


def _row_of(index, count):
    """Which drawn row is token `index`, or None where it falls into the gap."""
    rows = with_gap(np.arange(count, dtype=float), MOST)
    found = np.flatnonzero(rows == index)
    return int(found[0]) if len(found) else None


def _short(token):
    token = readable(token)
    return token if len(token) <= 30 else token[:29] + "…"


def _tokens_said(seen):
    return f"{counted(len(seen.tokens), 'token')}: {tokens_said(seen.tokens)}."


def _cut_said(*seen):
    for one in seen:
        if one.cut:
            n = len(one.tokens)
            return f" The text is longer than this model's {n} positions; it is cut after {n} tokens."
    return ""
