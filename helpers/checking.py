"""How an answer is read, tried, compared and replied to. The questions themselves are in exercises/."""

import _thread
import inspect
import re
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

SECONDS = 5  # how long a learner's function may take for all the inputs it is tried on
LARGEST = 10**7  # an answer of more numbers is known by its shape and not converted
RIGHT, NOT_YET, UNANSWERED = "right", "not yet", "unanswered"
SIGNS = {RIGHT: "✓", NOT_YET: "✗", UNANSWERED: "○"}
STOPPED = "did not finish within {:g} seconds and was stopped"
IN_PLACE = (
    "The result is right, but the function changes its own arguments in place: with the model's "
    "tables that would damage the model. Work on a copy (`.clone()`, `list(…)`)."
)

_exercises = {}  # number: (title, generator function of the Bert, uncased, alone)
_states = {}  # number: the reply that counts; this kernel's, never on disk


def exercise(number, title, uncased=False, alone=False):
    """Put the decorated generator function, of the loaded Bert, on the list: see exercises/__init__.py.

    `uncased` marks a question about bert-base-uncased's vocabulary: with another the reply says so;
    `alone` one that needs no Bert: it is checked by `check(number, answer=…)`.
    """

    def register(ask):
        _exercises[number] = title, ask, uncased, alone
        return ask

    return register


def numbers():
    """The numbers of all exercises, in the order of the course."""
    return sorted(_exercises, key=lambda number: [int(part) for part in number.split(".")])


def check(number, bert=None, answer=..., counts=True):
    """Print one reply to an answer: right, which mistake it looks like, or not answered yet.

    `number` is the exercise's, as in "1.3"; `bert` is what `load_bert()` returned; `answer` is a
    value or a function. The right answer is computed from the model in `bert`, which is left as it
    was. With `counts=False` (a solution cell) `progress` does not see the call. Nothing is raised,
    whatever the answer is or does; only your own interrupt goes through.
    """
    number = str(number) if isinstance(number, float) else number
    if not isinstance(number, str) or number not in _exercises:
        known = ", ".join(numbers())
        return print(printable(f"There is no exercise {short(number)}; this course has {known}."))
    _, ask, uncased, alone = _exercises[number]
    loaded = hasattr(bert, "model") and hasattr(bert, "tokenizer")
    if not (loaded or (alone and bert is None)):
        written = "answer=your answer)." if alone else "bert, your answer), in this order."
        return print(f'✗ {number} not checked. Write check("{number}", {written}')
    try:
        with torch.random.fork_rng(devices=[]), evaluating(bert.model) if loaded else nullcontext():
            state, words = reply(ask(bert), answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (what an odd answer raises when it is read)
        state, words = NOT_YET, f"This answer cannot be read: {error_line(error)}"
    if uncased and not getattr(bert, "uncased", True):
        words += f" (This exercise is about the uncased vocabulary; {bert.name} has another.)"
    if counts and _states.get(number) != RIGHT:  # what was right once stays right
        _states[number] = state
    shown = "not answered yet" if state == UNANSWERED else state
    print(printable(f"{SIGNS[state]} {number} {shown}. {words}"))


def progress():
    """Print how far you are: every exercise of the notebook whose checks ran in this kernel."""
    chapters = {number.split(".")[0] for number in _states}
    rows = [number for number in numbers() if number.split(".")[0] in chapters]
    if not rows:
        print("No exercise has been checked in this kernel yet: run a cell that ends with check(...).")
        return
    width = max(len(_exercises[number][0]) for number in rows)
    for number in rows:
        print(f"{number}  {_exercises[number][0]:{width}}  {_states.get(number, UNANSWERED)}")
    print(f"{sum(_states.get(number) == RIGHT for number in rows)} of {len(rows)} right")


def reply(asking, answer):
    """(state, words) for an answer; `asking` yields a kind of answer, then (diagnosis, wrong, …)."""
    parts = answer.values() if isinstance(answer, dict) else answer
    if blank(answer) or (isinstance(answer, list | tuple | dict) and answer and all_blank(parts)):
        return UNANSWERED, "Put your answer in place of the dots and run the cell again."
    try:
        kind = next(asking)
    except Exception as error:  # noqa: BLE001 (its inputs are made from the loaded model, which may lack a part)
        return (
            UNANSWERED,
            f"This exercise does not fit this model, whatever the answer ({error_line(error)}).",
        )
    return kind.reply(answer, asking)


def blank(value):
    return value is ... or value is None


def all_blank(values):
    return all(map(blank, values))


def said(words, *of):
    return words(*of) if callable(words) else words


# The three kinds of answer. `why` is said of a right one: a text, or a function of the answer that
# gives it (for a function: of its results). `otherwise` is said of any answer that no mistake explains.


@dataclass
class Value:
    """A number, a list of numbers or texts, or a tensor, in any form that holds the same."""

    right: Any  # whole numbers are compared exactly, others to 1e-5
    why: str | Callable
    otherwise: str | Callable = ""  # or a function of the answer, once it has the right shape
    decimals: int | None = None  # rounded to so many decimals or more is right, too
    within: float | None = None  # the largest difference that is still right
    any_order: bool = False  # a set will do: neither order nor repetition matters
    as_right: list = ()  # other right answers

    def reply(self, answer, mistakes):
        found, expected = read(answer, self.any_order), read(self.right, self.any_order)
        if any(self.is_near(right, found) for right in (self.right, *self.as_right)):
            return RIGHT, said(self.why, answer)
        for diagnosis, *wrongs in mistakes:
            if any(self.is_near(wrong, found) for wrong in wrongs):
                return NOT_YET, diagnosis
        kinds = describe(found), describe(expected)
        if self.any_order:
            kinds = kinds[0], kinds[0] if was_read(found) else "a list of numbers"
        if kinds[0] != kinds[1]:
            call = " Call it, and hand over what it returns." * inspect.isroutine(answer)
            weight = " Hand over its `.weight`." * isinstance(answer, torch.nn.Module)
            more = "" if callable(self.otherwise) else self.otherwise
            return NOT_YET, f"Expected {kinds[1]}, found {kinds[0]}.{call}{weight} {more}"
        if self.decimals and (found - expected).abs().max() < 10 ** (1 - self.decimals):
            return NOT_YET, f"Close, but not right when rounded to {self.decimals} decimals or more."
        words = said(self.otherwise, found.tolist() if isinstance(found, torch.Tensor) else found)
        if isinstance(expected, torch.Tensor) and expected.ndim and not self.any_order:
            words = f"The first place that differs is {first_place(found, expected)}. {words}"
        return NOT_YET, words

    def is_near(self, right, found):
        # with decimals asked for, an answer that is not rounded may come from a few steps in float32
        default = 2.5e-7 if self.decimals else 0.0 if is_whole(self.right) else 1e-5
        within = max(default if self.within is None else self.within, coarseness(self.right))
        right, relative = read(right, self.any_order), self.within is None
        return distance(right, found, self.decimals, relative) <= within


@dataclass
class Judged:
    """Any answer: `judge(answer)` says what is wrong with it, or None if it is right."""

    judge: Callable
    why: str | Callable

    def reply(self, answer, mistakes):
        try:
            words = stopped_after(SECONDS, lambda: self.judge(answer))
        except TimeUp:
            words = f"Your answer {STOPPED.format(SECONDS)}."
        return (NOT_YET, words) if words else (RIGHT, said(self.why, answer))


@dataclass
class Function:
    """A function, tried on every input. So are wrong functions: what gives the same is this mistake.

    A wrong function that raises is known by the same error on the same input. It may be written as an
    expression in the parameters' names, `"x * keep"`, in which `right` is the right function.
    """

    right: Callable
    why: str | Callable
    inputs: list  # made by `given`
    otherwise: str = ""
    within: float | None = None  # |a-b| / max(1, |b|); by default 0 for whole numbers, else 1e-5
    view: Callable | None = None  # view(result, *inputs): the part of a result that is compared
    demand: Callable | None = None  # demand(result, *inputs): what a right result lacks, or None
    forbidden: dict = field(default_factory=dict)  # {torch function: what to say when it is called}

    def reply(self, answer, mistakes):
        if not callable(answer) or isinstance(answer, type):
            wanted = "a function, its name without brackets"
            return NOT_YET, f"Expected {wanted}; found {describe(answer)}."
        expected = [self.right(*copies(args), **copies(kwargs)) for args, kwargs in self.inputs]
        default = 0.0 if is_whole(expected) else 1e-5
        self.within = max(self.within or default, *map(coarseness, expected))
        expected = list(map(self.read, expected, self.inputs))
        results, error, remarks = self.run(answer)
        to_do = isinstance(error, NotImplementedError) and not results
        if to_do or (results and all_blank(results)):
            words = "The function returns nothing yet: write it, and end it with `return`."
            return UNANSWERED, words
        found = list(map(self.read, results, self.inputs))
        gaps = map(distance, expected, found)
        differs = [i for i, gap in enumerate(gaps) if gap > self.within]
        for diagnosis, *wrongs in mistakes if differs or error is not None else ():
            if any(self.looks_like(wrong, found, error, differs) for wrong in wrongs):
                return NOT_YET, diagnosis
        if isinstance(error, TimeUp):
            where = f"{STOPPED.format(SECONDS)} at {self.call_text(len(results))}"
            return NOT_YET, f"Your function {where}: does a loop never end?"
        if error is not None:
            return NOT_YET, raised(error, self.call_text(len(results)))
        if differs:
            words = contrast(found[differs[0]], expected[differs[0]], self.within)
            return NOT_YET, f"For {self.call_text(differs[0])} {words}. {self.otherwise}"
        return (NOT_YET, remarks[0]) if remarks else (RIGHT, said(self.why, results))

    def run(self, function):
        """(results, error, remarks): up to the first input on which it raises, or is stopped."""
        results, remarks = [], []

        def try_all():
            for args, kwargs in self.inputs:
                mine = copies((args, kwargs))
                with (called := CalledNames(args)) if self.forbidden else nullcontext():
                    results.append(function(*mine[0], **mine[1]))
                remarks.extend([IN_PLACE] * (not unchanged((args, kwargs), mine)))
                remarks.extend(self.forbidden[name] for name in self.forbidden if name in called.names)
                lacking = self.demand and self.demand(results[-1], *args, **kwargs)
                remarks.extend([lacking] if lacking else [])

        try:
            stopped_after(SECONDS, try_all)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (it is the learner's, and reported)
            return results, error, remarks
        return results, None, remarks

    def as_function(self, wrong):
        """A wrong function, also of one that is written as an expression."""
        if not isinstance(wrong, str):
            return wrong
        names = ", ".join(inspect.signature(self.right).parameters)
        return eval(f"lambda {names}: {wrong}", self.right.__globals__ | {"right": self.right})

    def looks_like(self, wrong, found, error, differs):
        """Whether a wrong function gives what was found and, if that is right so far, the same error."""
        wrong = self.as_function(wrong)
        for i, call in enumerate(self.inputs[: len(found) + (not differs)]):
            args, kwargs = copies(call)
            try:
                result = self.read(wrong(*args, **kwargs), call)
            except NameError:
                raise  # the list itself has a slip
            except Exception as theirs:  # noqa: BLE001 (it may look up a row that this table lacks)
                return i == len(found) and same_error(theirs, error)
            if i == len(found) or distance(result, found[i]) > self.within:
                return False
        return True

    def read(self, result, call):
        value = read(result)
        viewed = self.view and isinstance(value, torch.Tensor)
        return self.view(value, *call[0]) if viewed else value

    def call_text(self, i):
        """The i-th input with its names: `word='good', vocabulary=<30522 entries>`."""
        args, kwargs = self.inputs[i]
        names = inspect.signature(self.right).bind(*args, **kwargs).arguments
        return ", ".join(f"{name}={short(value)}" for name, value in names.items())


def given(*args, **kwargs):
    """One input of a function, written as the call is: `given(word, vocabulary)`."""
    return args, kwargs


# A learner's function, tried


class CalledNames(TorchFunctionMode):
    """The torch functions that are called. An index counts only when ids pick rows of a table as it came."""

    def __init__(self, inputs):
        super().__init__()
        self.names = set()
        self.tables = [list(x.shape) for x in inputs if is_float(x)]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        picks = func.__name__ != "__getitem__" or (
            list(args[0].shape) in self.tables and isinstance(args[1], torch.Tensor | list)
        )
        self.names |= {func.__name__} if picks else set()
        return func(*args, **(kwargs or {}))


class TimeUp(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


def stopped_after(seconds, call):
    """`call()`, ended by TimeUp if it takes longer.

    The way of Ctrl-C, which works on every system and also wakes a sleeping call: a second thread
    sends SIGINT to the main thread, whose handler tells it from the user's own, which is passed on.
    Outside the main thread there are no signals, so there `call` is not limited.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is None:
        return call()
    finished = threading.Event()
    expired = over = False

    def handler(number, frame):
        if not expired:
            if callable(previous):
                previous(number, frame)
        elif not over:
            raise TimeUp

    def watch():
        nonlocal expired
        wait = seconds
        while not finished.wait(wait):
            expired, wait = True, 0.5  # and again, for a function that catches everything
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            else:  # Windows
                _thread.interrupt_main()

    watcher = threading.Thread(target=watch, daemon=True)
    signal.signal(signal.SIGINT, handler)
    try:
        watcher.start()
        return call()
    finally:
        over = True  # first of all: from here on a late signal is ignored
        try:
            finished.set()
            watcher.join()
        finally:
            signal.signal(signal.SIGINT, previous)


def copies(value):
    """The value with every tensor, list and dict in it copied. Others need no copy."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copies(item) for key, item in value.items()}
    return type(value)(map(copies, value)) if isinstance(value, list | tuple) else value


def unchanged(before, after):
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(unchanged(before[k], after[k]) for k in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    return True


@contextmanager
def evaluating(model):
    """The model in eval mode, and every module's own mode put back at the end."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


# Answers, compared


def read(value, any_order=False):
    """Any accepted form as a float64 tensor, a str or a list of str; anything else as it is."""
    try:
        if isinstance(value, torch.Tensor):
            if value.is_complex() or value.numel() > LARGEST:
                return value
            numbers = value.detach().cpu().to_dense().to(torch.float64)
        else:
            value = list(value) if any_order and isinstance(value, set | frozenset) else value
            if size(value) > LARGEST:
                return value
            value = plain(value)
            texts = isinstance(value, list) and value and all(isinstance(i, str) for i in value)
            if isinstance(value, str) or texts:
                return value
            numbers = torch.tensor(value, dtype=torch.float64)
        return numbers.flatten().unique() if any_order else numbers
    except Exception:  # noqa: BLE001 (it is none of the accepted forms)
        return value


def size(value):
    """How many numbers nested lists hold, by the first entry of each."""
    if isinstance(value, list | tuple | range):
        return len(value) * (size(value[0]) if len(value) else 1)  # one that holds itself raises
    if isinstance(value, torch.Tensor):
        return value.numel()
    return value.size if isinstance(value, np.ndarray) else 1


def plain(value):
    """Nested lists of floats or texts, from anything that holds them."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple | range):
        return list(map(plain, value))
    return str(value) if isinstance(value, str) else float(value)


def distance(expected, found, decimals=None, relative=True):
    """How far a read answer is from another: 0 equal, inf not to be compared. A NaN equals a NaN.

    What is rounded rightly to `decimals` or more is equal, too.
    """
    if not isinstance(expected, torch.Tensor):
        same = isinstance(found, str | list) and type(found) is type(expected) and found == expected
        return 0.0 if same else float("inf")
    if not was_read(found):
        return float("inf")
    if expected.ndim == 1 and found.shape == (1, len(expected)):
        found = found[0]  # as the tokenizer gives it, [1, T]
    if expected.ndim == 0 and found.numel() == 1:
        found = found.reshape(())
    if expected.shape != found.shape:
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    gaps = (expected - found).abs()
    for places in range(decimals, 8) if decimals else ():
        gaps[(expected.round(decimals=places) - found).abs() < 6e-8] = 0
    gaps = gaps / expected.abs().clamp(min=1) if relative else gaps
    gaps[(expected == found) | (expected.isnan() & found.isnan())] = 0  # also of infinities
    return gaps.nan_to_num(nan=float("inf")).max().item()


def was_read(value):
    return isinstance(value, torch.Tensor) and value.dtype == torch.float64 and value.numel() <= LARGEST


def is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def is_whole(right):
    """Whether a right answer is of whole numbers, which need no tolerance."""
    if isinstance(right, list | tuple):
        return all(map(is_whole, right))
    return isinstance(right, int) or (isinstance(right, torch.Tensor) and not is_float(right))


def coarseness(right):
    """How much rounding may matter in a tensor of few digits (float16, bfloat16), else 0."""
    eps = torch.finfo(right.dtype).eps if is_float(right) else 0.0
    return 64 * eps if eps > 1e-4 else 0.0


# Answers, put in words


def describe(value):
    """What kind of thing it is, with its size and without its contents."""
    value = read(value)
    if isinstance(value, torch.Tensor):
        kind = "complex number" if value.is_complex() else "number"
        if value.ndim == 1:
            return f"a list of {len(value)} {kind}{'s' * (len(value) != 1)}"
        return f"a tensor of shape {list(value.shape)}" if value.ndim else f"a {kind}"
    if isinstance(value, list | tuple):
        texts = all(isinstance(item, str) for item in value)
        return f"a list of {len(value)} text{'s' * (len(value) != 1)}" if texts else "a mixed list"
    if isinstance(value, Number):
        return "a complex number" if isinstance(value, complex) else "a number too large to read"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, str) or inspect.isroutine(value):
        return "a text" if isinstance(value, str) else "a function"
    return str(value) if blank(value) else f"an object of type {type(value).__name__}"


def contrast(found, expected, within):
    """`expected …, found …`, in full when it is short, else at the first place that differs."""
    tensors = [value for value in (found, expected) if isinstance(value, torch.Tensor)]
    large = any(value.numel() > 12 for value in tensors)
    if describe(found) != describe(expected):
        shown = "" if large or len(tensors) == 2 else f" ({in_full(found)})"
        return f"expected {describe(expected)}, found {describe(found)}{shown}"
    if large:
        place = first_place(found, expected, within)
        numbers = expected[tuple(place)], found[tuple(place)]
        return f"expected {numbers[0]:.6g} at {place}, found {numbers[1]:.6g}"
    return f"expected {in_full(expected)}, found {in_full(found)}"


def first_place(found, expected, within=1e-5):
    """The index, as a list, of the first place where two tensors of one shape differ."""
    close = torch.isclose(found, expected, rtol=within, atol=within)
    places = (~close).nonzero().tolist()
    return places[0] if places else [0] * expected.ndim


def in_full(value):
    return short_text(nested(value.tolist())) if isinstance(value, torch.Tensor) else short(value)


def nested(numbers):
    return f"[{', '.join(map(nested, numbers))}]" if isinstance(numbers, list) else f"{numbers:.6g}"


def short(value):
    """One line for a value, never longer than about 80 characters."""
    if isinstance(value, torch.Tensor):
        small = value.numel() <= 24 and not value.is_floating_point()
        return nested(value.tolist()) if small else f"<tensor {list(value.shape)}>"
    if isinstance(value, Mapping):
        return f"<{len(value)} entries>"
    try:
        return short_text(repr(value))
    except Exception:  # noqa: BLE001 (a learner's __repr__, a number of too many digits)
        return f"<{type(value).__name__}>"


def short_text(text, limit=80):
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 4 :]}"


SENTENCES = {  # for torch's errors that a newcomer meets and cannot read
    r"tensor a \((\d+)\) must match .* b \((\d+)\) at non-singleton dimension (\d+)": (
        "tensors of {} and {} numbers along dimension {} do not go together; is `keepdim=True` missing?"
    ),
    r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)": (
        "no matrix product of [{}, {}] and [{}, {}]: the two inner numbers have to be equal"
    ),
    r"batch2 tensor to be: \[\d+, (\d+)\] but got: \[\d+, (\d+)\]": (
        "no matrix product: the second tensor would need {} rows and has {}"
    ),
    r"same dtype, but got|expected scalar type": (
        "a product needs numbers of one kind; convert the whole numbers, as in `.to(table.dtype)`"
    ),
    r"index (\d+) is out of bounds for dimension \d+ with size (\d+)": (
        "there is no row {} in a table of {} rows"
    ),
}


def raised(error, where):
    for pattern, sentence in SENTENCES.items():
        if match := re.search(pattern, error_line(error)):
            return f"Your function stops at {where}: {sentence.format(*match.groups())}."
    return f"Your function raised {error_line(error)} for {where}."


def same_error(one, other):
    """Of one type and about the same numbers, whichever of two tensors it names first."""
    lines = error_line(one), error_line(other)
    told = [sorted(re.findall(r"\d+", line)) or line for line in lines]
    return type(one) is type(other) and told[0] == told[1]


def error_line(error):
    try:
        message = short_text(str(error), 160)
    except Exception:  # noqa: BLE001 (a learner's __str__)
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def printable(text):
    """Without line breaks and lone surrogates, which a learner's text may bring."""
    return " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
