"""Going on after a stop: `BackupAndRestore`, and where random numbers come from."""

from . import breaks, wrapped


@breaks("keras")
def backup_and_restore_forgets_the_epoch(keras):
    """`BackupAndRestore` tells `fit` with which epoch to begin."""

    def replace(load):
        def loaded(callback):
            load(callback)
            callback.model._initial_epoch = 0

        return loaded

    wrapped(keras.callbacks.BackupAndRestore, "_load_model", replace)


@breaks("keras")
def backup_is_in_the_callback(keras):
    """A new `BackupAndRestore` restores from the folder, not from what an older one remembers."""

    def replace(load):
        def loaded(callback):
            if callback._current_epoch:
                load(callback)

        return loaded

    wrapped(keras.callbacks.BackupAndRestore, "_load_model", replace)


@breaks("keras")
def averages_are_not_put_in_place(keras):
    """When `fit` ends, `use_ema` puts the averages in place of the weights."""
    optimizer = keras.optimizers.Optimizer
    wrapped(optimizer, "finalize_variable_values", lambda end: lambda self, variables: None)


@breaks("keras")
def load_model_keeps_the_random_state(keras):
    """A trap that the text warns of: the counter of a dropout layer is in no file."""

    def replace(load):
        def loaded(*args, **kwargs):
            model = load(*args, **kwargs)
            for variable in model.variables:
                if variable.name == "seed_generator_state":
                    variable.assign([variable[0], 30])
            return model

        return loaded

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def backup_goes_on_in_the_middle_of_an_epoch(keras):
    """A trap that the text warns of: a backup by batch repeats the batches of its epoch."""

    def replace(load):
        def loaded(callback):
            load(callback)
            steps = callback.model.optimizer.iterations
            if callback.save_freq != "epoch":
                steps.assign(steps - steps % 10)

        return loaded

    wrapped(keras.callbacks.BackupAndRestore, "_load_model", replace)


@breaks("keras")
def early_stopping_remembers(keras):
    """A trap that the text warns of: after a restart `EarlyStopping` counts anew."""
    held = {}

    def begin(original):
        def on_train_begin(callback, logs=None):
            original(callback, logs)
            vars(callback).update(held)

        return on_train_begin

    def end(original):
        def on_epoch_end(callback, epoch, logs=None):
            original(callback, epoch, logs)
            held.update({n: vars(callback)[n] for n in ("best", "wait", "best_epoch")})

        return on_epoch_end

    wrapped(keras.callbacks.EarlyStopping, "on_train_begin", begin)
    wrapped(keras.callbacks.EarlyStopping, "on_epoch_end", end)


@breaks("numpy")
def seeds_are_forgotten(numpy):
    """The same seed gives the same random numbers, in each process."""
    wrapped(numpy.random, "default_rng", lambda generator: lambda seed=None: generator())
