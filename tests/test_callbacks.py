"""`helpers.callbacks`: a CheckpointManager that saves while `fit` runs."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def callbacks(keras):
    from helpers import callbacks

    return callbacks


@pytest.fixture
def fit(workplace, tiny):
    """Train with the callback for some epochs; return the manager and the model."""
    import tensorflow as tf

    from helpers.callbacks import ManagedCheckpoint

    def run(epochs, every=1, **options):
        model = tiny()
        checkpoint = tf.train.Checkpoint(model=model)
        manager = tf.train.CheckpointManager(checkpoint, "saved", **options)
        callback = ManagedCheckpoint(manager, every)
        model.fit(np.ones((4, 4)), np.ones((4, 2)), epochs=epochs, callbacks=[callback], verbose=0)
        return manager, model

    return run


def numbers(manager):
    return [int(path.rsplit("-", 1)[1]) for path in manager.checkpoints]


def test_every_epoch_is_saved_under_its_number_counted_from_one(fit):
    manager, _ = fit(epochs=3, max_to_keep=None)
    assert numbers(manager) == [1, 2, 3]


def test_every_second_epoch_is_saved_and_the_others_are_not(fit):
    manager, _ = fit(epochs=5, every=2, max_to_keep=None)
    assert numbers(manager) == [2, 4]


def test_the_manager_decides_what_is_kept(fit):
    manager, _ = fit(epochs=4, max_to_keep=2)
    assert numbers(manager) == [3, 4]


def test_what_is_saved_is_the_model_as_it_was_at_the_epochs_end(fit, tiny):
    import tensorflow as tf

    from helpers.proof import same_weights

    manager, model = fit(epochs=2, max_to_keep=None)
    last, first = tiny(), tiny()
    tf.train.Checkpoint(model=last).restore(manager.checkpoints[-1]).expect_partial()
    tf.train.Checkpoint(model=first).restore(manager.checkpoints[0]).expect_partial()
    assert same_weights(last, model)
    assert not same_weights(first, model)


def test_something_else_than_a_manager_is_refused(callbacks):
    with pytest.raises(TypeError, match=r"given str; expected a tf\.train\.CheckpointManager"):
        callbacks.ManagedCheckpoint("training_1/cp.ckpt")


@pytest.mark.parametrize("every", [0, -1, 1.5, "5", None, True])
def test_a_rhythm_that_is_no_number_of_epochs_is_refused(callbacks, workplace, every):
    import tensorflow as tf

    manager = tf.train.CheckpointManager(tf.train.Checkpoint(), "saved", max_to_keep=1)
    with pytest.raises(ValueError, match="expected epochs, 1 or more") as raised:
        callbacks.ManagedCheckpoint(manager, every)
    assert f"every={every!r}" in str(raised.value)
