"""How long the notebooks take, counted: `python docs/minutes.py` writes the minutes into their titles and lecturing.md.

Read: 130 words and 25 lines of code a minute, a prediction as long as its note says, an exercise as its heading says.
Lectured: a slide as long as its note says, or a third of a minute without one. A slide whose first cell has
`"lecture": "short"` in its metadata is on the short path.
"""

import json
import math
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LECTURES = {  # heading in lecturing.md: its notebooks, and the exercise done in pairs
    "One lecture of 90 minutes": (range(9), None),
    "Lecture 1 of 3, of 45 minutes": (range(4), "1.1"),
    "Lecture 2 of 3, of 45 minutes": (range(4, 7), "6.1"),
    "Lecture 3 of 3, of 45 minutes": (range(7, 10), "8.1"),
}
TITLE = re.compile(r"^.*\d+ minutes in a lecture.*$", re.MULTILINE)
ROW = re.compile(r"^(\| \[\d\d .*\]\((\d\d).*\| ).* \|$", re.MULTILINE)  # of the course's table in 00
PLANS = re.compile(r"(?<=<!-- by docs/minutes.py -->\n\n).*?(?=\n<!-- end -->)", re.DOTALL)


def cells_of(path):
    """The notebook's cells: dicts with their `number` (from 1), `place` (slide type), `text` and `tags` added."""
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], 1):
        metadata = cell["metadata"]
        yield cell | {
            "number": number,
            "place": metadata.get("slideshow", {}).get("slide_type"),
            "text": "".join(cell["source"]),
            "tags": set(metadata.get("tags", ())),
        }


def slides_of(path):
    """The slides and sub-slides, each a list of the cells on it, notes included, as RISE groups them."""
    slides = []
    for cell in cells_of(path):
        if cell["place"] in ("slide", "subslide"):
            slides.append([cell])
        elif cell["place"] != "skip":
            slides[-1].append(cell)
    return slides


def marked(text):
    return [int(number) for number in re.findall(r"\((\d+) min(?:utes)?\)", text)]


def to_read(path):
    """Minutes for a first reading, and with the exercises."""
    minutes = exercises = 0
    asked = False
    for cell in cells_of(path):
        text = cell["text"]
        if cell["place"] == "notes":
            minutes += sum(marked(text)) * asked
        elif found := re.search(r"^#+ Exercise.*$", text, re.MULTILINE):
            exercises += sum(marked(found[0]))
        elif cell["tags"] & {"proof", "solution", "exercise", "setup"} or text.startswith("<details>"):
            continue
        elif cell["cell_type"] == "code":
            minutes += sum(bool(line.strip()) for line in text.splitlines()) / 25
        else:
            minutes += len(text.split()) / 130
            asked = "**Predict" in text
    return five(minutes), five(minutes + exercises)


def five(minutes):
    return 5 * math.ceil(minutes / 5)


def to_lecture(slides):
    """Minutes of these slides."""
    notes = [sum(sum(marked(cell["text"])) for cell in slide if cell["place"] == "notes") for slide in slides]
    return round(sum(minutes or 1 / 3 for minutes in notes))


def heading(slide):
    found = re.search(r"^#+ (.*)$", slide[0]["text"], re.MULTILINE)
    return found[1] if found else None


def short(path):
    """The slides of the short path: those that are marked, and what follows them without a heading of its own."""
    slides, on = [], False
    for slide in slides_of(path):
        on = slide[0]["metadata"].get("lecture") == "short" or (on and heading(slide) is None)
        slides += [slide] * on
    return slides


def title(path):
    """The sentence on time in a notebook's first cell."""
    first, all_of_it = to_read(path)
    alone = f"{first} minutes to read, {all_of_it} minutes with the exercises"
    path_too = f", {to_lecture(short(path))} minutes on the short path" if short(path) else ""
    return f"{alone}; about {to_lecture(slides_of(path))} minutes in a lecture{path_too}."


def row_minutes(number):
    return "{} min, {} min |".format(*to_read(NOTEBOOKS[int(number)]))


def plan(name):
    """One lecture as a table, and how much of its time is left for questions."""
    numbers, exercise = LECTURES[name]
    rows, total = ["| notebook | minutes | slides |", "|---|---|---|"], 0
    for path in (NOTEBOOKS[number] for number in numbers):
        slides = short(path)
        total += to_lecture(slides)
        rows.append(
            f"| {path.name[:2]} | {to_lecture(slides)} | {' · '.join(filter(None, map(heading, slides)))} |"
        )
    if exercise:
        text = "".join(cell["text"] for cell in cells_of(NOTEBOOKS[int(exercise.partition(".")[0])]))
        (said,) = marked(re.search(rf"^#+ Exercise {exercise}.*$", text, re.MULTILINE)[0])
        total += said
        rows.append(f"| | {said} | exercise {exercise}, in pairs |")
    total += (changes := round(len(numbers) / 2))
    rows.append(f"| | {changes} | changes of notebook, half a minute each |")
    left = int(name.split()[-2]) - total
    rows.append(f"| | {left} | questions, and what you stay with longer |")
    return f"### {name}\n\n" + "\n".join(rows) + "\n"


def written():
    """Every file in which minutes are said, with the text that it should have."""
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        for cell in (cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"):
            source = TITLE.sub(lambda _, path=path: title(path), "".join(cell["source"]))
            cell["source"] = ROW.sub(lambda found: found[1] + row_minutes(found[2]), source).splitlines(True)
        yield path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    path = ROOT / "docs" / "lecturing.md"
    yield path, PLANS.sub(lambda _: "\n".join(map(plan, LECTURES)), path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for path, text in written():
        path.write_text(text, encoding="utf-8")
