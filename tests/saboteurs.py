"""Saboteurs: each breaks one promise of Keras, TensorFlow or h5py underneath a notebook.

`make sabotage` runs each notebook of `CASES` once for each of its rows, with the saboteur at work
in the kernel and in the fresh interpreters that `%%python` starts. The notebook must fail, and
the first cell to fail must be the one that makes the claim of the row.

To add one:

1. Write a function of a few lines below, with a docstring that says which promise it breaks. Mark
   it with `@breaks("keras")`: it is called with that module, as soon as the module is imported,
   and changes it in place. It may not crash: a saboteur that raises is caught by anything.
2. Add a row `(function, "words of the claim")` to the notebook's table in `CASES`. The words stand
   in the first `check`, `refuses` or `warns` that must fail.
3. Run it alone: `pytest tests/sabotage.py -n0 -k name_of_the_function`.

The same saboteur may serve several notebooks. A notebook needs two of them, 02 to 06 three.
"""

import sys


def breaks(module: str):
    """Mark a function as a saboteur that waits for the import of this module."""

    def mark(function):
        function.module = module
        return function

    return mark


def wrapped(owner, name: str, replace) -> None:
    """Replace a function or method by `replace(original)`."""
    setattr(owner, name, replace(getattr(owner, name)))


def emptied(optimizer) -> None:
    """Set all that an optimizer has learned to zero: the step count and the slots."""
    for variable in optimizer.variables if optimizer is not None else ():
        if "learning_rate" not in variable.name:
            variable.assign(variable * 0)


# Saving and loading weights


@breaks("keras")
def load_weights_does_nothing(keras):
    """`load_weights` fills the model with what is in the file."""
    keras.Model.load_weights = lambda model, path, *args, **kwargs: None


@breaks("keras")
def load_weights_leaves_the_last_layer_out(keras):
    """`load_weights` fills all layers, not most of them."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            kept = model.layers[-1].get_weights()
            load(model, *args, **kwargs)
            model.layers[-1].set_weights(kept)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_weights_drops_the_optimizer(keras):
    """`load_weights` brings the optimizer's state back into a built optimizer."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            load(model, *args, **kwargs)
            emptied(model.optimizer)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_weights_builds_the_optimizer(keras):
    """A bug that the text warns of: an optimizer that was never built stays behind."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            model.optimizer.build(model.trainable_variables)
            load(model, *args, **kwargs)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def save_weights_writes_other_weights(keras):
    """`save_weights` writes the weights that the model has, not those of a new one."""

    def replace(save):
        def save_weights(model, *args, **kwargs):
            kept = model.get_weights()
            model.set_weights([keras.random.normal(w.shape, stddev=0.05) for w in kept])
            save(model, *args, **kwargs)
            model.set_weights(kept)

        return save_weights

    wrapped(keras.Model, "save_weights", replace)


@breaks("keras")
def save_weights_leaves_the_optimizer_out(keras):
    """A `.weights.h5` file holds the optimizer's state too, not a new optimizer's zeros."""

    def replace(save):
        def save_weights(model, path, *args, **kwargs):
            import h5py

            save(model, path, *args, **kwargs)
            with h5py.File(path, "r+") as file:
                for stored in file.get("optimizer/vars", {}).values():
                    stored[...] = 0

        return save_weights

    wrapped(keras.Model, "save_weights", replace)


# Whole models


@breaks("keras")
def load_model_forgets_the_optimizer(keras):
    """`load_model` brings the optimizer back as it was, step count and slots."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            emptied(model.optimizer)
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
    wrapped(keras.models, "load_model", replace)


@breaks("keras")
def load_model_rounds_the_weights(keras):
    """`load_model` brings the weights back bit for bit, not nearly."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            model.set_weights([w.astype("float16").astype(w.dtype) for w in model.get_weights()])
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
    wrapped(keras.models, "load_model", replace)


@breaks("keras")
def only_the_writer_can_read(keras):
    """A file needs nothing of the process that wrote it: a fresh interpreter reads it too."""
    if "ipykernel" not in sys.modules:
        load_weights_does_nothing(keras)
        load_model_rounds_the_weights(keras)


@breaks("keras")
def any_name_is_accepted(keras):
    """`save` and `save_weights` refuse a name whose ending is no format of Keras 3."""
    for method, ending in ("save", ".keras"), ("save_weights", ".weights.h5"):

        def replace(save, ending=ending):
            def saved(model, path, *args, **kwargs):
                path = str(path)
                known = path.endswith((".keras", ".h5"))
                return save(model, path if known else path + ending, *args, **kwargs)

            return saved

        wrapped(keras.Model, method, replace)


# Callbacks


@breaks("keras")
def model_checkpoint_saves_the_first_epoch_only(keras):
    """`ModelCheckpoint` saves at the end of every epoch, and the last one stays."""

    def replace(on_epoch_end):
        def once(callback, epoch, logs=None):
            if epoch == 0:
                on_epoch_end(callback, epoch, logs)

        return once

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


# TensorFlow checkpoints


@breaks("tensorflow")
def checkpoint_manager_keeps_all(tf):
    """`CheckpointManager` deletes all but the last `max_to_keep` checkpoints."""

    def replace(init):
        def keep_all(manager, checkpoint, directory, max_to_keep, *args, **kwargs):
            init(manager, checkpoint, directory, None, *args, **kwargs)

        return keep_all

    wrapped(tf.train.CheckpointManager, "__init__", replace)


class NothingRestored:
    """The status of a restore that did nothing and says that all went well."""

    def expect_partial(self):
        return self

    assert_consumed = assert_existing_objects_matched = assert_nontrivial_match = expect_partial


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


# Keras 2


@breaks("tf_keras")
def old_load_weights_does_nothing(tf_keras):
    """`load_weights` of Keras 2 fills the model with what is in the TensorFlow checkpoint."""
    tf_keras.Model.load_weights = lambda model, path, *args, **kwargs: NothingRestored()


# Another sample of digits


@breaks("keras")
def other_digits(keras):
    """No promise of Keras: `DIGITS_SOURCE=mnist` gives other digits, without a network.

    The two halves of the bundled sample change places, in another order.
    """

    def load_data(path="mnist.npz"):
        import numpy as np

        from helpers.digits import BUNDLED

        order = np.random.default_rng(1).permutation(1000)
        with np.load(BUNDLED) as file:
            return tuple(
                (file[f"{half}_images"][order], file[f"{half}_labels"][order])
                for half in ("test", "train")
            )

    keras.datasets.mnist.load_data = load_data


# For the tests of the rig itself


@breaks("keras")
def harmless(keras):
    """Breaks nothing: the notebook must pass."""


@breaks("colorsys")
def planted(colorsys):
    """A small module that is broken where a planted notebook claims it works."""
    colorsys.rgb_to_hls = lambda r, g, b: (0.0, 0.0, 0.0)


@breaks("colorsys")
def planted_in_fresh_python(colorsys):
    """The same, in `%%python` cells only."""
    if "ipykernel" not in sys.modules:
        planted(colorsys)


CASES = {
    "00_start_here": (
        (load_weights_does_nothing, "the rebuilt model has the trained weights"),
        (load_model_forgets_the_optimizer, "the optimizer is back, bit for bit"),
        (load_model_rounds_the_weights, "all four tensors are back, bit for bit"),
        (only_the_writer_can_read, "a fresh Python loads the model"),
        (any_name_is_accepted, "Use `model.export(filepath)`"),
    ),
    "01_checkpoint_callback": (
        (model_checkpoint_saves_the_first_epoch_only, "each epoch wrote other contents into it"),
        (load_weights_does_nothing, "the weights match bit for bit"),
        (load_weights_leaves_the_last_layer_out, "the weights match bit for bit"),
        (save_weights_writes_other_weights, "the weights match bit for bit"),
        (load_weights_drops_the_optimizer, "the optimizer matches bit for bit"),
        (save_weights_leaves_the_optimizer_out, "the optimizer matches bit for bit"),
        (only_the_writer_can_read, "after loading they match bit for bit"),
        (load_model_forgets_the_optimizer, "so is the optimizer, without a build"),
        (checkpoint_manager_keeps_all, "two of four checkpoints were kept"),
        (checkpoint_restores_nothing, "the weights are back, bit for bit"),
        (checkpoint_drops_the_optimizer, "the optimizer is back, bit for bit"),
        (load_weights_builds_the_optimizer, "Skipping variable loading for optimizer"),
        (old_load_weights_does_nothing, "it has the weights that the trained one had"),
    ),
}


def arm(name: str, log: str) -> None:
    """Let one saboteur wait for its module; write to `log` what it and fresh interpreters do."""
    import wrapt

    function = globals()[name]

    def fire(module):
        function(module)
        write(f"{name} broke {module.__name__} in {'' if is_kernel() else 'fresh '}Python")

    def write(line):
        with open(log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def is_kernel():
        return "ipykernel" in sys.modules

    def report(kind, error, trace):
        write(f"{kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)

    wrapt.register_post_import_hook(fire, function.module)
    sys.excepthook = report
