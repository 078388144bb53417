"""Compare what two models predict from the same random inputs of their own shapes."""

SAMPLES = 3
FREE = 24  # the size that a dimension gets which the model leaves open


def compare(old, new) -> float:
    """The largest difference of what two models predict, in units of the largest prediction."""
    import numpy as np

    worst = 0.0
    for number in range(2):
        inputs = samples(old, np.random.default_rng(number))
        ones, others = (_flat(model(inputs, training=False)) for model in (old, new))
        if len(ones) != len(others):
            return float("inf")
        for one, other in zip(ones, others, strict=True):
            one, other = np.asarray(one), np.asarray(other)
            if one.shape != other.shape:
                return float("inf")
            if one.dtype.kind not in "fiubc":
                worst = max(worst, 0.0 if (one == other).all() else float("inf"))
                continue
            one, other = one.astype("float64"), other.astype("float64")
            scale = max(np.abs(one).max(initial=0.0), 1e-30)
            apart = np.abs(one - other).max(initial=0.0) / scale
            worst = max(worst, float("inf") if np.isnan(apart) else float(apart))
    return worst


def samples(model, draw):
    """Random inputs of a model's own shapes, as its `call` takes them."""
    import tensorflow as tf

    most = [
        layer.input_dim for layer in model._flatten_layers() if type(layer).__name__ == "Embedding"
    ]
    words = [
        word
        for layer in model._flatten_layers()
        if hasattr(layer, "get_vocabulary")
        for word in layer.get_vocabulary(include_special_tokens=False)
    ]
    structure = getattr(model, "_nested_inputs", None)
    if structure is None:
        structure = model.inputs if len(model.inputs or []) != 1 else model.inputs[0]

    def drawn(tensor):
        shape = [SAMPLES, *(FREE if n is None else n for n in tensor.shape[1:])]
        dtype = tf.as_dtype(tensor.dtype)
        if dtype == tf.string:
            return tf.constant(draw.choice([*words, "word of no vocabulary"], shape))
        if most or dtype.is_integer:
            return tf.cast(draw.integers(0, min(most, default=10), shape), dtype)
        return tf.cast(draw.normal(size=shape), dtype)

    return tf.nest.map_structure(drawn, structure)


def _flat(value) -> list:
    import tensorflow as tf

    return tf.nest.flatten(value)
