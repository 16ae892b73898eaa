"""Answers, read in any form that holds the same, and compared."""

import numpy as np
import torch

LARGEST = 10**7  # an answer of more numbers is known by its shape and not converted


def read(value, any_order=False):
    """Any accepted form as a float64 tensor, a str or a list of str; anything else as it is."""
    try:
        value = list(value) if any_order and isinstance(value, set | frozenset) else value
        tensor = isinstance(value, torch.Tensor)
        if size(value) > LARGEST or (tensor and value.is_complex()):
            return value
        if tensor:
            numbers = value.detach().cpu().to_dense().to(torch.float64)
        else:
            value = plain(value)
            texts = isinstance(value, list) and value and all(isinstance(i, str) for i in value)
            if isinstance(value, str) or texts:
                return value
            numbers = torch.tensor(value, dtype=torch.float64)
        return numbers.flatten().unique() if any_order else numbers
    except Exception:  # noqa: BLE001 (it is none of the accepted forms)
        return value


def size(value):
    """How many numbers nested lists hold; one whose first entry is a number is taken to hold only numbers."""
    if isinstance(value, list | tuple | range):
        nested = len(value) and isinstance(value[0], list | tuple | range | torch.Tensor | np.ndarray)
        return sum(map(size, value)) if nested else len(value)  # one that holds itself raises
    if isinstance(value, torch.Tensor):
        return value.numel()
    return value.size if isinstance(value, np.ndarray) else 1


def plain(value):
    """Nested lists of floats or texts, from anything that holds them."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return list(map(plain, value))
    return str(value) if isinstance(value, str) else float(value)


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
    tensor = isinstance(value, torch.Tensor) and value.dtype == torch.float64 and not value.is_meta
    return tensor and value.numel() <= LARGEST


def is_whole(right):
    """Whether a right answer is of whole numbers, which need no tolerance."""
    if isinstance(right, list | tuple):
        return all(map(is_whole, right))
    return not right.is_floating_point() if isinstance(right, torch.Tensor) else isinstance(right, int)


def blank(value):
    return value is ... or value is None


def all_blank(values):
    return all(map(blank, values))
