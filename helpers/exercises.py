"""The course's exercises: what is right, why it matters, and what each known mistake looks like.

One function an exercise. `right` is computed from the loaded model; a mistake is (what it looks like and
where to look, the wrong answer): a value, or a small function that is wrong in this one way and is run on
the same inputs. How an answer is read, tried and compared is in checking.py.
"""

import random
from functools import partial
from statistics import median, median_low
from types import MappingProxyType

import torch
from torch.nn import functional as F  # noqa: N812 (the field's name for it)

from helpers.checking import Answer, check, exercise, given, progress

__all__ = ["check", "progress"]

SEED = "today is a good day"
PADDED = ["good day", SEED]


def tables(bert):
    """The word, segment and position tables: [V, H], [S, H], [P, H]."""
    layer = bert.model.embeddings
    parts = (layer.word_embeddings, layer.token_type_embeddings, layer.position_embeddings)
    return [part.weight.detach() for part in parts]


def token_ids(bert, *text):
    return bert.tokenizer(*text)["input_ids"]


def rows_up_to(ids, table):
    """Enough of a table for these ids: less to copy for each try."""
    return table[: int(torch.as_tensor(ids).max()) + 1]


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def generator():
    return torch.Generator().manual_seed(0)


# 0 Start here


@exercise("0.1", "The width of a row")
def width(bert):
    words, _, positions = tables(bert)
    return Answer(
        right=words.shape[1],
        why="Every token is described by this many numbers, in each table and in what the layer gives.",
        mistakes=[
            ("That is how many rows the word table has: look at its columns.", len(words)),
            ("That is how many positions there are: look at the second number of the shape.", len(positions)),
            ("That is how many tokens the sentence has: look at a row's length.", len(token_ids(bert, SEED))),
        ],
        otherwise="Look at the last number of the word table's shape.",
    )


# 1 Tokenizing


@exercise("1.1", "Count the tokens", uncased=True)
def count_the_tokens(bert):
    count = len(token_ids(bert, "tokenization"))
    return Answer(
        right=count,
        why="What is counted, stored and paid for is tokens, and every text brings [CLS] and [SEP].",
        mistakes=[
            ("Those are the word pieces alone: look at the first and the last id, too.", count - 2),
            ("That counts words: one word may be several word pieces, look at the tokens themselves.", 1),
            ("That is one word and two special tokens: is the word in the vocabulary as a whole?", 3),
            ("That counts characters: look at what convert_ids_to_tokens gives.", len("tokenization")),
            ("That is characters and two special tokens: look at what convert_ids_to_tokens gives.", 14),
        ],
        otherwise="Call the tokenizer on the word, and count what is in input_ids.",
    )


@exercise("1.2", "Five words, twenty tokens", uncased=True)
def five_words(bert):
    def judge(text):
        if not isinstance(text, str):
            return "Expected a text in quotes, the sentence itself."
        words = text.split()
        if len(words) != 5:
            return f"That is not five words but {len(words)}, counted by the spaces between them."
        odd = next((word for word in words if not word.isalpha()), None)
        if odd is not None:
            return f"{odd[:40]!r} has digits, symbols or punctuation in it: use words of letters only."
        unknown = next((w for w in words if bert.tokenizer.unk_token in bert.tokenizer.tokenize(w)), None)
        if unknown is not None:
            return (
                f"The word {unknown[:20]}… of {len(unknown)} characters became a single [UNK], so its pieces are "
                "lost: over 100 characters, or with a character the vocabulary lacks, a word is unknown."
            )
        count = len(token_ids(bert, text))
        if count < 20:
            return f"It gives {count} tokens with [CLS] and [SEP]: rarer and longer words have more pieces."
        return None

    return Answer(
        right=None,
        why="A model's places are for tokens, so how many words fit depends on the words.",
        otherwise=judge,
    )


def wordpiece(word, vocabulary, mark="##", limit=100, shortest=False, keep_matched=False, marked_result=True):
    """Greedy WordPiece, and what becomes of it when one thing in it is wrong."""
    if len(word) > limit:
        return ["[UNK]"]
    pieces, start = [], 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        for end in ends if shortest else reversed(ends):
            piece = (mark if start else "") + word[start:end]
            if piece in vocabulary:
                pieces.append(piece if marked_result else word[start:end])
                start = end
                break
        else:
            return [*pieces, "[UNK]"] if keep_matched else ["[UNK]"]
    return pieces


@exercise("1.3", "Greedy WordPiece", uncased=True)
def greedy_wordpiece(bert):
    dice, vocabulary = random.Random(0), MappingProxyType(bert.tokenizer.get_vocab())
    words = ["day", "embeddings", "unaffable", "tokenization", "good🙂", "🙂", "a", "goodness", "zyzzyva"]
    words += ["antidisestablishmentarianism", "snowboarding", "x" * 100, "x" * 101, "y" * 150]
    words += ["".join(dice.choices("abcdefghijklmnoprstuwy", k=dice.randint(2, 14))) for _ in range(100)]

    no_mark = "A piece that continues a word is written with ## in the vocabulary: look at your second piece."
    return Answer(
        right=lambda word, vocabulary: bert.tokenizer.tokenize(word),
        why="This loop is the whole algorithm: with a fixed vocabulary nothing is learned or guessed here.",
        inputs=[given(word, vocabulary) for word in words],
        mistakes=[
            (no_mark, partial(wordpiece, mark="")),
            (no_mark, partial(wordpiece, marked_result=False)),
            ("The shortest match is taken: start from the word's end.", partial(wordpiece, shortest=True)),
            ("Pieces are kept beside [UNK]: all is unknown then.", partial(wordpiece, keep_matched=True)),
            ("There is no limit: what if a word has over 100 characters?", partial(wordpiece, limit=10**6)),
            ("Those are ids: hand back the pieces.", lambda w, v: [v[piece] for piece in wordpiece(w, v)]),
        ],
    )


# 2 Word embeddings


@exercise("2.1", "Every parameter of a bigger layer")
def parameters_when_bigger(bert):
    _, segments, positions = tables(bert)
    (s, h), v, p = segments.shape, 50_000, 1_024
    # with two segments, leaving them out gives the same number as leaving out LayerNorm
    segments_too = " Or are the two segments missing?" if s == 2 else ""
    return Answer(
        right=(v + p + s) * h + 2 * h,
        why="Nearly all of it is the word table: the vocabulary is what the layer costs.",
        mistakes=[
            (f"Only 2-D parameters, without LayerNorm's two vectors?{segments_too}", (v + p + s) * h),
            ("H too few: LayerNorm has two vectors, a weight and a bias.", (v + p + s) * h + h),
            ("That is the word table alone: what else is in model.embeddings?", v * h),
            ("That is the loaded model's own layer: change both sizes.", parameters(bert.model.embeddings)),
            ("The positions are the loaded model's: change them.", (v + len(positions) + s) * h + 2 * h),
            ("The segments are missing: the layer has a third table.", (v + p) * h + 2 * h),
        ],
        otherwise="Add up rows times columns of each table, and what LayerNorm learns.",
    )


@exercise("2.2", "Rows that learn")
def rows_that_learn(bert):
    batch = bert.tokenizer(PADDED, padding=True, return_tensors="pt")
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    words, _, _ = tables(bert)
    with torch.enable_grad():
        table = rows_up_to(ids, words).clone().requires_grad_()
        out = torch.func.functional_call(bert.model.embeddings, {"word_embeddings.weight": table}, (ids,))
        # not out.sum(): LayerNorm makes that a constant, with hardly a gradient
        (gradient,) = torch.autograd.grad((out * torch.randn(out.shape, generator=generator())).sum(), table)
    distinct = len(ids.unique())
    return Answer(
        right=int((gradient != 0).any(dim=1).sum()),
        why="Through the lookup, only these rows move, and never [PAD]'s: padding_idx sees to that. In real "
        "training weight decay, and the output layer that shares the table, move other rows as well.",
        mistakes=[
            ("That counts [PAD]'s row too: look at padding_idx in the Embedding.", distinct),
            ("That counts tokens: a row looked up twice is still one row.", int(real.sum())),
            ("That counts tokens, and the padding with them: count distinct rows.", real.numel()),
            ("Those are all the rows of the table: which of them did this batch look up?", len(words)),
            ("[CLS] and [SEP] are left out: they are looked up like any other row.", distinct - 3),
        ],
        otherwise="Run backward, and count the rows of word_embeddings.weight.grad that are not all zero.",
    )


@exercise("2.3", "A lookup without nn.Embedding")
def lookup(bert):
    words, _, _ = tables(bert)
    toy = torch.randn(11, 5, generator=generator())
    batch = bert.tokenizer(PADDED, padding=True, return_tensors="pt")["input_ids"]
    batches = [[[3, 1, 4, 2], [4, 2, 0, 0]], [[7]], [[0, 0, 5]], [[9, 10, 8], [1, 0, 0], [6, 6, 0]]]

    def by_position(ids, table):
        return table[torch.arange(ids.shape[1])].expand(*ids.shape, -1)

    lost = "The batch dimension is lost: for ids [B, T] the result is [B, T, H]."
    positions = "That looks up 0, 1, 2, … instead of the ids: which row does the first token ask for?"
    return Answer(
        right=lambda ids, table: table[ids],
        why="nn.Embedding is a table and an index, nothing more: one row out for every id in.",
        inputs=[*(given(torch.tensor(ids), toy) for ids in batches), given(batch, rows_up_to(batch, words))],
        mistakes=[
            ("[PAD] is taken as zero: row 0 is a row like any.", lambda i, t: t[i] * (i != 0).unsqueeze(-1)),
            ("The result is transposed: a token's H numbers come last.", lambda i, t: t[i].transpose(1, 2)),
            (lost, lambda ids, table: table[ids[0]]),
            (lost, lambda ids, table: table[ids.flatten()]),
            (positions, by_position),
            (positions, lambda ids, table: by_position(ids, table)[0]),
        ],
    )


# 3 Segment embeddings


@exercise("3.1", "Segments of a pair")
def segments(bert):
    right = bert.tokenizer("good day", "is it")["token_type_ids"]
    first = right.count(0)
    second = len(right) - first
    return Answer(
        right=right,
        why="A segment ends with its own [SEP]: that is the convention the table was trained with.",
        mistakes=[
            ("The second [SEP] is in segment 0: it ends segment 1.", [0] * first + [1] * (second - 1) + [0]),
            ("The first [SEP] is in segment 1: it ends segment 0.", [0] * (first - 1) + [1] * (second + 1)),
            ("Everything is in segment 1: the first sentence belongs to the other row.", [1] * len(right)),
            ("Everything is in segment 0: then nothing tells the sentences apart.", [0] * len(right)),
            ("Counted from 1: the table's first row has the number 0.", [1] * first + [2] * second),
            ("The two segments are exchanged: the first sentence uses row 0.", [1] * first + [0] * second),
        ],
        otherwise="Write the tokens down, [CLS] and both [SEP] too, and one number under each.",
    )


@exercise("3.2", "Fold the segment away")
def folded(bert):
    _, segment, position = tables(bert)
    right = position + segment[0]
    return Answer(
        right=right,
        why="For a single sentence the segment is one constant vector, which any other table can carry.",
        mistakes=[
            ("That is segment row 1: which row does a single sentence use?", lambda: position + segment[1]),
            ("Both rows are added: a token has one segment.", lambda: position + segment[0] + segment[1]),
            ("Those are the rows of one sentence: fold it into every row of the table.", lambda: right[:7]),
            ("That is the segment row alone: add the positions.", lambda: segment[0].expand_as(position)),
            ("That is the segment table alone: its first row is added to the position table.", segment),
            ("The segment row is subtracted: the layer adds it.", lambda: position - segment[0]),
            ("The segment is not in it: that is the position table as it was.", position),
        ],
        otherwise="Look at which row a single sentence uses, and at the shapes that broadcast.",
    )


@exercise("3.3", "token_type_ids for any pair")
def token_types(bert):
    texts = [("good day", "is it"), (SEED,), ("why", SEED), (SEED, "no"), ("good", "day")]
    texts += [("unaffable", "a b c d e f g")]
    inputs, right = [], {}
    for first, *second in texts:
        ids = [bert.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (first, *second)]
        ids = ids if second else [*ids, []]
        inputs.append(given(*ids))
        right[tuple(ids[0]), tuple(ids[1])] = bert.tokenizer(first, *second)["token_type_ids"]

    def known(first, second):
        return right[tuple(first), tuple(second)]

    def second_sep_in_0(first, second):
        return [0] * (len(first) + 2) + ([1] * len(second) + [0] if second else [])

    def first_sep_in_1(first, second):
        return [0] * (len(first) + 1) + [1] * (len(second) + 1 + bool(second))

    def first_sep_in_1_of_pairs(first, second):
        return first_sep_in_1(first, second) if second else known(first, second)

    first_sep = "The first [SEP] is in segment 1: it closes the first sentence."
    return Answer(
        right=known,
        why="With this, any two texts can be fed to the layer as a pair.",
        inputs=inputs,
        mistakes=[
            ("The second [SEP] is in the wrong segment: it closes the second sentence.", second_sep_in_0),
            (first_sep, first_sep_in_1),
            (first_sep, first_sep_in_1_of_pairs),
            ("The segment ids are all 1: the first uses row 0.", lambda a, b: [1 for _ in known(a, b)]),
            ("The special tokens are forgotten: [CLS], [SEP].", lambda a, b: [0] * len(a) + [1] * len(b)),
            ("No second [SEP] when second is empty.", lambda a, b: [0] * (len(a) + 2) + [1] * (len(b) + 1)),
            ("Counted from 1: the first row is row 0.", lambda a, b: [1 + i for i in known(a, b)]),
        ],
    )


# 4 Position embeddings


@exercise("4.1", "The share of the positions")
def share_of_positions(bert):
    words, _, positions = tables(bert)
    layer = parameters(bert.model.embeddings)
    right = 100 * positions.numel() / layer
    return Answer(
        right=right,
        why="Word order costs next to nothing beside the vocabulary.",
        within=0.006,  # two decimals
        mistakes=[
            ("That is a fraction: the question asks for percent.", right / 100),
            ("That is the share of the whole model.", 100 * positions.numel() / parameters(bert.model)),
            ("That is the word table's share: take the position table.", 100 * words.numel() / layer),
        ],
        otherwise="Divide the size of the position table by all the layer's parameters, in percent.",
    )


def standing_out(norms, middle):
    """The positions whose norm exceeds 1.3 times the middle of the 12 nearest others."""
    result = []
    for i, norm in enumerate(norms):
        start = max(0, min(i - 6, len(norms) - 13))  # at the ends, the nearest that exist
        if norm > 1.3 * middle(norms[start:i] + norms[i + 1 : start + 13]):
            result.append(i)
    return result


@exercise("4.2", "Positions that stand out")
def positions_that_stand_out(bert):
    norms = tables(bert)[2].double().norm(dim=1).tolist()
    right = standing_out(norms, median)
    of_all = [i for i, norm in enumerate(norms) if norm > 1.3 * median(norms)]
    torchs = standing_out(norms, median_low)  # torch's median of an even number of values is the lower one

    def judge(found):
        if not isinstance(found, torch.Tensor):
            return "Expected a list of positions, whole numbers."
        found = found.tolist()
        if found == torchs:
            return None
        missed, extra = len(set(right) - set(found)), len(set(found) - set(right))
        return f"The list lacks {missed} and has {extra} too many: look again at the 12 nearest of each."

    return Answer(
        right=right,
        why="A row that is not like its neighbours was used differently in training.",
        view=lambda found, *_: found.flatten().sort().values,
        mistakes=[
            ("Counted from 1: the first position is 0.", [i + 1 for i in right]),
            ("Compared with the median of all rows: take the 12 nearest.", of_all),
            ("Position 0 is not the only one: look along the whole curve.", [0]),
        ],
        otherwise=judge,
    )


@exercise("4.3", "Positions under left padding")
def positions_under_padding(bert):
    rows = len(tables(bert)[2])
    masks = [[[0, 0, 0, 1, 1], [1, 1, 1, 1, 1]], [[1, 1, 1]], [[1, 1, 1, 0, 0]]]
    masks += [[[0, 1, 1, 1], [0, 0, 0, 1], [1, 1, 1, 1]]]

    def real_tokens(found, mask):
        """What stands at padding is free, if the table has such a row: 0 for any that it has, else -1."""
        if found.shape != mask.shape:
            return found
        outside = (found < 0) | (found >= rows)
        return found.where(mask.bool(), torch.where(outside, -1.0, 0.0))

    def right(attention_mask):
        return (attention_mask.cumsum(dim=-1) - 1).clamp(min=0)

    def not_reset(attention_mask):
        return torch.arange(attention_mask.shape[1]).expand_as(attention_mask)

    outside_the_table = "Outside the table at padding: it has no such row (say, -1), any from 0 on will do."
    return Answer(
        right=right,
        why="Padding then changes nothing: each token gets the position it would have alone.",
        view=real_tokens,
        inputs=[given(torch.tensor(mask)) for mask in masks],
        mistakes=[
            (outside_the_table, lambda mask: mask.cumsum(dim=-1) - 1),
            (outside_the_table, lambda mask: right(mask).masked_fill(mask == 0, -1)),
            ("The arange is not reset under padding: it counts the padding too.", not_reset),
            ("Positions start from 1: the first real token is at 0.", lambda mask: mask.cumsum(dim=-1)),
            ("Positions start from 1, and count the padding too.", lambda mask: not_reset(mask) + 1),
        ],
    )


# 5 Summation


@exercise("5.1", "How far may rounding go?")
def rounding(bert):
    seen = "That is the gap seen, and the most there can be unless all four are exact ties: "
    seen += "what do four half units add up to?"
    return Answer(
        right=0.0002,
        why="Within this, printed parts agree with a printed sum; beyond it, something else is wrong.",
        within=1e-6,
        mistakes=[
            (seen, 0.0001),
            ("That is the rounding of one number: how many printed numbers are compared?", 0.00005),
            ("Those are the three parts: the printed sum is rounded too.", 0.00015),
        ],
        otherwise="How many numbers were rounded, and by how much may each have moved?",
    )


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

    no_offsets = "The offsets are missing: the rows of the second table come after all rows of the first."
    words_only = "Only the words are in it: each row has three ones."
    return Answer(
        right=ones(ids, words, words + segments + steps),
        why="Three lookups and a sum are one matrix product: the layer is linear up to its LayerNorm.",
        mistakes=[
            (no_offsets, lambda: ones(ids, 0, steps)),
            (no_offsets, lambda: ones(ids) + ones(0) + ones(steps)),
            ("The position's offset leaves out the segment rows.", lambda: ones(ids, words, words + steps)),
            ("Tables swapped: word, segment, position.", lambda: ones(ids, words + positions, words + steps)),
            ("Positions start from 1, not 0.", lambda: ones(ids, words, width - positions + 1 + steps)),
            (words_only, lambda: ones(ids)),
            (words_only, lambda: ones(ids, width=words)),
            ("That is segment 1: it has to be 0.", lambda: ones(ids, words + 1, words + segments + steps)),
        ],
        otherwise="Check the first token's three columns: its id, then past the word rows, then past both.",
    )


@exercise("5.3", "The sum")
def the_sum(bert):
    dice = generator()
    toy = [torch.randn(n, 6, generator=dice) for n in (20, 9, 9)]  # 9 twice: swapped tables do not raise
    ids, types = torch.tensor([[3, 1, 4, 15], [9, 2, 0, 0]]), torch.tensor([[0, 0, 1, 1], [0, 1, 0, 0]])
    inputs = [
        given(ids, types, *toy),
        given(ids[:1, :1], types[:1, :1], *toy),
        given(ids[1:], types[1:], *toy),
    ]
    pair = bert.tokenizer("good day", "is it", return_tensors="pt")
    words, *others = tables(bert)
    words = rows_up_to(pair["input_ids"], words)
    inputs.append(given(pair["input_ids"], pair["token_type_ids"], words, *others))

    def total(input_ids, token_type_ids, word, segment, position, first=0):
        steps = torch.arange(first, first + input_ids.shape[1])
        return word[input_ids] + segment[token_type_ids] + position[steps]

    return Answer(
        right=total,
        why="This line is what the layer computes before its LayerNorm.",
        rounding="(Not to the last bit: that depends on the order, and BERT adds (word + segment) + position.)",
        inputs=inputs,
        mistakes=[
            ("Tables swapped: which ids look up which?", lambda i, t, w, s, p: total(i, t, w, p, s)),
            ("Positions start from 1: the first token is at 0.", partial(total, first=1)),
            ("The segment is forgotten: add three rows.", lambda i, t, w, s, p: w[i] + p[: i.shape[1]]),
            ("The position is forgotten: add three rows.", lambda i, t, w, s, p: w[i] + s[t]),
            ("Segment ids all 1: use those handed in.", lambda i, t, *wsp: total(i, t * 0 + 1, *wsp)),
            ("Segment ids all 0: use those handed in.", lambda i, t, *wsp: total(i, t * 0, *wsp)),
        ],
    )


# 6 LayerNorm


@exercise("6.1", "By hand")
def by_hand(bert):
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    centred = x - x.mean()
    return Answer(
        right=F.layer_norm(x, (4,), eps=1e-12),
        why="The numbers' mean is gone and their spread is 1: only their shape is left.",
        within=0.006,  # two decimals
        mistakes=[
            ("That is the unbiased variance: LayerNorm divides by 4, not by 3.", centred / x.std()),
            ("Divided by the variance: take its square root first.", centred / x.var(unbiased=False)),
            ("Not centred: subtract the mean first.", x / x.std(unbiased=False)),
            ("Scaled to length 1: LayerNorm scales to a standard deviation of 1.", centred / centred.norm()),
            ("Scaled to length 1 and not centred: look at mean and standard deviation.", x / x.norm()),
            ("Centred, and not scaled: divide by the standard deviation.", centred),
        ],
        otherwise="Subtract the mean, then divide by the square root of the mean squared difference.",
    )


@exercise("6.2", "The wrong variance")
def wrong_variance(bert):
    h = tables(bert)[0].shape[1]
    right, neighbour = ((h - 1) / h) ** 0.5, (h / (h + 1)) ** 0.5
    return Answer(
        right=right,
        why="Small enough to pass a careless comparison, large enough to fail a close one.",
        within=min(1e-6, (neighbour - right) / 2),  # else h and h + 1 could not be told apart when h is large
        mistakes=[
            ("That is the inverse: dividing by a larger number makes the output smaller.", 1 / right),
            ("Without the root: the factor of the variance, not of the standard deviation.", (h - 1) / h),
            ("One off: the two divisors are H and H-1.", neighbour),
            ("One off: the two divisors are H and H-1.", ((h - 2) / (h - 1)) ** 0.5),
        ],
        otherwise="Write both standard deviations down and divide them; give it to six decimals.",
    )


def normalise(x, gamma, beta, eps, dims=-1, unbiased=False, eps_outside=False):
    """LayerNorm, and what becomes of it when one thing in it is wrong."""
    variance = x.var(dim=dims, keepdim=True, unbiased=unbiased)
    spread = variance.sqrt() + eps if eps_outside else (variance + eps).sqrt()
    return (x - x.mean(dim=dims, keepdim=True)) / spread * gamma + beta


LAYER_NORM_MISTAKES = [
    ("Unbiased variance: torch's default divides by H-1, LayerNorm by H.", partial(normalise, unbiased=True)),
    ("eps outside the root: it is added to the variance.", partial(normalise, eps_outside=True)),
    ("Unbiased variance and eps outside the root.", partial(normalise, unbiased=True, eps_outside=True)),
    ("Normalising over tokens: normalise each token's own H numbers.", partial(normalise, dims=1)),
    ("gamma and beta are left out: scale, then shift.", lambda x, g, b, eps: normalise(x, 1, 0, eps)),
]


@exercise("6.3", "LayerNorm")
def layer_norm(bert):
    dice = generator()
    gamma, beta = 1 + torch.randn(6, generator=dice), torch.randn(6, generator=dice)
    x = torch.randn(2, 3, 6, generator=dice)
    own = bert.model.embeddings
    rows = own.word_embeddings.weight.detach()[torch.tensor([token_ids(bert, SEED)])]
    inputs = [
        given(x, gamma, beta, 0.1),
        given(x * 1e-3, gamma, beta, 1e-5),
        given(5 * x[:1] + 2, gamma, beta, 1e-12),
        given(x[:, :, :1].expand(-1, -1, 6).round() + 2, gamma, beta, 1e-12),  # one number six times
        given(x.double() + 1e4, gamma.double(), beta.double(), 1e-12),
        given(rows, own.LayerNorm.weight.detach(), own.LayerNorm.bias.detach(), own.LayerNorm.eps),
    ]

    return Answer(
        right=lambda x, gamma, beta, eps: F.layer_norm(x, gamma.shape, gamma, beta, eps),
        why="It does to any tensor what the layer's own does, constant vectors included.",
        inputs=inputs,
        mistakes=[
            *LAYER_NORM_MISTAKES,
            ("Over the whole tensor: each token has its own mean.", partial(normalise, dims=(0, 1, 2))),
            ("eps is forgotten: for equal numbers that is 0/0.", lambda x, g, b, eps: normalise(x, g, b, 0)),
            ("gamma and beta are exchanged: beta is added.", lambda x, g, b, eps: normalise(x, b, g, eps)),
        ],
    )


# 7 Dropout and the whole layer


@exercise("7.1", "How many zeros?")
def zeros(bert):
    p, h, t = bert.model.config.hidden_dropout_prob, tables(bert)[0].shape[1], len(token_ids(bert, SEED))
    return Answer(
        right=p * t * h,
        why="Dropout decides for every number on its own, so about this many are zero in each pass.",
        within=0.5,
        mistakes=[
            ("Those are the survivors: p is the chance of being dropped.", (1 - p) * t * h),
            ("That is one token: the sentence has more.", p * h),
            ("That counts tokens: dropout acts on single numbers, not on whole tokens.", p * t),
            ("Those are all the numbers: only a share p of them is dropped.", t * h),
        ],
        otherwise="How many numbers does the layer give for this sentence, and what share is dropped?",
    )


@exercise("7.2", "Inverted dropout")
def dropout(bert):
    dice = generator()
    x = torch.randn(2, 3, 8, generator=dice)
    inputs = [given(x, (torch.rand(x.shape, generator=dice) > p).float(), p) for p in (0.1, 0.25, 0.5)]
    return Answer(
        right=lambda x, keep, p: x * keep / (1 - p),
        why="On average each number keeps its size, so eval mode has nothing to correct.",
        inputs=[*inputs, given(x[:1, :1], torch.ones(1, 1, 8), 0.1)],
        mistakes=[
            ("Not rescaled: the survivors make up for what is dropped.", lambda x, keep, p: x * keep),
            ("Multiplied by 1-p: the survivors have to grow.", lambda x, keep, p: x * keep * (1 - p)),
            ("Divided by p: the share that is kept is another one.", lambda x, keep, p: x * keep / p),
            ("The mask is inverted: 1 means kept.", lambda x, keep, p: x * (1 - keep) / (1 - p)),
            ("Whole tokens are dropped: look at all of keep.", lambda x, k, p: x * k[..., :1] / (1 - p)),
            ("Nothing is dropped: multiply by the mask.", lambda x, keep, p: x / (1 - p)),
        ],
    )


SIZES = {"word_embeddings": 20, "token_type_embeddings": 9, "position_embeddings": 9}  # of a small layer


def whole_layer(weights, input_ids, token_type_ids=None, position_ids=None, eps=1e-12, **wrong):
    """The layer by hand, and what becomes of it when one thing in it is wrong."""
    word, segment, position = (weights[f"{name}.weight"] for name in SIZES)
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
    own = bert.model.embeddings

    def real(weights, input_ids, token_type_ids=None, position_ids=None, eps=1e-12):
        """The library's own class with these weights; what it is built with at first is not used."""
        positions, h = weights["position_embeddings.weight"].shape
        sizes = {"vocab_size": 1, "hidden_size": h, "max_position_embeddings": positions}
        module = type(own)(type(bert.model.config)(**sizes, layer_norm_eps=eps)).eval()
        return torch.func.functional_call(module, weights, (input_ids, token_type_ids, position_ids))

    dice = generator()
    toy = {f"{name}.weight": torch.randn(n, 6, generator=dice) for name, n in SIZES.items()}
    gamma, beta = 1 + torch.randn(6, generator=dice), torch.randn(6, generator=dice)
    toy |= {"LayerNorm.weight": gamma, "LayerNorm.bias": beta}
    ids, types = torch.tensor([[3, 1, 4, 15], [9, 2, 0, 0]]), torch.tensor([[0, 0, 1, 1], [0, 1, 0, 0]])
    places = torch.tensor([[4, 3, 2, 1]])
    weights = {name: value.detach() for name, value in own.state_dict().items()}
    batch = bert.tokenizer([("good day", "is it"), (SEED, "yes")], padding=True, return_tensors="pt")
    weights["word_embeddings.weight"] = rows_up_to(batch["input_ids"], weights["word_embeddings.weight"])
    eps = own.LayerNorm.eps
    all_1 = "Segment ids all 1: a single sentence uses row 0, and a pair brings its own token_type_ids."
    return Answer(
        right=real,
        why="You have built BERT's embedding layer: same weights in, same numbers out, up to rounding.",
        inputs=[
            given(toy, ids[:1], eps=0.1),
            given(toy, ids, types, eps=0.1),
            given(toy, ids, token_type_ids=types, position_ids=places, eps=1e-3),
            given(toy, ids, position_ids=torch.cat([places, places.flip(1)]), eps=1e-12),
            given(weights, batch["input_ids"], token_type_ids=batch["token_type_ids"], eps=eps),
        ],
        mistakes=[
            ("Tables swapped: segment ids look up the segment table.", partial(whole_layer, swapped=True)),
            ("Positions start from 1: the first token is at 0.", partial(whole_layer, first=1)),
            (all_1, partial(whole_layer, no_types=True, default_type=1)),
            (all_1, partial(whole_layer, default_type=1)),
            ("LayerNorm before the sum: first add, then normalise.", partial(whole_layer, norm_first=True)),
            *((text, partial(whole_layer, norm=norm)) for text, norm in LAYER_NORM_MISTAKES),
            ("position_ids is ignored: use it when it is given.", partial(whole_layer, no_positions=True)),
            ("token_type_ids is ignored: use it when it is given.", partial(whole_layer, no_types=True)),
        ],
    )


# 8 What the tables learned


@exercise("8.1", "Neighbours of bank", uncased=True)
def neighbours(bert):
    words, _, _ = tables(bert)
    words = words.float()
    bank = bert.tokenizer.get_vocab().get("bank")
    if bank is None:
        no_bank = "This vocabulary has no token bank, so there is nothing to check."
        return Answer(right=None, why="", otherwise=lambda found: no_bank)

    def nearest(scores, count=3, skip=(bank,)):
        scores = scores.index_fill(0, torch.tensor(skip, dtype=torch.long), -torch.inf)
        return bert.tokenizer.convert_ids_to_tokens(scores.topk(count).indices.tolist())

    products = words @ words[bank]
    cosines = products / words.norm(dim=1).clamp(min=1e-8)  # a row of zeros has no neighbours
    right = nearest(cosines)

    def judge(found):
        if not (isinstance(found, list) and len(found) == 3):
            return "Expected a list of 3 texts, the tokens."
        if sorted(found) == sorted(right):
            return "The right three, in another order: the nearest comes first."
        unknown = next((token for token in found if token not in bert.tokenizer.get_vocab()), None)
        if unknown is not None:
            return f"{unknown[:40]!r} is not in the vocabulary: a token that continues a word begins with ##."
        return (
            f"{len(set(found) & set(right))} of the three are right: compare all rows with bank's by cosine."
        )

    return Answer(
        right=right,
        why="One row has to serve every sense of a word, so this is the word's mixture of company.",
        mistakes=[
            ("bank itself is among them: leave it out.", lambda: nearest(cosines, skip=())),
            ("Those are the largest dot products: long rows win those.", lambda: nearest(products)),
            ("That is Euclidean: compare angles.", lambda: nearest(-(words - words[bank]).norm(dim=1))),
            ("Those are the farthest: the largest cosine is the nearest.", lambda: nearest(-cosines)),
            ("Those are ids: hand in the tokens.", bert.tokenizer.convert_tokens_to_ids(right)),
        ],
        otherwise=judge,
    )


@exercise("8.2", "Chance")
def chance(bert):
    return Answer(
        right=1 / 3,
        why="A ring of four is weak evidence; a ring of seven or twelve is another matter.",
        within=0.004,
        mistakes=[
            ("That is one order with a fixed start: a circle has no first place.", 1 / 24),
            ("The direction is counted: clockwise and anticlockwise are both in order.", 1 / 6),
            ("That is only where the circle starts: how many ways are there to arrange the rest?", 1 / 4),
            ("Both directions, with a fixed start: a circle has no first place.", 1 / 12),
            ("In percent: give a probability between 0 and 1.", 100 / 3),
        ],
        otherwise="Fix one season, and list the arrangements of the other three.",
    )


@exercise("8.3", "An honest analogy")
def analogy(bert):
    dice = generator()
    toys = [torch.randn(12, 4, generator=dice) * torch.rand(12, 1, generator=dice).exp() for _ in range(6)]
    words, _, _ = tables(bert)
    inputs = [given(i, i + 3, i + 5, toy) for toy in toys for i in range(6)]
    ids = token_ids(bert, "good day it")[1:4]
    inputs.append(given(*ids, rows_up_to(ids, words)))

    def nearest(a, b, c, table, sign=1, exclude=True, metric="cosine"):
        goal = sign * (table[b] - table[a]) + table[c]
        scores = (F.normalize(table, dim=1) if metric == "cosine" else table) @ goal
        if metric == "distance":
            scores = -(table - goal).norm(dim=1)
        if exclude:
            scores[[a, b, c]] = -torch.inf
        return int(scores.argmax())

    return Answer(
        right=nearest,
        why="Report it with and without the three query words: much of the success lies in leaving them out.",
        inputs=inputs,
        mistakes=[
            ("The query words are not excluded: leave those three out.", partial(nearest, exclude=False)),
            ("The sign is the other way round: a is to b as c is to the result.", partial(nearest, sign=-1)),
            ("A dot product: long rows win, divide by the lengths.", partial(nearest, metric="dot product")),
            ("Euclidean distance: the question is about the angle.", partial(nearest, metric="distance")),
            ("That is a text, not an id.", lambda *ids: bert.tokenizer.convert_ids_to_tokens(nearest(*ids))),
        ],
    )


# 9 Clinic


@exercise("9.1", "Counted twice")
def counted_twice(bert):
    words, segments, positions = tables(bert)
    ids = torch.tensor([token_ids(bert, SEED)])
    segment, position = segments[0].expand(1, ids.shape[1], -1), positions[: ids.shape[1]].unsqueeze(0)
    return Answer(
        right=segment + position,
        why="inputs_embeds takes the place of the word rows alone: the layer adds the rest itself.",
        mistakes=[
            ("That is the position alone: what else does the layer add?", position),
            ("That is the segment alone: what else does the layer add?", segment),
            ("That is the whole sum: one part of it is meant to be there.", words[ids] + segment + position),
            ("Those are the word rows: they are there once, as they should be.", words[ids]),
        ],
        otherwise="Look at what the layer adds to inputs_embeds; the result is [1, T, H].",
    )


@exercise("9.2", "What stands at [PAD]?")
def at_pad(bert):
    batch = bert.tokenizer(PADDED, padding=True, return_tensors="pt")
    with torch.no_grad():
        out = bert.model.embeddings(batch["input_ids"], batch["token_type_ids"])
    at_padding = out[batch["attention_mask"] == 0]
    return Answer(
        right=int((at_padding == 0).sum()),
        why="The layer knows no mask: padding has numbers like any token, and only attention leaves it out.",
        mistakes=[
            ("[PAD] is taken as zero: look at the numbers the layer gives there.", at_padding.numel()),
            ("That counts the [PAD] places: count the numbers there that are zero.", len(at_padding)),
        ],
        otherwise="Pick the places where the attention mask is 0, and count with (… == 0).sum().",
    )


@exercise("9.3", "Half of one word, half of another")
def mixup(bert):
    words, _, _ = tables(bert)
    toy = torch.randn(12, 5, generator=generator())
    ids = torch.tensor([[3, 7, 3, 1]])
    inputs = [given(toy, ids, 0, 5, 0.25), given(toy, ids, 1, 2, 0.5), given(toy, ids, 3, 3, 1.0)]
    inputs += [given(toy, ids[:, :1], 0, 0, 0.0)]
    seed = torch.tensor([token_ids(bert, SEED)])

    def mixed(word_table, ids, index, other_id, share):
        rows = word_table[ids]
        rows[:, index] = (1 - share) * rows[:, index] + share * word_table[other_id]
        return rows

    def in_the_table(word_table, ids, index, other_id, share):
        table = word_table.clone()
        table[ids[0, index]] = (1 - share) * table[ids[0, index]] + share * table[other_id]
        return table[ids]

    return Answer(
        right=mixed,
        why="inputs_embeds lets you feed points between the words, as mixup and adversarial training do.",
        inputs=[*inputs, given(rows_up_to(seed, words), seed, 4, int(seed[0, 1]), 0.5)],
        mistakes=[
            ("Share the wrong way round: 0 changes nothing.", lambda t, i, n, o, s: mixed(t, i, n, o, 1 - s)),
            ("Every token is blended: look at index.", lambda t, i, n, o, s: (1 - s) * t[i] + s * t[o]),
            ("The table itself is changed, so all such words are: change a copy.", in_the_table),
        ],
    )
