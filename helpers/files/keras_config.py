"""What the configuration of a Keras model tells: layers, inputs, what was compiled, own classes."""

import importlib.metadata
import math
import re
from collections import Counter

from helpers.files import keras_2, keras_shapes

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
    listed = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    modes = Counter(filter(None, map(_quantized, held)))
    counted = weights and not modes  # the scales of a quantized kernel are no parameters
    told = {
        "inputs": keras_shapes.inputs(config, held),
        "outputs": keras_shapes.outputs(config, held),
        "layers": f"{len(held)}: {listed}" if held else "",
        "parameters": f"{sum(math.prod(t.shape) for t in weights):,}" if counted else "",
        "your own classes": ", ".join(own_classes([config, training])),
        "loss": _short(training.get("loss")),
        "metrics": _short(training.get("metrics")),
        "optimizer": _short(training.get("optimizer") or training.get("optimizer_config")),
        "dtype policy": ", ".join(sorted({*map(keras_shapes.policy, held)} - {"", "float32"})),
        "quantization": ", ".join(f"{mode} in {_layers(n)}" for mode, n in sorted(modes.items())),
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


def _quantized(layer: dict) -> str:
    """How the weights of a layer are quantized, such as ``int8``; empty where they are not."""
    dtype = layer["config"].get("dtype")
    inner = dtype.get("config") if isinstance(dtype, dict) else None
    mode = inner.get("mode") if isinstance(inner, dict) else None
    if isinstance(dtype, str) and "_from_" in dtype:
        mode = dtype.partition("_from_")[0]
    return mode if isinstance(mode, str) else ""


def _layers(number: int) -> str:
    return "1 layer" if number == 1 else f"{number} layers"


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


def newer(writer: str) -> str:
    """Warn of a file of Keras 3 that is newer than the Keras which is installed here.

    Args:
        writer: what `origin` says, such as ``"Keras 3.15.1"``.

    Returns:
        A note, or nothing: where the first two numbers of the version are not larger, and where
        no Keras is installed.
    """
    try:
        here = importlib.metadata.version("keras")
    except importlib.metadata.PackageNotFoundError:
        return ""
    numbers = [re.match(r"(?:Keras )?3\.(\d{1,6})", text) for text in (writer, here)]
    if not all(numbers) or int(numbers[0][1]) <= int(numbers[1][1]):
        return ""
    return (
        f"A newer Keras wrote it than the {here} that is here. If load_model meets an argument "
        "that it does not know, upgrade Keras, or build the model with your code and load_weights."
    )
