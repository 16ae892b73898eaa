"""An address, a version and a revision are each the same wherever they stand, and lead to what the words beside them say."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

from test_setup import lines_of, pinned

from helpers import models

ROOT = Path(__file__).parents[1]
KINDS = ("*.md", "docs/*.md", "docs/*.py", "docs/*.js", "helpers/*.py", "helpers/*.js", ".github/workflows/*")
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
PAPERS = dict(  # arXiv's numbers, each with words that a link to it has
    line.split(" ", 1)
    for line in """\
1207.0580 co-adaptation
1412.6980 Kingma and Ba
1606.07736 word analogies
1607.06450 Layer Normalization
1608.05859 Press and Wolf
1609.08144 Google's translation system
1706.03762 Vaswani|Attention Is All|paper
1711.05101 Loshchilov
1806.08805 random walks|Antognini
1810.04805 BERT|Devlin
1907.11692 Liu|RoBERTa
1907.12009 Representation Degeneration|Gao
1908.10084 Reimers|Sentence-BERT
1909.00512 How Contextual
1909.11942 ALBERT|Lan
1910.01108 DistilBERT|Sanh
1910.07467 Root Mean Square
1910.10683 T5
1911.02116 XLM-R
1911.07013 Understanding and Improving
2002.04745 Xiong|where it stands
2002.10957 MiniLM|Wang
2005.04118 CheckList
2006.03654 DeBERTa
2011.04393 Luo
2104.08691 Power of Scale
2104.09864 RoFormer|Su
2105.06990 Kovaleva|BERT Busters
2108.12409 Press|ALiBi
2203.16634 Haviv|without positional
2205.11380 Puccetti
2302.13971 Llama
2403.08295 Gemma
2405.14860 Not All Language Model
2412.13663 ModernBERT|Warner""".splitlines()
)


def texts():
    """(name, text) of all that is read or run, of a notebook its cells'."""
    for path in [*NOTEBOOKS, *sorted(path for kind in KINDS for path in ROOT.glob(kind))]:
        text = path.read_text(encoding="utf-8")
        cells = json.loads(text)["cells"] if path in NOTEBOOKS else None
        yield path.name, text if cells is None else "\n".join("".join(cell["source"]) for cell in cells)


TEXTS = dict(texts())


def found(pattern):
    """(name, match) of every place where the pattern stands."""
    return [(name, match) for name, text in TEXTS.items() for match in re.finditer(pattern, text)]


def test_a_link_that_begins_with_a_number_leads_to_that_notebook():
    links = found(r"\[`?(\d\d)\b[^\]]*\]\(((?:\.\./|/)?(?:notebooks/)?(\w+)\.ipynb[^)]*)\)")
    assert len(links) > 60
    assert not [(name, link[0]) for name, link in links if not link[3].startswith(link[1] + "_")]


def test_a_paper_is_the_one_that_is_named():
    links = found(r"\[([^\]]*)\]\(https://arxiv\.org/abs/([^)]*)\)")
    assert len(links) == len(found(r"arxiv\.org"))
    assert not [(name, said[0]) for name, said in links if not re.search(PAPERS.get(said[2], "$^"), said[1])]


def test_an_address_of_a_notebook_leads_to_it():
    """As Colab and Kaggle are told it (blob/main), and as JupyterLab, Binder and nbgitpuller are (lab/tree)."""
    stands_for = {
        "{pagename}": "notebooks/00_start_here",
        "bert-embedding-layer/": "",
        "my_course": "notebooks",
        "slides/stage": "notebooks",
    }
    places = found(r"([^\s/%]+)(?:/|%2F)(blob|tree)(?:/|%2F)([\w/%{}.-]+)")
    assert len(places) >= 6
    for name, place in places:
        before, kind, path = place[1], place[2], unquote(place[3])
        branch, _, in_it = path.partition("/")
        assert branch == "main" if kind == "blob" else before.endswith("lab"), (name, place[0])
        path = in_it if kind == "blob" else path
        for said, meant in stands_for.items():
            path = path.replace(said, meant)
        assert path.endswith(".ipynb") and (ROOT / path).is_file(), (name, place[0])


def test_there_is_one_revision_of_the_real_model_one_branch_and_one_version_of_everything():
    assert {commit[0] for _, commit in found(r"\b[0-9a-f]{40}\b")} == {models.REVISION}
    branches = found(r"(?:refs/heads/|_branch\W+|branches: \[|/blob/)(\w+)")
    assert {branch[1] for _, branch in branches} == {"main"} and len(branches) >= 6
    pins = {}
    for name in ("requirements.txt", "tests/requirements.txt", "docs/requirements.txt"):
        pins |= pinned(lines_of(name))
    for name, said in found(r"\b([a-z][\w-]+)==(\d[\w.]*\w)"):
        assert pins.get(said[1]) == said[2], (name, said[0])


def test_a_text_is_read_and_written_in_one_encoding_on_every_system():
    assert not found(r"(?:read|write)_text\((?!.*utf-?8).*")
