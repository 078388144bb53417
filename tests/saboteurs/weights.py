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
def save_weights_skips_nothing(keras):
    """`keras.saving.save_weights` leaves out what stands in `objects_to_skip`."""

    def replace(save):
        def save_weights(*args, objects_to_skip=None, **kwargs):
            save(*args, **kwargs)

        return save_weights

    wrapped(keras.saving, "save_weights", replace)


@breaks("keras")
def load_weights_skips_no_layer(keras):
    """`load_weights` leaves out a layer that stands in `objects_to_skip`, though it fits."""

    def replace(load):
        def load_weights(model, *args, objects_to_skip=(), **kwargs):
            kept = [o for o in objects_to_skip if not isinstance(o, keras.Layer)]
            load(model, *args, objects_to_skip=kept, **kwargs)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def a_refused_load_is_undone(keras):
    """A trap that the text warns of: a refused `load_weights` has filled what fits."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            kept = model.get_weights()
            try:
                load(model, *args, **kwargs)
            except ValueError:
                model.set_weights(kept)
                raise

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_weights_spares_a_shorter_model(keras):
    """A trap that the text warns of: the file of a longer model fills a shorter one."""

    def replace(load):
        def load_weights(model, path, *args, **kwargs):
            import h5py

            kept = model.get_weights()
            load(model, path, *args, **kwargs)
            if not str(path).endswith(".weights.h5"):
                return
            with h5py.File(path) as file:
                stored = sum("0" in group.get("vars", {}) for group in file["layers"].values())
            if stored > sum(bool(layer.weights) for layer in model.layers):
                model.set_weights(kept)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_weights_goes_by_layer_name(keras):
    """A trap that the text warns of: layers of the same class and shape swap silently."""

    def replace(load):
        def load_weights(model, path, *args, **kwargs):
            import h5py

            load(model, path, *args, **kwargs)
            if str(path).endswith(".json"):
                return
            layers = {layer.name: layer for layer in model.layers}
            with h5py.File(path) as file:
                for group in file.get("layers", {}).values():
                    layer = layers.get(group["vars"].attrs.get("name"))
                    if layer is not None and layer.weights and len(group["vars"]):
                        layer.set_weights([group["vars"][i][()] for i in sorted(group["vars"])])

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def skip_mismatch_fills_what_does_not_fit(keras):
    """`skip_mismatch` leaves a layer that does not fit as it was."""

    def replace(load):
        def load_weights(model, path, skip_mismatch=False, **kwargs):
            before = [layer.get_weights() for layer in model.layers]
            load(model, path, skip_mismatch=skip_mismatch, **kwargs)
            for layer, old in zip(model.layers, before, strict=True):
                now = layer.get_weights()
                if skip_mismatch and all((a == b).all() for a, b in zip(old, now, strict=True)):
                    layer.set_weights([w + 0.01 for w in now])

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


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
def the_editor_changes_the_file_that_it_opened(keras):
    """`KerasFileEditor` writes another file, and leaves the one that it opened as it was."""

    def replace(save):
        def saved(editor, path):
            save(editor, path)
            save(editor, editor.filepath)

        return saved

    wrapped(keras.saving.KerasFileEditor, "save", replace)


@breaks("keras")
def the_editor_writes_zeros(keras):
    """A renamed array in a file is the array that it was."""

    def replace(save):
        def saved(editor, path):
            import h5py

            save(editor, path)
            with h5py.File(path, "r+") as file:
                file.visititems(
                    lambda name, item: (
                        item.write_direct(item[...] * 0) if isinstance(item, h5py.Dataset) else None
                    )
                )

        return saved

    wrapped(keras.saving.KerasFileEditor, "save", replace)


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
def set_weights_finalizes(keras):
    """A trap that the text warns of: `set_weights` leaves `Normalization` its old statistics."""

    def replace(assign):
        def set_weights(model, weights):
            assign(model, weights)
            for layer in model.layers:
                if isinstance(layer, keras.layers.Normalization):
                    layer.finalize_state()

        return set_weights

    wrapped(keras.Model, "set_weights", replace)


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


def after_unpickling(keras, change) -> None:
    """Let `pickle.loads` make a change to every model that it returns."""
    from keras.src.saving import saving_lib

    def replace(load):
        def loaded(*args, **kwargs):
            model = load(*args, **kwargs)
            change(model)
            return model

        return loaded

    wrapped(saving_lib, "_load_model_from_fileobj", replace)


@breaks("keras")
def pickles_lose_the_optimizer(keras):
    """A pickled model brings its optimizer along."""
    after_unpickling(keras, lambda model: emptied(model.optimizer))


@breaks("keras")
def pickles_halve_the_dropout_rate(keras):
    """A pickled model brings the settings of its layers along."""

    def change(model):
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate /= 2

    after_unpickling(keras, change)


@breaks("keras")
def pickles_lose_the_metrics(keras):
    """A pickled model brings the metrics along that it was compiled with."""

    def change(model):
        model._compile_metrics = None
        model.compile(optimizer=model.optimizer, loss=model.loss)

    after_unpickling(keras, change)


@breaks("keras")
def set_weights_leaves_the_last_array_out(keras):
    """`set_weights` sets every array of the list."""

    def replace(assign):
        def set_weights(layer, weights):
            kept = layer.get_weights()[-1:] if len(weights) == 4 else weights[-1:]
            assign(layer, [*weights[:-1], *kept])

        return set_weights

    wrapped(keras.Model, "set_weights", replace)


@breaks("safetensors.numpy")
def safetensors_copies_first(numpy):
    """A bug that the text warns of: an array that is not contiguous is written wrong."""

    def replace(save):
        def save_file(arrays, *args, **kwargs):
            save({name: array.copy(order="C") for name, array in arrays.items()}, *args, **kwargs)

        return save_file

    wrapped(numpy, "save_file", replace)


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
