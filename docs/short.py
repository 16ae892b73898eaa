"""`jupyter nbconvert --config docs/short.py notebooks/*.ipynb` writes the short path's slides into slides/short/.

A notebook that is not on the path comes whole.
"""

import sys
from pathlib import Path

from nbconvert.preprocessors import Preprocessor

sys.path.append("docs")
import minutes

load_subconfig("slides.py", "docs")  # noqa: F821  # both are nbconvert's own, in every config file
c = get_config()  # noqa: F821


class Short(Preprocessor):
    def preprocess(self, notebook, resources):
        path = Path(resources["metadata"]["path"], resources["metadata"]["name"] + ".ipynb")
        numbers = {cell["number"] for slide in minutes.short(path) for cell in slide}
        if numbers:
            notebook.cells = [cell for number, cell in enumerate(notebook.cells, 1) if number in numbers]
        return notebook, resources


c.SlidesExporter.preprocessors.insert(0, Short)
c.FilesWriter.build_directory = "slides/short"
c.SlidesExporter.reveal_url_prefix = "../node_modules/reveal.js"
c.SlidesExporter.require_js_url = "../node_modules/requirejs/require.js"
c.SlidesExporter.jquery_url = "../node_modules/jquery/dist/jquery.min.js"
