"""The stored notebooks, read as files. That their outputs are what a fresh run gives, `pytest notebooks` tests."""

import ast
import io
import re
import runpy
import symtable
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import regenerate
from PIL import Image
from run_settings import pictures
from traitlets.config import Config

from helpers import copies
from helpers.exercises import numbers as exercise_numbers

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
SET_UP = """try:
    import torch

    from helpers import check, load_bert, plots, progress
except ImportError:
    raise SystemExit("Run `%pip install -q ..`, restart the kernel, run this cell again.") from None

bert = load_bert()
tokenizer, model = bert.tokenizer, bert.model"""
# Its own ink and ground: in JupyterLab's dark theme the theme's have a contrast of 2.7, other editors have none.
BOX = '<div class="alert alert-info" style="background: #e9f2fb; color: #10283c">'
# How many assertions each notebook's proofs make. A dropped one changes no output, so only this notices.
ASSERTIONS = dict(zip(NAMES, (4, 32, 20, 27, 26, 35, 46, 21, 17, 21, 16, 23, 21), strict=True))
# How many headings go on with an answer: what stands below one without the tag is open in copies and on the site.
GOES_ON = dict(zip(NAMES, (0, 0, 0, 0, 0, 1, 2, 1, 4, 0, 3, 1, 1), strict=True))
# Numbers in prose that no cell of the notebook shows: what a source says, with the source.
LOOKED_UP = {
    "00": {"the size of model.safetensors of bert-base-uncased": "440"},
    "01": {"google-research/bert, tokenization.py, max_input_chars_per_word": "200"},
    "04": {"Devlin et al. 2018, A.2": "90% 128"},
    "08": {
        "google-research/bert, modeling.py, initializer_range": "0.02",
        "Devlin et al. 2018, section 3 and 3.1": "15% 80% 10% 12 768",
        "Devlin et al. 2018, A.2: 800 million words of books, 2,500 million of Wikipedia": "3.3",
        "Devlin et al. 2018, A.2: 4 Cloud TPUs, 16 chips": "1,000,000 256 512 16",
        "counted in 01": "994",
    },
    "10": {
        "Lan et al. 2019, section 3.1": "128",
        "Lan et al. 2019, table 1, ALBERT-xxlarge": "4,096",
        "config.json of roberta-base": "514",
        "config.json of gpt2": "50,257 1,024",
        "config.json of distilbert-base-uncased": "30,522",
        "T5 config": "32",
    },
    "12": {"the model card of all-MiniLM-L6-v2": "128"},
}
each_notebook = pytest.mark.parametrize("name", NAMES)


@cache
def load(name):
    return regenerate.read(NOTEBOOKS / f"{name}.ipynb")


def cells(name, kind):
    """(number in the notebook, cell) of every cell of this kind; a test that fails names the number."""
    return [(number, cell) for number, cell in enumerate(load(name).cells, 1) if cell.cell_type == kind]


def tags(cell):
    return cell.metadata.get("tags", [])


def slide(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def shown(cell):
    """All text a reader sees below a code cell, without the bytes of its pictures and the numbers of a film."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=]+|<script.*?</script>", "PICTURE", "\n".join(texts))


def assertions(cell):
    """How many asserts and calls of torch.testing.assert_close a code cell holds."""
    nodes = list(ast.walk(ast.parse(cell.source)))
    closes = [node for node in nodes if getattr(node, "attr", getattr(node, "id", "")) == "assert_close"]
    return len([node for node in nodes if isinstance(node, ast.Assert)]) + len(closes)


def checks(cell):
    """{exercise number: counts} of every `check(number, ..., counts=...)` in a code cell."""
    found = {}
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            counts = {keyword.arg: keyword.value for keyword in node.keywords}.get("counts")
            found[str(ast.literal_eval(node.args[0]))] = counts is None or ast.literal_eval(counts)
    return found


# Teach or prove


@each_notebook
def test_a_cell_teaches_or_proves(name):
    """What teaches asserts nothing and asks no model's name; a proof is folded and says in one line what holds."""
    proven = 0
    for number, cell in cells(name, "code"):
        if "proof" in tags(cell):
            proven += assertions(cell)
            assert cell.metadata.get("jupyter") == {"source_hidden": True}, number
            assert cell.source.startswith("# Proof: "), f"cell {number} does not say what it proves"
            assert assertions(cell) or "published.compare(" in cell.source, f"cell {number} proves nothing"
            assert re.fullmatch(r"✓ .+\n", shown(cell)), f"cell {number} says {shown(cell)!r}"
        elif "solution" not in tags(cell):
            assert assertions(cell) == 0, f"cell {number} proves while it teaches"
            assert not re.search(r"bert\.uncased|bert\.name *[!=]=", cell.source), f"cell {number} branches"
    assert {name: proven} == {name: ASSERTIONS[name]}


@each_notebook
def test_an_answer_goes_on_below_a_heading(name):
    tagged = [cell.source for cell in load(name).cells if "answer" in tags(cell)]
    assert len(tagged) == GOES_ON[name] and all(source.startswith("#") for source in tagged)


@each_notebook
def test_a_prediction_has_the_lecturers_notes_and_is_answered_by_a_teaching_cell(name):
    stored = load(name).cells
    for number, cell in enumerate(stored, 1):
        if cell.cell_type == "markdown" and "**Predict" in cell.source:
            assert BOX in cell.source, f"cell {number} does not look like a question"
            assert slide(stored[number]) == "notes", f"cell {number} asks, and the next one holds no notes"
            answer = next(after for after in stored[number:] if after.cell_type == "code")
            assert not {"proof", "solution"} & set(tags(answer)) and answer.outputs, f"cell {number}"


# As stored


@each_notebook
def test_stored_as_regenerate_writes_it(name):
    """Metadata, cell ids, layout of the file: whatever a run does not need is not there, nor is widget state."""
    path = NOTEBOOKS / f"{name}.ipynb"
    assert path.read_text(encoding="utf-8") == regenerate.text(regenerate.clean(regenerate.read(path)))
    assert path.stat().st_size <= 600_000


@each_notebook
def test_every_code_cell_was_run_in_order_and_is_compared(name):
    """nbval runs a cell stored without a count but never compares it, so this keeps its comparison on."""
    code = [cell for _, cell in cells(name, "code")]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert not [tag for tag in tags(cell) if tag.startswith("nbval-")]
        assert not re.search(r"# *(NBVAL_|PYTEST_VALIDATE_IGNORE)", cell.source)


@each_notebook
def test_outputs_hold_nothing_of_the_machine_that_made_them(name):
    for number, cell in cells(name, "code"):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell), f"cell {number}"
            assert output.get("name") != "stderr", f"cell {number}: {output.text}"
        found = re.search(
            r"(?<![\w.<])/(home|tmp|root|work|Users|usr|opt|var|mnt|private)/|[A-Z]:\\|site-packages"  # a path
            r"|0x[0-9a-f]{6,}"  # a memory address
            r"|\b\d{4}-\d\d-\d\d[T ]\d|\b\d\d:\d\d:\d\d\b"  # a date, a time of day
            r"|\b\d[\d.]* ?(ms|µs|ns)\b"  # how long something took
            r"|\x1b\[",  # colours of a terminal
            shown(cell),
        )
        assert not found, f"cell {number}: {found[0]!r}"


@each_notebook
def test_the_set_up_cell_is_the_same_and_the_end_leads_on(name):
    """That a link leads somewhere, test_site tests."""
    first, *rest = [cell for _, cell in cells(name, "code")]
    if name[:2] not in ("08", "10"):  # these two are about other models than the loaded one
        assert first.source == SET_UP
    assert tags(first) == ["setup"] and not any("load_bert(" in cell.source for cell in rest)
    assert any("plots.pipeline(" in cell.source for cell in rest), "the strip of the whole layer"
    prose = [cell.source for _, cell in cells(name, "markdown")]
    glossary = f"]({NAMES[0]}.ipynb#"
    assert name == NAMES[0] or any(glossary in text for text in prose), "no link to the glossary"
    assert name == NAMES[-1] or f"]({NAMES[NAMES.index(name) + 1]}.ipynb)" in prose[-1]


@each_notebook
def test_every_picture_is_told_in_words(name):
    for number, cell in cells(name, "code"):
        for output in cell.outputs:
            data = output.get("data", {})
            assert not [kind for kind in data if kind.startswith("image/")], f"cell {number}: no alt text"
            html = data.get("text/html", "")
            told = re.findall(r'<img [^>]*alt="([^"]{40,}\.)"[^>]*><figcaption>[^<]{20,}</figcaption>', html)
            assert len(told) == html.count("<img"), f"cell {number}: a picture without alt text or caption"
    assert not [n for n, cell in cells(name, "markdown") if re.search(r"<img|!\[", cell.source)]


# Prose


NO_FACTS = re.compile(r"\b\d+ min\w*|[Ee]xercises? [\d., and]+|\(\d{4}\)|\b\d+\.[1-9]\b(?=[:,;.)]? )")
NUMBER = re.compile(r"(?<![\w.,/–-])\d[\d,]*(?:\.\d+)?(?:[×x]\d[\d,]*)?%?(?![\w])")


@each_notebook
def test_a_number_in_prose_stands_in_a_cell_too(name):
    """Of two digits or more, decimals or a percentage: nothing else notices when the text alone is wrong."""
    code = "\n".join(cell.source + "\n" + shown(cell) for _, cell in cells(name, "code"))
    code = re.sub(r"(?<=\d)[,_](?=\d)", "", code)
    looked_up, unbacked = " ".join(LOOKED_UP.get(name[:2], {}).values()).split(), []
    for number, cell in cells(name, "markdown"):
        prose = re.sub(r"```.*?```|\]\([^)]*\)|https?://\S+|<[^>]*>", " ", cell.source, flags=re.DOTALL)
        for found in NUMBER.findall(NO_FACTS.sub(" ", prose)):
            plain = found.replace(",", "")
            parts = [rf"(?<![\d.]){re.escape(part)}(?!\d)" for part in re.split("[×x]", plain)]
            if len(re.sub(r"\D", "", plain)) + plain.count("%") < 2 or re.fullmatch(r"0\d|1[0-2]", plain):
                continue  # a single digit, or the number of a notebook
            if found not in looked_up and not all(re.search(part, code) for part in parts):
                unbacked.append(f"cell {number}: {found}")
    assert not unbacked


# Exercises


def test_every_exercise_is_asked_once_and_solved_once_in_order():
    found = [pair for name in NAMES for _, cell in cells(name, "code") for pair in checks(cell).items()]
    for counts in (True, False):
        assert [number for number, counted in found if counted is counts] == exercise_numbers()


@pytest.mark.parametrize("exercise", exercise_numbers())
def test_an_exercise_is_asked_hinted_at_and_solved(exercise):
    name = NAMES[int(exercise.split(".")[0])]
    prose, code = cells(name, "markdown"), cells(name, "code")
    heading = rf"^#+ Exercise {re.escape(exercise)}: .*\d+ min"
    tasks = [n for n, cell in prose if re.search(heading, cell.source, re.MULTILINE)]
    asked, solved = (
        [one for one in code if checks(one[1]).get(exercise) is counts] for counts in (True, False)
    )
    as_others = "heading with minutes, check, hint, folded solution with counts=False: copy another exercise"
    assert tasks and asked and solved, as_others
    (question, stub), (answer, solution) = asked[0], solved[0]
    hints = [n for n, c in prose if question < n < answer and "<summary>Hint" in c.source]
    assert tasks[0] < question < answer and len(hints) == 1 and "solution" in tags(solution), as_others
    for cell, reply in ((stub, f"○ {exercise} not answered yet"), (solution, f"✓ {exercise} right")):
        assert reply in shown(cell), f"{reply!r} is not stored: run tests/regenerate.py"


@each_notebook
def test_solutions_are_folded_and_keep_to_themselves(name):
    """A learner's answer survives Run All, and a copy of the course without solutions runs."""
    for number, cell in cells(name, "code"):
        if "solution" in tags(cell):
            assert cell.metadata.get("jupyter") == {"source_hidden": True}
            assert cell.source.startswith("# Solution (folded)")
            symbols = symtable.symtable(cell.source, "cell", "exec").get_symbols()
            bound = [symbol.get_name() for symbol in symbols if symbol.is_assigned()]
            assert all(own.startswith("solution_") for own in bound), f"cell {number} may overwrite {bound}"
        else:
            assert "solution_" not in cell.source, f"cell {number} needs a solution to have run, or undoes it"


def test_the_readme_shows_the_picture_equation_and_says_what_is_in_it():
    image, alt = regenerate.picture_equation()
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    assert f"![{alt}](.github/sum.png)" in readme and "today" in alt
    assert (NOTEBOOKS.parent / ".github" / "sum.png").read_bytes() == image


# A reader's own copies


def test_copies_hold_no_answer_and_keep_what_a_reader_has_written(tmp_path, capsys):
    copies.copy_all(NOTEBOOKS, tmp_path)
    for name in NAMES:
        stored, copy = load(name).cells, nbformat.read(tmp_path / f"{name}.ipynb", 4).cells
        code = [cell for cell in copy if cell.cell_type == "code"]
        assert len(code) == sum(cell.cell_type == "code" for cell in stored)
        assert not any(cell.outputs or cell.execution_count for cell in code)
        assert "For the lecturer" not in str(copy)
        for number, cell in enumerate(copy):
            if cell.cell_type == "markdown" and "**Predict" in cell.source:
                answer = next(n for n in range(number, len(copy)) if copy[n].cell_type == "code")
                after = copy[answer + 1]
                assert after.cell_type == "code" or re.match(r"#|<details>|(?s:.*)\*\*Predict", after.source)
    mine = tmp_path / f"{NAMES[0]}.ipynb"
    mine.write_text("mine")
    copies.copy_all(NOTEBOOKS, tmp_path)
    assert mine.read_text() == "mine" and "Your copies are in" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="There are no notebooks in"):
        copies.copy_all(tmp_path / "nowhere", tmp_path)


@each_notebook
def test_on_paper_the_answers_come_last(name):
    config = runpy.run_path(str(NOTEBOOKS.parent / "docs" / "paper.py"), {"get_config": Config})
    paper, _ = config["OnPaper"]().preprocess(regenerate.read(NOTEBOOKS / f"{name}.ipynb"), {})
    texts = [cell.source for cell in paper.cells]
    last = next(n for n, text in enumerate(texts) if "Answers" in text)
    questions = [cell.source for _, cell in cells(name, "markdown") if "**Predict" in cell.source]
    asked = [text for text in texts[:last] if re.search(r"\*\*\d+\. Predict", text)]
    assert "".join(asked).count("\n- ☐ ") == len(re.findall(r"\n- [a-z]\)", "".join(questions)))
    numbers = [text for text in texts[last:] if "number" in text and re.search(r">\d+\.<", text)]
    assert len(asked) == len(numbers) == len(questions) > 0
    notebook = regenerate.read(NOTEBOOKS / f"{name}.ipynb")
    answers = {cell.source for cell in copies.closed(notebook) if "explore(" not in cell.source}
    before, after = copies.CLOSED.split("{}")
    told = [cell.source.removesuffix(after) for cell in notebook.cells if cell.source.startswith(before)]
    answers |= {text.removeprefix(before) for text in told}
    assert told and not answers & set(texts[:last]) and answers <= set(texts[last:])
    assert not re.search("^# (Proof|Solution)|For the lecturer", "\n".join(texts), re.MULTILINE)


@each_notebook
def test_no_stored_picture_is_cut_off_at_its_edge(name):
    for cell in load(name).cells:
        for png in pictures(cell.get("outputs", ())):
            pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
            rim = pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]
            assert min(part.min() for part in rim) > 245, cell.id
