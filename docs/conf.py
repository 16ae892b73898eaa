"""The site: the stored notebooks, not run and not copied, and the pages of this folder.

sphinx-build -W -b html -c docs . docs/_build/html
"""

import atexit
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))

import explorer_data

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT.get("urls", {}).get("Repository", "")  # none: no launch buttons

project = "BERT's embedding layer, by hand"
author = "the authors of the course"
version = PROJECT["version"]
# Where the site stands, which an address inside a description has to say in full; on GitHub Pages it follows from the repository.
OWNER, NAME = REPOSITORY.split("/")[-2:] if REPOSITORY else ("", "")
html_baseurl = f"https://{OWNER.lower()}.github.io/{NAME}/" if REPOSITORY else ""
extensions = ["myst_nb", "course_site"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "notebooks/*.ipynb"]
exclude_patterns = ["docs/_build", "**.ipynb_checkpoints", "docs/node_modules"]

nb_execution_mode = "off"  # what is stored is what a test compares with a fresh run
nb_merge_streams = True
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_heading_slug_func = "course_site.slug"
suppress_warnings = [
    "myst.xref_missing"
]  # of <a id> in raw HTML, which Sphinx does not see: a test follows them

html_title = project
html_theme = "sphinx_book_theme"
explorer = tempfile.mkdtemp()
atexit.register(shutil.rmtree, explorer, ignore_errors=True)
explorer_data.write(Path(explorer, "explorer"))
html_static_path = ["_static", explorer]
html_css_files = ["course.css"]
html_js_files = [("site.js", {"type": "module"})]
html_favicon = "_static/icon.svg"
html_search_scorer = str(ROOT / "docs" / "search.js")
html_use_index = False
html_copy_source = False
html_show_copyright = False
at_repository = {
    "repository_url": REPOSITORY,
    "repository_branch": "main",
    "path_to_docs": "",
    "use_repository_button": True,
    "use_issues_button": True,
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
}
html_theme_options = {
    **(at_repository if REPOSITORY else {}),
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
