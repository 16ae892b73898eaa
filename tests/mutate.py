"""Does the test command notice? `python tests/mutate.py`, about half an hour.

Applies small wrongs, one at a time, to a copy of the repository: to helpers, to cells of notebooks, to stored
outputs and to settings. For each it runs first the tests that should notice and, if those stay green, the
whole test command; a wrong that this misses too is a gap in the tests. Prints the Markdown table that stands in
the README. `--only 3,17` tries some of them, `--list` names them without a run; both first check that each still fits.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import nbformat
import regenerate

ROOT = Path(__file__).parents[1]


@dataclass
class Wrong:
    """`old` stands exactly once in the file (in a notebook: in its code cells or, if `stored`, its outputs)."""

    name: str
    file: str
    old: str
    new: str
    tests: str  # what should notice
    stored: bool = False

    def apply(self, root):
        """Do it to the copy in `root`; the file's old text is returned."""
        path = root / self.file
        before = path.read_text(encoding="utf-8")
        if path.suffix != ".ipynb":
            self.check(before.count(self.old))
            path.write_text(before.replace(self.old, self.new), encoding="utf-8", newline="\n")
            return before
        notebook = regenerate.read(path)
        places = []  # (where a text stands, its key)
        for cell in notebook.cells:
            if cell.cell_type == "code" and not self.stored:
                places.append((cell, "source"))
            for output in cell.get("outputs", ()) if self.stored else ():
                places += [(output.get("data", {}), kind) for kind in output.get("data", {})]
                places += [(output, "text")] if "text" in output else []
        found = [place for place in places if self.old in place[0][place[1]]]
        self.check(sum(holder[key].count(self.old) for holder, key in found))
        for holder, key in found:
            holder[key] = holder[key].replace(self.old, self.new)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        return before

    def check(self, count):
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {count} times in {self.file}, not once")


def notebook(name, number, old, new, stored=False):
    """A wrong in notebook `number`, which its own comparison should notice."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    file = path.relative_to(ROOT).as_posix()
    return Wrong(name, file, old, new, f"{file} tests/test_notebooks.py", stored)


MODELS = ("helpers/models.py", "tests/test_models.py")
FIGURE = ("helpers/figure.py", "tests/test_plots.py")
PLOTS = ("helpers/plots.py", "tests/test_plots.py")
DRAWING = ("helpers/drawing.py", "tests/test_plots.py")
PUBLISHED = ("helpers/published.py", "tests/test_published.py")
CHECKING = ("helpers/checking.py", "tests/test_exercises.py")
EXERCISES = ("helpers/exercises.py", "tests/test_exercises.py")
EXPLORER = ("helpers/explorer.py", "tests/test_explorer.py")


def helper(name, where, old, new):
    return Wrong(name, where[0], old, new, where[1])


WRONGS = [
    # the loader
    helper(
        "no fallback when the hub is of no help",
        MODELS,
        '        why = f"{AUTOMATIC} is not cached and {error}"',
        "        raise",
    ),
    helper(
        "a wrong name falls back silently",
        MODELS,
        "        return _from_hub(name)\n    except _HubError as error:\n        raise BertError(",
        "        return _from_hub(name)\n    except _HubError as error:\n        return _bundled()\n        raise BertError(",
    ),
    helper(
        "BERT_MODEL is not read",
        MODELS,
        'os.environ.get("BERT_MODEL") or None if name is None else name',
        "name",
    ),
    helper(
        "a half-downloaded file passes for whole",
        MODELS,
        "if weights.stat().st_size != end:",
        "if weights.stat().st_size > end:",
    ),
    helper(
        "the checksum of a download is not compared",
        MODELS,
        "if expected not in (None, digest.hexdigest()):",
        "if False:",
    ),
    helper("a truncated download is taken", MODELS, "            _inspect(part, where)\n", ""),
    helper("the hub has 30 s to answer", MODELS, "ANSWER = 2 ", "ANSWER = 30 "),
    helper(
        "the revision is not pinned",
        MODELS,
        "pinned = REVISION if name in ALIASES else None",
        "pinned = None",
    ),
    helper("a model that is no BERT is let in", MODELS, '    if kind != "bert":', "    if False:"),
    helper(
        "weights missing from the file are made up", MODELS, '    if report["missing_keys"]:', "    if False:"
    ),
    helper("the model is left in train mode", MODELS, "model.eval(), name)", "model.train(), name)"),
    helper(
        "float64 weights are loaded as float32",
        MODELS,
        'dtype=dtypes[words["dtype"]],',
        "dtype=torch.float32,",
    ),
    helper("loading is not quiet", MODELS, "        logging.disable_progress_bar()\n", ""),
    # pictures
    helper("alt text is not escaped", FIGURE, 'alt="{html.escape(self.alt)}"', 'alt="{self.alt}"'),
    helper(
        "a caption is not escaped",
        FIGURE,
        "<figcaption>{html.escape(self.caption)}",
        "<figcaption>{self.caption}",
    ),
    helper("a token is parsed as mathtext", FIGURE, '"text.parse_math": False', '"text.parse_math": True'),
    helper("a saved SVG has no description", FIGURE, "<desc>{html.escape(self.alt)}</desc>", ""),
    helper(
        "a heat map is not centred at zero",
        DRAWING,
        "axes.imshow(values, vmin=-limit, vmax=limit, **look)",
        "axes.imshow(values, vmin=0, vmax=limit, **look)",
    ),
    helper(
        "the sum's heat map has a scale of its own",
        PLOTS,
        "        heat_strip(axes, array, limit, token_names(tokens, left - 8) if index == 0 else ())",
        "        heat_strip(axes, array, limit_of(array), token_names(tokens, left - 8) if index == 0 else ())",
    ),
    helper(
        "a caption names the shortest row as the longest",
        PLOTS,
        '    most = int(values.argmax())\n    alt = (\n        f"The length of each',
        '    most = int(values.argmin())\n    alt = (\n        f"The length of each',
    ),
    helper(
        "a lookup that is none is drawn",
        PLOTS,
        "    if len(wrong):\n        t = wrong[0]",
        "    if False:\n        t = wrong[0]",
    ),
    helper(
        "a caption says something else",
        ("helpers/plots.py", "notebooks/01_tokenizing.ipynb"),
        "of the vocabulary are whole words",
        "of the vocabulary are nouns",
    ),
    # the explorer
    helper(
        "the explorer's sum has no segment",
        EXPLORER,
        'stages["word"] + stages["segment"] + stages["position"]',
        'stages["word"] + stages["position"]',
    ),
    helper(
        "the explorer's shares are of lengths, not squared lengths",
        EXPLORER,
        "(self.stages[part] ** 2).sum(1) for part",
        "(self.stages[part] ** 2).sum(1) ** 0.5 for part",
    ),
    helper(
        "the explorer does not follow what is typed",
        EXPLORER,
        '            box.observe(self._draw_all, "value")',
        "            pass",
    ),
    # published figures
    helper(
        "published figures may be 100 times as far off",
        PUBLISHED,
        "return 0.5 * 10.0 **",
        "return 50 * 10.0 **",
    ),
    helper(
        "a disagreement is printed, not raised",
        PUBLISHED,
        "        raise AssertionError(f",
        "        print(f",
    ),
    # exercises
    helper("a checker is loosened", CHECKING, "        1e-5  # largest", "        1e-1  # largest"),
    helper("a solution counts as answered", CHECKING, "    if counts:\n", "    if True:\n"),
    helper(
        "an answer may change the model's tables",
        CHECKING,
        "        return value.detach().clone()",
        "        return value.detach()",
    ),
    helper(
        "a check leaves the model in eval mode",
        CHECKING,
        "            module.training = mode",
        "            pass",
    ),
    helper(
        "an unanswered exercise is wrong",
        CHECKING,
        "    return value is ... or value is None",
        "    return value is None",
    ),
    helper(
        "unbiased variance passes for right",
        EXERCISES,
        "right=F.layer_norm(x, (4,), eps=1e-12),",
        "right=(x - x.mean()) / x.std(),",
    ),
    helper(
        "a mistake has another's diagnosis",
        EXERCISES,
        '("Not centred: subtract the mean first.", x / x.std(unbiased=False))',
        '("Not centred: subtract the mean first.", centred / x.norm())',
    ),
    helper(
        "the second [SEP] may be in segment 0",
        EXERCISES,
        "return [0] * (len(first) + 2) + ([1] * len(second) + [0] if second else [])",
        "return [0] * (len(first) + 2) + ([1] * len(second) + [1] if second else [])",
    ),
    helper(
        "positions from 1 are right",
        EXERCISES,
        "return (attention_mask.cumsum(dim=-1) - 1).clamp(min=0)",
        "return attention_mask.cumsum(dim=-1)",
    ),
    # what the cells compute
    notebook(
        "another id is looked up",
        "02",
        "words = model.embeddings.word_embeddings(input_ids)\nwords",
        "words = model.embeddings.word_embeddings(input_ids.flip(1))\nwords",
    ),
    notebook(
        "another table is shown",
        "03",
        "plots.segment_rows(segment_table)",
        "plots.segment_rows(model.embeddings.position_embeddings.weight[:2])",
    ),
    notebook(
        "positions from 1",
        "04",
        "position_ids = torch.arange(T)\n",
        "position_ids = torch.arange(1, T + 1)\n",
    ),
    notebook(
        "another order of the sum",
        "05",
        "total = words + segments + positions\n",
        "total = words + positions + segments\n",
    ),
    notebook(
        "unbiased variance",
        "06",
        "variance = (total - mean).pow(2).mean(dim=-1, keepdim=True)",
        "variance = total.var(dim=-1, keepdim=True)",
    ),
    notebook(
        "eps 1e-5",
        "06",
        "gamma, beta, eps = layer_norm.weight.detach(), layer_norm.bias.detach(), layer_norm.eps",
        "gamma, beta, eps = layer_norm.weight.detach(), layer_norm.bias.detach(), 1e-5",
    ),
    notebook(
        "LayerNorm left out of the layer",
        "07",
        "return self.dropout(self.LayerNorm(total))",
        "return self.dropout(total)",
    ),
    notebook("an assert is dropped", "05", "assert torch.equal(layer_norm(total), from_model)\n", ""),
    notebook(
        "an assert on what is shown is dropped", "02", "assert torch.equal(words, table[input_ids])\n", ""
    ),
    # what is stored
    notebook("one stored id", "01", "[101, 2651, 2003", "[101, 2652, 2003", stored=True),
    notebook("one stored digit of a tensor", "05", "-0.0886", "-0.0887", stored=True),
    notebook(
        "one stored number in a sentence",
        "08",
        "good and bad: cosine 0.535",
        "good and bad: cosine 0.536",
        stored=True,
    ),
    notebook("a stored caption", "04", "times the median length.", "times the mean length.", stored=True),
    notebook("a stored True", "07", "training: False", "training: True", stored=True),
    notebook("a stored reply to an exercise", "03", "○ 3.1 not answered yet", "✓ 3.1 right", stored=True),
    notebook("a path in what is stored", "09", "word rows: True", "/home/me: True", stored=True),
    # settings
    Wrong("nbval is switched off", "pyproject.toml", '  "--nbval",\n', "", "tests/test_setup.py"),
    Wrong(
        "nbval no longer compares numbers",
        "tests/nbval_sanitize.cfg",
        "regex: data:image/png;base64,[A-Za-z0-9+/=]+",
        "regex: [0-9]+",
        "tests/test_setup.py",
    ),
    Wrong(
        "another version for conda",
        "environment.yml",
        "transformers=5.23.0",
        "transformers=5.22.0",
        "tests/test_setup.py",
    ),
    Wrong(
        "a workflow may write",
        ".github/workflows/test.yml",
        "  contents: read",
        "  contents: write",
        "tests/test_setup.py",
    ),
]


def pytest(root, tests):
    """(exit code, the first test that failed) of `pytest` in a copy."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests.split()],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?(?:::Cell \d+)?)(?:\[| -|$)", found.stdout, re.MULTILINE)
    code = (
        1 if failed and found.returncode == 2 else found.returncode
    )  # 2: a test failed, and -x stopped the workers
    return code, failed[1] if failed else found.stdout[-300:] + found.stderr[-300:]


def copy(folder):
    """A copy of the repository in `folder`, whose `helpers` are the ones its tests and kernels import."""
    root = folder / "course"
    leave = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", ".*_cache", ".ipynb_checkpoints", ".hypothesis"
    )
    shutil.copytree(ROOT, root, ignore=leave)
    code = "import helpers; print(helpers.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    where = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if not where.stdout.startswith(str(root)):
        raise RuntimeError(f"the copy's tests would import {where.stdout or where.stderr}")
    return root


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="numbers, as in 3,17")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    chosen = [int(n) for n in arguments.only.split(",")] if arguments.only else range(1, len(WRONGS) + 1)
    began = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - began:5.0f} s] {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        copies = SimpleQueue()
        for side in "ab":  # two at a time
            (Path(folder) / side).mkdir()
            copies.put(copy(Path(folder) / side))
        root = copies.get()
        misfits = []
        for number in chosen:
            wrong = WRONGS[number - 1]
            try:
                before = wrong.apply(root)
                (root / wrong.file).write_text(before, encoding="utf-8", newline="\n")
            except ValueError as error:
                misfits.append(str(error))
        if misfits:
            sys.exit("\n".join(misfits))
        copies.put(root)
        if arguments.list:
            for number in chosen:
                print(f"{number:3} {WRONGS[number - 1].file}: {WRONGS[number - 1].name}")
            return

        # A test that is red already would notice anything.
        tests = sorted({test for number in chosen for test in WRONGS[number - 1].tests.split()})
        say("first the tests without any wrong")
        code, failed = pytest(root, " ".join(["-n 2", *tests] if arguments.only else ["-n 2"]))
        if code:
            sys.exit(f"the tests are not green to begin with: {failed}")

        def attempt(number):
            wrong = WRONGS[number - 1]
            root = copies.get()
            before = wrong.apply(root)
            try:
                code, failed = pytest(root, f"-n 0 {wrong.tests}")
                if code == 0:
                    say(f"{number}: {wrong.tests} stayed green, now the whole test command")
                    code, failed = pytest(root, "-n 2")
            finally:
                (root / wrong.file).write_text(before, encoding="utf-8", newline="\n")
                copies.put(root)
            if code not in (0, 1):
                failed = f"broken run, exit code {code}: {failed}"
            say(f"{number}: {wrong.name}: {failed if code else 'MISSED'}")
            return code, failed

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(attempt, chosen))

    print("| | wrong | in | noticed by |\n|---|---|---|---|")
    for number, (code, failed) in zip(chosen, results, strict=True):
        wrong = WRONGS[number - 1]
        noticed = f"`{failed}`" if code == 1 else f"**{failed}**" if code else "**missed**"
        print(f"| {number} | {wrong.name} | `{wrong.file}` | {noticed} |")
    missed = sum(code != 1 for code, _ in results)
    print(f"\n{len(results)} wrongs, {missed} missed.")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
