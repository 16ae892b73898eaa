"""Chapters 5 to 7: the sum, LayerNorm, dropout, and the whole layer."""

from functools import partial
from itertools import permutations

import torch
from torch.nn import functional as F  # noqa: N812 (the field's name for it; wrong answers use it)
from torch.overrides import TorchFunctionMode

from ..answers import distance, read
from ..checking import Function, Value, copies, exercise, given
from .tables import SEED, batch_of, generator, rows_up_to, tables, token_ids

# 5 Summation


@exercise("5.1", "How far may rounding go?")
def rounding(bert):
    def otherwise(found):
        if found > 0.0002:
            return "That is never exceeded, true, and neither is a smaller gap: give the smallest."
        return "How many numbers were rounded, and by how much may each have moved?"

    why = "Within this, printed parts agree with a printed sum; beyond it, something else is wrong."
    yield Value(0.0002, why, otherwise, within=1e-8)
    seen = "That is the gap seen here. How far may four numbers be off together, each by the most it can be?"
    yield seen, 0.0001
    yield "That is one number's rounding: how many printed numbers are compared?", 0.00005
    yield "Those are the three parts: the printed sum is rounded too.", 0.00015


@exercise("5.2", "One three-hot vector")
def three_hot(bert):
    words, segments, positions = map(len, tables(bert))
    ids = torch.tensor(token_ids(bert, SEED))
    steps = torch.arange(len(ids))
    width = words + segments + positions

    def ones(*columns, width=width):
        result = torch.zeros(len(ids), width)
        for column in columns:
            result[steps, column] = 1
        return result

    why = "Three lookups and a sum are one matrix product: the layer is linear up to its LayerNorm."
    otherwise = "Check the first token's columns: its id, then past the word rows, then past both."
    yield Value(ones(ids, words, words + segments + steps), why, otherwise)
    no_offsets = "The offsets are missing: the second table's rows come after all of the first."
    yield no_offsets, ones(ids, 0, steps), ones(ids) + ones(0) + ones(steps)
    yield "The position's offset leaves out the segment rows.", ones(ids, words, words + steps)
    yield "Tables swapped: word, segment, position.", ones(ids, words + positions, words + steps)
    yield "Positions start from 1, not 0.", ones(ids, words, words + segments + 1 + steps)
    yield "Only the words are in it: each row has three ones.", ones(ids), ones(ids, width=words)
    yield "That is segment 1: it has to be 0.", ones(ids, words + 1, words + segments + steps)


def nearest_sums(sums, word, segment, position, by=torch.cdist):
    every = word[:, None, None] + segment[None, :, None] + position
    nearest = by(sums, every.flatten(end_dim=2)).argmin(dim=1)
    return torch.stack(torch.unravel_index(nearest, every.shape[:3]), dim=1)


def one_by_one(sums, *tables, order):
    """The nearest row of one table is taken off the sum, then that of the next."""
    found = [None] * 3
    for i in order:
        found[i] = torch.cdist(sums, tables[i]).argmin(dim=1)
        sums = sums - tables[i][found[i]]
    return torch.stack(found, dim=1)


@exercise("5.3", "Read everything back")
def read_everything_back(bert):
    rng = generator()
    toy = [torch.randn(n, 6, generator=rng) for n in (20, 2, 9)]
    words, segments, positions = tables(bert)
    real = words[len(words) // 15 :][:20], segments[:2], positions[:9]
    picked = torch.tensor([[3, 0, 0], [1, 1, 1], [4, 0, 7], [15, 1, 7], [0, 1, 2], [19, 0, 8]])

    def given_sums(picked, *tables):
        rows = [table[column % len(table)] for table, column in zip(tables, picked.T, strict=True)]
        return given(sum(rows), *tables)

    one_way = [table[:4].clone() for table in toy]
    one_way[0][2] = 2 * one_way[0][3] + one_way[1][0] + one_way[2][0]  # two sums of one direction
    inputs = [given_sums(picked, *toy), given_sums(picked[3:4], *toy)]
    inputs += [given_sums(picked[:2], *one_way), given_sums(picked, *real)]
    why = "The sum holds all three, and whoever knows the tables can read them: nothing was destroyed."
    yield Function(nearest_sums, why, inputs)
    direction = "Compared by direction: a sum and its double are the same then. Take the smallest distance."
    yield direction, {"by": lambda a, b: -F.normalize(a) @ F.normalize(b).T}
    greedy = "One after the other: the first row is sought while the others are still in the sum. Compare whole sums."
    for order in permutations(range(3)):
        yield greedy, partial(one_by_one, order=order)
    alone = "Each looked up by itself: the nearest single row need not be in the sum. Compare whole sums."
    for found in "torch.cdist(sums, t).argmin(1)", "(F.normalize(sums) @ F.normalize(t).T).argmax(1)":
        yield alone, f"torch.stack([{found} for t in (word, segment, position)], dim=1)"
    right = "right(sums, word, segment, position)"
    counted = "The places are taken to be 0, 1, 2, …: here any token may stand anywhere."
    yield counted, f"torch.cat([{right}[:, :2], torch.arange(len(sums))[:, None]], dim=1)"
    yield "Only segment 0 is tried.", "right(sums, word, segment[:1], position)"
    columns = "The columns are word, segment, position, in this order."
    yield columns, f"{right}.flip(1)", f"{right}[:, [0, 2, 1]]"
    yield "That is [3, n]: the result has one row for each sum.", f"{right}.T"


# 6 LayerNorm


@exercise("6.1", "The wrong variance")
def wrong_variance(bert):
    h = tables(bert)[0].shape[1]
    right = ((h - 1) / h) ** 0.5
    seen = f"At H = {h} it is {right:.6f}, at H = 768 it would be {(767 / 768) ** 0.5:.6f}: "
    why = f"{seen}small enough to pass a careless comparison, large enough to fail a close one."
    otherwise = "Write both standard deviations down and divide them; give four decimals or more."
    yield Value(right, why, otherwise, decimals=4)
    yield "That is the inverse: dividing by a larger number makes the output smaller.", 1 / right
    yield "Without the root: that is the factor of the variance.", (h - 1) / h
    neighbours = (h / (h + 1)) ** 0.5, ((h - 2) / (h - 1)) ** 0.5
    yield "One off: the two divisors are H and H-1.", *neighbours


def normalise(x, gamma, beta, eps, dims=-1, unbiased=False, eps_outside=False, centre=True, learned=True):
    """LayerNorm, and what becomes of it when one thing in it is wrong."""
    gamma, beta = (gamma, beta) if learned else (1, 0)
    mean = x.mean(dim=dims, keepdim=True) * centre
    variance = x.var(dim=dims, keepdim=True, unbiased=unbiased) if centre else (x**2).mean(dims, keepdim=True)
    spread = variance.sqrt() + eps if eps_outside else (variance + eps).sqrt()
    return (x - mean) / spread * gamma + beta


def layer_norm_mistakes():
    yield "Unbiased variance: torch's default divides by H-1, LayerNorm by H.", {"unbiased": True}
    yield "eps outside the root: it is added to the variance.", {"eps_outside": True}
    yield "Unbiased variance and eps outside the root.", {"unbiased": True, "eps_outside": True}
    over = {1: "tokens", 0: "the batch", (1, 2): "places and numbers", (0, 1, 2): "the whole tensor"}
    for dims, what in over.items():
        wrongs = {"dims": dims}, {"dims": dims, "unbiased": True}
        yield f"Normalising over {what}: normalise each token's own H numbers.", *wrongs
    yield "Nothing is subtracted: that is RMSNorm, LayerNorm takes off the mean first.", {"centre": False}
    yield "gamma and beta are left out.", {"learned": False}


@exercise("6.2", "LayerNorm")
def layer_norm(bert):
    rng, own = generator(), bert.model.embeddings.LayerNorm
    gamma, beta = 1 + torch.randn(6, generator=rng), torch.randn(6, generator=rng)
    x = torch.randn(2, 3, 6, generator=rng)
    rows = tables(bert)[0][torch.tensor([token_ids(bert, SEED)])]
    same = torch.full((1, 2, 6), round(5.85 * 2**17) / 2**17)  # few digits: any mean of it is exact
    far_from_0 = given(x + 300, gamma, beta, 1e-12)
    inputs = [
        given(x, gamma, beta, 0.1),
        given(x * 1e-3, gamma, beta, 1e-5),
        given(5 * x[:1] + 2, gamma, beta, 1e-12),
        given(same, gamma, beta, 1e-12),
        far_from_0,
        given(rows, own.weight.detach(), own.bias.detach(), own.eps),
    ]

    squares_first = "The inputs before are right: do you subtract the mean before you square?"

    def own_work(function):
        """Where torch's own LayerNorm is off by a millionth, so is what is made of it."""
        args, _ = inputs[0]
        found = read(function(*copies(args)))
        with LayerNormOff():
            own = distance(found, read(function(*copies(args)))) > 0
        return "The numbers are right, but they are torch's own: write it yourself." if own else None

    yield Function(
        normalise,
        "It does to any tensor what the layer's own does, up to rounding.",
        inputs,
        lambda i: squares_first if inputs[i] is far_from_0 else "",
        within=1e-3,
        trial=own_work,
    )
    yield from layer_norm_mistakes()
    yield "eps is forgotten: for equal numbers that is 0/0.", "right(x, gamma, beta, 0)"
    yield "gamma and beta are exchanged: beta is added.", "right(x, beta, gamma, eps)"
    no_keepdim = "What is [B, T] cannot be subtracted from x [B, T, H]: keepdim=True keeps [B, T, 1]."
    yield no_keepdim, "x - x.mean(-1)"
    squares = "E[x²] - E[x]² loses its digits when numbers are large: subtract the mean first."
    variance = "((x**2).mean(-1, True) - x.mean(-1, True) ** 2)"
    yield squares, f"(x - x.mean(-1, True)) / ({variance} + eps).sqrt() * gamma + beta"


class LayerNormOff(TorchFunctionMode):
    """Torch, but that its own LayerNorm is off by a millionth."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func.__name__ == "layer_norm":
            return result * (1 + 2**-20)
        return (result[0] * (1 + 2**-20), *result[1:]) if func.__name__ == "native_layer_norm" else result


class SealedBox:
    """A LayerNorm that can only be called; the answer is kept apart from it."""

    def __init__(self, gamma, beta, eps):
        self._call = lambda x: F.layer_norm(x, gamma.shape, gamma, beta, eps)

    def __call__(self, x):
        return self._call(x)

    def __repr__(self):
        return "<a sealed box>"


def beta_left_in(box, hidden, x):
    """What is found when beta is not subtracted before gamma is read off."""
    known = (x - x.mean()) / x.std(correction=0)
    return torch.stack([box(x[None, None])[0, 0] / known, box(torch.zeros(1, 1, hidden))[0, 0]])


@exercise("6.3", "The sealed box")
def sealed_box(bert):
    rng, own = generator(), bert.model.embeddings.LayerNorm
    learned = {h: (1 + torch.randn(h, generator=rng), torch.randn(h, generator=rng)) for h in (6, 4)}
    learned[len(own.bias)] = own.weight.detach().float(), own.bias.detach().float()
    eps = zip(learned, (1e-12, 0.1, own.eps), strict=True)
    yield Function(
        lambda box, hidden: torch.stack(learned[hidden]),
        "All that a LayerNorm has learned is in these two, and two calls are enough to see it.",
        [given(SealedBox(*learned[h], e), h) for h, e in eps],
        "Zeros show beta. For gamma put in a vector that you have normalised yourself, and make its numbers "
        "large: one of the boxes has an eps of 0.1.",
        within=1e-3,
    )
    yield "The two are exchanged: gamma first, then beta.", "right(box, hidden).flip(0)"
    both = "right(box, hidden) * torch.tensor([[{}], [{}]])"
    unbiased = "Divided by H - 1 when you normalised: LayerNorm divides by H (`correction=0`)."
    yield unbiased, both.format("(hidden / (hidden - 1)) ** 0.5", 1.0)
    for probe in "(torch.arange(hidden) == 0)", "(-1.0) ** torch.arange(hidden)":
        left_in = f"beta_left_in(box, hidden, 1000.0 * {probe})"
        yield "Beta is still in your gamma: subtract it before you divide.", left_in
    yield "Beta is left out: what comes out for a vector of zeros?", both.format(1.0, 0.0)


# 7 Dropout and the whole layer


@exercise("7.1", "How many zeros?")
def zeros(bert):
    p, h = bert.model.config.hidden_dropout_prob, tables(bert)[0].shape[1]
    t = len(token_ids(bert, SEED))
    why = "Dropout decides for every number on its own, so about this many are zero in each pass."
    otherwise = "How many numbers does the layer give for this sentence, and what share is dropped?"
    yield Value(p * t * h, why, otherwise, within=0.5)
    yield "Those are the survivors: p is the chance of being dropped.", (1 - p) * t * h
    yield "That is one token: the sentence has more.", p * h
    yield "[CLS] and [SEP] are left out: their numbers are dropped, too.", p * (t - 2) * h
    yield "That counts tokens: dropout acts on single numbers, not on whole tokens.", p * t
    yield "Those are all the numbers: only a share p of them is dropped.", t * h
    yield "Rounded down: what is expected on average need not be a whole number.", int(p * t * h)


@exercise("7.2", "Inverted dropout")
def dropout(bert):
    rng = generator()
    x = torch.randn(2, 3, 8, generator=rng)
    inputs = [given(x, (torch.rand(x.shape, generator=rng) > p).float(), p) for p in (0.1, 0.25, 0.5)]
    inputs += [given(x[:1, :1], torch.ones(1, 1, 8), 0.1)]
    why = "On average each number keeps its size, so eval mode has nothing to correct."
    yield Function(lambda x, keep, p: x * keep / (1 - p), why, inputs)
    yield "Not rescaled: the survivors make up for what is dropped.", "x * keep"
    yield "Multiplied by 1-p: the survivors have to grow.", "x * keep * (1 - p)"
    yield "Divided by p: the share that is kept is another one.", "x * keep / p"
    yield "The mask is inverted: 1 means kept.", "x * (1 - keep) / (1 - p)"
    yield "Whole tokens are dropped: look at all of keep.", "x * keep[..., :1] / (1 - p)"
    yield "Nothing is dropped: multiply by the mask.", "x / (1 - p)"


# Of a small layer, in the order of its state_dict.
SIZES = {"word_embeddings": 20, "position_embeddings": 9, "token_type_embeddings": 9}


def whole_layer(weights, input_ids, token_type_ids=None, position_ids=None, eps=1e-12, **wrong):
    """The layer by hand, and what becomes of it when one thing in it is wrong."""
    word, position, segment = (weights[f"{name}.weight"] for name in SIZES)
    gamma, beta = weights["LayerNorm.weight"], weights["LayerNorm.bias"]
    norm, words = wrong.get("norm", normalise), word[input_ids]
    if "swapped" in wrong:
        segment, position = position, segment
    if token_type_ids is None or "no_types" in wrong:
        token_type_ids = torch.full_like(input_ids, wrong.get("default_type", 0))
    if position_ids is None or "no_positions" in wrong:
        position_ids = torch.arange(input_ids.shape[1]) + wrong.get("first", 0)
    rest = segment[token_type_ids] + position[position_ids]
    if "norm_first" in wrong:
        return norm(words, gamma, beta, eps) + rest
    return norm(words + rest, gamma, beta, eps)


@exercise("7.3", "The whole layer, from the tables up")
def layer(bert):
    own, rng = bert.model.embeddings, generator()
    toy = {f"{name}.weight": torch.randn(n, 6, generator=rng) for name, n in SIZES.items()}
    toy |= {"LayerNorm.weight": 1 + torch.randn(6, generator=rng)}
    toy |= {"LayerNorm.bias": torch.randn(6, generator=rng)}
    ids, types = torch.tensor([[[3, 1, 4, 15], [9, 2, 0, 0]], [[0, 0, 1, 1], [0, 1, 0, 0]]])
    places = torch.tensor([[4, 3, 2, 1]])
    batch = batch_of(bert, [("good day", "is it"), (SEED, "yes")])
    weights = {name: value.detach() for name, value in own.state_dict().items()}
    weights["word_embeddings.weight"] = rows_up_to(batch["input_ids"], tables(bert)[0])
    eps = own.LayerNorm.eps
    yield Function(
        whole_layer,
        "You have built BERT's embedding layer: same weights in, same numbers out, up to rounding.",
        [
            given(toy, ids[:1], eps=0.1),
            given(toy, ids, types, eps=0.1),
            given(toy, ids, token_type_ids=types, position_ids=places, eps=1e-3),
            given(toy, ids, position_ids=torch.cat([places, places.flip(1)]), eps=1e-12),
            given(weights, batch["input_ids"], token_type_ids=batch["token_type_ids"], eps=eps),
        ],
    )
    yield "Tables swapped: segment ids look up the segment table.", {"swapped": True}
    yield "Positions start from 1: the first token is at 0.", {"first": 1}
    all_1 = "Segment ids all 1: a single sentence uses row 0, and a pair brings its own."
    yield all_1, {"no_types": True, "default_type": 1}, {"default_type": 1}
    yield "LayerNorm before the sum: first add, then normalise.", {"norm_first": True}
    yield "That is the sum: LayerNorm is missing.", {"norm": lambda x, g, b, e: x}
    fixed = [{"norm": lambda x, g, b, _, e=e: normalise(x, g, b, e)} for e in (1e-12, 1e-5, eps)]
    yield "eps is always the same: use the one that is handed in.", *fixed
    for diagnosis, *changes in layer_norm_mistakes():
        yield diagnosis, *({"norm": partial(normalise, **change)} for change in changes)
    yield "position_ids is ignored: use it when it is given.", {"no_positions": True}
    yield "token_type_ids is ignored: use it when it is given.", {"no_types": True}
