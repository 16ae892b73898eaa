"""The explorer in a web page, in a real browser: its numbers are torch's, and a person can use it."""

import html
import json
import random
import re
import sys
from pathlib import Path
from unicodedata import ucd_3_2_0

import browser
import numpy as np
import pytest
import torch
from checkpoints import random_bert
from safetensors.torch import save_file

from helpers import explore, load_bert
from helpers.explorer import STAGES, numbers
from helpers.models import Bert

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


def texts(count=200):
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
    if not browser.chromium():
        pytest.skip(browser.NO_CHROMIUM)
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
    (folder / "page.html").write_text("<p>Sign in to this network")
    return folder


def tokens(page):
    return page.locator(".token").all_inner_texts()


def said(page, row):
    """What a screen reader says of a token."""
    return page.locator(".line .hidden").nth(row).inner_text()


COMPARE = """async ([asked, facts]) => {
  const {files, tokenizer} = await import("./explorer_page.js");
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


def test_ids_and_sums_are_torchs_to_the_bit_and_layer_norm_to_a_millionth(bert, site, page):
    asked, facts = texts(), []
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
    found = page.evaluate(COMPARE, [asked, facts])
    assert max(lengths) == 512
    assert found["wrong"] == []
    assert (found["bits"], found["compared"]) == (0, sum(lengths) * 384)
    assert found["apart"] < 1e-6


def test_typing_changes_tokens_and_is_quick(page):
    assert tokens(page) == ["[CLS]", "today", "is", "a", "good", "day", "[SEP]"]
    first = sum(page.sent)
    page.get_by_label("Sentence").fill("unaffable 🙂")
    page.get_by_text("[UNK] stands for “🙂”").wait_for()
    assert tokens(page) == ["[CLS]", "una", "##ffa", "##ble", "[UNK] “🙂”", "[SEP]"]
    assert said(page, 2).startswith("“##ffa” (id 20961) at place 2, segment 0; word")
    page.locator("p.hidden", has_text="6 tokens: “[CLS]” (101); “una” (14477)").wait_for()
    eight = [browser.explore(page, f"today is a good day {mark}") for mark in "!?!"]
    many = [browser.explore(page, "good day " * n) for n in (300, 301)]
    assert page.locator(".line").count() == 512
    page.get_by_text("longer than this model's 512 positions; it is cut after 512").last.wait_for()
    print(f"\n8 tokens {eight} ms, 512 tokens {many} ms, first visit {first} bytes")
    assert min(eight) < 200 and min(many) < 2000 and first < 1_500_000


def test_a_token_is_followed_by_click_and_by_keys(page):
    page.locator(".line", has_text="good").click()
    detail, read = page.locator(".detail"), page.locator(".read")
    assert detail.inner_text().startswith("“good” (id 2204) at place 4: segment 0; word")
    assert "word, row 2,204 of 30,522, length" in detail.inner_text()
    strips = detail.locator("canvas").evaluate_all("all => all.map(c => c.width * c.height)")
    assert len(strips) == 5 and min(strips) >= 384
    page.get_by_label("Sentence").focus()
    for key in ("Tab", "Tab", "Tab", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)  # second text, model, tokens
    chosen = page.locator("[aria-selected=true] .hidden").inner_text()
    assert chosen.startswith("“day” (id 2154) at place 5, segment 0; word")
    assert read.inner_text().startswith("Number 2 of “day”: word ")
    shown = [float(n.replace("−", "-")) for n in re.findall(r"−?\d\.\d{4}", read.inner_text())]
    assert len(shown) == 5 and abs(sum(shown[:3]) - shown[3]) < 2e-4
    page.locator(".strip canvas").first.hover(position={"x": 1, "y": 1})
    assert read.inner_text().startswith("Number 0 of “day”")
    page.locator(".line", has_text="today").hover(position={"x": 250, "y": 10})
    assert re.match(r"Number \d+ of “today”", read.inner_text())
    page.locator(".rows").press("Escape")
    assert detail.inner_text() == ""


def test_two_texts_as_a_pair_and_compared(page):
    page.get_by_label("Second text").fill("the bank")
    page.locator(".line", has_text="bank").wait_for()
    assert page.locator(".segment").all_inner_texts() == ["0"] * 7 + ["1"] * 3
    page.get_by_role("button", name="another order").click()
    page.get_by_text("≠ marks what differs: “dog”, “man”").wait_for()
    same = "at place 1 and at 3: the same word row, another position row, cosine 0."
    assert said(page, 1).startswith(f"“dog”, {same}")
    assert said(page, 2) == "“bites”, at place 2 in both, so the same vector"
    page.get_by_role("button", name="bank and bank").click()
    page.locator(".line", has_text="river").click()
    assert "only in the first" in page.locator(".detail").inner_text()


def test_what_is_typed_is_never_markup(page):
    typed = "<img src=x onerror=alert(1)><b>b</b> </style> __proto__"
    browser.explore(page, typed, box=1)
    browser.explore(page, typed)
    page.get_by_label("Use it").select_option("compare")
    page.get_by_text("No token stands at one place").wait_for()
    page.locator(".line").nth(1).click()
    assert page.locator("#explorer :is(img, b:not(.head b, .detail b))").count() == 0
    assert page.locator("#explorer style").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_and_everyone(page, scheme):
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme=scheme)
    for name, token in (("another order", "bites"), ("other scripts", "東")):
        page.get_by_role("button", name=name).click()
        page.locator(".line", has_text=token).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".bert-explorer.dark").count() == (scheme == "dark")
        assert browser.axe(page) == []


def ask_the_hub(page, address, file="model.safetensors", patience=10_000):
    page.goto(f"{page.address}?patience={patience}&hub={address}{file}")
    page.locator(".line").first.wait_for()
    page.get_by_label("Model").select_option("bert-base-uncased")


@pytest.mark.parametrize(
    ("file", "how", "why"),
    [
        ("model.safetensors", {"status": 503}, "answers 503"),
        ("model.safetensors", {"waits": [3]}, "does not answer"),
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
        page.add_init_script(
            "self.told = ''; new MutationObserver(() => "
            "{ told += document.querySelector('.trouble')?.textContent ?? ''; })"
            ".observe(document, {childList: true, subtree: true})"
        )
        ask_the_hub(page, address)
        page.get_by_text("to see all of its 16 numbers").wait_for()
        assert "sends the whole file, once: 2 of 2 MB" in page.evaluate("told")
        browser.explore(page, "no more bytes are asked for")
        assert len(sent) == 1


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


@pytest.mark.parametrize(("sentence", "other"), [(3, ""), ("a", ["b"])])
def test_not_a_text_is_refused_in_one_sentence(bert, sentence, other):
    with pytest.raises(TypeError, match=r"must be a string, found \w+$"):
        explore(bert, sentence, other)
