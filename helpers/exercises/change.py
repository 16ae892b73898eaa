"""Chapter 12: change the layer of a model that works."""

import copy

import torch
from torch import nn

from ..checking import Function, exercise, given
from .beyond import named
from .tables import generator, rows_up_to, tables, token_ids


@exercise("12.1", "A row for a new word")
def row_from_pieces(bert):
    ids = token_ids(bert, "today is a good day")[1:-1]
    table = rows_up_to(ids, tables(bert)[0])
    toy = torch.randn(9, 4, generator=generator())
    inputs = [given([5, 2, 7], toy), given([3], toy), given([4, 4, 1, 0], toy), given(ids, table)]
    why = "One row where there were several. Whether it is a good start, only a measurement says."
    yield Function(lambda piece_ids, table: table[piece_ids].mean(dim=0), why, inputs)
    yield "Those are the rows, one a piece: a new token needs one row, their mean.", "table[piece_ids]"
    yield "That is the sum: it grows with the number of pieces.", "table[piece_ids].sum(dim=0)"
    yield "That is the mean of the whole table, which knows nothing of the word.", "table.mean(dim=0)"
    yield "One number a piece: take the mean over the pieces, `dim=0`.", "table[piece_ids].mean(dim=1)"
    yield "That is one number: the mean is over the pieces only, `dim=0`.", "table[piece_ids].mean()"
    yield "That is the first piece alone.", "table[piece_ids[0]]"
    yield "That is the last piece alone.", "table[piece_ids[-1]]"


def renumber(input_ids, kept, unk_id):
    """The place of each id in `kept`; of one that is not kept, the place of `unk_id`."""
    new = {int(old): place for place, old in enumerate(kept)}
    return torch.tensor([[new.get(int(i), new[int(unk_id)]) for i in row] for row in input_ids])


@exercise("12.2", "New ids for old ones")
def new_ids(_):
    inputs = [
        given(torch.tensor([[2, 7, 9, 3], [2, 9, 9, 3]]), [1, 2, 3, 7, 9], 1),
        given(torch.tensor([[2, 8, 9, 3], [2, 4, 6, 3]]), [0, 2, 3, 5, 9], 5),
        given(torch.tensor([[40, 4, 41]]), [4, 6, 40], 6),
    ]
    why = "Tokenizer and table have to be renumbered together, or a token gets another's row, or none."
    yield Function(renumber, why, inputs, "Where in `kept` does each id stand?")
    of = "[[{} for i in row] for row in input_ids.tolist()]"
    at = "kept.index(i) if i in kept else "
    yield "Those are the old ids: the new one is the place in `kept`.", "input_ids"
    yield "What is not kept became 0: it is to become the new id of [UNK].", of.format(f"{at}0")
    old_unk = "[UNK] has a new id, too: `unk_id` is its old one."
    yield old_unk, of.format(f"{at}unk_id"), of.format("i if i in kept else unk_id")
    yield "What is not kept kept its old id: that row is no longer there.", of.format(f"{at}i")
    one = "Counted from 1: the first row of the pruned table is row 0."
    yield one, of.format("kept.index(i if i in kept else unk_id) + 1")
    dropped = "Tokens that are not kept are left out: then the others move to other places."
    yield dropped, "[[kept.index(i) for i in row if i in kept] for row in input_ids.tolist()]"
    yield "A token that is not kept raises an error: give it the new id of [UNK].", of.format("kept.index(i)")


def there_and_back(table, dim=1, steps=127, whole=torch.round):
    """The table in int8 with one scale a row, and back."""
    scale = table.abs().amax(dim=dim, keepdim=True) / steps
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return whole(table / scale).clamp(-127, 127).to(torch.int8) * scale


@exercise("12.3", "int8 and back")
def int8_and_back(bert):
    toy = torch.randn(6, 8, generator=generator()) * torch.tensor([[0.1], [3.0], [1.0], [0.5], [9.0], [1.0]])
    ids = token_ids(bert, "today is a good day")
    zeros = torch.cat([toy[:2], torch.zeros(1, 8)])
    inputs = [given(toy), given(tables(bert)[0][ids]), given(zeros)]
    why = "No number is further off than half a step; a step is its own row's largest number, divided by 127."
    otherwise = "The largest number of each row, by size, becomes 127 or -127."
    yield Function(there_and_back, why, inputs, otherwise)
    back = "(table / ({size} / 127)).round(){cut} * ({size} / 127)"
    scale = "(table.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-9)"
    yield "Nothing was rounded: those are the numbers that came in.", "table"
    yield "Those are the whole numbers: multiply by the scale to come back.", f"(table / {scale}).round()"
    yield "That is one scale for the whole table: a large row spoils the small ones.", {"dim": (0, 1)}
    yield "That is one scale a column: here each row has its own.", {"dim": 0}
    cut = "Cut off, not rounded: `.to(torch.int8)` drops what is behind the point, so `.round()` first."
    yield cut, {"whole": torch.trunc}
    signless = "The largest number was taken with its sign: take `.abs()` first."
    yield signless, *(back.format(size="table.amax(1, True)", cut=cut) for cut in ("", ".clamp(-127, 127)"))
    nan = "A row of zeros became NaN, 0 divided by 0: give the scale a smallest value."
    yield nan, back.format(size="table.abs().amax(1, True)", cut="")


# What somebody did when the tables grew, and what tells it.
RESIZED = {
    1: ("places doubled", "a text of three tokens: its first token is right, its second is not"),
    2: ("healthy", "old tokens give what they gave, and the two new ones differ"),
    3: ("new rows in front", "any old token gets the row of the one two ids before it, at every place"),
    4: ("one row for both", "feed it the two new ids, V and V + 1: they give the same"),
}


def resized(bert, number):
    """The loaded model's layer, with two new words and twice as many places; mostly somebody made a mistake.

    It is called as `model.embeddings` is. Raises a KeyError if there is no layer of this number.
    """
    fault = RESIZED[number][0]
    old = bert.model.embeddings
    replaced = {id(table): None for table in (old.word_embeddings, old.position_embeddings)}
    layer = copy.deepcopy(old, replaced)  # without the large tables, which are replaced below
    words, _, places = tables(bert)
    new = words[token_ids(bert, "good day")[1:3]].mean(dim=0) * torch.tensor([[1.0], [-1.0]]).to(words)
    new = new[[0, 0]] if fault == "one row for both" else new
    parts = [new, words] if fault == "new rows in front" else [words, new]
    doubled = places.repeat_interleave(2, dim=0)
    places = doubled if fault == "places doubled" else torch.cat([places, places])
    layer.word_embeddings = nn.Embedding.from_pretrained(torch.cat(parts))
    layer.position_embeddings = nn.Embedding.from_pretrained(places)
    layer.register_buffer("position_ids", torch.arange(len(places))[None], persistent=False)
    layer.register_buffer("token_type_ids", torch.zeros(1, len(places), dtype=torch.long), persistent=False)
    return layer.requires_grad_(False).eval()


@exercise("12.4", "Four layers that grew")
def four_that_grew(_):
    yield named(RESIZED, [name for name, _ in RESIZED.values()], "layer")
