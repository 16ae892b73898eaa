"""Every command of the README and the docs can be pasted after the Run line: what it calls and names is there."""

import re
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = {"jupyter", "nbconvert", "pip", "python", "pytest", "ruff", "sphinx-build"}  # in the environment
SYSTEM = "bash|cp|Copy-Item|New-Item|mkdir|git|npm|perl|python3?|repo2docker|uv|xargs"
NAMED = r"^(docs|tests|notebooks|helpers|\.ci)/|^[\w-]+\.(py|md|txt|yml)$"
MADE = {".venv", "slides", "handouts", "paper", "stage", "docs/_build/html"}  # by the commands themselves


requires, distribution = cache(metadata.requires), cache(metadata.distribution)


def commands_of(page):
    """The commands of a page: each part, between && and ;, of the lines of its fences and of inline code."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```(?:sh|powershell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest)]
    lines = [line for fence in fences for line in fence.splitlines()]
    for code in inline:
        words = re.sub(r"^(\w+=\S+ )+", "", code).split()
        if len(words) > 1 and re.sub(r"^\.venv[/\\](bin|Scripts)[/\\]", "", words[0]) in OURS:
            lines.append(code)
    for line in filter(lambda line: line.strip() and not line.startswith("#"), lines):
        line = re.sub(r"if \(\$\?\) \{ (.*?) \}", r"\1", line)
        for part in re.split(r" && |; | \| ", line):
            yield re.sub(r"^(\w+=\S+ )+", "", part).split()


def installed_by(names):
    """All that pip installs for these requirement files: names of distributions, lower case."""
    left = []
    for name in names:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("-r "):
                names.append((Path(name).parent / line[3:]).as_posix())
            elif line[:1].isalpha():
                left.append(line)
    return needed(left)


def needed(requirements):
    """All that pip installs for these lines."""
    found, left = set(), [*requirements]
    while left:
        name = re.match(r"[\w.-]+", left.pop())[0].lower().replace("_", "-")
        if name not in found:
            found.add(name)
            try:
                left += [r for r in requires(name) or [] if "extra ==" not in r]
            except ModuleNotFoundError:  # for another system
                continue
    return found


@cache
def programs(name):
    """What a distribution puts into an environment to be called by name."""
    try:
        found = distribution(name)
    except ModuleNotFoundError:
        return set()
    files = {Path(str(file)).stem for file in found.files or [] if "bin" in file.parts}
    return files | {point.name for point in found.entry_points if point.group == "console_scripts"}


def brings(names, program):
    """Whether one of the distributions `names` puts `program` into an environment."""
    return any(program in programs(name) for name in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_there_when_it_is_pasted(page):
    run = installed_by(["requirements.txt"])
    here, wrong = set(run), []
    for words in commands_of(page):
        program, said = words[0].replace("\\", "/"), " ".join(words)
        named = [w.replace("\\", "/") for w in words[1:]]
        if "install" in named:
            here |= installed_by([w for w in named if w.endswith("requirements.txt")])
        own = re.fullmatch(r"\.venv/(?:bin|Scripts)/(\S+)", program)
        if own and own[1] not in {"python", "pip"} and not brings(here, own[1]):
            wrong.append(f"{said}: nothing installed on this page brings {own[1]}")
        if not own and (not re.fullmatch(SYSTEM, program) or (program == "python" and "venv" not in named)):
            wrong.append(f"{said}: {program} is not found in a terminal; write .venv/bin/{program}")
        for name in named:
            name = re.sub("^.*=|/(lab/tree|rise)/", "", name.strip("\"'"))
            if re.fullmatch(r"[\w.*/-]+", name) and re.search(NAMED, name):
                made = any(name == m or name.startswith(f"{m}/") for m in MADE)
                if not made and not list(ROOT.glob(name.rstrip("/"))):
                    wrong.append(f"{said}: there is no {name}")
    assert not wrong, "\n" + "\n".join(wrong)
