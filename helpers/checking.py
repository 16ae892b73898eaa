"""How an answer is tried and replied to. The questions themselves are in exercises/."""

import inspect
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .answers import blank, distance, drawn, is_whole, read, was_read
from .limits import NoResultError, TimeUp, as_it_was, limited
from .wording import contrast, describe, error_line, first_place, raised, same_message, say, short

RIGHT, NOT_YET, UNANSWERED = "right", "not yet", "unanswered"
SIGNS = {RIGHT: "✓", NOT_YET: "✗", UNANSWERED: "○"}
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
    whatever the answer is or does, and what does not end is stopped; only your own interrupt goes
    through. (On macOS, on Windows and beside a GPU the answer runs in this kernel. There one endless step
    of C, such as `sum(itertools.count())`, is beyond both, and what an answer changes stays, but for the
    layer's numbers, the model's mode, torch's switches and where prints go: restart the kernel.)
    """
    number = str(number) if isinstance(number, float) else number
    if not isinstance(number, str) or number not in _exercises:
        known = ", ".join(numbers())
        return say(f"There is no exercise {short(number)}; this course has {known}.")
    _, ask, uncased, alone = _exercises[number]
    loaded = hasattr(bert, "model") and hasattr(bert, "tokenizer")
    if not (loaded or (alone and bert is None)):
        written = "answer=your answer)." if alone else "bert, your answer), in this order."
        return say(f'✗ {number} not checked. Write check("{number}", {written}')
    with as_it_was(bert.model if loaded else None):
        try:
            state, words = limited(lambda tell: reply(ask(bert), answer, tell))
        except NoResultError as ended:
            how, where = ended.args
            whose, at = ("function", f" at {where}") if where else ("answer", "")
            state, words = NOT_YET, f"Your {whose} {how}{at}."
    if uncased and not getattr(bert, "uncased", True):
        words += f" (This exercise is about the uncased vocabulary; {bert.name} has another.)"
    if counts and _states.get(number) != RIGHT:  # what was right once stays right
        _states[number] = state
    shown = "not answered yet" if state == UNANSWERED else state
    say(f"{SIGNS[state]} {number} {shown}. {words}")


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


def reply(asking, answer, tell):
    """(state, words) for an answer; `asking` yields a kind of answer, then (diagnosis, wrong, …)."""
    kind, error = attempt(next, asking)
    if error is not None:  # its inputs are made from the loaded model, which may lack a part
        why = error if isinstance(error, ValueError) else error_line(error)
        return UNANSWERED, f"This exercise does not fit this model, whatever the answer ({why})."
    replied, error = attempt(lambda: has_dots(answer) or kind.reply(drawn(answer), asking, tell))
    return replied if error is None else (NOT_YET, f"This answer cannot be read: {error_line(error)}")


def has_dots(answer):
    parts = answer.values() if isinstance(answer, dict) else answer
    if blank(answer) or (isinstance(answer, list | tuple | dict) and any(part is ... for part in parts)):
        return UNANSWERED, "Put your answer in place of the dots and run the cell again."


def attempt(function, *args, **kwargs):
    """(what the call returns, None), or (None, what it raises)."""
    try:
        return function(*args, **kwargs), None
    except (KeyboardInterrupt, TimeUp):
        raise
    except BaseException as error:  # noqa: BLE001 (it is the learner's, and reported)
        return None, error


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
    also: Callable | None = None  # also(numbers): whether others than `right`, a tensor, are right, too

    def reply(self, answer, mistakes, tell):
        found, expected = read(answer, self.any_order), read(self.right, self.any_order)
        if self.is_near(self.right, found) or (self.also and was_read(found) and self.also(found)):
            return RIGHT, said(self.why, answer)
        close = self.decimals and distance(expected, found) < 10 ** (1 - self.decimals)
        steps = [10**places for places in range(self.decimals, 8)] if close else []
        cut_off = any(distance((expected * step).trunc() / step, found) < 6e-8 for step in steps)
        fits = [words for words, *wrongs in mistakes if any(self.is_near(w, found, True) for w in wrongs)]
        if fits and not cut_off:  # which may be a mistake's number, too
            return NOT_YET, " Or: ".join(fits)
        kinds = describe(found), describe(expected)
        if self.any_order:
            kinds = kinds[0], kinds[0] if was_read(found) else "a list of numbers"
        if kinds[0] != kinds[1]:
            call = " Call it, and hand over what it returns." * inspect.isroutine(answer)
            table = isinstance(answer, torch.nn.Embedding) and describe(answer.weight) == kinds[1]
            weight = " Hand over its `.weight`." * table
            more = "" if callable(self.otherwise) else self.otherwise
            return NOT_YET, f"Expected {kinds[1]}, found {kinds[0]}.{call}{weight} {more}"
        if close:
            return NOT_YET, f"Close, but not right when rounded to {self.decimals} decimals or more."
        words = said(self.otherwise, found.tolist() if isinstance(found, torch.Tensor) else found)
        if isinstance(expected, torch.Tensor) and expected.ndim and not self.any_order:
            words = f"The first place that differs is {first_place(found, expected)}. {words}"
        return NOT_YET, words

    def is_near(self, right, found, mistake=False):
        """What is allowed of the right answer does not explain what is far from a small wrong one, or from a whole one."""
        # with decimals asked for, an answer that is not rounded may come from a few steps in float32
        within = self.within or (2.5e-7 if self.decimals else 1e-5)
        within = min(within, abs(right) / 100 or within) if mistake and self.within else within
        within = 0.0 if is_whole(right) else within
        right, relative = read(right, self.any_order), self.within is None
        return distance(right, found, self.decimals, relative) <= within


@dataclass
class Judged:
    """Any answer: `judge(answer)` says what is wrong with it as it was read, or None if it is right."""

    judge: Callable
    why: str | Callable

    def reply(self, answer, mistakes, tell):
        found = read(answer)
        words = self.judge(found)
        return (NOT_YET, words) if words else (RIGHT, said(self.why, found))


@dataclass
class Function:
    """A function, tried on every input. So are wrong functions: what gives the same is this mistake.

    A wrong function that raises is known by the same error of the same operation on the same input. It may be
    written as an expression in the parameters' names, `"x * keep"`, in which `right` is the right function, or as
    what is changed in the right one, `{"unbiased": True}`.
    """

    right: Callable
    why: str | Callable
    inputs: list  # made by `given`
    otherwise: str | Callable = ""  # or a function of the number of the first input with another result
    within: float | None = None  # |a-b| / max(1, |b|); by default 0 for whole numbers, else 1e-5
    view: Callable | None = None  # view(result, *inputs): the part of a result that is compared
    trial: Callable | None = None  # trial(function): what a function lacks whose results are right, or None

    def __post_init__(self):
        results = [self.right(*copies(args), **copies(kwargs)) for args, kwargs in self.inputs]
        self.within = self.within or (0.0 if is_whole(results) else 1e-5)
        self.expected = list(map(self.compared, results, self.inputs))

    def reply(self, answer, mistakes, tell):
        if not callable(answer) or isinstance(answer, type):
            wanted = "a function, its name without brackets"
            return NOT_YET, f"Expected {wanted}; found {describe(answer)}."
        found, error, in_place = self.run(answer, tell)
        nothing = error is None and all(map(blank, found))
        if nothing or (isinstance(error, NotImplementedError) and not found):
            return UNANSWERED, "The function returns nothing yet: write it, and end it with `return`."
        gaps = map(distance, self.expected, found)
        differs = [i for i, gap in enumerate(gaps) if gap > self.within]
        for diagnosis, *wrongs in mistakes if differs or error is not None else ():
            if any(self.looks_like(wrong, found, error, differs) for wrong in wrongs):
                return NOT_YET, diagnosis
        if differs:
            words = contrast(found[differs[0]], self.expected[differs[0]], self.within)
            more = said(self.otherwise, differs[0])
            return NOT_YET, f"For {self.call_text(differs[0])} {words}. {more}"
        if error is not None:
            return NOT_YET, raised(error, self.call_text(len(found)))
        tell("one more input")
        # What a trial makes it raise is no finding: its conditions are not the exercise's.
        lacks, _ = attempt(self.trial, answer) if self.trial else (None, None)
        if lacks or in_place:
            return NOT_YET, lacks or IN_PLACE
        return RIGHT, said(self.why, found)

    def run(self, function, tell):
        """(what was read of its results, error, in_place): up to the first input on which it raises; if it changed one."""
        found, in_place = [], False
        for i, call in enumerate(self.inputs):
            tell(self.call_text(i))
            args, kwargs = copies(call)
            with Operation():
                result, error = attempt(function, *args, **kwargs)
                result, error = attempt(drawn, result) if error is None else (None, error)
            tell("")  # what takes long now is to read what came of it
            if error is not None:
                return found, error, in_place
            found.append(self.compared(result, call))  # before the next call, which may fill the same list
            in_place = in_place or not unchanged(call, (args, kwargs))
        return found, None, in_place

    def as_function(self, wrong):
        """A wrong function, also of one that is written as an expression or as a change of the right one."""
        if isinstance(wrong, dict):
            return partial(self.right, **wrong)
        if not isinstance(wrong, str):
            return wrong
        known = self.right.__globals__ | {"right": self.right}
        return eval(f"lambda {', '.join(self.arguments(0))}: {wrong}", known)

    def looks_like(self, wrong, found, error, differs):
        """Whether a wrong function gives what was found and, if that is right so far, the same error."""
        wrong = self.as_function(wrong)
        for i, call in enumerate(self.inputs[: len(found) + (not differs)]):
            args, kwargs = copies(call)
            noted = Operation() if i == len(found) else nullcontext()  # it slows each step of torch down
            try:
                # What torch thinks of a wrong function is not for the learner.
                with noted, warnings.catch_warnings(action="ignore"):
                    result = self.compared(wrong(*args, **kwargs), call)
            except NameError:
                raise  # the list itself has a slip
            except Exception as theirs:  # noqa: BLE001 (it may look up a row that this table lacks)
                return i == len(found) and same_error(theirs, error)
            if i == len(found) or distance(result, found[i]) > self.within:
                return False
        return True

    def compared(self, result, call):
        """What is compared of a result: all that was read of it, or what `view` leaves."""
        value = read(result)
        return self.view(value, *call[0]) if self.view and was_read(value) else value

    def arguments(self, i):
        """The i-th input by the parameters' names."""
        args, kwargs = self.inputs[i]
        return inspect.signature(self.right).bind(*args, **kwargs).arguments

    def call_text(self, i):
        """The i-th input as a text: `word='good', vocabulary=<30522 entries>`."""
        return ", ".join(f"{name}={short(value)}" for name, value in self.arguments(i).items())


class Operation(TorchFunctionMode):
    """Notes on an error which torch function raised it, and the shapes of what that was given."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        try:
            return func(*args, **(kwargs or {}))
        except Exception as error:
            shapes = sorted(list(value.shape) for value in args if isinstance(value, torch.Tensor))
            error.operation = func.__name__.strip("_"), shapes
            raise


def same_error(one, other):
    """Of one type, with the same numbers in it; if torch raised it, by the same operation on the same shapes."""
    operations = getattr(one, "operation", None), getattr(other, "operation", None)
    return type(one) is type(other) and operations[0] == operations[1] and same_message(one, other)


def given(*args, **kwargs):
    """One input of a function, written as the call is: `given(word, vocabulary)`."""
    return args, kwargs


def copies(value):
    """The value with every tensor, list and dict in it copied. Others need no copy."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if type(value) is dict:
        return {key: copies(item) for key, item in value.items()}
    return type(value)(map(copies, value)) if isinstance(value, list | tuple) else value


def unchanged(before, after):
    if isinstance(before, torch.Tensor):
        return before.shape == after.shape and torch.equal(before, after)
    if type(before) is dict:
        return before.keys() == after.keys() and all(unchanged(before[k], after[k]) for k in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    return before is after or before == after
