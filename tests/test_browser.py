"""What a reader of the notebooks has: JupyterLab, in a browser, the explorer with a kernel behind it."""

import shutil
from pathlib import Path

import browser
import nbformat
import pytest

from helpers import copies

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "00_start_here.ipynb"
HARMLESS = ("favicon", "language pack")  # JupyterLab has no language pack for English


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A page of a browser, and the address of a copy of 00 in JupyterLab."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(NOTEBOOK, folder)
    with browser.page() as page, browser.jupyterlab(folder) as (address, token):
        page.set_default_timeout(60_000)
        yield page, f"{address}/lab/tree/{NOTEBOOK.name}?token={token}"


@pytest.mark.weekly  # the kernel's answers and the page's parts, test_explorer has in each push
def test_typing_a_sentence_changes_the_tokens(lab):
    page, address = lab
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(error))
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    # Before the run a still picture stands there; before it is idle, Lab asks which kernel to start.
    page.locator("figure img[alt*='“[CLS]”, “today”, “is”']").last.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    explorer = page.locator(".jp-OutputArea-output .bert-explorer")
    explorer.locator(".line").first.wait_for()
    tokens = explorer.locator(".token")
    assert tokens.all_inner_texts() == ["[CLS]", "today", "is", "a", "good", "day", "[SEP]"]

    explorer.get_by_label("Sentence").press("End")
    explorer.get_by_label("Sentence").press_sequentially(" <b>xx</b>")  # not Lab's x and b
    explorer.locator(".line").nth(14).wait_for()
    assert tokens.all_inner_texts()[6:] == ["<", "b", ">", "xx", "<", "/", "b", ">", "[SEP]"]
    explorer.locator(".rows").press("ArrowDown")
    explorer.get_by_text("Number 0 of “[CLS]”: word ").wait_for()
    for key in "bddxa":  # Lab's: a cell below, delete, cut, a cell above
        explorer.locator(".rows").press(key)
    assert page.evaluate("document.activeElement.className") == "rows", (
        "a key typed in the explorer reached Lab"
    )
    explorer.get_by_role("button", name="another order").click()
    explorer.get_by_text("≠ marks what differs: “dog”, “man”").wait_for()

    browser.explore(page, "", box=1)
    browser.explore(page, "good day " * 300)
    assert explorer.locator(".line").count() == 512

    origin = address.split("/lab")[0]
    allowed = (origin, origin.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(allowed)] == [], "the page asks others"
    ours = [str(one) for one in said if not any(word in str(one).lower() for word in HARMLESS)]
    assert ours == []


@pytest.mark.weekly  # what is closed there, the site closes too, as test_site sees in each push
def test_who_opens_nothing_of_the_copies_reads_no_answer(tmp_path):
    """All of them as one notebook, because opening one is what takes time."""
    copies.copy_all(NOTEBOOK.parent, tmp_path)
    paths = sorted(NOTEBOOK.parent.glob("*.ipynb"))
    course = nbformat.v4.new_notebook(metadata=nbformat.read(NOTEBOOK, 4).metadata)
    for path in paths:
        course.cells += nbformat.read(tmp_path / path.name, 4).cells
        course.cells.append(nbformat.v4.new_markdown_cell(f"The end of {path.name}"))
    nbformat.write(course, tmp_path / "course.ipynb")
    with browser.jupyterlab(tmp_path) as (address, token), browser.page() as page:
        page.set_default_timeout(240_000)
        page.goto(f"{address}/lab/tree/course.ipynb?token={token}")
        page.locator(".jp-RenderedMarkdown", has_text=f"The end of {paths[-1].name}").wait_for()
        rendered = "[...document.querySelectorAll('.jp-MarkdownCell')].every((cell) => cell.querySelector('.jp-RenderedMarkdown *'))"
        page.wait_for_function(rendered, polling=500)
        assert page.locator(".jp-Notebook .jp-OutputArea-output").count() == 0
        closed = " ".join(page.inner_text(".jp-Notebook").split())
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        opened = " ".join(page.inner_text(".jp-Notebook").split())
    for path in paths:
        here, _, closed = closed.partition(f"The end of {path.name}")
        all_of_it, _, opened = opened.partition(f"The end of {path.name}")
        sought = browser.answers(path)
        assert [part for part in sought if part in here] == [], path.name
        assert sum(part in all_of_it for part in sought) > 0.3 * len(sought), (
            path.name
        )  # no output stands there
