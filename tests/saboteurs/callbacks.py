"""`ModelCheckpoint`: when it saves, and what it keeps; `EarlyStopping`: what it restores."""

from . import breaks, wrapped


@breaks("keras")
def model_checkpoint_saves_the_first_epoch_only(keras):
    """`ModelCheckpoint` saves at the end of every epoch, and the last one stays."""

    def replace(on_epoch_end):
        def once(callback, epoch, logs=None):
            if epoch == 0:
                on_epoch_end(callback, epoch, logs)

        return once

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


@breaks("keras")
def model_checkpoint_counts_each_epoch_anew(keras):
    """The count of `save_freq` carries from one epoch to the next."""

    def replace(on_epoch_begin):
        def begin(callback, epoch, logs=None):
            callback._batches_seen_since_last_saving = 0
            on_epoch_begin(callback, epoch, logs)

        return begin

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_begin", replace)


@breaks("keras")
def model_checkpoint_waits_for_the_end_of_the_epoch(keras):
    """A number in `save_freq` saves in the middle of an epoch, where the count falls there."""

    def replace(should_save):
        def at_the_end(callback, batch):
            return should_save(callback, batch) and batch + 1 == callback.params["steps"]

        return at_the_end

    wrapped(keras.callbacks.ModelCheckpoint, "_should_save_on_batch", replace)


@breaks("keras")
def model_checkpoint_saves_more_than_the_best(keras):
    """`save_best_only` keeps the best epoch, not the last one."""

    def replace(init):
        def __init__(callback, *args, save_best_only=False, **kwargs):
            init(callback, *args, save_best_only=False, **kwargs)

        return __init__

    wrapped(keras.callbacks.ModelCheckpoint, "__init__", replace)


@breaks("keras")
def model_checkpoint_overwrites_on_a_tie(keras):
    """`save_best_only` keeps the first of two equal epochs."""

    def replace(is_improvement):
        def improved(callback, value, best):
            return value == best or is_improvement(callback, value, best)

        return improved

    wrapped(keras.callbacks.ModelCheckpoint, "_is_improvement", replace)


@breaks("keras")
def model_checkpoint_remembers_the_best(keras):
    """A trap that the text warns of: after a restart the best so far is forgotten."""
    remembered = {}

    def begin(callback, logs=None):
        import os

        if callback.save_best_only and callback.best is None and os.path.exists(callback.filepath):
            callback.best = remembered.get(callback.monitor)

    def replace(on_epoch_end):
        def end(callback, epoch, logs=None):
            on_epoch_end(callback, epoch, logs)
            remembered[callback.monitor] = callback.best or remembered.get(callback.monitor)

        return end

    keras.callbacks.ModelCheckpoint.on_train_begin = begin
    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


@breaks("keras")
def model_checkpoint_ignores_the_threshold(keras):
    """`initial_value_threshold` is what the first epoch has to beat."""

    def replace(init):
        def __init__(callback, *args, initial_value_threshold=None, **kwargs):
            init(callback, *args, **kwargs)

        return __init__

    wrapped(keras.callbacks.ModelCheckpoint, "__init__", replace)


@breaks("keras")
def model_checkpoint_skips_what_it_cannot_compare(keras):
    """A trap that the text warns of: where the metric is missing, every save is the best."""

    def replace(on_train_batch_end):
        def end(callback, batch, logs=None):
            missing = callback.save_best_only and callback.monitor not in (logs or {})
            if not missing or batch + 1 == callback.params["steps"]:
                on_train_batch_end(callback, batch, logs)

        return end

    wrapped(keras.callbacks.ModelCheckpoint, "on_train_batch_end", replace)


@breaks("keras")
def model_checkpoint_skips_an_epoch_without_the_metric(keras):
    """A trap that the text warns of: without validation data, every epoch is the best."""

    def replace(on_epoch_end):
        def end(callback, epoch, logs=None):
            if not callback.save_best_only or callback.monitor in (logs or {}):
                on_epoch_end(callback, epoch, logs)

        return end

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


@breaks("keras")
def model_checkpoint_counts_from_the_first_epoch(keras):
    """A trap that the text warns of: after a restart the count of batches begins at zero."""

    def replace(on_epoch_begin):
        def begin(callback, epoch, logs=None):
            if callback.save_freq != "epoch" and callback._last_batch_seen is None:
                seen = epoch * callback.params["steps"] % callback.save_freq
                callback._batches_seen_since_last_saving = seen
            on_epoch_begin(callback, epoch, logs)

        return begin

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_begin", replace)


@breaks("keras")
def early_stopping_restores_nothing(keras):
    """`restore_best_weights` puts the weights of the best epoch back."""

    def replace(init):
        def __init__(callback, *args, restore_best_weights=False, **kwargs):
            init(callback, *args, **kwargs)

        return __init__

    wrapped(keras.callbacks.EarlyStopping, "__init__", replace)


@breaks("keras")
def early_stopping_takes_the_optimizer_back(keras):
    """A trap that the text warns of: the optimizer stays at the last step."""

    def replace(on_train_end):
        def end(callback, logs=None):
            on_train_end(callback, logs)
            epochs = max(0, callback.stopped_epoch - callback.best_epoch)
            callback.model.optimizer.iterations.assign_sub(epochs * callback.params["steps"])

        return end

    wrapped(keras.callbacks.EarlyStopping, "on_train_end", replace)


@breaks("keras")
def early_stopping_restores_where_it_stopped(keras):
    """The best weights are restored where the epochs run out, too."""

    def replace(on_train_end):
        def end(callback, logs=None):
            if callback.stopped_epoch:
                on_train_end(callback, logs)

        return end

    wrapped(keras.callbacks.EarlyStopping, "on_train_end", replace)
