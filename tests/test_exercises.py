"""The checkers, from both sides: right answers in every form pass, each known mistake is named as what it is.

One function per exercise, in the order of the numbers. It yields first all right answers, in every form
that a learner may hand in, then (how the reply begins, a wrong answer, …), written as a learner would and
not taken from helpers/exercises/. A mistake that shows on one model only stands below an `if`.
"""

import operator
import signal
import threading
import time
from fractions import Fraction
from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 (the field's name for it)
from transformers import BertConfig, BertModel

from helpers import checking, exercises, models

SEED = "today is a good day"
ANSWERS = {}


def answers(number):
    return lambda function: ANSWERS.setdefault(number, function)


def parts(bert):
    names = "word_embeddings", "token_type_embeddings", "position_embeddings"
    return [getattr(bert.model.embeddings, name).weight.detach() for name in names]


def ids_of(bert):
    return bert.tokenizer(SEED, return_tensors="pt")["input_ids"]


def size_of(module):
    return sum(p.numel() for p in module.parameters())


def forms(value):
    """A number or a list in every form that holds it."""
    tensor = torch.tensor(value)
    same = [value, tensor, tensor[None], np.array(value)]
    return [*same, tuple(value), list(tensor)] if tensor.ndim else [*same, float(value), [value]]


# 0 Start here


@answers("0.1")
def width(b):
    h = b.model.config.hidden_size
    yield forms(h)
    yield "That is how many rows", b.model.config.vocab_size
    yield "That is how many positions", b.model.config.max_position_embeddings
    yield "That is how many tokens", 7
    yield "Look at the last number", h + 1e-6
    yield "Expected a number, found a complex number", h + 0j, torch.tensor(h + 0j)


# 1 Tokenizing


@answers("1.1")
def count_the_tokens(b):
    yield forms(4)
    yield "Those are the word pieces alone", 2
    yield "That counts words", 1
    yield "That is one word and two special", 3
    yield "That counts characters", 12
    yield "That is characters and two special", 14


@answers("1.2")
def five_words(b):
    words = "zyzzyva electroencephalographically mesmerizingly floccinaucinihilipilification catchphrase"
    yield words, words.upper(), f"  {words}\n", np.str_(words)
    yield "That is not five words but 4", "only four words here"
    yield "It gives 7 tokens", SEED
    yield "'xxxxxxxxxxxxxxxxxxxx' (of 101 letters) does not look", "a good day is " + "x" * 101
    yield "'qzvbxqw' (of 7 letters) does not look", "qzvbxqw is a good day"
    yield "'ababababab' (of 10", "a good day is ababababab"
    yield "'1234567' has something", "a good day is 1234567"
    yield "'世界!' has something", "a good day is 世界!"
    yield "One word is there twice", "good good day is today"
    yield "Expected a text in quotes", 20, words.split()


def wordpiece(word, vocabulary, mark="##", limit=100, first=-1, unknown=lambda _: ["[UNK]"]):
    if len(word) > limit:
        return ["[UNK]"]
    pieces = []
    while word:
        beginnings = [word[:n] for n in range(1, len(word) + 1)]
        fitting = [text for text in beginnings if mark * bool(pieces) + text in vocabulary]
        if not fitting:
            return unknown(pieces)
        pieces.append(mark * bool(pieces) + fitting[first])
        word = word[len(fitting[first]) :]
    return pieces


@answers("1.3")
def greedy_wordpiece(b):
    yield wordpiece, lambda w, v: b.tokenizer.tokenize(w), lambda w, v: tuple(wordpiece(w, v))
    no_mark = "A piece that continues a word"
    yield no_mark, lambda w, v: wordpiece(w, v, mark="")
    yield no_mark, lambda w, v: [p.removeprefix("##") for p in wordpiece(w, v)]
    yield "The shortest match", lambda w, v: wordpiece(w, v, first=0)
    kept = "Pieces are kept beside [UNK]"
    yield kept, lambda w, v: wordpiece(w, v, unknown=lambda pieces: [*pieces, "[UNK]"])
    yield "There is no limit", lambda w, v: wordpiece(w, v, limit=999)
    yield "Those are ids", lambda w, v: b.tokenizer(w, add_special_tokens=False)["input_ids"]
    third = "For word='unaffable', vocabulary=<30522 entries> expected ['una', '##ffa', '##ble'], found ['"
    yield third, lambda w, v: ["un", "##able", "##d"] if w[:4] == "unaf" else wordpiece(w, v)
    a_text = "For word='day', vocabulary=<30522 entries> expected a list of 1 text, found a text ('day')"
    yield a_text, lambda w, v: w


# 2 Word embeddings


@answers("2.1")
def parameters_when_bigger(b):
    def layer(**sizes):  # built by the library; on "meta" it takes no memory
        config = type(b.model.config)(**b.model.config.to_dict() | {"vocab_size": 50_000} | sizes)
        with torch.device("meta"):
            return size_of(type(b.model.embeddings)(config))

    h, right = b.model.config.hidden_size, layer(max_position_embeddings=1024)
    yield forms(right)
    both = " Or are the two segments" * (b.model.config.type_vocab_size == 2)
    yield f"Are LayerNorm's two vectors missing?{both}", right - 2 * h
    yield "H too few", right - h
    yield "That is the word table alone", 50_000 * h
    yield "That is the loaded layer", size_of(b.model.embeddings)
    yield "The positions are the loaded", layer()
    yield "Add up rows times columns", right + 1e-6
    yield "Expected a number, found a list of 2 numbers.", [1, 2]
    yield "Expected a number, found a text.", str(right)
    yield "Expected a number, found a function. Call it", lambda: right
    if b.name == "small":
        yield "The segments are missing", right - 3 * h


@answers("2.2")
def from_row_to_id(b):
    def nearest(rows, table):
        return [min(range(len(table)), key=(table - row).norm(dim=1).__getitem__) for row in rows]

    yield (
        lambda rows, table: torch.cdist(rows, table).argmin(dim=1),
        lambda rows, table: (rows[:, None] - table).pow(2).sum(-1).argmin(-1).numpy(),
        lambda rows, table: [int((table - r).abs().sum(1).argmin()) for r in rows],
        lambda rows, table: nearest(rows, table[:3000]),
    )
    yield "That is the largest product", lambda rows, table: [(table @ r).argmax() for r in rows]
    yield (
        "That compares directions only",
        lambda rows, table: (F.normalize(rows) @ F.normalize(table).T).argmax(1),
    )
    yield ("That is the farthest", lambda rows, table: [(table - r).norm(dim=1).argmax() for r in rows])
    yield ("No row is exactly equal", lambda rows, table: (rows[:, None] == table).all(-1).int().argmax(1))
    yield "That is one id", lambda rows, table: (table - rows[0]).abs().sum(1).argmin()
    yield "That has V numbers", lambda rows, table: torch.cdist(rows, table).argmin(dim=0)


@answers("2.3")
def lookup(b):
    def by_comparing(ids, table):
        return (ids[..., None] == torch.arange(len(table))).to(table.dtype) @ table

    yield (
        lambda ids, table: F.one_hot(ids, len(table)).to(table.dtype) @ table,
        lambda ids, table: F.one_hot(ids, len(table)).to(table.dtype) @ table[None],
        by_comparing,
    )
    yield "[PAD] is taken as zero", lambda ids, t: t[ids].masked_fill((ids == 0)[..., None], 0)
    yield "The result is transposed", lambda ids, table: table[ids].mT
    lost, counted = "The batch dimension is lost", "That looks up 0, 1, 2"
    yield lost, lambda ids, table: table[ids[0]], lambda ids, table: table[ids.view(-1)]
    yield counted, lambda ids, t: t[torch.arange(ids.shape[1]).repeat(len(ids), 1)]
    yield counted, lambda ids, table: table[: ids.shape[1]]
    yield "Without num_classes", lambda ids, table: F.one_hot(ids).to(table) @ table
    yield "one_hot gives whole", lambda ids, t: torch.matmul(F.one_hot(ids, len(t)), t)
    looked_up = "The numbers are right, but looked up"
    yield looked_up, F.embedding, lambda ids, table: table[ids]
    yield looked_up, lambda ids, table: torch.nn.Embedding.from_pretrained(table)(ids)
    yield looked_up, lambda ids, table: table.numpy()[ids.numpy()]


# 3 Segment embeddings


@answers("3.1")
def segments(b):
    own = b.tokenizer("day is", "is a", return_tensors="pt")["token_type_ids"]
    yield *forms([0, 0, 0, 0, 1, 1, 1]), own
    yield "The second [SEP] is in segment 0", [0, 0, 0, 0, 1, 1, 0]
    yield "The first [SEP] is in segment 1", [0, 0, 0, 1, 1, 1, 1]
    yield "Everything is in segment 1", [1] * 7
    yield "Everything is in segment 0", [0] * 7
    yield "Counted from 1", [1, 1, 1, 1, 2, 2, 2]
    yield "The two segments are exchanged", [1, 1, 1, 1, 0, 0, 0]
    yield "Expected a list of 7 numbers, found a list of 3 numbers.", [0, 0, 1]
    yield "Expected a list of 7 numbers, found a list of 7 texts.", ["0"] * 7
    yield "The first place that differs is [1]", [0, 1, 0, 1, 0, 1, 0]


@answers("3.2")
def folded(b):
    _, s, p = parts(b)
    right, own = p + s[0], b.model.embeddings.position_embeddings
    yield right, (p + s[:1]).numpy(), right.tolist(), list(right), torch.nn.Parameter(right)
    yield "That is segment row 1", p + s[1]
    yield "Both rows are added", p + s[:2].sum(0)
    yield "Those are the rows of one sentence", p[:7] + s[0]
    yield "That is the segment row alone", s[0].repeat(len(p), 1)
    yield "That is the segment table", s
    yield "The segment row is subtracted", p - s[0]
    yield "The segment is not in it", own.weight
    wanted = f"Expected a tensor of shape {list(p.shape)}, found"
    yield f"{wanted} an object of type Embedding. Hand over its `.weight`.", own
    yield f"{wanted} a list of 1000000000 numbers.", torch.zeros(1).expand(10**9)
    yield "The first place that differs is [0, 0]. Which row", right + 1e-4


@answers("3.3")
def border(b):
    def walked(input_ids, attention_mask, sep_id):
        result = []
        for row, mask in zip(input_ids.tolist(), attention_mask.tolist(), strict=True):
            end = row.index(sep_id) + 1
            result.append([0] * end + mask[end:])
        return result

    def seen(input_ids, sep_id):  # the [SEP]s up to each place
        return (input_ids == sep_id).cumsum(1)

    yield (
        walked,
        lambda i, m, s: torch.tensor(walked(i, m, s)),
        lambda i, m, s: ((seen(i, s) - (i == s).long()) > 0) & m.bool(),
        lambda i, m, s: m * seen(i, s).roll(1, dims=1).clamp(max=1).index_fill(1, torch.tensor(0), 0),
    )
    yield (
        "There a [SEP] counts for itself",
        lambda i, m, s: seen(i, s) * m,
        lambda i, m, s: (seen(i, s) > 0).long() * m,
    )
    yield (
        "The padding is not 0",
        lambda i, m, s: seen(i, s) - (i == s).long(),
        lambda i, m, s: (seen(i, s) - (i == s).long() > 0).long(),
        lambda i, m, s: seen(i, s),
    )
    yield "All are 0", lambda i, m, s: 0 * i
    yield "All tokens are 1", lambda i, m, s: m
    yield ("The [SEP]s are counted down", lambda i, m, s: m * ((i == s).cumsum(0) - (i == s).long()))
    yield "That holds for one [SEP] only", lambda i, m, s: (seen(i, 102) - (i == 102).long()) * m


# 4 Position embeddings


@answers("4.1")
def who_bites_whom(b):
    yield forms([0, 3, 2, 1, 4])
    yield "So it reads man bites dog", [0, 1, 2, 3, 4]
    yield "[CLS] and [SEP] keep their places", [4, 3, 2, 1, 0], [4, 1, 2, 3, 0]
    yield "All at one place", [0] * 5
    yield "[CLS] and [SEP] need a place", [3, 2, 1]
    yield "Counted from 1", [1, 4, 3, 2, 5]
    yield "The first place that differs is [1]. For each token", [0, 1, 3, 2, 4]
    yield "Expected a list of 5 numbers", "man bites dog", [0, 3, 2, 1]


@answers("4.2")
def outstanding(b):
    norms = parts(b)[2].norm(dim=1)

    def stands_out(i):
        low = min(max(i - 6, 0), len(norms) - 13)
        return norms[i] > 1.3 * torch.cat([norms[low:i], norms[i + 1 : low + 13]]).median()

    found = list(filter(stands_out, range(len(norms))))
    yield *forms(found), found[::-1], set(found), frozenset(found), found * 2
    yield "Counted from 1", [i + 1 for i in found]
    yield "Place 0 is not the only", [0], {0}
    told = "Of the places, "
    yield f"{told}1 in your list do not stand out: compare", [*found, 30, 30]
    yield f"{told}{len(found) - 1} that stand out are missing from your list: ", found[1:2] * 2
    yield f"{told}1 that stand out are missing from your list and 1 in your", [*found[1:], 30]
    yield "Expected a list of numbers, found", "0", stands_out
    if b.name == "small":
        yield "Compared with the median of all rows", (norms > 1.3 * norms.median()).nonzero()


@answers("4.3")
def positions_under_padding(b):
    def right(mask, at_padding=0):
        return (mask.cumsum(-1) - 1).masked_fill(mask == 0, at_padding)

    yield right, lambda m: right(m, 5), lambda m: right(m).int(), lambda m: right(m).tolist()
    outside = "Outside the table at padding"
    yield outside, lambda m: m.cumsum(1) - 1, lambda m: right(m, 10**6), lambda m: right(m) / m
    yield "The arange is not reset", lambda m: torch.arange(m.shape[1]).repeat(len(m), 1)
    yield "The arange is not reset", lambda m: torch.arange(m.shape[1]) * m
    yield "Positions start from 1: the first", lambda m: m.cumsum(1) * m
    yield "Positions start from 1, and", lambda m: torch.arange(1, m.shape[1] + 1) * m
    yield "The places are right, but as torch.float32", lambda m: right(m).float()
    yield "The places are right, but as torch.int8", lambda m: right(m).to(torch.int8)
    first = "For attention_mask=[[0, 0, 0, 1, 1], [1, 1, 1, 1, 1]] expected a tensor of shape [2, 5],"
    yield f"{first} found a list of 5 numbers.", lambda m: m[0]


# 5 Summation


@answers("5.1")
def rounding(b):
    yield 0.0002, torch.tensor(0.0002), 4 * 0.00005, Fraction(1, 5000)
    yield "That is the gap seen, and the most there can be unless all four are exact ties", 0.0001
    yield "That is one number's rounding", 0.00005
    yield "Those are the three parts", 0.00015
    yield "That is never exceeded, true, and neither is a smaller", 0.0003, 0.0004
    yield "How many numbers were rounded", 0.00019


@answers("5.2")
def three_hot(b):
    word, segment, position = map(len, parts(b))
    ids, steps = ids_of(b)[0], torch.arange(7)

    def ones(*columns):
        return sum(F.one_hot(steps * 0 + c, word + segment + position) for c in columns)

    right = ones(ids, word, word + segment + steps)
    yield right, right.float(), right.bool(), right.numpy(), right.to_sparse()
    yield "The offsets are missing", ones(ids, 0, steps).clamp(max=1), ones(ids, 0, steps)
    yield "The position's offset leaves out", ones(ids, word, word + steps).clamp(max=1)
    yield "Tables swapped", ones(ids, word + steps, word + position)
    yield "Positions start from 1", ones(ids, word, word + segment + 1 + steps)
    yield "Only the words", F.one_hot(ids, word).float(), ones(ids)
    yield "That is segment 1", ones(ids, word + 1, word + segment + steps)
    yield "The first place that differs is [0, 1]. Check", ones(ids, 1, word + segment + steps)


@answers("5.3")
def read_everything_back(b):
    def by_loops(sums, word, segment, position):
        found = []
        for x in sums:
            tried = product(range(len(word)), range(len(segment)), range(len(position)))
            gap = lambda ids: (word[ids[0]] + segment[ids[1]] + position[ids[2]] - x).norm()  # noqa: B023
            found.append(min(tried, key=gap))
        return found

    def apart(sums, *tables):
        return torch.stack([torch.cdist(sums, table).argmin(1) for table in tables], 1)

    def by_angle(sums, *tables):
        return apart(F.normalize(sums), *map(F.normalize, tables))

    def all_at_once(sums, word, segment, position):
        every = (word[:, None, None] + segment[:, None] + position).flatten(0, 2)
        ids = torch.cdist(sums, every).argmin(1)
        rest = ids % (len(segment) * len(position))
        columns = ids.div(len(every) / len(word), rounding_mode="floor").long(), rest
        return torch.stack([columns[0], rest // len(position), rest % len(position)], 1)

    yield by_loops, all_at_once, lambda *tables: all_at_once(*tables).tolist()
    yield "Each looked up by itself", apart, by_angle
    in_order = lambda s, *t: [[*row[:2], i] for i, row in enumerate(all_at_once(s, *t).tolist())]
    yield "The places are taken to be 0, 1, 2", in_order
    yield "Only segment 0 is tried", lambda s, w, g, p: all_at_once(s, w, g[:1], p)
    yield "The columns are word, segment", lambda *t: all_at_once(*t)[:, [2, 1, 0]]
    yield "That is [3, n]", lambda *t: all_at_once(*t).T


# 6 LayerNorm


@answers("6.1")
def wrong_variance(b):
    h = b.model.config.hidden_size
    right = ((h - 1) / h) ** 0.5
    yield right, *(round(right, n) for n in (4, 5, 6)), torch.tensor(right), right + 2e-7
    yield "That is the inverse", (h / (h - 1)) ** 0.5
    yield "Without the root", (h - 1) / h
    yield "One off", (h / (h + 1)) ** 0.5, ((h - 2) / (h - 1)) ** 0.5
    yield "Close, but too coarse: round to 4 decimals", right + 0.0002


def normed(x, gamma, beta, eps, dim=-1, unbiased=False):
    spread = (x.var(dim, unbiased=unbiased, keepdim=True) + eps).sqrt()
    return (x - x.mean(dim, True)) / spread * gamma + beta


def eps_outside(x, gamma, beta, eps, unbiased=False):
    spread = x.std(-1, unbiased=unbiased, keepdim=True) + eps
    return (x - x.mean(-1, True)) / spread * gamma + beta


LAYER_NORM_MISTAKES = {
    "Unbiased variance: ": lambda x, g, s, e: normed(x, g, s, e, unbiased=True),
    "eps outside the root": eps_outside,
    "Unbiased variance and eps": lambda x, g, s, e: eps_outside(x, g, s, e, unbiased=True),
    "Normalising over tokens": lambda x, g, s, e: normed(x, g, s, e, dim=1),
    "gamma and beta are left out": lambda x, g, s, e: F.layer_norm(x, x.shape[-1:], eps=e),
}


@answers("6.2")
def layer_norm(b):
    def by_sums(x, gamma, beta, eps):
        centred = x - x.sum(-1, keepdim=True) / x.shape[-1]
        variance = (centred * centred).sum(-1, keepdim=True) / x.shape[-1]
        return centred / (variance + eps) ** 0.5 * gamma + beta

    def by_squares(x, gamma, beta, eps):
        mean, squares = (y.sum(-1, keepdim=True) / x.shape[-1] for y in (x, x * x))
        return (x - mean) / (squares - mean * mean + eps).sqrt() * gamma + beta

    def no_keepdim(x, gamma, beta, eps):
        return (x - x.mean(dim=-1)) / (x.var(dim=-1) + eps).sqrt() * gamma + beta

    yield normed, by_sums
    yield from LAYER_NORM_MISTAKES.items()
    over_all = lambda x, g, s, e: (x - x.mean()) / (x.var(unbiased=False) + e).sqrt() * g + s
    yield "Over the whole tensor", over_all
    yield "eps is forgotten", lambda x, g, s, e: normed(x, g, s, 0)
    yield "gamma and beta are exchanged", lambda x, g, s, e: normed(x, s, g, e)
    yield "A mean of shape [B, T]", no_keepdim
    torchs = lambda x, g, s, e: F.layer_norm(x, g.shape, g, s, e)
    natively = lambda x, g, s, e: torch.native_layer_norm(x, g.shape, g, s, e)[0]
    yield "The numbers are right, but they are torch's own", torchs, natively
    yield "E[x²] - E[x]² loses", by_squares
    wanted = "Expected a function, its name without brackets; found"
    yield f"{wanted} a list of 3 numbers.", torch.zeros(3)
    yield f"{wanted} the class LayerNorm.", torch.nn.LayerNorm


@answers("6.3")
def sealed_box(b):
    def probed(box, hidden, size=1e3, divide_by=0, subtract=True, x=None):
        beta = box(torch.zeros(1, 1, hidden)).flatten()
        x = size * (torch.arange(hidden) == 0) if x is None else x
        known = (x - x.mean()) / x.std(correction=divide_by)
        return (box(x[None, None]).flatten() - subtract * beta) / known, beta

    def by_two(box, hidden):
        """Two probes, each where it is far from zero; equal numbers of another size for beta."""
        beta, signs = box(7 * torch.ones(2, 3, hidden))[0, 0], 500 * torch.ones(hidden)
        signs[::2] = -400
        return probed(box, hidden, x=signs)[0].tolist(), beta.tolist()

    yield probed, by_two, lambda box, hidden: torch.stack(probed(box, hidden))
    yield "The two are exchanged", lambda box, hidden: probed(box, hidden)[::-1]
    yield "Divided by H - 1", lambda box, hidden: probed(box, hidden, divide_by=1)
    yield "Beta is still in your gamma", lambda box, hidden: probed(box, hidden, subtract=False)
    yield "Beta is left out", lambda box, hidden: (probed(box, hidden)[0], torch.zeros(hidden))
    # an eps of 0.1 is not small beside the variance of this probe
    yield "For box=<a sealed box>, hidden=4 expected", lambda box, hidden: probed(box, hidden, 1.0)
    yield "Your function raised AttributeError", lambda box, hidden: (box.weight, box.bias)


# 7 Dropout and the whole layer


@answers("7.1")
def zeros(b):
    p, h = b.model.config.hidden_dropout_prob, b.model.config.hidden_size
    yield *forms(p * 7 * h), round(p * 7 * h)
    yield "Those are the survivors", (1 - p) * 7 * h
    yield "That is one token", p * h
    yield "[CLS] and [SEP] are left out", p * 5 * h
    yield "That counts tokens", p * 7
    yield "Those are all the numbers", 7 * h


@answers("7.2")
def dropout(b):
    yield lambda x, k, p: x * k / (1 - p), lambda x, k, p: (x / (1 - p)).masked_fill(k == 0, 0)
    yield "Not rescaled", lambda x, keep, p: x.masked_fill(keep == 0, 0)
    yield "Multiplied by 1-p", lambda x, keep, p: keep * (x - p * x)
    yield "Divided by p", lambda x, keep, p: x / p * keep
    yield "The mask is inverted", lambda x, keep, p: x.masked_fill(keep == 1, 0) / (1 - p)
    yield "Whole tokens are dropped", lambda x, k, p: x / (1 - p) * k[:, :, 0].unsqueeze(2)
    yield "Nothing is dropped", lambda x, keep, p: x / (1 - p)
    yield "For x=<tensor [2, 3, 8]>, keep=", lambda x, keep, p: x * keep / (1 - p) + 1e-4


def layer_with(norm=normed, order=("token_type", "position"), start=0, **wrong):
    """A learner's layer, right or wrong in one place."""

    def layer(weights, input_ids, token_type_ids=None, position_ids=None, eps=1e-12):
        types, places, eps = token_type_ids, position_ids, wrong.get("eps", eps)
        if types is None or "types" in wrong:
            types = torch.full_like(input_ids, wrong.get("default", 0))
        if places is None or "places" in wrong:
            places = torch.arange(start, start + input_ids.shape[1])
        gamma, beta = weights["LayerNorm.weight"], weights["LayerNorm.bias"]
        x = F.embedding(input_ids, weights["word_embeddings.weight"])
        segment, position = (weights[f"{name}_embeddings.weight"] for name in order)
        if "before" in wrong:
            return norm(x, gamma, beta, eps) + segment[types] + position[places]
        return norm(x + segment[types] + position[places], gamma, beta, eps)

    return layer


@answers("7.3")
def layer(b):
    yield layer_with(), layer_with(lambda x, g, s, e: F.layer_norm(x, g.shape, g, s, e))
    yield "Tables swapped", layer_with(order=("position", "token_type"))
    yield "Positions start from 1", layer_with(start=1)
    yield "Segment ids all 1", layer_with(types=None, default=1), layer_with(default=1)
    yield "LayerNorm before the sum", layer_with(before=True)
    yield "That is the sum", layer_with(norm=lambda x, *rest: x)
    yield "eps is always the same", layer_with(eps=1e-12), layer_with(eps=1e-5)
    yield from ((begins, layer_with(norm)) for begins, norm in LAYER_NORM_MISTAKES.items())
    yield "position_ids is ignored", layer_with(places=None)
    yield "token_type_ids is ignored", layer_with(types=None)


# 8 How tables learn


@answers("8.1")
def first_loss(b):
    yield 10.3262, 10.33, 10.3, torch.tensor(30522.0).log(), [np.log(30522)]
    yield "That is with the logarithm to base 10", np.log10(30522)
    yield "That is with the logarithm to base 2", 14.9
    yield "The sign", -10.33
    yield "That is the chance", 1 / 30522
    yield "That is how many tokens", 30522
    yield "That is for this notebook's 64", 4.16
    yield "A model that knows nothing", 10.0, 12


def by_backward(vector, table, token_id, sign=1):
    table = table.clone().requires_grad_()
    (sign * F.cross_entropy((table @ vector)[None], token_id[None])).backward()
    return table.grad


@answers("8.2")
def way_out(b):
    def numbers(change):
        """Each row is the vector times a number: `change` gives the numbers."""

        def gradient(vector, table, token_id):
            logits = table @ vector
            hit = torch.arange(len(table)) == token_id
            return change(logits.softmax(0), hit.float(), logits)[:, None] * vector

        return gradient

    yield by_backward, numbers(lambda chance, hit, logits: chance - hit)
    yield "The right token is treated like the wrong ones", numbers(lambda p, hit, logits: p)
    yield "The sign is the other way round", lambda *args: by_backward(*args, sign=-1)
    yield (
        "Those are the logits",
        numbers(lambda p, hit, logits: logits - hit),
        numbers(lambda p, hit, logits: logits),
    )
    yield "Transposed", lambda *args: by_backward(*args).T
    yield (
        "Only the right row moves",
        numbers(lambda p, hit, logits: -hit),
        numbers(lambda p, hit, logits: hit * (p - 1)),
    )
    yield "1 is taken from every row", numbers(lambda p, hit, logits: p - 1)
    yield (
        "That is the gradient for the vector",
        lambda v, table, i: table.T @ (F.softmax(table @ v, 0) - torch.eye(len(table))[i]),
    )


@answers("8.3")
def two_lives(b):
    # Measured with the seeds 0 to 4.
    seen = [[0.55, 0.65, -0.14, -0.31], [0.41, 0.59, -0.1, -0.18], [0.42, 0.57, -0.21, -0.35]]
    seen += [[0.36, 0.45, 0.04, -0.09], [0.44, 0.45, -0.39, -0.13]]
    yield *seen, torch.tensor(seen[0]), [torch.tensor(c) for c in seen[1]], tuple(seen[2])
    yield "Expected four cosines in a list", 0.5
    yield "Expected four cosines, found 2", [0.5, 0.6]
    yield "A cosine lies", [4.5, 5.7, -0.5, -3.3]
    yield "None of the four is large", [0.1, -0.05, 0.2, 0.05]
    yield "The largest belongs to a list without", [-0.05, -0.33, 0.45, 0.57]
    yield "May is among the months alone", [0.84, 0.1, -0.05, -0.33]
    yield "May is among the new words alone", [0.1, 0.9, -0.05, -0.33]


# 9 What the tables learned


@answers("9.1")
def neighbours(b):
    table, vocabulary = parts(b)[0], b.tokenizer.get_vocab()
    row = table[vocabulary["apple"]]

    def near(scores):
        order = scores.topk(4).indices.tolist()
        return [token for token in b.tokenizer.convert_ids_to_tokens(order) if token != "apple"][:3]

    cosines = torch.cosine_similarity(table, row, dim=1)
    right = near(cosines)
    yield right, tuple(right), np.array(right)
    yield "apple itself is among them", ["apple", *right[:2]]
    yield "Those are the largest dot products", near(table @ row)
    by_distance = near(-(table - row).norm(dim=1))
    yield "Those are the nearest by distance", *[by_distance] * (by_distance != right)
    yield "Those are the farthest", near(-cosines)
    yield "The right three, in another order", right[::-1]
    yield "Those are ids", b.tokenizer.convert_tokens_to_ids(right)
    yield "'notatoken' is not in the vocabulary", ["day", "good", "notatoken"]
    yield "0 of the three are right", ["day", "good", "is"]
    yield "Expected a list of 3 texts", "apple", right[:2]


@answers("9.2")
def day_in_a_ring(b):
    times = ["morning", "noon", "afternoon", "evening", "night", "midnight"]
    rows = parts(b)[0][b.tokenizer.convert_tokens_to_ids(times)]
    pairs = []  # each with the one that it is nearest to
    for i, row in enumerate(rows):
        cosines = torch.cosine_similarity(rows, row, dim=1).tolist()
        pairs.append((i, max((c, j) for j, c in enumerate(cosines) if j != i)[1]))

    def next_door(order, gaps):
        return sum(abs(order.index(i) - order.index(j)) in gaps for i, j in pairs)

    counts = [next_door(order, (1, 5)) for order in permutations(range(6))]
    as_good, better = (sum(f(c, counts[0]) for c in counts) for f in (operator.ge, operator.gt))
    yield (as_good / 720, round(as_good / 720, 3), Fraction(as_good, 720), torch.tensor(as_good) / 720)
    yield "That counts the orders", as_good
    yield "In percent", 100 * as_good / 720
    yield "Orders that do just as well count", better / 720
    yield "The right order is one of the 720", (as_good - 1) / 720
    yield "That is the count itself", counts[0]
    in_a_row = [next_door(order, (1,)) for order in permutations(range(6))]
    both = [[(as_good - better) / 720], [sum(c >= in_a_row[0] for c in in_a_row) / 720]]
    if b.name == "small":  # where these two are right, or look like another
        both = [[], []]
    yield "Orders that do better count", *both[0]
    yield "The circle is not closed", *both[1]


@answers("9.3")
def analogy(b):
    def found(a, b, c, table, score=F.cosine_similarity, leave_out="abc"):
        order = score(table, table[b] - table[a] + table[c]).argsort(descending=True).tolist()
        left_out = [{"a": a, "b": b, "c": c}[name] for name in leave_out]
        return next(i for i in order if i not in left_out)

    yield found, lambda *args: torch.tensor([found(*args)]), lambda *args: np.int64(found(*args))
    yield "The query words are not excluded", lambda *args: found(*args, leave_out="")
    yield "Only b and c are left out", lambda *args: found(*args, leave_out="bc")
    yield "The sign is the other way", lambda i, j, k, table: found(j, i, k, table)
    yield "A dot product", lambda *args: found(*args, torch.mv)
    yield "Euclidean", lambda *args: found(*args, lambda table, row: -(table - row).norm(dim=1))
    yield "That is a text, not an id", lambda *args: b.tokenizer.decode([found(*args)])


# 10 The layer in other models


@answers("10.1")
def albert_saves(b):
    need = 30_000 * 128 + 128 * 4096 + 4096
    yield forms(30_000 * 4096 - need)
    yield "The projection's bias is forgotten", 118_515_712
    yield "The projection is forgotten", 30_000 * (4096 - 128)
    yield "That is what ALBERT needs", need
    yield "That is the wide table", 122_880_000
    yield "That is ALBERT base", 23_040_000 - 3_939_072
    yield "The sign", need - 122_880_000
    yield "V rows of 4,096 numbers", 118_000_000


@answers("10.2")
def who_is_it(b):
    right = ["GPT-2", "DistilBERT", "DeBERTa-v3", "RoBERTa"]

    def but(place, name):
        return [*right[:place], name, *right[place + 1 :]]

    yield right, tuple(right), ["gpt2", "distilbert-base-uncased", "DeBERTa v3", "roberta-base"]
    yield "Expected four names in quotes", 4, "GPT-2", [1, 2, 3, 4]
    yield "Expected four names, found 2", right[:2]
    yield "a: GPT has 512", but(0, "GPT")
    yield "b: MPNet counts", but(1, "MPNet")
    yield "b: BERT has a segment table", but(1, "BERT")
    yield "c: ModernBERT has no beta", but(2, "ModernBERT")
    yield "c: The first DeBERTa it could be", but(2, "DeBERTa")
    yield "d: BERT has two segment rows", but(3, "bert-base-uncased")
    yield "d: XLM-R it could be", but(3, "XLM-R")
    yield "d: CamemBERT it could be", but(3, "CamemBERT")
    yield "a: not Llama", ["Llama"] * 4


@answers("10.3")
def the_first_transformer(b):
    def layer(table, ids, rows=lambda rows, h: rows * h**0.5, order=operator.add, first=0, two=2):
        h, made = table.shape[1], []
        for p in range(first, first + ids.shape[1]):
            angles = [p / 10000 ** (two * i / h) for i in range(h // 2)]
            made.append(order(list(np.sin(angles)), list(np.cos(angles))))
        return rows(table[ids], h) + torch.tensor(made, dtype=table.dtype)

    def other(**wrong):
        return lambda table, ids: layer(table, ids, **wrong)

    def in_turns(sines, cosines):
        return [x for pair in zip(sines, cosines, strict=True) for x in pair]

    def unscaled(rows, h):
        return rows

    yield layer, lambda table, ids: layer(table.double(), ids)
    yield "The rows are not multiplied", other(rows=unscaled)
    yield "The sum is multiplied", lambda t, i: layer(t, i, rows=unscaled) * t.shape[1] ** 0.5
    yield "Sines and cosines in turns", other(order=in_turns)
    yield "The cosines come first", other(order=lambda sines, cosines: cosines + sines)
    yield "Places from 1", other(first=1)
    yield "The exponent is i/H", other(two=1)
    yield "The places are missing", lambda table, ids: table[ids] * table.shape[1] ** 0.5
    yield "Multiplied by H", other(rows=lambda rows, h: rows * h)


# 11 Clinic


@answers("11.1")
def four_patients(b):
    names = ["norm over tokens", "places from 1", "dropout on", "norm first"]
    right = dict(enumerate(names, 1))
    yield right, names, tuple(names), {n: f" {name.upper()}" for n, name in right.items()}
    probes = ["change the last word", "hand over the places", "call it twice", "one word at two"]
    for n, probe in enumerate(probes, 1):
        yield f"3 of 4 right. What tells patient {n}: {probe}", right | {n: "no gamma"}
    yield "0 of 4 right. What tells patient 1", ["healthy"] * 4
    yield "'sick', for patient 2, is not in the table", right | {2: "sick"}
    form = 'Expected {1: "a name", …} for patients 1, 2, 3, 4; found '
    yield f"{form}a list of 3 texts", names[:3]
    yield f"{form}an object of type dict", {2: "healthy"}


@answers("11.2")
def four_more(b):
    right = {5: "other eps", 6: "healthy", 7: "unbiased variance", 8: "[PAD] zeroed"}
    yield right, list(right.values())
    probes = ["divide the lengths", "every probe", "divide the lengths", "a padded batch"]
    for n, probe in zip(right, probes, strict=True):
        yield f"3 of 4 right. What tells patient {n}: {probe}", right | {n: "segments ignored"}


@answers("11.3")
def stricter(b):
    s, p = len(parts(b)[1]), len(parts(b)[2])
    one, two = torch.tensor([[5, 0, 7, 5]]), torch.tensor([[5, 0, 7, 5], [9, 8, 0, 0]])
    types = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 1]]) * (s - 1)
    long = torch.arange(p)[None]
    lesson = [(one,), (two,), (one, types[1:])]
    probes = {9: (one, None, torch.tensor([[3, 2, 1, 0]])), 10: (long,), 11: (two, types)}

    def checklist(*probes, atol=1e-4):
        def judged(layer, reference):
            found = [(layer(*p), layer(*p), reference(*p)) for p in probes]
            return all(torch.allclose(x, r, 0, atol) and torch.equal(x, y) for x, y, r in found)

        return judged

    right = checklist(*lesson, *probes.values())
    yield right, lambda layer, reference: torch.tensor([right(layer, reference)])
    yield "It rejects the model's own layer", lambda layer, reference: False
    yield "It rejects a healthy layer", checklist(*lesson, *probes.values(), atol=0)
    yield "It passes every layer", lambda layer, reference: True
    yield "All are told but patient 9 and patient 10 and patient 11.", checklist(*lesson)
    for n, m, k in ((9, 10, 11), (10, 11, 9), (9, 11, 10)):
        yield f"All are told but patient {n} and patient {m}.", checklist(*lesson, probes[k])
    for n in probes:
        rest = [probe for m, probe in probes.items() if m != n]
        yield f"All are told but patient {n}. Patient {n}: ", checklist(*lesson, *rest)
    yield "For layer=patient 0, reference=BertEmbeddings(", checklist((one,), (two,))
    yield "Expected a function", True


# What holds of every exercise


@pytest.fixture(scope="session")
def small(bert):
    """A random checkpoint that shares nothing with the bundled one but the tokenizer."""
    sizes = {"hidden_size": 36, "num_attention_heads": 2, "num_hidden_layers": 1}
    sizes |= {"max_position_embeddings": 64, "type_vocab_size": 3, "layer_norm_eps": 1e-5}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(**sizes, hidden_dropout_prob=0.2)).double().eval()
    with torch.no_grad():  # norms 1, a stretch of 2, two of 3: no meaning of "median" is close
        positions = model.embeddings.position_embeddings.weight
        positions /= positions.norm(dim=1, keepdim=True)
        positions[10:40] *= 2
        positions[[5, 50]] *= 3
    return models.Bert(bert.tokenizer, model, "small")


@pytest.fixture(params=["bundled", "small"])
def any_bert(request, bert, small):
    return bert if request.param == "bundled" else small


@pytest.fixture
def say(capsys, monkeypatch):
    """The one line that a check prints, with the record of this kernel empty."""
    monkeypatch.setattr(checking, "_states", {})

    def line(*args, **kwargs):
        assert exercises.check(*args, **kwargs) is None
        out = capsys.readouterr().out
        assert out.count("\n") == 1, out
        return out.strip()

    return line


def right_answers(number, bert):
    return list(next(ANSWERS[number](bert)))


each = pytest.mark.parametrize("number", exercises.numbers())


def test_every_exercise_has_its_answers_here_in_order():
    assert list(ANSWERS) == exercises.numbers()


@each
def test_a_right_answer_passes_in_every_form(number, any_bert, say):
    for i, form in enumerate(right_answers(number, any_bert)):
        reply = say(number, any_bert, form)
        assert reply.startswith(f"✓ {number} right. ") and len(reply) > 30, (i, reply)


@each
def test_each_known_mistake_gets_its_own_diagnosis(number, any_bert, say):
    _, *wrongs = ANSWERS[number](any_bert)
    replies = [(begins, say(number, any_bert, wrong)) for begins, *tries in wrongs for wrong in tries]
    begun = [f"✗ {number} not yet. {begins}" for begins, _ in replies]
    assert [r for r, start in zip(replies, begun, strict=True) if not r[1].startswith(start)] == []


@each
def test_every_mistake_on_the_list_is_tried_here(number, small):
    _, *wrongs = ANSWERS[number](small)
    _, *mistakes = checking._exercises[number][1](small)
    told = [diagnosis for diagnosis, *_ in mistakes]
    assert [d for d in told if not any(d.startswith(begins) for begins, *_ in wrongs)] == []


class Odd:
    """Nothing that an answer should be, and hostile to whoever looks at it."""

    def __eq__(self, other):
        raise RuntimeError("no comparing")

    __hash__ = None

    def __repr__(self):
        raise RuntimeError("no showing")

    __str__ = __bool__ = __len__ = __iter__ = __float__ = __array__ = __repr__


class Unusual(BaseException):
    pass


def raises(error):
    def function(*args, **kwargs):
        raise error

    return function


@each
def test_an_odd_answer_is_only_not_right(number, bert, say):
    itself, stubborn = [], type("Stubborn", (list,), {"__iter__": raises(Unusual())})
    itself.append(itself)
    odd = [Odd(), [Odd()], lambda *args, **kwargs: Odd(), {}, set(), {1j}, object, b"x", 1j]
    odd += [
        stubborn([1]),
        "\ud800",
        float("nan"),
        10**5000,
        [10**5000],
        itself,
        raises(Unusual()),
        raises(Odd),
    ]
    odd += [torch.zeros(1).expand(10**9), np.broadcast_to(0.0, 10**9), [range(10**6)] * 10**4]
    odd += [lambda *args, **kwargs: torch.zeros(1).expand(10**9), torch.zeros(2, 0), np.array([1j])]
    for answer in odd:
        assert say(number, bert, answer).startswith(f"✗ {number} not yet.")


@each
def test_a_question_is_unanswered(number, bert, say):
    blanks = [..., None, [..., ...], {"a": ...}]
    if isinstance(next(checking._exercises[number][1](bert)), checking.Function):
        blanks += [lambda *args, **kwargs: ..., raises(NotImplementedError)]
    for blank in blanks:
        assert say(number, bert, blank).startswith(f"○ {number} not answered yet.")


@each
def test_no_number_is_given_away(number, bert, say):
    right = right_answers(number, bert)[0]
    if isinstance(right, int | float):
        for wrong in (-5, 1e9, "x", [1, 2]):
            reply = say(number, bert, wrong).removeprefix(f"✗ {number}")
            assert f"{right:.4g}" not in reply.split()


@each
def test_a_right_answer_is_checked_quickly(number, bert, say):
    """In processor time, so that a busy machine does not turn it red; the first may load code."""
    answer, times = right_answers(number, bert)[0], []
    for _ in range(2):
        start = time.process_time()
        say(number, bert, answer)
        times.append(time.process_time() - start)
    assert min(times) < 0.5


def test_there_are_twelve_patients(bert):
    assert repr(exercises.patient(bert, 11)) == "patient 11"
    with pytest.raises(KeyError, match="There is no patient 12; there are 0 to 11"):
        exercises.patient(bert, 12)


def test_neighbouring_widths_are_told_apart_when_they_are_large(bert, say):
    """At H = 1024 the factors for H and H + 1 agree in six decimals."""
    sizes = {"vocab_size": 10, "hidden_size": 1024, "num_hidden_layers": 1, "intermediate_size": 8}
    with torch.random.fork_rng():
        model = BertModel(BertConfig(**sizes, num_attention_heads=1))
    large = models.Bert(bert.tokenizer, model, "large")
    assert say("6.1", large, (1023 / 1024) ** 0.5).startswith("✓")
    assert "One off" in say("6.1", large, (1024 / 1025) ** 0.5)


def test_both_meanings_of_a_median_are_right(small, say):
    """Of an even number of values: the mean of the middle two, or torch's, the lower one."""
    positions = parts(small)[2]
    before = positions.clone()
    try:
        positions[10:40] *= 0.9  # row 39: 1.8 beside six of 1 and six of 1.8
        signs = [say("4.2", small, found)[0] for found in ([5, 39, 50], [5, 50], [5, 10, 50])]
        assert signs == ["✓", "✓", "✗"]
    finally:
        positions.copy_(before)


def test_what_is_worth_seeing_is_shown(bert, say):
    assert "[CLS] token ##ization [SEP]: what is counted" in say("1.1", bert, 4)
    assert "tokens: [CLS] z ##y ##zzy ##va electro" in say("1.2", bert, right_answers("1.2", bert)[0])
    assert "At H = 384 it is 0.998697, at H = 768 it would be 0.999349" in say("6.1", bert, 0.9987)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("line one\nline two " + "y" * 500), "KeyError: 'line one"),
        (SystemExit(3), "SystemExit: 3"),
        (Unusual(), "Unusual"),
        (ValueError("half a character: \ud800"), "ValueError: half a character: \\ud800"),
    ],
)
def test_an_error_is_told_in_one_line_with_its_input(error, words, bert, say):
    reply = say("1.3", bert, raises(error))
    assert f"Your function raised {words}" in reply and len(reply) < 350
    assert reply.endswith("for word='day', vocabulary=<30522 entries>.")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            lambda i, t: torch.einsum("btv,vh->bth", F.one_hot(i, 11), t),
            "a product needs numbers of one kind",
        ),
        (lambda i, t: t.T @ t.T, "no matrix product of [5, 11] and [5, 11]: the two inner"),
        (lambda i, t: t[i] @ t[i], "no matrix product: the second tensor would need 5 rows and has 4"),
        (lambda i, t: t + t[:, :3], "tensors of 5 and 3 numbers along dimension 1 do not go together"),
        (lambda i, t: t[[11]], "there is no row 11 in a table of 11 rows"),
    ],
)
def test_torchs_own_errors_are_said_in_a_sentence(answer, sentence, bert, say):
    reply = say("2.3", bert, answer)
    assert reply.startswith("✗ 2.3 not yet. Your function stops at ids=[[3, 1") and sentence in reply


def test_the_first_place_beyond_the_tolerance_is_named(bert, say):
    def off(x, gamma, beta, eps):
        result = normed(x, gamma, beta, eps) + 1e-4  # 6.2 allows a thousandth
        result[-1, -1, -1] += 1
        return result

    assert "at [1, 2, 5], found" in say("6.2", bert, off)


def test_a_mistake_is_recognised_although_a_later_input_raises(bert, say):
    """Swapped tables raise on a real model, whose segment table has two rows."""
    with pytest.raises(IndexError):
        parts(bert)[1][torch.arange(7)]
    assert "Tables swapped" in say("7.3", bert, layer_with(order=("position", "token_type")))


def spins(*args):
    while True:
        pass


def catches_everything_once(*args):
    try:
        time.sleep(60)
    except BaseException:  # noqa: BLE001
        time.sleep(60)


@pytest.mark.parametrize("answer", [spins, catches_everything_once])
def test_an_answer_that_never_ends_is_stopped(answer, bert, say, monkeypatch):
    monkeypatch.setattr(checking, "SECONDS", 0.3)
    before, start = signal.getsignal(signal.SIGINT), time.perf_counter()
    reply = say("7.2", bert, answer)
    assert "did not finish within 0.3 seconds and was stopped at x=<tensor [2, 3, 8]>" in reply
    assert "did not finish" in checking.Judged(answer, "").reply(1, [])[1]
    assert time.perf_counter() - start < 5
    assert signal.getsignal(signal.SIGINT) is before
    assert not [thread for thread in threading.enumerate() if "watch" in thread.name]
    assert say("7.2", bert, right_answers("7.2", bert)[0]).startswith("✓")


def test_the_limit_is_a_few_seconds():
    assert 3 <= checking.SECONDS <= 6


def test_a_model_of_few_digits_is_checked_with_its_own_tolerance(bert, say):
    """In bfloat16 a sum in another order is off in the third digit."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(hidden_size=36, num_attention_heads=2, num_hidden_layers=1)
        coarse = models.Bert(bert.tokenizer, BertModel(config).bfloat16().eval(), "coarse")
    _, s, p = parts(coarse)
    assert say("3.2", coarse, (p.float() + s[0].float())).startswith("✓")
    assert say("7.3", coarse, layer_with()).startswith("✓")
    assert say("7.3", coarse, layer_with(start=1)).startswith("✗")


def test_a_judge_sees_no_answer_that_is_too_large():
    reply = checking.Judged(list, "").reply(torch.zeros(1).expand(10**9), [])
    assert "too large to look at: a list of 1000000000 numbers." in reply[1]


def test_your_own_interrupt_goes_through(bert, say):
    """As when the kernel's stop button is pressed, and the model's mode is put back all the same."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            say("7.2", bert, lambda *args: signal.raise_signal(signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_late_alarm_hurts_nobody(monkeypatch):
    """It goes off after the call has returned and before the limit is taken away: the result stands."""

    class SlowToSet(threading.Event):
        def set(self):
            time.sleep(0.3)
            super().set()

    slow = SimpleNamespace(**{**vars(threading), "Event": SlowToSet})
    monkeypatch.setattr(checking, "threading", slow)
    assert checking.stopped_after(0.1, lambda: "result") == "result"


def test_the_model_is_left_as_it_was(bert, say):
    before = {name: value.clone() for name, value in bert.model.embeddings.state_dict().items()}
    random = torch.get_rng_state()
    bert.model.embeddings.train()
    try:
        for number in ANSWERS:  # dropout is off in a check
            assert say(number, bert, right_answers(number, bert)[0]).startswith("✓"), number
        assert bert.model.embeddings.dropout.training and not bert.model.encoder.training
    finally:
        bert.model.eval()

    def destroys(weights, *args, **kwargs):
        for table in weights.values():
            table.zero_()

    say("7.3", bert, destroys)
    for name, value in bert.model.embeddings.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in bert.model.parameters())


def test_changing_an_argument_in_place_is_said(bert, say):
    reply = say("6.2", bert, lambda x, *rest: (normed(x, *rest), x.zero_())[0])
    assert reply.startswith("✗") and "changes its own arguments in place" in reply


def test_another_vocabulary_is_named(bert, say):
    cased = SimpleNamespace(tokenizer=bert.tokenizer, model=bert.model, name="cased", uncased=False)
    note = "(This exercise is about the uncased vocabulary; cased has another.)"
    noted = [number for number in ANSWERS if note in say(number, cased, ...)]
    assert {"1.1", "1.2", "1.3"} <= set(noted) and "2.1" not in noted
    assert note not in say("1.1", bert, ...)


@pytest.mark.parametrize("number", ["1.4", "11", "", 7, None, 10**5000, Odd()], ids=range(7))
def test_an_unknown_number_lists_the_numbers(number, bert, say):
    reply = say(number, bert, 1)
    assert reply.startswith("There is no exercise ")
    assert reply.endswith("; this course has " + ", ".join(exercises.numbers()) + ".")


def test_a_wrong_order_of_arguments(bert, say):
    for args in (("1.1", 4, bert), ("1.1", 4), ("1.1",)):
        usage = 'Write check("1.1", bert, your answer), in this order.'
        assert say(*args) == f"✗ 1.1 not checked. {usage}"
    assert say("8.1", 10.33) == '✗ 8.1 not checked. Write check("8.1", answer=your answer).'
    assert say("8.1", answer=10.33).startswith("✓ 8.1")
    assert say(bert, "1.1", 4).startswith("There is no exercise an object of type Bert;")
    assert say(1.1, bert, 4).startswith("✓ 1.1")
    assert say("1.1", bert).startswith("○ 1.1")


def test_progress(bert, say, capsys):
    def shown():
        exercises.progress()
        return capsys.readouterr().out.splitlines()

    assert shown()[0].startswith("No exercise has been checked in this kernel yet")
    say("1.2", bert, "too few words")
    say("1.1", bert, 4, counts=False)  # a solution cell changes nothing
    assert shown() == [
        "1.1  Count the tokens           unanswered",
        "1.2  Five words, twenty tokens  not yet",
        "1.3  Greedy WordPiece           unanswered",
        "0 of 3 right",
    ]
    for answer in (5, 4, 5, ...):  # what was right once stays counted
        say("1.1", bert, answer)
    assert [line.split()[-1] for line in shown()] == ["right", "yet", "unanswered", "right"]
    say("11.1", bert, ...)
    assert [line.split()[0] for line in shown()][:4] == ["1.1", "1.2", "1.3", "11.1"]
