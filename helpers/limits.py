"""A call that is ended when it takes too long, whatever it does, and that leaves torch and the model as they were."""

import _thread
import json
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager, nullcontext, suppress

import torch

SECONDS = 5  # of computing
UNSAID = 97  # how a forked process ends that has come to its end and cannot say what it found
CLOCK = 4  # times as many by the clock, which a busy machine stretches and a sleeping call runs out
# Else a line on stderr for every process that is forked.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class TimeUp(BaseException):
    """Not an Exception, so that a learner's `except Exception` does not swallow it."""


class NoResultError(Exception):
    """The call gave no result: `args` are how it ended, in words, and what it told last."""


def limited(call):
    """What `call(tell)` returns, a list of texts; `tell(text)` says where it is. Raises NoResultError if it does not return.

    On Linux it runs in a process of its own: that can be ended inside one long step of C or a bare `except`, and
    what it damages is its own. Elsewhere forking is not safe, nor is it beside a GPU's threads.
    """
    return (in_a_process if forks() else in_this_thread)(call)


def forks():
    return sys.platform == "linux" and not torch.cuda.is_available()


def out_of_time(computing):
    limit = f"{SECONDS:g} seconds of computing" if computing else f"{CLOCK * SECONDS:g} seconds"
    return f"did not finish within {limit} and was stopped"


def in_a_process(call):
    """By os.fork: multiprocessing gives a daemonic process no children, and a kernel may be one (in a pool, in the tests)."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or what is waiting there is printed twice
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which nothing below needs
        process = os.fork()
    if not process:
        try:
            forked(call, writing)
        finally:
            os._exit(UNSAID)
    os.close(writing)
    overdue = []  # told before it ends: what reads may be quicker than a thread
    late = threading.Timer(CLOCK * SECONDS, lambda: (overdue.append(True), end(process)))
    late.start()
    try:
        with open(reading, encoding="utf-8") as pipe:
            lines = [json.loads(line) for line in pipe]
        if not (lines and isinstance(lines[-1], list)):  # it may have closed the pipe, and go on
            os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    finally:  # also when the user interrupts
        late.cancel()
        late.join()
        end(process)
        _, status = os.waitpid(process, 0)
    if lines and isinstance(lines[-1], list):
        return lines[-1]
    number = os.WTERMSIG(status)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    how = "closed files that are not its own" if status == UNSAID << 8 else "ended Python itself"
    how = out_of_time(not overdue) if overdue or number == signal.SIGPROF else how
    raise NoResultError(how, lines[-1] if lines else "")


def end(process):
    """End a forked process, and whatever it has started."""
    for kill in os.killpg, os.kill:  # it leads a group of its own, but not from its first moment
        with suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)


def forked(call, writing):
    """The forked process: what `call` tells and returns, a line of JSON each."""
    os.setsid()
    os.register_at_fork(after_in_child=lambda: os.close(writing))  # or the reader waits for that process, too
    for number in (signal.SIGPROF, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # the system ends it, not Python
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    torch.set_num_threads(1)  # the others stayed behind, and more would wait for them
    torch.set_num_threads = lambda count: None
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the tokenizer's, too, whatever the reader has set

    def tell(value):
        os.write(writing, (json.dumps(value) + "\n").encode())

    try:
        result = call(tell)
    except KeyboardInterrupt:
        signal.raise_signal(signal.SIGINT)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the answer may have exchanged or closed it
            stream.flush()
    tell(result)


def in_this_thread(call):
    """The way of Ctrl-C, which works on every system and also wakes a sleeping call.

    A second thread sends SIGINT to the main thread, whose handler tells it from the user's own, which is passed on.
    Outside the main thread there are no signals, so there `call` is not limited.
    """
    told = [""]
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is None:
        return call(told.append)
    finished = threading.Event()
    expired, over = "", False

    def handler(number, frame):
        if not expired:
            if callable(previous):
                previous(number, frame)
        elif not over:
            raise TimeUp

    def watch():
        nonlocal expired
        computing, clock = time.process_time() + SECONDS, time.monotonic() + CLOCK * SECONDS
        while not finished.wait(0.05):
            if time.process_time() < computing and time.monotonic() < clock:
                continue
            expired = expired or out_of_time(time.process_time() >= computing)
            # and again, for what catches everything
            computing, clock = time.process_time() + 0.5, time.monotonic() + 0.5
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            else:  # Windows
                _thread.interrupt_main()

    watcher = threading.Thread(target=watch, daemon=True)
    signal.signal(signal.SIGINT, handler)
    try:
        watcher.start()
        return call(told.append)
    except TimeUp:
        raise NoResultError(expired, told[-1]) from None
    finally:
        over = True  # first of all: from here on a late signal is ignored
        try:
            finished.set()
            watcher.join()
        finally:
            signal.signal(signal.SIGINT, previous)


@contextmanager
def as_it_was(model=None):
    """The model in eval mode and torch's switches as a new Python has them; afterwards all as before.

    Where a call is not forked and could have changed them, so are the numbers of the model's embedding layer and
    where prints go.
    """
    modes = [(module, module.training) for module in model.modules()] if model else []
    numbers = [] if model is None or forks() else list(model.embeddings.state_dict().values())
    kept = [value.clone() for value in numbers]
    dtype, streams = torch.get_default_dtype(), (sys.stdout, sys.stderr)
    # To name the device that it is already takes half of the time of a check.
    on_cpu = nullcontext() if torch.get_default_device() == torch.device("cpu") else torch.device("cpu")

    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.set_grad_enabled(True),
        on_cpu,
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        try:
            torch.set_default_dtype(torch.float32)
            for module, mode in modes:
                if mode:
                    module.training = False
            yield
        finally:
            sys.stdout, sys.stderr = streams  # where the reply goes
            for value, before in zip(numbers, kept, strict=True):
                value.copy_(before)
            torch.set_default_dtype(dtype)
            if torch.get_default_device().type != "cpu":
                torch.set_default_device(None)
            for module, mode in modes:
                if module.training != mode:
                    module.training = mode
