"""The course in a folder with blanks and accents, tested from its own notebooks/: it passes, and writes nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIP = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", "*.egg-info", "_build", "node_modules"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("là bas") / "le cours à part"
    shutil.copytree(ROOT, folder, ignore=SKIP)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777)


def test_pytest_passes_there_and_leaves_nothing_behind(course):
    """Without arguments, as a reader in notebooks/ would call it: it finds both folders."""
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    long = [f"--ignore-glob={course}/tests/test_{name}*.py" for name in ("a", "b", "e", "m", "p", "se", "si")]
    chosen = ["-k", "03_segment", *long]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-v", "-p", "no:cacheprovider", *chosen],
        cwd=course / "notebooks",
        env=os.environ | {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-2000:]
    for file in ("03_segment_embeddings.ipynb", "tests/test_notebooks.py", "tests/test_slides.py"):
        assert re.search(rf"{file}::.*PASSED", found.stdout), file
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == before
