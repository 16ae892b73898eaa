"""The stored notebooks, read as files. That their outputs are what a fresh run gives, `pytest notebooks` tests."""

import ast
import re
import symtable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import regenerate

from helpers.exercises import numbers as exercise_numbers

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
SET_UP = '''import torch

from helpers import check, load_bert, plots, progress

bert = load_bert()
tokenizer, model = bert.tokenizer, bert.model
sentence = "today is a good day"'''
# How many assertions each notebook's proofs make. A dropped one changes no output, so only this notices.
ASSERTIONS = dict(zip(NAMES, (4, 31, 20, 27, 25, 35, 46, 21, 17, 21, 16, 29), strict=True))
# Numbers in prose that no cell of the notebook shows: what a source says, with the source.
LOOKED_UP = {
    "00_start_here": {
        "15%": "Devlin et al. 2018, section 3.1",
        "128": "Devlin et al. 2018, A.2; the model card of all-MiniLM-L6-v2",
        "440": "the size of model.safetensors of bert-base-uncased",
    },
    "01_tokenizing": {"200": "google-research/bert, tokenization.py, max_input_chars_per_word"},
    "04_position_embeddings": {"90%": "Devlin et al. 2018, A.2", "128": "Devlin et al. 2018, A.2"},
    "08_how_tables_learn": {
        "0.02": "google-research/bert, modeling.py, initializer_range",
        "15%": "Devlin et al. 2018, section 3.1",
        "80%": "Devlin et al. 2018, section 3.1",
        "10%": "Devlin et al. 2018, section 3.1",
        "3.3": "Devlin et al. 2018, A.2: 800 million words of books, 2,500 million of Wikipedia",
        "1,000,000": "Devlin et al. 2018, A.2",
        "256": "Devlin et al. 2018, A.2",
        "12": "Devlin et al. 2018, section 3",
        "768": "Devlin et al. 2018, section 3",
        "512": "Devlin et al. 2018, A.2",
        "16": "Devlin et al. 2018, A.2: 4 Cloud TPUs, 16 chips",
        "994": "counted in 01",
        "25": "measured without places, seeds 0 and 1: as unsure as among 27.7 and 25.3 tokens",
    },
    "10_the_layer_in_other_models": {
        "128": "Lan et al. 2019, section 3.1",
        "4,096": "Lan et al. 2019, table 1, ALBERT-xxlarge",
        "514": "config.json of roberta-base",
        "50,257": "config.json of gpt2",
        "1,024": "config.json of gpt2",
        "30,522": "config.json of distilbert-base-uncased",
        "32": "T5 config",
    },
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
    """All text a reader sees below a code cell, without the bytes of its pictures."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=]+", "PICTURE", "\n".join(texts))


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


def names_in(cell):
    """(the names that a code cell leaves bound, imports apart; the names it uses, inside its functions too)."""
    cell_scope = symtable.symtable(cell.source, "cell", "exec")
    bound = {symbol.get_name() for symbol in cell_scope.get_symbols() if symbol.is_assigned()}
    used, scopes = set(), [cell_scope]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_referenced() and (scope is cell_scope or symbol.is_global()):
                used.add(symbol.get_name())
    return bound, used


# Teach or prove


@each_notebook
def test_only_proofs_and_solutions_assert_or_ask_which_model_it_is(name):
    for number, cell in cells(name, "code"):
        if not {"proof", "solution"} & set(tags(cell)):
            assert assertions(cell) == 0, f"cell {number} proves while it teaches"
            assert not re.search(r"bert\.uncased|bert\.name *[!=]=", cell.source), f"cell {number} branches"


@each_notebook
def test_a_proof_is_folded_off_the_slides_and_says_in_one_line_what_holds(name):
    proofs = [(number, cell) for number, cell in cells(name, "code") if "proof" in tags(cell)]
    for number, cell in proofs:
        assert cell.metadata.get("jupyter") == {"source_hidden": True} and slide(cell) == "skip", number
        assert cell.source.startswith("# Proof: "), f"cell {number} does not say what it proves"
        assert assertions(cell) or "published.compare(" in cell.source, f"cell {number} proves nothing"
        assert re.fullmatch(r"✓ .+\n", shown(cell)), f"cell {number} says {shown(cell)!r}"
    assert {name: sum(assertions(cell) for _, cell in proofs)} == {name: ASSERTIONS[name]}


@each_notebook
def test_a_prediction_has_the_lecturers_notes_and_is_answered_by_a_teaching_cell(name):
    stored = load(name).cells
    for number, cell in enumerate(stored, 1):
        if cell.cell_type == "markdown" and "alert-info" in cell.source:
            assert slide(cell) in ("slide", "subslide"), f"cell {number}"
            assert slide(stored[number]) == "notes", f"cell {number} asks, and the next one holds no notes"
            answer = next(after for after in stored[number:] if after.cell_type == "code")
            assert not {"proof", "solution"} & set(tags(answer)) and answer.outputs, f"cell {number}"
        if slide(cell) == "notes":
            assert 'class="alert alert-warning"' in cell.source, f"cell {number}: notes look like the lesson"
            assert "**Predict" not in cell.source
        elif cell.cell_type == "markdown":
            assert "alert-warning" not in cell.source, f"cell {number}"
            assert ("**Predict" in cell.source) == ("alert-info" in cell.source), f"cell {number}"


# As stored


def test_the_folder_holds_the_notebooks_and_how_slides_look():
    kept = {path.name for path in NOTEBOOKS.iterdir()} - {".ipynb_checkpoints"}
    assert kept - {".ruff_cache"} == {".ruff.toml", "rise.css", *(f"{name}.ipynb" for name in NAMES)}
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(12)]


@each_notebook
def test_stored_as_regenerate_writes_it(name):
    """Metadata, cell ids, layout of the file: whatever a run does not need is not there, nor is widget state."""
    path = NOTEBOOKS / f"{name}.ipynb"
    assert path.read_text(encoding="utf-8") == regenerate.text(regenerate.clean(regenerate.read(path), path))
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
def test_the_set_up_cell_is_the_same(name):
    first, *rest = [cell for _, cell in cells(name, "code")]
    if name[:2] not in ("08", "10"):  # these two are about other models than the loaded one
        assert first.source == SET_UP
    assert tags(first) == ["setup"] and not any("load_bert(" in cell.source for cell in rest)
    assert any("plots.pipeline(" in cell.source for cell in rest), "the strip of the whole layer"


@each_notebook
def test_code_is_plain(name):
    for number, cell in cells(name, "code"):
        assert cell.source.strip(), f"cell {number} is empty"
        assert not cell.source.rstrip().endswith(";"), (
            f"cell {number}: a trailing ; hides nothing under nbval"
        )
        assert not re.search(r"^[ \t]*[%!]", cell.source, flags=re.MULTILINE), f"cell {number}: a magic"
        used = names_in(cell)[1] & {"_", "__", "___", "In", "Out"}
        assert not used, f"cell {number}: {used} means something else at each run"


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


def anchors(name):
    """What a link into this notebook may point at: its headings as JupyterLab names them, and explicit ids."""
    found = set()
    for _, cell in cells(name, "markdown"):
        prose = re.sub(r"^```.*?^```", "", cell.source, flags=re.DOTALL | re.MULTILINE)
        found.update(re.findall(r'<\w+ id="([^"]+)"', prose))
        for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose, flags=re.MULTILINE):
            heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            found.add(re.sub(r"[*`]|<[^>]+>", "", heading).strip().replace(" ", "-"))
    return found


def links(name):
    """(cell number, target) of every link in the prose that stays inside this repository."""
    for number, cell in cells(name, "markdown"):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)|href=\"([^\"]+)\"", prose):
            target = "".join(target)
            if not re.match(r"https?:|mailto:", target):
                yield number, unquote(target)


@each_notebook
def test_links_lead_somewhere_and_on(name):
    targets = list(links(name))
    for number, target in targets:
        file, _, anchor = target.partition("#")
        path = (NOTEBOOKS / file).resolve() if file else NOTEBOOKS / f"{name}.ipynb"
        assert path.exists(), f"cell {number}: {target}"
        assert not anchor or anchor in anchors(path.stem), f"cell {number}: {target}"
    if name != NAMES[0]:
        assert any(target.startswith(f"{NAMES[0]}.ipynb#") for _, target in targets), (
            "no link to the glossary"
        )
    if name != NAMES[-1]:
        following = NAMES[NAMES.index(name) + 1]
        assert any(target == f"{following}.ipynb" for _, target in targets[-3:]), "the end does not lead on"


NUMBER = re.compile(r"(?<![\w.,/–-])\d[\d,]*(?:\.\d+)?(?:[×x]\d[\d,]*)?%?(?![\w])")


@each_notebook
def test_a_number_in_prose_stands_in_a_cell_too(name):
    """Of two digits or more, decimals or a percentage: nothing else notices when the text alone is wrong."""
    code = "\n".join(cell.source + "\n" + shown(cell) for _, cell in cells(name, "code"))
    code = re.sub(r"(?<=\d)[,_](?=\d)", "", code)
    unbacked = []
    for number, cell in cells(name, "markdown"):
        prose = re.sub(r"```.*?```|\]\([^)]*\)|https?://\S+|<[^>]*>", " ", cell.source, flags=re.DOTALL)
        prose = re.sub(
            r"\b\d+ min\w*|[Ee]xercises? [\d., and]+|\(\d{4}\)|\b\d+\.[1-9]\b(?=[:,;.)]? )", " ", prose
        )
        for found in NUMBER.findall(prose):
            plain = found.replace(",", "")
            backed = all(
                re.search(rf"(?<![\d.]){re.escape(part)}(?!\d)", code) for part in re.split("[×x]", plain)
            )
            if len(re.sub(r"\D", "", plain)) + plain.count("%") < 2 or re.fullmatch(r"0\d|1[01]", plain):
                continue  # a single digit, or the number of a notebook
            if not backed and found not in LOOKED_UP.get(name, {}):
                unbacked.append(f"cell {number}: {found}")
    assert not unbacked


# Exercises


def test_every_exercise_is_asked_once_and_solved_once_in_order():
    found = [list(checks(cell).items()) for name in NAMES for _, cell in cells(name, "code")]
    asked = [number for pairs in found for number, counts in pairs if counts]
    solved = [number for pairs in found for number, counts in pairs if not counts]
    assert asked == solved == exercise_numbers()


@pytest.mark.parametrize("exercise", exercise_numbers())
def test_an_exercise_is_asked_hinted_at_and_solved(exercise):
    name = NAMES[int(exercise.split(".")[0])]
    prose, code = cells(name, "markdown"), cells(name, "code")
    heading = rf"^#+ Exercise {re.escape(exercise)}: .*\d+ min"
    task = next(n for n, cell in prose if re.search(heading, cell.source, re.MULTILINE))
    asked = next((n, cell) for n, cell in code if checks(cell).get(exercise) is True)
    solved = next((n, cell) for n, cell in code if checks(cell).get(exercise) is False)
    hints = [n for n, c in prose if asked[0] < n < solved[0] and "<summary>Hint" in c.source]
    assert task < asked[0] < solved[0] and len(hints) == 1
    assert re.search(rf"^○ {re.escape(exercise)}.*not answered yet", shown(asked[1]), re.MULTILINE)
    assert re.search(rf"^✓ {re.escape(exercise)} right", shown(solved[1]), re.MULTILINE)
    assert "solution" in tags(solved[1])


@each_notebook
def test_solutions_are_folded_and_keep_to_themselves(name):
    """A learner's answer survives Run All, and a copy of the course without solutions runs."""
    code = [cell for _, cell in cells(name, "code")]
    for cell in code:
        bound, used = names_in(cell)
        if "solution" in tags(cell):
            assert cell.metadata.get("jupyter") == {"source_hidden": True} and slide(cell) == "skip"
            assert cell.source.startswith("# Solution (folded)")
            assert False in checks(cell).values()
            assert all(name.startswith("solution_") for name in bound), "it may overwrite a learner's name"
        else:
            needed = {name for name in bound | used if name.startswith("solution_")}
            assert not needed, f"this cell needs a solution to have run, or undoes it: {cell.source}"


def test_the_readme_shows_the_picture_equation_and_says_what_is_in_it():
    image, alt = regenerate.picture_equation()
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    assert f"![{alt}](.github/sum.png)" in readme and "today" in alt
    assert (NOTEBOOKS.parent / ".github" / "sum.png").read_bytes() == image
