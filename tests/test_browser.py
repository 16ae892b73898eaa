"""The explorer as a reader has it: in JupyterLab, in a browser, with a kernel behind it."""

import shutil
from pathlib import Path

import browser
import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "00_start_here.ipynb"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
HARMLESS = (
    "favicon",
    "language pack",  # JupyterLab has none for English
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A page of a browser, and the address of a copy of 00 in JupyterLab."""
    if not browser.chromium():
        pytest.skip(browser.NO_CHROMIUM)
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(NOTEBOOK, folder)
    with browser.jupyterlab(folder) as (address, token), browser.page() as page:
        page.set_default_timeout(60_000)
        yield page, f"{address}/lab/tree/{NOTEBOOK.name}?token={token}"


def test_typing_a_sentence_changes_the_tokens(lab):
    page, address = lab
    asked, said = [], []
    page.route(BADGE, lambda route: route.fulfill(content_type="image/svg+xml", body="<svg/>"))
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(error))
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    still = page.locator("img[alt^='7 tokens: “[CLS]”, “today”']")
    still.wait_for()  # before the notebook is run, a picture stands in the explorer's place
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # before that, Lab asks which kernel to start
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    picture = page.locator(".jp-OutputArea-output .widget-html figure img")
    picture.wait_for()
    assert picture.get_attribute("alt").startswith("7 tokens: “[CLS]”, “today”, “is”")
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 2 * picture.evaluate(
        "image => Number(image.getAttribute('width'))"
    )
    assert page.locator(".jp-OutputArea-output .widget-html figcaption").inner_text().startswith("7 tokens.")

    box = page.get_by_label("Sentence")
    box.fill("unaffable <b>bed</b>")
    page.wait_for_function("document.querySelector('.widget-html img').alt.includes('“##ffa”')")
    assert "“<”, “b”, “>”, “bed”" in picture.get_attribute("alt")
    assert page.locator(".widget-html b").count() == 0

    page.get_by_label("Follow").select_option(label="2 ##ffa")
    page.wait_for_function(
        "document.querySelector('.widget-html img').alt.includes('Followed alone: “##ffa”')"
    )
    page.get_by_label("Second text").fill("the bank")
    page.get_by_label("Use it").select_option(label="compare with the first")
    page.wait_for_function("document.querySelector('.widget-html img').alt.startsWith('The first: ')")

    origin = address.split("/lab")[0]
    allowed = (origin, origin.replace("http", "ws"), "data:", "blob:", BADGE)
    assert [url for url in asked if not url.startswith(allowed)] == [], "the page asks somebody else"
    ours = [str(one) for one in said if not any(word in str(one).lower() for word in HARMLESS)]
    assert ours == []
