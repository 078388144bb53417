"""What the tests share: the root on the path, and one TensorFlow a worker, imported quietly."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def pytest_configure(config):
    """Kernels as in tools.kernels; and no remark of NumPy's on a call inside Keras."""
    from tools import kernels

    kernels.pytest_configure(config)
    config.addinivalue_line("filterwarnings", "ignore:.*__array__.* copy keyword")


@pytest.fixture(scope="session")
def keras():
    """Keras, set up as a notebook sets it up; imported by the first test that asks for it."""
    from helpers import session

    session.attach()
    import keras

    return keras


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty folder that is the working folder for one test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny(keras):
    """A function that makes a small compiled model, each time with other random weights."""

    def make(units=3, optimizer="adam"):
        layers = [keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.compile(optimizer=optimizer, loss="mean_squared_error", run_eagerly=True)
        return model

    return make


@pytest.fixture
def trained(tiny):
    """A small model after two steps of training, so that its optimizer is built."""
    import numpy as np

    model = tiny()
    draw = np.random.default_rng(0)
    model.fit(draw.random((8, 4)), draw.random((8, 2)), batch_size=4, verbose=0)
    return model
