"""The stored notebooks, read as files. That their outputs are what a fresh run gives, `pytest notebooks` tests."""

import ast
import re
import symtable
from collections import Counter
from copy import deepcopy
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import regenerate

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = [
    "00_start_here",
    "01_tokenizing",
    "02_word_embeddings",
    "03_segment_embeddings",
    "04_position_embeddings",
    "05_summation",
    "06_layer_norm",
    "07_dropout_and_the_whole_layer",
    "08_what_the_tables_learned",
    "09_clinic",
]
EXERCISES = ["0.1"] + [f"{chapter}.{number}" for chapter in range(1, 10) for number in (1, 2, 3)]
NOT_COMPARED = 0  # cells whose output nbval is told not to compare; each needs a reason in its metadata
# How many assertions each notebook makes, solutions apart. Dropping one changes no output, so only this notices.
ASSERTIONS = dict(zip(NAMES, (3, 13, 17, 7, 10, 10, 14, 14, 5, 5), strict=True))
SET_UP = '''import torch

from helpers import check, load_bert, plots, progress

bert = load_bert()
tokenizer, model = bert.tokenizer, bert.model
sentence = "today is a good day"'''
HISTORY = {  # numbers in prose that no cell can show: where they are from
    ("00_start_here", "440"): "megabytes of model.safetensors, 440,449,768 bytes on the hub",
    ("02_word_embeddings", "110"): "what is said of bert-base-uncased; the cells count it out",
    (
        "04_position_embeddings",
        "128",
    ): "the length of most training sequences, in the README of Google's BERT",
}
BADGE = re.compile(
    r"\[!\[Open in Colab\]\(https://colab\.research\.google\.com/assets/colab-badge\.svg\)\]"
    r"\(https://colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/main/notebooks/(\w+)\.ipynb\)"
)
each_notebook = pytest.mark.parametrize("name", NAMES)


@cache
def load(name):
    return regenerate.read(NOTEBOOKS / f"{name}.ipynb")


def cells(name, kind):
    """(number in the notebook, cell) of every cell of this kind; a test that fails names the number."""
    return [(number, cell) for number, cell in enumerate(load(name).cells, 1) if cell.cell_type == kind]


def tags(cell):
    return cell.metadata.get("tags", [])


def shown(cell):
    """All text a reader sees below a code cell, without the bytes of its pictures."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return re.sub(r"data:image/\w+;base64,[A-Za-z0-9+/=]+", "PICTURE", "\n".join(texts))


def checks(cell):
    """{exercise number: counts} of every `check(number, ..., counts=...)` in a code cell."""
    found = {}
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
            counts = {keyword.arg: keyword.value for keyword in node.keywords}.get("counts")
            found[str(ast.literal_eval(node.args[0]))] = counts is None or ast.literal_eval(counts)
    return found


def names(cell):
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


class Pictures(HTMLParser):
    """The alt text of every <img> and the text of every <figcaption> in some HTML."""

    def __init__(self, html):
        super().__init__()
        self.alts, self.captions, self.inside = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.alts.append(dict(attributes).get("alt") or "")
        self.inside = tag == "figcaption"
        if self.inside:
            self.captions.append("")

    def handle_data(self, data):
        if self.inside:
            self.captions[-1] += data

    def handle_endtag(self, tag):
        self.inside = False


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


def test_the_ten_and_nothing_else():
    assert sorted(path.name for path in NOTEBOOKS.iterdir() if path.name != ".ipynb_checkpoints") == [
        f"{name}.ipynb" for name in NAMES
    ]


@each_notebook
def test_stored_as_regenerate_writes_it(name):
    """Metadata, cell ids, layout of the file: whatever a run does not need is not there, nor is widget state."""
    path = NOTEBOOKS / f"{name}.ipynb"
    assert path.read_text(encoding="utf-8") == regenerate.text(regenerate.clean(regenerate.read(path), path))


def test_check_names_the_cell_that_differs_and_leaves_pixels_alone():
    """`regenerate.py --check`, without the run."""
    stored, fresh = load("05_summation"), deepcopy(load("05_summation"))
    number, cell = next((n, c) for n, c in enumerate(fresh.cells, 1) if "<figure" in str(c.get("outputs")))
    html = cell.outputs[0].data["text/html"]
    cell.outputs[0].data["text/html"] = html.replace(";base64,", ";base64,iVBORw0KGgo", 1)
    assert regenerate.differences(stored, fresh) == []
    cell.outputs[0].data["text/html"] = html.replace("<figcaption>", "<figcaption>Not ", 1)
    (found,) = regenerate.differences(stored, fresh)
    assert found.startswith(f"cell {number}:") and "Not " in found


@each_notebook
def test_every_code_cell_was_run_in_order(name):
    """nbval runs a cell stored without a count but never compares it, so this is what keeps its comparison on."""
    code = [cell for _, cell in cells(name, "code")]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.get("execution_count", cell.execution_count) == cell.execution_count


@each_notebook
def test_outputs_hold_nothing_of_the_machine_that_made_them(name):
    for number, cell in cells(name, "code"):
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell), (
                f"cell {number}: {output.evalue}"
            )
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


def test_cells_not_compared_are_counted():
    found = [
        (name, number, cell)
        for name in NAMES
        for number, cell in cells(name, "code")
        if {"nbval-ignore-output", "nbval-skip"} & set(tags(cell))
        or re.search(r"# *(NBVAL_|PYTEST_VALIDATE_IGNORE)", cell.source)
    ]
    assert len(found) == NOT_COMPARED, [(name, number) for name, number, _ in found]
    for name, number, cell in found:
        assert len(cell.metadata.get("reason", "")) > 20, f"{name} cell {number} gives no reason"


@each_notebook
def test_the_set_up_cell_is_the_same(name):
    code = cells(name, "code")
    assert code[0][1].source == SET_UP
    assert not any("load_bert(" in cell.source for _, cell in code[1:])


@each_notebook
def test_code_is_plain(name):
    for number, cell in cells(name, "code"):
        source = cell.source
        assert source.strip(), f"cell {number} is empty"
        assert not source.rstrip().endswith(";"), f"cell {number}: a trailing ; hides nothing under nbval"
        assert not re.search(r"^[ \t]*[%!]", source, flags=re.MULTILINE), f"cell {number}: a magic"
        longest = max(source.splitlines(), key=len)
        assert len(longest) <= 110, f"cell {number}: {longest}"
        used = names(cell)[1] & {"_", "__", "___", "In", "Out"}
        assert not used, f"cell {number}: {used} means something else at each run"


def test_no_assertion_is_dropped():
    found = dict.fromkeys(NAMES, 0)
    for name in NAMES:
        for _, cell in cells(name, "code"):
            if "solution" not in tags(cell):
                for node in ast.walk(ast.parse(cell.source)):
                    called = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assert_close"
                    found[name] += called or isinstance(node, ast.Assert)
    assert found == ASSERTIONS


@each_notebook
def test_every_picture_is_told_in_words(name):
    for number, cell in cells(name, "code"):
        for output in cell.outputs:
            data = output.get("data", {})
            bare = [kind for kind in data if kind.startswith("image/")]
            assert not bare, f"cell {number}: {bare} has no alt text in JupyterLab"
            pictures = Pictures(data.get("text/html", ""))
            for alt in pictures.alts:
                assert len(alt) >= 40 and alt.rstrip().endswith("."), f"cell {number}: alt text {alt!r}"
            assert len(pictures.captions) == len(pictures.alts), f"cell {number}: a picture without a caption"
            assert all(len(caption.strip()) >= 20 for caption in pictures.captions), (
                f"cell {number}: a short caption"
            )
    for number, cell in cells(name, "markdown"):
        assert "<img" not in cell.source and "attachments" not in cell, f"cell {number}"
        for alt in re.findall(r"!\[([^\]]*)\]\(", cell.source):
            assert len(alt) >= 40 or alt == "Open in Colab", f"cell {number}: alt text {alt!r}"


@each_notebook
def test_the_strip_of_the_whole_layer_is_shown(name):
    assert any("plots.pipeline(" in cell.source for _, cell in cells(name, "code"))


def test_notebooks_are_light():
    sizes = {path.name: path.stat().st_size for path in NOTEBOOKS.glob("*.ipynb")}
    assert max(sizes.values()) <= 600_000, Counter(sizes).most_common(3)
    assert sum(sizes.values()) <= 4_000_000


@each_notebook
def test_the_first_cell_has_a_title_and_the_colab_badge(name):
    source = load(name).cells[0].source
    assert re.match(r"# \w", source)
    assert [found[1] for found in BADGE.findall(source)] == [name]
    elsewhere = {
        repository for other in NAMES for repository, _ in BADGE.findall(load(other).cells[0].source)
    }
    assert len(elsewhere) == 1, "the badges name different repositories"


@each_notebook
def test_links_lead_somewhere(name):
    for number, target in links(name):
        file, _, anchor = target.partition("#")
        path = (NOTEBOOKS / file).resolve() if file else NOTEBOOKS / f"{name}.ipynb"
        assert path.exists(), f"cell {number}: {target}"
        if anchor and path.suffix == ".ipynb":
            assert anchor in anchors(path.stem), f"cell {number}: {target}"


@each_notebook
def test_the_glossary_and_the_next_notebook_are_linked(name):
    targets = [target for _, target in links(name)]
    if name != NAMES[0]:
        assert any(target.startswith(f"{NAMES[0]}.ipynb#") for target in targets), "no link into the glossary"
    if name != NAMES[-1]:
        following = NAMES[NAMES.index(name) + 1]
        last = [number for number, target in links(name) if target.startswith(f"{following}.ipynb")]
        assert last and last[-1] >= len(load(name).cells) - 2, "the end does not lead on to the next notebook"


def test_the_28_exercises():
    asked = [n for name in NAMES for _, c in cells(name, "code") for n, counts in checks(c).items() if counts]
    solved = [
        n for name in NAMES for _, c in cells(name, "code") for n, counts in checks(c).items() if not counts
    ]
    assert asked == solved == EXERCISES
    assert len(EXERCISES) == 28


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_is_asked_hinted_at_and_solved(exercise):
    name = NAMES[int(exercise[0])]
    prose, code = cells(name, "markdown"), cells(name, "code")
    task = next(
        (n, cell)
        for n, cell in prose
        if re.search(rf"^#+ Exercise {re.escape(exercise)}\b", cell.source, re.MULTILINE)
    )
    assert re.search(r"\d+ min", task[1].source), "how long it takes is not said"
    asked = next((n, cell) for n, cell in code if checks(cell).get(exercise) is True)
    solved = next((n, cell) for n, cell in code if checks(cell).get(exercise) is False)
    hints = [
        n for n, cell in prose if asked[0] < n < solved[0] and re.search(r"<summary>.*Hint", cell.source)
    ]
    assert task[0] < asked[0] < solved[0] and len(hints) == 1
    assert re.search(rf"^○ {re.escape(exercise)}.*not answered yet", shown(asked[1]), re.MULTILINE)
    assert re.search(rf"^✓ {re.escape(exercise)} right", shown(solved[1]), re.MULTILINE)
    assert "solution" in tags(solved[1])
    assert "exercise" in tags(asked[1]) or any(
        "exercise" in tags(cell) for n, cell in code if n == asked[0] - 1
    )


@each_notebook
def test_solutions_are_folded_and_keep_to_themselves(name):
    """A learner's answer survives Run All, and a copy of the course without solutions runs."""
    code = [cell for _, cell in cells(name, "code")]
    solutions = [cell for cell in code if "solution" in tags(cell)]
    rest = [cell for cell in code if "solution" not in tags(cell)]
    for cell in solutions:
        assert cell.metadata.get("jupyter") == {"source_hidden": True}
        assert cell.source.startswith("# Solution (folded)")
        assert list(checks(cell).values()) == [False]
        assert all(name.startswith("solution_") for name in names(cell)[0]), (
            "it may overwrite a learner's name"
        )
    for cell in rest:
        needed = {name for name in set().union(*names(cell)) if name.startswith("solution_")}
        assert not needed, f"this cell needs a solution to have run, or undoes it: {cell.source}"
    assert all("jupyter" not in cell.metadata for cell in rest), "only solutions are folded"


def test_the_readme_shows_the_picture_equation_and_says_what_is_in_it():
    image, alt = regenerate.picture_equation()
    readme = (NOTEBOOKS.parent / "README.md").read_text(encoding="utf-8")
    assert f"![{alt}](.github/sum.png)" in readme and "today" in alt
    assert (NOTEBOOKS.parent / ".github" / "sum.png").read_bytes() == image


def test_a_number_in_prose_stands_in_a_cell_too():
    """Of three digits or more, in what a cell says or shows: nothing else notices when the text alone is wrong."""
    unbacked = []
    for name in NAMES:
        shown = ""
        for _, cell in cells(name, "code"):
            texts = [
                output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs
            ]
            shown += "\n".join([cell.source, *texts, ""])
        shown = re.sub(r"(?<=\d)[,_](?=\d)", "", shown)
        for number, cell in cells(name, "markdown"):
            prose = re.sub(r"\]\([^)]*\)|https?://\S+", "]", cell.source)
            for found in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d)", "", prose)):
                long = len(found.replace(".", "")) >= 3
                if (
                    long
                    and (name, found) not in HISTORY
                    and not re.search(rf"(?<![\d.]){re.escape(found)}(?!\d)", shown)
                ):
                    unbacked.append(f"{name}, cell {number}: {found}")
    assert not unbacked
