"""`jupyter nbconvert --config docs/handouts.py notebooks/*.ipynb` writes a copy for students into handouts/.

Without solutions and the lecturer's notes, outputs cleared, the text of an answer closed; hints and proofs stay.
"""

from nbconvert.preprocessors import Preprocessor

from helpers.copies import closed


class Close(Preprocessor):
    def preprocess(self, notebook, resources):
        closed(notebook)
        return notebook, resources


c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "notebook"
c.FilesWriter.build_directory = "handouts"
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"solution"}
c.NotebookExporter.preprocessors = [Close]
c.ClearOutputPreprocessor.enabled = True
