"""Compare models: weights, optimizer, configuration, predictions; say what differed."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from helpers import configuration


@dataclass(frozen=True)
class Comparison:
    """The answer of a comparison: true or false, and where it is false, what differed."""

    holds: bool
    difference: str = ""

    def __bool__(self) -> bool:
        return self.holds


@dataclass(frozen=True)
class Snapshot:
    """Copies of a model's tensors and configuration, which outlive the model.

    `optimizer` is None where there is none or it was never built; `configuration` is what
    `helpers.configuration.read` returns.
    """

    weights: list
    optimizer: list | None
    configuration: dict


def snapshot(model) -> Snapshot:
    """Copy a model's weights, its optimizer's variables and its configuration.

    Args:
        model: a Keras model; it may be uncompiled.

    Returns:
        A `Snapshot`: pairs of name and array. Its optimizer is None where the model has none
        or it was never built.

    Raises:
        TypeError: where ``model`` is no model.
    """
    if isinstance(model, Snapshot):
        return model
    return Snapshot(_weights(model), _optimizer(model), configuration.read(_model(model)))


def same_weights(one, other) -> Comparison:
    """Compare the weights of two models, in order, bit for bit.

    Args:
        one, other: Keras models or snapshots of such. Names may differ.

    Returns:
        A `Comparison`; where it is false, the first tensor that differs, its shape and the
        largest difference.
    """
    one, other = _weights(one), _weights(other)
    if not one:
        return Comparison(False, "the first model has no weights: it was never built")
    return _same_tensors(one, other)


def same_optimizer(one, other) -> Comparison:
    """Compare two models' optimizers: class, settings, and every variable bit for bit.

    The settings are those of its `get_config`, the learning rate as it is now included. The
    variables are the step count, the learning rate and the slots. The optimizer's name does
    not count.

    Args:
        one, other: compiled Keras models or snapshots of such.

    Returns:
        A `Comparison`; false, with that reason, where one of the two was never built.
    """
    for which, model in ("first", one), ("second", other):
        if _optimizer(model) is None:
            return Comparison(False, f"the {which} model's optimizer was never built")
    held = (snapshot(model).configuration for model in (one, other))
    if told := configuration.optimizer_difference(*held):
        return Comparison(False, f"the optimizers differ: {told}")
    return _same_tensors(_optimizer(one), _optimizer(other))


def same_configuration(one, other, names: bool = False) -> Comparison:
    """Compare what two models are besides their numbers.

    That is: the model's class; every layer's class and settings, in order; whether it is
    trainable, and its dtype policy; how the layers of a functional model are connected; and
    what was compiled: the optimizer's class and settings, loss, metrics, and the weights of
    losses and metrics. A loss is the same whether it was given as ``"mse"`` or as
    ``"mean_squared_error"``, a list the same as a tuple. What a layer learned or was adapted to
    (weights, statistics, vocabularies) is not looked at, but for a vocabulary in its settings.
    Nor is an argument that the `get_config` of a layer, loss or metric leaves out. Loss and
    metrics are those that the model uses: where a second `compile` says ``metrics=None``, Keras
    goes on with the old ones.

    Args:
        one, other: Keras models or snapshots of such.
        names: whether names count that Keras numbers by itself, such as ``dense_3``. Names
            that you gave count in any case.

    Returns:
        A `Comparison`; where it is false, the first layer or setting that differs, and its
        values.

    Raises:
        TypeError: where one of the two is no model.
    """
    held = [snapshot(model).configuration for model in (one, other)]
    told = configuration.difference(*held, names=names)
    return Comparison(not told, told)


def same_predictions(one, other, inputs=None, tolerance: float = 0.0) -> Comparison:
    """Compare what two models predict, from all the inputs in one batch.

    Outputs may be arrays, or dictionaries, lists and tuples of such: they are compared by name
    and by place. Strings are compared exactly, whatever the tolerance.

    Args:
        one, other: Keras models, other callables that take ``inputs``, or predictions made
            before, with ``predict_on_batch``: the last bits of a prediction can depend on the
            number of inputs in a batch.
        inputs: the inputs to predict from, first dimension the samples; needed unless both
            are predictions.
        tolerance: the largest difference allowed, in the unit of the output. 0 asks for the
            same bits.

    Returns:
        A `Comparison`; where it is false, the shape and the largest difference.

    Raises:
        ValueError: where there is nothing to compare (no inputs, an empty batch), or the
            tolerance is no finite number of 0 or more.
        TypeError: where one of the two is neither a model nor predictions, or returns something
            that is no array.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real):
        raise ValueError(f"tolerance={tolerance!r} was given; expected a number of 0 or more")
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance={tolerance!r} was given; expected a number of 0 or more")
    if any(len(np.shape(array)) and not len(array) for array in _leaves(inputs)):
        raise ValueError("same_predictions was given an empty batch; expected inputs")
    made = [dict(_outputs(_predict(source, inputs))) for source in (one, other)]
    if list(made[0]) != list(made[1]):
        return Comparison(False, f"the outputs are {list(made[0])} against {list(made[1])}")
    for array in (*made[0].values(), *made[1].values()):
        if array.size == 0:
            raise ValueError("same_predictions was given an empty batch; expected predictions")
    return _same_tensors(list(made[0].items()), list(made[1].items()), float(tolerance))


def _predict(source, inputs):
    if isinstance(source, (np.ndarray, np.generic, dict, list, tuple)):
        return source
    if not callable(source):
        raise TypeError(f"expected a model or predictions; {type(source).__name__} was given")
    if inputs is None:
        raise ValueError("same_predictions needs inputs unless both arguments are predictions")
    call = getattr(source, "predict_on_batch", source)
    return call(inputs)


def _leaves(value):
    """The arrays of a structure; none for None."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and not all(isinstance(v, Real) for v in value):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [] if value is None else [value]


def _outputs(value, name: str = "predictions"):
    """Pairs of a name and an array for every output, by name or place, in order."""
    if isinstance(value, dict):
        if not value:
            raise TypeError(f"{name} are an empty dictionary; expected arrays")
        for key in sorted(value, key=str):
            yield from _outputs(value[key], f"{name}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        if not value:
            raise TypeError(f"{name} are an empty {type(value).__name__}; expected arrays")
        for place, inner in enumerate(value):
            yield from _outputs(inner, f"{name}[{place}]")
    else:
        try:
            array = np.asarray(value)
        except Exception as cause:
            raise TypeError(
                f"{name} are of type {type(value).__name__}; expected an array"
            ) from cause
        if array.dtype == object and not all(isinstance(x, (bytes, str)) for x in array.flat):
            raise TypeError(f"{name} are of type {type(value).__name__}; expected an array")
        yield name, array


def _model(model):
    if not hasattr(model, "weights"):
        raise TypeError(
            f"expected a Keras model or a snapshot of one; {type(model).__name__} was given"
        )
    return model


def _weights(model) -> list:
    return model.weights if isinstance(model, Snapshot) else _copy(_model(model).weights)


def _optimizer(model) -> list | None:
    if isinstance(model, Snapshot):
        return model.optimizer
    optimizer = getattr(_model(model), "optimizer", None)
    built = getattr(optimizer, "built", getattr(optimizer, "_built", False))  # Keras 3, Keras 2
    return _copy(optimizer.variables) if built else None


def _copy(variables) -> list:
    names = [getattr(variable, "path", variable.name) for variable in variables]
    return [(n, np.array(v)) for n, v in zip(names, variables, strict=True)]


def _same_tensors(one: list, other: list, tolerance: float = 0.0) -> Comparison:
    if len(one) != len(other):
        return Comparison(False, f"{len(one)} tensors against {len(other)}")
    for (name, a), (_, b) in zip(one, other, strict=True):
        if a.shape != b.shape:
            return Comparison(False, f"{name} has shape {a.shape} against {b.shape}")
        strings = [array.dtype.kind in "OSU" for array in (a, b)]
        if a.dtype != b.dtype and not all(strings):
            return Comparison(False, f"{name} is {a.dtype} against {b.dtype}")
        if all(strings):
            same = a.tolist() == b.tolist()
        elif tolerance == 0.0 or a.dtype.kind == "b":
            same = a.tobytes() == b.tobytes()
        else:
            same = np.allclose(*_wide(a, b), rtol=0.0, atol=tolerance)
        if not same:
            return Comparison(False, f"{name}, shape {a.shape}, {_how_much(a, b)}")
    return Comparison(True)


def _how_much(a: np.ndarray, b: np.ndarray) -> str:
    if a.dtype.kind in "OSUb":
        return f"differs in {np.sum(a != b)} of {a.size} places"
    first, second = _wide(a, b)
    return f"differs by up to {np.max(np.abs(first - second)):.3g}"


def _wide(*arrays: np.ndarray) -> list[np.ndarray]:
    """Numbers of any kind, bfloat16 included, in double precision."""
    return [a.astype("complex128" if a.dtype.kind == "c" else "float64") for a in arrays]
