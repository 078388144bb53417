"""Your own layers, losses and models."""

from . import breaks, wrapped


@breaks("keras")
def load_model_imports_what_a_file_names(keras):
    """No class is found that nobody lent or registered, though its module lies at hand."""

    def replace(load):
        def load_model(path, custom_objects=None, **options):
            if custom_objects is None and str(path).startswith("own."):
                import own

                custom_objects = {"Scale": own.Scale, "ramp": own.ramp}
            return load(path, custom_objects, **options)

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def models_note_their_arguments(keras):
    """A bug that the text warns of: a model's automatic config holds the defaults."""

    def replace(new):
        def noted(cls, *args, **kwargs):
            model = new(cls)
            if cls.__module__ == "__main__":
                config = keras.layers.Layer.__new__(cls, *args, **kwargs)._auto_config
                object.__setattr__(model, "_auto_config", config)
            return model

        return staticmethod(noted)

    wrapped(keras.Model, "__new__", replace)


@breaks("keras")
def losses_note_their_arguments(keras):
    """A trap that the text warns of: a loss has no automatic config."""

    def replace(get_config):
        def noted(loss):
            weight = {"weight": loss.weight} if hasattr(loss, "weight") else {}
            return {**get_config(loss), **weight}

        return noted

    wrapped(keras.losses.Loss, "get_config", replace)


@breaks("keras")
def dense_notes_what_a_subclass_takes(keras):
    """A trap that the text warns of: the config of `Dense` lacks a subclass's argument."""

    def replace(get_config):
        def noted(layer):
            by = {"by": layer.by} if hasattr(layer, "by") else {}
            return {**get_config(layer), **by}

        return noted

    wrapped(keras.layers.Dense, "get_config", replace)


def after_load_model(keras, spoil) -> None:
    """Call `spoil(layer)` for every layer of a model that was loaded."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            for layer in model.layers:
                spoil(layer)
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def load_own_variables_is_not_called(keras):
    """`load_own_variables` is called, so that a layer may read what it stored."""
    after_load_model(keras, lambda layer: vars(layer).pop("spread", None))


@breaks("keras")
def metrics_note_their_arguments(keras):
    """A trap that the text warns of: a metric has no automatic config."""

    def replace(get_config):
        def noted(metric):
            limit = {"limit": metric.limit} if hasattr(metric, "limit") else {}
            return {**get_config(metric), **limit}

        return noted

    wrapped(keras.metrics.Mean, "get_config", replace)


@breaks("keras")
def save_adds_your_code(keras):
    """The archive describes your classes and does not contain their code."""

    def replace(save):
        def saved(model, path, *args, **kwargs):
            import os
            import zipfile

            save(model, path, *args, **kwargs)
            if str(path).endswith(".keras") and os.path.exists("own.py"):
                with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                    archive.write("own.py", "notes.bin")

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def a_model_builds_every_child(keras):
    """A bug that the text warns of: a child that was not built is not loaded, silently."""

    def replace(build_from_config):
        def built(model, config):
            build_from_config(model, config)
            if type(model).__name__ == "Forgetful":
                model(keras.ops.zeros((1, *config["input_shape"][1:])))

        return built

    wrapped(keras.Model, "build_from_config", replace)
