"""Values and errors in words, each in a line."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from numbers import Number

import torch

from .answers import LARGEST, blank, read, was_read


def say(text):
    """Print one line; a sign that this terminal does not have becomes a question mark."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(one_line(text).encode(encoding, "replace").decode(encoding))


def one_line(text):
    """This text as one line: line ends and what is no character are written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def short_text(text, limit=80):
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 4 :]}"


def error_line(error):
    try:
        message = short_text(str(error), 160)
    except Exception:  # noqa: BLE001 (a learner's __str__)
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def counted(n, noun):
    """A number with its noun: 1 token, 2 tokens, 2 entries."""
    nouns = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else nouns}"


def describe(value):
    """What kind of thing it is, with its size and without its contents."""
    value = value if isinstance(value, Iterator) else read(value)  # which may have no end
    if isinstance(value, torch.Tensor):
        if value.is_meta:
            return "a tensor on the meta device, which holds no numbers"
        if not was_read(value) and value.numel() <= LARGEST:
            return f"a tensor that cannot be read as numbers ({type(value).__name__}, {value.dtype})"
        if value.ndim == 1:
            return f"a list of {counted(len(value), 'number')}"
        return f"a tensor of shape {list(value.shape)}" if value.ndim else "a number"
    if isinstance(value, list | tuple):
        for kind, name in {str: "text", Number: "number", list | tuple: "list"}.items():
            if all(isinstance(item, kind) for item in value):
                return f"a list of {counted(len(value), name)}"
        return "a mixed list"
    if isinstance(value, Number):
        return "a complex number" if isinstance(value, complex) else "a number too large to read"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str) or inspect.isroutine(value):
        return "a text" if isinstance(value, str) else "a function"
    return str(value) if blank(value) else f"an object of type {type(value).__name__}"


def contrast(found, expected, within):
    """`expected …, found …`, in full when it is short, else at the first place that differs."""
    tensors = [value for value in (found, expected) if isinstance(value, torch.Tensor)]
    large = any(value.numel() > 12 for value in tensors)
    if describe(found) != describe(expected):
        shown = "" if large or len(tensors) == 2 or blank(found) else f" ({in_full(found)})"
        return f"expected {describe(expected)}, found {describe(found)}{shown}"
    if large:
        place = first_place(found, expected, within)
        numbers = expected[tuple(place)], found[tuple(place)]
        return f"expected {numbers[0]:.6g} at {place}, found {numbers[1]:.6g}"
    return f"expected {in_full(expected)}, found {in_full(found)}"


def first_place(found, expected, within=1e-5):
    """The index, as a list, of the first place where two tensors of one shape differ."""
    close = torch.isclose(found, expected, rtol=within, atol=within)
    places = (~close).nonzero().tolist()
    return places[0] if places else [0] * expected.ndim


def in_full(value):
    return short_text(nested(value.tolist())) if isinstance(value, torch.Tensor) else short(value)


def nested(numbers):
    return f"[{', '.join(map(nested, numbers))}]" if isinstance(numbers, list) else f"{numbers:.6g}"


def short(value):
    """One line for a value, never longer than about 80 characters."""
    if isinstance(value, torch.Tensor):
        small = value.numel() <= 24 and not value.is_floating_point()
        return nested(value.tolist()) if small else f"<tensor {list(value.shape)}>"
    if isinstance(value, Mapping):
        return f"<{len(value)} entries>"
    if isinstance(value, torch.nn.Module):
        return f"<{type(value).__name__}>"
    try:
        return short_text(repr(value))
    except Exception:  # noqa: BLE001 (a learner's __repr__, a number of too many digits)
        return f"<{type(value).__name__}>"


SENTENCES = {  # for torch's errors that a newcomer meets and cannot read
    r"tensor a \((\d+)\) must match .* b \((\d+)\) at non-singleton dimension (\d+)": (
        "tensors of {} and {} numbers along dimension {} do not go together; is `keepdim=True` missing?"
    ),
    r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)": (
        "no matrix product of [{}, {}] and [{}, {}]: the two inner numbers have to be equal."
    ),
    r"batch2 tensor to be: \[(\d+, \d+)\] but got: \[(\d+, \d+)\]": (
        "no matrix product: the second tensor would have to begin with [{}] and begins with [{}]."
    ),
    r"same dtype, but (got|found)|expected scalar type": (
        "it is given numbers of two kinds; convert one of the two, as in `.to(table.dtype)`."
    ),
    r"can't allocate memory": "it asks for more memory than there is.",
    r"index (\d+) is out of bounds for dimension (\d+) with size (\d+)": (
        "there is no index {} along dimension {}: it has {}, counted from 0."
    ),
}


def raised(error, where):
    # what a learner's own error says is left as it is
    for pattern, sentence in SENTENCES.items() if hasattr(error, "operation") else ():
        if match := re.search(pattern, error_line(error)):
            return f"Your function stops at {where}: {sentence.format(*match.groups())}"
    return f"Your function raised {error_line(error)} for {where}."


def same_message(one, other):
    """Whether two errors have the same words and numbers, whichever of two tensors they name first."""
    told = [sorted(re.findall(r"\w+", error_line(error))) for error in (one, other)]
    return told[0] == told[1]
