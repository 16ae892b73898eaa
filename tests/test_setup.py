"""The files that set the course up say the same thing; the README's and the docs' commands are real; CI can fail."""

import ast
import contextlib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_anywhere import SKIP
from test_commands import PAGES, brings, installed_by, needed

from helpers import copies, models

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}  # conda-forge's name is another
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(lines):
    """{name: version} of requirement lines, every one of which pins an exact version."""
    found = {}
    for line in lines:
        if not line.startswith(("#", "-e ", "-r ")):
            requirement = Requirement(line)
            assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"not an exact version: {line}"
            found[canonicalize_name(requirement.name)] = str(requirement.specifier)[2:]
    return found


def lines_of(name):
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def test_environment_yml_says_what_requirements_txt_says():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, *conda, last = environment["dependencies"]
    assert re.fullmatch(r"python=3\.\d+", python) and pip == "pip" and last["pip"][-1] == "-e ."
    pins = pinned(lines_of("requirements.txt")).items()
    found = pinned(line.replace("=", "==") for line in conda) | pinned(last["pip"])
    assert found == {CONDA_NAMES.get(name, name): pin for name, pin in pins}


def test_requirements_are_pinned_and_the_package_asks_for_them_and_brings_its_data():
    pins = pinned(lines_of("requirements.txt"))
    assert lines_of("requirements.txt")[-1] == "-e ."
    assert not pins.keys() & pinned(lines_of("tests/requirements.txt")).keys()
    assert pinned(lines_of("docs/requirements.txt"))
    data = {path.name for path in (ROOT / "helpers").iterdir() if path.suffix not in (".py", "")}
    assert data == set(SETTINGS["tool"]["setuptools"]["package-data"]["helpers"])
    for line in SETTINGS["project"]["dependencies"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), line


def test_the_test_command_compares_every_output_with_the_stored_one(pytestconfig):
    option = pytestconfig.option
    assert option.nbval and option.nbval_current_env and not option.nbval_lax
    assert pytestconfig.getini("testpaths") == ["tests", "notebooks"]
    left_out = Path(option.nbval_sanitize_with).read_text(encoding="utf-8")
    assert re.findall(r"^regex: (.*)$", left_out, re.MULTILINE) == ["data:image/png;base64,[A-Za-z0-9+/=]+"]


def test_ci_run_and_the_site_do_what_the_readme_says():
    script, readme = (ROOT / ".ci/run").read_text("utf-8"), (ROOT / "README.md").read_text("utf-8")
    (test_line,) = re.findall(r"^python3.*\.venv/bin/pytest$", readme, re.MULTILINE)
    for part in test_line.replace(".venv/bin/", "").split(" && ")[1:]:
        assert part.removeprefix("pip install ") in script, part
    build = "sphinx-build -W -b html -c docs . docs/_build/html"
    assert build in script.replace("-W -q", "-W") and build in " ".join(readme.split())
    assert build in (ROOT / ".github/workflows/pages.yml").read_text("utf-8")


def site_settings(root):
    """What docs/conf.py of this checkout gives the theme; the explorer's data are not made for that."""
    with patch.dict(sys.modules, explorer_data=Mock()):
        return runpy.run_path(str(root / "docs/conf.py"))["html_theme_options"]


def test_one_line_of_pyproject_brings_every_link_and_without_it_there_is_none(tmp_path):
    sys.path.insert(0, str(ROOT / "docs"))
    import address

    stored = {name: (ROOT / name).read_text("utf-8") for name in address.texts()}
    assert address.texts() == stored, "run docs/address.py"
    shutil.copytree(ROOT, tmp_path / "course", ignore=SKIP)
    project = tmp_path / "course" / "pyproject.toml"
    project.chmod(0o644)
    lines = re.sub("(?m)^#? ?Repository = .*\n", "", project.read_text("utf-8"))
    project.write_text(lines, "utf-8")
    without = address.texts(project.parent)
    told = "".join(text for name, text in without.items() if name[0] != "n")
    assert not re.search(r"github\.com/|mybinder", told)
    assert not {"repository_url", "launch_buttons"} & site_settings(project.parent).keys()
    url = "https://github.com/some-one/bert-embedding-layer"
    project.write_text(lines.replace("[project.urls]\n", f'[project.urls]\nRepository = "{url}"\n'), "utf-8")
    brought = address.texts(project.parent)
    assert brought["README.md"].count("some-one/bert-embedding-layer") == 3 and url in brought["CITATION.cff"]
    for name, text in brought.items():
        assert name[0] != "n" or f"Run `%pip install -q git+{url}`" in text, name
    assert site_settings(project.parent)["repository_url"] == url
    for name, text in brought.items():
        (project.parent / name).write_text(text, "utf-8")
    assert address.texts(project.parent) == brought  # a second run changes nothing


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.stem)
def test_a_workflow_may_only_read_but_for_publishing_and_cannot_pass_in_vain(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert {name for name, job in workflow["jobs"].items() if "permissions" in job} <= {"publish"}
    assert "continue-on-error" not in text and "|| true" not in text
    for file in re.findall(r"tests/\w+\.py", text):
        assert (ROOT / file).exists(), file
    script = (ROOT / ".ci/run").read_text("utf-8")
    heard = script + (ROOT / "tests/checkpoints.py").read_text("utf-8")
    assert set(re.findall(r"versions: (\w+)", text)) <= set(re.findall(r"^(\w+)\)$", script, re.MULTILINE))
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        for name, value in step.get("env", {}).items():
            value = ".*" if "${{" in str(value) else value
            assert re.search(rf"\b{name}\b.{{,10}}{value}", heard), f"nothing reads {name}={value}"
        files = re.findall(r"-r (\S+)", step.get("run", ""))
        for program in {"sphinx-build", "pytest"} & set(step.get("run", "").split()):
            assert brings(installed_by(files), program), f"nothing installed there brings {program}"


TRIGGERS = {"pages": "push pull_request", "real-model": "push pull_request workflow_dispatch"}
TRIGGERS |= {"test": "push pull_request", "weekly": "schedule workflow_dispatch"}


def test_every_job_takes_what_is_checked_out_ends_in_time_and_uses_one_version_of_each_action():
    paths = sorted(ROOT.glob(".github/workflows/*.yml"))
    flows = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in paths}
    assert {name: " ".join(flow[True]) for name, flow in flows.items()} == TRIGGERS  # to yaml, `on` is true
    jobs = {f"{name} {job}": of for name, flow in flows.items() for job, of in flow["jobs"].items()}
    publish = jobs.pop("pages publish")
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert "refs/heads/main" in publish["if"]
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert len({one.partition("@")[0] for one in used}) == len(set(used))
    assert used.count("actions/upload-pages-artifact@v4") == 1
    assert publish["steps"] == [{"uses": "actions/deploy-pages@v4"}]
    for name, job in jobs.items():
        checkout, python, *rest = job["steps"]
        assert 10 <= job["timeout-minutes"] <= 45 and job["runs-on"], name
        assert "checkout" in checkout["uses"] and checkout["with"] == {"persist-credentials": False}, name
        assert "setup-python" in python["uses"] and python["with"]["python-version"], name
        matrix = job.get("strategy", {}).get("matrix", {})
        asked = re.findall(r"matrix\.(\w+)", str(job))
        assert set(asked) <= {*matrix, *(key for one in matrix.get("include", []) for key in one)}, name
        assert any(".ci/run" in step.get("run", "") or "uv pip" in step.get("run", "") for step in rest), name
    json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))


def test_pip_brings_what_the_helpers_import():
    """Wherever the project alone is installed, as on Colab: its own dependencies, and theirs."""
    found, imported = needed(SETTINGS["project"]["dependencies"]), set()
    for path in ROOT.glob("helpers/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.partition(".")[0] for name in names}
    distributions = metadata.packages_distributions()
    for module in imported - {*sys.stdlib_module_names, "helpers"}:
        assert found & set(map(canonicalize_name, distributions.get(module, ()))), module


@pytest.mark.skipif("VERSIONS" in os.environ, reason="takes other versions on purpose")
def test_what_is_installed_here_is_what_is_pinned():
    for file in ("requirements.txt", "tests/requirements.txt", "docs/requirements.txt"):
        for name, version in pinned(lines_of(file)).items():
            with contextlib.suppress(metadata.PackageNotFoundError):  # docs' are for those who build it
                assert metadata.version(name).partition("+")[0] == version, name
    packages = json.loads((ROOT / "docs/package.json").read_text("utf-8"))["devDependencies"]
    for name, wanted in packages.items():
        there = ROOT / "docs/node_modules" / name / "package.json"
        if there.exists():
            found = json.loads(there.read_text("utf-8"))["version"]
            assert found.split(".")[0] == wanted.strip("^").split(".")[0], name


# What is lost without a word when it no longer stands there: nothing that runs here would miss it.
NEEDED = {
    ".devcontainer/devcontainer.json": ["devcontainers/python:3.", "ms-toolsai.jupyter", "uv pip install --system --torch-backend=cpu -r requirements.txt", '"notebooks/00_start_here.ipynb"'],
    ".github/workflows/pages.yml": ["path: docs/_build/html\n", "branches: [main]", "needs: build"],
    ".github/workflows/real-model.yml": ["tests/test_published.py tests/test_any_bert.py\n", models.REVISION],
    ".github/workflows/test.yml": ["[ubuntu-latest, ubuntu-24.04-arm, macos-latest, windows-latest]"],
    ".github/workflows/weekly.yml": ["bash .ci/run -m '' ", "cron: ", "tests/processors.py", "versions: NEWEST", "versions: LOWEST"],
    ".gitignore": [f"/{copies.FOLDER}/\n", "/slides/\n", "/handouts/\n", "docs/_build/\n", ".venv/", "__pycache__/", "*.egg-info/", "node_modules"],
    "CITATION.cff": [f"version: {SETTINGS['project']['version']}\n", "cff-version: ", "message: ", "license: MIT\n"],
    "environment.yml": ["  - conda-forge\n", "  - nodefaults\n"],
    "pyproject.toml": ['  "--allow-hosts=127.0.0.1,::1,localhost",\n', '  "error:::(helpers|', '"-m=not weekly"'],
    "docs/conf.py": ['"https://colab.research.google.com"', '"https://mybinder.org"'],
    "docs/course_site.py": ["https://kaggle.com/kernels/welcome?src="],
    "docs/address.py": [
        '"https://colab.research.google.com/github/{0}/',
        '"https://mybinder.org/v2/gh/{0}/main?urlpath=lab/tree/notebooks/00_start_here.ipynb"',
        '"https://kaggle.com/kernels/welcome?src=https://github.com/{0}/',
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_says_what_nobody_here_would_miss(name):
    text = (ROOT / name).read_text("utf-8")
    assert [said for said in NEEDED[name] if said not in text] == []


def test_every_text_is_read_and_written_as_utf_8_whatever_a_system_takes_else():
    for path in [*ROOT.glob("helpers/**/*.py"), *ROOT.glob("docs/*.py")]:
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        for call in calls:
            called, *given = (ast.unparse(of) for of in (call.func, *call.args, *call.keywords))
            if re.search(r"(?<!Image\.)\b(read_text|write_text|open)$", called):
                assert re.search("utf-8|'[rwa]b'", " ".join(given)), f"{path.name}: {ast.unparse(call)}"


def test_what_ci_run_listens_to_a_workflow_says():
    said = "".join(path.read_text("utf-8") for path in ROOT.glob(".github/workflows/*.yml"))
    heard = set(re.findall(r"\$\{(\w+):-", (ROOT / ".ci/run").read_text("utf-8")))
    assert "BERT_REAL" in heard and heard <= set(re.findall(r"^ +([A-Z_]+): ", said, re.MULTILINE))


def test_every_file_asks_for_the_same_lowest_python_and_each_line_has_its_twin_for_windows():
    lowest = SETTINGS["project"]["requires-python"].removeprefix(">=")
    said = {
        "README.md": r"Python (3\.\d+) or later",
        "environment.yml": r"python=(3\.\d+)",
        ".ci/run": r"Python (3\.\d+) or later",
        ".github/workflows/test.yml": r'python: \["(3\.\d+)"',
        ".github/workflows/weekly.yml": r'"(3\.\d+)", versions: LOWEST',
    }
    for name, pattern in said.items():
        assert set(re.findall(pattern, (ROOT / name).read_text("utf-8"))) == {lowest}, name
    for path in (ROOT / ".devcontainer/devcontainer.json", *ROOT.glob(".github/workflows/*.yml")):
        named = re.findall(r"python\S*?:? ?\[?\"?3\.(\d+)", path.read_text("utf-8"))
        assert all(int(minor) >= int(lowest.partition(".")[2]) for minor in named), path.name
    assert SETTINGS["tool"]["ruff"]["target-version"] == f"py{lowest.replace('.', '')}"
    assert f"sys.version_info < ({lowest.replace('.', ', ')})" in (ROOT / ".ci/run").read_text("utf-8")
    for page in PAGES:
        fences = r"```sh\n(.*?)```\n```powershell\n(.*?)```"
        for sh, shell in re.findall(fences, page.read_text("utf-8"), re.DOTALL):
            twins = [re.findall(r"-r \S+|[\w-]+\.py|nbconvert|pytest|-m \w+", text) for text in (sh, shell)]
            assert twins[0] == twins[1], page.name


# Stands in for every program that .ci/run calls: says what it was asked, with the files it is to read, and fails where that
# begins with $BROKEN.
PROGRAM = """#!/usr/bin/env bash
said="${0##*/} $*"
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" && cp "${0%/*}"/* "$3/bin"; fi
echo "$said"
while [ $# -gt 0 ]; do if [ "$1" = -r ]; then sed 's/^/  /' "$2"; fi; shift; done
[[ $said != "$BROKEN"* ]]
"""
STEPS = ["python -m venv", "python -m pip", "python docs/explorer_data.py", "pytest"]
STEPS += ["ruff check", "ruff format", "sphinx-build"]
NO_SCRIPTS = pytest.mark.skipif(os.name == "nt", reason="stands scripts in, which Windows does not run")


def ci_run(folder, *arguments, unshare="exit 1", broken="no step", **env):
    for name in {"chromium", "uv", "ip", "unshare", *(step.split()[0] for step in STEPS)}:
        (folder / name).write_text(f"#!/usr/bin/env bash\n{unshare}" if name == "unshare" else PROGRAM)
        (folder / name).chmod(0o755)
    env = {"UV_TORCH_BACKEND": "", "VERSIONS": "", "PYTHON": "python", "BROKEN": broken, **env}
    env["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", ROOT / ".ci/run", *arguments]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)


@NO_SCRIPTS
@pytest.mark.parametrize("broken", [*STEPS, "no step"])
def test_ci_run_takes_every_step_and_ends_at_one_that_fails(tmp_path, broken):
    found = ci_run(tmp_path, broken=broken)
    taken = [step for step in STEPS if re.search(f"^{step}\\b", found.stdout, re.MULTILINE)]
    assert taken == STEPS[: STEPS.index(broken) + 1 if broken in STEPS else None], found.stdout + found.stderr
    assert (found.returncode == 0) == (broken not in STEPS)


@NO_SCRIPTS
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the tests get no network of their own")
def test_ci_run_hands_its_arguments_on_where_the_outside_is_unreachable(tmp_path):
    lines = ci_run(
        tmp_path, "-m", "weekly or not", unshare='shift; echo alone; exec "$@"', BERT_REAL=""
    ).stdout.splitlines()
    for step in (
        "python -",
        "pytest -m weekly or not",
        "sphinx-build -W -q -b html -c docs . docs/_build/html",
    ):
        assert lines[lines.index(step) - 2 :][:2] == ["alone", "ip link set lo up"], lines


@NO_SCRIPTS
def test_ci_run_takes_the_versions_that_it_is_asked_for(tmp_path):
    asked = {
        versions: set(
            re.findall(
                r"^  ([\w-]+(?:\[\w+\])?(?:==[\w.]+)?)$",
                ci_run(tmp_path, VERSIONS=versions).stdout,
                re.MULTILINE,
            )
        )
        for versions in ("", "LOWEST", "NEWEST")
    }
    lowest = {line.replace(">=", "==") for line in SETTINGS["project"]["dependencies"] if ">=" in line}
    named = {line.partition("==")[0] for line in lowest}
    assert lowest <= asked["LOWEST"] and not lowest <= asked[""]
    assert {line for line in asked["LOWEST"] if line.partition("==")[0] in named} == lowest
    assert named <= asked["NEWEST"] and not [line for line in asked["NEWEST"] if "==" in line]
    installed = ci_run(tmp_path, UV_TORCH_BACKEND="cpu").stdout
    assert re.search(
        r"^uv pip install --python \S+ -r requirements.txt -r tests/requirements.txt$",
        installed,
        re.MULTILINE,
    )
