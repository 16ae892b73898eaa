"""`jupyter nbconvert --config docs/handouts.py notebooks/*.ipynb` writes a copy for students into handouts/.

Without solutions and the lecturer's notes, outputs cleared; hints and proofs stay.
"""

c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "notebook"
c.FilesWriter.build_directory = "handouts"
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"solution"}
c.RegexRemovePreprocessor.enabled = True
c.RegexRemovePreprocessor.patterns = ['<div class="alert alert-warning">']
c.ClearOutputPreprocessor.enabled = True
