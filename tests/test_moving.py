"""The moving pictures: what is said at each step, and that a slider shows it, in a page as in a notebook."""

import base64
import json
import re
import shutil
from pathlib import Path

import browser
import numpy as np
import pytest
import torch

from helpers import drag, film
from helpers.picture import PictureError

ROOT = Path(__file__).parents[1]


def make(**other):
    """A film of three steps: two lists part, then six places fall in line and the loss halves."""
    one = torch.eye(4, dtype=torch.float64)
    lists = torch.stack([one[0], one[0] + 0.1 * one[1], one[2], one[2] + 0.1 * one[3]])
    line = torch.stack([torch.linspace(1, 0, 6), torch.linspace(0, 1, 6)], dim=1).double()
    mixed = line[[0, 3, 5, 1, 4, 2]]
    frames = {10: (3 * lists, line), 2: (lists[[0, 2, 1, 3]], mixed), 5: (lists, mixed)}  # in whatever order
    losses = torch.tensor([40.0] * 5 + [10.0] * 5).log()
    given = {
        "frames": frames,
        "losses": losses,
        "names": ["one", "two", "<b>", "</script>"],
        "groups": [1, 1, "a", "a"],
    }
    return film(**given | {"still": (2, 10)} | other)


def test_each_step_is_told_from_the_tables():
    data = make().data
    told = (
        "Step {} of 10: as unsure as among {} tokens. {} of 4 words have a word of their own list nearest. "
        "{} of 6 places have a close neighbour nearest."
    )
    assert data["texts"] == [told.format(*step) for step in ((2, 40, 0, 3), (5, 40, 4, 3), (10, 20, 4, 6))]
    assert data["curve"] == [40, 40, 20]  # of the mean loss of the last ten steps
    last = unpacked(data["points"], 4, 2)[2]
    words = np.array([[1, 0, 0, 0], [1, 0.1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0.1]])
    away = words - words.mean(0)  # whose distances from one another a plane keeps, but for the smallest
    apart = [np.linalg.norm(rows[:, None] - rows, axis=2) for rows in (away, last)]
    np.testing.assert_allclose(apart[1] / apart[1].max(), apart[0] / apart[0].max(), atol=0.06)
    place = np.stack([np.linspace(1, 0, 6), np.linspace(0, 1, 6)], axis=1)
    place /= np.linalg.norm(place, axis=1, keepdims=True)
    np.testing.assert_allclose(
        unpacked(data["map"], 21)[2], (place @ place.T)[np.tril_indices(6)], atol=0.005
    )


def unpacked(packed, *shape):
    """The numbers of each step, as film.js reads them."""
    return np.frombuffer(base64.b64decode(packed), np.int8).reshape(-1, *shape) / 127


def test_the_points_are_the_same_whichever_way_svd_looks(monkeypatch):
    svd, before = torch.linalg.svd, make().data

    def mirrored(*args, **how):
        left, sizes, right = svd(*args, **how)
        return torch.return_types.linalg_svd((-left, sizes, -right))

    monkeypatch.setattr(torch.linalg, "svd", mirrored)
    assert make().data == before


DRAWN = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)], dot = document.querySelector(".loss circle");
  const canvas = document.querySelector(".panels canvas");
  return { spots: all(".words path").map((spot) => spot.getAttribute("transform")), dot: ["cx", "cy"].map((name) => Number(dot.getAttribute(name))),
    map: [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data] };
}"""


@pytest.mark.parametrize("where", ["page", "notebook", "slide"])
def test_the_slider_shows_each_step(tmp_path, tab, where):
    made = make()
    output = made.alone().data if where == "slide" else made._repr_mimebundle_()[0]["text/html"]
    stored = json.loads(re.search(r'<script type="application/json">(.*?)</script>', output)[1])
    (tmp_path / "explorer").mkdir()
    shutil.copy(ROOT / "docs" / "_static" / "site.js", tmp_path)
    shutil.copy(ROOT / "helpers" / "film.js", tmp_path / "explorer")
    program = {
        "slide": "",
        "page": '<script type="module" src="site.js"></script>',
        # as anywidget calls it; no kernel answers
        "notebook": '<script type="module">import film from "./explorer/film.js"; const data = '
        'JSON.parse(document.querySelector("script").textContent), place = document.querySelector("main"); '
        "film.render({ model: { get: () => data }, el: place });</script>",
    }[where]
    page = '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>A film</title>'
    (tmp_path / "index.html").write_text(f"{page}<main><h1>A film</h1>{output}</main>{program}", "utf-8")
    with browser.serve(tmp_path) as (address, _):
        tab.goto(address)
        slider, said = tab.get_by_role("slider"), tab.get_by_role("status")
        slider.wait_for()
        assert tab.locator(".loss circle").get_attribute("cx") == "32"  # above the number of the first step
        assert slider.get_attribute("data-lm-suppress-shortcuts") is not None  # or RISE turns slides
        points, maps = unpacked(stored["points"], 4, 2) * 127, unpacked(stored["map"], 21)
        colours = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in stored["colours"]]
        axis = tab.locator(".loss text").all_text_contents()
        assert axis == ["0", "20", "40", "step 2", "10"]
        assert tab.locator(".kinds span").all_inner_texts() == [kind for kind, _ in stored["kinds"]]
        heights = dict(zip(axis, tab.locator(".loss [stroke='#d8d8d8']").all(), strict=False))
        heights = {
            said: float(re.search("M32 (.*)H290", line.get_attribute("d"))[1])
            for said, line in heights.items()
        }
        curve = tab.locator(".loss [stroke='#b9b9b9']").get_attribute("d")
        seen = set()
        for n, key in enumerate(["Home", "ArrowRight", "ArrowRight"]):
            slider.press(key)
            assert said.inner_text() == stored["texts"][n] == made.data["texts"][n]
            assert slider.get_attribute("aria-valuetext") == f"step {stored['steps'][n]}"
            drawn = tab.evaluate(DRAWN)
            assert drawn["spots"] == [
                f"translate({x:.0f} {-y:.0f})".replace("-0 ", "0 ") for x, y in points[n]
            ], drawn
            full = np.zeros((6, 6))
            full[np.tril_indices(6)] = maps[n]
            full = np.maximum(full, full.T)
            steps = np.floor((full + 1) / 2 * (len(colours) - 1) + 0.5).astype(int)
            assert np.reshape(drawn["map"], (6, 6, 4))[:, :, :3].tolist() == np.array(colours)[steps].tolist()
            right, high = 32 + 258 * (stored["steps"][n] - 2) / 8, heights[f"{stored['curve'][n]:g}"]
            assert drawn["dot"] == pytest.approx([right, high]) and f"{right:g} {high:g}" in curve
            seen.add(tab.locator(".panels").screenshot())
        assert len(seen) == 3, "the pictures do not move"
        assert tab.locator(".words title").all_text_contents() == stored["names"]
        assert tab.locator("figure").is_visible() == (where == "notebook")  # the page hides the still
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.axe(tab) == []


SHAPES = """() => {
  const all = (selector, ...names) => [...document.querySelectorAll(selector)].map((one) => names.map((name) => one.getAttribute(name)));
  const numbers = (text) => text.match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
  return { tips: all(".plane circle", "transform").map(([at]) => numbers(at)), arrows: all(".plane g path", "d").map(([d]) => numbers(d)),
    bars: all(".plane rect", "x", "y", "width", "height").map((one) => one.map(Number)), line: numbers(all(".plane path", "d")[1][0]) };
}"""
STEPS = {  # which slider, by its place, changes which number by how much
    2: [
        ("x", 0, -0.5),
        ("x", 1, 0.5),
        ("weight", 0, 0.1),
        ("weight", 1, -0.1),
        ("bias", 0, 0.1),
        ("bias", 1, -0.1),
    ],
    3: [(name, n, 0.1 * (5 if name == "x" else 1)) for name in ("x", "weight", "bias") for n in (0, 1, 2)],
}


@pytest.mark.parametrize("size", [2, 3])
def test_a_token_that_is_moved_goes_through_layer_norm(tmp_path, tab, size):
    (tmp_path / "explorer").mkdir()
    shutil.copy(ROOT / "docs" / "_static" / "site.js", tmp_path)
    shutil.copy(ROOT / "helpers" / "drag.js", tmp_path / "explorer")
    now = {"x": [5.0, 1.0, 0.0], "weight": [1.5, 0.5, 1.0], "bias": [0.0, 1.0, -0.5]}
    now = {name: of[:size] for name, of in now.items()} | {"eps": 1e-12}
    output = drag(now["x"], now["weight"], now["bias"])._repr_mimebundle_()[0]["text/html"]
    page = (
        '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>A token</title>'
    )
    page += f'<main><h1>A token</h1>{output}</main><script type="module" src="site.js"></script>'
    (tmp_path / "index.html").write_text(page, "utf-8")
    with browser.serve(tmp_path) as (address, _):
        tab.goto(address)
        said, sliders, seen = tab.get_by_role("status"), tab.get_by_role("slider"), set()
        sliders.first.wait_for()
        ends = [(one.get_attribute("min"), one.get_attribute("max")) for one in sliders.all()]
        assert ends == [(f"-{end}", f"{end}") for end in (6, 2, 2) for _ in range(size)] + [("0", "4")]

        def agrees():
            tensors = {name: torch.tensor(of, dtype=torch.float64) for name, of in now.items()}
            token, plain = tensors["x"], torch.nn.functional.layer_norm(tensors["x"], (size,), eps=now["eps"])
            of = torch.nn.functional.layer_norm(tensors.pop("x"), (size,), **tensors | {"eps": now["eps"]})
            vectors = torch.stack([token, token - token.mean(), plain, of]).numpy()
            told = re.findall(r"-?\d[\d.e-]*(?<!\.)", said.inner_text().replace("−", "-"))
            mean, rest = [token.mean()], [token.var(correction=0), now["eps"]]
            wanted = [*vectors[0], *mean, *vectors[1], *rest, *vectors[2], *vectors[3]]
            assert [float(one) for one in told] == pytest.approx([float(one) for one in wanted], abs=0.0051)
            drawn = tab.evaluate(SHAPES)
            if size == 2:
                assert np.array(drawn["tips"]) == pytest.approx(vectors * [1, -1])
                assert drawn["arrows"] == [[0, 0, *tip] for tip in drawn["tips"]]
                assert drawn["line"] == np.ravel(drawn["tips"]).tolist()  # from tip to tip
            else:
                bars = np.reshape(drawn["bars"], (4, 3, 4))
                assert bars[:, :, 3] == pytest.approx(abs(vectors))  # height
                assert bars[:, :, 1] == pytest.approx(np.minimum(0, -vectors))  # top
                left, wide = bars[:, :, 0].ravel(), bars[0, 0, 2]
                assert (np.diff(left) > wide).all() and -8 <= left[0] < left[-1] < 8 - wide  # side by side
                assert drawn["line"][1] == pytest.approx(-float(token.mean()))
            seen.add(tab.locator(".plane").inner_html())

        agrees()
        for n, (name, which, step) in enumerate(STEPS[size]):
            sliders.nth(n).press("ArrowRight" if step > 0 else "ArrowLeft")
            now[name][which] += step
            agrees()
        assert len(seen) == 1 + len(STEPS[size]), "the picture does not move"
        sliders.last.press("End")
        now["eps"] = 1
        agrees()
        area = tab.locator(".plane").bounding_box()

        def pull(across, down):
            tab.mouse.move(area["x"] + area["width"] * across, area["y"] + area["height"] * down)

        if size == 2:  # the arrow's tip
            pull(1 / 4, 1 / 4)
            tab.mouse.down()
            now["x"] = [-3.0, 3.0]
            agrees()
            pull(1 / 4, 3 / 4)
            now["x"] = [-3.0, -3.0]
            agrees()
        else:  # the token's bars, one after the other
            for n, across in enumerate((0.05, 0.12, 0.19)):
                pull(across, 3 / 4)
                tab.mouse.down()
                tab.mouse.up()
                now["x"][n] = -4.0
                agrees()
        for n, key in enumerate(["End", "End", "Home"][:size]):  # as far from the mean as sliders go
            sliders.nth(n).press(key)
        inside = tab.locator(".plane").bounding_box()
        for drawn in tab.locator(".plane rect").all():
            box = drawn.bounding_box()
            assert box["y"] > inside["y"] - 1
            assert box["y"] + box["height"] < inside["y"] + inside["height"] + 1
        now["x"] = [2.0] * size
        for n in range(size):
            sliders.nth(n).fill("2")
        sliders.last.press("Home")
        assert "0 / 0 is no number" in said.inner_text()
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.axe(tab) == []


ROWS = torch.eye(4)[:, :3]
WRONG = {
    "drag takes two or three numbers, found 1": lambda: drag([1.0], [1], [0]),
    "drag takes two or three numbers, found 4": lambda: drag([1.0] * 4, [1] * 4, [0] * 4),
    "eps must be one of 0, 1e-12, 0.01, 0.1, 1, found 1e-05": lambda: drag([1, 2], [1, 1], [0, 0], 1e-5),
    r"eps must be one of .*, found array\(\[0, 1\]\)": lambda: drag([1, 2], [1, 1], [0, 0], np.array([0, 1])),
    r"the sliders move x from -6 to 6, found \[9.0, 1.0\]": lambda: drag([9, 1], [1, 1], [0, 0]),
    "the sliders move beta from -2 to 2": lambda: drag([1, 1], [1, 1], [3, 0]),
    "frames must be a dict of step to .words, places., two steps or more": lambda: make(
        frames=[(ROWS, ROWS)]
    ),
    "frames must be a tensor of numbers": lambda: make(frames={"a": (ROWS, ROWS), "b": (ROWS, ROWS)}),
    "a step of frames is 0 or more, found -5": lambda: make(frames={-5: (ROWS, ROWS), 5: (ROWS, ROWS)}),
    "step 0 must be a list of 2 tensors, the words and the places": lambda: make(frames={0: 5, 1: 5}),
    r"places of step 1 must have the shape \[4, 3\]": lambda: make(
        frames={0: (ROWS, ROWS), 1: (ROWS, ROWS[:3])}
    ),
    "words of step 1 holds NaN or infinity": lambda: make(
        frames={0: (ROWS, ROWS), 1: (ROWS * torch.nan, ROWS)}
    ),
    "a film needs two words, two places and two numbers": lambda: make(
        frames=dict.fromkeys((0, 1), (ROWS, ROWS[:1]))
    ),
    "losses must be one from 0 to 30 for each of 10 steps, found 1": lambda: make(losses=[1.0]),
    "losses must be one from 0 to 30 for each of 10 steps, found 10, from -1 to -1": lambda: make(
        losses=[-1.0] * 10
    ),
    "losses must be a tensor of numbers, found None": lambda: make(losses=None),
    "names must be a list of 4 strings": lambda: make(names=None),
    "groups must be a list of 4 names": lambda: make(groups=["a", "b"]),
    "groups: 1 to 4 groups can be told apart, found 5": lambda: make(
        frames=dict.fromkeys((2, 10), (torch.eye(5), ROWS)), names=list("abcde"), groups=list("abcde")
    ),
    "still must be one of 2, 5, 10, found 7": lambda: make(still=(7,)),
    "still must be a list of one or more steps": lambda: make(still=()),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_moved_is_told(said):
    with pytest.raises(PictureError, match=said):
        WRONG[said]()


def test_what_moves_may_be_numbers_of_any_kind():
    frames = dict.fromkeys((2, 10), (torch.eye(4), ROWS))
    of = {
        "float16": lambda t: t.half().requires_grad_(),
        "array": torch.Tensor.numpy,
        "list": torch.Tensor.tolist,
    }
    usual = make(frames=frames).data
    for kind in of.values():
        assert (
            make(frames={step: [kind(rows) for rows in pair] for step, pair in frames.items()}).data == usual
        )
    assert drag([5, 1], [1, 1], [0, 0], torch.tensor(0.01)).data == drag([5, 1], [1, 1], [0, 0], 0.01).data
    assert "\\ud800" not in json.dumps(make(names=["a", "b", "c", "\ud800"]).data)


def test_the_still_goes_through_layer_norm_too():
    assert "“by its spread” is [−0.707, 0.707]" in drag([1, 3], [1, 1], [0, 0], eps=1).still.alt
    assert "[0, 0]" in drag([2, 2], [1, 1], [0, 0], eps=0).still.alt  # equal numbers without eps
