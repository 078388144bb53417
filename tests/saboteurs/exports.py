"""Exported programs: SavedModel, `export`, `TFSMLayer`."""

import importlib
import sys

from . import breaks, wrapped


def exporter(keras):
    """The class behind `keras.export.ExportArchive`, which also does `Model.export`."""
    return type(keras.export.ExportArchive())


def saved_model(tf):
    """The module of `tf.saved_model.load`: the first export of Keras replaces it by this one."""
    return importlib.import_module("tensorflow.saved_model")


@breaks("keras")
def export_writes_other_weights(keras):
    """`export` writes the weights that the model has, not those of a new one."""

    def replace(export):
        def exported(model, *args, **kwargs):
            kept = model.get_weights()
            model.set_weights([keras.random.normal(w.shape, stddev=0.05) for w in kept])
            export(model, *args, **kwargs)
            model.set_weights(kept)

        return exported

    wrapped(keras.Model, "export", replace)


@breaks("keras")
def export_stores_each_weight_once(keras):
    """A bug that the text warns of: each weight is stored twice."""

    def track(archive, layer):
        held = archive._tf_trackable
        held.variables += [v.value for v in layer.variables]
        held.trainable_variables += [v.value for v in layer.trainable_variables]
        held.non_trainable_variables += [v.value for v in layer.non_trainable_variables]

    exporter(keras)._backend_track_layer = track


@breaks("keras")
def layer_trains_the_endpoint_for_predicting(keras):
    """`TFSMLayer` calls the endpoint that `call_training_endpoint` names."""

    def replace(init):
        def made(layer, *args, call_training_endpoint=None, **kwargs):
            init(layer, *args, **kwargs)

        return made

    wrapped(keras.layers.TFSMLayer, "__init__", replace)


@breaks("keras")
def layer_trains_with_dropout(keras):
    """A silent failure that the text warns of: without a training endpoint dropout is off."""

    def replace(call):
        def called(layer, inputs, training=False, **kwargs):
            outputs = call(layer, inputs, training=training, **kwargs)
            if training and not layer.call_training_endpoint:
                outputs = keras.random.dropout(outputs, 0.2)
            return outputs

        return called

    wrapped(keras.layers.TFSMLayer, "call", replace)


@breaks("keras")
def layer_takes_adam(keras):
    """A bug that the text warns of: the slots of a `TFSMLayer`'s weights get a wrong name."""

    def replace(add):
        def added(layer, weight):
            add(layer, weight)
            variable = layer._trainable_variables[-1]
            variable._name = variable._name.replace(":", "_")
            variable._path = variable._path.replace(":", "_")

        return added

    wrapped(keras.layers.TFSMLayer, "_add_existing_weight", replace)


@breaks("keras")
def load_model_takes_a_savedmodel(keras):
    """`load_model` refuses the folder of a SavedModel."""

    def replace(load):
        def load_model(path, *args, **kwargs):
            if str(path) == "program":
                return keras.layers.TFSMLayer(path)
            return load(path, *args, **kwargs)

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def python_runs_at_every_call(keras):
    """A silent failure that the text warns of: what Python does is done once, at the export."""
    import tensorflow as tf

    def replace(add):
        def added(archive, name, fn, *args, **kwargs):
            if name != "blur":
                return add(archive, name, fn, *args, **kwargs)
            return add(archive, name, lambda x: fn(x) + tf.random.uniform(()), *args, **kwargs)

        return added

    wrapped(exporter(keras), "add_endpoint", replace)


@breaks("keras")
def inputs_have_one_name(keras):
    """A silent failure that the text warns of: an input without a name is named by a counter."""

    def replace(track):
        def tracked(archive, name, resource, signature, **kwargs):
            import tensorflow as tf

            named = [tf.TensorSpec(s.shape, s.dtype, name="pixels") for s in signature]
            return track(archive, name, resource, named, **kwargs)

        return tracked

    wrapped(exporter(keras), "track_and_add_endpoint", replace)


@breaks("tensorflow")
def loaded_programs_are_rounded(tf):
    """`tf.saved_model.load` brings the weights back bit for bit, not nearly."""

    def replace(load):
        def loaded(*args, **kwargs):
            program = load(*args, **kwargs)
            for variable in getattr(program, "trainable_variables", ()):
                variable.assign(tf.cast(tf.cast(variable, "bfloat16"), variable.dtype))
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def only_the_exporter_can_load(tf):
    """A program needs nothing of the process that wrote it: a fresh interpreter runs it too."""
    if "ipykernel" not in sys.modules:
        loaded_programs_are_rounded(tf)


@breaks("tensorflow")
def assets_stay_where_they_were(tf):
    """The vocabulary that travels in `assets/` is the one that the program reads."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            from pathlib import Path

            for asset in Path(path).glob("assets/*"):
                asset.write_text("\n".join(asset.read_text().split()[::-1]) + "\n")
            return load(path, *args, **kwargs)

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def bytes_are_scaled(tf):
    """A silent failure that the text warns of: bytes are taken for floats as they are."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            program = load(path, *args, **kwargs)
            if str(path) == "program":
                serve = program.serve
                program.serve = lambda x: serve(
                    x / 255 if getattr(x, "dtype", None) == "uint8" and not tf.is_tensor(x) else x
                )
                program.serve.concrete_functions = serve.concrete_functions
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def programs_stay_alive(tf):
    """A trap that the text warns of: an endpoint does not keep its program alive."""
    alive = []

    def replace(load):
        def loaded(*args, **kwargs):
            alive.append(load(*args, **kwargs))
            return alive[-1]

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def plain_methods_are_saved(tf):
    """A silent failure that the text warns of: a plain method is left out of the program."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            program = load(path, *args, **kwargs)
            if str(path) == "tools":
                program.width = lambda: 28
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tf_keras")
def old_load_model_brings_the_optimizer(tf_keras):
    """A silent failure that the text warns of: `load_model` leaves the optimizer's state behind."""

    def replace(load):
        def load_model(path, *args, **kwargs):
            model = load(path, *args, **kwargs)
            model.optimizer.build(model.trainable_variables)
            model.load_weights(path)
            return model

        return load_model

    wrapped(tf_keras.models, "load_model", replace)


@breaks("tensorflow")
def exported_program_computes_something_else(tf):
    """An exported program computes what the model computed."""

    def replace(load):
        def loaded(*args, **kwargs):
            program = load(*args, **kwargs)
            serve = program.serve
            program.serve = lambda inputs: serve(inputs) + 1.0
            return program

        return loaded

    wrapped(tf.saved_model, "load", replace)
