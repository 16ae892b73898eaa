"""What the last row needs of a slide: the question above its answer, and no call in sight that only draws."""

import copy
import re

import nbformat
from nbconvert.postprocessors import PostProcessorBase
from nbconvert.preprocessors import Preprocessor
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_markdown_cell

from helpers.alone import alone

DRAWS = re.compile(
    r"(?:\A|\n+)(?:from helpers import \w+\n+)?(?:plots\.\w+|explore|drag|film)\([^\n]*(?:\n[ )][^\n]*)*\Z"
)


class LastRow(Preprocessor):
    """A slide without a heading has above it what was asked, or else the heading it belongs to; a call that draws
    becomes a cell of its own, folded in a notebook and not written on a page. What moves does so without a widget.
    Notes are plain text.
    """

    def preprocess(self, notebook, resources):
        cells, above = [], ""
        for cell in notebook.cells:
            place = cell.metadata.get("slideshow", {})
            starts = place.get("slide_type") in ("slide", "subslide")
            heading = (
                starts and cell.cell_type == "markdown" and re.search(r"^#+ (.*)", cell.source, re.MULTILINE)
            )
            asked = re.search(r"\*\*Predict:\*\* (.+?\?)", cell.source)
            if heading or asked:
                above = (
                    asked[1] if asked and len(asked[1].split()) <= 25 else heading[1] if heading else above
                )
            elif starts and above:
                again = f"*{above[0].upper()}{above[1:]}*"
                cells.append(new_markdown_cell(again, metadata={"slideshow": dict(place)}))
                place["slide_type"] = "-"
            draws = (
                cell.cell_type == "code" and place.get("slide_type") != "skip" and DRAWS.search(cell.source)
            )
            if draws:
                rest, cell.source = cell.source[: draws.start()], draws[0].strip("\n")
                if rest:
                    cells.append(copy.deepcopy(cell))
                    cells[-1].update(source=rest, outputs=[], id=f"{cell.id}-0")
                    place["slide_type"] = "-"
                cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
                cell.metadata["transient"] = {"remove_source": True}
                if moving := re.search("^(drag|film)", cell.source, re.MULTILINE):
                    cell.source += ".alone()"
                    for output in cell.outputs:
                        output.data = {"text/html": alone(output.data["text/html"], moving[0])}
            cells.append(cell)
        notebook.cells = cells
        notebook.metadata["rise"] = {"theme": "white"}  # the one of RISE's that asks no other host for a font
        return notebook, resources


class Trusted(PostProcessorBase):
    """What a copy for the stage shows may move before it is run: JupyterLab runs no program of a notebook it does not trust."""

    def postprocess(self, input):
        NotebookNotary().sign(nbformat.read(input, 4))
