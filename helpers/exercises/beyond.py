"""Chapters 8 to 11: how tables learn and what they learned, other models, the clinic."""

import math
import re
from collections.abc import Mapping
from functools import partial
from itertools import combinations, permutations

import torch
from torch.nn import functional as F  # noqa: N812 (the field's name for it; wrong answers use it)

from ..answers import blank, was_read
from ..checking import Function, Judged, Value, exercise, given
from ..wording import describe, short
from .layer import normalise, whole_layer
from .tables import generator, rows_up_to, tables, token_ids

# 8 How tables learn


@exercise("8.1", "The first loss", alone=True)
def first_loss(_):
    v = 30522
    why = (
        "That is what equal chances cost. A fresh BERT starts a little above it, since its logits are not quite equal; "
        "where it also learns whether two texts belong together, that adds about ln 2."
    )
    otherwise = "A model that knows nothing gives each of the V tokens the same chance: what is -ln of it?"
    # ln V is 10.33; fresh models of bert-base-uncased's sizes were measured at 10.56, with next sentences at 11.26.
    yield Value(math.log(v), why, otherwise, within=0.06, also=lambda x: x.numel() == 1 and 10.3 < x < 11.34)
    yield "That is with the logarithm to base 10: a loss uses the natural one.", math.log10(v)
    yield "That is with the logarithm to base 2: a loss uses the natural one.", math.log2(v)
    yield "The sign: a surprise is positive, minus the logarithm of the chance.", -math.log(v)
    yield "That is the chance: the loss is minus its logarithm.", 1 / v
    yield "That is how many tokens there are to choose from: take the logarithm.", v
    yield "That is for this notebook's 64 tokens: here there are 30,522.", math.log(64)


@exercise("8.2", "The way out, by hand", alone=True)
def way_out(_):
    def gradient(vector, table, token_id):
        chances = torch.softmax(table @ vector, dim=0)
        return torch.outer(chances - F.one_hot(token_id, len(table)), vector)

    rng = generator()
    inputs = [
        given(torch.randn(4, generator=rng), torch.randn(v, 4, generator=rng), torch.tensor(i))
        for v, i in ((6, 2), (3, 0), (9, 8))
    ]
    inputs.append(given(inputs[0][0][0], torch.zeros(6, 4), torch.tensor(1)))  # knows nothing
    why = (
        "Wrong rows step away from the vector by their chance, the right one towards it by all that was missing. "
        "In every step, for every row: this is what keeps [PAD] and the unused rows moving."
    )
    yield Function(gradient, why, inputs, "Each row is the same vector, times a number.", within=1e-4)
    right, chances = "right(vector, table, token_id)", "(table @ vector).softmax(0)"
    hit, outer = "F.one_hot(token_id, len(table))", "torch.outer({}, vector)"
    no_one = "The right token is treated like the wrong ones: its number is its chance minus 1."
    yield no_one, outer.format(chances)
    yield "The sign is the other way round: that is the step, against the gradient.", f"-{right}"
    logits = outer.format("table @ vector"), outer.format(f"table @ vector - {hit}")
    yield "Those are the logits: softmax makes chances of them.", *logits
    yield "Transposed: the gradient has the table's shape, [V, H].", f"{right}.T"
    one_row = "Only the right row moves: softmax ties all chances together, so the wrong rows move, too."
    yield one_row, outer.format(f"-{hit}"), f"{right} * {hit}[:, None]"
    yield "1 is taken from every row: only the right one is.", outer.format(f"{chances} - 1")
    for_vector = "That is the gradient for the vector, [H]: here the table is asked for."
    yield for_vector, f"table.T @ ({chances} - {hit})"


@exercise("8.3", "Two lives of may", alone=True)
def two_lives(_):
    def judge(answer):
        if not was_read(answer) or answer.numel() != 4:
            return f"Expected four cosines: months, new words, numbers, animals; found {describe(answer)}."
        if answer.isnan().any():
            return "One of them is not a number: was something divided by a length of 0?"
        if answer.abs().max() > 1.001:
            return "A cosine lies between -1 and 1: divide by both lengths."
        months, modals, *others = answer.flatten().tolist()
        other, lower = max(0.1, *others), min(months, modals)
        if lower > other + 0.15:
            return None
        if max(months, modals, other) < 0.35:
            return "None of the four is large: is that the table before the training?"
        if other > max(months, modals):
            return "The largest belongs to a list without may: check the order, and that the ids are the new ones."
        if other > 0.1:
            name = ("numbers", "animals")[others.index(other)]
            return f"May's {lower:.2f} is not clearly above that of the {name}, {other:.2f}: train a little longer?"
        if lower > other:
            return f"May's {lower:.2f} with one of its two lists is still low: train a little longer?"
        if months > modals:
            return "May is among the months alone: was the model trained on the text of the five lists?"
        return "May is among the new words alone: is it still in the list of months, too?"

    yield Judged(
        judge,
        lambda answer: (
            "Cosine {:.2f} with the months, {:.2f} with the new words: one form has one row, so two meanings share it. "
            "Only the words around can tell them apart.".format(*answer.flatten().tolist())
        ),
    )


# 9 What the tables learned


@exercise("9.1", "Neighbours of apple", uncased=True)
def neighbours(bert):
    words, vocabulary = tables(bert)[0].float(), bert.tokenizer.get_vocab()
    apple = vocabulary.get("apple")
    if apple is None:
        raise ValueError("its vocabulary lacks apple")

    def nearest(scores, skip=(apple,)):
        scores = scores.index_fill(0, torch.tensor(skip, dtype=torch.long), -torch.inf)
        return bert.tokenizer.convert_ids_to_tokens(scores.topk(3).indices.tolist())

    products, lengths = words @ words[apple], words.norm(dim=1)
    cosines = products / lengths.clamp(min=1e-8)  # a row of zeros has no neighbours
    right = nearest(cosines)

    def otherwise(found):
        if sorted(found) == sorted(right):
            return "The right three, in another order: the nearest comes first."
        for token in found:
            if token not in vocabulary:
                hint = " Its words have small letters." * (token.lower() in vocabulary)
                hint += " A token inside a word begins with ##." * (f"##{token}" in vocabulary)
                return f"{token[:40]!r} is not in the vocabulary.{hint}"
        count = len(set(found) & set(right))
        return f"{count} of the three are right: compare all rows with apple's by cosine."

    why = "One row serves every sense of a word; its neighbours may show which sense weighs most."
    yield Value(right, why, otherwise)
    yield "apple itself is among them: leave it out.", nearest(cosines, skip=())
    yield "Those are the largest dot products: long rows win those.", nearest(products)
    by_distance = nearest(products - lengths**2 / 2)  # |a-b|² is |a|² + |b|² - 2ab
    yield "Those are the nearest by distance: compare angles.", by_distance
    yield "Those are the farthest: the largest cosine is the nearest.", nearest(-cosines)
    yield "Those are ids: hand in the tokens.", bert.tokenizer.convert_tokens_to_ids(right)


@exercise("9.2", "Does the day go round?", uncased=True)
def day_in_a_ring(bert):
    times = ["morning", "noon", "afternoon", "evening", "night", "midnight"]
    ids = bert.tokenizer.convert_tokens_to_ids(times)
    rows = tables(bert)[0][ids]
    if len(set(ids)) < 6 or rows.shape[1] < 2:
        raise ValueError("the six times need a row each, of two numbers or more")
    rows = F.normalize(rows.double(), dim=1)
    nearest = (rows @ rows.T).fill_diagonal_(-2).argmax(dim=1).tolist()  # -2: not itself

    def counts(next_door):
        """For every order, the right one first: how many times have their nearest next door."""
        for place in permutations(range(6)):
            yield sum(abs(place[i] - place[j]) in next_door for i, j in enumerate(nearest))

    ring, line = list(counts({1, 5})), list(counts({1}))
    as_good = sum(count >= ring[0] for count in ring)
    better = sum(count > ring[0] for count in ring)
    why = (
        f"{ring[0]} of 6 are next door, and {as_good} of the 720 orders do as well: in so many cases chance "
        "would draw this ring, too."
    )
    otherwise = "In each of the 720 orders, count those whose nearest other one is next door."
    yield Value(as_good / 720, why, otherwise, decimals=3)
    yield "That counts the orders: divide by how many there are.", as_good
    yield "In percent: give a number between 0 and 1.", 100 * as_good / 720
    yield "Orders that do just as well count, too: at least as high.", better / 720
    yield "Orders that do better count, too: at least as high.", (as_good - better) / 720
    yield "The right order is one of the 720: count it, too.", (as_good - 1) / 720
    not_closed = sum(count >= line[0] for count in line) / 720
    yield "The circle is not closed: midnight and morning are next door, too.", not_closed
    yield "That is the count itself: in what share of the orders is it reached?", ring[0]


def best_row(a, b, c, table, sign=1, leave_out="abc", scores_of=torch.matmul, scale=F.normalize):
    """The id nearest to b - a + c, and what becomes of it when one thing in it is wrong."""
    scores = scores_of(scale(table), sign * (table[b] - table[a]) + table[c])
    scores[[{"a": a, "b": b, "c": c}[name] for name in leave_out]] = -torch.inf
    return int(scores.argmax())


@exercise("9.3", "An honest analogy")
def analogy(bert):
    rng = generator()
    toys = [torch.randn(12, 4, generator=rng) * torch.rand(12, 1, generator=rng).exp() for _ in range(6)]
    inputs = [given(i, i + 3, i + 5, toy) for toy in toys for i in range(6)]
    beside = toys[0].index_copy(0, torch.tensor([3, 5]), toys[0][0] * torch.tensor([[1.5], [1.4]]))
    inputs += [given(0, 3, 5, beside)]  # b - a + c points where a does
    ids = token_ids(bert, "good day it")[1:4]
    inputs += [given(*ids, rows_up_to(ids, tables(bert)[0]))]
    why = "Report it with and without the three query words: much of the success may lie in leaving them out."
    yield Function(best_row, why, inputs)
    plainly = {"scale": lambda table: table}
    yield "The query words are not excluded: leave those three out.", {"leave_out": ""}
    yield "Only b and c are left out: a is no answer either.", {"leave_out": "bc"}
    yield "The sign is the other way round: a is to b as c is to the result.", {"sign": -1}
    yield "A dot product: long rows win, divide by the lengths.", plainly
    by_distance = plainly | {"scores_of": lambda table, goal: -(table - goal).norm(dim=1)}
    yield "Euclidean distance: the question is about the angle.", by_distance
    yield "That is a text, not an id.", lambda *args: bert.tokenizer.decode([best_row(*args)])


# 10 The layer in other models


@exercise("10.1", "What ALBERT saves", alone=True)
def albert_saves(_):
    v, h, e = 30_000, 4096, 128
    why = "A factor of 28: a word's row knows nothing of its sentence, so it need not be wide, say ALBERT's authors."
    otherwise = "V rows of 4,096 numbers, less V rows of 128 and a projection from 128 to 4,096."
    right = v * h - (v * e + e * h + h)
    yield Value(right, why, otherwise)
    yield "The projection's bias is forgotten: it has one number for each output.", right + h
    yield "The projection is forgotten: what makes 4,096 numbers of 128?", v * h - v * e
    yield "That is what ALBERT needs: how much less is it than V rows of 4,096?", v * e + e * h + h
    yield "That is the wide table: take off what ALBERT needs instead.", v * h
    yield "That is ALBERT base, with H = 768: here H is 4,096.", v * 768 - (v * e + e * 768 + 768)
    yield "The sign: how many fewer?", -right


@exercise("10.2", "Who is it?", alone=True)
def who_is_it(_):
    # A distilled one has its shapes.
    right = ["gpt2 distilgpt2", "distilbert", "debertav3", "roberta distilroberta"]
    known = {
        "a gpt": "GPT has 512 places: this one has 1,024.",
        "b mpnet": "MPNet counts as RoBERTa does, so it needs more than 512 places.",
        "b bert": "BERT has a segment table: here none is listed.",
        "c modernbert": "ModernBERT has no beta: here LayerNorm has a bias.",
        "c deberta": "The first DeBERTa it could be by its parts, but it has 50,265 tokens: look at V.",
        "d bert": "BERT has two segment rows and 512 places: look at both numbers.",
        "d xlmr": "XLM-R it could be by its parts, but not by its vocabulary: look at V.",
        "d camembert": "CamemBERT it could be by its parts; its French vocabulary is smaller.",
    }

    def judge(answer):
        if not isinstance(answer, list) or not all(isinstance(name, str) for name in answer):
            return f"Expected four names in quotes, in a list; found {describe(answer)}."
        if len(answer) != 4:
            return f"Expected four names, found {len(answer)}."
        found = [
            re.sub("base|small|uncased|openai|[^a-z0-9]", "", name.lower().rpartition("/")[2])
            for name in answer
        ]
        for letter, written, name, wanted in zip("abcd", answer, found, right, strict=True):
            if name not in wanted.split():
                hint = "what is missing there, and how many places are there?"
                return f"{letter}: {known.get(f'{letter} {name}', f'not {written[:30]!r}: {hint}')}"
        return None

    yield Judged(
        judge, "Names and shapes tell with which tables a model begins, before a single number is read."
    )


def first_transformer(table, ids, scale=True, first=0, step=2, turns=False, swapped=False):
    """The layer of the first Transformer, and what becomes of it when one thing in it is wrong."""
    h, i = table.shape[1], torch.arange(table.shape[1] // 2)
    angles = (torch.arange(ids.shape[1])[:, None] + first) / 10_000 ** (step * i / h)
    pair = (angles.cos(), angles.sin()) if swapped else (angles.sin(), angles.cos())
    places = torch.stack(pair, dim=-1).flatten(-2) if turns else torch.cat(pair, dim=-1)
    return table[ids] * (h**0.5 if scale else 1) + places


@exercise("10.3", "The first Transformer", alone=True)
def the_first_transformer(_):
    rng = generator()
    ids = torch.tensor([[3, 1, 4, 1], [2, 0, 0, 5]])
    inputs = [given(torch.randn(7, h, generator=rng), ids[:b, :t]) for h, b, t in ((6, 1, 3), (8, 2, 4))]
    inputs.append(given(torch.randn(3, 4, generator=rng), torch.zeros(1, 40, dtype=torch.long)))
    why = "No row for a place is learned or stored: any place can be computed, also the 10,000th. "
    why += "What a model makes of it is another question."
    yield Function(first_transformer, why, inputs, within=1e-4)
    yield "The rows are not multiplied by the root of H.", {"scale": False}
    root = "table.shape[1] ** 0.5"
    summed = "The sum is multiplied: only the rows are, before the places are added."
    yield summed, f"(right(table, ids) + table[ids] * (1 - {root})) * {root}"
    yield "Sines and cosines in turns, as in the paper: here all sines come first.", {"turns": True}
    yield "The cosines come first: sines, then cosines.", {"swapped": True}
    yield "Places from 1: the first token is at 0.", {"first": 1}
    yield "The exponent is i/H: it is 2i/H, so that it runs from 0 to nearly 1.", {"step": 1}
    yield "The places are missing: those are the scaled rows.", f"table[ids] * {root}"
    more = f"right(table, ids) + table[ids] * (table.shape[1] - {root})"
    yield "Multiplied by H: it is the root of H.", more


# 11 Clinic


class Patient:
    """The loaded model's layer made by hand, with what `PATIENTS` says wrong in it; see `patient`."""

    def __init__(self, bert, number):
        own = bert.model.embeddings
        self.weights = {name: value.detach() for name, value in own.named_parameters()}
        self.places, self.eps = own.position_embeddings.num_embeddings, own.LayerNorm.eps
        self.padding, self.number = bert.tokenizer.pad_token_id, number

    def __repr__(self):
        return f"patient {self.number}"

    def __call__(self, input_ids, token_type_ids=None, position_ids=None):
        return PATIENTS[self.number][2](self, input_ids, token_type_ids, position_ids)

    def right(self, ids, types=None, places=None, **wrong):
        """The layer as it should be, but for what `whole_layer` is told to do wrong."""
        return whole_layer(self.weights, ids, types, places, **{"eps": self.eps} | wrong)


def made(**wrong):
    return lambda layer, *inputs: layer.right(*inputs, **wrong)


def counted_from_1(layer, ids, types, places):
    from_1 = torch.arange(1, ids.shape[1] + 1).clamp(max=layer.places - 1)
    return layer.right(ids, types, from_1 if places is None else places)


def other_eps(layer, *inputs):
    """PyTorch's default where the model has BERT's; BERT's where the model has PyTorch's."""
    return layer.right(*inputs, eps=1e-5 if layer.eps < 1e-6 else 1e-12)


def padding_zeroed(layer, ids, *others):
    return layer.right(ids, *others) * (ids != layer.padding).unsqueeze(-1)


def clamped(layer, ids, types, places):
    """The second half of the position table is never used."""
    places = torch.arange(ids.shape[1]) if places is None else places
    return layer.right(ids, types, places.clamp(max=layer.places // 2 - 1))


def first_types_for_all(layer, ids, types, places):
    """Every text of a batch gets the token types of its first."""
    return layer.right(ids, types if types is None else types[:1].expand_as(ids), places)


QUOTIENT = "divide the lengths of (output - beta) by the model's, token by token: it is"
NO_MORE = "its two vectors differ by what the two position rows differ by, up to rounding"
# What is wrong with each, which probe tells it, and what it does; the last three are not asked for by name.
PATIENTS = {
    0: ("segments ignored", "a pair: only its second text comes out wrong",
        lambda layer, ids, types, places: layer.right(ids, None, places)),
    1: ("norm over tokens", "change the last word: in a right layer no other token's vector moves",
        made(norm=partial(normalise, dims=1))),
    2: ("places from 1", "hand over the places 0, 1, 2, … yourself: then nothing is wrong any more",
        counted_from_1),
    3: ("dropout on", "call it twice with the same ids: a right layer gives the same numbers",
        lambda layer, *inputs: F.dropout(layer.right(*inputs), 0.1)),
    4: ("norm first", f"one word at two places: {NO_MORE}", made(norm_first=True)),
    5: ("other eps", f"{QUOTIENT} another number for each", other_eps),
    6: ("healthy", "every probe: whatever you feed it, the difference is rounding", made()),
    7: ("unbiased variance", f"{QUOTIENT} the same number for all, the root of (H-1)/H",
        made(norm=partial(normalise, unbiased=True))),
    8: ("[PAD] zeroed", "a padded batch: look at the places of [PAD]", padding_zeroed),
    9: ("", "what may a caller hand over that no probe of yours does?",
        lambda layer, ids, types, places: layer.right(ids, types)),
    10: ("", "how long is the longest text that you feed?", clamped),
    11: ("", "do two texts of one batch differ in all that they may differ in?", first_types_for_all),
}  # fmt: skip
NAMES = {name for name, *_ in PATIENTS.values()} - {""} | {"no gamma"}  # possible answers


def patient(bert, number):
    """A layer made by hand with the loaded model's tables, mostly with one thing wrong in it.

    It is called as `model.embeddings` is: ids [B, T], if you like token_type_ids and position_ids
    of that shape, and it returns [B, T, H]. Raises a KeyError if no patient has this number.
    """
    if number not in PATIENTS:
        raise KeyError(f"There is no patient {number}; there are 0 to {max(PATIENTS)}.")
    return Patient(bert, number)


def named(faults, known, each="patient"):
    """The question which fault each has: `faults` is {number: (its name, what tells it, …)}, `known` are all names."""
    numbers = ", ".join(map(str, faults))

    def letters(name):
        return re.sub("[^a-z]", "", str(name).lower())

    def judge(found):
        if isinstance(found, list) and len(found) == len(faults):
            found = dict(zip(faults, found, strict=True))
        if not isinstance(found, Mapping):
            form = f'{{{min(faults)}: "a name", …}} for {each}s {numbers}'
            return f"Expected {form}; found {describe(found)}."
        found = {next(iter(re.findall(r"\d+", str(key))), str(key)): name for key, name in found.items()}
        for number in map(str, faults):
            if blank(found.get(number)):
                return f"No name is given for {each} {number} yet."
        for number in found:
            if number not in map(str, faults):
                return f"There is no {each} {number[:40]} in this exercise: it asks for {numbers}."
        for n in faults:
            if letters(found[str(n)]) not in map(letters, known):
                return f"{short(found[str(n)])}, for {each} {n}, is not in the table of names."
        wrong = [n for n in faults if letters(found[str(n)]) != letters(faults[n][0])]
        if wrong:
            right, tells = len(faults) - len(wrong), faults[wrong[0]][1]
            return f"{right} of {len(faults)} right. What tells {each} {wrong[0]}: {tells}."

    told = "; ".join(f"{n}, {tells}" for n, (_, tells, *_) in faults.items())
    return Judged(judge, f"What tells each of them at once: {told}.")


@exercise("11.1", "Four patients")
def four_patients(bert):
    yield named({n: PATIENTS[n] for n in (1, 2, 3, 4)}, NAMES)


@exercise("11.2", "Four more")
def four_more(bert):
    yield named({n: PATIENTS[n] for n in (5, 6, 7, 8)}, NAMES)


@exercise("11.3", "A stricter checklist")
def stricter(bert):
    own = bert.model.embeddings
    if own.token_type_embeddings.num_embeddings < 2:
        raise ValueError("with one segment row some of its faults cannot show")
    yield Function(
        lambda layer, reference: layer is reference or layer.number == 6,
        "It tells sick layers that you have not seen. It proves none right: the next fault is one "
        "that no probe of yours varies.",
        [given(own, own), *(given(Patient(bert, number), own) for number in PATIENTS)],
        "(1 is True: it agrees with the reference; 0 is False.)",
    )
    yield "It rejects the model's own layer.", "False"
    by_hand = "It rejects a healthy layer made by hand: for its rounding, or as it is no nn.Module?"
    yield by_hand, "layer is reference"
    yield "It passes every layer: return what the comparison says.", "True"
    for count in (3, 2, 1):
        for some in combinations((9, 10, 11), count):
            names = " and ".join(f"patient {n}" for n in some)
            passes = f"right(layer, reference) or layer.number in {some}"
            yield f"All are told but {names}. Patient {some[0]}: {PATIENTS[some[0]][1]}", passes
