"""A reader's own copies of the notebooks, in which an answer is closed until it is asked for.

`python -m helpers` writes them into my_course/, and never over one that is there. The site closes the same cells.
"""

import json
from pathlib import Path

FOLDER = "my_course"
CLOSED = "<details><summary>What it showed: open it after your prediction</summary>\n\n{}\n\n</details>"
BOX = '<div class="alert alert-info"'
# In JupyterLab's dark theme the box's own colours have a contrast of 2.7.
READABLE = BOX + ' style="color: #10283c"'
PROOF = "# Proof, folded: what it proves would tell the answer.\n"


def closed(notebook):
    """Close every answer in `notebook`, a dict as in its file, and return the code cells that give one.

    An answer is what follows a prediction up to the next heading or prediction: the text becomes a `<details>`, the
    output is left to whoever shows it. The lecturer's notes go; the first line of a proof does not tell what it proves.
    """
    cells = notebook["cells"]
    cells[:] = [c for c in cells if c["metadata"].get("slideshow", {}).get("slide_type") != "notes"]
    asked, answers, answers_before = False, [], 0
    for cell in cells:
        source, tags = "".join(cell["source"]), set(cell["metadata"].get("tags", ()))
        if cell["cell_type"] == "code":
            if "proof" in tags:
                cell["source"] = PROOF + source
            elif asked and not tags & {"exercise", "solution"}:
                answers.append(cell)
        elif "**Predict" in source:
            asked, answers_before = True, len(answers)
        elif source.startswith("#") and len(answers) > answers_before:
            asked = False
        elif asked and len(answers) > answers_before and not source.startswith("<details>"):
            cell["source"] = CLOSED.format(source)
    return answers


def copy_all(source="notebooks", folder=FOLDER):
    """Write a copy of each notebook in `source`, its outputs cleared, into `folder`; one that is there stays."""
    source, folder = Path(source), Path(folder)
    if not list(source.glob("*.ipynb")):
        raise SystemExit(f"There are no notebooks in '{source}': call this in the folder of the course.")
    folder.mkdir(exist_ok=True)
    for path in sorted(source.glob("*.ipynb")):
        if (folder / path.name).exists():
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        closed(notebook)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
            else:
                cell["source"] = "".join(cell["source"]).replace(BOX, READABLE)
        (folder / path.name).write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    anew = "to begin one anew, delete it and run this again"
    print(f"Your copies are in {folder}/: what you change there stays; {anew}.")
