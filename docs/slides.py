"""`jupyter nbconvert --config docs/slides.py notebooks/*.ipynb` writes static slides into slides/.

They take reveal.js, require.js and jQuery from slides/node_modules (see lecturing.md) and nothing from any other host, so
that they work where there is no network and where it hangs.
"""

import re
from pathlib import Path

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell


class LastRow(Preprocessor):
    """A slide that begins with code has the question above it again; the call that draws a picture is not seen."""

    def preprocess(self, notebook, resources):
        cells, question = [], ""
        for cell in notebook.cells:
            place = cell.metadata.get("slideshow", {})
            if found := re.search(r"\*\*Predict:\*\* (.+?\?)", cell.source):
                question = found[1]
            elif cell.cell_type == "markdown" and place.get("slide_type") in ("slide", "subslide"):
                question = ""
            if cell.cell_type == "code":
                cell.source = re.sub(r"\n*^plots\.\w+\(.*\)\Z", "", cell.source, flags=re.MULTILINE)
                if not cell.source:
                    cell.metadata["transient"] = {"remove_source": True}
            if question and cell.cell_type == "code" and place.get("slide_type") in ("slide", "subslide"):
                again = f"*{question[0].upper()}{question[1:]}*"
                cells.append(new_markdown_cell(again, metadata={"slideshow": dict(place)}))
                place["slide_type"] = "-"
            cells.append(cell)
        notebook.cells = cells
        return notebook, resources


c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "slides"
c.FilesWriter.build_directory = "slides"
c.TemplateExporter.extra_template_basedirs = ["docs"]
c.TemplateExporter.extra_template_paths = ["notebooks"]  # for rise.css
c.TemplateExporter.template_name = "lecture"
c.SlidesExporter.preprocessors = [LastRow]
c.SlidesExporter.reveal_width, c.SlidesExporter.reveal_height = "1280", "720"
c.SlidesExporter.reveal_theme = "white"
if not Path("slides/node_modules/reveal.js").is_dir():
    raise SystemExit(
        "The slides need reveal.js in slides/node_modules: run lecturing.md's `npm install` line first."
    )
c.SlidesExporter.reveal_url_prefix = "node_modules/reveal.js"
c.SlidesExporter.require_js_url = "node_modules/requirejs/require.js"
c.SlidesExporter.jquery_url = "node_modules/jquery/dist/jquery.min.js"
