"""The small parts that the page on loops of your own relies on."""

import pytest
import tensorflow as tf

from helpers import loops


def write(prefix, **values):
    return tf.train.Checkpoint(**{k: tf.Variable(v) for k, v in values.items()}).write(str(prefix))


def test_a_step_changes_every_weight_and_counts():
    import keras

    model, optimizer = loops.create(), keras.optimizers.Adam()
    before = model.get_weights()
    loss = loops.train_step(model, optimizer, tf.random.uniform((50, 784)), tf.range(50) % 10)
    assert 0 < loss < 100
    assert all((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    assert int(optimizer.iterations) == 1


def test_two_models_have_other_weights():
    assert (loops.create().get_weights()[0] != loops.create().get_weights()[0]).any()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"a": 1.0, "b": 2.0}, []),
        ({"a": 1.0, "b": 2.0000002}, ["b"]),
        ({"a": 1.0}, ["b"]),
        ({"a": 1.0, "b": 2.0, "c": 0.0}, ["c"]),
    ],
)
def test_a_tensor_that_differs_or_is_missing_is_named(other, told, tmp_path):
    one = write(tmp_path / "one", a=1.0, b=2.0)
    found = loops.differences(one, write(tmp_path / "other", **other))
    assert [name.partition("/")[0] for name in found] == told


def test_another_dtype_is_a_difference(tmp_path):
    one, other = write(tmp_path / "one", a=0), write(tmp_path / "other", a=0.0)
    assert loops.differences(one, other)


def test_a_checkpoint_with_nothing_to_compare_is_refused(tmp_path):
    path = tf.train.Checkpoint(data=iter(tf.data.Dataset.range(3))).write(str(tmp_path / "it"))
    with pytest.raises(ValueError, match="no tensor to compare"):
        loops.differences(path, path)


def test_a_classifier_has_no_variables_before_its_first_call():
    model = loops.classifier("logits")
    assert not model.variables
    assert model(tf.zeros((2, 784))).shape == (2, 10)
    assert len(model.logits.variables) == len(model.variables) == 2


@pytest.mark.parametrize(
    ("path", "told"), [("file", [True, True, False]), (None, [True, True, True])]
)
def test_the_answers_of_the_assertions_are_in_order(path, told, tmp_path):
    write(tmp_path / "file", a=1.0)
    mine = tf.train.Checkpoint(a=tf.Variable(0.0), b=tf.Variable(0.0))
    read = mine.read if path else mine.restore
    assert loops.asserted(read(str(tmp_path / path) if path else None)) == told


def test_a_call_that_waits_takes_as_long():
    import time

    assert loops.seconds(lambda: time.sleep(0.05)) >= 0.05


def test_a_module_makes_its_variable_at_the_first_call():
    module = loops.module()
    assert not module.variables
    assert module(tf.zeros((2, 784))).shape == (2, 10)
    assert module(tf.zeros((2, 784))).shape == (2, 10)
    assert len(module.variables) == 1


def test_fresh_objects_are_built_and_have_no_step_yet():
    run = loops.fresh()
    assert len(run.optimizer.variables) == 10
    assert int(run.step) == int(run.optimizer.iterations) == 0


def test_right_is_the_part_of_the_digits_that_a_model_knows():
    from helpers import digits

    _, (_, labels) = digits.load()
    assert loops.right(lambda images: tf.one_hot(labels, 10)) == 1
    assert loops.right(lambda images: tf.one_hot(labels * 0, 10)) == 0.1


def test_a_batch_is_a_copy():
    images, labels = loops.batch([3, 5])
    assert images.shape == (2, 784) and labels.shape == (2,)
    images += 1
    assert loops.batch([3])[0].max() <= 1
