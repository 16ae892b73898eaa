"""Answers, read in any form that holds the same, and compared."""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import numpy as np
import torch

LARGEST = 10**7  # an answer of more numbers is known by its shape and not converted


def read(value, any_order=False):
    """Any accepted form as a float64 tensor, a str or a list of str; anything else as it is."""
    try:
        if size(value) > LARGEST:
            return value
        if isinstance(value, torch.Tensor):
            found = value.detach().cpu().to_dense()
        else:
            found = plain(list(value) if any_order and isinstance(value, set | frozenset) else value)
            texts = isinstance(found, list) and found and all(isinstance(i, str) for i in found)
            if isinstance(found, str) or texts:
                return found
            found = torch.from_numpy(np.array(found))  # of bools alone a mask
        mask = any_order and found.dtype == torch.bool
        ambiguous = (
            any_order and found.ndim > 1 and found.numel() not in found.shape
        )  # as of pairs of row and column
        if found.is_complex() or ambiguous:
            return value
        found = found.flatten().nonzero() if mask else found  # of one dimension: the places where it is true
        found = found.to(torch.float64, copy=True)  # whoever gave it may fill it again
        return found.flatten().unique() if any_order else found
    except Exception:  # noqa: BLE001 (it is none of the accepted forms)
        return value


def size(value):
    """How many numbers are in it; nested lists whose first entry is a number are taken to hold only numbers."""
    if isinstance(value, list | tuple | range):
        nested = len(value) and (isinstance(value[0], list | tuple | range) or hasattr(value[0], "shape"))
        return sum(map(size, value)) if nested else len(value)  # one that holds itself raises
    return math.prod(getattr(value, "shape", ()))


def drawn(value):
    """A list for an iterator (a generator, a map) and for those in it: a learner's code, so what it raises is raised."""
    value = list(islice(value, LARGEST + 1)) if isinstance(value, Iterator) else value
    inside = isinstance(value, list | tuple) and value and isinstance(value[0], Iterator)
    return list(map(drawn, value)) if inside else value


def plain(value):
    """Nested lists of floats, bools or texts, from anything that holds them in an order."""
    if type(value) in (bool, int, float):  # first, as there may be millions
        return value if type(value) is bool else float(value)
    if hasattr(value, "__array__") and not isinstance(value, torch.Tensor | np.ndarray):
        value = np.asarray(value)  # of pandas, too
    if hasattr(value, "toarray"):  # a sparse matrix of scipy
        value = value.toarray()
    if isinstance(value, torch.Tensor | np.ndarray):
        value = value.tolist()  # None for what is masked
    if isinstance(value, bytes):
        raise TypeError("bytes are neither a text nor numbers")
    if isinstance(value, Iterable) and not isinstance(value, str | set | frozenset | Mapping):
        return list(map(plain, islice(value, LARGEST + 1)))
    return str(value) if isinstance(value, str) else value if isinstance(value, bool) else float(value)


def distance(expected, found, decimals=None, relative=True):
    """How far a read answer is from another: 0 equal, inf not to be compared. A NaN equals a NaN.

    What is rounded rightly to `decimals` or more is equal, too.
    """
    if not isinstance(expected, torch.Tensor):
        same = isinstance(found, str | list) and type(found) is type(expected) and found == expected
        return 0.0 if same else float("inf")
    if not was_read(found):
        return float("inf")
    if expected.ndim == 1 and found.shape == (1, len(expected)):
        found = found[0]  # as the tokenizer gives it, [1, T]
    if expected.ndim == 0 and found.numel() == 1:
        found = found.reshape(())
    if expected.shape != found.shape:
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    gaps = (expected - found).abs()
    for places in range(decimals, 8) if decimals else ():
        gaps[(expected.round(decimals=places) - found).abs() < 6e-8] = 0
    gaps = gaps / expected.abs().clamp(min=1) if relative else gaps
    gaps[(expected == found) | (expected.isnan() & found.isnan())] = 0  # also of infinities
    return gaps.nan_to_num(nan=float("inf")).max().item()


def was_read(value):
    """Whether it is a tensor that `read` has made, and not one that it has left as it was."""
    tensor = type(value) is torch.Tensor and value.dtype == torch.float64
    return tensor and not (value.is_meta or value.is_nested) and value.numel() <= LARGEST


def is_whole(right):
    """Whether a right answer is of whole numbers, which need no tolerance."""
    if isinstance(right, list | tuple):
        return all(map(is_whole, right))
    return not right.is_floating_point() if isinstance(right, torch.Tensor) else isinstance(right, int)


def blank(value):
    return value is ... or value is None
