"""Chapters 0 to 4: tokens, and the three tables."""

import random
import re
from collections.abc import Iterable
from statistics import median, median_low

import torch
from torch.nn import functional as F  # noqa: F401, N812 (the field's name for it; wrong answers use it)
from torch.nn.utils.rnn import pad_sequence

from ..answers import read, was_read
from ..checking import Function, Judged, Value, exercise, given

SEED = "today is a good day"
PADDED = ["good day", SEED]


def tables(bert):
    """The word, segment and position tables: [V, H], [S, H], [P, H]."""
    layer = bert.model.embeddings
    parts = (layer.word_embeddings, layer.token_type_embeddings, layer.position_embeddings)
    return [part.weight.detach() for part in parts]


def token_ids(bert, *text):
    return bert.tokenizer(*text, verbose=False)["input_ids"]  # nor a warning that a text is long


def batch_of(bert, texts):
    """The tokenizer's tensors for a padded batch."""
    return bert.tokenizer(texts, padding=True, return_tensors="pt")


def rows_up_to(ids, table):
    """Enough of a table for these ids: less to copy for each try."""
    return table[: int(torch.as_tensor(ids).max()) + 1]


def generator():
    return torch.Generator().manual_seed(0)


# 0 Start here


@exercise("0.1", "The width of a row")
def width(bert):
    words, _, positions = tables(bert)
    why = "Every token is described by this many numbers, in each table and in what the layer gives."
    yield Value(words.shape[1], why, "Look at the last number of the word table's shape.")
    yield "That is how many rows the word table has: look at its columns.", len(words)
    yield "That is how many positions there are: look at the second number.", len(positions)
    yield "That is how many tokens there are: look at a row's length.", len(token_ids(bert, SEED))
    all_tokens = "Those are the numbers of all tokens: one token's row is asked for."
    yield all_tokens, len(token_ids(bert, SEED)) * words.shape[1]
    if words.shape[1] != 768:
        yield "That is bert-base-uncased's width: the loaded model has another.", 768


# 1 Tokenizing


@exercise("1.1", "Count the tokens", uncased=True)
def count_the_tokens(bert):
    tokens = bert.tokenizer.convert_ids_to_tokens(token_ids(bert, "tokenization"))
    why = "what is counted, stored and paid for is tokens, and every text brings [CLS] and [SEP]."
    otherwise = "Call the tokenizer on the word, and count what is in input_ids."
    yield Value(len(tokens), f"{' '.join(tokens)}: {why}", otherwise)
    yield "Those are the word pieces alone: look at the first and last id.", len(tokens) - 2
    yield "That counts words: one word may be several word pieces, look at the tokens.", 1
    yield "Is that one word and two special tokens, or the number of keys? Count what is in input_ids.", 3
    yield "That counts characters: look at what convert_ids_to_tokens gives.", 12
    yield "That is characters and two special tokens: look at convert_ids_to_tokens.", 14


@exercise("1.2", "Five words, twenty tokens", uncased=True)
def five_words(bert):
    def judge(text):
        if not isinstance(text, str):
            return "Expected a text in quotes, the sentence itself."
        words = text.lower().split()
        if len(words) != 5:
            return f"That is not five words but {len(words)}, counted by the spaces between them."
        for word in words:
            if not re.fullmatch("[a-z]+", word):
                return f"{word[:40]!r} has something in it that is not a letter from a to z."
            # No dictionary is at hand. This is how one fills a line without knowing a word.
            if re.search(r"(.{1,3})\1\1", word) or len(word) > 45:
                return f"{word[:20]!r} repeats itself or is too long for a dictionary: {len(word)} letters."
        if len(set(words)) < 5:
            return "One word is there twice: use five different ones."
        if bert.tokenizer.unk_token_id in token_ids(bert, text):
            return "One of them becomes a single [UNK], so its pieces are lost."
        count = len(token_ids(bert, text))
        less = f"It gives {count} tokens with [CLS] and [SEP]: rarer and longer words have more pieces."
        return less if count < 20 else None

    def why(text):
        tokens = bert.tokenizer.convert_ids_to_tokens(token_ids(bert, text))
        shown = f"{len(tokens)} tokens: {' '.join(tokens)}."
        places = "A model's places are for tokens: how many words fit depends on the words."
        return f"{shown} {places} (Whether they are English, nobody checked.)"

    yield Judged(judge, why)


def taken_back(word, vocabulary, mark=""):
    """Pieces found by trying every first piece, also a shorter one where the longest leads nowhere."""
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocabulary:
            rest = taken_back(word[end:], vocabulary, "##") if word[end:] else []
            if rest is not None:
                return [mark + word[:end], *rest]
    return None if mark else ["[UNK]"]


def wordpiece(word, vocabulary, mark="##", limit=100, shortest=False, keep=False, marked=True):
    """Greedy WordPiece, and what becomes of it when one thing in it is wrong."""
    if len(word) > limit:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        for end in ends if shortest else reversed(ends):
            piece = (mark if start else "") + word[start:end]
            if piece in vocabulary:
                pieces.append(piece if marked else word[start:end])
                start = end
                break
        else:
            return [*pieces, "[UNK]"] if keep else ["[UNK]"]
    return pieces


class ReadOnly(dict):
    """A dict that a hundred tries can share, where a copy for each would take long."""

    def refuse(self, *args, **kwargs):
        raise TypeError("this vocabulary cannot be changed; work on a copy, dict(vocabulary)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = refuse

    def __copy__(self, memo=None):
        return dict(self)

    __deepcopy__ = __copy__


@exercise("1.3", "Greedy WordPiece", uncased=True)
def greedy_wordpiece(bert):
    rng, vocabulary = random.Random(0), ReadOnly(bert.tokenizer.get_vocab())
    words = ["day", "embeddings", "unaffable", "tokenization", "good🙂", "🙂", "a", "goodness"]
    words += ["zyzzyva", "antidisestablishmentarianism", "x" * 100, "x" * 101, "y" * 150]
    words += ["".join(rng.choices("abcdefghijklmnoprstuwy", k=rng.randint(2, 14))) for _ in words * 8]
    small = ReadOnly({piece: i for i, piece in enumerate(["[UNK]", "ab", "a", "##bc", "##b"])})
    toys = "abb", "abc", "a" + "b" * 100
    yield Function(
        wordpiece,
        "This loop is the whole algorithm: with a fixed vocabulary nothing is learned or guessed here.",
        [*(given(word, vocabulary) for word in words), *(given(word, small) for word in toys)],
    )
    library = "The vocabulary that is handed in is not used: the tokenizer has its own."
    yield library, lambda word, vocabulary: bert.tokenizer.tokenize(word, verbose=False)
    back = "A choice is taken back: the longest piece stays, even if the rest of the word then has none."
    yield back, lambda w, v: wordpiece(w, {}) if len(w) > 100 else taken_back(w, v)
    no_mark = "A piece that continues a word has ## before it in the vocabulary: look at your second."
    yield no_mark, {"mark": ""}, {"marked": False}
    yield "The shortest match is taken: start at the end.", {"shortest": True}
    yield "Pieces are kept beside [UNK]: all is unknown then.", {"keep": True}
    yield "There is no limit: what of over 100 characters?", {"limit": 10**6}
    yield "Those are ids: hand back the pieces.", "[vocabulary[piece] for piece in right(word, vocabulary)]"


# 2 Word embeddings


@exercise("2.1", "Every parameter of a bigger layer")
def parameters_when_bigger(bert):
    _, segments, positions = tables(bert)
    (s, h), v, p = segments.shape, 50_000, 1_024
    why = "Nearly all of it is the word table: the vocabulary is what the layer costs."
    otherwise = "Add up rows times columns of each table, and what LayerNorm learns."
    yield Value((v + p + s) * h + 2 * h, why, otherwise)
    yield "Are LayerNorm's two vectors missing?", (v + p + s) * h
    yield "H too few: LayerNorm has two vectors, a weight and a bias.", (v + p + s) * h + h
    yield "That is the word table alone: what else is in model.embeddings?", v * h
    loaded = sum(map(torch.numel, bert.model.embeddings.parameters()))
    yield "That is the loaded layer: change both sizes.", loaded
    yield "The positions are the loaded model's: change them.", (v + len(positions) + s + 2) * h
    yield "The segments are missing: the layer has a third table.", (v + p) * h + 2 * h


@exercise("2.2", "From a row back to its id")
def from_row_to_id(bert):
    toy = torch.randn(11, 5, generator=generator())
    toy[4] *= 20  # its product with nearly every row is the largest
    toy[7] = 2 * toy[3]  # another row in the same direction
    ids = token_ids(bert, SEED)
    words = rows_up_to(ids, tables(bert)[0])
    coarse = (toy * 1000).round() / 1000  # its rows are equal after rounding, too
    tries = ([3, 1, 4], coarse), ([7], toy), ([3, 1, 4], toy), (ids, words)
    yield Function(
        lambda rows, table: torch.stack([(table - row).norm(dim=1).argmin() for row in rows]),
        "The row says which token it was, even rounded: unless two rows are equal, a lookup loses nothing.",
        [given((table[ids] * 1000).round() / 1000, table) for ids, table in tries],
        "For each row, which row of the table is at the smallest distance from it?",
    )
    product = "That is the largest product, which long rows win: take the smallest distance."
    yield product, "(rows @ table.T).argmax(dim=1)"
    direction = "That compares directions only: two rows of this table differ only in length."
    yield direction, "F.cosine_similarity(rows[:, None], table, dim=-1).argmax(dim=1)"
    yield "That is the farthest row: take the smallest distance.", "torch.cdist(rows, table).argmax(1)"
    equal = "No row is exactly equal, as they were rounded: look for the nearest."
    yield equal, "[int((table == row).all(dim=1).int().argmax()) for row in rows]"
    yield "That is one id; T rows have T ids.", "(table - rows[0]).norm(dim=1).argmin()"
    yield "That has V numbers: one id is asked for each of T rows.", "torch.cdist(table, rows).argmin(1)"


@exercise("2.3", "A lookup without nn.Embedding")
def lookup(bert):
    toy, batch = torch.randn(11, 5, generator=generator()), batch_of(bert, PADDED)["input_ids"]
    batches = [[[3, 1, 4, 2], [4, 2, 0, 0]], [[7]], [[0, 0, 5]], [[9, 10, 8], [1, 0, 0], [6, 6, 0]]]

    def multiplied(function):
        """Zero times NaN is NaN, and a sum begins with zero: a product shows rows that no id names, or makes minus zero zero."""
        ids = torch.tensor(batches[0])
        found = read(function(ids, torch.full_like(toy, torch.nan).index_fill(0, ids.flatten(), -0.0)))
        picked = was_read(found) and not found.isnan().any() and found.signbit().any()
        words = "The numbers are right, but rows were picked: make them by a product, one_hot @ table."
        seen = "(Rows of minus zero came out as they were; a sum of products gives plain zero.)"
        return f"{words} {seen}" if picked else None

    yield Function(
        lambda ids, table: table[ids],
        "A lookup gives what this product gives, without multiplying by all those zeros.",
        [
            *(given(torch.tensor(ids), toy) for ids in batches),
            given(batch, rows_up_to(batch, tables(bert)[0])),
        ],
        trial=multiplied,
    )
    narrow = "Without num_classes the one-hot rows end at the largest id; the product needs V columns."
    yield narrow, "F.one_hot(ids).to(table.dtype) @ table"
    whole = "one_hot gives whole numbers, the table holds others: convert with `.to(table.dtype)`."
    yield whole, "F.one_hot(ids, len(table)) @ table"
    yield "[PAD] is taken as zero: row 0 is a row like any.", "table[ids] * (ids != 0)[..., None]"
    yield "The result is transposed: a token's H numbers come last.", "table[ids].transpose(1, 2)"
    lost = "The batch dimension is lost: for ids [B, T] the result is [B, T, H]."
    yield lost, "table[ids[0]]", "table[ids.flatten()]"
    counted = "That looks up 0, 1, 2, … instead of the ids: which row does the first token ask for?"
    yield counted, "table[: ids.shape[1]].expand(*ids.shape, -1)", "table[: ids.shape[1]]"


# 3 Segment embeddings


@exercise("3.1", "Segments of a pair")
def segments(bert):
    ids = bert.tokenizer("good day", "is it")["input_ids"]
    a = ids.index(bert.tokenizer.sep_token_id) + 1
    b = len(ids) - a
    if (a, b) != (4, 3):
        raise ValueError("its vocabulary cuts good, day, is or it into pieces")
    right = [0] * a + [1] * b  # a model with one segment row gets zeros from the tokenizer
    why = "A segment ends with its own [SEP]: that is the convention BERT was trained with."
    yield Value(right, why, "Write the tokens down, [CLS] and both [SEP] too, one number under each.")
    yield "The second [SEP] is in segment 0: it ends segment 1.", [0] * a + [1] * (b - 1) + [0]
    yield "The first [SEP] is in segment 1: it ends segment 0.", [0] * (a - 1) + [1] * (b + 1)
    yield "Everything is in segment 1: the first sentence uses row 0.", [1] * (a + b)
    yield "Everything is in segment 0: the second sentence uses row 1.", [0] * (a + b)
    yield "Counted from 1: the table's first row has the number 0.", [1] * a + [2] * b
    yield "The two segments are exchanged: the first sentence uses row 0.", [1] * a + [0] * b


@exercise("3.2", "Fold the segment away")
def folded(bert):
    _, segment, position = tables(bert)
    right = position + segment[0]
    why = "For a single sentence the segment is one constant vector, which any other table can carry."
    yield Value(right, why, "Which row does a single sentence use, and which shapes broadcast?")
    if len(segment) > 1:
        yield "That is segment row 1: which row does a single sentence use?", position + segment[1]
        yield "Both rows are added: a token has one segment.", right + segment[1]
    yield "Those are the rows of one sentence: fold it into all rows of the table.", right[:7]
    yield "That is the segment row alone: add the positions.", segment[0].expand_as(position)
    yield "That is the segment table alone: add its first row to the position table.", segment
    yield "The segment row is subtracted: the layer adds it.", position - segment[0]
    yield "The segment is not in it: that is the position table as it was.", position


@exercise("3.3", "The border, from the ids alone")
def border(bert):
    sep, pad = bert.tokenizer.sep_token_id, bert.tokenizer.pad_token_id
    texts = [[("good day", "is it"), (SEED,)], [("why", SEED), ("good", "day"), (SEED, "no")], [("a",)]]
    batches = [[token_ids(bert, *text) for text in batch] for batch in texts]
    tries = [(batch, sep, pad) for batch in batches]
    tries.append(([[1, 5, 5, 3, 6, 3], [1, 5, 3], [1, 3, 7, 8, 3]], 3, 9))  # another [SEP]

    def batched(rows, fill):
        return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=fill)

    def types(input_ids, attention_mask, sep_id):
        ends = (input_ids == sep_id).long()
        return (ends.cumsum(1) - ends) * attention_mask

    yield Function(
        types,
        "Unless somebody has typed a [SEP], the border is in the ids: the tokenizer's [SEP] marks it. Where one was "
        "typed, only the token types can tell.",
        [
            given(batched(rows, fill), batched([[1] * len(row) for row in rows], 0), sep_id)
            for rows, sep_id, fill in tries
        ],
        "A token belongs to the second text if one [SEP] stands before it.",
    )
    itself = "There a [SEP] counts for itself: the first [SEP] belongs to the first text."
    seen = "(input_ids == sep_id).cumsum(1)"
    yield itself, f"{seen} * attention_mask", f"{seen}.clamp(max=1) * attention_mask"
    padding = "The padding is not 0: look at what stands behind the last [SEP] of a short text."
    before = f"({seen} - (input_ids == sep_id).long())"
    yield padding, seen, before, f"{before}.clamp(max=1)"
    yield "All are 0: the second text has type 1.", "torch.zeros_like(input_ids)"
    yield "All tokens are 1: the first text has type 0.", "attention_mask"
    down = "The [SEP]s are counted down the batch: count along each text, `dim=1`."
    yield down, f"{before.replace('(1)', '(0)')} * attention_mask"
    yield "That holds for one [SEP] only: its id is sep_id.", "right(input_ids, attention_mask, 102)"


# 4 Position embeddings


@exercise("4.1", "Who bites whom?")
def who_bites_whom(bert):
    wanted, handed = token_ids(bert, "dog bites man"), token_ids(bert, "man bites dog")
    if not len(set(wanted)) == len(wanted) == 5:
        raise ValueError("its vocabulary lacks dog, bites or man")
    right = [wanted.index(token_id) for token_id in handed]
    why = "The order of the ids is nothing to BERT; the places are all."
    yield Value(right, why, "For each token: where does it stand in dog bites man?")
    in_order = list(range(len(right)))
    yield "So it reads man bites dog: give each token its place in dog bites man.", in_order
    yield "[CLS] and [SEP] keep their places.", in_order[::-1], right[::-1]
    yield "All at one place: then nobody can tell who bites whom.", [0] * len(right)
    yield "[CLS] and [SEP] need a place, too: one for each token.", right[1:-1]
    yield "Counted from 1: the first place is 0.", [place + 1 for place in right]


def standing_out(norms, middle):
    """The positions whose norm exceeds 1.3 times the middle of the 12 nearest others."""
    result = []
    for i, norm in enumerate(norms):
        start = max(0, min(i - 6, len(norms) - 13))  # at the ends, the nearest that exist
        if norm > 1.3 * middle(norms[start:i] + norms[i + 1 : start + 13]):
            result.append(i)
    return result


@exercise("4.2", "Places that stand out")
def positions_that_stand_out(bert):
    norms = tables(bert)[2].double().norm(dim=1).tolist()
    right, torchs = (standing_out(norms, middle) for middle in (median, median_low))  # torch's: lower
    of_all = [i for i, norm in enumerate(norms) if norm > 1.3 * median(norms)]
    same = "" if of_all != right else " (In this model a comparison with all rows finds the same.)"

    def otherwise(found):
        missing, extra = len(set(right) - set(found)), len(set(found) - set(right))
        told = [f"missing from your list: {missing}"] * bool(missing)
        told += [f"in your list, but not standing out: {extra}"] * bool(extra)
        return f"Places {' and '.join(told)}. Compare each row with its own 12 nearest."

    why = f"Row 0 serves [CLS], unless one pads on the left; why others stand out, the table alone cannot say.{same}"
    yield Value(right, why, otherwise, any_order=True, also=lambda found: found.tolist() == torchs)
    yield "Counted from 1: the first place is 0.", [i + 1 for i in right]
    yield "Compared with the median of all rows: take the 12 nearest.", of_all
    yield "Place 0 is not the only one: look along the whole curve.", [0]


@exercise("4.3", "Places under left padding")
def positions_under_padding(bert):
    rows = len(tables(bert)[2])
    masks = [[[0, 0, 0, 1, 1], [1, 1, 1, 1, 1]], [[1, 1, 1]]]
    masks += [[[0, 1, 1, 1], [0, 0, 0, 1], [1, 1, 1, 1]]]

    def real_tokens(found, mask):
        """What stands at padding is free, if the table has such a row: 0 for any that it has, else -1."""
        if found.shape != mask.shape:
            return found
        inside = (found >= 0) & (found < rows)
        return found.where(mask.bool(), torch.where(inside, 0.0, -1.0))

    def dtype(function):
        found = function(torch.tensor(masks[0]))
        while getattr(found, "dtype", object) == object and isinstance(found, Iterable):
            found = next(iter(found))  # rows of tensors, numbers
        found = torch.as_tensor(found).dtype
        wrong = f"The places are right, but as {found}: nn.Embedding takes torch.int64 (`.long()`)."
        return None if found in (torch.int32, torch.int64) else wrong

    yield Function(
        lambda attention_mask: (attention_mask.cumsum(dim=-1) - 1).clamp(min=0),
        "Padding then changes nothing: each token gets the position it would have alone.",
        [given(torch.tensor(mask)) for mask in masks],
        view=real_tokens,
        trial=dtype,
    )
    outside = f"Outside the table at padding: it has no such row (as -1 or {rows}); any from 0 to {rows - 1} will do."
    at_padding = "right(attention_mask).masked_fill(attention_mask == 0, -1)"
    yield outside, "attention_mask.cumsum(-1) - 1", at_padding
    not_reset = "torch.arange(attention_mask.shape[1]).expand_as(attention_mask)"
    yield "The arange is not reset under padding: it counts the padding too.", not_reset
    yield "Positions start from 1: the first real token is at 0.", "attention_mask.cumsum(dim=-1)"
    yield "Positions start from 1, and count the padding too.", f"{not_reset} + 1"
