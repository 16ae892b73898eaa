"""Texts as one line each, and an error as one."""

import sys


def say(text):
    """Print one line; a sign that this terminal does not have becomes a question mark."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(one_line(text).encode(encoding, "replace").decode(encoding))


def one_line(text):
    """This text as one line: line ends and what is no character are written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def short_text(text, limit=80):
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 4 :]}"


def error_line(error):
    try:
        message = short_text(str(error), 160)
    except Exception:  # noqa: BLE001 (a learner's __str__)
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
