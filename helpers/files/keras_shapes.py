"""What goes in and out of a Keras model, from its configuration alone: no model is built."""

import math

LARGEST_DEPTH = 200

# Layers whose output has the shape of their (first) input.
SAME = frozenset(
    """
    Activation ActivityRegularization Add AlphaDropout Average BatchNormalization Dropout ELU
    GaussianDropout GaussianNoise GroupNormalization Identity LayerNormalization LeakyReLU Masking
    Maximum Minimum Multiply Normalization PReLU RMSNormalization ReLU Rescaling Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D Subtract ThresholdedReLU UnitNormalization
    """.split()  # noqa: SIM905
)
# Layers whose output has another dtype than they compute in.
INTEGERS = ("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup")
TEXT = ("StringLookup", "TextVectorization")


def inputs(config: dict, held: list) -> str:
    """Tell each input by name, shape and dtype.

    Args:
        config: the model: ``class_name`` and ``config``.
        held: its layers, models within it gone through.
    """
    told = []
    for layer in _ends(config, "input_layers", held, 0):
        shape = _declared(layer) or _built(layer)
        told.append(_words(layer, shape, _dtype(layer)))
    if not told and (shape := _built(config)):
        told.append(_words({}, shape, ""))  # a model of the reader's own: it was called with this
    return "; ".join(told)


def outputs(config: dict, held: list) -> str:
    """Tell each output by name, shape and dtype; by its layer, where the shape does not follow."""
    by_name = {layer["config"].get("name"): layer for layer in held}
    before = dict(zip(map(id, held[1:]), held, strict=False))  # in a Sequential
    told = []
    for layer in _ends(config, "output_layers", held, -1):
        kind, settings = layer.get("class_name"), layer["config"]
        plain = kind not in (*INTEGERS, *TEXT)
        try:
            shape = _shape(layer, by_name, before) if plain else None
        except (TypeError, ValueError, IndexError, AttributeError, KeyError, OverflowError):
            shape = None  # settings that no layer has
        if shape:
            told.append(_words(layer, shape, _dtype(layer)))
        else:
            units = settings.get("units", settings.get("filters"))
            size = f" of {units}" if isinstance(units, int) else ""
            told.append(f"{settings.get('name')} {kind or 'layer'}{size}")
    return "; ".join(told)


def _ends(config: dict, key: str, held: list, place: int) -> list[dict]:
    inner = config.get("config")
    names = _names(inner.get(key)) if isinstance(inner, dict) else []
    by_name = {layer["config"].get("name"): layer for layer in held}
    if not names:
        return [held[place]] if held else []
    return [by_name.get(name, {"config": {"name": name}}) for name in names]


def _names(listed) -> list[str]:
    """The layers' names in ``[["a", 0, 0], ...]``, in ``["a", 0, 0]``, or by name in a dict."""
    if isinstance(listed, dict):
        listed = list(listed.values())
    if not isinstance(listed, list) or not listed:
        return []
    if isinstance(listed[0], str):
        return [listed[0]]
    return [name for part in listed if isinstance(part, list) for name in _names(part)]


def _words(layer: dict, shape, dtype: str) -> str:
    words = [str(layer.get("config", {}).get("name", "the input"))]
    if isinstance(shape, (list, tuple)):
        words.append("(" + ", ".join(str(n) for n in shape) + ("," * (len(shape) == 1)) + ")")
    return " ".join([*words, dtype]).strip()


def _declared(layer: dict):
    settings = layer["config"]
    return next((settings[k] for k in ("batch_shape", "batch_input_shape") if k in settings), None)


def _built(layer: dict):
    """The shape of the first input that Keras 3 notes of a layer."""
    noted = layer.get("build_config")
    return noted.get("input_shape") if isinstance(noted, dict) else None


def policy(layer: dict) -> str:
    """The dtype policy of a layer by name; for a quantized layer the dtype that it came from."""
    dtype = layer["config"].get("dtype")
    if isinstance(dtype, dict):
        inner = dtype.get("config") if isinstance(dtype.get("config"), dict) else {}
        dtype = inner.get("name") or inner.get("source_name")
    return dtype if isinstance(dtype, str) else ""


def _dtype(layer: dict) -> str:
    return policy(layer).removeprefix("mixed_")


def _before(layer: dict, by_name: dict, before: dict) -> list[dict]:
    """The layers that a layer takes its inputs from."""
    nodes = layer.get("inbound_nodes")
    if not nodes:
        return [before[id(layer)]] if id(layer) in before else []
    names = []

    def walk(value, depth=0):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            names.append(value["config"]["keras_history"][0])
        elif isinstance(value, list) and len(value) > 2 and isinstance(value[0], str):
            names.append(value[0])  # Keras 2: [name, node, tensor, arguments]
        elif isinstance(value, (list, dict)) and depth < LARGEST_DEPTH:
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner, depth + 1)

    walk(nodes[0])
    return [by_name[name] for name in names]


def _shape(layer: dict, by_name: dict, before: dict, depth: int = 0):
    """The output shape of a layer; None where it does not follow from what is known here."""
    kind, settings = layer.get("class_name"), layer["config"]
    if kind == "InputLayer":
        return _declared(layer)
    if depth > LARGEST_DEPTH or len(layer.get("inbound_nodes") or [0]) > 1:
        return None  # a layer that is called twice
    given = [_shape(one, by_name, before, depth + 1) for one in _before(layer, by_name, before)]
    first = given[0] if given else _declared(layer) or _built(layer)
    if (
        not isinstance(first, (list, tuple))
        or not first
        or settings.get("data_format") not in (*(None, "channels_last"),)
    ):
        return None
    if kind in SAME and all(shape == first for shape in given):
        return first
    if kind == "Dense":
        return [*first[:-1], settings["units"]]
    if kind == "Embedding":
        return [*first, settings["output_dim"]]
    if kind == "Flatten":
        return [first[0], None if None in first[1:] else math.prod(first[1:])]
    if kind == "Reshape" and -1 not in settings["target_shape"]:
        return [first[0], *settings["target_shape"]]
    if kind == "Concatenate" and all(given) and settings.get("axis", -1) in (-1, len(first) - 1):
        last = [shape[-1] for shape in given]
        return [*first[:-1], None if None in last else sum(last)]
    if kind in ("LSTM", "GRU", "SimpleRNN") and not settings.get("return_state"):
        return [*first[: 2 if settings.get("return_sequences") else 1], settings["units"]]
    if kind.startswith(("GlobalAveragePooling", "GlobalMaxPooling")):
        return None if settings.get("keepdims") else [first[0], first[-1]]
    if kind in ("Conv1D", "Conv2D", "Conv3D"):
        return _windows(first, settings, "kernel_size", settings["filters"])
    if kind.startswith(("MaxPooling", "AveragePooling")):
        return _windows(first, settings, "pool_size", first[-1])
    return None


def _windows(given, settings: dict, key: str, channels):
    """What is left where a window goes over the places between batch and channels."""
    places, padding = given[1:-1], settings.get("padding")

    def each(value):
        return value if isinstance(value, (list, tuple)) else [value] * len(places)

    made = []
    for place, window, stride, apart in zip(
        places,
        each(settings[key]),
        each(settings.get("strides") or settings[key]),
        each(settings.get("dilation_rate", 1)),
        strict=True,
    ):
        if place is None or padding not in ("same", "valid"):
            made.append(None)
            continue
        cut = 0 if padding == "same" else (window - 1) * apart
        made.append(math.ceil((place - cut) / stride))
    return [given[0], *made, channels]
