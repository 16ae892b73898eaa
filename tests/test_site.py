"""The site, built from the stored notebooks and looked at in a real browser, on a phone and on a desk."""

import functools
import http.server
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from browser import NO_CHROMIUM, chromium, page

pytest.importorskip("sphinx", reason="needs `pip install -r docs/requirements.txt`")
ROOT = Path(__file__).parents[1]
AXE = ROOT / "docs" / "node_modules" / "axe-core" / "axe.min.js"
# What axe-core finds in the theme's own parts: selector of the part and why it is not ours to mend.
THEMES = {
    ".bd-sidebar-primary": "a region without a name",
    ".bd-sidebar-secondary": "a region without a name",
    ".search-button__button": "a button the theme hides by width",
}
in_a_browser = pytest.mark.skipif(not chromium(), reason=NO_CHROMIUM)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, every warning an error."""
    out = tmp_path_factory.mktemp("site")
    command = ["-W", "-q", "-b", "html", "-d", str(out / "trees"), "-c", "docs", ".", str(out / "html")]
    found = subprocess.run(
        [sys.executable, "-m", "sphinx", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr[-3000:]
    return out / "html"


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


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
    read = {path.resolve(): Page(path) for path in pages(site)}
    lost = []
    for path, one in read.items():
        for target in one.targets:
            if re.match(r"[a-z]+:|//", target):
                continue
            file, anchor = urldefrag(urljoin(path.as_uri(), target.partition("?")[0] + _anchor(target)))
            aim = Path(unquote(file.removeprefix("file://")))
            ids = read[aim].ids if aim in read else set()
            if not aim.exists() or (anchor and aim in read and unquote(anchor) not in ids):
                lost.append(f"{path.relative_to(site.resolve())}: {target}")
    assert not lost


def _anchor(target):
    return "#" + target.partition("#")[2] if "#" in target and "?" in target.partition("#")[0] else ""


def test_solutions_and_proofs_are_folded_and_the_lecturers_notes_left_out(site):
    for path in site.glob("notebooks/*.html"):
        html = path.read_text(encoding="utf-8")
        assert "For the lecturer" not in html, path.name
        stored = (ROOT / "notebooks" / f"{path.stem}.ipynb").read_text(encoding="utf-8")
        for tag in ("solution", "proof"):
            count = stored.count(f'"{tag}"\n')
            assert html.count(f"Show the {tag}") == count, (path.name, tag)
        assert html.count("<figcaption>") == stored.count("<figcaption>"), path.name


def test_a_page_is_light(site):
    """The page and its pictures; the theme's own files are fetched once for all pages."""
    weights = {}
    for path in pages(site):
        pictures = {target for target in Page(path).targets if "_images/" in target}
        files = [path, *((path.parent / target).resolve() for target in pictures)]
        weights[path.name] = sum(file.stat().st_size for file in files)
    assert max(weights.values()) <= 400_000, weights


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_can_be_read_by_everyone(site, address, scheme):
    if not AXE.exists():
        pytest.skip("needs axe-core: `python docs/explorer_data.py` brings it")
    trouble = []
    with page() as tab:
        tab.emulate_media(color_scheme=scheme)
        for path in pages(site):
            name = path.relative_to(site).as_posix()
            tab.goto(address + name, wait_until="load")
            for width in (1280, 390):
                tab.set_viewport_size({"width": width, "height": 800})
                found = tab.evaluate("document.documentElement.scrollWidth")
                if found > width:
                    trouble.append(f"{name}: {found} px wide at {width}")
            tab.add_script_tag(path=AXE)
            for rule, places in tab.evaluate(
                "async ([theirs, rules]) => (await axe.run({exclude: theirs.map(part => [part])}, rules))"
                ".violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.target.join(' '))])",
                [list(THEMES), {} if scheme == "light" else {"runOnly": ["color-contrast"]}],
            ):
                trouble.append(f"{name}: {rule} at {places}")
    assert not trouble, "\n".join(trouble)
