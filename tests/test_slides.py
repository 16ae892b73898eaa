"""The notebooks as a lecture: every cell placed on purpose, minutes that add up, slides that can be read and fit.

RISE and the static slides are measured alike, in a browser at 1280 × 720 with every fragment shown, all notebooks
as one presentation, because opening the page is what takes time.
"""

import contextlib
import html
import json
import os
import re
import sys
from pathlib import Path
from unittest.mock import patch

import browser
import nbformat
import pytest
from nbformat.sign import NotebookNotary
from traitlets.config import PyFileConfigLoader

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs"))
import minutes
from last_row import LastRow
from minutes import NOTEBOOKS, cells_of, slides_of

SCREEN = 1280, 720  # a projector of 1920 × 1080 with the browser at 150 %
ROOM = 714  # of the height: the bar that shows progress lies below
PROSE, CODE = 22, 19  # pixels, at least
COLUMNS = 97  # of code that fit beside one another
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_every_cell_is_placed_and_an_answer_comes_on_a_fragment(path):
    for cell in cells_of(path):
        assert cell["place"] in {"slide", "subslide", "fragment", "-", "skip", "notes"}, cell["number"]
        if {"setup", "solution", "proof"} & set(cell["metadata"].get("tags", [])):
            assert cell["place"] == "skip", f"cell {cell['number']} is on a slide"
    for slide in slides_of(path):
        shown = [cell for cell in slide if cell["place"] != "notes"]
        code = [line for cell in shown if cell["cell_type"] == "code" for line in cell["text"].splitlines()]
        assert not [line for line in code if len(line) > COLUMNS]
        if "**Predict" in shown[0]["text"]:
            assert all(c["place"] == "fragment" for c in shown[1:] if c["cell_type"] == "code"), shown[0][
                "number"
            ]
        if not any(c["cell_type"] == "markdown" for c in shown):
            outputs = json.dumps([cell["outputs"] for cell in shown])
            assert "tensor([" not in outputs, (
                f"cell {shown[0]['number']}: a tensor and not a word on the slide"
            )


@each_notebook
def test_notes_say_how_long_it_takes(path):
    for cell in cells_of(path):
        if cell["place"] == "notes":
            text = cell["text"]
            assert len(minutes.marked(text)) == 1 and len(text) >= 60, f"one “(N min)” and what to do: {text}"


def test_minutes_are_counted_and_a_lecture_leaves_time_for_questions():
    for path, text in minutes.written():
        assert path.read_text("utf-8") == text, f"{path.name}: run docs/minutes.py"
    for path in NOTEBOOKS:
        first, with_exercises = minutes.to_read(path)
        headings = re.findall(
            r"^#+ Exercise.*$", "\n".join(cell["text"] for cell in cells_of(path)), re.MULTILINE
        )
        assert abs(with_exercises - first - sum(minutes.marked(" ".join(headings)))) < 5, path.name
    for name in minutes.LECTURES:
        questions = int(re.findall(r"\| (\d+) \| questions", minutes.plan(name))[0])
        assert questions >= (10 if "90" in name else 5), name


def test_the_short_path_has_the_answer_to_what_it_asks():
    for path in NOTEBOOKS[:10]:
        slides = minutes.short(path)
        asks = [n for n, slide in enumerate(slides) if "**Predict" in slide[0]["text"]]
        answered = [n for n, slide in enumerate(slides) if any(cell["cell_type"] == "code" for cell in slide)]
        assert asks and all(n in answered or n + 1 in answered for n in asks), path.name


def convert(config, folder, *arguments):
    """`jupyter nbconvert --config docs/… …` in this folder, without the seconds in which its process would start."""
    from nbconvert.nbconvertapp import NbConvertApp  # here, because it imports every exporter there is

    kept = {name: sys.modules.pop(name) for name in ("last_row", "minutes")}  # it finds its own, or none
    elsewhere = [path for path in sys.path if path != str(ROOT / "docs")]
    try:
        with contextlib.chdir(folder), patch.object(sys, "path", elsewhere):
            app = NbConvertApp()
            app.initialize(["--config", f"docs/{config}.py", *map(str, arguments)])
            app.start()
    finally:
        sys.modules.update(kept)


# In a browser

ALL_AT_ONCE = """
.reveal .slides section { display: block !important; transform: none !important; visibility: visible !important; opacity: 1 !important }
.reveal .slides .fragment { opacity: 1 !important; visibility: inherit !important }
* { transition: none !important }
"""
MEASURE = """() => {
    const controls = [...document.querySelectorAll('.reveal .controls button')].map(b => b.getBoundingClientRect());
    const arrows = Math.min(...controls.filter(r => r.width).map(r => r.left));
    const size = (slide, what) => Math.min(99, ...[...slide.querySelectorAll(what)]
        .filter(e => e.textContent.trim() && e.getClientRects().length)
        .map(e => parseFloat(getComputedStyle(e).fontSize)));
    return [...document.querySelectorAll('.slides section section')].map(slide => ({
        first: slide.querySelector('.jp-Cell')?.textContent.trim().slice(0, 50),
        height: slide.scrollHeight,
        prose: size(slide, '.jp-RenderedMarkdown p, .jp-RenderedMarkdown li, figcaption, :is(.film-now, .drag-now) :is(p, label, b, span)'),
        code: size(slide, 'code, td, th, .cm-line, .highlight pre, .jp-OutputArea-output pre'),
        right: Math.max(0, ...[...slide.querySelectorAll(
            '.jp-RenderedMarkdown > *, figure, figure img, .cm-editor, .highlight, .jp-OutputArea-output pre')]
            .filter(e => !e.closest('aside')).map(e => e.getBoundingClientRect().right - slide.getBoundingClientRect().left)),
        wide: [...slide.querySelectorAll('.cm-scroller, .highlight pre, .jp-OutputArea-output, .jp-RenderedHTMLCommon')]
            .filter(part => !part.closest('aside') && part.scrollWidth > part.clientWidth + 1)
            .map(part => part.textContent.slice(0, 60)),
        draws: [...slide.querySelectorAll('.cm-line, .highlight pre, .jp-PlaceholderText')]
            .filter(e => /^(plots\\.|explore\\(|drag\\(|film\\()/m.test(e.textContent) && e.checkVisibility({opacityProperty: true}))
            .map(e => e.textContent),
        asks: !!slide.querySelector('.alert-info'),
        notes: [...slide.querySelectorAll('aside.notes')].map(aside => aside.textContent).join(' '),
        arrows: arrows - slide.getBoundingClientRect().left,
    }));
}"""


def lecture(folder):
    """Write all notebooks as one into `folder`: their cells, but for the ones that are on no slide."""
    cells = [cell for path in NOTEBOOKS for slide in slides_of(path) for cell in slide]
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    notebook["cells"] = [
        {key: cell[key] for key in cell.keys() - {"number", "place", "text", "tags"}} | {"id": f"c{number}"}
        for number, cell in enumerate(cells)
    ]
    (folder / "lecture.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def settled(page):
    """What a browser makes of the slides on the page, once it no longer changes."""
    page.add_style_tag(content=ALL_AT_ONCE)
    page.wait_for_function("![...document.images].some(image => !image.complete)")
    found = None
    while found != (found := page.evaluate(MEASURE)):
        page.wait_for_timeout(500)
    return found


def rise(folder):
    lecture(folder)
    staged, _ = LastRow().preprocess(nbformat.read(folder / "lecture.ipynb", 4), {})  # as docs/stage.py does
    nbformat.write(staged, folder / "lecture.ipynb")
    (folder / "rise.css").write_bytes((ROOT / "notebooks" / "rise.css").read_bytes())
    with browser.page(*SCREEN) as page, browser.jupyterlab(folder) as (address, token):
        page.set_default_timeout(120_000)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/rise/lecture.ipynb?token={token}")
        page.wait_for_selector(".reveal .slides section.present .jp-Cell")
        page.wait_for_function("!document.querySelector('.jp-MarkdownCell:not(.jp-mod-rendered)')")
        assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
        return settled(page)


FOREIGN = r"""(?:<(?:script|link|iframe|img)\b[^>]*(?:src|href)=|\bimport\b[^;\n]{0,80}|url\()\s*["']?(?:https?:)?//[^"')\s]*"""


def static(folder):
    if not (ROOT / "docs" / "node_modules" / "reveal.js").is_dir():
        pytest.skip("needs reveal.js: `python docs/explorer_data.py` brings it")
    (folder / "slides").mkdir()
    (folder / "slides" / "node_modules").symlink_to(ROOT / "docs" / "node_modules")
    lecture(folder)
    for name in ("docs", "notebooks"):
        (folder / name).symlink_to(ROOT / name)
    convert("slides", folder, "lecture.ipynb")
    html = (folder / "slides" / "lecture.slides.html").read_text("utf-8")
    assert not re.findall(FOREIGN, html), "the slides ask another host"
    with browser.page(*SCREEN) as page:
        page.goto((folder / "slides" / "lecture.slides.html").as_uri())
        page.wait_for_selector(".reveal.ready")
        with page.expect_popup():
            page.keyboard.press("s")  # the speaker view
        return settled(page)


@pytest.mark.parametrize(
    "measure",
    [pytest.param(rise, marks=pytest.mark.weekly), static],  # the same slides, by a second program
    ids=["RISE", "static"],
)
def test_every_slide_fits_and_can_be_read_from_the_last_row(tmp_path, measure):
    slides = [(path.stem, slide[0]["number"]) for path in NOTEBOOKS for slide in slides_of(path)]
    found = measure(tmp_path)
    assert len(found) == len(slides)
    wrong = []
    for (name, number), seen in zip(slides, found, strict=True):
        where = f"{name}, slide of cell {number}"
        if seen["height"] > ROOM:
            wrong.append(f"{where} is {seen['height']} pixels high, {ROOM} is what fits")
        if seen["wide"]:
            wrong.append(f"{where} is wider than its room at {seen['wide']}")
        if seen["right"] > seen["arrows"]:
            wrong.append(f"{where} reaches {seen['right']:.0f}, the arrows begin at {seen['arrows']:.0f}")
        if seen["prose"] < PROSE or seen["code"] < CODE:
            wrong.append(f"{where}: prose {seen['prose']} px, code {seen['code']} px")
        if seen["draws"]:
            wrong.append(f"{where} shows the call {seen['draws']}, where its picture is the point")
        if seen["asks"] and not minutes.marked(seen["notes"]):
            wrong.append(f"{where} asks, and the speaker view has no notes for it")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", ["slides", "short"])
def test_what_static_slides_take_in_lies_where_npm_puts_it(name, tmp_path, monkeypatch):
    (tmp_path / "slides/node_modules/reveal.js").mkdir(parents=True)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    config = PyFileConfigLoader(f"{name}.py", str(ROOT / "docs")).load_config()
    exporter, folder = config.SlidesExporter, tmp_path / config.FilesWriter.build_directory
    packages = json.loads((ROOT / "docs/package.json").read_text("utf-8"))["devDependencies"]
    for address in (exporter.reveal_url_prefix, exporter.require_js_url, exporter.jquery_url):
        package = Path(os.path.normpath(folder / address)).relative_to(tmp_path / "slides/node_modules")
        assert package.parts[0] in packages, address
        there = ROOT / "docs/node_modules"
        assert not there.exists() or (there / package).exists(), address


def test_the_short_path_is_written_and_what_is_not_on_it_comes_whole(tmp_path):
    (tmp_path / "slides/node_modules/reveal.js").mkdir(parents=True)
    for name in ("docs", "helpers", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    convert("short", tmp_path, *NOTEBOOKS[9:11])
    for path in NOTEBOOKS[9:11]:
        written = (tmp_path / f"slides/short/{path.stem}.slides.html").read_text("utf-8")
        places = [slide[0]["place"] for slide in minutes.short(path) or slides_of(path)]
        columns = places.count("slide")  # a section, too
        assert written.count("<section>") == len(places) + columns
    convert("stage", tmp_path, NOTEBOOKS[9])
    assert (tmp_path / "slides/stage/rise.css").is_file()  # beside the notebook, where RISE looks for it
    staged = nbformat.read(tmp_path / "slides/stage" / NOTEBOOKS[9].name, 4)
    made, _ = LastRow().preprocess(nbformat.read(NOTEBOOKS[9], 4), {})
    assert [cell.source for cell in staged.cells] == [cell.source for cell in made.cells]
    assert staged.metadata["rise"] == {"theme": "white"} and NotebookNotary().check_signature(staged)


# Handouts


def test_a_handout_has_no_solutions_notes_or_outputs_and_runs(tmp_path):
    from checkpoints import run_notebook

    convert("handouts", ROOT, f"--FilesWriter.build_directory={tmp_path}", *NOTEBOOKS)
    for path in NOTEBOOKS:
        handout = (tmp_path / path.name).read_text(encoding="utf-8")
        assert "Solution (folded)" not in handout and "For the lecturer" not in handout
        cells = json.loads(handout)["cells"]
        assert not any(cell.get("outputs") for cell in cells)
        assert handout.count('"proof"') == path.read_text("utf-8").count('"proof"')
        asked = sum("**Predict" in "".join(cell["source"]) for cell in cells)
        assert asked == 0 or handout.count("What it showed: open it") > asked / 2, path.name
        assert handout.count("<summary>Hint") == path.read_text("utf-8").count("<summary>Hint")
    run_notebook(tmp_path / "01_tokenizing.ipynb")


def test_what_is_printed_has_room_to_write_on_all_pictures_and_asks_no_other_host(tmp_path):
    """Which cells are on it, tests/test_notebooks.py says."""
    convert("paper", ROOT, f"--FilesWriter.build_directory={tmp_path}", path := NOTEBOOKS[9])
    page, stored = (tmp_path / f"{path.stem}.html").read_text("utf-8"), path.read_text("utf-8")
    lines = len(re.findall(r"#+ Exercise \d", stored)) + stored.count("**Predict")
    assert page.count('<div class="line"></div>') == 3 * lines and "@page {" in page
    assert page.count("<figcaption>") == stored.count("<figcaption>")
    assert not [
        one for one in re.findall(FOREIGN, page) if "mermaid" not in one
    ]  # only a diagram asks for it
    assert not re.search(
        r"Hint|For the lecturer|plots\.", re.sub("<script.*?</script>", "", page, flags=re.DOTALL)
    )


# The last row


@each_notebook
def test_no_slide_has_more_words_than_can_be_read_while_one_speaks(path):
    notebook, _ = LastRow().preprocess(nbformat.read(path, 4), {})
    slides = []
    for cell in notebook.cells:
        place = cell.metadata.slideshow.slide_type
        if place in ("slide", "subslide"):
            slides.append([])
        if place in ("skip", "notes"):
            continue
        if cell.cell_type == "markdown":
            slides[-1].append(re.sub(r"\]\([^)]*\)", "]", cell.source))
        else:
            slides[-1] += [] if cell.metadata.get("jupyter", {}).get("source_hidden") else [cell.source]
            for output in cell.outputs:
                data = output.get("data", {})
                slides[-1].append(output.get("text") or data.get("text/html") or data.get("text/plain", ""))
    seen = [re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", " ".join(on), flags=re.DOTALL) for on in slides]
    words = {text.strip()[:60]: len(re.findall(r"\S*[^\W\d_]\S*", html.unescape(text))) for text in seen}
    assert {text: count for text, count in words.items() if count > 120} == {}
