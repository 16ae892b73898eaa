"""The site's files: the theme's without what no page uses, nearly all of its icons; and which of them a browser keeps.

The theme ships Font Awesome whole, as a script of 1.5 MB and as fonts; a page here shows twenty of its icons.
"""

import hashlib
import json
import re
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

ICON = re.compile(r'(?:\.fa-[\w-]+,?)+\{--fa:"[^}]*\}')  # .fa-rocket{--fa:"\f135"}
CHARACTER = re.compile(r'"\\([\da-f]{4})"')
# The script draws what the fonts draw; the search's files are for the page that searches.
SCRIPTS = r'<script[^>]*src="[^"]*(?:{})\.js[^>]*></script>\s*'
KEPT = ("html", "css", "js", "txt", "svg", "png", "webp", "woff2", "bin")
SEARCH = "|searchtools|language_data|searchindex"


def lighten(app, error):
    """After the build: drop the scripts that a page does not need, and the icons that none shows."""
    if error or app.builder.name != "html":
        return
    out, shown = Path(app.outdir), set()
    for path in out.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        shown |= set(re.findall(r"\bfa-[\w-]+", page))
        scripts = SCRIPTS.format("fontawesome" + SEARCH * (path.name != "search.html"))
        path.write_text(re.sub(scripts, "", page), encoding="utf-8")
    (out / "_static/scripts/fontawesome.js").unlink(missing_ok=True)
    left = set()
    for path in out.glob("_static/**/*.css"):
        css = path.read_text(encoding="utf-8")
        less = ICON.sub(lambda rule: rule[0] if shown & set(re.findall(r"fa-[\w-]+", rule[0])) else "", css)
        left |= {int(code, 16) for code in CHARACTER.findall(less)}
        path.write_text(less, encoding="utf-8")
    for path in out.glob("_static/vendor/fontawesome/webfonts/*.woff2"):
        options = Options(flavor="woff2", layout_features=[])
        font = load_font(path, options)
        subset = Subsetter(options)
        subset.populate(unicodes=left)
        subset.subset(font)
        save_font(font, path, options)


def keep(app, error):
    """After all else: write the service worker, with the files it keeps: all but the embeddings, of 47 MB, and source maps."""
    if error or app.builder.name != "html":
        return
    out, known = Path(app.outdir), hashlib.sha256()
    paths = [path for kind in KEPT for path in sorted(out.rglob(f"*.{kind}")) if "locales" not in path.parts]
    for path in paths:
        known.update(path.read_bytes())
    files = ["./", *(path.relative_to(out).as_posix() for path in paths)]
    worker = (Path(__file__).parent / "service_worker.js").read_text(encoding="utf-8")
    worker = worker.replace("FILES = []", f"FILES = {json.dumps(files)}").replace(
        'BUILD = ""', f'BUILD = "{known.hexdigest()[:16]}"'
    )
    (out / "service_worker.js").write_text(worker, encoding="utf-8")
