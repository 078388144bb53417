"""`helpers.files.convert`: an old model becomes one of Keras 3 that predicts the same."""

import os

import numpy as np
import pytest


@pytest.fixture(scope="module")
def layers(keras):
    import tf_keras

    return tf_keras.layers


# The layers of Keras 2 that people use most: name -> shape of the input, and how to make it.
LAYERS = {
    "Dense": ((4,), lambda k: k.Dense(3, activation="relu")),
    "Activation": ((4,), lambda k: k.Activation("hard_sigmoid")),
    "Dropout": ((4,), lambda k: k.Dropout(0.3)),
    "Flatten": ((4, 3), lambda k: k.Flatten()),
    "Reshape": ((4, 3), lambda k: k.Reshape((2, 6))),
    "Permute": ((4, 3), lambda k: k.Permute((2, 1))),
    "RepeatVector": ((4,), lambda k: k.RepeatVector(3)),
    "Masking": ((5, 4), lambda k: k.Masking(0.0)),
    "Embedding": ((5,), lambda k: k.Embedding(10, 3)),
    "Conv1D": ((8, 3), lambda k: k.Conv1D(4, 3, padding="causal")),
    "Conv2D": ((8, 8, 4), lambda k: k.Conv2D(4, 3, strides=2, groups=2)),
    "Conv3D": ((5, 5, 5, 2), lambda k: k.Conv3D(3, 2)),
    "Conv1DTranspose": ((8, 3), lambda k: k.Conv1DTranspose(4, 3)),
    "Conv2DTranspose": ((6, 6, 3), lambda k: k.Conv2DTranspose(4, 3, strides=2, padding="same")),
    "Conv3DTranspose": ((4, 4, 4, 2), lambda k: k.Conv3DTranspose(3, 2)),
    "SeparableConv1D": ((8, 3), lambda k: k.SeparableConv1D(4, 3)),
    "SeparableConv2D": ((8, 8, 3), lambda k: k.SeparableConv2D(4, 3, depth_multiplier=2)),
    "DepthwiseConv1D": ((8, 3), lambda k: k.DepthwiseConv1D(3)),
    "DepthwiseConv2D": ((8, 8, 3), lambda k: k.DepthwiseConv2D(3, activation="relu")),
    "MaxPooling1D": ((8, 3), lambda k: k.MaxPooling1D()),
    "MaxPooling2D": ((8, 8, 3), lambda k: k.MaxPooling2D()),
    "MaxPooling3D": ((4, 4, 4, 2), lambda k: k.MaxPooling3D()),
    "AveragePooling1D": ((8, 3), lambda k: k.AveragePooling1D()),
    "AveragePooling2D": ((8, 8, 3), lambda k: k.AveragePooling2D(padding="same")),
    "AveragePooling3D": ((4, 4, 4, 2), lambda k: k.AveragePooling3D()),
    "GlobalAveragePooling1D": ((8, 3), lambda k: k.GlobalAveragePooling1D()),
    "GlobalAveragePooling2D": ((8, 8, 3), lambda k: k.GlobalAveragePooling2D(keepdims=True)),
    "GlobalAveragePooling3D": ((4, 4, 4, 2), lambda k: k.GlobalAveragePooling3D()),
    "GlobalMaxPooling1D": ((8, 3), lambda k: k.GlobalMaxPooling1D()),
    "GlobalMaxPooling2D": ((8, 8, 3), lambda k: k.GlobalMaxPooling2D()),
    "GlobalMaxPooling3D": ((4, 4, 4, 2), lambda k: k.GlobalMaxPooling3D()),
    "ZeroPadding1D": ((8, 3), lambda k: k.ZeroPadding1D(2)),
    "ZeroPadding2D": ((8, 8, 3), lambda k: k.ZeroPadding2D(((1, 2), (3, 0)))),
    "ZeroPadding3D": ((4, 4, 4, 2), lambda k: k.ZeroPadding3D(1)),
    "Cropping1D": ((8, 3), lambda k: k.Cropping1D(2)),
    "Cropping2D": ((8, 8, 3), lambda k: k.Cropping2D(((1, 2), (0, 3)))),
    "Cropping3D": ((4, 4, 4, 2), lambda k: k.Cropping3D(1)),
    "UpSampling1D": ((8, 3), lambda k: k.UpSampling1D(2)),
    "UpSampling2D": ((4, 4, 3), lambda k: k.UpSampling2D(2, interpolation="bilinear")),
    "UpSampling3D": ((3, 3, 3, 2), lambda k: k.UpSampling3D(2)),
    "BatchNormalization": ((4,), lambda k: k.BatchNormalization(epsilon=0.01)),
    "LayerNormalization": ((5, 4), lambda k: k.LayerNormalization(axis=[1, 2])),
    "GroupNormalization": ((5, 4), lambda k: k.GroupNormalization(2)),
    "UnitNormalization": ((5, 4), lambda k: k.UnitNormalization()),
    "LSTM": ((6, 3), lambda k: k.LSTM(4, return_sequences=True)),
    "LSTM as in Keras 2.2": ((6, 3), lambda k: k.LSTM(4, recurrent_activation="hard_sigmoid")),
    "GRU": ((6, 3), lambda k: k.GRU(4)),
    "GRU before 2.3": ((6, 3), lambda k: k.GRU(4, reset_after=False, go_backwards=True)),
    "SimpleRNN": ((6, 3), lambda k: k.SimpleRNN(4)),
    "RNN of a cell": ((6, 3), lambda k: k.RNN(k.LSTMCell(4))),
    "RNN of cells": ((6, 3), lambda k: k.RNN([k.LSTMCell(4), k.GRUCell(2)])),
    "Bidirectional": ((6, 3), lambda k: k.Bidirectional(k.LSTM(4), merge_mode="sum")),
    "Bidirectional of two": (
        (6, 3),
        lambda k: k.Bidirectional(k.GRU(4), backward_layer=k.GRU(4, go_backwards=True)),
    ),
    "ConvLSTM1D": ((3, 8, 2), lambda k: k.ConvLSTM1D(3, 3)),
    "ConvLSTM2D": ((3, 6, 6, 2), lambda k: k.ConvLSTM2D(3, 3)),
    "TimeDistributed": ((6, 3), lambda k: k.TimeDistributed(k.Dense(2))),
    "LeakyReLU": ((4,), lambda k: k.LeakyReLU(alpha=0.1)),
    "PReLU": ((4, 4, 2), lambda k: k.PReLU(shared_axes=[1, 2])),
    "ELU": ((4,), lambda k: k.ELU(0.5)),
    "ReLU": ((4,), lambda k: k.ReLU(max_value=6.0, negative_slope=0.1)),
    "ThresholdedReLU": ((4,), lambda k: k.ThresholdedReLU(0.5)),
    "Softmax": ((4,), lambda k: k.Softmax()),
    "SpatialDropout1D": ((8, 3), lambda k: k.SpatialDropout1D(0.3)),
    "SpatialDropout2D": ((8, 8, 3), lambda k: k.SpatialDropout2D(0.3)),
    "GaussianNoise": ((4,), lambda k: k.GaussianNoise(0.3)),
    "GaussianDropout": ((4,), lambda k: k.GaussianDropout(0.3)),
    "AlphaDropout": ((4,), lambda k: k.AlphaDropout(0.3)),
    "ActivityRegularization": ((4,), lambda k: k.ActivityRegularization(0.1)),
    "Rescaling": ((4,), lambda k: k.Rescaling(0.5, 1.0)),
    "Resizing": ((8, 8, 3), lambda k: k.Resizing(4, 6)),
    "CenterCrop": ((8, 8, 3), lambda k: k.CenterCrop(4, 4)),
    "RandomFlip": ((8, 8, 3), lambda k: k.RandomFlip()),
    "RandomRotation": ((8, 8, 3), lambda k: k.RandomRotation(0.1)),
    "RandomZoom": ((8, 8, 3), lambda k: k.RandomZoom(0.1)),
    "EinsumDense": ((5, 4), lambda k: k.EinsumDense("xyz,zu->xyu", (None, 3), bias_axes="u")),
    "Normalization": (
        (4,),
        lambda k: k.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 3, 4]),
    ),
    "Discretization": ((4,), lambda k: k.Discretization([-0.5, 0.0, 0.5])),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_keras_2_predicts_the_same_after_conversion(name, layers, workplace):
    import tf_keras

    from helpers.files import convert

    shape, make = LAYERS[name]
    model = tf_keras.Sequential([layers.Input(shape), make(layers)])
    draw = np.random.default_rng(0)
    model.set_weights([draw.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    model.save("old.h5")
    found = convert("old.h5", "new.keras", in_a_process=False)
    assert found.difference <= 1e-5
    assert (workplace / "new.keras").exists()


@pytest.fixture
def trained_old(layers):
    """A function that trains a small model of Keras 2 and saves it."""
    import tf_keras

    def make(path, optimizer="adam"):
        model = tf_keras.Sequential([layers.Dense(3, "relu", input_shape=(4,)), layers.Dense(2)])
        model.compile(optimizer, "mse")
        draw = np.random.default_rng(0)
        model.fit(draw.random((8, 4)), draw.random((8, 2)), epochs=3, verbose=0)
        model.save(path)
        return model

    return make


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adagrad", "adamw"])
def test_a_converted_model_trains_on_as_the_old_one_would(optimizer, trained_old, keras, workplace):
    import tf_keras

    from helpers.files import convert

    trained_old("old.h5", optimizer)
    found = convert("old.h5", "new.keras", in_a_process=False)
    assert not any("optimizer" in change for change in found.changes)
    old, new = tf_keras.models.load_model("old.h5"), keras.saving.load_model("new.keras")
    assert int(new.optimizer.iterations) == int(old.optimizer.iterations) == 3
    inputs, targets = np.ones((8, 4), "float32"), np.zeros((8, 2), "float32")
    for model in (old, new):
        model.fit(inputs, targets, epochs=2, verbose=0, shuffle=False)
    for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_models_within_models_with_two_inputs_and_names_are_converted(layers, keras, workplace):
    import tf_keras

    from helpers.files import convert

    body = tf_keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.BatchNormalization()])
    body.layers[0].trainable = False
    inputs = [layers.Input((4,), name=name) for name in ("left", "right")]
    joined = layers.Concatenate()([body(inputs[0]), body(inputs[1])])
    outputs = {"digit": layers.Dense(2, name="digit")(joined), "sum": layers.Add()(inputs)}
    model = tf_keras.Model(inputs, outputs)
    for path in ("old.h5", "old.keras", "old"):
        model.save(path)
        convert(path, "new.keras", in_a_process=False)
        new = keras.saving.load_model("new.keras")
        assert not new.layers[2].layers[0].trainable and new.layers[2].layers[1].trainable
        given = [np.full((2, 4), value, "float32") for value in (1.0, 2.0)]
        expected, made = model(given), new(given)
        assert set(made) == {"digit", "sum"}
        for name in made:
            np.testing.assert_allclose(np.asarray(made[name]), expected[name], rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", ["old.h5", "old.keras", "old"])
def test_a_lambda_is_refused_and_does_not_run_and_the_target_stays(path, layers, workplace):
    import tf_keras

    from helpers.files import Unreadable, convert

    attack = layers.Lambda(lambda x: (open("marker", "w").close(), x)[1], input_shape=(4,))
    tf_keras.Sequential([attack]).save(path)
    (workplace / "marker").unlink(missing_ok=True)
    (workplace / "new.keras").write_text("precious")
    with pytest.raises(Unreadable, match=r"lambda|Lambda"):
        convert(path, "new.keras", in_a_process=False)
    assert not (workplace / "marker").exists(), "code of the file was run"
    assert (workplace / "new.keras").read_text() == "precious"
    assert not list(workplace.glob(".convert-*")), "something half written is left"


def test_a_model_that_would_predict_otherwise_is_not_written(layers, workplace, monkeypatch):
    import tf_keras

    from helpers.files import Unreadable
    from helpers.files import conversion as module

    tf_keras.Sequential([layers.Dense(2, input_shape=(3,))]).save("old.h5")
    monkeypatch.setattr(module, "compare", lambda old, new: 0.5)
    with pytest.raises(Unreadable, match=r"predicts otherwise, by 5\.0e-01 of the largest"):
        module.convert("old.h5", "new.keras", in_a_process=False)
    assert not (workplace / "new.keras").exists()


@pytest.mark.parametrize(
    ("saved", "path", "made"),
    [
        ("old.h5", "old.h5", "old.keras"),
        ("old", "old", "old.keras"),
        ("old.keras", "old.keras", "old_3.keras"),
        ("old.h5", "hdf5.keras", "hdf5_3.keras"),
    ],
)
def test_the_lines_that_describe_prints_convert_the_model(
    saved, path, made, layers, keras, workplace
):
    import tf_keras

    from helpers import files

    model = tf_keras.Sequential([layers.Dense(2, "hard_sigmoid", input_shape=(3,))])
    model.save(saved)
    os.rename(saved, path)
    exec(files.describe_here(path).convert, {})
    batch = np.random.default_rng(0).normal(size=(5, 3)) * 3
    new = keras.saving.load_model(made).predict(batch, verbose=0)
    np.testing.assert_allclose(new, model.predict(batch, verbose=0), atol=1e-6)


def test_another_model_is_not_called_equal(layers, keras):
    import tf_keras

    from helpers.files.equal import compare

    old = tf_keras.Sequential([layers.Dense(2, input_shape=(3,))])
    new = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert compare(old, new) > 1e-3
    new.set_weights(old.get_weights())
    assert compare(old, new) <= 1e-6
    wrong = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    assert compare(old, wrong) == float("inf")


def test_what_changed_its_meaning_loads_in_a_fresh_python_with_the_lines_that_are_told(
    layers, workplace
):
    import subprocess
    import sys

    import tf_keras

    from helpers.files import convert

    model = tf_keras.Sequential([layers.Dense(2, "hard_sigmoid", input_shape=(3,))])
    model.save("old.h5")
    np.save("expected.npy", model(np.ones((2, 3))))
    found = convert("old.h5", "new.keras", in_a_process=False)
    assert found.changes == ("hard_sigmoid as Keras 2 computes it",)
    code = (
        f"from helpers import session\nsession.attach()\n{found.load}\nimport numpy as np\n"
        "made = np.asarray(model(np.ones((2, 3))))\n"
        "np.testing.assert_allclose(made, np.load('expected.npy'), rtol=1e-6)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


LENT = """
import tf_keras

class Twice(tf_keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


def test_lent_classes_load_and_build_a_model_with_a_layer_of_your_own(
    layers, workplace, capsys, monkeypatch
):
    import sys

    import tf_keras

    from helpers.__main__ import main

    (workplace / "lent_2.py").write_text(LENT)
    (workplace / "lent_3.py").write_text(LENT.replace("tf_keras", "keras"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    scope = {}
    exec(LENT, scope)
    tf_keras.Sequential([layers.Input((3,)), scope["Twice"]()]).save("old.h5")
    assert main(["convert", "old.h5", "new.keras"]) == 1
    assert "Unknown layer: 'Twice'" in capsys.readouterr().err
    lent = ["--custom", "lent_2:Twice", "--custom", "lent_3:Twice"]
    assert main(["convert", "old.h5", "new.keras", *lent]) == 0
    assert "it predicts what old.h5 predicts in Keras 2" in capsys.readouterr().out
    assert main(["convert", "old.h5", "new.keras", "--custom", "Twice"]) == 1
    assert "expected module:Class" in capsys.readouterr().err


def test_a_folder_is_converted_file_by_file_each_with_its_verdict(trained_old, workplace, capsys):
    from helpers.__main__ import main

    (workplace / "old" / "deep").mkdir(parents=True)
    trained_old("old/one.h5")
    trained_old("old/deep/two.keras")
    np.save("old/array.npy", np.zeros(2))
    assert main(["convert", "old", "new"]) == 1
    out, error = capsys.readouterr()
    assert out.count("it predicts what") == 2 and "array.npy is: array of NumPy" in error
    folder = workplace / "new"
    made = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.keras"))
    assert made == ["deep/two_keras.keras", "one_h5.keras"]


@pytest.mark.parametrize(
    "path, to, words",
    [
        ("old.h5", "new.h5", "expected a name that ends in .keras"),
        ("old.h5", "nowhere/new.keras", "nowhere does not exist"),
        ("missing.h5", "new.keras", "missing.h5 does not exist"),
        ("array.npy", "new.keras", "is: array of NumPy, .npy; expected a whole model of Keras 2"),
    ],
)
def test_what_can_not_be_converted_gets_one_error_that_says_what_was_expected(
    path, to, words, workplace
):
    from helpers.files import convert

    np.save("array.npy", np.zeros(2))
    with pytest.raises((ValueError, FileNotFoundError), match=words.replace(".", r"\.")):
        convert(path, to, in_a_process=False)
