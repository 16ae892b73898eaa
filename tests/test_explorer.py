"""The explorer in a web page, in a real browser: its numbers are torch's, and a person can use it."""

import html
import json
import math
import random
import re
import sys
from pathlib import Path
from unicodedata import ucd_3_2_0
from urllib.parse import urlencode

import browser
import numpy as np
import pytest
import torch
from checkpoints import random_bert
from matplotlib.colors import to_rgb
from safetensors.torch import save_file
from test_moving import KEYS_HEARD

from helpers import explore, load_bert
from helpers.explorer import STAGES, numbers
from helpers.models import Bert
from helpers.picture import COLOURS, PARTS

sys.path.append(str(Path(__file__).parents[1] / "docs"))
import explorer_data

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The explorer</title>
<meta name="viewport" content="width=device-width"><style>
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }</style>
<main><h1>The explorer</h1><div id="explorer"><p>still</p></div></main><script type="module">
import {page} from "./explorer_page.js";
const asked = Object.fromEntries(new URLSearchParams(location.search));
page(document.querySelector("#explorer"), asked);
</script></html>"""
TEXT = (
    "today is a good day the bank unaffable embeddings ΟΔΟΣ Straße İstanbul naïve 東京 日本語 مرحبا "
    "🙂 𠀀𠀁 don't e-mail $5 [MASK] [SEP] [mask] [UNK] a\u0301 \u202e \u200d \x00 \x85 \u2028 x_1 <b> ﬁ ½ K ẞ"
)


def texts(count):
    """Pairs of texts: words, characters of all scripts, nothing, the over-long."""
    say, words = random.Random(0), TEXT.split(" ")
    # What has come into Unicode since 2002, browsers and tokenizers may take for a letter or for something else.
    kinds = {chr(c): ucd_3_2_0.category(chr(c)) for c in range(32, 0x30000)}
    known = [c for c, kind in kinds.items() if kind not in ("Cn", "Cs", "Co") and c not in "\u166d\u1734"]

    def text():
        kind = say.random()
        if kind < 0.4:
            return say.choice(["", " "]).join(say.choices(words, k=say.randrange(20)))
        if kind < 0.95:
            return "".join(say.choices(known[:95] * 600 + known, k=say.randrange(80)))
        return " ".join(say.choices([*words, "x" * 101], k=say.randrange(200, 700)))

    return [(text(), text() if say.random() < 0.4 else "") for _ in range(count)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a page and all that it needs."""
    out = explorer_data.write(tmp_path_factory.mktemp("site"))
    (out / "index.html").write_text(PAGE, encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def tab():
    with browser.page() as page:
        page.set_default_timeout(20_000)
        page.said = []
        page.on("pageerror", lambda error: page.said.append(error))
        yield page


@pytest.fixture(scope="module")
def address(site):
    """Where it is served, to every test that counts no bytes."""
    with browser.serve(site) as (address, _):
        yield address


@pytest.fixture
def page(site, tab):
    """The page, drawn, in a light window of 1280 × 720. No test leaves an error in it."""
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.emulate_media(color_scheme="light")
    with browser.serve(site) as (tab.address, tab.sent):
        tab.goto(tab.address)
        tab.locator(".line").first.wait_for()
        yield tab
    assert tab.said == []


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A file such as the hub's: its names, a header longer than one reading, 16 numbers a row."""
    shapes = {"word_embeddings.weight": (30522, 16), "token_type_embeddings.weight": (2, 16)}
    shapes |= {"position_embeddings.weight": (512, 16), "LayerNorm.gamma": 16, "LayerNorm.beta": 16}
    tensors = {f"bert.embeddings.{name}": torch.rand(shape) for name, shape in shapes.items()}
    tensors |= {f"bert.encoder.layer.{n}.LayerNorm.gamma": torch.ones(1) for n in range(1200)}
    folder = tmp_path_factory.mktemp("hub")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little") > 65536
    save_file({name: tensor.half() for name, tensor in tensors.items()}, folder / "half.safetensors")
    (folder / "page.html").write_text("<p>Sign in to this network")
    return folder


def tokens(page):
    return page.locator(".token").all_inner_texts()


def said(page, row):
    """What a screen reader says of a token."""
    return page.locator(".line .hidden").nth(row).inner_text()


COMPARE = """async () => {
  const {files, tokenizer} = await import("./explorer_page.js");
  const [asked, facts] = await (await fetch("expected.json")).json();
  const all = new Float32Array(await (await fetch("expected.bin")).arrayBuffer());
  const words = await tokenizer(new URL("./", location)), wrong = [];
  const source = files(new URL("embeddings.safetensors", location), () => words);
  let at = 0, bits = 0, apart = 0;
  for (const [n, [text, pair]] of asked.entries()) {
    const {stages, ...seen} = await source.numbers(text, pair), size = seen.ids.length * 384;
    const differs = Object.keys(facts[n]).filter((key) => JSON.stringify(seen[key]) !== JSON.stringify(facts[n][key]));
    if (differs.length) wrong.push([asked[n], differs]);
    for (let k = 0; k < size; k++) {
      bits += !Object.is(all[at + k], stages.sum[k]);
      apart = Math.max(apart, Math.abs(all[at + size + k] - stages.LayerNorm[k]));
    }
    at += 2 * size;
  }
  return {wrong, bits, apart, compared: at / 2};
}"""


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.weekly)])  # more of the same kinds
def test_ids_and_sums_are_torchs_to_the_bit_and_layer_norm_to_a_millionth(bert, site, page, count):
    pasted = ("x" * 100_000, ""), ("東京" * 50_000, ""), ("東" * 700, "a")  # no text, and whole books
    asked, facts = [*texts(count), *pasted], []
    with (site / "expected.bin").open("wb") as file:
        for text, pair in asked:
            known, stages = numbers(bert, text, pair)
            facts.append(known)
            inputs = bert.tokenizer(text, pair or None, truncation=True, return_tensors="pt")
            with torch.no_grad():
                layer = bert.model.embeddings(inputs["input_ids"], inputs["token_type_ids"])[0]
            torch.testing.assert_close(layer, stages["LayerNorm"], rtol=0, atol=0)
            file.write(np.stack([stages["sum"], layer]).tobytes())
    lengths = [len(known["ids"]) for known in facts]
    (site / "expected.json").write_text(json.dumps([asked, facts]), "utf-8")
    found = page.evaluate(COMPARE)
    assert max(lengths) == 512
    assert found["wrong"] == []
    assert (found["bits"], found["compared"]) == (0, sum(lengths) * 384)
    assert found["apart"] < 1e-6


def test_typing_changes_tokens(page):
    assert tokens(page) == ["[CLS]", "today", "is", "a", "good", "day", "[SEP]"]
    assert sum(page.sent) < 1_500_000
    page.get_by_label("Sentence").fill("unaffable 🙂")
    page.get_by_text("[UNK] stands for “🙂”").wait_for()
    assert tokens(page) == ["[CLS]", "una", "##ffa", "##ble", "[UNK] “🙂”", "[SEP]"]
    page.get_by_label("Second text").fill("the bank")
    page.locator(".line", has_text="bank").wait_for()
    assert page.locator(".segment").all_inner_texts() == ["0"] * 6 + ["1"] * 3


def test_a_token_is_followed_by_keys_and_read_where_the_mouse_is(page):
    detail, read, chosen = (page.locator(of) for of in (".detail", ".read", "[aria-selected=true] .hidden"))
    page.locator(".line", has_text="good").click()
    page.get_by_label("Sentence").focus()
    for key in ("Tab", "Tab", "Tab", "Tab", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)  # second text, model, link, tokens
    assert chosen.inner_text().startswith("“day” (id 2154) at place 5, segment 0; word")
    assert read.inner_text().startswith("Number 2 of “day”: word ")
    shown = [float(n.replace("−", "-")) for n in re.findall(r"−?\d\.\d{4}", read.inner_text())]
    assert len(shown) == 5 and abs(sum(shown[:3]) - shown[3]) < 2e-4
    page.locator(".line", has_text="today").hover(position={"x": 250, "y": 10})
    assert re.match(r"Number \d+ of “today”", read.inner_text())
    page.locator(".rows").press("Escape")
    assert detail.inner_text() == ""


def several(texts):
    return "; ".join(texts[:12]) + (f"; and {len(texts) - 12} more" if len(texts) > 12 else "")


def percent(share):
    return f"{math.floor(100 * share + 0.5)}%"


def percents(shares):
    return ", ".join(f"{part} {percent(of)}" for part, of in zip(PARTS, shares, strict=True))


def listed(facts):
    tokens = zip(facts["tokens"], facts["ids"], strict=True)
    return f"{len(facts['ids'])} tokens: {several([f'“{token}” ({number})' for token, number in tokens])}."


def cut_said(*texts):
    cut = max(facts["cut"] for facts in texts)
    said = f" The text is longer than this model's {cut} positions; it is cut after {cut} tokens."
    return said if cut else ""


def token_shown(facts, i):
    """A token as it is written, with the text behind [UNK]."""
    token = facts["tokens"][i]
    known = facts["unknown"].get(i, token)
    return token if known == token else f"{token} “{known}”"


def end_of(*parts):
    """Where the colours end: of 200 numbers, at most one lies beyond."""
    step = math.ceil(sum(part.size for part in parts) / 20000)  # of many, some are looked at
    sizes = np.concatenate([np.abs(part.ravel()[::step]) for part in parts])
    return np.quantile(sizes[~np.isnan(sizes)], 0.995, method="lower")


def scale(name, *parts):
    """What the legend says of it."""
    return f"{name} {-end_of(*parts):.2f}{end_of(*parts):.2f}"


def passing(bert, text, pair=""):
    """What the explorer says of one text or of a pair: caption, alt text, and of each token its line, all its numbers, the first
    of them and what is seen beside it; and the legend."""
    facts, stages = numbers(bert, text, pair)
    stages = {name: rows.double().numpy() for name, rows in stages.items()}
    length = {name: np.linalg.norm(rows, axis=1) for name, rows in stages.items()}
    squares = np.stack([length[part] ** 2 for part in PARTS], 1)
    shares = squares / squares.sum(1, keepdims=True)
    lines, details, reads, shown, words = [], [], [], [], facts["words"]
    for i, (token, *rows) in enumerate(zip(facts["tokens"], facts["ids"], facts["types"], strict=True)):
        rows.append(i)
        name = f"“{token}” (id {rows[0]}) at place {i}"
        where = f"segment {rows[1]}; {percents(shares[i])}"
        lines.append(f"{name}, {where}")
        details.append(f"{name}: {where}. All 384 numbers:")
        for part, row, share in zip(PARTS, rows, shares[i], strict=True):
            picked = f"row {row:,} of {facts['sizes'][part]:,}"
            details[-1] += f" {part}, {picked}, length {length[part][i]:.2f}, share {percent(share)}"
        details[-1] += "".join(f" {stage}, length {length[stage][i]:.2f}" for stage in ("sum", "LayerNorm"))
        read = "Number 0 of “{}”: word {:.4f} + segment {:.4f} + position {:.4f} = {:.4f}, after LayerNorm {:.4f}."
        reads.append(read.format(token, *(stages[stage][i, 0] for stage in STAGES)))
        goes_on = "goes-on" * (i > 0 and words[i] is not None and words[i] == words[i - 1])
        beside = (f"{part} {row}" for part, row in zip(PARTS, rows, strict=True))
        shown.append("|".join([goes_on, token_shown(facts, i), *beside]))
    mean, cut = shares.mean(0), cut_said(facts)
    most = f"The {PARTS[mean.argmax()]} part brings the largest share on average, {percent(mean.max())}"
    alt = (
        f"{listed(facts)} For each token the rows picked from the word, segment and position tables, their sum, and what "
        f"LayerNorm makes of it, as heat maps. Shares of the squared length, on average: {percents(mean)}.{cut}"
    )
    legend = scale("rows and sum", *(stages[part] for part in PARTS)) + scale(
        "after LayerNorm", stages["LayerNorm"]
    )
    legend = f"First 24 of 384 numbers.{legend}shareswordsegmentposition"
    return f"{len(lines)} tokens. {most}.{cut}", alt, lines, details, reads, shown, legend


def comparing(bert, *texts):
    """What it says of two texts that are compared."""
    both = [numbers(bert, text) for text in texts]
    (first, a), (second, b) = ((facts, stages["LayerNorm"].double().numpy()) for facts, stages in both)
    left, rows, nothing = list(second["tokens"]), [], np.full(384, np.nan)
    for i, token in enumerate(
        first["tokens"]
    ):  # rows: a token, what is said of it, what is seen of it, its two vectors
        seen = token_shown(first, i)
        if token not in left:
            rows.append((token, "only in the first", f"|{seen}|place {i}|cosine –", a[i], nothing))
            continue
        j = left.index(token)
        near = f"{a[i] @ b[j] / np.linalg.norm(a[i]) / np.linalg.norm(b[j]):.2f}"
        told, mark, equal = f"at place {i} in both, so the same vector", "", "="
        if i != j:
            told, mark, equal = (
                f"at place {i} and at {j}: the same word row, another position row, cosine {near}",
                "moved",
                "≠",
            )
        rows.append((token, told, f"{mark}|{seen}|place {i} → {j}|cosine {equal} {near}", a[i], b[j]))
        left[j] = None
    for j, token in enumerate(left):
        if token:
            rows.append(
                (token, "only in the second", f"|{token_shown(second, j)}|place {j}|cosine –", nothing, b[j])
            )
    details, reads, columns = [], [], []
    for token, told, _, one, two in rows:
        sides = {"first": one, "second": two, "difference": two - one}
        lengths = (
            f"{k}, length {np.linalg.norm(of):.2f}".replace("length nan", "not there")
            for k, of in sides.items()
        )
        firsts = (f"{k} {of[0]:.4f}".replace("nan", "none") for k, of in sides.items())
        details.append(f"“{token}”: {told}. All 384 numbers: {' '.join(lengths)}")
        reads.append(f"Number 0 of “{token}”: {', '.join(firsts)}.")
        columns.append([*sides.values()])
    moved = [f"“{token}” {told}" for token, told, *_ in rows if "another" in told]
    same, only = (
        [f"“{token}”" for token, told, *_ in rows if kind in told] for kind in ("so the same", "only in")
    )
    cut, which = (
        cut_said(first, second),
        several([text.partition("” at")[0] + "”" for text in moved]).replace("; ", ", "),
    )
    caption = f"≠ marks what differs: {which}. The word row is the same in both; the position row makes the difference."
    caption = caption if moved else "No token stands at one place in the first and at another in the second."
    alt = (
        f"The first: {listed(first)} The second: {listed(second)} For each token its vector after the layer in the first, "
        f"in the second, and their difference, as heat maps. Another vector: {several(moved) or 'none'}. "
        f"The same vector: {several(same) or 'none'}. In one text only: {several(only) or 'none'}.{cut}"
    )
    legend = f"First 24 of 384 numbers.{scale('after LayerNorm', *np.array(columns).transpose(1, 0, 2))}"
    lines, shown = [f"“{token}”, {told}" for token, told, *_ in rows], [seen for _, _, seen, *_ in rows]
    return caption + cut, alt, lines, details, reads, shown, legend


EVERYTHING = """async (step) => {
  const root = document.querySelector(".bert-explorer"), details = [];
  const all = (selector) => [...root.querySelectorAll(selector)].map((one) => one.textContent);
  const clean = (node) => [...node.children].flatMap((one) => one.className === "strip" ? one.firstChild.textContent : one.textContent);
  const reads = [];
  const lines = [...root.querySelectorAll(".line")];
  for (const line of lines.filter((_, at) => at % step === 0)) {
    line.click();
    details.push(clean(root.querySelector(".detail")).join(" "));
    reads.push(root.querySelector(".read").textContent);
  }
  const shown = lines.map((line) => [line.children[1].className.slice(6), ...[...line.children].slice(1).map((one, k) =>
    (k ? one.className.slice(2) + " " : "") + one.textContent)].join("|"));
  return [all("ul > li"), all(".in-words")[0], all("p.hidden")[0], all(".line .hidden"), details, reads, shown, all(".legend")[0]];
}"""


def alike(one, other):
    """Whether two texts say the same, the decimals in them within one of their last digit."""
    decimal = r"-?\d+\.\d+"
    one, other = one.replace("−", "-"), other.replace("−", "-")
    if re.sub(decimal, "#", one) != re.sub(decimal, "#", other):
        return False
    both = zip(re.findall(decimal, one), re.findall(decimal, other), strict=True)
    return all(abs(float(a) - float(b)) < 1.01 * 10 ** -len(a.split(".")[1]) for a, b in both)


MASK_PAD = [
    "[MASK] hides a word, which BERT learned to guess.",
    "[PAD] fills up the shorter texts of a batch.",
]
GOES_ON = ["## says: this piece goes on with the word before it."]
UNKNOWN = "[UNK] stands for {}: the vocabulary has no pieces for it. All unknown words share one row."
SEVEN = "“Привет👍🏽”; “👨\u200d👩\u200d👧”; “A\u0301🙂”; “éééé🙂”; “2🙂”; “3🙂”; and 1 more"


@pytest.mark.parametrize(
    ("text", "other", "use", "notes"),  # notes beside those on [CLS] and [SEP]
    [
        ("today is a good day", "", "pair", []),
        ("", "", "pair", []),
        (
            "Привет👍🏽 Unaffable 👨\u200d👩\u200d👧 A\u0301🙂",
            "éééé🙂 2🙂 3🙂 4🙂 [UNK] [MASK] [PAD]",
            "pair",
            [*MASK_PAD, UNKNOWN.format(SEVEN), *GOES_ON],
        ),
        pytest.param("good day " * 300, "", "pair", [], marks=pytest.mark.weekly),  # one more that is cut
        ("good day " * 300, "one " * 255, "pair", []),
        ("dog bites man", "man bites dog", "compare", []),
        ("The bank of the river ÉÉ🙂", "money in the bank", "compare", [UNKNOWN.format("“ÉÉ🙂”")]),
        ("day " * 40 + "and night", "night " * 600, "compare", []),
        ("<img src=x onerror=alert(1)><b>b</b> </style>", "__proto__ constructor", "compare", GOES_ON),
    ],
)
def test_every_sentence_it_says_is_what_python_computes(bert, address, tab, text, other, use, notes):
    wanted = comparing(bert, text, other) if use == "compare" else passing(bert, text, other)
    tab.goto(f"{address}?{urlencode({'sentence': text, 'other': other, 'use': use})}")
    tab.locator("p.hidden", has_text="heat maps").wait_for(state="attached")
    step = 1 + len(wanted[2]) // 100  # of a hundred lines and more, some are clicked
    notes = ["[CLS] opens every text.", "[SEP] ends each text.", *notes]
    wanted = notes, *wanted[:3], *(each[::step] for each in wanted[3:5]), *wanted[5:]
    for found, right in zip(tab.evaluate(EVERYTHING, step), wanted, strict=True):
        found, right = ([one] if isinstance(one, str) else one for one in (found, right))
        assert len(found) == len(right)
        for one, two in zip(found, right, strict=True):
            assert alike(one, two), f"{one}\n{two}"
    assert tab.locator("#explorer :is(img, b:not(.head b, .detail b))").count() == 0
    assert tab.locator("#explorer style").count() == 1  # what is typed is never markup
    assert tab.said == []


LOOK = """() => {
  const all = (selector, more = () => ({}), within = document) => [...within.querySelectorAll(selector)].map((node) => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return { left, right, top, bottom, text: node.textContent, ...more(node) };
  });
  const pixels = (canvas) => ({ high: canvas.height, wide: canvas.width,
    pixels: [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data] });
  const text = (node) => { const range = new Range(); range.selectNodeContents(node); return range.getBoundingClientRect(); };
  const cells = (line) => ({ cells: all(".n", (n) => ({ kind: n.className.slice(2), ...text(n).toJSON() }), line) });
  return { heads: all(".head"), maps: all(".grid canvas", pixels), strips: all(".strip canvas", pixels), marks: all(".mark"),
    scales: all(".legend canvas", pixels), lines: all(".line", cells) };
}"""


# The page draws again in the frame after another width, and 50 ms after another scheme.
DRAWN_AGAIN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"


def inside(one, other):
    """Whether a box lies in another, to a pixel."""
    begins = all(one[end] >= other[end] - 1 for end in ("left", "top"))
    return begins and all(one[end] <= other[end] + 1 for end in ("right", "bottom"))


@pytest.mark.parametrize(
    ("text", "other", "use"),
    [("today is a good day", "", "pair"), ("dog bites man", "man bites dog", "compare")],
)
def test_every_number_is_drawn_where_it_belongs(bert, address, tab, text, other, use):
    """Every pixel of the maps, the strips and the bars, where columns, ids and the mark stand, and what the mouse reads, on three widths."""
    tab.goto(f"{address}?{urlencode({'sentence': text, 'other': other, 'use': use})}")
    dark = use == "compare"
    tab.emulate_media(color_scheme="dark" if dark else "light")
    stages = [rows.double().numpy() for rows in numbers(bert, text)[1].values()]
    heads = ["token", *STAGES, "shares"]
    squares = np.stack([(part**2).sum(1) for part in stages[:3]], 1).cumsum(1)
    shares, ends = 100 * squares / squares[:, 2:], [end_of(*stages[:3])] * 4 + [end_of(stages[4])]
    if use == "compare":
        first, second = stages[4], numbers(bert, other)[1]["LayerNorm"].double().numpy()[[0, 3, 2, 1, 4]]
        stages, heads = [first, second, second - first], ["token", "first", "second", "difference", "cosine"]
        ends = [end_of(*stages)] * 3
    for width in (1280, 740, 390):
        tab.set_viewport_size({"width": width, "height": 1600})
        tab.wait_for_function(
            "(heads) => document.querySelectorAll('.head').length === heads", arg=len(heads)
        )
        tab.evaluate(DRAWN_AGAIN)  # or a key comes between two drawings
        for key in ("Escape", *["ArrowDown"] * 4):
            tab.locator(".rows").press(key)
        look = tab.evaluate(LOOK)
        scale = np.reshape(look["scales"][0]["pixels"], (256, 4))
        light, redder = scale[:, :3].sum(1) * (-1 if dark else 1), scale[:, 0] - scale[:, 1]
        assert (np.diff(light)[:127] >= 0).all() and (np.diff(light)[128:] <= 0).all()
        assert 2 * light[0] < light[127]
        assert (redder[:110] < -9).all() and (redder[145:] > 9).all()  # negative green, positive red

        def agrees(seen, values, end, scale=scale):
            steps = np.nan_to_num((np.clip(values / end, -1, 1) + 1) * 127.5 + 0.5).astype(int)
            found = np.reshape(seen["pixels"], (-1, 4))[: values.size]
            assert np.abs(found - scale[steps.ravel()]).max() < 8  # a step of the scale

        for drawn, values, end in zip(look["maps"], stages, ends, strict=False):
            agrees(drawn, values[:, :24], end)
        for drawn, values, end in zip(look["strips"], stages, ends, strict=True):
            agrees(drawn, values[3], end)
        if use == "pair":
            bars = np.reshape(look["maps"][-1]["pixels"], (len(shares), 100, 4))[:, :, :3]
            parts = np.array([np.multiply(to_rgb(COLOURS[part]), 255).round() for part in PARTS])
            which = (np.arange(100)[None, :, None] + 0.5 >= shares[:, None, :2]).sum(2)
            assert (bars == parts[which]).all()
        assert [re.sub("[\u00ad+=→Δ]|id, seg.*", "", head["text"]) for head in look["heads"]] == heads
        roomy, lines, columns = width > 700, look["lines"], dict(zip(heads, look["heads"], strict=True))
        for head, drawn in zip(look["heads"][1:], look["maps"], strict=False):
            beside = {"top": lines[0]["top"], "bottom": lines[-1]["bottom"]}
            assert inside(drawn, head | beside) and drawn["bottom"] - drawn["top"] > 26 * len(lines)
        for line in lines:
            cells = line["cells"]
            for n, cell in enumerate(cells):
                apart = roomy or cell["kind"] == "cosine"
                column = columns[cell["kind"] if apart and cell["kind"] != "place" else "token"]
                place = {"top": line["top"], "bottom": line["bottom"]}
                assert inside(cell, column | place), (width, cell)
                for one in cells[:n]:
                    assert cell["left"] > one["right"] or cell["top"] > one["bottom"] - 3
        last, wide = look["strips"][-1], look["strips"][-1]["wide"]
        for k in (0, wide - 1, 200, 383):
            x = last["left"] + (k % wide + 0.5) * (last["right"] - last["left"]) / wide
            y = last["top"] + 18 * (k // wide) + 7.5
            tab.mouse.move(x, y)
            read, mark = tab.locator(".read").inner_text(), tab.locator(".mark").last.bounding_box()
            assert read.startswith(f"Number {k} of “")
            assert alike(read.split()[-1][:-1], f"{stages[-1][3, k]:.4f}")
            away = mark["x"] + mark["width"] / 2 - x, mark["y"] + mark["height"] / 2 - y
            assert np.abs(away).max() < 1, (width, k)


def test_each_control_does_what_it_says(bert, page):
    """The examples, the keys in the list, what stands in the address, a tap on a phone."""
    boxes, examples = [page.get_by_label(name) for name in ("Sentence", "Second text", "Use it")], {}
    for button in page.locator(".examples button").all():
        button.click()
        *texts, use = (box.input_value() for box in boxes)
        assert " | ".join(filter(None, texts)) == button.get_attribute("title")
        assert boxes[2].is_visible() == bool(texts[1])
        assert use == ("compare" if button.inner_text() in ("bank and bank", "another order") else "pair")
        examples[button.inner_text()] = [text.split() for text in texts if text]
    assert len(examples["one sentence"]) == len(examples["word pieces"]) == 1 < len(examples["a pair"])
    assert any("##" in token for token in bert.tokenizer.tokenize(" ".join(examples["word pieces"][0])))
    assert all("bank" in words for words in examples["bank and bank"])
    assert sorted(examples["another order"][0]) == sorted(examples["another order"][1])
    assert not any(word.isascii() for word in examples["other scripts"][0])
    rows, read = page.locator(".rows"), page.locator(".read")
    browser.explore(page, "good day " * 40)
    for keys, said in {
        "End": "Number 0 of “[SEP]”",
        "Home ArrowRight": "Number 1 of “[CLS]”",
        "ArrowLeft ArrowLeft": "Number 0 of “[CLS]”",
        "Escape ArrowRight": "Pick a token, by a click or with the arrow keys, to see all of its 384 numbers.",
        "ArrowUp": "Number 0 of “[CLS]”",
        "PageDown PageDown PageDown PageUp ArrowUp": "Number 0 of “good”",
    }.items():
        for key in keys.split():
            rows.press(key)
        assert read.inner_text().startswith(said), keys
        if keys[:3] != "Esc":
            chosen, grid = (page.locator(what).bounding_box() for what in ("[aria-selected=true]", ".grid"))
            assert grid["y"] < chosen["y"] < grid["y"] + grid["height"] - chosen["height"] + 1, keys
    assert page.locator("[aria-selected=true]").get_attribute("id").endswith("-19")
    rows.press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") != "rows"
    page.evaluate("location.hash = '#a=dog+bites+man&b=man+bites+dog&use=compare'")
    page.get_by_text("≠ marks what differs: “dog”, “man”").wait_for()
    assert [box.input_value() for box in boxes] == ["dog bites man", "man bites dog", "compare"]
    assert page.evaluate(KEYS_HEARD) == []
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    page.get_by_role("button", name="Copy a link").click()
    page.get_by_text("The link stands in the browser's address line.").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_text("Second text: “man bites dog”").wait_for()
    for opened in (True, False):
        page.locator(".line").nth(2).click()
        assert page.locator(".token-card.open").count() == opened
    page.locator(".line").nth(2).click()
    page.get_by_label("Sentence").click()  # its keyboard takes the room
    assert page.locator(".token-card.open").count() == 0


def test_what_does_not_come_is_said_and_asked_for_again(page):
    files = {"vocabulary.txt": "The vocabulary does not load.", "embeddings.safetensors": "127.0.0.1:"}
    for file, said in files.items():
        page.route(f"**/{file}", lambda route: route.fulfill(status=404))
        page.reload()
        page.get_by_text(said).wait_for()
        page.unroute(f"**/{file}")
        browser.explore(page, "it comes")
        assert tokens(page)[1:3] == ["it", "comes"]
        assert page.locator(".trouble").inner_text() == ""


BELOW = """() => document.querySelector(".token-card").getBoundingClientRect().top -
  document.querySelector("[aria-selected=true]").getBoundingClientRect().bottom"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_and_everyone(page, scheme):
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme=scheme)
    for name, token in (("another order", "bites"), ("other scripts", "東")):
        page.get_by_role("button", name=name).click()
        page.locator(".line", has_text=token).click()
        assert abs(page.evaluate(BELOW)) < 3
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".grid").evaluate("grid => grid.scrollWidth - grid.clientWidth") == 0
        assert page.locator(".bert-explorer.dark").count() == (scheme == "dark")
        assert browser.axe(page) == []
        page.get_by_role("button", name="Close").click()
    page.locator("summary").click()
    for target in page.locator(".bert-explorer :is(input, button, select, summary, .line):visible").all():
        assert target.bounding_box()["height"] >= 44
    fonts = page.locator("input, select").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).fontSize)"
    )
    assert min(map(float, (size.removesuffix("px") for size in fonts))) >= 16  # below it iOS zooms in
    page.locator("summary").click()
    page.set_viewport_size({"width": 390, "height": 470})  # above the keyboard
    page.get_by_label("Sentence").click()
    page.wait_for_function(
        "document.querySelectorAll('.line')[3].getBoundingClientRect().bottom < innerHeight"
    )


def ask_the_hub(page, address, file="model.safetensors", patience=10_000):
    page.goto(f"{page.address}?patience={patience}&hub={address}{file}")
    page.locator(".line").first.wait_for()
    page.get_by_label("Model").select_option("bert-base-uncased")


@pytest.mark.parametrize(
    ("file", "how", "why"),
    [
        ("model.safetensors", {"status": 503}, "answers 503"),
        ("model.safetensors", {"waits": [3]}, "does not answer"),
        ("half.safetensors", {}, "sends a file without float32 embeddings"),
        ("page.html", {"ranges": False}, "sends something else than a safetensors file"),
    ],
)
def test_out_of_reach_is_said_and_the_bundled_model_stays(page, hub, file, how, why):
    with browser.serve(hub, **how) as (address, _):
        ask_the_hub(page, address, file, patience=1000)
        page.get_by_text(f"{why}. Shown is still all-MiniLM-L6-v2.").wait_for()
        assert page.get_by_label("Model").input_value() == "all-MiniLM-L6-v2"
        browser.explore(page, "it goes on")
        assert tokens(page) == ["[CLS]", "it", "goes", "on", "[SEP]"]


def test_a_slow_hub_is_waited_for_and_can_be_left_and_sends_rows_by_range(page, hub):
    with browser.serve(hub, waits=[0.9, 0.9]) as (address, sent):
        ask_the_hub(page, address)
        page.get_by_text("Waiting for 127.0.0.1").wait_for()
        page.get_by_label("Model").select_option("all-MiniLM-L6-v2")
        browser.explore(page, "today is a good day")
        page.get_by_label("Model").select_option("bert-base-uncased")
        page.get_by_text("to see all of its 16 numbers").wait_for()
        before = len(sent)
        browser.explore(page, "today is a good day once")
        assert sent[before:] == [64, 64], "one row of the word table, one place more"


def test_a_server_without_ranges_sends_the_whole_file_once(page, hub):
    with browser.serve(hub, ranges=False) as (address, sent):
        page.add_init_script("""self.told = ""; new MutationObserver(() => {
          told += document.querySelector(".trouble")?.textContent ?? "";
        }).observe(document, {childList: true, subtree: true})""")
        ask_the_hub(page, address)
        page.get_by_text("to see all of its 16 numbers").wait_for()
        assert "sends the whole file, once: 2 of 2 MB" in page.evaluate("told")
        browser.explore(page, "no more bytes are asked for")
        assert len(sent) == 1


def test_in_a_notebook_it_shows_what_the_kernel_answers(bert, page):
    """As anywidget calls it, a function of this process in place of the kernel."""
    widget, sent = explore(bert, "one 🙂", "two"), []
    widget.send = lambda content, buffers=(): sent.append([content, *map(list, buffers)])
    page.expose_function("ask", lambda asked: widget._answer(widget, asked, []) or sent[-1])
    page.evaluate(
        """async (state) => {
          const { default: widget } = await import("./explorer.js"), hearing = [];
          const send = async (asked) => {
            const [content, bytes] = await ask(asked);
            for (const hear of hearing) hear(content, [new DataView(Uint8Array.from(bytes).buffer)]);
          };
          const set = (key, value) => { state[key] = value; }, off = (_, hear) => hearing.splice(hearing.indexOf(hear), 1);
          const save_changes = () => { globalThis.saved = { ...state }; };
          const model = { send, set, off, save_changes, get: (key) => state[key], on: (_, hear) => hearing.push(hear) };
          const explorer = document.querySelector("#explorer");
          explorer.replaceChildren();
          const end = widget.render({ model, el: explorer });
          globalThis.leave = () => { end(); return hearing.length; };
        }""",
        {key: getattr(widget, key) for key in ("name", "sentence", "other", "use")},
    )
    page.locator(".line", has_text="two").wait_for()
    assert tokens(page) == ["[CLS]", "one", "[UNK] “🙂”", "[SEP]", "two", "[SEP]"]
    browser.explore(page, "good day")
    assert alike(said(page, 1), passing(bert, "good day", "two")[2][1])
    page.get_by_label("Use it").select_option("compare")
    page.get_by_text("≠ marks what differs: “[SEP]”").wait_for()
    saved = {"name": widget.name, "sentence": "good day", "other": "two", "use": "compare"}
    assert page.evaluate("saved") == saved and page.evaluate("leave()") == 0


def test_another_bert_and_what_its_kernel_answers(tmp_path):
    small = {"hidden_size": 36, "max_position_embeddings": 64, "type_vocab_size": 1}
    bert = load_bert(str(random_bert(tmp_path, dtype=torch.float64, **small)))
    widget, sent = explore(bert), []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    widget._answer(widget, {"ask": "a 1", "text": "\ud800 good 🙂 " * 40, "pair": ""}, [])
    widget._answer(widget, {"ask": "a 2", "text": "one", "pair": "two"}, [])
    (content, [data]), (pair, _) = sent
    assert pair["types"] == [0] * 5  # the loader gives a model with one segment row nothing else
    facts, stages = numbers(bert, "good 🙂 " * 40)
    assert json.loads(json.dumps(content)) == json.loads(json.dumps({"to": "a 1", **facts}))
    assert (facts["cut"], facts["width"], len(facts["tokens"])) == (64, 36, 64)
    assert numbers(bert, "good day " * 31)[0]["cut"] == 0  # it just fits
    assert facts["unknown"] == {2 * n: "🙂" for n in range(1, 32)}
    expected = np.stack([stages[stage].float() for stage in STAGES])
    np.testing.assert_array_equal(np.frombuffer(data, np.float32).reshape(5, 64, 36), expected)
    why = "This model's segment table has no row 1: it ends at 0."
    other = Bert(load_bert("bundled").tokenizer, bert.model, "a tokenizer that numbers both texts")
    with pytest.raises(ValueError, match=re.escape(why)):
        explore(other, "one", "two")


def test_without_a_kernel_a_still_picture_stands_there(bert):
    data, _ = explore(bert, "good day")._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert "“good”, “day”" in data["text/plain"]
    assert html.escape(data["text/plain"]) in data["text/html"]


REFUSED = {
    "sentence must be a string, found int": lambda bert: explore(bert, 3),
    "other must be a string, found list": lambda bert: explore(bert, "a", ["b"]),
    "bert must be what load_bert() returned, found NoneType": lambda _: explore(None, "a"),
    "bert must be what load_bert() returned, found str": lambda _: explore("bundled", "a"),
}


@pytest.mark.parametrize("said", REFUSED)
def test_no_text_and_no_bert_are_refused_in_one_sentence(bert, said):
    with pytest.raises(TypeError, match=f"^{re.escape(said)}$"):
        REFUSED[said](bert)
