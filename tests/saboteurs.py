"""Saboteurs: each breaks one promise of Keras, TensorFlow or h5py underneath a notebook.

`make sabotage` runs each notebook of `CASES` once for each of its rows, with the saboteur at work
in the kernel and in the fresh interpreters that `%%python` starts. The notebook must fail, and
the first cell to fail must be the one that makes the claim of the row.

To add one:

1. Write a function of a few lines below, with a docstring that says which promise it breaks. Mark
   it with `@breaks("keras")`: it is called with that module, as soon as the module is imported,
   and changes it in place. It may not crash: a saboteur that raises is caught by anything.
2. Add a row `(function, "words of the claim")` to the notebook's table in `CASES`. The words stand
   in the first `check`, `refuses` or `warns` that must fail.
3. Run it alone: `pytest tests/sabotage.py -n0 -k name_of_the_function`.

The same saboteur may serve several notebooks. A notebook needs two of them, 02 to 06 three.
"""

import importlib
import sys


def breaks(module: str):
    """Mark a function as a saboteur that waits for the import of this module."""

    def mark(function):
        function.module = module
        return function

    return mark


def wrapped(owner, name: str, replace) -> None:
    """Replace a function or method by `replace(original)`."""
    setattr(owner, name, replace(getattr(owner, name)))


def emptied(optimizer) -> None:
    """Set all that an optimizer has learned to zero: the step count and the slots."""
    for variable in optimizer.variables if optimizer is not None else ():
        if "learning_rate" not in variable.name:
            variable.assign(variable * 0)


# Saving and loading weights


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


# Whole models


@breaks("keras")
def load_model_forgets_the_optimizer(keras):
    """`load_model` brings the optimizer back as it was, step count and slots."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            emptied(getattr(model, "optimizer", None))
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
    wrapped(keras.models, "load_model", replace)


@breaks("keras")
def load_model_rounds_the_weights(keras):
    """`load_model` brings the weights back bit for bit, not nearly."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            model.set_weights([w.astype("float16").astype(w.dtype) for w in model.get_weights()])
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)
    wrapped(keras.models, "load_model", replace)


@breaks("keras")
def only_the_writer_can_read(keras):
    """A file needs nothing of the process that wrote it: a fresh interpreter reads it too."""
    if "ipykernel" not in sys.modules:
        load_weights_does_nothing(keras)
        load_model_rounds_the_weights(keras)


@breaks("keras")
def any_name_is_accepted(keras):
    """`save` and `save_weights` refuse a name whose ending is no format of Keras 3."""
    for method, ending in ("save", ".keras"), ("save_weights", ".weights.h5"):

        def replace(save, ending=ending):
            def saved(model, path, *args, **kwargs):
                path = str(path)
                known = path.endswith((".keras", ".h5"))
                return save(model, path if known else path + ending, *args, **kwargs)

            return saved

        wrapped(keras.Model, method, replace)


# Callbacks


@breaks("keras")
def model_checkpoint_saves_the_first_epoch_only(keras):
    """`ModelCheckpoint` saves at the end of every epoch, and the last one stays."""

    def replace(on_epoch_end):
        def once(callback, epoch, logs=None):
            if epoch == 0:
                on_epoch_end(callback, epoch, logs)

        return once

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


# TensorFlow checkpoints


@breaks("tensorflow")
def checkpoint_manager_keeps_all(tf):
    """`CheckpointManager` deletes all but the last `max_to_keep` checkpoints."""

    def replace(init):
        def keep_all(manager, checkpoint, directory, max_to_keep, *args, **kwargs):
            init(manager, checkpoint, directory, None, *args, **kwargs)

        return keep_all

    wrapped(tf.train.CheckpointManager, "__init__", replace)


class NothingRestored:
    """The status of a restore that did nothing and says that all went well."""

    def expect_partial(self):
        return self

    assert_consumed = assert_existing_objects_matched = assert_nontrivial_match = expect_partial


@breaks("tensorflow")
def checkpoint_restores_nothing(tf):
    """`Checkpoint.restore` fills the objects, and `assert_consumed` would notice if not."""
    tf.train.Checkpoint.restore = lambda checkpoint, path, options=None: NothingRestored()


@breaks("tensorflow")
def checkpoint_drops_the_optimizer(tf):
    """`Checkpoint.restore` brings the optimizer of a model back with the model."""

    def replace(restore):
        def restored(checkpoint, *args, **kwargs):
            status = restore(checkpoint, *args, **kwargs)
            if hasattr(checkpoint, "model"):
                emptied(getattr(checkpoint.model, "optimizer", None))
            return status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)


# Keras 2


@breaks("tf_keras")
def old_load_weights_does_nothing(tf_keras):
    """`load_weights` of Keras 2 fills the model with what is in the TensorFlow checkpoint."""
    tf_keras.Model.load_weights = lambda model, path, *args, **kwargs: NothingRestored()


# Periodic checkpoints


@breaks("keras")
def model_checkpoint_counts_each_epoch_anew(keras):
    """The count of `save_freq` carries from one epoch to the next."""

    def replace(on_epoch_begin):
        def begin(callback, epoch, logs=None):
            callback._batches_seen_since_last_saving = 0
            on_epoch_begin(callback, epoch, logs)

        return begin

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_begin", replace)


@breaks("keras")
def model_checkpoint_waits_for_the_end_of_the_epoch(keras):
    """A number in `save_freq` saves in the middle of an epoch, where the count falls there."""

    def replace(should_save):
        def at_the_end(callback, batch):
            return should_save(callback, batch) and batch + 1 == callback.params["steps"]

        return at_the_end

    wrapped(keras.callbacks.ModelCheckpoint, "_should_save_on_batch", replace)


@breaks("keras")
def model_checkpoint_saves_more_than_the_best(keras):
    """`save_best_only` keeps the best epoch, not the last one."""

    def replace(init):
        def __init__(callback, *args, save_best_only=False, **kwargs):
            init(callback, *args, save_best_only=False, **kwargs)

        return __init__

    wrapped(keras.callbacks.ModelCheckpoint, "__init__", replace)


@breaks("keras")
def model_checkpoint_remembers_the_best(keras):
    """A trap that the text warns of: after a restart the best so far is forgotten."""
    remembered = {}

    def begin(callback, logs=None):
        import os

        if callback.save_best_only and callback.best is None and os.path.exists(callback.filepath):
            callback.best = remembered.get(callback.monitor)

    def replace(on_epoch_end):
        def end(callback, epoch, logs=None):
            on_epoch_end(callback, epoch, logs)
            remembered[callback.monitor] = callback.best or remembered.get(callback.monitor)

        return end

    keras.callbacks.ModelCheckpoint.on_train_begin = begin
    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_end", replace)


@breaks("keras")
def model_checkpoint_ignores_the_threshold(keras):
    """`initial_value_threshold` is what the first epoch has to beat."""

    def replace(init):
        def __init__(callback, *args, initial_value_threshold=None, **kwargs):
            init(callback, *args, **kwargs)

        return __init__

    wrapped(keras.callbacks.ModelCheckpoint, "__init__", replace)


@breaks("keras")
def model_checkpoint_skips_what_it_cannot_compare(keras):
    """A trap that the text warns of: where the metric is missing, every save is the best."""

    def replace(on_train_batch_end):
        def end(callback, batch, logs=None):
            missing = callback.save_best_only and callback.monitor not in (logs or {})
            if not missing or batch + 1 == callback.params["steps"]:
                on_train_batch_end(callback, batch, logs)

        return end

    wrapped(keras.callbacks.ModelCheckpoint, "on_train_batch_end", replace)


@breaks("keras")
def model_checkpoint_counts_from_the_first_epoch(keras):
    """A trap that the text warns of: after a restart the count of batches begins at zero."""

    def replace(on_epoch_begin):
        def begin(callback, epoch, logs=None):
            if callback.save_freq != "epoch" and callback._last_batch_seen is None:
                seen = epoch * callback.params["steps"] % callback.save_freq
                callback._batches_seen_since_last_saving = seen
            on_epoch_begin(callback, epoch, logs)

        return begin

    wrapped(keras.callbacks.ModelCheckpoint, "on_epoch_begin", replace)


@breaks("tensorflow")
def latest_checkpoint_finds_anything(tf):
    """`latest_checkpoint` gives None for a folder without TensorFlow checkpoints."""

    def replace(latest_checkpoint):
        def latest(folder, *args, **kwargs):
            import os

            files = sorted(os.listdir(folder))
            return latest_checkpoint(folder, *args, **kwargs) or os.path.join(folder, files[-1])

        return latest

    wrapped(tf.train, "latest_checkpoint", replace)


@breaks("tensorflow")
def checkpoint_manager_spares_none(tf):
    """`keep_checkpoint_every_n_hours` spares an old checkpoint now and then."""

    def replace(init):
        def __init__(manager, *args, keep_checkpoint_every_n_hours=None, **kwargs):
            init(manager, *args, **kwargs)

        return __init__

    wrapped(tf.train.CheckpointManager, "__init__", replace)


@breaks("tensorflow")
def checkpoint_manager_has_a_default(tf):
    """`CheckpointManager` has no default for `max_to_keep`."""

    def replace(init):
        def __init__(manager, checkpoint, directory, max_to_keep=5, *args, **kwargs):
            init(manager, checkpoint, directory, max_to_keep, *args, **kwargs)

        return __init__

    wrapped(tf.train.CheckpointManager, "__init__", replace)


@breaks("tensorflow")
def max_shard_size_is_no_limit(tf):
    """`MaxShardSizePolicy` splits a checkpoint into more than one shard."""

    def replace(init):
        def __init__(policy, max_shard_size):
            init(policy, 2**40)

        return __init__

    wrapped(tf.train.experimental.MaxShardSizePolicy, "__init__", replace)


@breaks("tensorflow")
def restore_of_nothing_counts_as_consumed(tf):
    """The status of `restore(None)` says that nothing was restored."""

    def replace(restore):
        def restored(checkpoint, path, *args, **kwargs):
            status = restore(checkpoint, path, *args, **kwargs)
            return NothingRestored() if path is None else status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)


# Weights by hand


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


@breaks("tensorflow")
def read_drops_the_optimizer(tf):
    """`Checkpoint.read` brings the optimizer of a model back with the model."""

    def replace(read):
        def filled(checkpoint, *args, **kwargs):
            status = read(checkpoint, *args, **kwargs)
            emptied(getattr(checkpoint.model, "optimizer", None))
            return status

        return filled

    wrapped(tf.train.Checkpoint, "read", replace)


@breaks("tensorflow")
def read_builds_the_model(tf):
    """A bug that the text warns of: a model that was never built is not restored."""

    def replace(read):
        def built(checkpoint, *args, **kwargs):
            if not checkpoint.model.weights:
                checkpoint.model(tf.zeros((1, 784)))
            return read(checkpoint, *args, **kwargs)

        return built

    wrapped(tf.train.Checkpoint, "read", replace)


@breaks("safetensors.numpy")
def safetensors_copies_first(numpy):
    """A bug that the text warns of: an array that is not contiguous is written wrong."""

    def replace(save):
        def save_file(arrays, *args, **kwargs):
            save({name: array.copy(order="C") for name, array in arrays.items()}, *args, **kwargs)

        return save_file

    wrapped(numpy, "save_file", replace)


# SavedModel


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


# HDF5


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


@breaks("keras")
def compile_keeps_the_step_count(keras):
    """A new `compile` starts the optimizer again at step 0."""

    def replace(compile_):
        def compiled(model, *args, **kwargs):
            optimizer = getattr(model, "optimizer", None)
            steps = 0 if optimizer is None else int(optimizer.iterations)
            compile_(model, *args, **kwargs)
            model.optimizer.iterations.assign(steps)

        return compiled

    wrapped(keras.Model, "compile", replace)


@breaks("keras")
def load_model_always_compiles(keras):
    """`load_model(..., compile=False)` leaves the training part alone."""

    def replace(load):
        def load_model(path, custom_objects=None, compile=True):
            return load(path, custom_objects)

        return load_model

    wrapped(keras.saving, "load_model", replace)


@breaks("keras")
def load_weights_by_name_goes_by_order(keras):
    """`by_name=True` goes by the names of the layers, and loads nothing where none matches."""

    def replace(load):
        def load_weights(model, path, by_name=False):
            load(model, path)

        return load_weights

    wrapped(keras.Model, "load_weights", replace)


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


# Custom objects


@breaks("keras")
def load_model_imports_what_a_file_names(keras):
    """No class is found that nobody lent or registered, though its module lies at hand."""

    def replace(load):
        def load_model(path, custom_objects=None, **options):
            if custom_objects is None:
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
def load_assets_is_not_called(keras):
    """`load_assets` is called, so that a layer may read the files that it wrote."""
    after_load_model(keras, lambda layer: vars(layer).pop("source", None))


@breaks("keras")
def load_model_drops_the_argument_of_compile(keras):
    """`compile_from_config` gets what `get_compile_config` returned."""

    def replace(load):
        def load_model(*args, **kwargs):
            model = load(*args, **kwargs)
            if hasattr(model, "share"):
                model.share = 1.0
            return model

        return load_model

    wrapped(keras.saving, "load_model", replace)


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


@breaks("keras")
def a_refused_save_keeps_the_good_file(keras):
    """A bug that the text warns of: the file is emptied before the model is asked."""

    def replace(save):
        def saved(model, *args, **kwargs):
            model.get_config()
            save(model, *args, **kwargs)

        return saved

    wrapped(keras.Model, "save", replace)


@breaks("keras")
def load_model_trusts_every_file(keras):
    """The code of a Lambda is not run unless you ask for it."""

    def replace(load):
        def load_model(*args, **kwargs):
            return load(*args, **{"safe_mode": False, **kwargs})

        return load_model

    wrapped(keras.saving, "load_model", replace)


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


# Another sample of digits


@breaks("keras")
def other_digits(keras):
    """No promise of Keras: `DIGITS_SOURCE=mnist` gives other digits, without a network.

    The two halves of the bundled sample change places, in another order.
    """

    def load_data(path="mnist.npz"):
        import numpy as np

        from helpers.digits import BUNDLED

        order = np.random.default_rng(1).permutation(1000)
        with np.load(BUNDLED) as file:
            return tuple(
                (file[f"{half}_images"][order], file[f"{half}_labels"][order])
                for half in ("test", "train")
            )

    keras.datasets.mnist.load_data = load_data


# For the tests of the rig itself


@breaks("keras")
def harmless(keras):
    """Breaks nothing: the notebook must pass."""


@breaks("colorsys")
def planted(colorsys):
    """A small module that is broken where a planted notebook claims it works."""
    colorsys.rgb_to_hls = lambda r, g, b: (0.0, 0.0, 0.0)


@breaks("colorsys")
def planted_in_fresh_python(colorsys):
    """The same, in `%%python` cells only."""
    if "ipykernel" not in sys.modules:
        planted(colorsys)


CASES = {
    "00_start_here": (
        (load_weights_does_nothing, "the rebuilt model has the trained weights"),
        (load_model_forgets_the_optimizer, "the optimizer is back, bit for bit"),
        (load_model_rounds_the_weights, "all four tensors are back, bit for bit"),
        (only_the_writer_can_read, "a fresh Python loads the model"),
        (any_name_is_accepted, "Use `model.export(filepath)`"),
    ),
    "01_checkpoint_callback": (
        (model_checkpoint_saves_the_first_epoch_only, "each epoch wrote other contents into it"),
        (load_weights_does_nothing, "the weights match bit for bit"),
        (load_weights_leaves_the_last_layer_out, "the weights match bit for bit"),
        (save_weights_writes_other_weights, "the weights match bit for bit"),
        (load_weights_drops_the_optimizer, "the optimizer matches bit for bit"),
        (save_weights_leaves_the_optimizer_out, "the optimizer matches bit for bit"),
        (only_the_writer_can_read, "after loading they match bit for bit"),
        (load_model_forgets_the_optimizer, "so is the optimizer, without a build"),
        (checkpoint_manager_keeps_all, "two of four checkpoints were kept"),
        (checkpoint_restores_nothing, "the weights are back, bit for bit"),
        (checkpoint_drops_the_optimizer, "the optimizer is back, bit for bit"),
        (load_weights_builds_the_optimizer, "Skipping variable loading for optimizer"),
        (old_load_weights_does_nothing, "it has the weights that the trained one had"),
    ),
    "02_periodic_checkpoints": (
        (model_checkpoint_counts_each_epoch_anew, "epochs 0, 5, 10, ... 50 and no other"),
        (load_weights_does_nothing, "epoch 0 is at chance, epoch 50 is not"),
        (save_weights_leaves_the_optimizer_out, "each file holds the step count of its epoch"),
        (model_checkpoint_waits_for_the_end_of_the_epoch, "the count carries across epochs"),
        (latest_checkpoint_finds_anything, "for H5 files there is none"),
        (checkpoint_restores_nothing, "restored, it predicts what epoch 50 predicted"),
        (model_checkpoint_saves_more_than_the_best, "the file scores as the best of fifty"),
        (checkpoint_manager_keeps_all, "the last five of ten are left"),
        (checkpoint_manager_spares_none, "the last two are there, and those of hours 2 and 4"),
        (checkpoint_manager_has_a_default, "max_to_keep"),
        (max_shard_size_is_no_limit, "five shards give the weights back, bit for bit"),
        (model_checkpoint_remembers_the_best, "a worse epoch has replaced the best"),
        (model_checkpoint_ignores_the_threshold, "with the old best as threshold"),
        (model_checkpoint_skips_what_it_cannot_compare, "ten batches were the best ten times"),
        (model_checkpoint_counts_from_the_first_epoch, "the count saved 12, the number 10"),
        (restore_of_nothing_counts_as_consumed, "No checkpoint specified"),
        (old_load_weights_does_nothing, "loaded, it predicts the same"),
    ),
    "03_manual_weights": (
        (load_weights_does_nothing, "the weights are back, bit for bit"),
        (load_weights_drops_the_optimizer, "so is the optimizer"),
        (save_weights_skips_nothing, "the weights are left, and nothing else"),
        (only_the_writer_can_read, "after loading it predicts the same bits"),
        (set_weights_leaves_the_last_array_out, "the arrays brought the weights back"),
        (a_refused_load_is_undone, "the body was filled all the same"),
        (load_weights_skips_no_layer, "the head was left out, though it fits"),
        (frozen_layers_move, "training did not touch the body"),
        (shards_lose_the_optimizer, "all of it is back"),
        (the_editor_replaces_nothing, "the bias is all ones"),
        (read_drops_the_optimizer, "all of it was read"),
        (load_weights_goes_by_layer_name, "the head digit is wrong almost every time"),
        (save_weights_builds_a_hollow_model, "the file is there, and it is empty"),
        (skip_mismatch_fills_what_does_not_fit, "nothing at all was loaded"),
        (read_builds_the_model, "Unresolved object in checkpoint"),
        (safetensors_copies_first, "a transposed array comes back wrong"),
        (old_load_weights_does_nothing, "loaded, it predicts the same bits"),
    ),
    "04_savedmodel": (
        (export_writes_other_weights, "the program predicts what the model did"),
        (export_stores_each_weight_once, "weights is stored twice"),
        (loaded_programs_are_rounded, "the program predicts what the model did"),
        (only_the_exporter_can_load, "a fresh Python without the class predicts the same"),
        (plain_methods_are_saved, "the plain method was left out without a word"),
        (assets_stay_where_they_were, "raw images give the names"),
        (layer_trains_with_dropout, "in training nothing is dropped"),
        (layer_trains_the_endpoint_for_predicting, "now units are dropped in training"),
        (layer_takes_adam, "is not a valid scope name"),
        (load_model_takes_a_savedmodel, "legacy SavedModel format is not supported"),
        (bytes_are_scaled, "it takes the bytes, and is far off"),
        (programs_stay_alive, "variables which have been deleted"),
        (inputs_have_one_name, "the same code gave its input another name"),
        (python_runs_at_every_call, "NumPy's random number is the same at every call"),
        (old_load_model_brings_the_optimizer, "its optimizer starts again at step 0"),
    ),
    "05_hdf5": (
        (load_model_rounds_the_weights, "the weights are back, bit for bit"),
        (only_the_writer_can_read, "a fresh Python predicts the same bits"),
        (h5_leaves_the_slots_empty, "the file has all ten arrays of the optimizer"),
        (fit_renews_a_loaded_optimizer, "the variables it was originally built with"),
        (compile_keeps_the_step_count, "its steps were counted from 0"),
        (load_model_always_compiles, "You must call `compile()`"),
        (load_weights_does_nothing, "the new model from above has the trained weights now"),
        (h5_keeps_the_compile_record, "its record has lost the optimizer"),
        (h5_spells_the_loss_out, "it is not a KerasSaveable subclass"),
        (a_refused_save_keeps_the_good_file, "after the refusal it holds none"),
        (load_weights_by_name_goes_by_order, "by name, not one weight arrived"),
        (old_load_model_forgets_the_optimizer, "so is every array of the optimizer"),
    ),
    "06_custom_objects": (
        (load_model_imports_what_a_file_names, "Could not locate class 'Scale'"),
        (only_the_writer_can_read, "with custom_objects it predicts the same bits"),
        (exported_program_computes_something_else, "predicts without the class"),
        (models_note_their_arguments, "the loaded model has the default temperature"),
        (losses_note_their_arguments, "the loss comes back with its default"),
        (load_own_variables_is_not_called, "the spread is back with the images"),
        (load_assets_is_not_called, "the note is back from its asset"),
        (load_model_drops_the_argument_of_compile, "the argument of compile is back"),
        (load_model_forgets_the_optimizer, "the optimizer is back, bit for bit"),
        (a_refused_save_keeps_the_good_file, "the good file that was there is empty now"),
        (a_model_builds_every_child, "the head was not built, so it was not loaded"),
        (load_model_trusts_every_file, "is a Python lambda"),
    ),
}


def arm(name: str, log: str) -> None:
    """Let one saboteur wait for its module; write to `log` what it and fresh interpreters do."""
    import wrapt

    function = globals()[name]

    def fire(module):
        function(module)
        write(f"{name} broke {module.__name__} in {'' if is_kernel() else 'fresh '}Python")

    def write(line):
        with open(log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def is_kernel():
        return "ipykernel" in sys.modules

    def report(kind, error, trace):
        write(f"{kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)

    wrapt.register_post_import_hook(fire, function.module)
    sys.excepthook = report
