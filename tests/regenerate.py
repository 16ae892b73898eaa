"""Run the notebooks and store what comes out: the one command that makes every stored output.

python tests/regenerate.py                                 all notebooks
python tests/regenerate.py notebooks/05_summation.ipynb    only these
python tests/regenerate.py --check [notebooks]             store nothing; say which differ and where, exit code 1

It also puts the picture equation of 05 into the README. A notebook runs as it does under `pytest`: same settings,
this environment's kernel, in its own folder. A second run on the same machine writes the same bytes. `--check`
does not look at the pixels of a picture, which may differ between machines; its alt text and caption it does
compare.
"""

import argparse
import base64
import difflib
import itertools
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
import run_settings  # noqa: F401  # the environment of every test run, kernels included
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "reason", "slideshow", "tags")
# Where a notebook leaves its dropout unseeded, the stored picture is the same at each run; a test's kernels are
# not seeded, so that an output that depends on chance is noticed.
SEED = "--IPKernelApp.exec_lines=import torch; torch.manual_seed(0)"
WIDGET = "application/vnd.jupyter.widget-view+json"  # its id is another at each run, and leads nowhere without a kernel


def read(path):
    """The notebook as it is stored; nothing added and nothing repaired, unlike with nbformat.read."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def clean(notebook, path):
    """Keep of `notebook`, in place, what is the same at each run; returns it."""
    notebook.update(nbformat=4, nbformat_minor=5, metadata=nbformat.from_dict(METADATA))
    seen = set()
    taken = {cell.get("id") for cell in notebook.cells}
    for number, cell in enumerate(notebook.cells):
        if cell.get("id") in seen | {None}:
            free = (f"{path.stem[:2]}-{n}" for n in itertools.count(number))
            cell["id"] = next(name for name in free if name not in taken)
            taken.add(cell["id"])
        seen.add(cell["id"])
        cell["metadata"] = {key: cell["metadata"][key] for key in CELL_METADATA if key in cell["metadata"]}
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output["metadata"] = {}
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def run(path):
    """The notebook of this path after a run of all its cells in a new kernel."""
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    client = NotebookClient(
        clean(notebook, path),
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        resources={"metadata": {"path": str(path.parent)}},
        timeout=120,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=[SEED],
    )
    client.create_kernel_manager().kernel_spec_manager = NbvalKernelspecManager()
    try:
        client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        failed = [any(o.output_type == "error" for o in cell.get("outputs", ())) for cell in notebook.cells]
        raise RuntimeError(f"cell {failed.index(True) + 1}: {error.ename}: {error.evalue}") from None
    return clean(notebook, path)


def text(notebook):
    """What is written to disk."""
    return nbformat.writes(notebook) + "\n"


def differences(stored, fresh):
    """One string for each cell that differs, with the lines that do, and one if only the layout of the file does."""

    def lines(part):
        layout = json.dumps(part, indent=1, ensure_ascii=False, sort_keys=True)
        layout = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "PICTURE", layout)
        return layout.replace("\\n", "\n").replace("><", ">\n<").replace(". ", ".\n").splitlines()

    found = []
    pairs = itertools.zip_longest(stored.cells, fresh.cells)
    for number, (before, after) in enumerate(pairs, 1):
        changed = difflib.unified_diff(lines(before), lines(after), n=0, lineterm="")
        changed = [line[:160] for line in changed if not line.startswith(("---", "+++", "@@"))]
        if changed:
            found.append("\n    ".join([f"cell {number}:", *changed[:8], *["…"][: len(changed) > 8]]))
    if not found and lines({**stored, "cells": []}) != lines({**fresh, "cells": []}):
        found.append("the notebook's own metadata")
    return found


def picture_equation():
    """The picture equation stored in 05, which the README shows: (PNG bytes, alt text)."""
    for cell in read(NOTEBOOKS / "05_summation.ipynb").cells:
        if "plots.sum_equation" in cell.source:
            data = cell.outputs[0]["data"]
            image = re.search(r"base64,([A-Za-z0-9+/=]+)", data["text/html"]).group(1)
            return base64.b64decode(image), data["text/plain"]
    raise LookupError("05_summation.ipynb draws no plots.sum_equation")


def show_in_readme(image, alt):
    (ROOT / ".github" / "sum.png").write_bytes(image)
    readme = ROOT / "README.md"
    words = re.sub(
        r"!\[.*\]\(\.github/sum\.png\)", f"![{alt}](.github/sum.png)", readme.read_text(encoding="utf-8")
    )
    readme.write_text(words, encoding="utf-8", newline="\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("notebooks", nargs="*", type=Path)
    arguments = parser.parse_args()
    paths = [path.resolve() for path in arguments.notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))

    def timed(path):
        start = time.perf_counter()
        return run(path), time.perf_counter() - start

    bad = 0
    print(f"running {len(paths)} notebooks, two at a time", flush=True)
    with ThreadPoolExecutor(2) as pool:
        jobs = {pool.submit(timed, path): path for path in paths}
        for done, job in enumerate(as_completed(jobs), 1):
            path = jobs[job]
            try:
                fresh, seconds = job.result()
            except (
                RuntimeError,
                TimeoutError,
            ) as error:  # a cell raised or took too long, or the kernel died
                bad += 1
                print(f"[{done}/{len(paths)}] {path.name}: FAILED, nothing stored: {error}", flush=True)
                continue
            changed = differences(clean(read(path), path) if not arguments.check else read(path), fresh)
            print(
                f"[{done}/{len(paths)}] {path.name}: {seconds:.1f} s, {len(changed)} cells differ", flush=True
            )
            if arguments.check:
                bad += bool(changed)
                print("".join(f"  {line}\n" for line in changed), end="", flush=True)
            elif path.read_text(encoding="utf-8") != text(fresh):
                path.write_text(text(fresh), encoding="utf-8", newline="\n")
    if not arguments.check:
        show_in_readme(*picture_equation())
    if bad:
        sys.exit(f"{bad} of {len(paths)} notebooks " + ("differ or fail" if arguments.check else "failed"))


if __name__ == "__main__":
    main()
