"""Weights as arrays: `set_weights`, pickles, safetensors, the editor of files."""

from . import breaks, emptied, wrapped


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
