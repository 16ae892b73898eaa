"""The notebooks as a lecture: every cell placed on purpose, minutes that add up, no slide that overflows.

Overflow is measured in a browser, on the page that presents in a lecture (RISE), all notebooks as one
presentation because opening the page is what takes time. Where no browser is, and to be quicker to read than
a browser is to start, each slide has a budget of lines and pictures too; the browser keeps its numbers right.
"""

import base64
import itertools
import json
import math
import re
import struct
from collections import Counter
from pathlib import Path

import browser
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TYPES = {"slide", "subslide", "fragment", "-", "skip", "notes"}
SCREEN = 1280, 720  # a projector of 1920 × 1080 with the browser at 150 %
ROOM = 715  # of the height: the bar that shows progress lies below
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path):
    """The notebook's cells: dicts with their `number` (from 1), `place` (slide type) and `text` added."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells, 1):
        cell["number"] = number
        cell["place"] = cell["metadata"].get("slideshow", {}).get("slide_type")
        cell["text"] = "".join(cell["source"])
    return cells


def slides_of(path):
    """The slides and sub-slides, each a list of the cells on it, as RISE groups them."""
    slides = []
    for cell in cells_of(path):
        if cell["place"] in ("slide", "subslide"):
            slides.append([cell])
        elif cell["place"] in ("fragment", "-"):
            slides[-1].append(cell)
    return slides


def minutes(text):
    return [int(number) for number in re.findall(r"\((\d+) min\)", text)]


@each_notebook
def test_every_cell_is_placed(path):
    cells = cells_of(path)
    lost = [cell["number"] for cell in cells if cell["place"] not in TYPES]
    assert not lost, f"cells {lost} are on no slide, on purpose or not: set slideshow.slide_type"
    assert cells[0]["place"] == "slide"
    shown = [
        c["number"] for c in cells if "solution" in c["metadata"].get("tags", []) and c["place"] != "skip"
    ]
    assert not shown, f"the solutions in cells {shown} are on a slide"


@each_notebook
def test_a_question_comes_before_its_answer(path):
    for slide in slides_of(path):
        for asked, answer in itertools.pairwise(slide):
            if "**Predict" in asked["text"] and answer["cell_type"] == "code":
                assert answer["place"] == "fragment", f"cell {answer['number']} gives the answer away"


@each_notebook
def test_speaker_notes_tell_what_to_ask_and_how_long_it_takes(path):
    cells = cells_of(path)
    notes = [cell for cell in cells if cell["place"] == "notes"]
    assert len(notes) >= 2
    for cell in notes:
        where = f"notes in cell {cell['number']}"
        assert cell["cell_type"] == "markdown", where
        assert len(cell["text"]) >= 60, where
        assert len(minutes(cell["text"])) == 1, f"{where}: one “(N min)”"
    for told in ("ask", "usual wrong answer", "point"):
        assert any(re.search(rf"\b{told}\b", cell["text"].lower()) for cell in notes), f"no notes say: {told}"
    title = re.findall(r"about (\d+) minutes", cells[0]["text"])
    assert len(title) == 1, "the title cell says “about N minutes” once"
    assert sum(sum(minutes(cell["text"])) for cell in notes) == int(title[0])


def test_the_plans_of_a_lecture_add_up():
    text = "\n".join(cell["text"] for cell in cells_of(NOTEBOOKS[0]))
    plans = re.findall(r"^#+ (.*\bof (\d+) minutes.*)\n((?:(?!#).*\n?)*)", text, re.MULTILINE)
    assert Counter(total for _, total, _ in plans) == {"90": 1, "45": 3}
    for heading, total, plan in plans:
        assert sum(minutes(plan)) == int(total), heading
        for number, said in re.findall(r"\b(0\d) \((\d+) min\)", plan):
            title = cells_of(NOTEBOOKS[int(number)])[0]["text"]
            assert f"about {said} minutes" in title, f"{heading}: {number} takes another time"


# ---------------------------------------------------------------- does it fit?


def budget(slide):
    """About how high a slide is, in pixels, from its lines and pictures. `test_…_fits_in_a_browser` holds it
    to what a browser measures."""
    return sum(_markdown(c["text"]) if c["cell_type"] == "markdown" else _code(c) for c in slide)


def _markdown(text):
    height = 20
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", text)
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if block.startswith("#"):
            height += {1: 110, 2: 47, 3: 32}[min(3, len(block.split()[0]))]
        elif lines[0].startswith("|"):
            height += 25 * (len(lines) - 1) + 14
        elif re.match(r"[-*] |\d+\. ", lines[0]):
            height += sum(23 * _lines(line, 180) for line in lines) + 14
        elif lines[0].startswith("```"):
            height += 18 * (len(lines) - 2) + 20
        else:
            height += 18 * _lines(" ".join(lines), 185) + 20
    return height


def _code(cell):
    height = 22 + 18 * len(cell["text"].splitlines())
    for output in cell["outputs"]:
        data = output.get("data", {})
        picture = re.search(r'width="(\d+)".*?base64,([^"]{40})', "".join(data.get("text/html", "")))
        if picture:
            across, down = struct.unpack(">II", base64.b64decode(picture[2])[16:24])
            height += down * int(picture[1]) / across + 70
        else:
            text = "".join(output.get("text", data.get("text/plain", "")))
            height += 8 + 18 * len(text.splitlines())
    return height


def _lines(text, width):
    return max(1, math.ceil(len(text) / width))


@each_notebook
def test_no_slide_is_over_its_budget(path):
    for slide in slides_of(path):
        assert budget(slide) <= ROOM + 30, (
            f"cells {[c['number'] for c in slide]}: move something to a slide of its own"
        )


MEASURE = """() => [...document.querySelectorAll('.slides section section')].map(slide => ({
    height: slide.scrollHeight,
    cells: [...slide.querySelectorAll('.jp-Cell')].map(cell => cell.getBoundingClientRect().height),
    wide: [...slide.querySelectorAll('.cm-scroller, .jp-OutputArea-output, .jp-RenderedHTMLCommon')]
        .filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.textContent.slice(0, 60)),
}))"""
ALL_AT_ONCE = """
.reveal .slides section { display: block !important; transform: none !important }
.reveal .slides .fragment { opacity: 1 !important; visibility: inherit !important }
* { transition: none !important }
"""


def measure(slides, folder):
    """What a browser makes of `slides`: for each a dict of height, heights of its cells, and what is too wide."""
    extra = ("number", "place", "text")
    cells = [{k: v for k, v in cell.items() if k not in extra} for slide in slides for cell in slide]
    cells = [{**cell, "id": f"c{n}"} for n, cell in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}}
    notebook |= {"nbformat": 4, "nbformat_minor": 5}
    (Path(folder) / "lecture.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with browser.jupyterlab(folder) as (address, token), browser.page(*SCREEN) as page:
        page.set_default_timeout(120_000)
        page.goto(f"{address}/rise/lecture.ipynb?token={token}")
        page.wait_for_selector(".reveal .slides section.present .jp-Cell")
        page.add_style_tag(content=ALL_AT_ONCE)
        page.wait_for_function(
            "![...document.images].some(image => !image.complete)"
            " && !document.querySelector('.jp-MarkdownCell:not(.jp-mod-rendered)')"
        )
        found = None
        while found != (found := page.evaluate(MEASURE)):
            page.wait_for_timeout(500)
        return found


def test_every_slide_fits_in_a_browser(tmp_path):
    if not browser.chromium():
        pytest.skip(browser.NO_CHROMIUM)
    slides = [(path.stem, slide) for path in NOTEBOOKS for slide in slides_of(path)]
    found = measure([slide for _, slide in slides], tmp_path)
    assert len(found) == len(slides)
    wrong = []
    for (name, slide), seen in zip(slides, found, strict=True):
        where = f"{name}, the slide of cells {', '.join(str(cell['number']) for cell in slide)}"
        if seen["height"] > ROOM:
            wrong.append(f"{where} is {seen['height']} pixels high, {ROOM} is what fits")
        if seen["wide"]:
            wrong.append(f"{where} is wider than the screen at {seen['wide']}")
        if abs(budget(slide) - seen["height"]) > 50:
            wrong.append(f"{where} is {seen['height']} pixels high, its budget says {budget(slide):.0f}")
    assert not wrong, "\n" + "\n".join(wrong)
