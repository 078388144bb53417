"""`helpers.models`: the guide's classifier, compiled and new at every call."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def create_model(keras):
    from helpers.models import create_model

    return create_model


def test_the_model_is_the_guides(create_model, keras):
    layers = create_model().layers
    assert [type(layer).__name__ for layer in layers] == ["Dense", "Dropout", "Dense"]
    assert (layers[0].units, layers[0].activation, layers[2].units) == (
        512,
        keras.activations.relu,
        10,
    )
    assert layers[1].rate == 0.2
    assert layers[2].activation is keras.activations.linear, "the output must be logits"


def test_it_has_the_parameters_that_the_text_counts(create_model):
    model = create_model()
    assert model.count_params() == 407_050
    assert [layer.count_params() for layer in model.layers] == [401_920, 0, 5_130]


def test_it_is_built_so_that_weights_can_be_loaded_at_once(create_model):
    model = create_model()
    assert model.built
    assert model.predict(np.zeros((3, 784), "float32"), verbose=0).shape == (3, 10)


def test_it_is_compiled_as_the_guide_compiles_it(create_model, keras):
    model = create_model()
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert isinstance(model.loss, keras.losses.SparseCategoricalCrossentropy)
    assert model.loss.get_config()["from_logits"] is True
    history = model.fit(np.zeros((4, 784)), np.zeros(4, "int64"), verbose=0).history
    assert set(history) == {"loss", "sparse_categorical_accuracy"}


def test_its_optimizer_is_not_built_as_the_text_says(create_model):
    assert not create_model().optimizer.built


def test_every_call_draws_other_weights_or_a_restore_would_prove_nothing(create_model):
    one, other = create_model(), create_model()
    assert not np.array_equal(one.layers[0].kernel, other.layers[0].kernel)


def test_the_old_model_is_the_same_one_in_keras_2(keras):
    import tf_keras

    from helpers.models import create_keras_2_model, create_model

    old, new = create_keras_2_model(), create_model()
    assert isinstance(old, tf_keras.Sequential)
    assert old.built and old.count_params() == 407_050
    shapes = [w.shape for w in new.get_weights()]
    assert [w.shape for w in old.get_weights()] == shapes
    images = np.random.default_rng(0).random((5, 784), "float32")
    old.set_weights(new.get_weights())
    predicted = [m.predict(images, verbose=0) for m in (old, new)]
    assert np.allclose(*predicted, atol=1e-5)
    history = old.fit(images, np.zeros(5, "int64"), verbose=0).history
    assert set(history) == {"loss", "sparse_categorical_accuracy"}
    assert old.loss.get_config()["from_logits"] is True
