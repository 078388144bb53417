"""Whole models: `save`, `load_model`, `compile`."""

import sys

from . import breaks, emptied, wrapped
from .weights import load_weights_does_nothing


@breaks("keras")
def load_model_forgets_the_optimizer(keras):
    """`load_model` brings the optimizer back as it was, step count and slots."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            emptied(getattr(model, "optimizer", None))
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


def after_loading(keras, change) -> None:
    """Let `load_model` make a change to every model that it returns."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            change(model)
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
    wrapped(keras.models, "load_model", replace)


def compiled_without(keras, model, *parts: str) -> None:
    """Compile a model anew as it was compiled, its optimizer untouched, but for these parts."""
    if not hasattr(model, "_compile_config"):
        return
    model.loss = model._compile_loss = model._compile_metrics = None
    arguments = {**model._compile_config.config, "optimizer": model.optimizer}
    keras.Model.compile(model, **{**arguments, **dict.fromkeys(parts)})


@breaks("keras")
def load_model_forgets_the_metrics(keras):
    """`load_model` compiles the model with the metrics that it had."""
    after_loading(keras, lambda m: compiled_without(keras, m, "metrics", "weighted_metrics"))


@breaks("keras")
def load_model_forgets_the_loss(keras):
    """`load_model` compiles the model with the loss that it had."""
    after_loading(keras, lambda model: compiled_without(keras, model, "loss", "loss_weights"))


@breaks("keras")
def load_model_changes_the_dropout_rate(keras):
    """`load_model` gives each layer the settings that it had."""

    def change(model):
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.rate /= 2

    after_loading(keras, change)


@breaks("keras")
def load_model_forgets_trainable(keras):
    """`load_model` brings a layer back as frozen as it was."""

    def change(model):
        for layer in model._flatten_layers():
            layer.trainable = True

    after_loading(keras, change)


@breaks("keras")
def load_model_changes_the_learning_rate(keras):
    """`load_model` brings the optimizer back with the learning rate that it had."""

    def change(model):
        optimizer = getattr(model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if optimizer is not None and not callable(optimizer._learning_rate):  # no schedule
            optimizer.learning_rate = float(optimizer.learning_rate) / 2

    after_loading(keras, change)


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


@breaks("keras")
def load_model_always_compiles(keras):
    """`load_model(..., compile=False)` leaves the training part alone."""

    def replace(load):
        def load_model(path, custom_objects=None, compile=True):
            return load(path, custom_objects)

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def load_model_trusts_every_file(keras):
    """The code of a Lambda is not run unless you ask for it."""

    def replace(load):
        def load_model(*args, **kwargs):
            return load(*args, **{"safe_mode": False, **kwargs})

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def a_refused_save_keeps_the_good_file(keras):
    """A bug that the text warns of: the file is emptied before the model is asked."""

    def replace(save):
        def saved(model, *args, **kwargs):
            model.get_config()
            save(model, *args, **kwargs)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def compile_keeps_the_step_count(keras):
    """A new `compile` starts the optimizer again at step 0."""

    def replace(compile_):
        def compiled(model, *args, **kwargs):
            optimizer = getattr(model, "optimizer", None)
            steps = 0 if optimizer is None else int(optimizer.iterations)
            compile_(model, *args, **kwargs)
            model.optimizer.iterations.assign(steps)

        return compiled

    # Keras asks whether a class has a `compile` other than this one.
    wrapped(keras.src.trainers.trainer.Trainer, "compile", replace)


@breaks("keras")
def save_makes_the_folder(keras):
    """A trap that the text warns of: `save` to a `.keras` file makes no folder."""

    def replace(save):
        def made(model, filepath, *args, **kwargs):
            import os

            os.makedirs(os.path.dirname(filepath) or ".", exist_ok=True)
            return save(model, filepath, *args, **kwargs)

        return made

    wrapped(keras.Model, "save", replace)
