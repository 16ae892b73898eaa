"""Write the repository's address, one line of pyproject.toml, into the files that cannot read it there.

.venv/bin/python docs/address.py
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROWSERS = {
    "Colab": "https://colab.research.google.com/github/{0}/blob/main/notebooks/00_start_here.ipynb",
    "Binder": "https://mybinder.org/v2/gh/{0}/main?urlpath=lab/tree/notebooks/00_start_here.ipynb",
    "Kaggle": "https://kaggle.com/kernels/welcome?src=https://github.com/{0}/blob/main/notebooks/00_start_here.ipynb",
}
LATER = """Links that open the course in a browser (Colab, Binder, Kaggle), with nothing to install, will stand here once this
repository has an address: write it into `pyproject.toml`, then run `.venv/bin/python docs/address.py`.
"""


def texts(root=ROOT):
    """{file: what it says with the address that pyproject.toml has, or with none}."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    url = project.get("urls", {}).get("Repository", "").rstrip("/")
    place = url.removeprefix("https://github.com/")
    rows = "".join(f"| {name} | <{link.format(place)}> |\n" for name, link in BROWSERS.items())
    table = f"Nothing to install, in a browser:\n\n| open 00 in | |\n|---|---|\n{rows}" if url else LATER
    install = f"%pip install -q git+{url}`" if url else "%pip install -q ..`"
    citation = f"repository-code: {url}\n" if url else ""
    changes = {
        "README.md": (r"(<!-- address -->\n\n).*?(\n<!-- /address -->)", rf"\g<1>{table}\g<2>"),
        "CITATION.cff": (r"(license: .*?\n)(repository-code: .*?\n)?", rf"\g<1>{citation}"),
    }
    for path in sorted(root.glob("notebooks/*.ipynb")):
        changes[f"notebooks/{path.name}"] = (r"%pip install -q [^`]+`", install)
    found = {}
    for name, (old, new) in changes.items():
        found[name], count = re.subn(old, new, (root / name).read_text("utf-8"), flags=re.DOTALL)
        assert count == 1, f"{name}: the place of the address is not in it once"
    return found


if __name__ == "__main__":
    for name, text in texts().items():
        (ROOT / name).write_text(text, encoding="utf-8")
