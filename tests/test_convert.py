"""`helpers.files.convert`: an old model becomes one of Keras 3 that predicts the same."""

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

    from helpers.files.convert import convert

    shape, make = LAYERS[name]
    model = tf_keras.Sequential([layers.Input(shape), make(layers)])
    draw = np.random.default_rng(0)
    model.set_weights([draw.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    model.save("old.h5")
    found = convert("old.h5", "new.keras", in_a_process=False)
    assert found.difference <= 1e-5
    assert (workplace / "new.keras").exists()
