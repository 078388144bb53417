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
def the_editor_replaces_nothing(keras):
    """`KerasFileEditor.add_weights` replaces an array of that name."""
    keras.saving.KerasFileEditor.add_weights = lambda editor, path, weights: None


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
