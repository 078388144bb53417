"""TensorFlow checkpoints and their manager."""

from . import breaks, emptied, wrapped


class NothingRestored:
    """The status of a restore that did nothing and says that all went well."""

    def expect_partial(self):
        return self

    assert_consumed = assert_existing_objects_matched = assert_nontrivial_match = expect_partial


@breaks("tensorflow")
def checkpoint_manager_keeps_all(tf):
    """`CheckpointManager` deletes all but the last `max_to_keep` checkpoints."""

    def replace(init):
        def keep_all(manager, checkpoint, directory, max_to_keep, *args, **kwargs):
            init(manager, checkpoint, directory, None, *args, **kwargs)

        return keep_all

    wrapped(tf.train.CheckpointManager, "__init__", replace)


@breaks("tensorflow")
def checkpoint_restores_nothing(tf):
    """`Checkpoint.restore` fills the objects, and `assert_consumed` would notice if not."""
    tf.train.Checkpoint.restore = lambda checkpoint, path, options=None: NothingRestored()


@breaks("tensorflow")
def checkpoint_drops_the_optimizer(tf):
    """`Checkpoint.restore` brings the optimizer of a model back with the model."""

    def replace(restore):
        def restored(checkpoint, *args, **kwargs):
            status = restore(checkpoint, *args, **kwargs)
            if hasattr(checkpoint, "model"):
                emptied(getattr(checkpoint.model, "optimizer", None))
            return status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)


@breaks("tensorflow")
def latest_checkpoint_finds_anything(tf):
    """`latest_checkpoint` gives None for a folder without TensorFlow checkpoints."""

    def replace(latest_checkpoint):
        def latest(folder, *args, **kwargs):
            import os

            files = sorted(os.listdir(folder))
            return latest_checkpoint(folder, *args, **kwargs) or os.path.join(folder, files[-1])

        return latest

    wrapped(tf.train, "latest_checkpoint", replace)


@breaks("tensorflow")
def checkpoint_manager_has_a_default(tf):
    """`CheckpointManager` has no default for `max_to_keep`."""

    def replace(init):
        def __init__(manager, checkpoint, directory, max_to_keep=5, *args, **kwargs):
            init(manager, checkpoint, directory, max_to_keep, *args, **kwargs)

        return __init__

    wrapped(tf.train.CheckpointManager, "__init__", replace)


@breaks("tensorflow")
def max_shard_size_is_no_limit(tf):
    """`MaxShardSizePolicy` splits a checkpoint into more than one shard."""

    def replace(init):
        def __init__(policy, max_shard_size):
            init(policy, 2**40)

        return __init__

    wrapped(tf.train.experimental.MaxShardSizePolicy, "__init__", replace)


@breaks("tensorflow")
def restore_of_nothing_counts_as_consumed(tf):
    """The status of `restore(None)` says that nothing was restored."""

    def replace(restore):
        def restored(checkpoint, path, *args, **kwargs):
            status = restore(checkpoint, path, *args, **kwargs)
            return NothingRestored() if path is None else status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)


@breaks("tensorflow")
def read_drops_the_optimizer(tf):
    """`Checkpoint.read` brings the optimizer of a model back with the model."""

    def replace(read):
        def filled(checkpoint, *args, **kwargs):
            status = read(checkpoint, *args, **kwargs)
            emptied(getattr(checkpoint.model, "optimizer", None))
            return status

        return filled

    wrapped(tf.train.Checkpoint, "read", replace)


@breaks("tf_keras")
def old_load_weights_does_nothing(tf_keras):
    """`load_weights` of Keras 2 fills the model with what is in the TensorFlow checkpoint."""
    tf_keras.Model.load_weights = lambda model, path, *args, **kwargs: NothingRestored()


def load_status():
    from tensorflow.python.checkpoint.checkpoint import CheckpointLoadStatus

    return CheckpointLoadStatus


@breaks("tensorflow")
def assert_consumed_looks_at_the_checkpoint_only(tf):
    """`assert_consumed` asks whether each of your objects found a value in the checkpoint."""
    load_status().assert_existing_objects_matched = lambda status: status


@breaks("tensorflow")
def assert_consumed_looks_at_the_objects_only(tf):
    """`assert_consumed` asks whether all that is in the checkpoint found a place."""
    load_status().assert_consumed = load_status().assert_existing_objects_matched


@breaks("tensorflow")
def checkpoint_manager_spares_what_it_finds(tf):
    """A trap that the text warns of: after a restart the old checkpoints are deleted first."""

    def replace(init):
        def __init__(manager, *args, **kwargs):
            init(manager, *args, **kwargs)
            manager._maybe_delete.clear()

        return __init__

    wrapped(tf.train.CheckpointManager, "__init__", replace)


@breaks("tensorflow")
def restore_leaves_the_counter_alone(tf):
    """`Checkpoint.restore` brings the number of saves back, from which a manager counts on."""

    def replace(restore):
        def restored(checkpoint, *args, **kwargs):
            status = restore(checkpoint, *args, **kwargs)
            checkpoint.save_counter.assign(0)
            return status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)
