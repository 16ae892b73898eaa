"""What the explorer on the web page needs.

`python docs/explorer_data.py` asks npm for the packages of docs/package.json that are not there yet: what the page needs, and
what the tests and an offline set of slides do. Everything else is on this machine; conf.py has it written.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent
LIBRARY = DOCS / "node_modules" / "@huggingface" / "tokenizers" / "dist" / "tokenizers.min.mjs"
AXE = DOCS / "node_modules" / "axe-core" / "axe.min.js"


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
    sys.path.insert(0, str(DOCS.parent))
    from safetensors.torch import save_file

    from helpers import load_bert

    bert = load_bert("bundled")
    out.mkdir(parents=True, exist_ok=True)
    for program in (DOCS.parent / "helpers" / "explorer.js", DOCS / "explorer_page.js"):
        shutil.copy(program, out)
    if LIBRARY.exists():
        shutil.copy(LIBRARY, out)
    settings = json.loads(bert.tokenizer.backend_tokenizer.to_str())
    vocabulary = settings["model"]["vocab"]
    settings["model"]["vocab"] = sorted(vocabulary, key=vocabulary.get)  # a list: the ids are its places
    text = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8", newline="\n")
    tensors = {
        f"embeddings.{name}": tensor.contiguous()
        for name, tensor in bert.model.embeddings.state_dict().items()
        if name.endswith(("weight", "bias"))
    }
    eps = str(bert.model.config.layer_norm_eps)
    save_file(tensors, out / "embeddings.safetensors", metadata={"eps": eps})
    for path in out.iterdir():
        path.chmod(0o644)  # a web server may read them as somebody else
    return out


if __name__ == "__main__":
    if not install():
        print("npm's packages are not all there: the page will show a still picture, and some tests skip.")
