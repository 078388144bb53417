"""The `.h5` file of a whole model."""

from . import breaks, emptied, wrapped
from .whole_models import after_loading


def after_saving_h5(keras, change) -> None:
    """Let `change(file)` work on each `.h5` file that `save` has written."""

    def replace(save):
        def saved(model, path, *args, **kwargs):
            import h5py

            save(model, path, *args, **kwargs)
            if str(path).endswith(".h5"):
                with h5py.File(path, "r+") as file:
                    change(file)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def h5_leaves_the_slots_empty(keras):
    """An `.h5` file holds the whole state of the optimizer, slots included."""

    def change(file):
        for name in file["optimizer_weights"].attrs["weight_names"][2:]:
            file["optimizer_weights"][name][...] = 0

    after_saving_h5(keras, change)


@breaks("keras")
def h5_spells_the_loss_out(keras):
    """A bug that the text warns of: the short name `mse` goes into the file as it is."""

    def change(file):
        if text := file.attrs.get("training_config"):
            file.attrs["training_config"] = text.replace('"mse"', '"mean_squared_error"')

    after_saving_h5(keras, change)


@breaks("keras")
def h5_keeps_the_compile_record(keras):
    """A bug that the text warns of: an `.h5` save removes the optimizer from the record."""

    def replace(save):
        def saved(model, *args, **kwargs):
            record = getattr(model, "_compile_config", None)
            kept = dict(record.config) if record else {}
            save(model, *args, **kwargs)
            if record:
                record.config.update(kept)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def fit_renews_a_loaded_optimizer(keras):
    """A bug that the text warns of: a model loaded from `.h5` can't be trained on."""

    def replace(fit):
        def fitted(model, *args, **kwargs):
            optimizer = getattr(model, "optimizer", None)
            if optimizer is not None and optimizer.built and len(optimizer.variables) == 2:
                model.optimizer = type(optimizer).from_config(optimizer.get_config())
            return fit(model, *args, **kwargs)

        return fitted

    wrapped(keras.Model, "fit", replace)


@breaks("tf_keras")
def old_load_model_forgets_the_optimizer(tf_keras):
    """`load_model` of Keras 2 brings the optimizer of an `.h5` file back."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            emptied(model.optimizer)
            return model

        return load_model

    wrapped(tf_keras.models, "load_model", replace)


@breaks("keras")
def load_weights_touches_the_optimizer(keras):
    """`load_weights` of an `.h5` file leaves step count and learning rate alone."""

    def replace(load):
        def load_weights(model, path, *args, **kwargs):
            load(model, path, *args, **kwargs)
            if str(path).endswith(".h5") and model.optimizer is not None:
                model.optimizer.iterations.assign(99999)
                model.optimizer.learning_rate = 123.0

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def a_failed_save_keeps_the_file(keras):
    """A trap that the text warns of: where another program has the file open, it is emptied."""

    def replace(save):
        def saved(model, path, *args, **kwargs):
            from pathlib import Path

            path = Path(path)
            held = path.read_bytes() if path.is_file() else b""
            try:
                save(model, path, *args, **kwargs)
            except OSError:
                path.write_bytes(held)
                raise

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def words_come_back_in_another_order(keras):
    """A vocabulary that comes back has its words in their order."""

    def change(model):
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.StringLookup):
                words = layer.get_vocabulary()[1:]
                if len(words) > 1:
                    layer.set_vocabulary(words[::-1])

    after_loading(keras, change)


@breaks("keras")
def load_weights_by_name_goes_by_order(keras):
    """`by_name=True` goes by the names of the layers, and loads nothing where none matches."""

    def replace(load):
        def load_weights(model, *args, by_name=False, **kwargs):
            try:
                load(model, *args, **kwargs)
            except ValueError:
                if not by_name:
                    raise
                load(model, *args, by_name=True, **kwargs)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_model_changes_a_dtype_policy(keras):
    """`load_model` gives each layer the dtype policy that it had."""

    def change(model):
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.Dense):
                layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")

    after_loading(keras, change)
