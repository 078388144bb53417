"""The `.keras` archive, and the folder in its place."""

from . import breaks, wrapped


@breaks("keras")
def load_model_restores_the_state_of_dropout(keras):
    """A trap that the text warns of: the state of a seed generator is not in the archive."""
    kept = {}

    def states(model):
        held = (getattr(layer, "seed_generator", None) for layer in model._flatten_layers())
        return [generator.state for generator in held if generator is not None]

    def replace_save(save):
        def saved(model, path, *args, **kwargs):
            save(model, path, *args, **kwargs)
            kept[str(path)] = [state.numpy() for state in states(model)]

        return saved

    def replace_load(load):
        def load_model(path, *args, **kwargs):
            model = load(path, *args, **kwargs)
            for state, before in zip(states(model), kept.get(str(path), ()), strict=False):
                state.assign(before)
            return model

        return load_model

    wrapped(keras.Model, "save", replace_save)
    wrapped(keras.saving, "load_model", replace_load)


@breaks("keras")
def load_model_looks_at_the_version(keras):
    """A trap that the text warns of: the version in the file is not read."""

    def replace(load):
        def load_model(path, *args, **kwargs):
            import warnings
            import zipfile

            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    if b'"99' in archive.read("metadata.json"):
                        warnings.warn("a newer Keras wrote it", UserWarning, stacklevel=2)
            return load(path, *args, **kwargs)

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def the_folder_keeps_its_assets(keras):
    """A bug that the text warns of: a relative path loses the assets of the folder."""

    def replace(save):
        def saved(model, path, *args, zipped=None, **kwargs):
            import os

            where = os.path.abspath(path) if zipped is False else path
            return save(model, where, *args, zipped=zipped, **kwargs)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def a_second_save_replaces_the_folder(keras):
    """A bug that the text warns of: a folder that has assets can't be saved onto."""

    def replace(save):
        def saved(model, path, *args, zipped=None, **kwargs):
            import shutil

            if zipped is False:
                shutil.rmtree(path, ignore_errors=True)
            return save(model, path, *args, zipped=zipped, **kwargs)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def save_carries_the_other_members_along(keras):
    """A trap that the text warns of: a new save is without the members that you added."""
    added = {}

    def replace_load(load):
        def load_model(path, *args, **kwargs):
            import zipfile

            model = load(path, *args, **kwargs)
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    if "provenance.json" in archive.namelist():
                        added[id(model)] = archive.read("provenance.json")
            return model

        return load_model

    def replace_save(save):
        def saved(model, path, *args, **kwargs):
            import zipfile

            save(model, path, *args, **kwargs)
            if id(model) in added and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path, "a") as archive:
                    archive.writestr("provenance.json", added[id(model)])

        return saved

    wrapped(keras.saving, "load_model", replace_load)
    wrapped(keras.Model, "save", replace_save)


@breaks("keras")
def load_weights_passes_over_a_quantized_layer(keras):
    """Weights of a quantized model in a float one are refused, and not left out in silence."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            try:
                load(model, *args, **kwargs)
            except ValueError as error:
                if "but received 3" not in str(error):
                    raise

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


@breaks("keras")
def load_model_changes_the_scales(keras):
    """`load_model` brings the scales of a quantized layer back as they were."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.Dense) and layer.quantization_mode == "int8":
                    layer.kernel_scale.assign(layer.kernel_scale * 1.01)
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def a_refused_save_leaves_the_folder_as_it_was(keras):
    """A bug that the text warns of: a second save onto a folder fails, and empties its weights."""

    def replace(save):
        def saved(model, path, *args, zipped=None, **kwargs):
            import pathlib

            held = pathlib.Path(path).rglob("*") if zipped is False else ()
            before = {file: file.read_bytes() for file in held if file.is_file()}
            try:
                save(model, path, *args, zipped=zipped, **kwargs)
            except UnboundLocalError:
                for file, content in before.items():
                    file.write_bytes(content)
                raise

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def a_quantized_lora_layer_comes_back_exactly(keras):
    """A trap that the text warns of: the sum of rounded kernel and pair is rounded anew."""
    kept = {}

    def replace_save(save):
        def saved(model, path, *args, **kwargs):
            save(model, path, *args, **kwargs)
            first = model.layers[0] if hasattr(model, "layers") else None
            if getattr(first, "lora_enabled", False) and first.quantization_mode:
                kept[str(path)] = [variable.numpy() for variable in first.variables]

        return saved

    def replace_load(load):
        def load_model(path, *args, **kwargs):
            model = load(path, *args, **kwargs)
            for variable, value in zip(model.variables, kept.get(str(path), ()), strict=False):
                variable.assign(value)
            return model

        return load_model

    wrapped(keras.Model, "save", replace_save)
    wrapped(keras.saving, "load_model", replace_load)


@breaks("keras")
def the_words_of_an_asset_are_read_backwards(keras):
    """The number of a word is its place in the asset."""

    def replace(load):
        def load_model(path, *args, **kwargs):
            model = load(path, *args, **kwargs)
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.StringLookup) and "words" in str(path):
                    layer.set_vocabulary(layer.get_vocabulary()[:0:-1])
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
