"""`helpers.inventory`: every question tells the right model from one with other settings."""

import keras
import pytest

from helpers import inventory


@pytest.fixture(scope="module")
def models():
    """A trained model, and one of the same layers with other settings, not trained."""
    numbers, words = inventory.data()
    own = keras.layers.Identity()
    squares, absolute = keras.losses.MeanSquaredError(), keras.losses.MeanAbsoluteError()
    model = inventory.create(own, 0.5, "mixed_bfloat16", False, squares, 0.9)
    model.get_layer("scale").adapt(numbers)
    model.get_layer("lookup").adapt(words)
    model.fit((numbers, words), numbers[:, 0, :1], batch_size=8, verbose=0)
    return model, inventory.create(own, 0.1, "float32", True, absolute, 0.5)


def test_a_model_answers_twice_the_same(models):
    assert all(inventory.came_back(models[0], inventory.ask(models[0])).values())


def test_no_answer_is_that_of_a_model_with_other_settings(models):
    assert not any(inventory.came_back(models[1], inventory.ask(models[0])).values())


def test_the_same_needs_the_same_number_of_entries():
    assert inventory.same([], []) and inventory.same([1, "a"], [1, "a"])
    assert not inventory.same([1], [1, 2]) and not inventory.same([1], [2])
