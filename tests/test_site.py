"""The site, built from the stored notebooks and looked at in a real browser, on a phone and on a desk."""

import base64
import contextlib
import io
import json
import re
import socket
import sys
import time
import warnings
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import browser
import pytest
import torch
from PIL import Image, ImageChops

TTFont = pytest.importorskip("fontTools.ttLib", reason="needs `pip install -r docs/requirements.txt`").TTFont
build_main = pytest.importorskip(
    "sphinx.cmd.build", reason="needs `pip install -r docs/requirements.txt`"
).build_main
ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs"))
import light

PAGES = [path.stem for path in ROOT.glob("docs/*.md")] + ["search"]
NOTEBOOKS = {f"notebooks/{path.stem}": path for path in sorted(ROOT.glob("notebooks/*.ipynb"))}
# What no page asks for when there is no network: the 47 MB of rows, and what is for other programs.
NOT_KEPT = {".safetensors", ".map", ".mo", ".po", ".inv", ""}
# What axe-core finds in the theme's own parts: selector of the part and why it is not ours to mend.
THEMES = {
    ".bd-sidebar-primary": "a region without a name",
    ".bd-sidebar-secondary": "a region without a name",
    ".search-button__button": "a button the theme hides by width",
}
# The colours of a part follow from its place among tags and classes, its own style, and in a table from whether its line is odd:
# of the thousands on a site, one of each such kind is looked at. Of the parts that are asked for, removes all others.
ONE_OF_EACH = """(which) => {
  const known = new Set(JSON.parse(sessionStorage.kinds ?? "[]"));
  const visit = (node, above) => {
    const odd = node.matches("tr") ? node.rowIndex % 2 : "", own = [node.localName, node.className, node.style?.cssText, odd];
    const kind = `${above} ${own.join(".")}`, news = !known.has(kind);
    known.add(kind);
    const within = [...node.children].map((child) => visit(child, kind)); // each of them, whatever the first says
    if (!news && !within.includes(true) && node.matches(which)) node.remove();
    return news || within.includes(true);
  };
  visit(document.body, "");
  self.kinds = JSON.stringify([...known]);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, every warning an error."""
    out = tmp_path_factory.mktemp("site")
    command = ["-W", "-q", "-b", "html", "-d", str(out / "trees"), "-c", "docs", ".", str(out / "html")]
    with contextlib.chdir(ROOT), warnings.catch_warnings(action="ignore"):
        assert build_main(command) == 0
    return out / "html"


@pytest.fixture(scope="module")
def address(site):
    """Where it is served."""
    with browser.serve(site) as (address, _):
        yield address


@pytest.fixture(scope="module")
def window(address):
    """One page of the browser after the other, so that it fetches once what they share."""
    with browser.page() as tab:
        yield tab


def pages(site):
    return sorted([*site.glob("*.html"), *site.glob("notebooks/*.html")])


class Page(HTMLParser):
    """The ids of a page, and where its links and sources point."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes.get("id"), attributes.get("name")}
        self.targets += filter(None, [attributes.get("href"), attributes.get("src")])


def test_every_internal_link_and_anchor_leads_somewhere(site):
    assert {path.relative_to(site).with_suffix("").as_posix() for path in pages(site)} == {*NOTEBOOKS, *PAGES}
    read = {path.resolve(): Page(path) for path in pages(site)}
    lost = []
    for path, one in read.items():
        for target in one.targets:
            if re.match(r"[a-z]+:|//", target):
                continue
            file, anchor = urldefrag(urljoin(path.as_uri(), re.sub(r"\?[^#]*", "", target)))
            aim = Path(unquote(file.removeprefix("file://")))
            if not aim.exists() or (anchor and aim in read and unquote(anchor) not in read[aim].ids):
                lost.append(f"{path.relative_to(site.resolve())}: {target}")
    assert not lost
    worker = (site / "service_worker.js").read_text(encoding="utf-8")
    kept = json.loads(re.search(r"FILES = (\[.*?\])", worker)[1])
    files = [path for path in site.rglob("*") if path.is_file() and path.suffix not in NOT_KEPT]
    assert {*kept, "service_worker.js"} == {"./", *(path.relative_to(site).as_posix() for path in files)}


def test_every_icon_that_a_page_shows_is_drawn_and_no_page_brings_what_it_does_not_need(site):
    css = "".join(path.read_text(encoding="utf-8") for path in site.glob("_static/**/*.css"))
    rules = re.findall(r"((?:\.fa-[\w-]+,?)+)\{--fa:\"\\([\da-f]+)\"", css)
    codes = {name: int(code, 16) for names, code in rules for name in re.findall(r"fa-[\w-]+", names)}
    drawn = {code for path in site.rglob("webfonts/*.woff2") for code in TTFont(path).getBestCmap() or ()}
    for path in pages(site):
        html = path.read_text(encoding="utf-8")
        shown = set(re.findall(r"\bfa-[\w-]+", html)) - {"fa-solid", "fa-brands", "fa-fw", "fa-lg"}
        assert shown and {codes[name] for name in shown} <= drawn, path.name
        scripts = " ".join(re.findall(r'<script[^>]*src="([^"]*)"', html))
        assert ("searchtools" in scripts) == ("searchindex" in scripts) == (path.stem == "search"), path.name
        assert "fontawesome" not in scripts and not re.search("//|^http", scripts), "it asks another host"


def test_a_notebook_is_folded_without_notes_and_light(site):
    """Without the lecturer's notes; and its pictures are files, which come one by one as they are scrolled to."""
    for path in site.glob("notebooks/*.html"):
        html = path.read_text(encoding="utf-8")
        assert "For the lecturer" not in html, path.name
        assert "Run the next cell" not in html, f"{path.name}: nothing runs on a page"
        stored = (ROOT / "notebooks" / f"{path.stem}.ipynb").read_text(encoding="utf-8")
        for tag in ("solution", "proof"):
            assert html.count(f"Show the {tag}") == stored.count(f'"{tag}"\n'), (path.name, tag)
        folded = sum(stored.count(f'"{tag}"\n') for tag in ("solution", "proof"))
        assert html.count("tag_hide-cell") == folded, "of an answer the code stays"
        pictures = {path.parent / target for target in Page(path).targets if "_images/" in target}
        assert html.count("<figcaption>") == stored.count("<figcaption>") == html.count('loading="lazy"')
        assert sum(file.stat().st_size for file in [path, *pictures]) <= 400_000, path.name


def test_the_pictures_of_a_page_are_the_notebooks_to_the_pixel_with_their_words(site):
    image = r'<img alt="([^"]*)"[^>]*src="([^"]*)"'
    for name, path in NOTEBOOKS.items():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        stored = [
            "".join(out.get("data", {}).get("text/html", ""))
            for cell in cells
            for out in cell.get("outputs", ())
        ]
        stored = [found for text in stored for found in re.findall(image, text)]
        shown = re.findall(image, (site / f"{name}.html").read_text(encoding="utf-8"))
        assert [alt for alt, _ in shown] == [alt for alt, _ in stored] and len(shown) > 0, name
        made = base64.b64decode(stored[-1][1].partition("base64,")[2])
        both = (
            Image.open(io.BytesIO(made)).convert("RGB"),
            Image.open(site / "notebooks" / shown[-1][1]).convert("RGB"),
        )
        assert ImageChops.difference(*both).getbbox() is None, name


# Takes the first choice of each prediction: [which is right, what is said, how many answers that opens, which gets the tick].
CHOOSE = """() => Array.from(document.querySelectorAll("[data-answer]"), (box) => {
  const opened = () => document.querySelectorAll("article details[open]").length, before = opened();
  box.querySelector("button").click();
  const ticked = Array.from(box.querySelectorAll(".right"), (button) => button.textContent.trim()[0]).join();
  return [box.dataset.answer, box.querySelector("[role=status]").textContent, opened() - before, ticked];
})"""


# The answers that are open, or closed, where what was last before them is not a prediction that was taken, or is.
MISPLACED = """() => {
  let taken = false;
  return [...document.querySelectorAll("article :is(.alert-info, h2, h3, .tag_answer details, details.answer)")].filter((node) => {
    if (!node.matches("details")) taken = node.matches("[data-answer]");
    return node.matches("details") && node.open !== taken;
  }).length;
}"""
SMALLEST = """() => Math.min(900, ...[...document.querySelectorAll("article figure img[width]")]
  .filter((img) => img.checkVisibility()).map((img) => img.getBoundingClientRect().width))"""
REACHED = """() => Array.from(document.querySelectorAll("pre, .output, figure"), (part) => (part.tabIndex === 0 && getComputedStyle(part).overflowX !== "hidden") ||
  part.scrollWidth <= part.clientWidth).every(Boolean)"""


@pytest.mark.parametrize("name", [*NOTEBOOKS, *PAGES])
def test_a_page_fits_and_can_be_read_by_everyone_and_answers_when_it_is_asked(address, window, name):
    """On a desk and on a phone, by all of axe's rules; by the one about colours in the light and in the dark."""
    tab = window
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(f"{address}{name}.html", wait_until="load")
    if name in NOTEBOOKS:
        sought = browser.answers(NOTEBOOKS[name])

        def found():
            text = " ".join(tab.inner_text("article").split())
            return [part for part in sought if part in text]

        assert found() == [], "who opens nothing reads an answer"
        chosen = tab.evaluate(CHOOSE)
        assert len(chosen) == NOTEBOOKS[name].read_text("utf-8").count('"answer": "')
        for right, told, opened, ticked in chosen:
            assert told == ("Yes, a." if right == "a" else f"You chose a; it is {right}.") and opened > 0
            assert ticked == right
        assert tab.evaluate(MISPLACED) == 0, "an answer is open that should not be, or closed"
        tab.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert len(found()) > 0.8 * len(sought)  # it looks for what is there
        tab.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = false))")
    for width in (1280, 390):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(SMALLEST) >= 560  # so that the text in a picture can be read on a phone
    tab.wait_for_function(REACHED)  # the theme sees to it a moment after a window has changed
    tab.evaluate(ONE_OF_EACH, ".highlight span")
    assert browser.axe(tab, without="color-contrast", leave_out=THEMES) == []
    tab.evaluate(ONE_OF_EACH, "*")
    for scheme in ("dark", "light"):
        tab.emulate_media(color_scheme=scheme)
        tab.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
        assert browser.axe(tab, only="color-contrast", leave_out=THEMES) == []
    tab.evaluate("sessionStorage.kinds = kinds")  # which no page has to show again


def test_choices_are_remembered_and_can_be_taken_back(address, tab):
    tab.goto(f"{address}notebooks/05_summation.html")
    chosen, pressed = tab.evaluate(CHOOSE), tab.locator(".choice[aria-pressed=true]")
    tab.reload()
    assert pressed.count() == len(chosen) > 0
    pressed.first.click()
    assert pressed.count() == tab.locator(".choice.right").count() == len(chosen) - 1
    assert tab.locator("article details[open]").count() == 0


SHIFTS = """self.shifted = 0; new PerformanceObserver((list) => {
  for (const { value } of list.getEntries()) shifted += value;
}).observe({ type: "layout-shift", buffered: true });"""


# On a wide screen is more room for what jumps, and nothing else comes.
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.weekly)])
def test_the_live_picture_comes_soon_and_nothing_jumps(address, tab, width):
    """On a line of 1.6 Mbit/s, as Lighthouse's slow phone has it."""
    slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    tab.set_viewport_size({"width": width, "height": 844})
    tab.add_init_script(SHIFTS)
    line, received = tab.context.new_cdp_session(tab), []
    line.on("Network.loadingFinished", lambda what: received.append(what["encodedDataLength"]))
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    sent = tab.goto(address, wait_until="commit").text()
    assert re.search('id="typed"[^>]* disabled', sent), "the box is in the page from the start"
    tab.locator(".line").first.wait_for()
    tab.wait_for_load_state("networkidle")
    assert sum(received) <= 350_000
    assert tab.evaluate("shifted") < 0.1
    assert tab.get_by_label("Sentence").is_enabled()


LOST = "(names) => Promise.all(names.map((name) => fetch(name).then(() => '', () => name)))"


def test_without_a_network_the_site_goes_on(site):
    with browser.page(service_workers="allow") as tab:
        with browser.serve(site) as (address, sent):
            tab.clock.install()
            tab.goto(address)
            tab.locator(".line").first.wait_for()
            tab.clock.fast_forward(5000)  # after so long it begins to keep what it has
            tab.route("**/embeddings.safetensors", lambda route: route.abort())
            tab.get_by_role("button", name="Fetch all rows").click()
            again = tab.get_by_role("button", name="The rows did not come. Try again", disabled=False)
            again.wait_for()
            tab.unroute("**/embeddings.safetensors")
            again.click()
            tab.get_by_role("button", name="All rows are here", disabled=True).wait_for()
            assert tab.evaluate("navigator.serviceWorker.ready.then(({ active }) => active !== null)")
            tab.wait_for_function("navigator.serviceWorker.controller")
            asked = len(sent)
            browser.explore(tab, "the server of this page cannot tell")
            assert len(sent) == asked
        tab.goto(f"{address}notebooks/05_summation.html")
        assert tab.locator("article h1").count() == 1
        pictures = tab.evaluate("[...document.images].map((image) => image.src)")
        assert pictures and "".join(tab.evaluate(LOST, pictures)) == ""
        tab.goto(address)
        kept = [f"{name}.html" for name in [*NOTEBOOKS, *PAGES]]
        kept += [path.relative_to(site).as_posix() for path in site.rglob("*.bin")]
        assert "".join(tab.evaluate(LOST, kept)) == ""
        browser.explore(tab, "rows that nobody has asked for")
        tab.locator(".line", has_text="nobody").wait_for()
        with socket.create_server(("127.0.0.1", urlsplit(address).port)):  # a network that says nothing
            began = time.monotonic()
            tab.goto(f"{address}notebooks/05_summation.html?from=elsewhere")
            assert 2 < time.monotonic() - began < 12


def test_a_new_build_takes_the_place_of_the_old_one_and_leaves_the_rows(tmp_path):
    (tmp_path / "embeddings.safetensors").write_bytes(bytes(9))
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"))
    builds = []
    with browser.page(service_workers="allow") as tab, browser.serve(tmp_path) as (address, _):
        workers = tab.context.new_cdp_session(tab)
        workers.send("ServiceWorker.enable")
        for text in ("one", "two"):
            (tmp_path / "index.html").write_text(f"<!doctype html><title>{text}</title>", "utf-8")
            (tmp_path / "service_worker.js").unlink(missing_ok=True)
            light.keep(app, None)
            if not builds:
                tab.goto(address)
            builds.append(
                re.search('BUILD = "(.+?)"', (tmp_path / "service_worker.js").read_text("utf-8"))[1]
            )
            tab.evaluate(
                "(first) => first ? navigator.serviceWorker.register('service_worker.js').then(() => {}) "
                ": navigator.serviceWorker.ready.then((worker) => worker.update())",
                len(builds) == 1,
            )
            tab.evaluate("caches.open('rows').then((cache) => cache.add('embeddings.safetensors'))")
            end = time.monotonic() + 60
            while kept := set(tab.evaluate("caches.keys()")) ^ {builds[-1], "rows"}:
                assert time.monotonic() < end, kept
                # A browser lets an old worker finish, for a minute or more; a new one that did not skip it would wait on.
                if tab.evaluate("navigator.serviceWorker.ready.then(({ waiting }) => !!waiting)"):
                    workers.send("ServiceWorker.stopAllWorkers")
                tab.wait_for_timeout(100)
    assert builds[0] != builds[1]


def test_a_sentence_has_an_address(address, tab):
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(f"{address}#a=dog+bites+man&b=man bites dog&use=compare")
    tab.get_by_text("≠ marks what differs: “dog”, “man”").wait_for()
    tab.route("**/embeddings.safetensors", lambda route: (time.sleep(0.1), route.continue_()))
    for second, use in {"man & dog": "compare", "": "pair"}.items():
        tab.get_by_label("Second text").fill(second)
        tab.get_by_label("Sentence").fill("50% of a & b #é")  # its rows come after the click
        tab.get_by_role("button", name="Copy a link").click()
        tab.locator(".line", has_text="50").wait_for()
        tab.get_by_text("The link is copied").wait_for()
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert copied == tab.url
        tab.goto("about:blank")
        tab.goto(copied)
        tab.locator(".line", has_text="50").wait_for()
        values = [tab.get_by_label(name).input_value() for name in ("Sentence", "Second text", "Use it")]
        assert values == ["50% of a & b #é", second, use]


@pytest.mark.parametrize(
    ("words", "page", "said"),
    [
        ("position", "notebooks/04_position_embeddings.html", "04 "),
        ("summation", "notebooks/05_summation.html", "05 "),
        ("broadcasting", "notebooks/00_start_here.html", "adding tensors of different shapes"),
        ("one-hot vector", "notebooks/00_start_here.html", "all zeros but a single 1"),
        ("contributing", "contributing.html", "Contributing"),
    ],
)
def test_the_search_finds(address, window, words, page, said):
    window.goto(f"{address}search.html?q={words}")
    first = window.locator("#search-results li").first
    first.locator("p").wait_for()
    assert said in first.inner_text() and not re.search("[#¶]", first.inner_text())
    assert first.locator("a").get_attribute("href").partition("#")[0] == page


def test_a_notebook_has_one_name_and_a_link_says_what_it_is(site):
    front = (site / "index.html").read_text(encoding="utf-8")
    shared = re.search(r'html_baseurl \+ "(.+?)"', (ROOT / "docs/course_site.py").read_text("utf-8"))
    assert (site / shared[1]).is_file()  # the picture of a link that is passed on
    for path in site.glob("notebooks/*.html"):
        text = path.read_text(encoding="utf-8")
        title = re.search("<h1>(.*?)<a", text)[1]
        assert title.startswith(path.name[:2] + " ")
        assert f"<title>{title} " in text and f'<meta property="og:title" content="{title}">' in text
        names = re.findall(rf'href="notebooks/{path.name}"[^>]*>(.*?)</a>', front)
        names = [re.sub("<[^>]*>", "", name) for name in names]
        assert names.count(title) >= 2, names  # in the sidebar and in the table
    for name in ("description", "og:title", "og:description"):
        assert all(
            f'"{name}"' in path.read_text(encoding="utf-8") for path in pages(site) if path.stem != "search"
        )


def predictions():
    """The cells that ask for a prediction: (notebook, source, metadata)."""
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if "**Predict" in "".join(cell["source"]) and cell["cell_type"] == "markdown":
                yield path.stem, "".join(cell["source"]), cell["metadata"]


def test_choices_are_lettered_and_one_is_right():
    for name, source, metadata in predictions():
        box = source.partition("alert-info")[2].partition(">")[2].partition("</div>")[0]
        items = re.findall("^- (.*)$", box, re.MULTILINE)
        assert [item[:3] for item in items] == [f"{letter}) " for letter in "abcd"[: len(items)]], (name, box)
        assert ("answer" in metadata) == (len(items) > 0), (name, box)
        assert not items or (len(items) > 1 and metadata["answer"] in "abcd"[: len(items)]), (name, box)


def test_a_word_has_its_company(address, window, bert):
    table = bert.model.embeddings.word_embeddings.weight.detach()
    window.route("**/neighbours.bin", lambda route: route.abort(), times=1)
    window.goto(address)
    window.get_by_label("Word", exact=True).fill("day")
    window.get_by_text("The list does not load.").wait_for()  # the next letter asks again
    for typed, token in (("good", "good"), ("embedding", "##bed"), ("Monday night", "monday")):
        window.get_by_label("Word", exact=True).fill(typed)
        company = window.locator("#neighbours div", has_text=f"Nearest to “{token}”").locator("li")
        company.first.wait_for()
        row = bert.tokenizer.convert_tokens_to_ids(token)
        values, ids = torch.cosine_similarity(table, table[row], dim=1).topk(9)
        names = bert.tokenizer.convert_ids_to_tokens(ids[1:].tolist())
        assert company.get_by_role("button").all_inner_texts() == names
        shown = [float(text.split()[-1]) for text in company.all_inner_texts()]
        found = window.locator("#neighbours output")
        several = f"{(count := found.locator('ol').count())} tokens, each with a row of its own."
        assert (several in found.inner_text()) == (count > 1) == (typed != "good")
        assert shown == pytest.approx(values[1:].tolist(), abs=0.006)
    bars = company.locator("span span").evaluate_all("all => all.map((bar) => bar.style.width)")
    assert [float(bar.strip("%")) / 100 for bar in bars] == pytest.approx(shown, abs=0.006)
    mean = torch.nn.functional.normalize(table, dim=1).mean(0)
    (random,) = re.findall(r"random have a cosine of (\d\.\d\d) on", window.inner_text("#neighbours output"))
    assert float(random) == pytest.approx(float(mean @ mean), abs=0.01)
    window.get_by_role("button", name="tuesday").click()
    window.get_by_text("Nearest to “tuesday”").wait_for()
