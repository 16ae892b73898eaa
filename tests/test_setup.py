"""The files that set the course up say the same thing, and the workflows run what the README says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings it under its older name
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}  # where conda-forge's name is another
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OLDEST, NEWEST = "3.10", "3.14"  # Python
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in ROOT.glob(".github/workflows/*.yml")
}


def pinned(lines, **environment):
    """{name: version} of requirement lines, every one of which pins an exact version; comments are left out."""
    found = {}
    for line in lines:
        if not line.startswith(("#", "-e ")):
            requirement = Requirement(line)
            assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"not an exact version: {line}"
            if requirement.marker is None or requirement.marker.evaluate(environment):
                found[canonicalize_name(requirement.name)] = str(requirement.specifier)[2:]
    return found


def requirements(python):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "-e ."
    return pinned(lines, python_version=python, python_full_version=f"{python}.0")


def test_environment_yml_says_what_requirements_txt_says():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    python, pip, *conda, last = environment["dependencies"]
    assert pip == "pip" and last["pip"][-1] == "-e ."
    version = re.fullmatch(r"python=(3\.\d+)", python)[1]  # the form that repo2docker reads
    expected = {CONDA_NAMES.get(name, name): pin for name, pin in requirements(version).items()}
    assert {**pinned(line.replace("=", "==") for line in conda), **pinned(last["pip"])} == expected


@pytest.mark.parametrize("python", [OLDEST, NEWEST])
def test_requirements_txt_serves_what_the_package_asks_for(python):
    pins = requirements(python)
    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), line


def test_the_test_command_compares_every_output_with_the_stored_one(pytestconfig):
    option = pytestconfig.option
    assert option.nbval and option.nbval_current_env and not option.nbval_lax
    assert pytestconfig.getini("testpaths") == ["notebooks", "tests"]
    left_out = Path(option.nbval_sanitize_with).read_text(encoding="utf-8")
    assert re.findall(r"^regex: (.*)$", left_out, re.MULTILINE) == ["data:image/png;base64,[A-Za-z0-9+/=]+"]


def test_workflows_may_read_and_nothing_more():
    assert set(WORKFLOWS) == {"newest", "real-model", "test"}
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name
        assert workflow["concurrency"]["group"], name
        for job in workflow["jobs"].values():
            assert "permissions" not in job and 0 < job["timeout-minutes"] <= 60, name
            for step in job["steps"]:
                assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step
                assert "checkout" not in step.get("uses", "") or step["with"] == {
                    "persist-credentials": False
                }


def test_every_job_does_the_set_up_and_test_of_ci_run_with_the_cpu_build_of_torch():
    for workflow in WORKFLOWS.values():
        for job in workflow["jobs"].values():
            (run,) = [step for step in job["steps"] if "run" in step]
            assert run["run"].startswith("bash .ci/run")
            assert run["env"]["UV_TORCH_BACKEND"] == "cpu"
            for file in run["run"].split()[2:]:
                assert (ROOT / file).exists(), file


def test_three_systems_oldest_and_newest_python():
    matrix = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]
    assert PROJECT["requires-python"] == f">={OLDEST}"
    assert matrix["python"] == [OLDEST, NEWEST]
    systems = ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["os"] == WORKFLOWS["newest"]["jobs"]["newest"]["strategy"]["matrix"]["os"] == systems
    when = WORKFLOWS["test"][True]  # YAML reads the key `on` as true
    assert set(when) == {"push", "pull_request"}


def test_newest_releases_weekly_and_the_real_model_once_on_main():
    assert re.fullmatch(r"\d+ \d+ \* \* \d", WORKFLOWS["newest"][True]["schedule"][0]["cron"])
    assert WORKFLOWS["newest"]["jobs"]["newest"]["steps"][-1]["env"]["NEWEST"] == 1
    assert WORKFLOWS["real-model"]["jobs"]["real"]["steps"][-1]["env"]["BERT_REAL"] == 1
    assert WORKFLOWS["real-model"][True]["push"] == {"branches": ["main"]}


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_finds_nothing(command):
    found = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
