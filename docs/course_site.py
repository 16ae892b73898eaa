"""What the site does with a notebook that the theme does not do by itself."""

import base64
import hashlib
import json
import re
from pathlib import Path

import light
from sphinx.builders.html import StandaloneHTMLBuilder

from helpers.copies import closed

FOLDS = {"solution": "hide-cell", "proof": "hide-cell", "answer": "hide-output"}
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
    for cell in closed(notebook):
        cell["metadata"].setdefault("tags", []).append("answer")
    for cell in notebook["cells"]:
        metadata = cell["metadata"]
        for tag in FOLDS.keys() & set(metadata.get("tags", [])):
            metadata["tags"].append(FOLDS[tag])
            metadata["mystnb"] = {
                "code_prompt_show": f"Show the {tag}",
                "code_prompt_hide": f"Hide the {tag}",
            }
        for output in cell.get("outputs", ()):
            html = output.get("data", {}).get("text/html")
            if html:
                page = "".join(html)
                output["data"]["text/html"] = PICTURE.sub(lambda found: as_file(app, found), page)
    source[0] = json.dumps(notebook)


def as_file(app, found):
    """Put a picture into a file of its own, which a browser fetches when it comes into view, with a link to see it large."""
    data = base64.b64decode(found[2])
    file = Path(app.outdir, "_images", hashlib.sha256(data).hexdigest()[:16] + ".png")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    address = f"../_images/{file.name}"
    return f'<a href="{address}" title="The picture alone"><img {found[1]}loading="lazy" src="{address}"></a>'


def add_kaggle(app, pagename, templatename, context, doctree):
    """The theme has launch buttons for Colab and Binder; Kaggle's stands beside them."""
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


def setup(app):
    app.add_builder(Builder, override=True)
    app.connect("source-read", for_readers)
    app.connect("html-page-context", add_kaggle, priority=900)
    app.connect("build-finished", light.lighten)
    return {"parallel_read_safe": True}
