"""Type a sentence and watch it pass through the embedding layer.

`explorer.js` draws, here as on the course's web page, and handles everything a person does. Python hands over the
numbers of a text when the page asks for them, and a still picture for where no kernel runs.
"""

from pathlib import Path

import anywidget
import numpy as np
import torch
import traitlets

STAGES = ("word", "segment", "position", "sum", "LayerNorm")


def numbers(bert, text, pair=""):
    """What the layer of `bert` makes of `text`, or of the pair of `text` and `pair`: (facts, stages).

    `facts` is a dict that JSON can hold: tokens, ids, types, words (the number of each token's word, or None), unknown
    (the text behind each [UNK], by its place), cut (the model's positions if the text had to be cut there, or 0), width
    and sizes (the rows of each table). `stages` is {stage: [T, H] tensor} in the model's dtype.

    Raises ValueError, in one sentence, when the model has no row for a token or a segment.
    """
    text, pair = (_whole(one) for one in (text, pair))
    embeddings = bert.model.embeddings
    most = bert.model.config.max_position_embeddings
    encoding = bert.tokenizer(text, pair or None, truncation=True, max_length=most).encodings[0]
    parts = {
        "word": (embeddings.word_embeddings, encoding.ids),
        "segment": (embeddings.token_type_embeddings, encoding.type_ids),
        "position": (embeddings.position_embeddings, range(len(encoding.ids))),
    }
    for part, (table, rows) in parts.items():
        if max(rows) >= (size := table.num_embeddings):
            raise ValueError(f"This model's {part} table has no row {max(rows)}: it ends at {size - 1}.")
    with torch.no_grad():
        stages = {
            part: table(torch.tensor(rows, device=table.weight.device))
            for part, (table, rows) in parts.items()
        }
        stages["sum"] = stages["word"] + stages["segment"] + stages["position"]
        stages["LayerNorm"] = embeddings.LayerNorm(stages["sum"])
    typed = zip(encoding.tokens, encoding.sequence_ids, encoding.offsets, strict=True)
    facts = {
        "tokens": encoding.tokens,
        "ids": encoding.ids,
        "types": encoding.type_ids,
        "words": encoding.word_ids,
        "unknown": {
            place: (text, pair)[which][start:end]
            for place, (token, which, (start, end)) in enumerate(typed)
            if token == bert.tokenizer.unk_token and which is not None
        },
        "cut": most if encoding.overflowing else 0,
        "width": embeddings.word_embeddings.embedding_dim,
        "sizes": {part: table.num_embeddings for part, (table, _) in parts.items()},
    }
    return facts, stages


class Explorer(anywidget.AnyWidget):
    """The explorer as a widget; see `explore`. `sentence`, `other` and `use` are what is typed now."""

    _esm = Path(__file__).with_name("explorer.js")
    name = traitlets.Unicode().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    other = traitlets.Unicode().tag(sync=True)
    use = traitlets.Enum(["pair", "compare"], "pair").tag(sync=True)

    def __init__(self, bert, sentence, other):
        super().__init__(name=bert.name, sentence=_whole(sentence), other=_whole(other))
        self._bert = bert
        self.on_msg(self._answer)

    def _answer(self, widget, asked, buffers):
        """Send the numbers of the text that a view asks for, as one run of float32."""
        try:
            facts, stages = numbers(self._bert, asked["text"], asked["pair"])
        except ValueError as error:
            self.send({"to": asked["ask"], "error": str(error)})
            return
        sent = np.stack([stages[stage].float().cpu().numpy() for stage in STAGES])
        self.send({"to": asked["ask"], **facts}, [sent.tobytes()])

    def still(self):
        """The picture equation of the text, for where no kernel runs."""
        from . import plots

        facts, stages = numbers(self._bert, self.sentence, self.other)
        return plots.sum_equation(*(stages[stage] for stage in STAGES[:4]), facts["tokens"])

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        still = self.still()
        return {**data, "text/html": still.html, "text/plain": still.alt}, metadata


def explore(bert, sentence="today is a good day", other=""):
    """Type a sentence and watch it pass: word pieces with ids, three lookups, their sum, LayerNorm, and how much each
    part contributes. Click a token to see all of its numbers; give a second text to use it as the second segment of
    a pair, or to compare the two.

    Returns a widget that shows itself. Without a kernel its place holds a still picture of `sentence`. Raises
    TypeError when `bert` is not what `load_bert` returned or a text is no string, ValueError when the model has no row
    for a token or segment.
    """
    for name, value in (("sentence", sentence), ("other", other)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, found {type(value).__name__}")
    if not (hasattr(bert, "model") and hasattr(bert, "tokenizer")):
        raise TypeError(f"bert must be what load_bert() returned, found {type(bert).__name__}")
    numbers(bert, sentence, other)
    return Explorer(bert, sentence, other)


def _whole(text):
    """`text` without halves of surrogate pairs, which no page and no tokenizer takes."""
    return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
