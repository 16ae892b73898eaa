"""What has been printed publicly of bert-base-uncased, and whether the loaded model has the same.

The figures stand in published.json as they were printed, with their sources. torch prints the first three and
the last three numbers of a row, so these six are what is known of each row.
"""

import json
from decimal import Decimal
from pathlib import Path

import torch

_ROWS = {
    "word": "word rows",
    "segment": "segment rows",
    "position": "position rows",
    "sum": "rows of the sum",
    "layer": "rows of the layer's output",
}
# What is allowed beyond half a unit of the last printed place. A looked-up number is exact; a computed one is not.
_ROUNDING = {"word": 0.0, "segment": 0.0, "position": 0.0, "sum": 1e-7, "layer": 1e-7}


def figures():
    """Return everything in published.json."""
    return json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))


def tokenizations():
    """Return the published tokenizations: dicts of text, text_pair (or None), input_ids, tokens, token_type_ids."""
    return figures()["tokenizations"]


def half_unit(printed):
    """Return half a unit of the last place of a printed number: 5e-07 for "1.3630e-02"."""
    return 0.5 * 10.0 ** Decimal(printed).as_tuple().exponent


def compare(bert, part, rows, keys):
    """Print whether `rows` are bert-base-uncased's, as far as its rows have been printed publicly.

    They agree when every published number is met to within half a unit of its last printed place. For another
    model the published rows themselves are printed, so they can be read without bert-base-uncased's weights.

    Parameters
    ----------
    bert : Bert
        The loaded model.
    part : str
        "word", "segment", "position", "sum" (of the three) or "layer" (the layer's output in eval mode).
    rows : Tensor, [n, H] or [1, n, H]
        The rows to compare.
    keys : list of int or Tensor, [n] or [1, n]
        What each row belongs to: token ids, segment ids or positions; for "sum" and "layer" the input ids of
        one sentence, whose positions count from 0 and whose segment ids are all 0.

    Raises
    ------
    AssertionError
        The model is bert-base-uncased and a number differs; the message names the first.
    TypeError, ValueError
        The arguments do not fit together.
    """
    rows, keys = _checked(bert, part, rows, keys)
    data = figures()
    if part in ("word", "sum", "layer") and not bert.uncased:
        print("Another vocabulary: its ids stand for other word pieces, so no published row can be compared.")
        return
    if part in ("sum", "layer"):
        keys = [(token_id, position) for position, token_id in enumerate(keys)]
        published = {(row["id"], row["position"]): row["printed"] for row in data[part]}
    else:
        published = {row["id"]: row["printed"] for row in data[part]}
    names = {key: _name(bert, part, key) for key in keys}
    places = [place for place, key in enumerate(keys) if key in published]
    if not places:
        print(f"bert-base-uncased's {_ROWS[part]}: none of these has been published, nothing to compare.")
        return

    dims, width = data["dims"], data["config"]["hidden_size"]
    differences = (
        [f"its rows have {width} numbers, these {rows.shape[1]}"]
        if rows.shape[1] != width
        else [
            f"row {place} ({names[keys[place]]}), number {dim}: published {printed}, here {rows[place, dim]:.7g}"
            for place in places
            for dim, printed in zip(dims, published[keys[place]], strict=True)
            if not _agrees(part, rows[place, dim], printed)
        ]
    )
    if not differences:
        count = len(places)
        print(
            f"bert-base-uncased's published {_ROWS[part]}: {count} of {count} rows agree, "
            f"{count * len(dims)} numbers, to the last printed place."
        )
    elif _is_base(bert, data):
        raise AssertionError(f"DISAGREES with bert-base-uncased's published {_ROWS[part]}: {differences[0]}.")
    else:
        print(f"Another model; here are bert-base-uncased's {_ROWS[part]}, as published:")
        shown = {names[keys[place]]: published[keys[place]] for place in places}
        widest = max(map(len, shown))
        for name, numbers in {"": dims, **shown}.items():
            cells = [f"{number:>11}" for number in numbers]
            print(name.ljust(widest), *cells[:3], " …", *cells[3:])
    missing = [name for key, name in names.items() if key not in published]
    if missing:
        print(f"Not published: {_listed(missing)}.")


def _checked(bert, part, rows, keys):
    """Return rows as [n, H] in double precision and keys as n ints, or say what does not fit."""
    if part not in _ROWS:
        raise ValueError(f"part must be one of {_listed(_ROWS)}, not {part!r}.")
    if not isinstance(rows, torch.Tensor) or not rows.is_floating_point():
        raise TypeError(f"rows must be a tensor of floats, [n, H] or [1, n, H], not {_kind(rows)}.")
    if isinstance(keys, (torch.Tensor, range, tuple)):
        keys = keys.tolist() if isinstance(keys, torch.Tensor) else list(keys)
    if isinstance(keys, list) and len(keys) == 1 and isinstance(keys[0], list):
        keys = keys[0]
    if not isinstance(keys, list) or any(type(key) is not int for key in keys):
        raise TypeError("keys must be a list or a tensor of whole numbers, one for each row.")
    hidden = bert.model.config.hidden_size
    shape = list(rows.shape)
    if shape not in ([len(keys), hidden], [1, len(keys), hidden]):
        raise ValueError(
            f"rows must be [{len(keys)}, {hidden}] or [1, {len(keys)}, {hidden}] (a row for each key), not {shape}."
        )
    return rows.detach().reshape(len(keys), hidden).double().cpu(), keys


def _agrees(part, number, printed):
    return abs(float(number) - float(printed)) <= half_unit(printed) * (1 + 1e-6) + _ROUNDING[part]


def _is_base(bert, data):
    """Tell whether the model is bert-base-uncased: by its name, or because its own layer gives the published rows.

    The second notices a wrong row also on a copy of the weights under another name, without calling a
    fine-tuned model wrong.
    """
    if bert.name.removeprefix("google-bert/") == data["model"]:
        return True
    config = data["config"]
    layer = bert.model.embeddings
    tables = layer.word_embeddings, layer.position_embeddings, layer.token_type_embeddings
    sizes = config["vocab_size"], config["max_position_embeddings"], config["type_vocab_size"]
    if [list(table.weight.shape) for table in tables] != [[size, config["hidden_size"]] for size in sizes]:
        return False
    ids = torch.tensor([[row["id"] for row in data["layer"]]])
    positions = torch.tensor([[row["position"] for row in data["layer"]]])
    training = layer.training
    with torch.no_grad():
        rows = layer.eval()(input_ids=ids, position_ids=positions)[0, :, data["dims"]]
    layer.train(training)
    return all(
        _agrees("layer", number, printed)
        for row, known in zip(rows, data["layer"], strict=True)
        for number, printed in zip(row, known["printed"], strict=True)
    )


def _name(bert, part, key):
    if part in ("segment", "position"):
        return f"{part} {key}"
    token_id, position = key if isinstance(key, tuple) else (key, None)
    token = bert.tokenizer.convert_ids_to_tokens(token_id)
    return f"{token} ({token_id})" + ("" if position is None else f" at {position}")


def _listed(names, most=8):
    names = [str(name) for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _kind(thing):
    return f"{thing.dtype} {list(thing.shape)}" if isinstance(thing, torch.Tensor) else type(thing).__name__
