"""The course in a folder with blanks and accents, tested from its own notebooks/: it passes, and writes nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIP = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("là bas") / "le cours à part"
    shutil.copytree(ROOT, folder, ignore=SKIP)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777)


def run(course, *arguments):
    """`pytest` as a reader in notebooks/ would call it; kernels and tests import the copy's helpers."""
    environment = os.environ | {"PYTHONPATH": str(course), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", *arguments]
    folder = course / "notebooks"
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_notebook_passes_there_and_leaves_nothing_behind(course):
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    found = run(course, "03_segment_embeddings.ipynb", "../tests/test_notebooks.py", "-p", "no:cacheprovider")
    assert found.returncode == 0, found.stdout[-2000:]
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == before


def test_pytest_without_arguments_finds_everything_from_there(course):
    found = run(course, "--collect-only", "-p", "no:cacheprovider")
    assert found.returncode == 0, found.stdout[-2000:]
    for file in [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "tests").glob("test_*.py")]:
        assert f"{file.parent.name}/{file.name}::" in found.stdout, file.name
