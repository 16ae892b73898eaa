"""Pictures that their reader moves, with sliders; none moves by itself.

`film.js` and `drag.js` draw, in a notebook as on the course's web page; all they need lies in the output, so that no kernel
is asked.
"""

import base64
import json
from pathlib import Path

import anywidget
import numpy as np
import torch
import traitlets
from IPython.display import HTML
from matplotlib.colors import to_hex

from . import picture as draw
from . import plots
from .alone import alone


class Moving(anywidget.AnyWidget):
    """A picture to move, as a widget. `data` is what its program draws, `still` the picture for where nothing moves."""

    data = traitlets.Dict().tag(sync=True)

    def __init__(self, program, data, still):
        code = Path(__file__).with_name(f"{program}.js").read_text(encoding="utf-8")
        super().__init__(_esm=code, data=data)
        self.program, self.still = program, still

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self.page, "text/plain": self.still.alt}, metadata

    @property
    def page(self):
        inside = json.dumps(self.data, ensure_ascii=False).replace("<", "\\u003c")
        return f'<div class="bert-{self.program}">{self.still.html}<script type="application/json">{inside}</script></div>'

    def alone(self):
        """The same where no widget lives, as on a slide."""
        return HTML(alone(self.page, self.program))


def film(frames, losses, names, groups, *, still):
    """A slider over the steps of a training, on which words gather, a map of places changes and the loss falls.

    `frames` {step: (rows of n words [n, H], rows of m places [m, H])}; `losses` one number for each step; `names` and
    `groups` of the words, lists of n strings, up to 4 groups. `still` lists up to 4 steps whose maps of places stand
    there where nothing moves, as on paper. Words are drawn in the plane in which the last step's are spread most.
    """
    (*_, (words, _)), last = frames.values(), max(frames)
    plane = torch.linalg.svd(words - words.mean(dim=0), full_matrices=False).Vh[:2].T
    plane = plane * plane.gather(0, plane.abs().argmax(dim=0)[None]).sign()  # svd leaves the sign open
    seen = torch.stack([(rows - rows.mean(dim=0)) @ plane for rows, _ in frames.values()])
    maps = torch.stack([_cosines(places) for _, places in frames.values()])
    kinds = list(dict.fromkeys(groups))
    curve = [np.exp(np.mean(losses[max(0, step - 10) : step] or losses[:1])) for step in frames]
    texts = []
    for step, (rows, places), unsure in zip(frames, frames.values(), curve, strict=True):
        own = sum(groups[i] == groups[j] for i, j in enumerate(_nearest(rows)))
        near = int(((_nearest(places) - torch.arange(len(places))).abs() <= 2).sum())
        texts.append(
            f"Step {step} of {last}: as unsure as among {unsure:.0f} tokens. {own} of {len(rows)} words have a word of "
            f"their own list nearest. {near} of {len(places)} places have a close neighbour nearest."
        )
    data = {
        "steps": list(frames),
        "texts": texts,
        "names": list(names),
        "groups": [kinds.index(group) for group in groups],
        "kinds": [(kind, colour) for kind, (colour, *_) in draw.looks(kinds).items()],
        "points": _packed(seen / seen.abs().max()),
        "map": _packed(maps[:, *torch.tril_indices(*maps.shape[1:])]),
        "colours": [to_hex(draw.DIVERGING(share)) for share in np.linspace(0, 1, 33)],
        "curve": [round(unsure, 1) for unsure in curve],
    }
    chosen = {f"step {step}": _cosines(frames[step][1]) for step in still}
    return Moving("film", data, plots.heat_maps(chosen, "place", "place", limit=1))


EPS = (0, 1e-12, 0.01, 0.1, 1)


def drag(x, gamma, beta, eps=1e-12):
    """A token of two or three numbers as it comes, minus its mean, by its spread, and with gamma and beta: its reader drags
    it, or moves sliders for it, for gamma, for beta and for eps.

    `x`, `gamma` and `beta` have two numbers each, drawn as arrows in a plane, or three, drawn as bars; `eps` is one of
    0, 1e-12, 0.01, 0.1 and 1. Raises PictureError for anything else.
    """
    sizes = {}
    given = {"x": x, "gamma": gamma, "beta": beta}
    token, gamma, beta = (draw.check_numbers(name, of, "n", sizes) for name, of in given.items())
    if sizes["n"] not in (2, 3) or eps not in EPS:
        told = f"found {sizes['n']} numbers and eps {eps!r}"
        raise draw.PictureError(
            f"drag takes two or three numbers and an eps of {draw.listed(map(str, EPS))}, {told}"
        )
    centred = token - token.mean()
    spread = np.sqrt((centred**2).mean() + eps)
    normalised = centred / spread if spread else centred
    drawn = {
        "a token": token,
        "minus its mean": centred,
        "by its spread": normalised,
        "gamma, beta": gamma * normalised + beta,
    }
    kinds = [(name, colour) for name, (colour, *_) in draw.looks(drawn).items()]
    data = {"x": token.tolist(), "gamma": gamma.tolist(), "beta": beta.tolist(), "eps": eps, "kinds": kinds}
    if sizes["n"] == 2:
        return Moving("drag", data, plots.arrows(drawn, joined=True))
    bars = {name: dict(zip(("first", "second", "third"), of, strict=True)) for name, of in drawn.items()}
    return Moving("drag", data, plots.bars(bars, "the three numbers"))


def _cosines(rows):
    rows = torch.nn.functional.normalize(rows, dim=1)
    return rows @ rows.T


def _nearest(rows):
    return _cosines(rows).fill_diagonal_(-1).argmax(dim=1)


def _packed(numbers):
    """Numbers from -1 to 1 as bytes from -127 to 127, in base64."""
    return base64.b64encode((127 * numbers).round().to(torch.int8).numpy().tobytes()).decode("ascii")
