"""Run the notebooks and store what comes out: the one command that makes every stored output.

python tests/regenerate.py                                 all notebooks
python tests/regenerate.py notebooks/05_summation.ipynb    only these

It also puts the picture equation of 05 into the README. A notebook runs as it does under `pytest`: same settings,
this environment's kernel, in its own folder. A second run on the same machine writes the same bytes.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import run_settings
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.validator import normalize
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("answer", "jupyter", "lecture", "slideshow", "tags")
# The widget's id is another at each run, and leads nowhere without a kernel.
WIDGET = "application/vnd.jupyter.widget-view+json"


def read(path):
    """The notebook as it is stored; nothing added and nothing repaired, unlike with nbformat.read."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def clean(notebook):
    """The notebook with what is the same at each run."""
    notebook.update(nbformat=4, nbformat_minor=5, metadata=nbformat.from_dict(METADATA))
    notebook = normalize(notebook)[1]  # a cell without an id, or with another's, gets one
    for cell in notebook.cells:
        cell["metadata"] = {key: cell["metadata"][key] for key in CELL_METADATA if key in cell["metadata"]}
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output["metadata"] = {}
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def run(path):
    """The notebook of this path after a run of all its cells in a new kernel."""
    notebook = clean(read(path))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    client = NotebookClient(
        notebook,
        kernel_name=CURRENT_ENV_KERNEL_NAME,
        resources={"metadata": {"path": str(path.parent)}},
        timeout=120,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
    )
    client.create_kernel_manager().kernel_spec_manager = NbvalKernelspecManager()
    try:
        client.execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        failed = [any(o.output_type == "error" for o in cell.get("outputs", ())) for cell in notebook.cells]
        raise RuntimeError(f"cell {failed.index(True) + 1}: {error.ename}: {error.evalue}") from None
    return clean(notebook)


def text(notebook):
    """What is written to disk."""
    return nbformat.writes(notebook) + "\n"


def picture_equation():
    """The picture equation stored in 05, which the README shows: (PNG bytes, alt text)."""
    for cell in read(NOTEBOOKS / "05_summation.ipynb").cells:
        if "plots.sum_equation" in cell.source:
            return run_settings.pictures(cell.outputs)[0], cell.outputs[0]["data"]["text/plain"]
    raise LookupError("05_summation.ipynb draws no plots.sum_equation")


def main():
    paths = [Path(name).resolve() for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))

    def store(path):
        try:
            path.write_text(text(run(path)), encoding="utf-8", newline="\n")
        except (RuntimeError, TimeoutError) as error:  # a cell raised or took too long, or the kernel died
            return f"{path.name}: FAILED, nothing stored: {error}"
        return f"{path.name}: stored"

    with ThreadPoolExecutor(2) as pool:
        replies = []
        for reply in pool.map(store, paths):
            print(reply, flush=True)
            replies.append(reply)
    image, alt = picture_equation()
    (ROOT / ".github" / "sum.png").write_bytes(image)
    readme = ROOT / "README.md"
    words = re.sub(r"!\[.*\]\(\.github/sum\.png\)", f"![{alt}](.github/sum.png)", readme.read_text("utf-8"))
    readme.write_text(words, encoding="utf-8", newline="\n")
    if any("FAILED" in reply for reply in replies):
        sys.exit(1)


if __name__ == "__main__":
    main()
