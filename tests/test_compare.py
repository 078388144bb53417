"""`helpers.compare`: what differs between two models must never be called the same."""

import types

import numpy as np
import pytest

from helpers import compare
from helpers.proof import (
    same_configuration,
    same_optimizer,
    same_predictions,
    same_weights,
    snapshot,
    warns,
)

# snapshot


def test_a_snapshot_keeps_what_the_model_was_while_the_model_trains_on(trained):
    before = snapshot(trained)
    assert same_weights(before, trained) and same_optimizer(before, trained)
    trained.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    assert not same_weights(before, trained)
    assert not same_optimizer(before, trained)


def test_a_snapshot_of_a_snapshot_is_itself(trained):
    taken = snapshot(trained)
    assert snapshot(taken) is taken


def test_an_unbuilt_or_missing_optimizer_is_none(tiny, keras):
    assert snapshot(tiny()).optimizer is None
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert snapshot(plain).optimizer is None


def test_a_path_is_no_model():
    with pytest.raises(TypeError, match="expected a Keras model or a snapshot of one; str was"):
        same_weights("model.keras", "model.keras")


# same_weights


def test_weights_that_were_saved_and_loaded_are_equal_whatever_the_names(trained, tiny, workplace):
    trained.save_weights("x.weights.h5")
    other = tiny()
    assert [w.path for w in other.weights] != [w.path for w in trained.weights]
    assert not same_weights(other, trained)
    other.optimizer.build(other.trainable_variables)
    other.load_weights("x.weights.h5")
    assert same_weights(other, trained)


def test_one_changed_bit_is_noticed_and_named(trained):
    before = snapshot(trained)
    kernel = trained.layers[1].kernel
    changed = np.array(kernel)
    changed[0, 0] = np.nextafter(changed[0, 0], np.float32(9))
    kernel.assign(changed)
    found = same_weights(before, trained)
    assert not found
    assert kernel.path in found.difference
    assert "shape (3, 2), differs by up to" in found.difference
    assert "differs by up to 0" not in found.difference


def test_the_largest_difference_is_told(trained):
    before = snapshot(trained)
    bias = trained.layers[1].bias
    bias.assign(np.array(bias) + np.float32([0.25, -2.0]))
    assert (
        same_weights(before, trained).difference == f"{bias.path}, shape (2,), differs by up to 2"
    )


def test_another_shape_is_not_equal_and_both_shapes_are_told(tiny):
    found = same_weights(tiny(units=3), tiny(units=5))
    assert not found
    assert "kernel has shape (4, 3) against (4, 5)" in found.difference


def test_another_dtype_is_not_equal(keras):
    one, other = (
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype=dtype)])
        for dtype in ("float32", "float64")
    )
    other.set_weights([w.astype("float64") for w in one.get_weights()])
    found = same_weights(one, other)
    assert not found
    assert "kernel is float32 against float64" in found.difference


def test_a_missing_tensor_is_not_equal(tiny, keras):
    shorter = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    assert same_weights(tiny(), shorter).difference == "4 tensors against 2"


def test_two_models_without_weights_are_not_called_equal(keras):
    empty = keras.Sequential([keras.layers.Dense(2)])
    found = same_weights(empty, empty)
    assert not found
    assert "never built" in found.difference


# same_optimizer


def test_an_optimizer_that_came_back_is_equal_slots_and_step_count(trained, tiny, workplace):
    trained.save("x.keras")
    from keras.saving import load_model

    assert same_optimizer(load_model("x.keras"), trained)


def test_a_restore_that_dropped_the_optimizer_is_not_called_equal(trained, tiny, workplace):
    trained.save_weights("x.weights.h5")
    other = tiny()
    with warns("Skipping variable loading for optimizer"):
        other.load_weights("x.weights.h5")
    assert same_weights(other, trained)
    found = same_optimizer(other, trained)
    assert not found
    assert found.difference == "the first model's optimizer was never built"
    assert same_optimizer(trained, other).difference.startswith("the second model's optimizer")


def test_two_unbuilt_optimizers_are_not_called_equal(tiny):
    assert not same_optimizer(tiny(), tiny())


def test_only_the_step_count_differs_and_that_is_noticed(trained):
    before = snapshot(trained)
    trained.optimizer.iterations.assign_add(1)
    found = same_optimizer(before, trained)
    assert not found
    assert "iteration, shape (), differs by up to 1" in found.difference


def test_a_lost_moment_is_noticed_and_named(trained):
    before = snapshot(trained)
    slot = trained.optimizer.variables[2]
    slot.assign(np.zeros(slot.shape))
    found = same_optimizer(before, trained)
    assert not found
    assert slot.path in found.difference and "shape (4, 3)" in found.difference


def test_another_kind_of_optimizer_is_not_equal(trained, tiny):
    other = tiny(optimizer="sgd")
    other.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    found = same_optimizer(trained, other).difference
    assert found == "the optimizers differ: class is 'Adam' against 'SGD'"


def test_another_setting_of_the_optimizer_is_noticed_though_every_variable_is_equal(trained, keras):
    other = keras.models.clone_model(trained)
    other.compile(keras.optimizers.Adam(beta_1=0.5), loss="mean_squared_error")
    other.optimizer.build(other.trainable_variables)
    for mine, its in zip(other.optimizer.variables, trained.optimizer.variables, strict=True):
        mine.assign(its)
    found = same_optimizer(trained, other).difference
    assert found == "the optimizers differ: beta_1 is 0.9 against 0.5"


# same_predictions


def test_predictions_of_a_model_a_function_and_an_array_can_be_compared(trained):
    inputs = np.ones((5, 4), "float32")
    made = trained.predict_on_batch(inputs)
    assert same_predictions(trained, made, inputs)
    assert same_predictions(made, made.copy())
    assert same_predictions(lambda x: made, made, inputs)


def test_other_predictions_are_not_equal_and_the_difference_is_told(trained, tiny):
    inputs = np.ones((5, 4), "float32")
    found = same_predictions(trained, tiny(), inputs)
    assert not found
    assert found.difference.startswith("predictions, shape (5, 2), differs by up to ")
    made = trained.predict_on_batch(inputs)
    assert same_predictions(made, made + 2).difference.endswith("differs by up to 2")


def test_all_inputs_go_through_a_model_in_one_batch_since_bits_can_depend_on_it(
    trained, monkeypatch
):
    sizes, call = [], trained.call
    monkeypatch.setattr(
        trained, "call", lambda x, *args, **more: (sizes.append(len(x)), call(x, *args, **more))[1]
    )
    assert same_predictions(trained, trained, np.ones((100, 4), "float32"))
    assert sizes == [100, 100]


def test_a_tolerance_is_a_limit_to_the_difference():
    one = np.float32([1.0, 2.0])
    assert same_predictions(one, one + np.float32(0.5), tolerance=0.5)
    assert not same_predictions(one, one + np.float32(0.5), tolerance=0.4)
    assert not same_predictions(one, one + np.float32(1e-6))


def test_a_prediction_that_is_no_number_is_never_within_a_tolerance():
    assert not same_predictions(np.float32([np.nan]), np.float32([1.0]), tolerance=10.0)


def test_predictions_of_another_shape_or_dtype_are_not_equal():
    assert "shape (2, 1) against (1, 2)" in (
        same_predictions(np.zeros((2, 1)), np.zeros((1, 2)), tolerance=1.0).difference
    )
    assert "float64 against float32" in (
        same_predictions(np.zeros(2), np.zeros(2, "float32"), tolerance=1.0).difference
    )


def test_missing_inputs_and_things_that_can_not_predict_are_refused(trained):
    with pytest.raises(ValueError, match="needs inputs unless both"):
        same_predictions(trained, trained)
    with pytest.raises(TypeError, match="expected a model or predictions; float was given"):
        same_predictions(0.1, np.zeros(1))


@pytest.mark.parametrize("tolerance", [-1, float("nan"), float("inf"), True, None, "1"])
def test_a_tolerance_that_would_let_anything_pass_is_refused(tolerance):
    with pytest.raises(ValueError, match="expected a number of 0 or more"):
        same_predictions(np.zeros(1), np.ones(1), tolerance=tolerance)


def test_an_empty_batch_proves_nothing_and_is_refused(trained):
    with pytest.raises(ValueError, match="an empty batch"):
        same_predictions(trained, trained, np.zeros((0, 4)))
    with pytest.raises(ValueError, match="an empty batch"):
        same_predictions(trained, trained, {"x": np.zeros((0, 4))})
    with pytest.raises(ValueError, match="an empty batch"):
        same_predictions(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("made", [None, object(), [], {}, {"a": None}, [np.zeros(2), None]])
def test_what_can_not_be_compared_is_an_error_and_no_verdict(made):
    with pytest.raises(TypeError, match=r"expected (an array|arrays)"):
        same_predictions(lambda x: made, lambda x: made, np.ones(3))


def test_ragged_predictions_are_an_error_and_no_verdict(keras):
    import tensorflow as tf

    ragged = tf.ragged.constant([[1.0], [2.0, 3.0]])
    with pytest.raises(TypeError, match="predictions are of type RaggedTensor"):
        same_predictions(lambda x: ragged, lambda x: ragged, np.ones(2))


def test_outputs_are_compared_by_name_whatever_their_order():
    one = {"digit": np.zeros(2), "parity": np.ones(2)}
    assert same_predictions(one, {"parity": np.ones(2), "digit": np.zeros(2)})
    found = same_predictions(one, {"digit": np.zeros(2), "parity": np.zeros(2)})
    assert found.difference.startswith("predictions['parity'], shape (2,), differs by up to 1")
    assert not same_predictions(one, {"digit": np.zeros(2)})
    assert not same_predictions(one, {"digit": np.zeros(2), "odd": np.ones(2)})


def test_outputs_are_compared_by_place():
    one = [np.zeros(2), (np.ones(2), np.zeros(1))]
    assert same_predictions(one, (np.zeros(2), [np.ones(2), np.zeros(1)]))
    assert not same_predictions(one, [np.ones(2), (np.zeros(2), np.zeros(1))])
    found = same_predictions(one, [np.zeros(2), (np.ones(2), np.ones(1))], tolerance=0.5)
    assert found.difference.startswith("predictions[1][1], shape (1,)")


def test_a_model_with_two_outputs_is_compared_by_their_names(keras):
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(2)(inputs) for name in ("digit", "parity")}
    model, batch = keras.Model(inputs, outputs), np.ones((3, 4), "float32")
    made = model.predict_on_batch(batch)
    assert same_predictions(model, made, batch)
    made["parity"] = made["parity"] + 1
    assert "predictions['parity']" in same_predictions(model, made, batch).difference


def test_strings_are_compared_exactly_whatever_the_tolerance(keras):
    import tensorflow as tf

    one = np.array(["three", "five"])
    assert same_predictions(one, np.array(["three", "five"], dtype=object), tolerance=9.0)
    found = same_predictions(one, np.array(["three", "fine"]), tolerance=9.0)
    assert found.difference == "predictions, shape (2,), differs in 1 of 2 places"
    words = tf.constant(["three"])
    assert same_predictions(lambda x: words, np.array([b"three"]), np.ones(1))
    assert not same_predictions(np.array([b"a\0"], dtype=object), np.array([b"a"], dtype=object))


# same_configuration


@pytest.fixture
def make(keras):
    """A function that builds a small functional model with a model in it, compiled."""

    def made(units=3, rate=0.2, loss="mse", metrics=("mae",), optimizer="adam", **more):
        inputs = keras.Input((4,))
        inner = keras.Sequential([keras.layers.Dense(units), keras.layers.Dropout(rate)])
        hidden = inner(inputs)
        outputs = keras.layers.Add()([hidden, keras.layers.Dense(units, **more)(inputs)])
        model = keras.Model(inputs, outputs)
        model.compile(optimizer, loss, metrics=list(metrics))
        return model

    return made


def test_models_of_the_same_code_are_configured_alike_though_keras_numbers_their_names(make):
    one, other = make(), make()
    assert [layer.name for layer in one.layers] != [layer.name for layer in other.layers]
    assert same_configuration(one, other)
    found = same_configuration(one, other, names=True)
    assert "(InputLayer)" not in found.difference and "name is 'input_layer" in found.difference


def test_a_name_that_you_gave_counts(make):
    found = same_configuration(make(name="body"), make())
    assert found.difference == "layer 6 ('body', Dense): name is 'body' against 'dense'"


def test_a_saved_model_comes_back_configured_as_it_was_and_the_snapshot_outlives_it(
    make, keras, workplace
):
    model = make()
    model.save("x.keras")
    taken = snapshot(model)
    model.layers[1].layers[1].rate = 0.9
    assert same_configuration(keras.saving.load_model("x.keras"), taken)
    assert not same_configuration(keras.saving.load_model("x.keras"), model)


LOST = {
    "layer 4 ('dense', Dense): units is 3 against 5": {"units": 5},
    "layer 5 ('dropout', Dropout): rate is 0.2 against 0.7": {"rate": 0.7},
    "layer 6 ('dense', Dense): activation is 'linear' against 'relu'": {"activation": "relu"},
    "compile: loss is 'mean_squared_error' against None": {"loss": None},
    "compile: metrics is [{'class_name': 'MeanAbsoluteError'": {"metrics": ()},
    "compile: optimizer.class is 'Adam' against 'SGD'": {"optimizer": "sgd"},
    "layer 6 ('dense', Dense): dtype policy is 'float32' against 'mixed_bfloat16'": {
        "dtype": "mixed_bfloat16"
    },
}


@pytest.mark.parametrize("told", LOST)
def test_a_setting_that_is_lost_is_noticed_and_both_values_are_told(told, make):
    found = same_configuration(make(), make(**LOST[told]))
    assert not found
    assert found.difference.startswith(told)


def test_a_lost_trainable_flag_is_noticed(make):
    frozen = make()
    frozen.layers[1].layers[0].trainable = False
    found = same_configuration(make(), frozen)
    assert found.difference == "layer 4 ('dense', Dense): trainable is True against False"


def test_lost_weights_of_losses_and_another_learning_rate_are_noticed(make, keras):
    one, other = make(), make()
    other.compile("adam", "mse", loss_weights=[2.0], metrics=["mae"])
    assert "weights of losses is None against [2.0]" in same_configuration(one, other).difference
    other = make(optimizer=keras.optimizers.Adam(0.5))
    assert "optimizer.learning_rate is 0.001" in same_configuration(one, other).difference


def test_a_model_that_came_back_uncompiled_is_noticed(make, keras, workplace):
    model = make()
    model.save("x.keras")
    loaded = keras.saving.load_model("x.keras", compile=False)
    assert same_configuration(model, loaded).difference.startswith("compile: it is {")


def test_layers_that_are_connected_otherwise_are_noticed(keras):
    def built(crossed):
        inputs = [keras.Input((2,)), keras.Input((2,))]
        first, second = (keras.layers.Dense(2)(x) for x in inputs)
        ends = (second, first) if crossed else (first, second)
        return keras.Model(inputs, keras.layers.Subtract()(list(ends)))

    assert same_configuration(built(False), built(False))
    found = same_configuration(built(False), built(True))
    assert found.difference.startswith("connections: ")


def test_a_missing_layer_is_noticed(make, tiny):
    found = same_configuration(make(), tiny())
    assert found.difference.startswith("7 layers against 3: [")


def test_a_loss_given_by_its_short_name_is_the_same_loss(make, keras):
    assert same_configuration(make(loss="mse"), make(loss="mean_squared_error"))
    assert same_configuration(make(loss="mse"), make(loss=keras.losses.mean_squared_error))


def test_a_model_of_your_own_is_compared_layer_by_layer(keras):
    class Own(keras.Model):
        def __init__(self, rate):
            super().__init__()
            self.body, self.drop = keras.layers.Dense(2), keras.layers.Dropout(rate)

        def call(self, inputs):
            return self.drop(self.body(inputs))

    assert same_configuration(Own(0.1), Own(0.1))
    found = same_configuration(Own(0.1), Own(0.2))
    assert found.difference == "layer 2 ('dropout', Dropout): rate is 0.1 against 0.2"


def test_models_of_keras_2_are_compared_as_well(keras, workplace):
    import tf_keras

    def built(rate=0.2):
        layers = [tf_keras.layers.Dense(2, input_shape=(4,)), tf_keras.layers.Dropout(rate)]
        model = tf_keras.Sequential(layers)
        model.compile("adam", "mse", metrics=[tf_keras.metrics.MeanAbsoluteError()])
        return model

    model = built()
    model.save("x.keras")
    assert same_configuration(tf_keras.models.load_model("x.keras"), model)
    found = same_configuration(model, built(0.5))
    assert found.difference == "layer 3 ('dropout', Dropout): rate is 0.2 against 0.5"


def test_what_is_no_model_has_no_configuration():
    with pytest.raises(TypeError, match="expected a Keras model or a snapshot of one; dict was"):
        same_configuration({}, {})


def test_every_public_function_of_the_module_is_tested_here():
    public = {
        name
        for name, held in vars(compare).items()
        if not name.startswith("_")
        and isinstance(held, types.FunctionType)
        and held.__module__ == compare.__name__
    }
    assert public <= set(globals()), public - set(globals())
