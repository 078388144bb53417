"""Weights in part: what is skipped, what does not fit, and whose layer is whose."""

from . import breaks, wrapped


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
