"""How an answer is read, tried, compared and replied to. The questions themselves are in exercises.py."""

import _thread
import inspect
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

SECONDS = 5  # how long a learner's function may take for all the inputs it is tried on
RIGHT, NOT_YET, UNANSWERED = "right", "not yet", "unanswered"


@dataclass
class Answer:
    """What an exercise knows of its answer.

    A number, a list of numbers, a list of texts, a tensor or a function: `right` shows by its own type
    which of them is asked for. A function is tried on all `inputs`, and so is every wrong function.
    """

    right: Any
    why: str  # said of a right answer: why it matters
    mistakes: list = ()  # (what this looks like and where to look, the wrong answer; a large one as `lambda: …`)
    otherwise: str | Callable = ""  # said of any other answer; or a function of it (None: right after all)
    inputs: list = ()  # what a function is tried on, see `given`
    within: float = (
        1e-5  # largest difference that is still right: absolute for a number, else |a-b| / max(1, |b|)
    )
    view: Callable | None = None  # view(result, *inputs): the part of a result that is compared
    rounding: str = ""  # said of a right function whose results are not equal to the last bit


@dataclass
class Exercise:
    title: str
    ask: Callable  # of the loaded Bert, returns the Answer
    uncased: bool


_exercises: dict[str, Exercise] = {}
_states: dict[str, str] = {}  # this kernel's, never on disk


def exercise(number, title, uncased=False):
    """Put the decorated function `ask(bert) -> Answer` on the list.

    `uncased` marks a question about bert-base-uncased's vocabulary: with another one the reply says so.
    """

    def put_on_the_list(ask):
        _exercises[number] = Exercise(title, ask, uncased)
        return ask

    return put_on_the_list


def given(*args, **kwargs):
    """One input of a function, written as the call is: `given(word, vocabulary)`."""
    return args, kwargs


def check(number, bert=None, answer=..., counts=True):
    """Print one reply to an answer: right, which mistake it looks like, or not answered yet.

    `number` is the exercise's, as in "1.3"; `bert` is what `load_bert()` returned; `answer` is a value or
    a function. The right answer is computed from the model in `bert`, which is left as it was. With
    `counts=False` (a solution cell) `progress` does not see the call. Nothing is raised, whatever the
    answer is or does; only your own interrupt goes through.
    """
    if not isinstance(number, str | Real) or str(number) not in _exercises:
        wanted = short(number) if isinstance(number, str | Real) else describe(number)
        return print(f"There is no exercise {wanted}; this course has {', '.join(sorted(_exercises))}.")
    number = str(number)
    if not (hasattr(bert, "model") and hasattr(bert, "tokenizer")):
        return print(f'✗ {number} not checked. Write check("{number}", bert, your answer), in this order.')
    try:
        with torch.random.fork_rng(devices=[]), evaluating(bert.model):
            state, words = reply(_exercises[number], bert, answer)
    except Exception as error:  # noqa: BLE001 (whatever an odd answer raises when it is read)
        state, words = NOT_YET, f"This answer cannot be read: {error_line(error)}"
    if _exercises[number].uncased and not getattr(bert, "uncased", True):
        words += f" (This exercise is about the uncased vocabulary; {bert.name} has another.)"
    if counts:
        _states[number] = state
    sign = {RIGHT: "✓", NOT_YET: "✗", UNANSWERED: "○"}[state]
    state = "not answered yet" if state == UNANSWERED else state
    print(printable(f"{sign} {number} {state}. {words}"))


def progress():
    """Print how far you are: every exercise of the notebook whose checks ran in this kernel."""
    chapters = {number.split(".")[0] for number in _states}
    rows = [(n, e.title, _states.get(n, UNANSWERED)) for n, e in sorted(_exercises.items())]
    rows = [row for row in rows if row[0].split(".")[0] in chapters]
    if not rows:
        return print("No exercise has been checked in this kernel yet: run a cell that ends with check(...).")
    width = max(len(title) for _, title, _ in rows)
    for number, title, state in rows:
        print(f"{number}  {title:{width}}  {state}")
    print(f"{sum(state == RIGHT for *_, state in rows)} of {len(rows)} right")


def reply(exercise, bert, answer):
    """(state, words) for an answer."""
    if blank(answer) or (isinstance(answer, list | tuple) and answer and all(map(blank, answer))):
        return UNANSWERED, "Put your answer in place of the dots and run the cell again."
    asked = exercise.ask(bert)
    if callable(asked.right):
        return reply_to_function(asked, answer)

    def gap(value):
        return distance(read(value, asked.view), found)

    found = read(answer, asked.view)
    within = max(asked.within, coarseness(asked.right))
    if gap(asked.right) <= within:
        return RIGHT, asked.why
    for diagnosis, wrong in asked.mistakes:
        if gap(wrong() if callable(wrong) else wrong) <= within:
            return NOT_YET, diagnosis
    if callable(asked.otherwise):
        words = asked.otherwise(found)
        return (NOT_YET, words) if words else (RIGHT, asked.why)
    expected = read(asked.right, asked.view)
    if describe(found) != describe(expected):
        called = " Call it, and hand over what it returns." if callable(answer) else ""
        return NOT_YET, f"Expected {describe(expected)}, found {describe(found)}.{called} {asked.otherwise}"
    where = (
        f"The first place that differs is {first_place(found, expected)}. " if expected_dims(expected) else ""
    )
    return NOT_YET, where + asked.otherwise


def reply_to_function(asked, function):
    """(state, words) for an answer that has to be a function: it is tried on every input."""
    if not callable(function) or isinstance(function, type):
        return NOT_YET, f"Expected a function, its name without brackets; found {describe(function)}."
    expected = [asked.right(*args, **kwargs) for args, kwargs in asked.inputs]
    within = max(asked.within, *map(coarseness, expected))
    expected = [read_result(asked, *pair) for pair in zip(expected, asked.inputs, strict=True)]
    results, trouble, changes = run(function, asked)
    if trouble is UNANSWERED or (results and not trouble and all(map(blank, results))):
        return UNANSWERED, "The function returns nothing yet: write it, and end it with `return`."
    found = [read_result(asked, *pair) for pair in zip(results, asked.inputs, strict=False)]

    def gaps(others):
        return [distance(a, b) for a, b in zip(others, found, strict=False)]

    different = [i for i, gap in enumerate(gaps(expected)) if gap > within]
    for diagnosis, wrong in asked.mistakes if different else ():
        if looks_like(wrong, asked, found, within):
            return NOT_YET, diagnosis
    if trouble:
        return NOT_YET, trouble
    if different:
        i = different[0]
        words = f"For {call_text(asked, i)} {contrast(found[i], expected[i])}. {asked.otherwise}"
        return NOT_YET, words
    if changes:
        return NOT_YET, changes
    exact = max(gaps(expected)) == 0
    return RIGHT, asked.why if exact or not asked.rounding else f"{asked.why} {asked.rounding}"


def looks_like(wrong, asked, found, within):
    """Whether a wrong function gives the results found, up to the input on which the learner's raised."""
    for (args, kwargs), mine in zip(asked.inputs, found, strict=False):
        try:
            result = wrong(*args, **kwargs)
        except IndexError:  # looks up a row that this input's table does not have
            return False
        if distance(read_result(asked, result, (args, kwargs)), mine) > within:
            return False
    return True


# A learner's function, tried


def run(function, asked):
    """(results, trouble, changes): up to the first input on which it raises, or is stopped."""
    results, changes = [], ""

    def try_all():
        nonlocal changes
        for args, kwargs in asked.inputs:
            mine, my_kwargs = copies(args), copies(kwargs)
            results.append(function(*mine, **my_kwargs))
            if not (unchanged(args, mine) and unchanged(kwargs, my_kwargs)):
                changes = changes or (
                    "The result is right, but the function changes its own arguments in place: with the model's "
                    "tables that would damage the model. Work on a copy (`.clone()`, `list(…)`)."
                )

    try:
        stopped_after(SECONDS, try_all)
    except NotImplementedError as error:
        return results, UNANSWERED if not results else raised(error, asked, len(results)), changes
    except TimeUp:
        words = f"Your function did not finish within {SECONDS:g} seconds and was stopped"
        return results, f"{words} at {call_text(asked, len(results))}: does a loop never end?", changes
    except (Exception, SystemExit) as error:  # noqa: BLE001 (it is the learner's, and reported)
        return results, raised(error, asked, len(results)), changes
    return results, "", changes


def raised(error, asked, i):
    return f"Your function raised {error_line(error)} for {call_text(asked, i)}."


class TimeUp(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


def stopped_after(seconds, call):
    """`call()`, ended by TimeUp if it takes longer.

    The way of Ctrl-C, which works on every system and also wakes a sleeping call: a second thread sends
    SIGINT to the main thread, whose handler tells it from the user's own, which is passed on. Outside the
    main thread there are no signals, so there `call` is not limited.
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
    """The value with every tensor, list and dict in it copied. A read-only mapping needs no copy."""
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


def read(value, view=None):
    """Any accepted form as a float64 tensor, a str or a list of str; anything else as it is."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return list(map(str, value))
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().to_dense() if value.is_sparse else value.detach().cpu()
            value = value.to(torch.float64)
        elif isinstance(value, Real | range | list | tuple):
            try:
                value = torch.as_tensor(
                    list(value) if isinstance(value, range) else value, dtype=torch.float64
                )
            except (TypeError, ValueError, RuntimeError):
                value = torch.stack([part.detach().to(torch.float64) for part in value])  # of tensors
    except (TypeError, ValueError, RuntimeError, AttributeError, RecursionError):
        return value
    return view(value) if view and isinstance(value, torch.Tensor) else value


def read_result(asked, result, call):
    args, _ = call
    return read(result, asked.view and (lambda value: asked.view(value, *args)))


def distance(expected, found):
    """How far a read answer is from another: 0 equal, inf not to be compared. A NaN equals a NaN."""
    if not isinstance(expected, torch.Tensor):
        return 0.0 if isinstance(expected, str | list) and same_text(expected, found) else float("inf")
    if not isinstance(found, torch.Tensor):
        return float("inf")
    if expected.ndim == 0 and found.numel() == 1:
        found = found.reshape(())
    if expected.shape != found.shape:
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    gaps = (expected - found).abs()
    gaps = gaps / expected.abs().clamp(min=1) if expected.ndim else gaps
    gaps[expected == found] = 0  # also of infinities
    gaps[expected.isnan() & found.isnan()] = 0
    return gaps.nan_to_num(nan=float("inf")).max().item()


def same_text(expected, found):
    return type(found) is type(expected) and found == expected


def coarseness(right):
    """How much rounding may matter in a tensor of few digits (float16, bfloat16), else 0."""
    if not (isinstance(right, torch.Tensor) and right.is_floating_point()):
        return 0.0
    eps = torch.finfo(right.dtype).eps
    return 64 * eps if eps > 1e-4 else 0.0


def blank(value):
    return value is ... or value is None


# Answers, put in words


def describe(value):
    """What kind of thing it is, with its size and without its contents."""
    value = read(value)
    if isinstance(value, torch.Tensor):
        if value.ndim == 0:
            return "a number"
        return (
            f"a list of {len(value)} numbers" if value.ndim == 1 else f"a tensor of shape {list(value.shape)}"
        )
    if isinstance(value, str | list | tuple):
        if isinstance(value, str):
            return "a text"
        return (
            f"a list of {plural(len(value), 'text')}"
            if all(isinstance(i, str) for i in value)
            else "a mixed list"
        )
    if blank(value):
        return str(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return "a function"
    return f"an object of type {type(value).__name__}"


def plural(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def contrast(found, expected):
    """`expected …, found …`, in full when it is short, else at the first place that differs."""
    if describe(found) != describe(expected):
        both_short = not any(isinstance(v, torch.Tensor) and v.numel() > 12 for v in (found, expected))
        if both_short and isinstance(expected, list | str) != isinstance(found, list | str):
            return f"expected {describe(expected)}, found {describe(found)} ({in_full(found)})"
        if not both_short or isinstance(expected, torch.Tensor):
            return f"expected {describe(expected)}, found {describe(found)}"
    elif isinstance(expected, torch.Tensor) and expected.numel() > 12:
        place = first_place(found, expected)
        return f"expected {expected[place]:.6g} at {list(place)}, found {found[place]:.6g}"
    return f"expected {in_full(expected)}, found {in_full(found)}"


def expected_dims(expected):
    return isinstance(expected, torch.Tensor) and expected.ndim > 0


def first_place(found, expected):
    """The index, as a tuple, of the first place where two tensors of one shape differ."""
    close = torch.isclose(found, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    places = (~close).nonzero()
    return tuple(places[0].tolist()) if len(places) else (0,) * expected.ndim


def in_full(value):
    if isinstance(value, torch.Tensor):
        return short_text(nested(value.tolist()))
    return short(value)


def nested(numbers):
    if isinstance(numbers, list):
        return f"[{', '.join(map(nested, numbers))}]"
    return f"{numbers:.6g}"


def call_text(asked, i):
    """The i-th input with its names: `word='good', vocabulary=<30522 entries>`."""
    args, kwargs = asked.inputs[i]
    names = inspect.signature(asked.right).bind(*args, **kwargs).arguments
    return ", ".join(f"{name}={short(value)}" for name, value in names.items())


def short(value):
    """One line for a value, never longer than about 80 characters."""
    if isinstance(value, torch.Tensor):
        small = value.numel() <= 24 and not value.is_floating_point()
        return nested(value.tolist()) if small else f"<tensor {list(value.shape)}>"
    if isinstance(value, Mapping | MappingProxyType):
        return f"<{len(value)} entries>"
    try:
        return short_text(repr(value))
    except Exception:  # noqa: BLE001 (a learner's __repr__)
        return f"<{type(value).__name__}>"


def short_text(text, limit=80):
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 4 :]}"


def error_line(error):
    try:
        message = short_text(str(error), 160)
    except Exception:  # noqa: BLE001 (a learner's __str__)
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def printable(text):
    """Without line breaks and lone surrogates, which a learner's text may bring."""
    return " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
