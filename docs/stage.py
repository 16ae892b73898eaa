"""`jupyter nbconvert --config docs/stage.py notebooks/*.ipynb` writes copies to present with RISE into slides/stage/."""

import sys

sys.path.append("docs")
from last_row import LastRow

c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "notebook"
c.NotebookExporter.preprocessors = [LastRow]
c.FilesWriter.build_directory = "slides/stage"
c.FilesWriter.files, c.FilesWriter.relpath = ["notebooks/rise.css"], "notebooks"
