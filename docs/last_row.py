"""What the last row needs of a slide: the question above its answer, and no call in sight that only draws."""

import copy
import re

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell

DRAWS = re.compile(r"(?:\A|\n+)(?:plots\.\w+|explore|drag|film)\([^\n]*(?:\n[ )][^\n]*)*\Z")


class LastRow(Preprocessor):
    """A slide without a heading has above it what was asked, or else the heading it belongs to; a call that draws
    becomes a cell of its own, folded in a notebook and not written on a page.
    """

    def preprocess(self, notebook, resources):
        cells, above = [], ""
        for cell in notebook.cells:
            place = cell.metadata.get("slideshow", {})
            starts = place.get("slide_type") in ("slide", "subslide")
            heading = starts and cell.cell_type == "markdown" and re.match(r"#+ (.*)", cell.source)
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
            cells.append(cell)
        notebook.cells = cells
        return notebook, resources
