"""`helpers.proof`: a claim that does not hold must never print a tick."""

import contextlib
import logging
import os
import sys
import types
import warnings

import absl.logging
import numpy as np
import pytest

from helpers import proof
from helpers.proof import Comparison, check, refuses, silent, warns

# check


@pytest.mark.parametrize("holds", [True, np.True_, Comparison(True)])
def test_a_claim_that_holds_prints_a_tick(holds, capsys):
    check("the file is there", holds)
    assert capsys.readouterr().out == "✓ the file is there\n"


@pytest.mark.parametrize("holds", [False, np.False_, Comparison(False)])
def test_a_claim_that_does_not_hold_raises_and_prints_no_tick(holds, capsys):
    with pytest.raises(AssertionError) as raised:
        check("the file is there", holds)
    assert str(raised.value) == "✗ the file is there"
    assert capsys.readouterr().out == ""


def test_a_failing_claim_says_what_differed():
    with pytest.raises(AssertionError, match="✗ they are equal: kernel has shape"):
        check("they are equal", Comparison(False, "kernel has shape (2,) against (3,)"))


@pytest.mark.parametrize("holds", ["False", [False], None, 0, 1, np.array([True]), 0.0])
def test_what_is_no_truth_value_is_refused_since_a_string_would_always_count_as_true(holds):
    with pytest.raises(TypeError, match=f"given {type(holds).__name__} for 'a claim'"):
        check("a claim", holds)


@pytest.mark.parametrize("claim", ["", "  \n", None, True])
def test_a_claim_without_words_is_refused(claim):
    with pytest.raises(TypeError, match="expected a sentence"):
        check(claim, True)


# refuses


def test_a_refusal_prints_its_type_and_the_words_but_not_the_rest(capsys):
    with refuses(ValueError, "must end in"):
        raise ValueError("The filename must end\n  in `.weights.h5`. Received: /tmp/x")
    assert capsys.readouterr().out == "✓ refused: ValueError: … must end in …\n"


def test_a_subclass_is_shown_under_its_own_name(capsys):
    with refuses(OSError, "no such"):
        raise FileNotFoundError("no such file")
    assert "FileNotFoundError" in capsys.readouterr().out


def test_nothing_raised_is_no_refusal(capsys):
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        pass
    expected = "✗ expected ValueError with the words 'must end in'; nothing was raised"
    assert str(raised.value) == expected
    assert capsys.readouterr().out == ""


def test_another_error_is_no_refusal_and_is_named():
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        raise KeyError("x")
    assert "with the words 'must end in'; KeyError was raised: 'x'" in str(raised.value)


def test_other_words_are_no_refusal_and_are_shown():
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        raise ValueError("file not found")
    assert "its words were 'file not found'" in str(raised.value)


def test_words_are_looked_for_as_they_are_not_as_a_pattern():
    with pytest.raises(AssertionError), refuses(ValueError, "a.c"):
        raise ValueError("abc")


@pytest.mark.parametrize("match", ["", " ", None])
def test_a_refusal_without_words_would_accept_any_message(match):
    with pytest.raises(TypeError, match="refuses was given match="), refuses(ValueError, match):
        raise ValueError("anything")


# warns


def test_a_warning_is_shown_by_type_and_words_and_kept_off_stderr(capsys):
    with warnings.catch_warnings(record=True) as passed, warns("Skipping variable"):
        warnings.warn("Skipping  variable loading", stacklevel=1)
    assert passed == []
    assert capsys.readouterr().out == "✓ only a warning: UserWarning: … Skipping variable …\n"


def test_a_warning_shown_once_before_is_caught_again(capsys):
    for _ in range(2):
        with warns("once"):
            warnings.warn("once", stacklevel=1)
    assert capsys.readouterr().out.count("✓") == 2


def test_no_warning_is_a_failure():
    with pytest.raises(AssertionError) as raised, warns("Skipping variable"):
        pass
    assert "✗ expected a warning with the words 'Skipping variable'; given: none" in str(
        raised.value
    )


@pytest.mark.filterwarnings("ignore:something else")
def test_another_warning_is_a_failure_and_is_shown():
    with pytest.raises(AssertionError) as raised, warns("Skipping variable"):
        warnings.warn("something else", stacklevel=1)
    assert "given: ['something else']" in str(raised.value)


def test_other_warnings_reach_the_reader():
    with pytest.warns(UserWarning, match="something else"), warns("Skipping"):
        warnings.warn("Skipping", stacklevel=1)
        warnings.warn("something else", stacklevel=1)


def test_an_error_in_the_block_is_not_taken_for_a_warning(capsys):
    with pytest.raises(ValueError, match="broken"), warns("Skipping"):
        warnings.warn("Skipping", stacklevel=1)
        raise ValueError("broken")
    assert capsys.readouterr().out == ""


def test_a_warning_beside_a_refusal_is_not_called_only_a_warning(capsys):
    told = "was given, and TypeError was raised too"
    with (
        pytest.raises(AssertionError, match=told),
        warns("Skipping"),
        refuses(TypeError, "string indices"),
    ):
        warnings.warn("Skipping", stacklevel=1)
        raise TypeError("string indices must be integers")
    assert "only a warning" not in capsys.readouterr().out


@pytest.mark.parametrize("order", ["around", "inside"])
def test_a_warning_before_an_error_is_told_as_such(order, capsys):
    blocks = [warns("Skipping", raised=True), refuses(TypeError, "string indices")]
    first, second = blocks if order == "around" else blocks[::-1]
    with first, second:
        warnings.warn("Skipping", stacklevel=1)
        raise TypeError("string indices must be integers")
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines[0] == "✓ a warning: UserWarning: … Skipping …"
    assert lines[1].startswith("✓ refused: TypeError")


def test_a_warning_said_to_come_before_an_error_needs_the_error(capsys):
    told = "was given, and nothing was raised"
    with pytest.raises(AssertionError, match=told), warns("Skipping", raised=True):
        warnings.warn("Skipping", stacklevel=1)
    assert capsys.readouterr().out == ""


def test_a_warning_without_words_would_accept_any():
    with pytest.raises(TypeError, match="warns was given match="), warns(""):
        pass


# silent


SPEAKS = {
    "a warning said: UserWarning: words": lambda: warnings.warn("words", stacklevel=1),
    "the log of absl said: words": lambda: absl.logging.warning("words"),
    "the log of tensorflow said: words": lambda: logging.getLogger("tensorflow").warning("words"),
    "the log of keras said: words": lambda: logging.getLogger("keras").warning("words"),
    "the log of keras.src.saving said: words": lambda: logging.getLogger(
        "keras.src.saving"
    ).warning("words"),
    "the log of tf_keras said: words": lambda: logging.getLogger("tf_keras").error("words"),
    "sys.stderr said: words": lambda: print("words", file=sys.stderr),
    "file descriptor 2 said: words": lambda: os.write(2, b"words"),
}


def test_a_block_that_says_nothing_is_silent(capsys):
    with silent():
        print("what stands on the page is no noise")
        logging.getLogger("keras").info("users do not see this")
        warnings.warn("nor this", DeprecationWarning, stacklevel=2)
    assert capsys.readouterr().out.endswith("✓ silent: no warning, no log line\n")


@pytest.mark.parametrize("heard", SPEAKS)
def test_a_line_in_any_channel_breaks_the_silence_though_the_session_muted_it(heard, keras, capfd):
    with pytest.raises(AssertionError) as raised, silent():
        SPEAKS[heard]()
    assert str(raised.value) == f"✗ expected silence; {heard}"
    assert capfd.readouterr() == ("", ""), "the line is on the page, or a tick"


def test_tensorflows_cpp_log_is_heard_in_the_block_and_muted_again_after_it(keras, tmp_path, capfd):
    import tensorflow as tf

    if os.name != "posix" or tf.__version__.startswith("2.20."):
        pytest.skip("here TensorFlow's C++ log keeps the level that it was imported with")

    def log():
        with contextlib.suppress(tf.errors.OpError):
            tf.compat.v1.train.NewCheckpointReader(str(tmp_path))

    told = r"file descriptor 2 said: .*Could not open"
    with pytest.raises(AssertionError, match=told), silent():
        log()
    log()
    assert capfd.readouterr().err == ""


def test_a_warning_that_was_shown_once_breaks_the_silence_a_second_time():
    for _ in range(2):
        with pytest.raises(AssertionError, match="a warning said"), silent():
            warnings.warn("once", stacklevel=1)


def test_the_logs_are_as_muted_after_the_block_as_before(keras, capfd):
    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow", "keras")]
    before = [(log.level, log.propagate, list(log.handlers), log.disabled) for log in loggers]
    filters = list(warnings.filters)
    with silent():
        pass
    after = [(log.level, log.propagate, list(log.handlers), log.disabled) for log in loggers]
    assert after == before
    assert warnings.filters == filters
    absl.logging.warning("muted")
    assert capfd.readouterr().err == ""


def test_an_error_in_the_block_is_raised_with_what_was_said_before_it(capsys):
    with pytest.raises(ValueError, match="broken"), silent():
        warnings.warn("a hint", stacklevel=1)
        raise ValueError("broken")
    said = capsys.readouterr()
    assert "a hint" in said.err
    assert said.out == ""


def test_every_public_function_of_the_module_is_tested_here():
    public = {
        name
        for name, held in vars(proof).items()
        if not name.startswith("_")
        and isinstance(held, types.FunctionType)
        and held.__module__ == proof.__name__
    }
    assert public <= set(globals()), public - set(globals())
