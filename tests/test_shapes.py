"""`describe` tells what goes in and out of a whole model as the model itself would tell it."""

import numpy as np
import pytest

from helpers import files

SHAPES = {
    "Dense": ((4,), lambda la: [la.Dense(3), la.ReLU(), la.Dropout(0.1)]),
    "Dense of many axes": ((5, 4), lambda la: [la.Dense(3, activation="softmax")]),
    "images, same": (
        (9, 8, 3),
        lambda la: [la.Conv2D(4, 3, padding="same", strides=2), la.MaxPooling2D(2), la.Flatten()],
    ),
    "images, valid": (
        (20, 21, 3),
        lambda la: [la.Conv2D(4, 3, dilation_rate=2), la.AveragePooling2D(3, strides=2)],
    ),
    "images of any size": (
        (None, None, 3),
        lambda la: [la.Conv2D(4, 3), la.BatchNormalization(), la.GlobalAveragePooling2D()],
    ),
    "words": ((7,), lambda la: [la.Embedding(10, 4), la.LSTM(3, return_sequences=True)]),
    "the last word": ((7,), lambda la: [la.Embedding(10, 4), la.GRU(3)]),
    "series": ((12, 2), lambda la: [la.Conv1D(5, 4, strides=3), la.MaxPooling1D(2, 1, "same")]),
    "a new shape": ((6,), lambda la: [la.Reshape((2, 3)), la.Flatten(), la.Dense(1)]),
    "flattened, of any length": ((None, 3), lambda la: [la.Flatten()]),
}


def told(shape, dtype="float32") -> str:
    return f"({', '.join(map(str, shape))}) {dtype}"


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize(("shape", "stack"), SHAPES.values(), ids=SHAPES)
def test_the_shapes_that_are_told_are_those_of_the_model(shape, stack, library, keras, workplace):
    import tf_keras

    kept = {"keras": keras, "tf_keras": tf_keras}[library]
    for first in (kept.layers.InputLayer(shape), None):
        if first is not None:
            model = kept.Sequential([first, *stack(kept.layers)])
        else:
            inputs = outputs = kept.layers.Input(shape)
            for layer in stack(kept.layers):
                outputs = layer(outputs)
            model = kept.Model(inputs, outputs)
        for name in ("x.h5", "x.keras"):
            model.save(name)
            facts = files.describe_here(name).facts
            assert facts["inputs"].endswith(told(model.input_shape)), name
            assert facts["outputs"].endswith(told(model.output_shape)), name


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_several_inputs_and_outputs_are_told_each(library, keras, workplace):
    import tf_keras

    kept = {"keras": keras, "tf_keras": tf_keras}[library]
    one, other = (kept.layers.Input((n,), name=f"side_{n}") for n in (2, 3))
    both = kept.layers.Concatenate(name="both")([one, other])
    total = kept.layers.Add(name="total")([kept.layers.Dense(5)(one), both])
    kept.Model([one, other], [both, total]).save("x.h5")
    facts = files.describe_here("x.h5").facts
    assert facts["inputs"] == "side_2 (None, 2) float32; side_3 (None, 3) float32"
    assert facts["outputs"] == "both (None, 5) float32; total (None, 5) float32"


def test_a_shape_that_does_not_follow_is_left_out_and_not_guessed(keras, workplace):
    class Own(keras.layers.Layer):
        def call(self, inputs):
            return inputs[:, :1]

    keras.Sequential([keras.Input((4,)), Own(), keras.layers.ReLU(name="end")]).save("x.keras")
    assert files.describe_here("x.keras").facts["outputs"] == "end ReLU"
    shared = keras.layers.Dense(4, name="shared")
    inputs = keras.Input((4,))
    keras.Model(inputs, shared(shared(inputs))).save("y.keras")
    assert files.describe_here("y.keras").facts["outputs"] == "shared Dense of 4"


def test_a_subclassed_model_tells_the_shape_that_it_was_called_with(keras, workplace):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Own()
    model(np.ones((5, 4)))
    model.save("x.keras")
    facts = files.describe_here("x.keras").facts
    assert facts["inputs"] == "the input (5, 4)"
    assert "layers" not in facts and "outputs" not in facts


def test_quantization_dtype_policies_and_the_backend_are_told(keras, workplace):
    def built(**settings):
        return keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2, **settings)]
        )

    model = built()
    model.layers[0].quantize("int8")
    model.save("int8.keras")
    facts = files.describe_here("int8.keras").facts
    assert facts["quantization"] == "int8 in 1 layer" and "parameters" not in facts
    assert facts["outputs"].endswith("(None, 2) float32")
    built(dtype="mixed_float16").save("mixed.keras")
    facts = files.describe_here("mixed.keras").facts
    assert facts["dtype policy"] == "mixed_float16" and facts["parameters"] == "23"
    assert facts["outputs"].endswith("(None, 2) float16")
    built().save("x.h5")
    assert files.describe_here("x.h5").facts["backend"] == "tensorflow"
