"""What the site does with a notebook that the theme does not do by itself."""

import base64
import hashlib
import html
import io
import json
import re
from pathlib import Path

import light
from docutils import nodes
from PIL import Image
from sphinx.builders.html import StandaloneHTMLBuilder

from helpers import copies

FOLDS = {"solution": "hide-cell", "proof": "hide-cell", "answer": "hide-output"}
CLOSED = copies.CLOSED.partition("\n")[0]
# No cell runs on a page; the one explorer that lives there is on the front page.
TYPE, TYPE_HERE = "Run the next cell, then type", "[On the front page](../docs/index.md) you can type"
TERMS = re.compile(r"^(- (?:<a [^>]*></a>)+)\*\*(.+?)\*\*", re.MULTILINE)
PICTURE = re.compile(r'<img ([^>]*)src="data:image/png;base64,([A-Za-z0-9+/=]+)">')


def slug(heading):
    """Anchors as JupyterLab makes them: case kept."""
    return heading.replace(" ", "-")


class Builder(StandaloneHTMLBuilder):
    """The pages of docs/ stand at the top of the site."""

    def get_target_uri(self, docname, typ=None):
        return super().get_target_uri(docname.removeprefix("docs/"), typ)

    def get_output_path(self, page_name, /):
        return super().get_output_path(page_name.removeprefix("docs/"))


def for_readers(app, docname, source):
    """Fold answers, solutions and proofs under words that say what is behind them; no lecturer's notes."""
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    for cell in copies.closed(notebook):
        cell["metadata"].setdefault("tags", []).append("answer")
    name_and_index(docname, notebook["cells"])
    for cell in notebook["cells"]:
        metadata = cell["metadata"]
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"]).replace(CLOSED, CLOSED.replace(">", ' class="answer">', 1))
            text = text.replace(TYPE, TYPE_HERE)
            text = re.sub('(alert-info") style="[^"]*"', r"\1", text)  # the site's own colours, dark ones too
            if "answer" in metadata:  # site.js makes the choices buttons
                text = text.replace('alert-info"', f'alert-info" data-answer="{metadata["answer"]}"')
            cell["source"] = text
        for tag in FOLDS.keys() & set(metadata.get("tags", [])) if cell["cell_type"] == "code" else ():
            metadata["tags"].append(FOLDS[tag])
            metadata["mystnb"] = {
                "code_prompt_show": f"Show the {tag}" + what_it_proves(cell),
                "code_prompt_hide": f"Hide the {tag}" + what_it_proves(cell),
            }
        for output in cell.get("outputs", ()):
            page = "".join(output.get("data", {}).get("text/html", ""))
            if page:
                output["data"]["text/html"] = PICTURE.sub(lambda found: as_file(app, found), page)
    source[0] = json.dumps(notebook)


def what_it_proves(cell):
    """What the first line of a proof says, where it does not answer a prediction."""
    found = re.match(r"# Proof: (.*)\.", "".join(cell["source"]))
    return f": {found[1]}" if found else ""


def name_and_index(docname, cells):
    """Put its number before a notebook's title, and into the search what it is about and the terms of the glossary."""
    number, *words = docname.rpartition("/")[2].split("_")
    title = "".join(cells[0]["source"]).removeprefix("# ")
    entries = ", ".join(f"!{word}" for word in words)
    cells[0]["source"] = f"# {number} {title}\n\n```{{index}} {entries}\n```\n"
    for cell in cells:
        source = "".join(cell["source"])
        if source.startswith("## Glossary"):
            cell["source"] = TERMS.sub(as_entries, source)


def as_entries(found):
    """A line of the glossary, each of its terms an entry of the index."""
    terms = (f"{{index}}`!{term}`" for term in found[2].split(", "))
    return f"{found[1]}**{', '.join(terms)}**"


def as_file(app, found):
    """Put a picture into a file of its own, which a browser fetches when it comes into view, with a link to see it large.

    WebP without loss: the same pixels in two thirds of the room.
    """
    data = base64.b64decode(found[2])
    file = Path(app.outdir, "_images", hashlib.sha256(data).hexdigest()[:16] + ".webp")
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(data)).convert("RGB").save(file, lossless=True)
    address = f"../_images/{file.name}"
    return f'<a href="{address}" title="The picture alone"><img {found[1]}loading="lazy" src="{address}"></a>'


def complete(app, pagename, templatename, context, doctree):
    """What the theme's page lacks: a button for Kaggle, and what a link to it shows where it is sent."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons" and pagename.startswith("notebooks/"):
            address = f"{app.config.html_theme_options['repository_url']}/blob/main/{pagename}.ipynb"
            group["buttons"].append(
                {
                    "type": "link",
                    "text": "Kaggle",
                    "tooltip": "Launch on Kaggle",
                    "icon": "fab fa-kaggle",
                    "url": f"https://kaggle.com/kernels/welcome?src={address}",
                }
            )
    if "body" in context:  # the fold's words are its name; the theme's label hides them from a screen reader
        context["body"] = context["body"].replace(' aria-label="Toggle hidden content"', "")
    if doctree is None:
        return
    title = next(doctree.findall(nodes.title)).astext()
    said = next((p.astext() for p in doctree.findall(nodes.paragraph)), title).replace("\n", " ")
    about = {
        "description": said,
        "og:title": title,
        "og:description": said,
        "og:type": "article",
    }
    if app.config.html_baseurl:  # an address in a description has to be a whole one
        about["og:image"] = app.config.html_baseurl + "_images/sum.png"
    for name, words in about.items():
        kind = "property" if ":" in name else "name"
        context["metatags"] += f'<meta {kind}="{name}" content="{html.escape(words)}">\n'
    if pagename == app.config.root_doc:
        context["docstitle"] = ""  # it is the title


def setup(app):
    app.add_builder(Builder, override=True)
    app.connect("source-read", for_readers)
    app.connect("html-page-context", complete, priority=900)
    app.connect("build-finished", light.lighten)
    app.connect("build-finished", light.keep, priority=900)
    return {"parallel_read_safe": True}
