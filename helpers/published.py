"""What has been printed publicly of bert-base-uncased, and whether the loaded model has the same.

The figures stand in published.json as they were printed, with their sources. torch prints the first three and
the last three numbers of a row, so these six are what is known of each row.
"""

import json
from decimal import Decimal
from pathlib import Path

import torch

from .wording import say


def figures():
    """Return everything in published.json."""
    return json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))


def tokenizations():
    """Return the published tokenizations: dicts of text, text_pair (or None), input_ids, tokens, token_type_ids."""
    return figures()["tokenizations"]


def rows_of(part):
    """Return the published rows of a part, {key: six printed numbers}.

    `part` is "word", "segment", "position", "sum" (of the three) or "layer" (the layer's output in eval mode).
    A key is a token id, a segment id or a position; for "sum" and "layer" (token id, position), in segment 0.
    """
    both = part in ("sum", "layer")
    return {(row["id"], row["position"]) if both else row["id"]: row["printed"] for row in figures()[part]}


def agrees(number, printed, part):
    """Return whether a number of a part is the printed one: it may differ by half a unit of the last place.

    A computed one, of "sum" and "layer", by 1e-7 more: it is rounded as the machine adds.
    """
    half_unit = 0.5 * 10.0 ** Decimal(printed).as_tuple().exponent
    return abs(number - float(printed)) <= half_unit * (1 + 1e-6) + 1e-7 * (part in ("sum", "layer"))


def compare(bert, part, rows, keys, also=""):
    """Compare `rows` with what is published, if the model is bert-base-uncased, and print one line that says so.

    It is when the last part of its name says so. `part` is as in `rows_of`; `rows` are [n, H] or [1, n, H], and `keys`,
    [n] or [1, n], what each belongs to: token ids, segment ids or positions; for "sum" and "layer" the input ids of one
    sentence, whose positions count from 0. `also` is what else the proof has shown: said behind it, or, of another
    model, in its place. Raises AssertionError, which names the first number that is not the printed one.
    """
    if Path(bert.name).name != "bert-base-uncased":
        other = f"{bert.name} is another model than bert-base-uncased: no published {part} row to compare"
        say(f"✓ {also or other}")
        return
    keys, known, dims = torch.as_tensor(keys).flatten().tolist(), rows_of(part), figures()["dims"]
    if part in ("sum", "layer"):
        keys = [(token_id, position) for position, token_id in enumerate(keys)]
    agreed = 0
    for key, row in zip(keys, rows.reshape(len(keys), -1).tolist(), strict=True):
        for dim, printed in zip(dims, known.get(key, ()), strict=key in known):
            assert agrees(row[dim], printed, part), (
                f"DISAGREES with bert-base-uncased's published {part} row {key}: "
                f"number {dim} is printed as {printed}, here it is {row[dim]:.7g}"
            )
        agreed += key in known
    also = also and f"; {also}"
    say(f"✓ {agreed} of {agreed} published {part} rows agree, to the last printed place{also}")
