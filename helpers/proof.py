"""Claims that are executed: each prints a tick, or raises and says what differed."""

import contextlib
import ctypes
import functools
import io
import logging
import mmap
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from helpers.compare import (
    Comparison,
    Snapshot,
    same_configuration,
    same_optimizer,
    same_predictions,
    same_weights,
    snapshot,
)

__all__ = [
    "Comparison",
    "Snapshot",
    "check",
    "refuses",
    "same_configuration",
    "same_optimizer",
    "same_predictions",
    "same_weights",
    "silent",
    "snapshot",
    "warns",
]


def check(claim: str, holds) -> None:
    """Print ``✓ claim`` where it holds.

    Args:
        claim: a full sentence in the reader's language.
        holds: a bool (Python's or NumPy's) or a `Comparison`.

    Raises:
        AssertionError: where it does not hold, with the claim and the difference found.
        TypeError: where ``holds`` is neither, since a string or a list that is not empty would
            count as true.
    """
    if not isinstance(claim, str) or not claim.strip():
        raise TypeError(f"check was given the claim {claim!r}; expected a sentence")
    if not isinstance(holds, (bool, np.bool_, Comparison)):
        raise TypeError(
            f"check was given {type(holds).__name__} for {claim!r}; expected a bool or the "
            "result of same_weights, same_optimizer, same_configuration or same_predictions"
        )
    if not holds:
        difference = getattr(holds, "difference", "")
        raise AssertionError(f"✗ {claim}" + (f": {difference}" if difference else ""))
    print(f"✓ {claim}")


@contextlib.contextmanager
def refuses(error: type[BaseException], match: str):
    """Show that the block is refused, with this error and these words.

    Prints the error's type and ``match``, never the rest of the message, which changes with
    the version.

    Args:
        error: the type of the error that is expected.
        match: words that must stand in its message, as they are; white space counts as one
            blank.

    Raises:
        AssertionError: where nothing, another error, or other words were raised.
    """
    _expect_words("refuses", match)
    try:
        yield
    except error as raised:
        if _one_line(match) not in _one_line(raised):
            raise AssertionError(
                f"✗ expected {error.__name__} with the words {match!r}; its words were "
                f"{_one_line(raised)!r}"
            ) from raised
        _refused.append(raised)
        print(f"✓ refused: {type(raised).__name__}: … {match} …")
    except Exception as raised:
        raise AssertionError(
            f"✗ expected {error.__name__} with the words {match!r}; "
            f"{type(raised).__name__} was raised: {_one_line(raised)}"
        ) from raised
    else:
        raise AssertionError(
            f"✗ expected {error.__name__} with the words {match!r}; nothing was raised"
        )


_refused = []  # what `refuses` has met, for a `warns` around it


@contextlib.contextmanager
def warns(match: str, raised: bool = False):
    """Show that the block gives a warning with these words, and no error.

    The warning is kept off the page, where it would show paths; other warnings pass.

    Args:
        match: words that must stand in the warning, as they are.
        raised: True where an error follows the warning; a `refuses` around this block, or in
            it, shows which. Then the line that is printed does not say "only".

    Raises:
        AssertionError: where no such warning was given; where ``raised`` is False and a
            `refuses` in the block met an error; where it is True and there was no error.
            Errors of the block pass unchanged.
    """
    _expect_words("warns", match)
    before, error = len(_refused), None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except Exception as found:
            error = found
    found = [w for w in caught if _one_line(match) in _one_line(w.message)]
    for other in caught:
        if other not in found:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    failed = error or (_refused[-1] if len(_refused) > before else None)
    if error and not (raised and found):
        raise error
    if not found:
        given = [_one_line(w.message) for w in caught] or "none"
        raise AssertionError(f"✗ expected a warning with the words {match!r}; given: {given}")
    if raised != bool(failed):
        told = f"{type(failed).__name__} was raised too" if failed else "nothing was raised"
        raise AssertionError(f"✗ a warning with the words {match!r} was given, and {told}")
    kind = "a warning" if raised else "only a warning"
    print(f"✓ {kind}: {found[0].category.__name__}: … {match} …")
    if error:
        raise error


@contextlib.contextmanager
def silent():
    """Show that the block says nothing that a user would see.

    Listens for Python warnings (those that Python shows by default), for lines that absl,
    TensorFlow or Keras log at WARNING or above, in TensorFlow's C++ part too, and for
    everything on `sys.stderr` and file descriptor 2. The logs that `session` mutes are on
    inside the block. What is printed on `sys.stdout` stands on the page and is not looked at.
    TensorFlow's C++ log can be turned on from 2.21 on, and not on Windows; elsewhere it keeps
    the level that it was imported with.

    Raises:
        AssertionError: where something was said, with the channel and its first words. Errors
            of the block pass unchanged, and what was said before them goes to `sys.stderr`.
    """
    heard = []
    try:
        with _listening(heard):
            yield
    except BaseException:
        for _, text in heard:
            print(text, file=sys.stderr)
        raise
    if heard:
        channel, text = heard[0]
        raise AssertionError(f"✗ expected silence; {channel} said: {_one_line(text)[:300]}")
    print("✓ silent: no warning, no log line")


_LOGGERS = ("absl", "tensorflow", "keras", "tf_keras")
_UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


@contextlib.contextmanager
def _listening(heard: list):
    """Collect pairs of a channel and what it said, as a user without `session` would see it."""
    with contextlib.ExitStack() as stack:
        collected = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.resetwarnings()
        warnings.simplefilter("always")
        for category in _UNSEEN:
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("always", category=DeprecationWarning, module="__main__")
        for name in _LOGGERS:
            stack.enter_context(_logger_heard(logging.getLogger(name), heard))
        stack.enter_context(_cpp_log_from(1))  # WARNING
        standard = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        written = stack.enter_context(_file_descriptor_2())
        try:
            yield
        finally:
            heard.extend(("a warning", f"{w.category.__name__}: {w.message}") for w in collected)
            if text := standard.getvalue():
                heard.append(("sys.stderr", text))
            if text := written():
                heard.append(("file descriptor 2", text))


@contextlib.contextmanager
def _logger_heard(logger: logging.Logger, heard: list):
    """Turn a logger on at WARNING, and collect what it and those below it log."""

    class Listener(logging.Handler):
        def emit(self, record):
            heard.append((f"the log of {record.name}", record.getMessage()))

    names = ("level", "disabled", "propagate", "handlers")
    before = {name: getattr(logger, name) for name in names}
    logger.setLevel(logging.WARNING)
    logger.disabled, logger.propagate, logger.handlers = False, False, [Listener()]
    try:
        yield
    finally:
        logger.setLevel(before.pop("level"))
        vars(logger).update(before)


@contextlib.contextmanager
def _file_descriptor_2():
    """Collect what is written to file descriptor 2; yields a function that returns it."""
    sys.__stderr__.flush()
    with tempfile.TemporaryFile() as collected:
        saved = os.dup(2)
        os.dup2(collected.fileno(), 2)

        def written() -> str:
            sys.__stderr__.flush()
            collected.seek(0)
            return collected.read().decode(errors="replace")

        try:
            yield written
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def _cpp_log_from(level: int):
    """Let TensorFlow's C++ log write from a level on: 0 INFO, 1 WARNING, 2 ERROR, 3 FATAL."""
    set_level = _cpp_log_level() if "tensorflow" in sys.modules else None
    if set_level is None:
        yield
        return
    set_level(level)
    try:
        yield
    finally:
        set_level(int(os.environ.get("TF_CPP_MIN_LOG_LEVEL") or 0))


@functools.cache
def _cpp_log_level():
    """The C++ function `absl::SetMinLogLevel` in TensorFlow's library; None without one.

    TF_CPP_MIN_LOG_LEVEL is read once, before the first line. The name of the function holds
    the version of absl, so it is looked up in the library's table of names.
    """
    folder = Path(sys.modules["tensorflow"].__file__).parent
    for library in sorted(folder.glob("libtensorflow_framework.*")):
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as m:
            name = re.search(rb"_ZN4absl\w*14SetMinLogLevelENS0_18LogSeverityAtLeastE", m)
            if name:
                return getattr(ctypes.CDLL(str(library)), name[0].decode(), None)
    return None


def _expect_words(function: str, match) -> None:
    if not isinstance(match, str) or not match.strip():
        raise TypeError(f"{function} was given match={match!r}; expected words of the message")


def _one_line(message) -> str:
    return " ".join(str(message).split())
