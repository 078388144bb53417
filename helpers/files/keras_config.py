"""What the configuration of a Keras model tells: layers, inputs, what was compiled, own classes."""

import math
import re
from collections import Counter

from helpers.files import keras_2

VOCABULARY = ("StringLookup", "IntegerLookup", "TextVectorization")
LARGEST_DEPTH = 200


def facts(config: dict, training: dict, tensors: list) -> dict:
    """Tell in words what a person wants to know first.

    Args:
        config: the architecture: ``class_name`` and ``config``.
        training: what was compiled; empty where nothing was.
        tensors: the stored tensors, of which those outside the optimizer are counted.

    Returns:
        Name -> text, in the order to show it.
    """
    held = list(layers(config))
    kinds = Counter(str(layer.get("class_name")) for layer in held)
    weights = [t for t in tensors if not t.name.startswith(("optimizer", "_optimizer"))]
    told = {
        "inputs": _named(config, "input_layers", held),
        "outputs": _named(config, "output_layers", held),
        "layers": f"{len(held)}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()),
        "parameters": f"{sum(math.prod(t.shape) for t in weights):,}" if weights else "",
        "your own classes": ", ".join(own_classes([config, training])),
        "loss": _short(training.get("loss")),
        "metrics": _short(training.get("metrics")),
        "optimizer": _short(training.get("optimizer") or training.get("optimizer_config")),
        "dtype policy": ", ".join(sorted(_policies(held) - {"float32"})),
        "vocabularies": ", ".join(
            f"{layer['class_name']} {layer['config'].get('name', '')!r}"
            for layer in held
            if layer.get("class_name") in VOCABULARY
        ),
    }
    return {name: text for name, text in told.items() if text}


def layers(config, depth: int = 0):
    """Every layer of a model's configuration, in order; models in it are gone through."""
    inner = config.get("config") if isinstance(config, dict) else None
    listed = inner.get("layers") if isinstance(inner, dict) else inner
    for layer in listed if isinstance(listed, list) and depth < LARGEST_DEPTH else ():
        if not isinstance(layer, dict):
            continue
        held = layer.get("config")
        if isinstance(held, list) or (isinstance(held, dict) and "layers" in held):
            yield from layers(layer, depth + 1)
        else:
            yield {**layer, "config": held if isinstance(held, dict) else {}}


def walk(value, depth: int = 0):
    """Every dictionary in a configuration."""
    if depth > LARGEST_DEPTH:
        return
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield from walk(inner, depth + 1)


def own_classes(config) -> list[str]:
    """The classes and functions that the reader has to lend: neither Keras' nor Python's."""
    found = set()
    for held in walk(config):
        name, module = held.get("class_name"), held.get("module")
        if not isinstance(name, str) or not isinstance(held.get("config"), (dict, list)):
            continue
        if name.startswith("__"):  # a tensor, a tuple, and the like
            continue
        if "module" in held:
            if str(module).partition(".")[0] not in ("keras", "tf_keras", "builtins"):
                found.add(name.rpartition(">")[2])
        elif (name := name.rpartition(">")[2]) not in keras_2.CLASSES:  # "Custom>Adam" is Adam
            found.add(name)
    return sorted(found)


def holds_lambda(config) -> bool:
    """Whether Python code is in it."""
    return any(
        held.get("class_name") == "__lambda__" or held.get("function_type") == "lambda"
        for held in walk(config)
    )


def _named(config, key: str, held: list) -> str:
    inner = config.get("config")
    names = _names(inner.get(key)) if isinstance(inner, dict) else []
    by_name = {layer["config"].get("name"): layer for layer in held}
    if not names and held:
        names = [held[0 if key == "input_layers" else -1]["config"].get("name")]
    told = []
    for name in names:
        layer = by_name.get(name, {"config": {}})
        shape = next((v for k, v in layer["config"].items() if k in _SHAPES), None)
        words = [str(name)]
        if isinstance(shape, (list, tuple)):
            words.append("(" + ", ".join(str(n) for n in shape) + ")")
        if key == "output_layers":
            units = layer["config"].get("units", layer["config"].get("filters"))
            words.append(f"{layer.get('class_name', 'layer')}" + (f" of {units}" if units else ""))
        elif isinstance(layer["config"].get("dtype"), str):
            words.append(layer["config"]["dtype"])
        told.append(" ".join(words))
    return "; ".join(told)


_SHAPES = ("batch_shape", "batch_input_shape")


def _names(listed) -> list[str]:
    """The layers' names in ``[["a", 0, 0], ...]``, in ``["a", 0, 0]``, or by name in a dict."""
    if isinstance(listed, dict):
        listed = list(listed.values())
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return [listed[0]]
    found = (
        [name for part in listed if isinstance(part, list) for name in _names(part)]
        if (isinstance(listed, list))
        else []
    )
    return found


def _policies(held: list) -> set[str]:
    found = set()
    for layer in held:
        dtype = layer["config"].get("dtype")
        if isinstance(dtype, dict):
            dtype = (dtype.get("config") or {}).get("name")
        if isinstance(dtype, str):
            found.add(dtype)
    return found


def _short(given) -> str:
    """A loss, a list of metrics, an optimizer, by name."""
    if isinstance(given, str):
        return given
    if isinstance(given, dict):
        name = given.get("class_name")
        if name == "function":
            return _short(given.get("config"))
        if isinstance(name, str):
            rate = (given.get("config") or {}).get("learning_rate")
            return name + (f", learning rate {rate:g}" if isinstance(rate, float) else "")
        return ", ".join(f"{k}: {_short(v)}" for k, v in given.items() if v)
    if isinstance(given, list):
        return ", ".join(filter(None, map(_short, given)))
    return ""


def origin(version) -> tuple[str, str]:
    """Tell the library, and the library with its version, from a stored ``keras_version``."""
    version = version.decode(errors="replace") if isinstance(version, bytes) else str(version)
    if not re.fullmatch(r"[123]\.\d+[\w.+-]{0,20}", version):
        return "Keras", "not recorded"
    separate = re.match(r"2\.(1[6-9]|[2-9]\d)", version)  # Keras itself ended Keras 2 with 2.15
    return f"Keras {version[0]}", f"{'tf_keras' if separate else 'Keras'} {version}"
