"""`jupyter nbconvert --config docs/paper.py notebooks/*.ipynb` writes handouts to print: handouts/paper/*.html.

Questions with boxes to tick and lines to write on; what answers them comes on the last pages, under the same numbers.
"""

import re

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell

from helpers.copies import CLOSED, DONE, HEARD, closed

CSS = """<style>
@page { margin: 18mm }
body { max-width: 46em; margin: auto; font-size: 10.5pt }
.jp-Cell, figure, pre { break-inside: avoid } h1, h2, h3 { break-after: avoid }
pre, code { white-space: pre-wrap !important; overflow-wrap: anywhere } img { max-width: 100% }
.jp-RenderedHTMLCommon { overflow: visible !important }
.jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none !important }
.line { height: 2.2em; border-bottom: 1px solid #999 }
.last { break-before: page } .jp-Cell:has(.number) { break-after: avoid }
</style>"""
LINES = "\n\n" + '<div class="line"></div>' * 3
OFF_PAPER = {"setup", "proof", "solution", "exercise"}
FOLDS = [re.compile(re.escape(fold).replace(r"\{\}", "(.*?)"), re.DOTALL) for fold in (CLOSED, HEARD, DONE)]


class OnPaper(Preprocessor):
    def preprocess(self, notebook, resources):
        answers = {id(cell) for cell in closed(notebook)}
        paper, last, asked, heard = [new_markdown_cell(CSS)], [], 0, False
        for cell in notebook.cells:
            source, tags = cell.source, set(cell.metadata.get("tags", ()))
            if OFF_PAPER & tags or re.match(
                r"<details><summary>Hint|.*explore\(|progress\(", source, re.DOTALL
            ):
                continue
            if source.startswith("#"):
                heard = "You may have heard" in source  # which tells what was found
            if "answer" in tags or any(fold.search(source) for fold in FOLDS):
                for fold in FOLDS:
                    cell.source = fold.sub(r"\1", cell.source)
                last.append(cell)
            elif "**Predict" in source:
                asked += 1
                last.append(new_markdown_cell(f'<b class="number">{asked}.</b>'))
                source = source.replace("**Predict", f"**{asked}. Predict")
                cell.source = re.sub(r"^- (?=[a-d]\))", "- ☐ ", source, flags=re.MULTILINE) + LINES
                paper.append(cell)
            else:
                cell.source += LINES * bool(re.search("^#+ Exercise", source, re.MULTILINE))
                if cell.cell_type == "code" and cell.metadata.slideshow.slide_type == "skip":
                    cell.metadata["transient"] = {
                        "remove_source": True
                    }  # a tool: what it is for, the text says
                    cell.outputs = [o for o in cell.outputs if "data" not in o or "text/html" in o.data]
                (last if heard or id(cell) in answers else paper).append(cell)
        notebook.cells = [*paper, new_markdown_cell('<h2 class="last">Answers</h2>'), *last]
        return notebook, resources


c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "html"
c.FilesWriter.build_directory = "handouts/paper"
c.HTMLExporter.preprocessors = [OnPaper]
c.HTMLExporter.mathjax_url = c.HTMLExporter.require_js_url = c.HTMLExporter.jquery_url = ""
