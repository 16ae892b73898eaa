"""The moving pictures: what is said at each step, and that a slider shows it, in a page as in a notebook."""

import base64
import contextlib
import itertools
import json
import re
import shutil
from pathlib import Path

import browser
import numpy as np
import pytest
import torch

from helpers import drag, film
from helpers.picture import DIVERGING, PictureError

ROOT = Path(__file__).parents[1]


LISTS = torch.tensor([[1, 0, 0, 0], [1, 0.1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0.1]], dtype=torch.float64)
LINE = torch.stack([torch.linspace(1, 0, 6), torch.linspace(0, 1, 6)], dim=1).double()
MIXED = LINE[[0, 3, 5, 1, 4, 2]]
FRAMES = {10: (3 * LISTS, LINE), 2: (LISTS[[0, 2, 1, 3]], MIXED), 5: (LISTS, MIXED)}  # in whatever order


def make(**other):
    """A film of three steps: two lists part, then six places fall in line and the loss halves."""
    given = {"frames": FRAMES, "losses": torch.tensor([40.0] * 5 + [10.0] * 5).log(), "still": (2, 10)}
    given |= {"names": ["one", "two", "<b>", "</script>"], "groups": [1, 1, "a", "a"]}
    return film(**given | other)


def test_each_step_is_told_from_the_tables():
    data = make().data
    told = (
        "Step {} of 10: as unsure as among {} tokens. {} of 4 words have a word of their own list nearest. "
        "{} of 6 places have a close neighbour nearest."
    )
    assert data["texts"] == [told.format(*step) for step in ((2, 40, 0, 3), (5, 40, 4, 3), (10, 20, 4, 6))]
    assert data["curve"] == [40, 40, 20]  # of the mean loss of the last ten steps
    words = LISTS.numpy() - LISTS.numpy().mean(
        0
    )  # of whose distances from one another a plane keeps all but the smallest
    apart = [np.linalg.norm(rows[:, None] - rows, axis=2) for rows in (words, spots(data)[2])]
    np.testing.assert_allclose(apart[1] / apart[1].max(), apart[0] / apart[0].max(), atol=0.06)


def spots(data):
    """Where the words of each step stand."""
    return np.frombuffer(base64.b64decode(data["points"]), np.int8).reshape(-1, 4, 2) * 1.0


def test_the_points_are_the_same_whichever_way_svd_looks(monkeypatch):
    svd, before = torch.linalg.svd, make().data

    def mirrored(*args, **how):
        left, sizes, right = svd(*args, **how)
        return torch.return_types.linalg_svd((-left, sizes, -right))

    monkeypatch.setattr(torch.linalg, "svd", mirrored)
    assert make().data == before


# On which controls a key is heard outside of what moves, by JupyterLab or by the slides: `d d` deletes a cell.
KEYS_HEARD = """() => {
  const heard = [], hear = ({ target }) => heard.push(target.outerHTML);
  document.addEventListener("keydown", hear);
  for (const one of document.querySelectorAll("input, select, button, [tabindex='0']"))
    one.dispatchEvent(new KeyboardEvent("keydown", { key: "d", bubbles: true }));
  document.removeEventListener("keydown", hear);
  return heard;
}"""


@pytest.fixture(scope="module")
def tab():
    """One for all of them, as a new one costs more than a test; each thing that moves has an address of its own."""
    with browser.page() as tab:
        yield tab


@pytest.fixture
def opened(tmp_path, tab):
    """Opens what is to move in a page of the site, in a notebook (as anywidget calls it, and no kernel answers) or on a slide;
    gives what of it is stored there. No window is too narrow for it, and it is for everyone."""
    server = contextlib.ExitStack()

    def open_(made, where):
        output = made.alone().data if where == "slide" else made._repr_mimebundle_()[0]["text/html"]
        (tmp_path / "explorer").mkdir()
        shutil.copy(ROOT / "docs" / "_static" / "site.js", tmp_path)
        shutil.copy(ROOT / "helpers" / f"{made.program}.js", tmp_path / "explorer")
        program = {
            "slide": "",
            "page": '<script type="module" src="site.js"></script>',
            "notebook": f'<script type="module">import moves from "./explorer/{made.program}.js"; const data = '
            'JSON.parse(document.querySelector("script").textContent), place = document.querySelector("main"); '
            "moves.render({ model: { get: () => data }, el: place });</script>",
        }[where]
        page = '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>It moves</title>'
        (tmp_path / "index.html").write_text(
            f"{page}<main><h1>It moves</h1>{output}</main>{program}", "utf-8"
        )
        address, _ = server.enter_context(browser.serve(tmp_path))
        tab.set_viewport_size({"width": 1280, "height": 720})
        tab.goto(address)
        tab.get_by_role("slider").first.wait_for()
        assert tab.locator("figure").is_visible() == (where == "notebook")  # the page hides the still
        for slider in tab.get_by_role("slider").all():
            assert slider.get_attribute("data-lm-suppress-shortcuts") is not None  # or RISE turns slides
        return json.loads(re.search(r'<script type="application/json">(.*?)</script>', output)[1])

    with server:
        yield open_
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.axe(tab) == []
        assert tab.evaluate(KEYS_HEARD) == []


# What an eye reads off the panels of a film: how far the dot stands along the steps, its height by the numbers beside the lines,
# whether it is on the curve, the colours of the map, and where the words stand.
PANELS = """() => {
  const box = (one) => one.getBoundingClientRect(), middle = ({ left, right, top, bottom }) => [(left + right) / 2, (top + bottom) / 2];
  const [lowest, , highest, curve] = document.querySelectorAll(".loss path"), dot = document.querySelector(".loss circle");
  const [low, , high] = document.querySelectorAll(".loss text");
  const [x, y] = middle(box(dot)), map = document.querySelector("canvas"), line = box(lowest);
  const words = document.querySelector(".words"), [left, top] = middle(box(words)), unit = words.clientWidth / words.viewBox.baseVal.width;
  return {
    on: curve.isPointInStroke(new DOMPoint(dot.getAttribute("cx"), dot.getAttribute("cy"))),
    along: (x - line.left) / line.width,
    height: +low.textContent + (high.textContent - low.textContent) * (y - line.top) / (box(highest).top - line.top),
    colours: [...map.getContext("2d").getImageData(0, 0, map.width, map.height).data],
    spots: [...words.children].map((one) => middle(box(one))).map(([x, y]) => [(x - left) / unit, (top - y) / unit]),
  };
}"""


@pytest.mark.parametrize("where", ["page", "notebook", "slide"])
def test_a_slider_shows_each_step_of_a_film(tab, opened, where):
    made = make()
    stored, steps = opened(made, where), made.data["steps"]
    slider, said = tab.get_by_role("slider"), tab.get_by_role("status")
    assert tab.locator(".loss text").all_text_contents() == ["0", "20", "40", "step 2", "10"]
    assert tab.locator(".kinds span").all_inner_texts() == ["1", "a"]
    look = "all => all.map((one) => one.getAttribute('d') + one.getAttribute('fill'))"
    words, (one, a) = (tab.locator(of).evaluate_all(look) for of in (".words > path", ".kinds path"))
    assert words == [one, one, a, a] and one != a
    for n, key in enumerate(["Home", "ArrowRight", "ArrowRight"]):
        slider.press(key)
        assert said.inner_text() == stored["texts"][n] == made.data["texts"][n]
        assert slider.get_attribute("aria-valuetext") == f"step {steps[n]}"
        seen = tab.evaluate(PANELS)
        assert seen["along"] == pytest.approx((steps[n] - steps[0]) / (steps[-1] - steps[0]), abs=0.01)
        assert seen["height"] == pytest.approx(made.data["curve"][n], abs=0.5)
        assert seen["on"] and np.abs(seen["spots"] - spots(made.data)[n]).max() < 2
        places = FRAMES[steps[n]][1]
        cosines = torch.cosine_similarity(places[:, None], places[None], dim=2)
        colours = np.reshape(seen["colours"], (6, 6, 4)) - 255 * DIVERGING((1 + cosines.numpy()) / 2)
        assert np.abs(colours).max() < 24  # in steps
    assert tab.locator(".words title").all_text_contents() == stored["names"]


# The vectors drawn: arrows by the middle of their tips, bars by how far they reach from 0; the dashed line, which leads from tip to
# tip or stands at the mean; and where each bar begins and ends.
VECTORS = """() => {
  const plane = document.querySelector(".plane"), { left, right, top, bottom } = plane.getBoundingClientRect();
  const unit = plane.clientWidth / plane.viewBox.baseVal.width, boxes = [...plane.querySelectorAll("rect")].map((one) => one.getBoundingClientRect());
  const vectors = Array.from(plane.querySelectorAll("g"), (one) => Array.from(one.querySelectorAll("circle, rect"), (part) => {
    const box = part.getBoundingClientRect(), up = (top + bottom - box.top - box.bottom) / unit;
    return part.matches("rect") ? up : [(box.left + box.right - left - right) / 2 / unit, up / 2];
  }).flat());
  const line = plane.querySelectorAll("path")[1].getAttribute("d").match(/-?[\\d.]+(e-?\\d+)?/g).map(Number);
  return { vectors, line, across: boxes.flatMap(({ left, right }) => [left, right]) };
}"""


@pytest.mark.parametrize(("size", "where"), [(2, "page"), (3, "notebook"), (2, "slide")])
def test_a_token_that_is_moved_goes_through_layer_norm(tab, opened, size, where):
    now = {"x": [5.0, 1.0, 0.0], "weight": [1.5, 0.5, 1.0], "bias": [0.0, 1.0, -0.5]}
    now = {name: of[:size] for name, of in now.items()} | {"eps": 1e-12}
    opened(drag(now["x"], now["weight"], now["bias"]), where)
    said, sliders = tab.get_by_role("status"), tab.get_by_role("slider")
    ends = [(one.get_attribute("min"), one.get_attribute("max")) for one in sliders.all()]
    assert ends == [(f"-{end}", f"{end}") for end in (6, 2, 2) for _ in range(size)] + [("0", "4")]

    colours = tab.locator(".plane g :last-child").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).fill)"
    )
    legend = tab.locator(".kinds span")
    assert legend.all_inner_texts() == ["a token", "minus its mean", "by its spread", "gamma, beta"]
    look = "all => all.map((one) => getComputedStyle(one).borderLeftColor)"
    assert legend.evaluate_all(look) == colours and len(set(colours)) == 4

    def agrees():
        tensors = {name: torch.tensor(of, dtype=torch.float64) for name, of in now.items()}
        token, norm = tensors.pop("x"), torch.nn.functional.layer_norm
        vectors = [token, token - token.mean(), norm(token, (size,), eps=now["eps"])]
        vectors = torch.stack([*vectors, norm(token, (size,), **tensors | {"eps": now["eps"]})]).numpy()
        told = re.findall(r"-?\d[\d.e-]*(?<!\.)", said.inner_text().replace("−", "-"))
        steps = [vectors[0], [token.mean()], vectors[1], [token.var(correction=0), now["eps"]], *vectors[2:]]
        assert [*map(float, told)] == pytest.approx(np.concatenate(steps), abs=0.0051)
        drawn = tab.evaluate(VECTORS)
        np.testing.assert_allclose(drawn["vectors"], vectors, rtol=0, atol=0.06)
        line = np.ravel(vectors * [1, -1]) if size == 2 else [-8, -token.mean().item(), 3.8]
        assert drawn["line"] == pytest.approx(line, abs=1e-6)
        assert drawn["across"] == sorted(drawn["across"])  # side by side

    agrees()
    for n, (name, which) in enumerate(itertools.product(("x", "weight", "bias"), range(size))):
        step = (0.5 if name == "x" else 0.1) * (-1) ** n
        sliders.nth(n).press("ArrowRight" if step > 0 else "ArrowLeft")
        now[name][which] += step
        agrees()
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
    for drawn in tab.locator(".plane rect").all():
        box = drawn.bounding_box()
        assert area["y"] - 1 < box["y"] and box["y"] + box["height"] < area["y"] + area["height"] + 1
    for n in range(size):
        sliders.nth(n).fill("2")
    sliders.last.press("Home")
    assert "0 / 0 is no number" in said.inner_text()
    shown = "all => all.filter((one) => getComputedStyle(one).display !== 'none').length"
    assert tab.locator(".plane g").evaluate_all(shown) == (2 if size == 2 else 4)  # of no number no arrow


ROWS = torch.eye(4)[:, :3]
PAIR = (ROWS, ROWS)
WRONG = {
    "drag takes two or three numbers, found 1": lambda: drag([1.0], [1], [0]),
    "drag takes two or three numbers, found 4": lambda: drag([1.0] * 4, [1] * 4, [0] * 4),
    "eps must be one of 0, 1e-12, 0.01, 0.1, 1, found 1e-05": lambda: drag([1, 2], [1, 1], [0, 0], 1e-5),
    r"eps must be one of .*, found array\(\[0, 1\]\)": lambda: drag([1, 2], [1, 1], [0, 0], np.array([0, 1])),
    r"the sliders move x from -6 to 6, found \[9.0, 1.0\]": lambda: drag([9, 1], [1, 1], [0, 0]),
    "the sliders move beta from -2 to 2": lambda: drag([1, 1], [1, 1], [3, 0]),
    "frames must be a dict of step to .words, places., two steps or more": lambda: make(frames=[PAIR]),
    "frames must be a tensor of numbers": lambda: make(frames={"a": PAIR, "b": PAIR}),
    "a step of frames is 0 or more, found -5": lambda: make(frames={-5: PAIR, 5: PAIR}),
    "step 0 must be a list of 2 tensors, the words and the places": lambda: make(frames={0: 5, 1: 5}),
    r"places of step 1 must have the shape \[4, 3\]": lambda: make(frames={0: PAIR, 1: (ROWS, ROWS[:3])}),
    "words of step 1 holds NaN or infinity": lambda: make(frames={0: PAIR, 1: (ROWS * torch.nan, ROWS)}),
    "a film needs two words, two places and two numbers": lambda: make(frames={0: (ROWS, ROWS[:1]), 1: (ROWS, ROWS[:1])}),
    "losses must be one from 0 to 30 for each of 10 steps, found 1": lambda: make(losses=[1.0]),
    "losses must be one .* of 10 steps, found 10, from -1 to -1": lambda: make(losses=[-1.0] * 10),
    "losses must be a tensor of numbers, found None": lambda: make(losses=None),
    "names must be a list of 4 strings": lambda: make(names=None),
    "groups must be a list of 4 names": lambda: make(groups=["a", "b"]),
    "groups: 1 to 4 groups can be told apart, found 5": lambda: make(
        frames=dict.fromkeys((2, 10), (torch.eye(5), ROWS)), names=list("abcde"), groups=list("abcde")),
    "still must be one of 2, 5, 10, found 7": lambda: make(still=(7,)),
    "still must be a list of one or more steps": lambda: make(still=()),
}  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_moved_is_told(said):
    with pytest.raises(PictureError, match=said):
        WRONG[said]()


def test_what_moves_may_be_numbers_of_any_kind():
    usual = make(frames=dict.fromkeys((2, 10), (torch.eye(4), ROWS))).data
    for kind in lambda rows: rows.half().requires_grad_(), torch.Tensor.numpy, torch.Tensor.tolist:
        assert make(frames={n: [kind(torch.eye(4)), kind(ROWS)] for n in (2, 10)}).data == usual
    assert drag([5, 1], [1, 1], [0, 0], torch.tensor(0.01)).data == drag([5, 1], [1, 1], [0, 0], 0.01).data
    assert "\\ud800" not in json.dumps(make(names=["a", "b", "c", "\ud800"]).data)


def test_the_still_goes_through_layer_norm_too():
    assert "“by its spread” is [−0.707, 0.707]" in drag([1, 3], [1, 1], [0, 0], eps=1).still.alt
    for equal in [2, 2], [0.1] * 3:  # 0 / 0 is no number, and neither is what the last bits leave
        assert "by its spread" not in drag(equal, [1] * len(equal), [0] * len(equal), eps=0).still.alt
