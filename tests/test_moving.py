"""The moving pictures: what is said at each step, and that a slider shows it, in a page as in a notebook."""

import json
import re
import shutil
from pathlib import Path

import browser
import pytest
import torch

from helpers import drag, film

ROOT = Path(__file__).parents[1]


def make():
    """A film of three steps: two lists part, then six places fall in line and the loss halves."""
    one = torch.eye(4, dtype=torch.float64)
    lists = torch.stack([one[0], one[0] + 0.1 * one[1], one[2], one[2] + 0.1 * one[3]])
    line = torch.stack([torch.linspace(1, 0, 6), torch.linspace(0, 1, 6)], dim=1).double()
    mixed = line[[0, 3, 5, 1, 4, 2]]
    frames = {0: (lists[[0, 2, 1, 3]], mixed), 5: (lists, mixed), 10: (3 * lists, line)}
    losses = torch.tensor([40.0] * 5 + [10.0] * 5).log().tolist()
    return film(frames, losses, ["one", "two", "<b>", "</script>"], ["1", "1", "a", "a"], still=(0, 10))


def test_each_step_is_told_from_the_tables():
    data = make().data
    told = (
        "Step {} of 10: as unsure as among {} tokens. {} of 4 words have a word of their own list nearest. "
        "{} of 6 places have a close neighbour nearest."
    )
    assert data["texts"] == [told.format(*step) for step in ((0, 40, 0, 3), (5, 40, 4, 3), (10, 20, 4, 6))]
    assert data["curve"] == [40, 40, 20]  # of the mean loss of the last ten steps


def test_the_points_are_the_same_whichever_way_svd_looks(monkeypatch):
    svd, before = torch.linalg.svd, make().data

    def mirrored(*args, **how):
        left, sizes, right = svd(*args, **how)
        return torch.return_types.linalg_svd((-left, sizes, -right))

    monkeypatch.setattr(torch.linalg, "svd", mirrored)
    assert make().data == before


@pytest.mark.skipif(not browser.chromium(), reason=browser.NO_CHROMIUM)
@pytest.mark.parametrize("where", ["page", "notebook"])
def test_the_slider_shows_each_step(tmp_path, where):
    made = make()
    output = made._repr_mimebundle_()[0]["text/html"]
    stored = json.loads(re.search(r'<script type="application/json">(.*?)</script>', output)[1])
    (tmp_path / "explorer").mkdir()
    shutil.copy(ROOT / "docs" / "_static" / "site.js", tmp_path)
    shutil.copy(ROOT / "helpers" / "film.js", tmp_path / "explorer")
    program = {
        "page": '<script type="module" src="site.js"></script>',
        # as anywidget calls it; no kernel answers
        "notebook": '<script type="module">import film from "./explorer/film.js"; const data = '
        'JSON.parse(document.querySelector("script").textContent), place = document.querySelector("main"); '
        "film.render({ model: { get: () => data }, el: place });</script>",
    }[where]
    page = '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>A film</title>'
    (tmp_path / "index.html").write_text(f"{page}<main><h1>A film</h1>{output}</main>{program}", "utf-8")
    with browser.serve(tmp_path) as (address, _), browser.page() as tab:
        tab.goto(address)
        slider, said = tab.get_by_role("slider"), tab.get_by_role("status")
        slider.wait_for()
        seen = set()
        for n, key in enumerate(["Home", "ArrowRight", "ArrowRight"]):
            slider.press(key)
            assert said.inner_text() == stored["texts"][n] == made.data["texts"][n]
            assert slider.get_attribute("aria-valuetext") == f"step {stored['steps'][n]}"
            seen.add(tab.locator(".panels").screenshot())
        assert len(seen) == 3, "the pictures do not move"
        assert tab.locator(".words title").all_text_contents() == stored["names"]
        assert tab.locator("figure").is_visible() == (where == "notebook")  # the page hides the still
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.axe(tab) == []


@pytest.mark.skipif(not browser.chromium(), reason=browser.NO_CHROMIUM)
def test_a_token_that_is_moved_goes_through_layer_norm(tmp_path):
    (tmp_path / "explorer").mkdir()
    shutil.copy(ROOT / "docs" / "_static" / "site.js", tmp_path)
    shutil.copy(ROOT / "helpers" / "drag.js", tmp_path / "explorer")
    output = drag([5.0, 1.0], [1.5, 0.5], [0.0, 1.0])._repr_mimebundle_()[0]["text/html"]
    page = (
        '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8"><title>A token</title>'
    )
    page += f'<main><h1>A token</h1>{output}</main><script type="module" src="site.js"></script>'
    (tmp_path / "index.html").write_text(page, "utf-8")
    now = {"x": [5.0, 1.0], "weight": [1.5, 0.5], "bias": [0.0, 1.0], "eps": 1e-12}
    with browser.serve(tmp_path) as (address, _), browser.page() as tab:
        tab.goto(address)
        said, sliders = tab.get_by_role("status"), tab.get_by_role("slider")
        sliders.first.wait_for()

        def agrees():
            tensors = {name: torch.tensor(of, dtype=torch.float64) for name, of in now.items()}
            of = torch.nn.functional.layer_norm(tensors.pop("x"), (2,), **tensors | {"eps": now["eps"]})
            last = re.findall(r"\[(\S+), (\S+)\]", said.inner_text().replace("−", "-"))[-1]
            assert [float(one) for one in last] == pytest.approx(of.tolist(), abs=0.0051)

        agrees()
        for n, (name, which, key, step) in enumerate(
            [
                ("x", 0, "ArrowLeft", -0.5),
                ("x", 1, "ArrowRight", 0.5),
                ("weight", 0, "ArrowRight", 0.1),
                ("weight", 1, "ArrowLeft", -0.1),
                ("bias", 0, "ArrowRight", 0.1),
                ("bias", 1, "ArrowLeft", -0.1),
            ]
        ):
            sliders.nth(n).press(key)
            now[name][which] += step
            agrees()
        sliders.last.press("End")
        now["eps"] = 1
        agrees()
        area = tab.locator(".plane").bounding_box()
        tab.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] / 4)
        tab.mouse.down()
        now["x"] = [-3.0, 3.0]
        agrees()
        tab.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] * 3 / 4)
        now["x"] = [-3.0, -3.0]
        agrees()
        sliders.last.press("Home")
        assert "0 / 0 is no number" in said.inner_text()
        for width in (1280, 390):
            tab.set_viewport_size({"width": width, "height": 844})
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.axe(tab) == []
