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
from .wording import counted


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


@draw.styled
def film(frames, losses, names, groups, *, still):
    """A slider over the steps of a training, on which words gather, a map of places changes and the loss falls.

    `frames` {step: (rows of n words [n, H], rows of m places [m, H])}, two steps or more; `losses` one number for each
    step; `names` and `groups` of the words, lists of n strings, up to 4 groups. `still` lists up to 4 steps whose maps of
    places stand there where nothing moves, as on paper. Words are drawn in the plane in which the last step's are spread
    most.
    """
    steps, words, places = _frames(frames)
    losses = draw.check_numbers("losses", losses, "steps")
    if len(losses) < steps[-1] or losses.min() < 0 or losses.max() > 30:
        told = f"found {len(losses)}, from {losses.min():g} to {losses.max():g}"
        raise draw.PictureError(f"losses must be one from 0 to 30 for each of {steps[-1]} steps, {told}")
    names = [*map(draw.told, draw.check_texts("names", names, words.shape[1]))]
    groups, kinds = draw.check_groups(groups, len(names))
    still = [draw.check_choice("still", step, *steps) for step in draw.check_list("still", still, of="steps")]
    plane = torch.linalg.svd(words[-1] - words[-1].mean(dim=0), full_matrices=False).Vh[:2].T
    plane = plane * plane.gather(0, plane.abs().argmax(dim=0)[None]).sign()  # svd leaves the sign open
    seen = (words - words.mean(dim=1, keepdim=True)) @ plane
    alike, maps = _cosines(words), _cosines(places)
    own, apart = np.equal.outer(groups, groups), np.abs(np.subtract.outer(*[range(maps.shape[1])] * 2))
    curve = [np.exp(losses[max(0, step - 10) : max(step, 1)].mean()) for step in steps]
    texts = [
        f"Step {step} of {steps[-1]}: as unsure as among {counted(round(unsure), 'token')}. {draw.nearer(of_words, own)} of {len(names)} "
        f"words have a word of their own list nearest. {draw.nearer(of_places, apart <= 2)} of {len(apart)} places have a "
        "close neighbour nearest."
        for step, unsure, of_words, of_places in zip(steps, curve, alike.numpy(), maps.numpy(), strict=True)
    ]
    data = {
        "steps": steps,
        "texts": texts,
        "names": names,
        "groups": [[*kinds].index(group) for group in groups],
        "kinds": [(kind, colour) for kind, (colour, *_) in kinds.items()],
        "points": _packed(seen / (seen.abs().max() or 1)),
        "map": _packed(maps[:, *torch.tril_indices(*maps.shape[1:])]),
        "colours": [to_hex(draw.DIVERGING(share)) for share in np.linspace(0, 1, 33)],
        "curve": [round(unsure, 1) for unsure in curve],
    }
    chosen = {f"step {step}": maps[steps.index(step)] for step in still}
    return Moving("film", data, plots.heat_maps(chosen, "place", "place", limit=1))


def _frames(frames):
    """The steps of `frames` as they rise, the words [steps, n, H] and the places [steps, m, H]."""
    if not isinstance(frames, dict) or len(frames) < 2:
        raise draw.PictureError("frames must be a dict of step to (words, places), two steps or more")
    steps, sizes, stacked = draw.check_numbers("frames", [*frames], "steps", whole=True).tolist(), {}, []
    if min(steps) < 0:
        raise draw.PictureError(f"a step of frames is 0 or more, found {min(steps)}")
    for step, pair in sorted(zip(steps, frames.values(), strict=True), key=lambda frame: frame[0]):
        words, places = draw.check_list(f"step {step}", pair, 2, "tensors, the words and the places")
        words = draw.check_numbers(f"words of step {step}", words, "n H", sizes)
        stacked.append((words, draw.check_numbers(f"places of step {step}", places, "m P", sizes)))
    if min(sizes.values()) < 2:
        raise draw.PictureError("a film needs two words, two places and two numbers in each, or more")
    return sorted(steps), *(torch.from_numpy(np.stack(each)) for each in zip(*stacked, strict=True))


EPS = (0, 1e-12, 0.01, 0.1, 1)
ENDS = {"x": 6, "gamma": 2, "beta": 2}  # where the sliders end


@draw.styled
def drag(x, gamma, beta, eps=1e-12):
    """A token of two or three numbers as it comes, minus its mean, by its spread, and with gamma and beta: its reader drags
    it, or moves sliders for it, for gamma, for beta and for eps.

    `x`, from -6 to 6, `gamma` and `beta`, from -2 to 2, have two numbers each, drawn as arrows in a plane, or three, drawn
    as bars; `eps` is one of 0, 1e-12, 0.01, 0.1 and 1. Raises PictureError for anything else.
    """
    given, eps, sizes = {"x": x, "gamma": gamma, "beta": beta}, draw.check_choice("eps", eps, *EPS), {}
    given = {name: draw.check_numbers(name, numbers, "n", sizes) for name, numbers in given.items()}
    if sizes["n"] not in (2, 3):
        raise draw.PictureError(f"drag takes two or three numbers, found {sizes['n']}")
    for name, numbers in given.items():
        if np.abs(numbers).max() > ENDS[name]:
            ends = f"from {-ENDS[name]} to {ENDS[name]}"
            raise draw.PictureError(f"the sliders move {name} {ends}, found {numbers.tolist()}")
    token, gamma, beta = given.values()
    centred = token - token.mean()
    centred[np.abs(centred) < 1e-9] = 0  # of equal numbers, what the last bits leave
    spread = np.sqrt((centred**2).mean() + eps)
    normalised = centred / spread if spread else centred
    drawn = {
        "a token": token,
        "minus its mean": centred,
        "by its spread": normalised,
        "gamma, beta": gamma * normalised + beta,
    }
    kinds = [(name, colour) for name, (colour, *_) in draw.looks(drawn).items()]
    data = {name: numbers.tolist() for name, numbers in given.items()} | {"eps": eps, "kinds": kinds}
    data |= {"choices": list(EPS), "ends": ENDS}
    shown = dict([*drawn.items()][: 4 if spread else 2])  # 0 / 0 is no number
    if sizes["n"] == 2:
        return Moving("drag", data, plots.arrows(shown, joined=True))
    order = "first", "second", "third"
    bars = {name: dict(zip(order, numbers, strict=True)) for name, numbers in shown.items()}
    return Moving("drag", data, plots.bars(bars, "the three numbers"))


def _cosines(rows):
    """The cosines of the rows of each step [steps, n, H] with one another."""
    rows = torch.nn.functional.normalize(rows, dim=2)
    return rows @ rows.mT


def _packed(numbers):
    """Numbers from -1 to 1 as bytes from -127 to 127, in base64."""
    return base64.b64encode((127 * numbers).round().to(torch.int8).numpy().tobytes()).decode("ascii")
