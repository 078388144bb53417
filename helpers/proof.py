"""Claims that are executed: each prints a tick, or raises and says what differed."""

import contextlib
import warnings
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Comparison:
    """The answer of a comparison: true or false, and where it is false, what differed."""

    holds: bool
    difference: str = ""

    def __bool__(self) -> bool:
        return self.holds


def check(claim: str, holds) -> None:
    """Print ``✓ claim`` where it holds.

    Args:
        claim: a full sentence in the reader's language.
        holds: a bool (Python's or NumPy's) or a `Comparison`.

    Raises:
        AssertionError: where it does not hold, with the claim and the difference found.
        TypeError: where ``holds`` is neither, since a string or a list would always count as
            true.
    """
    if not isinstance(claim, str) or not claim.strip():
        raise TypeError(f"check was given the claim {claim!r}; expected a sentence")
    if not isinstance(holds, (bool, np.bool_, Comparison)):
        raise TypeError(
            f"check was given {type(holds).__name__} for {claim!r}; expected a bool or the "
            "result of same_weights, same_optimizer or same_predictions"
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


@contextlib.contextmanager
def warns(match: str):
    """Show that the block gives no more than a warning with these words.

    The warning is kept off the page, where it would show paths; other warnings pass.

    Args:
        match: words that must stand in the warning, as they are.

    Raises:
        AssertionError: where no such warning was given. Errors of the block pass unchanged.
    """
    _expect_words("warns", match)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    found = [w for w in caught if _one_line(match) in _one_line(w.message)]
    for other in caught:
        if other not in found:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    if not found:
        given = [_one_line(w.message) for w in caught] or "none"
        raise AssertionError(f"✗ expected a warning with the words {match!r}; given: {given}")
    print(f"✓ only a warning: {found[0].category.__name__}: … {match} …")


@dataclass(frozen=True)
class Snapshot:
    """Copies of a model's tensors, which outlive the model. `optimizer` is None if unbuilt."""

    weights: list
    optimizer: list | None


def snapshot(model) -> Snapshot:
    """Copy a model's weights and its optimizer's variables, to compare with later.

    Args:
        model: a Keras model; it may be uncompiled.

    Returns:
        A `Snapshot`: pairs of name and array. Its optimizer is None where the model has none
        or it was never built.
    """
    if isinstance(model, Snapshot):
        return model
    if not hasattr(model, "weights"):
        raise TypeError(
            f"expected a Keras model or a snapshot of one; {type(model).__name__} was given"
        )
    optimizer = getattr(model, "optimizer", None)
    built = getattr(optimizer, "built", getattr(optimizer, "_built", False))  # Keras 3, Keras 2
    return Snapshot(
        weights=_copy(model.weights),
        optimizer=_copy(optimizer.variables) if built else None,
    )


def same_weights(one, other) -> Comparison:
    """Compare the weights of two models, in order, bit for bit.

    Args:
        one, other: Keras models or snapshots of such. Names may differ.

    Returns:
        A `Comparison`; where it is false, the first tensor that differs, its shape and the
        largest difference.
    """
    one, other = snapshot(one), snapshot(other)
    if not one.weights:
        return Comparison(False, "the first model has no weights: it was never built")
    return _same_tensors(one.weights, other.weights)


def same_optimizer(one, other) -> Comparison:
    """Compare every variable of two models' optimizers, the step count included, bit for bit.

    Args:
        one, other: compiled Keras models or snapshots of such.

    Returns:
        A `Comparison`; false, with that reason, where one of the two was never built.
    """
    one, other = snapshot(one), snapshot(other)
    for which, state in ("first", one.optimizer), ("second", other.optimizer):
        if state is None:
            return Comparison(False, f"the {which} model's optimizer was never built")
    return _same_tensors(one.optimizer, other.optimizer)


def same_predictions(one, other, inputs=None, tolerance: float = 0.0) -> Comparison:
    """Compare what two models predict, from all the inputs in one batch.

    Args:
        one, other: Keras models, other callables that take ``inputs``, or arrays of
            predictions made before, with ``predict_on_batch``: the last bits of a prediction
            can depend on the number of inputs in a batch.
        inputs: the inputs to predict from, first dimension the samples; needed unless both
            are arrays.
        tolerance: the largest difference allowed, in the unit of the output. 0 asks for the
            same bits.

    Returns:
        A `Comparison`; where it is false, the shape and the largest difference.
    """
    arrays = [("predictions", _predict(source, inputs)) for source in (one, other)]
    return _same_tensors(arrays[:1], arrays[1:], tolerance)


def _predict(source, inputs) -> np.ndarray:
    if isinstance(source, np.ndarray):
        return source
    if not callable(source):
        raise TypeError(f"expected a model or an array; {type(source).__name__} was given")
    if inputs is None:
        raise ValueError("same_predictions needs inputs unless both arguments are arrays")
    if hasattr(source, "predict_on_batch"):
        return np.asarray(source.predict_on_batch(inputs))
    return np.asarray(source(inputs))


def _copy(variables) -> list:
    names = [getattr(variable, "path", variable.name) for variable in variables]
    return [(n, np.array(v)) for n, v in zip(names, variables, strict=True)]


def _same_tensors(one: list, other: list, tolerance: float = 0.0) -> Comparison:
    if len(one) != len(other):
        return Comparison(False, f"{len(one)} tensors against {len(other)}")
    for (name, a), (_, b) in zip(one, other, strict=True):
        if a.shape != b.shape:
            return Comparison(False, f"{name} has shape {a.shape} against {b.shape}")
        if a.dtype != b.dtype:
            return Comparison(False, f"{name} is {a.dtype} against {b.dtype}")
        if tolerance == 0.0:
            same = a.tobytes() == b.tobytes()
        else:
            same = np.allclose(a, b, rtol=0.0, atol=tolerance)
        if not same:
            largest = np.max(np.abs(a.astype("float64") - b.astype("float64")))
            return Comparison(False, f"{name}, shape {a.shape}, differs by up to {largest:.3g}")
    return Comparison(True)


def _expect_words(function: str, match) -> None:
    if not isinstance(match, str) or not match.strip():
        raise TypeError(f"{function} was given match={match!r}; expected words of the message")


def _one_line(message) -> str:
    return " ".join(str(message).split())
