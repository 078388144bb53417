"""`helpers.proof`: a claim that does not hold must never print a tick."""

import types
import warnings

import numpy as np
import pytest

from helpers import proof
from helpers.proof import (
    Comparison,
    check,
    refuses,
    same_optimizer,
    same_predictions,
    same_weights,
    snapshot,
    warns,
)

# check


@pytest.mark.parametrize("holds", [True, np.True_, Comparison(True)])
def test_a_claim_that_holds_prints_a_tick(holds, capsys):
    check("the file is there", holds)
    assert capsys.readouterr().out == "✓ the file is there\n"


@pytest.mark.parametrize("holds", [False, np.False_, Comparison(False)])
def test_a_claim_that_does_not_hold_raises_and_prints_no_tick(holds, capsys):
    with pytest.raises(AssertionError) as raised:
        check("the file is there", holds)
    assert str(raised.value) == "✗ the file is there"
    assert capsys.readouterr().out == ""


def test_a_failing_claim_says_what_differed():
    with pytest.raises(AssertionError, match="✗ they are equal: kernel has shape"):
        check("they are equal", Comparison(False, "kernel has shape (2,) against (3,)"))


@pytest.mark.parametrize("holds", ["False", [False], None, 0, 1, np.array([True]), 0.0])
def test_what_is_no_truth_value_is_refused_since_a_string_would_always_count_as_true(holds):
    with pytest.raises(TypeError, match=f"given {type(holds).__name__} for 'a claim'"):
        check("a claim", holds)


@pytest.mark.parametrize("claim", ["", "  \n", None, True])
def test_a_claim_without_words_is_refused(claim):
    with pytest.raises(TypeError, match="expected a sentence"):
        check(claim, True)


# refuses


def test_a_refusal_prints_its_type_and_the_words_but_not_the_rest(capsys):
    with refuses(ValueError, "must end in"):
        raise ValueError("The filename must end\n  in `.weights.h5`. Received: /tmp/x")
    assert capsys.readouterr().out == "✓ refused: ValueError: … must end in …\n"


def test_a_subclass_is_shown_under_its_own_name(capsys):
    with refuses(OSError, "no such"):
        raise FileNotFoundError("no such file")
    assert "FileNotFoundError" in capsys.readouterr().out


def test_nothing_raised_is_no_refusal(capsys):
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        pass
    expected = "✗ expected ValueError with the words 'must end in'; nothing was raised"
    assert str(raised.value) == expected
    assert capsys.readouterr().out == ""


def test_another_error_is_no_refusal_and_is_named():
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        raise KeyError("x")
    assert "with the words 'must end in'; KeyError was raised: 'x'" in str(raised.value)


def test_other_words_are_no_refusal_and_are_shown():
    with pytest.raises(AssertionError) as raised, refuses(ValueError, "must end in"):
        raise ValueError("file not found")
    assert "its words were 'file not found'" in str(raised.value)


def test_words_are_looked_for_as_they_are_not_as_a_pattern():
    with pytest.raises(AssertionError), refuses(ValueError, "a.c"):
        raise ValueError("abc")


@pytest.mark.parametrize("match", ["", " ", None])
def test_a_refusal_without_words_would_accept_any_message(match):
    with pytest.raises(TypeError, match="refuses was given match="), refuses(ValueError, match):
        raise ValueError("anything")


# warns


def test_a_warning_is_shown_by_type_and_words_and_kept_off_stderr(capsys):
    with warnings.catch_warnings(record=True) as passed, warns("Skipping variable"):
        warnings.warn("Skipping  variable loading", stacklevel=1)
    assert passed == []
    assert capsys.readouterr().out == "✓ only a warning: UserWarning: … Skipping variable …\n"


def test_a_warning_shown_once_before_is_caught_again(capsys):
    for _ in range(2):
        with warns("once"):
            warnings.warn("once", stacklevel=1)
    assert capsys.readouterr().out.count("✓") == 2


def test_no_warning_is_a_failure():
    with pytest.raises(AssertionError) as raised, warns("Skipping variable"):
        pass
    assert "✗ expected a warning with the words 'Skipping variable'; given: none" in str(
        raised.value
    )


@pytest.mark.filterwarnings("ignore:something else")
def test_another_warning_is_a_failure_and_is_shown():
    with pytest.raises(AssertionError) as raised, warns("Skipping variable"):
        warnings.warn("something else", stacklevel=1)
    assert "given: ['something else']" in str(raised.value)


def test_other_warnings_reach_the_reader():
    with pytest.warns(UserWarning, match="something else"), warns("Skipping"):
        warnings.warn("Skipping", stacklevel=1)
        warnings.warn("something else", stacklevel=1)


def test_an_error_in_the_block_is_not_taken_for_a_warning(capsys):
    with pytest.raises(ValueError, match="broken"), warns("Skipping"):
        warnings.warn("Skipping", stacklevel=1)
        raise ValueError("broken")
    assert capsys.readouterr().out == ""


def test_a_warning_without_words_would_accept_any():
    with pytest.raises(TypeError, match="warns was given match="), warns(""):
        pass


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
    assert "tensors against" in same_optimizer(trained, other).difference


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
    with pytest.raises(TypeError, match="expected a model or an array; list was given"):
        same_predictions([0.1], np.zeros(1))


def test_every_public_function_of_the_module_is_tested_here():
    public = {
        name
        for name, held in vars(proof).items()
        if not name.startswith("_")
        and isinstance(held, types.FunctionType)
        and held.__module__ == proof.__name__
    }
    assert public <= set(globals()), public - set(globals())
