"""Exported programs: SavedModel, `export`, `TFSMLayer`."""

import importlib
import json
from pathlib import Path

from . import breaks, wrapped


def exporter(keras):
    """The class behind `keras.export.ExportArchive`, which also does `Model.export`."""
    return type(keras.export.ExportArchive())


def saved_model(tf, part=""):
    """The module of `tf.saved_model.load`: the first export of Keras replaces it by this one."""
    return importlib.import_module(f"tensorflow.saved_model{part}")


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


def after_export(keras, change) -> None:
    """Let `export` call `change(model, folder)` once it is done."""

    def replace(export):
        def exported(model, folder, *args, **kwargs):
            export(model, folder, *args, **kwargs)
            change(model, Path(folder))

        return exported

    wrapped(keras.Model, "export", replace)


def append(folder: Path, held: bytes) -> None:
    """Let the shard of a SavedModel end in these bytes, which its index does not know."""
    with (folder / "variables" / "variables.data-00000-of-00001").open("ab") as shard:
        shard.write(held)


@breaks("keras")
def export_keeps_the_slots(keras):
    """An export leaves the slots of the optimizer behind."""

    def keep(model, folder):
        slots = [v.numpy().tobytes() for v in model.optimizer.variables] if model.optimizer else []
        append(folder, b"".join(slots))

    after_export(keras, keep)


@breaks("keras")
def export_notes_what_was_compiled(keras):
    """An export does not tell what the model was compiled with."""

    def note(model, folder):
        append(folder, json.dumps(model.get_compile_config()).encode())

    after_export(keras, note)


@breaks("keras")
def export_starts_dropout_anew(keras):
    """The state of dropout is in the folder, as training left it."""

    def replace(export):
        def exported(model, *args, **kwargs):
            states = [v for v in model.variables if "seed_generator" in v.path]
            kept = [v.numpy() for v in states]
            for state in states:
                state.assign(state * 0)
            export(model, *args, **kwargs)
            for state, value in zip(states, kept, strict=True):
                state.assign(value)

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
def layer_gives_zeros_in_training(keras):
    """Without a training endpoint a `TFSMLayer` predicts in training, too."""

    def replace(call):
        def called(layer, inputs, training=False, **kwargs):
            outputs = call(layer, inputs, training=training, **kwargs)
            zeros = training and not layer.call_training_endpoint
            return keras.ops.zeros_like(outputs) if zeros else outputs

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
            if name != "brighten":
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
