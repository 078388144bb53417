"""What a model is besides its numbers: layers, flags, policies, and what was compiled."""

import importlib
import re

import numpy as np

# What Keras notes about building and sharing tells nothing about how a layer was configured.
_LEFT_OUT = ("build_config", "compile_config", "shared_object_id")


def read(model) -> dict:
    """Copy the configuration of a model, so that it outlives the model.

    Args:
        model: a model of Keras 3 or of `tf_keras`, built or not, compiled or not.

    Returns:
        A dictionary of plain values with four keys: ``model`` (class, name, settings),
        ``layers`` (a list, nested models and their layers included: class, name, settings,
        trainable, dtype policy), ``connections`` (those of a functional model) and
        ``compiled`` (optimizer, loss, metrics, their weights), which is None where the model
        was not compiled. A layer without a `get_config` has None for its settings.
    """
    layers = _layers(model)[1:]
    return {
        "model": _layer(model),
        "layers": [_layer(layer) for layer in layers],
        "connections": [_connections(inner) for inner in (model, *layers)],
        "compiled": _compiled(model),
    }


def difference(one: dict, other: dict, names: bool = False) -> str:
    """Say where two configurations differ first, and with what values.

    Args:
        one, other: what `read` returned.
        names: whether names count that Keras numbers by itself, such as ``dense_3``. Names
            that somebody gave count in any case.

    Returns:
        A sentence without its full stop; an empty string where they are the same.
    """
    if not names:
        one, other = _without_numbers(one), _without_numbers(other)
    kinds = [[layer["class"] for layer in held["layers"]] for held in (one, other)]
    if len(kinds[0]) != len(kinds[1]):
        return f"{len(kinds[0])} layers against {len(kinds[1])}: {kinds[0]} against {kinds[1]}"
    for number, (a, b) in enumerate(zip(one["layers"], other["layers"], strict=True), 1):
        if found := _differs(a, b):
            return f"layer {number} ({a['name']!r}, {a['class']}): {found}"
    for part, told in ("model", "model"), ("compiled", "compile"), ("connections", "connections"):
        if found := _differs(one[part], other[part]):
            return f"{told}: {found}"
    return ""


def optimizer_difference(one: dict, other: dict) -> str:
    """Say where the optimizers of two configurations differ first, as `difference` does."""
    held = ((c["compiled"] or {}).get("optimizer") for c in (one, other))
    return _differs(*map(_without_numbers, held))


# Reading


def _layers(layer, seen=None) -> list:
    """A model and every layer below it, each once and before those in it; no metrics."""
    seen = set() if seen is None else seen
    if id(layer) in seen or hasattr(layer, "update_state"):  # a metric of Keras 2 is a layer
        return []
    seen.add(id(layer))
    inner = layer._flatten_layers(include_self=False, recursive=False)
    return [layer, *(found for below in inner for found in _layers(below, seen))]


def _layer(layer) -> dict:
    settings = _settings(layer)
    if settings is not None:  # layers have entries of their own
        settings = {k: v for k, v in settings.items() if not _holds_layers(layer, k)}
    policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
    return {
        "class": type(layer).__name__,
        "name": layer.name,
        "trainable": bool(layer.trainable),
        "dtype policy": getattr(policy, "name", None),
        "settings": settings,
    }


def _holds_layers(layer, key: str) -> bool:
    return hasattr(layer, "layers") and key in ("layers", "input_layers", "output_layers")


def _connections(model) -> dict | None:
    """Which layer of a functional model gets its input from where; None for any other."""
    settings = _settings(model) if hasattr(model, "layers") else None
    if not settings or "input_layers" not in settings:
        return None
    layers = [
        {"class": c["class_name"], "name": c["config"]["name"], "from": c.get("inbound_nodes")}
        for c in settings["layers"]
    ]
    inputs, outputs = settings["input_layers"], settings["output_layers"]
    return {"layers": layers, "inputs": inputs, "outputs": outputs}


def _settings(thing) -> dict | None:
    """A layer's, an optimizer's, a loss's own `get_config`; None where it has none."""
    try:
        return _plain(thing.get_config())
    except (NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def _plain(value):
    """Anything that a config holds, as values that can be compared, without addresses."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items() if k not in _LEFT_OUT}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return repr(value)
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": _settings(value)}
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    try:
        array = np.asarray(value)
    except Exception:
        array = np.asarray(None)
    return type(value).__name__ if array.dtype == object else array.tolist()


def _compiled(model) -> dict | None:
    """What `compile` was given, as the model uses it now."""
    if not getattr(model, "compiled", getattr(model, "_is_compiled", False)):
        return None
    optimizer = getattr(model, "optimizer", None)
    loss = getattr(model, "_compile_loss", None) or getattr(model, "compiled_loss", None)
    metrics = getattr(model, "_compile_metrics", None) or getattr(model, "compiled_metrics", None)
    given = getattr(loss, "_user_loss", getattr(loss, "_user_losses", None))  # Keras 3, Keras 2
    return {
        "optimizer": {
            "class": type(optimizer).__name__,
            "name": getattr(optimizer, "name", None),
            "settings": _settings(optimizer),
        },
        "loss": _named(given, "losses", model),
        "weights of losses": _plain(getattr(loss, "_user_loss_weights", None)),
        "metrics": _named(getattr(metrics, "_user_metrics", None), "metrics", model),
        "weighted metrics": _named(
            getattr(metrics, "_user_weighted_metrics", None), "metrics", model
        ),
    }


def _named(given, kind: str, model):
    """A loss or metric, however it was given: 'mse' is what `mean_squared_error` is."""
    if isinstance(given, dict):
        return {str(k): _named(v, kind, model) for k, v in given.items()}
    if isinstance(given, (list, tuple)):
        if len(given) == 1 and isinstance(given[0], (list, tuple)):
            given = given[0]  # a list for each output, and there is one output
        return [_named(v, kind, model) for v in given]
    if isinstance(given, str):
        keras_2 = any(base.__module__.startswith("tf_keras.") for base in type(model).__mro__)
        keras = importlib.import_module("tf_keras" if keras_2 else "keras")
        try:
            given = getattr(keras, kind).get(given)
        except ValueError:  # 'accuracy' is resolved by the shapes of a model
            return given
    return _plain(given)


# Comparing


def _without_numbers(value):
    """Replace the names that Keras made by what they are made of, wherever a name stands."""
    if isinstance(value, list):
        return [_without_numbers(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "connections" in value:
        value = value | {"connections": [c and _by_place(c) for c in value["connections"]]}
    value = {k: _without_numbers(v) for k, v in value.items()}
    if isinstance(value.get("name"), str) and "class" in value:
        name = _unnumbered(value["class"], value["name"])
        settings = value.get("settings")
        return value | {"name": name, "settings": settings and settings | {"name": name}}
    config = value.get("config")
    if isinstance(config, dict) and isinstance(config.get("name"), str) and "class_name" in value:
        name = _unnumbered(str(value["class_name"]), config["name"])
        return value | {"config": config | {"name": name}}
    return value


def _by_place(connections: dict) -> dict:
    """Connections in which a layer is named by its place, if Keras made its name."""
    places = {
        layer["name"]: f"layer {number}"
        for number, layer in enumerate(connections["layers"], 1)
        if _unnumbered(layer["class"], layer["name"]) != layer["name"]
        or _snake(layer["class"]) == layer["name"]
    }

    def replaced(value):
        if isinstance(value, dict):
            return {k: replaced(v) for k, v in value.items()}
        if isinstance(value, list):
            return [replaced(v) for v in value]
        return places.get(value, value) if isinstance(value, str) else value

    return {key: replaced(held) for key, held in connections.items()}


def _unnumbered(kind: str, name: str) -> str:
    """``dense_3`` of a Dense is ``dense``; a name that somebody gave stays."""
    made = _snake(kind)
    if kind == "InputLayer":
        return made if re.fullmatch(r"input(_layer)?(_\d+)?|\w+_input", name) else name
    found = re.fullmatch(rf"((?:forward_|backward_)?{re.escape(made)})(_\d+)?", name)
    return found[1] if found else name


def _snake(kind: str) -> str:
    """The name that Keras makes of a class: ``BatchNormalization`` -> ``batch_normalization``."""
    kind = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", kind).lower()


def _differs(one, other, path: str = "") -> str:
    """The first place where two plain values differ: ``rate is 0.2 against 0.5``."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            inner = f"{path}{key}"
            if key not in one or key not in other:
                return f"{inner} is not there in the {'second' if key in one else 'first'}"
            step = path if key in ("settings", "config") else f"{inner}."
            if found := _differs(one[key], other[key], step):
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            if found := _differs(a, b, f"{path.rstrip('.')}[{place}]."):
                return found
        return ""
    if type(one) is type(other) and one == other:
        return ""
    return f"{path.rstrip('.') or 'it'} is {_short(one)} against {_short(other)}"


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
