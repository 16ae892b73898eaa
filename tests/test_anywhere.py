"""A copy of the course, in a folder with blanks and accents that it may not write to, tested from its own notebooks/."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from run_settings import PICTURE

ROOT = Path(__file__).parents[1]
SKIP = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", "*.egg-info", "_build", "node_modules"
)


@pytest.mark.weekly  # what compares outputs changes with a release of nbval
def test_pytest_finds_what_is_wrong_there_and_leaves_nothing_behind(tmp_path):
    """Without arguments, as a reader in notebooks/ would call it: both folders, another output, another picture."""
    course = tmp_path / "là bas" / "le cours à part"
    shutil.copytree(ROOT, course, ignore=SKIP)
    notebook = course / "notebooks" / "03_segment_embeddings.ipynb"
    stored = json.loads(notebook.read_text(encoding="utf-8"))
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    words = "a table of 2 rows has no row 2\n"
    (number,) = (
        n for n, cell in enumerate(code) if cell["outputs"] and words in cell["outputs"][0].get("text", "")
    )
    (picture,) = (n for n, cell in enumerate(code) if "plots.lookup(" in "".join(cell["source"]))
    code[number]["outputs"][0]["text"] = ["a table of 2 rows has no row 3\n"]
    shown = code[picture]["outputs"][0]["data"]
    another = f"data:image/png;base64,{base64.b64encode((ROOT / '.github/sum.png').read_bytes()).decode()}"
    shown["text/html"] = PICTURE.sub(another, "".join(shown["text/html"]))
    notebook.write_text(json.dumps(stored), encoding="utf-8")
    files = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    for path in [course, *course.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-v", "-p", "no:cacheprovider", "-k", "03_segment"]
        + [f"--ignore-glob={course}/tests/test_{name}*.py" for name in ("[abemnp]", "se", "si")],
        cwd=course / "notebooks",
        env=os.environ | {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    for path in [course, *course.rglob("*")]:
        path.chmod(0o777)
    failed = re.findall(r"^FAILED .*::(.*) - ", found.stdout, re.MULTILINE)
    assert failed == [f"Cell {picture}", f"Cell {number}"], found.stdout[-2000:]
    assert "Cell outputs differ" in found.stdout
    assert "picture 1 of this cell is not the stored one" in found.stdout
    assert re.search(r"tests/test_slides.py::.*PASSED", found.stdout)
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == files
