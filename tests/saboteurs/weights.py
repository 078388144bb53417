"""Weights: `save_weights`, `load_weights`, and what is done by hand."""

from . import breaks, emptied, wrapped


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
            if getattr(model, "optimizer", None):
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


@breaks("keras")
def save_weights_builds_a_hollow_model(keras):
    """A trap that the text warns of: after `build()` a hollow model saves an empty file."""

    def replace(save):
        def save_weights(model, *args, **kwargs):
            if model.built and not model.weights:
                model(keras.ops.zeros((1, 784)))
            save(model, *args, **kwargs)

        return save_weights

    wrapped(keras.Model, "save_weights", replace)


@breaks("keras")
def shards_lose_the_optimizer(keras):
    """A load from shards brings the optimizer's state back from all of them."""

    def replace(load):
        def load_weights(model, path, *args, **kwargs):
            load(model, path, *args, **kwargs)
            if str(path).endswith(".weights.json"):
                emptied(model.optimizer)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def frozen_layers_move(keras):
    """Training leaves a layer alone whose `trainable` is `False`."""

    def replace(fit):
        def moved(model, *args, **kwargs):
            history = fit(model, *args, **kwargs)
            for layer in model.layers:
                if not layer.trainable:
                    layer.set_weights([w * 1.000001 for w in layer.get_weights()])
            return history

        return moved

    wrapped(keras.Model, "fit", replace)


@breaks("keras")
def load_weights_forgets_trainable(keras):
    """`load_weights` leaves a layer as frozen as it was."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            load(model, *args, **kwargs)
            for layer in model._flatten_layers():
                layer.trainable = True

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_weights_makes_a_new_predict_function(keras):
    """A trap that the text warns of: the function of `predict` keeps the numbers it met first."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            load(model, *args, **kwargs)
            model.make_predict_function(force=True)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def vocabularies_are_ignored(keras):
    """A trap that the text warns of: the vocabulary is not in a weights file, and it counts."""

    def replace(init):
        def __init__(layer, *args, vocabulary=None, **kwargs):
            init(layer, *args, vocabulary=vocabulary and sorted(map(str, vocabulary)), **kwargs)

        return __init__

    for kind in keras.layers.StringLookup, keras.layers.TextVectorization:
        wrapped(kind, "__init__", replace)


@breaks("keras")
def save_weights_writes_the_configuration_too(keras):
    """A `.weights.h5` file holds neither architecture nor loss, in its attributes either."""

    def replace(save):
        def save_weights(model, path, *args, **kwargs):
            import h5py

            save(model, path, *args, **kwargs)
            if str(path).endswith(".h5"):
                with h5py.File(path, "r+") as file:
                    file.attrs["model_config"] = model.to_json()
                    file["layers"].attrs["training_config"] = str(model.get_compile_config())

        return save_weights

    wrapped(keras.saving, "save_weights", replace)
    wrapped(keras.Model, "save_weights", replace)


@breaks("keras")
def save_weights_keeps_the_old_file_until_it_is_done(keras):
    """A trap that the text warns of: a crash during a save leaves a part of a file."""

    def replace(save):
        def save_weights(model, path, *args, **kwargs):
            import os
            from pathlib import Path

            new = Path(path).with_name(f"new-{Path(path).name}")
            save(model, new, *args, **kwargs)
            os.replace(new, path)

        return save_weights

    wrapped(keras.Model, "save_weights", replace)


@breaks("keras")
def load_weights_keeps_a_much_smaller_learning_rate(keras):
    """A trap that the text warns of: the file overrules the learning rate that was compiled."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            held = getattr(model.optimizer, "variables", ())
            rates = [v for v in held if v.name == "learning_rate"]
            yours = [float(rate) for rate in rates]
            load(model, *args, **kwargs)
            for rate, before in zip(rates, yours, strict=True):
                rate.assign(before if before < float(rate) / 5 else rate)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def a_smaller_optimizer_is_skipped_without_a_word(keras):
    """Where a file holds fewer variables of an optimizer than the model has, a warning says so."""

    def replace(load):
        def load_own_variables(optimizer, store):
            if len(store.keys()) >= len(optimizer.variables):
                load(optimizer, store)

        return load_own_variables

    wrapped(keras.optimizers.Optimizer, "load_own_variables", replace)
