"""A reader's own copies of the notebooks, in which an answer is closed until it is asked for.

`python -m helpers` writes them into my_course/, and never over one that is there. The site closes the same cells.
"""

import json
import re
from pathlib import Path

FOLDER = "my_course"
FOLD = "<details><summary>{}</summary>\n\n{{}}\n\n</details>"
CLOSED = FOLD.format("What it showed: open it after your prediction")
HEARD = FOLD.format("Is it so? Open it after your own answer")
DONE = FOLD.format("Say it yourself first, then open it")
PROOF = "# Proof, folded: what it proves would tell the answer.\n"


def closed(notebook):
    """Close every answer in `notebook`, a dict as in its file, and return the code cells that give one.

    An answer is what follows a prediction up to the next prediction or heading, or past a heading that is tagged
    `answer`: the text becomes a `<details>`, the output is left to whoever shows it. So do what settles a thing that
    one may have heard, and the list at the end. The lecturer's notes go; below a prediction a proof does not say what it
    proves.
    """
    cells = notebook["cells"]
    cells[:] = [c for c in cells if c["metadata"].get("slideshow", {}).get("slide_type") != "notes"]
    asked, asked_above, heard, answers, answers_before = False, False, False, [], 0
    for cell in cells:
        source, tags = "".join(cell["source"]), set(cell["metadata"].get("tags", ()))
        if cell["cell_type"] == "code":
            if "proof" in tags and asked_above:
                cell["source"] = PROOF + source
            elif (asked or heard) and not tags & {"exercise", "proof", "solution"}:
                answers.append(cell)
        elif "**Predict" in source:
            asked, asked_above, answers_before = True, True, len(answers)
        elif source.startswith("#"):
            asked_above = asked_above and not source.startswith("## ")
            heard = source.startswith("## You may have heard")
            if "answer" in tags:
                heading, _, text = source.partition("\n")
                cell["source"] = heading + ("\n\n" + CLOSED.format(text.strip())) * bool(text)
            elif len(answers) > answers_before:
                asked = False
            if source.startswith("## What you can now do"):
                cell["source"] = re.sub(r"(?:^- .*(?:\n|\Z))+", in_the_end, source, flags=re.MULTILINE)
        elif heard and not source.startswith(("**", "<details>")):
            cell["source"] = HEARD.format(source)
        elif asked and len(answers) > answers_before and not source.startswith("<details>"):
            cell["source"] = CLOSED.format(source)
    return answers


def in_the_end(found):
    return DONE.format(found[0].rstrip()) + "\n"


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
        (folder / path.name).write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    anew = "to begin one anew, delete it and run this again"
    print(f"Your copies are in {folder}/: what you change there stays; {anew}.")
