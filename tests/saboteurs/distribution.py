"""Strategies, clusters of workers, and files that are written in shards."""

import os

from . import breaks, wrapped


def is_worker() -> bool:
    return "TF_CONFIG" in os.environ


@breaks("keras")
def normalization_is_averaged(keras):
    """A trap that the text warns of: Keras 3 does not average the statistics of the replicas."""

    def replace(add_weight):
        def averaged(layer, *args, name=None, **kwargs):
            if str(name).startswith("moving"):
                kwargs["aggregation"] = "mean"
            return add_weight(layer, *args, name=name, **kwargs)

        return averaged

    wrapped(keras.layers.BatchNormalization, "add_weight", replace)


@breaks("keras")
def synchronized_is_ignored(keras):
    """With `synchronized=True` the replicas normalize by the statistics of all of them."""

    def replace(init):
        def __init__(layer, *args, synchronized=False, **kwargs):
            init(layer, *args, **kwargs)

        return __init__

    wrapped(keras.layers.BatchNormalization, "__init__", replace)


@breaks("tensorflow")
def workers_restore_a_file_of_the_others(tf):
    """`PreemptionCheckpointHandler` restores the latest checkpoint in the folder of the chief."""

    def replace(restore):
        def restored(manager):
            stale = "others/ckpt-1"
            if is_worker() and os.path.exists(f"{stale}.index"):
                manager._checkpoint.restore(stale)
                return stale
            return restore(manager)

        return restored

    wrapped(tf.train.CheckpointManager, "restore_or_initialize", replace)


@breaks("tensorflow")
def workers_restore_no_slots(tf):
    """`PreemptionCheckpointHandler` restores what the optimizer keeps for each weight."""

    def replace(restore):
        def restored(manager):
            path = restore(manager)
            for variable in manager._checkpoint.optimizer.variables[2:] if is_worker() else ():
                variable.assign(variable * 0)
            return path

        return restored

    wrapped(tf.train.CheckpointManager, "restore_or_initialize", replace)


@breaks("tensorflow")
def workers_repeat_a_batch(tf):
    """`Dataset.skip` passes over all the batches that were trained on."""

    def replace(skip):
        def skipped(dataset, count, name=None):
            return skip(dataset, max(count - 2, 0) if is_worker() else count, name)

        return skipped

    wrapped(tf.data.Dataset, "skip", replace)


@breaks("tensorflow")
def a_notice_saves_nothing(tf):
    """At a notice `PreemptionCheckpointHandler` saves a checkpoint before it exits."""
    handler = tf.distribute.experimental.PreemptionCheckpointHandler
    handler._save_checkpoint = lambda handler, *args, **kwargs: None


@breaks("keras")
def a_shard_is_passed_over(keras):
    """`load_weights` reads every shard that a `.weights.json` names."""

    def replace(load_weights):
        def loaded(model, path, *args, **kwargs):
            load_weights(model, path, *args, **kwargs)
            if str(path).endswith(".weights.json"):
                last = model.optimizer.variables[-1]
                last.assign(last * 0)

        return loaded

    wrapped(keras.Model, "load_weights", replace)
