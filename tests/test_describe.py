"""`helpers.files.describe`: every kind is told, its lines run, and nothing in it is executed."""

import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers import anatomy, proof
from helpers.__main__ import main
from helpers.files import describe_here as describe
from helpers.files import keras_config

IMAGES = np.random.default_rng(0).random((8, 784), dtype="float32")
LABELS = np.arange(8)
ERRORS = (ValueError, FileNotFoundError)


def sequential(library, *layers):
    return library.Sequential([library.Input((784,)), *layers])


def classifier(library):
    """The architecture of `create_model`, in either Keras."""
    layers = library.layers
    return sequential(
        library, layers.Dense(512, activation="relu"), layers.Dropout(0.2), layers.Dense(10)
    )


def trained_classifier(library, optimizer="adam"):
    model = classifier(library)
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=[library.metrics.SparseCategoricalAccuracy()])
    model.fit(IMAGES, LABELS, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def here(keras, tmp_path_factory):
    """A working folder with a file or folder of every kind; the models that were saved."""
    import tensorflow as tf
    import tf_keras

    from helpers.models import create_model

    before, folder = Path.cwd(), tmp_path_factory.mktemp("describe")
    os.chdir(folder)
    three, two = create_model(), trained_classifier(tf_keras)
    three.fit(IMAGES, LABELS, epochs=2, verbose=0)
    fresh, bare = create_model(), classifier(keras)
    twice = trained_classifier(tf_keras, tf_keras.optimizers.legacy.Adam())

    three.save("k3.keras")
    three.save("k3_folder", zipped=False)
    three.save_weights("k3.weights.h5")
    three.save_weights("k3.weights.json", max_shard_size=0.002)
    fresh.save_weights("fresh.weights.h5")
    tf.train.Checkpoint(model=three).write("k3_write/ckpt")
    tf.train.Checkpoint(model=three, optimizer=three.optimizer).save("k3_save/ckpt")
    tf.train.Checkpoint(three).save("k3_root/ckpt")
    tf.train.Checkpoint(net=three, step=tf.Variable(3)).save("k3_step/ckpt")
    tf.train.Checkpoint(model=fresh).write("k3_fresh/ckpt")
    tf.train.Checkpoint(model=bare).write("k3_bare/ckpt")
    tf.train.Checkpoint(a=three, b=fresh).write("k3_pair/ckpt")
    two_shards("k3_write/ckpt", "k3_shards/ckpt")
    three.export("k3_export", verbose=False)
    three.save("k3.h5")  # last: it takes the optimizer from the model's next .keras

    two.save("k2.keras")
    two.save("k2.h5")
    two.save_weights("k2_weights.h5")
    two.save_weights("k2.weights.h5")
    shutil.copy("k2_weights.h5", "older.weights.h5")
    two.save_weights("k2_weights/cp.ckpt")
    tf.train.Checkpoint(model=two).save("k2_save/ckpt")
    twice.save_weights("k2_slots/cp.ckpt")
    two.save("k2_saved")

    program = Program(tf)
    tf.saved_model.save(program, "tf_call")
    tf.saved_model.save(program, "tf_named", signatures={"double": program.double})
    tf.train.Checkpoint(w=program.w).write("tf/ckpt")
    tf.raw_ops.SaveV2(
        prefix="tf1.ckpt",
        tensor_names=["dense/kernel", "dense/kernel/Adam"],
        shape_and_slices=["", ""],
        tensors=[program.w, program.w],
    )
    models = {"three": three, "two": two, "fresh": fresh, "bare": bare, "twice": twice}
    yield models | {"program": program}
    os.chdir(before)
    shutil.rmtree(folder)


def Program(tf):
    class Scale(tf.Module):
        def __init__(self):
            self.w = tf.Variable(np.full((3, 2), 2.0, "float32"))

        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])
        def __call__(self, x):
            return x @ self.w

        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])
        def double(self, x):
            return 2.0 * x @ self.w

    return Scale()


def two_shards(prefix, target):
    """Write the tensors of a checkpoint once more, half of them into each of two shards."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(prefix)
    names = sorted(reader.get_variable_to_shape_map())
    halves = names[::2], names[1::2]
    parts = [f"{target}-part-{number}" for number in range(2)]
    for part, half in zip(parts, halves, strict=True):
        tensors = [tf.constant(reader.get_tensor(name)) for name in half]
        tf.raw_ops.SaveV2(
            prefix=part, tensor_names=half, shape_and_slices=[""] * len(half), tensors=tensors
        )
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=target)


WEIGHTS, WHOLE = "weights of a Keras {} model, in ", "whole Keras {} model, "
CHECKPOINT = "TensorFlow checkpoint of a Keras {} model"
# path: (what it is, optimizer state, what wrote it, the model that the loading lines bring back,
#        whether they bring back its optimizer too)
KINDS = {
    "k3.keras": (WHOLE.format(3) + ".keras archive", True, "keras", "three", True),
    "k3_folder": (WHOLE.format(3) + ".keras folder", True, "keras", "three", True),
    "k3.h5": (WHOLE.format(3) + "in HDF5", True, "keras", "three", False),
    "k3.weights.h5": (WEIGHTS.format(3) + "HDF5", True, None, "three", True),
    "k3.weights.json": (WEIGHTS.format(3) + "HDF5 shards", True, None, "three", True),
    "fresh.weights.h5": (WEIGHTS.format(3) + "HDF5", False, None, "fresh", False),
    "k3_write/ckpt": (CHECKPOINT.format(3), True, None, "three", True),
    "k3_save": (CHECKPOINT.format(3), True, None, "three", True),
    "k3_root": (CHECKPOINT.format(3), True, None, "three", True),
    "k3_step": (CHECKPOINT.format(3), True, None, "three", True),
    "k3_fresh/ckpt": (CHECKPOINT.format(3), False, None, "fresh", False),
    "k3_bare/ckpt": (CHECKPOINT.format(3), False, None, "bare", False),
    "k3_shards": (CHECKPOINT.format(3), True, None, "three", True),
    "k3_export": ("SavedModel, a program exported by Keras 3", False, "tf", "three", False),
    "k2.keras": (WHOLE.format(2) + ".keras archive", True, "tf_keras", "two", True),
    "k2.h5": (WHOLE.format(2) + "in HDF5", True, "tf_keras", "two", False),
    "k2_weights.h5": (
        WEIGHTS.format(2) + "HDF5 of the older layout",
        False,
        "tf_keras",
        "two",
        False,
    ),
    "older.weights.h5": (
        WEIGHTS.format(2) + "HDF5 of the older layout",
        False,
        "tf_keras",
        "two",
        False,
    ),
    "k2.weights.h5": (WEIGHTS.format(2) + "HDF5", True, None, "two", False),
    "k2_weights": (CHECKPOINT.format(2), True, None, "two", True),
    "k2_save": (CHECKPOINT.format(2), True, None, "two", True),
    "k2_slots/cp.ckpt": (CHECKPOINT.format(2), True, None, "twice", True),
    "k2_saved": ("SavedModel, a whole Keras 2 model", True, "tf_keras, tf", "two", False),
}
# What is no classifier, or has no lines of its own: (what it is, optimizer state, what wrote it).
OTHERS = {
    "k3_pair/ckpt": (CHECKPOINT.format(3), True, None),
    "tf/ckpt": ("TensorFlow checkpoint", False, None),
    "tf1.ckpt": ("TensorFlow checkpoint, name-based as in TensorFlow 1", True, None),
    "tf_call": ("SavedModel, a program of TensorFlow", False, "tf"),
    "tf_named": ("SavedModel, a program of TensorFlow", False, "tf"),
}


def run(description) -> dict:
    """Run the loading lines as a reader would: in an empty namespace, in this folder."""
    space = {}
    exec(description.load, space)
    return space


@pytest.mark.parametrize("path", [*KINDS, *OTHERS])
def test_each_kind_is_told_with_what_wrote_it(here, keras, path):
    import tensorflow as tf
    import tf_keras

    writers = {
        None: "not recorded",
        "keras": f"Keras {keras.__version__}",
        "tf": f"TensorFlow {tf.__version__}",
        "tf_keras": f"tf_keras {tf_keras.__version__}",
        "tf_keras, tf": f"tf_keras {tf_keras.__version__}, TensorFlow {tf.__version__}",
    }
    found = describe(path)
    kind, optimizer_state, writer = (KINDS | OTHERS)[path][:3]
    assert (found.kind, found.written_by) == (kind, writers[writer])
    assert found.optimizer_state is optimizer_state


def same_momentums(adam, saved) -> bool:
    """Whether an Adam of Keras 3 has the steps and momentums of a model of Keras 2."""
    if hasattr(saved.optimizer, "get_slot"):  # as before TF 2.11
        held = [saved.optimizer.get_slot(weight, "m") for weight in saved.trainable_weights]
    else:
        held = saved.optimizer._momentums
    pairs = zip(adam._momentums, held, strict=True)
    same = all(np.array_equal(one, other) for one, other in pairs)
    return same and int(adam.iterations) == int(saved.optimizer.iterations) > 0


@pytest.mark.parametrize("path", KINDS)
def test_the_loading_lines_bring_back_what_was_saved(here, keras, path):
    *_, name, with_optimizer = KINDS[path]
    saved, found = here[name], describe(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        if path == "k2.keras":  # only of .weights.h5 can the optimizer be skipped in silence
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        space = run(found)
    if "SavedModel" in found.kind:
        assert ("serve" if name == "three" else "serving_default") == space["layer"].call_endpoint
        served = space["program"].signatures["serving_default"](keras.ops.array(IMAGES))
        answers = [space["layer"](IMAGES), served]
        for answer in answers:
            [array] = answer.values() if isinstance(answer, dict) else [answer]
            assert proof.same_predictions(array.numpy(), saved(IMAGES).numpy())
        return
    if "tf_keras" not in found.load:
        assert isinstance(space["model"], keras.Model)
    assert proof.same_weights(space["model"], saved)
    assert proof.same_predictions(space["model"], saved, IMAGES)
    if "restored" in space:
        assert same_momentums(space["model"].optimizer, saved)
    else:
        assert not with_optimizer or proof.same_optimizer(space["model"], saved)
    assert ("optimizer" in found.note) == (found.optimizer_state and not with_optimizer)


def test_a_checkpoint_without_lines_of_its_own_gives_its_tensors(here):
    kernel = here["program"].w.numpy()
    tensors = run(describe("tf/ckpt"))["tensors"]
    np.testing.assert_array_equal(tensors["w/.ATTRIBUTES/VARIABLE_VALUE"], kernel)
    np.testing.assert_array_equal(run(describe("tf1.ckpt"))["tensors"]["dense/kernel"], kernel)
    tensors = run(describe("k3_pair/ckpt"))["tensors"]
    assert {t.name for t in describe("k3_pair/ckpt").tensors} < set(tensors)


def test_a_keras_2_checkpoint_of_a_subclassed_model_is_restored_by_path(
    here, keras, workplace, monkeypatch
):
    import tf_keras

    from helpers import models

    def built(library):
        class Own(library.Model):
            def __init__(self):
                super().__init__()
                self.last = library.layers.Dense(2)

            def call(self, inputs):
                return self.last(inputs)

        model = Own()
        model.compile("adam", "mse")
        model(IMAGES)
        return model

    model, new = built(tf_keras), built(keras)
    model.fit(IMAGES, np.zeros((8, 2)), verbose=0)
    model.save_weights("cp.ckpt")
    found = describe("cp.ckpt")
    assert found.kind == CHECKPOINT.format(2) and found.optimizer_state
    monkeypatch.setattr(models, "create_model", lambda: new)
    assert run(found)["restored"].step == 1
    np.testing.assert_array_equal(new.last.kernel, model.last.kernel)


def test_a_keras_2_checkpoint_without_an_optimizer_is_copied_without_the_helpers(
    here, keras, workplace
):
    import tf_keras

    model = classifier(tf_keras)
    model.save_weights("cp.ckpt")
    found = describe("cp.ckpt")
    assert "restore" not in found.load and not found.note
    assert proof.same_weights(run(found)["model"], model)


@pytest.mark.parametrize("path", ["tf_call", "tf_named"])
def test_a_program_of_tensorflow_runs_by_its_lines(here, path):
    space = run(describe(path))
    inputs = np.ones((1, 3), "float32")
    np.testing.assert_array_equal(space["layer"](inputs), [[6.0, 6.0]])
    np.testing.assert_array_equal(space["program"](inputs), [[6.0, 6.0]])


@pytest.mark.filterwarnings("error::UserWarning")
def test_weights_that_do_not_tell_their_library_load_too(here, workplace):
    import tf_keras

    model = classifier(tf_keras)  # never compiled: no metrics, which would tell it
    model.save_weights("x.weights.h5")
    found = describe("x.weights.h5")
    assert found.kind == "weights of a Keras model, in HDF5" and not found.optimizer_state
    assert proof.same_weights(run(found)["model"], model)


@pytest.mark.filterwarnings("error::UserWarning")
def test_weights_of_a_model_that_was_never_compiled_load_too(here, workplace):
    here["bare"].save_weights("x.weights.h5")
    here["bare"].save("x.h5")
    for path in "x.weights.h5", "x.h5":
        found = describe(path)
        assert "Keras 3" in found.kind and not found.optimizer_state and not found.note
        assert proof.same_weights(run(found)["model"], here["bare"])


def test_a_program_without_the_usual_endpoints_is_called_by_its_first(here, workplace):
    import tensorflow as tf

    class Two(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
        def twice(self, x):
            return 2.0 * x

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32)])
        def thrice(self, x):
            return 3.0 * x

    tf.saved_model.save(Two(), "two")
    found = describe("two")
    assert list(found.tensors) == [] and "tensors: 0, 0 bytes" in str(found)
    assert run(found)["layer"](tf.ones(1)).numpy() == [3.0]
    tf.saved_model.save(tf.Module(), "empty")
    assert "TFSMLayer" not in describe("empty").load and run(describe("empty"))["program"]


GIVEN = {
    "k3_save/ckpt-1": [
        "k3_save",
        "k3_save/checkpoint",
        "k3_save/ckpt-1.index",
        "k3_save/ckpt-1.data-00000-of-00001",
        Path("k3_save"),
        "./k3_save/",
    ],
    "k3_shards/ckpt": [f"k3_shards/ckpt.data-0000{shard}-of-00002" for shard in range(2)],
    "k3_export": ["k3_export/saved_model.pb"],
    "k2_saved": ["k2_saved/saved_model.pb"],
    "k3.weights.json": [f"k3_0000{shard}.weights.h5" for shard in range(3)],
}


@pytest.mark.parametrize("whole, part", [(w, part) for w in GIVEN for part in GIVEN[w]])
def test_a_part_stands_for_the_whole(here, whole, part):
    assert str(describe(part)) == str(describe(whole))
    assert describe(part).path == whole


def test_a_weights_file_that_is_named_like_a_shard_is_none(here, workplace):
    here["three"].save_weights("epoch_00005.weights.h5")
    assert describe("epoch_00005.weights.h5").path == "epoch_00005.weights.h5"
    here["three"].save_weights(
        "epoch.weights.json", max_shard_size=1
    )  # its one shard is epoch_00000
    assert describe("epoch_00005.weights.h5").path == "epoch_00005.weights.h5"
    assert describe("epoch_00000.weights.h5").path == "epoch.weights.json"


def test_the_tensors_are_those_of_the_model_with_their_bytes(here):
    model = here["three"]
    shapes = sorted(tuple(w.shape) for w in model.weights)
    of_file = anatomy.hdf5("k3.weights.h5")
    assert describe("k3.weights.h5").tensors == of_file
    for path in ("k3.keras", "k3_folder", "k3.weights.json"):
        assert describe(path).tensors == of_file, path
    for path in ("k3_write/ckpt", "k3_shards/ckpt"):
        tensors = [t for t in anatomy.checkpoint(path) if t.dtype != "string"]
        assert describe(path).tensors == tensors, path
    for name, (path, own) in {
        "three": ("k3.weights.h5", "layers/"),
        "two": ("k2_weights", "layer_with_weights"),
    }.items():
        tensors = [t for t in describe(path).tensors if t.name.startswith(own)]
        assert sorted(t.shape for t in tensors) == shapes, name
        assert sum(t.nbytes for t in tensors) == 4 * model.count_params() == 4 * 407_050


def test_an_export_names_each_weight_twice_and_tells_it_by_the_variables_name(here):
    tensors = {t.name: t for t in describe("k3_export").tensors}
    for weight in here["three"].weights:
        for home in ("variables", "_all_variables"):
            assert tensors[f"{home}/{weight.path}"].shape == weight.shape
    assert len(tensors) == 9  # the ninth is the state of the seed generator


@pytest.mark.parametrize(
    "dtype, size",
    [("bool", 6), ("bfloat16", 12), ("int64", 48), ("string", None), ("object", None)],
)
def test_the_bytes_of_a_tensor_follow_from_its_dtype(dtype, size):
    assert anatomy.Tensor("x", (2, 3), dtype).nbytes == size


def test_bfloat16_is_told_as_such(keras, workplace):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="bfloat16")])
    model.save_weights("x.weights.h5")
    assert [(t.dtype, t.nbytes) for t in describe("x.weights.h5").tensors] == [
        ("bfloat16", 12),
        ("bfloat16", 4),
    ]


def test_the_text_says_it_all_in_one_fixed_form(here):
    assert str(describe("k3_fresh/ckpt")).splitlines() == [
        "k3_fresh/ckpt",
        "  what it is: TensorFlow checkpoint of a Keras 3 model",
        "  written by: not recorded",
        "  step count: 0",
        "  optimizer state: no",
        "  load it with:",
        "    import tensorflow as tf",
        "",
        "    from helpers.models import create_model",
        "",
        "    model = create_model()",
        "    checkpoint = tf.train.Checkpoint(model=model)",
        "    checkpoint.read('k3_fresh/ckpt').assert_consumed()",
        "  tensors: 6, 1,628,212 bytes",
        "    model/_functional/_operations/1/_kernel/.ATTRIBUTES/VARIABLE_VALUE"
        "  (784, 512)  float32  1,605,632 bytes",
        "    model/_functional/_operations/1/bias/.ATTRIBUTES/VARIABLE_VALUE   "
        "  (512,)      float32  2,048 bytes",
        "    model/_functional/_operations/3/_kernel/.ATTRIBUTES/VARIABLE_VALUE"
        "  (512, 10)   float32  20,480 bytes",
        "    model/_functional/_operations/3/bias/.ATTRIBUTES/VARIABLE_VALUE   "
        "  (10,)       float32  40 bytes",
        "    model/optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE            "
        "  ()          int64    8 bytes",
        "    model/optimizer/_learning_rate/.ATTRIBUTES/VARIABLE_VALUE         "
        "  ()          float32  4 bytes",
    ]


@pytest.mark.parametrize("path", [*KINDS, *OTHERS])
def test_the_text_holds_no_path_of_the_machine_no_date_and_one_line_of_versions(here, path):
    found = describe(path)
    text = str(found)
    assert text == repr(found) and str(Path.cwd()) not in text
    with zipfile.ZipFile("k3.keras") as archive:
        date = json.loads(archive.read("metadata.json"))["date_saved"]
    assert date[:10] not in text
    versions = [line for line in text.splitlines() if re.search(r"\d+\.\d+\.\d+", line)]
    assert versions in ([], [f"  written by: {found.written_by}"])


def test_the_text_is_the_same_for_the_same_model_saved_again(here, workplace):
    texts = set()
    for _ in range(3):
        here["three"].export("again", verbose=False)
        here["fresh"].save("again.keras")
        texts.add(f"{describe('again')}\n{describe('again.keras')}")
    assert len(texts) == 1


def test_a_step_count_is_optimizer_state_too(tiny, workplace):
    import tensorflow as tf

    model = tiny(optimizer="sgd")
    for name, expected in ("before", False), ("after", True):
        model.save_weights(f"{name}.weights.h5")
        tf.train.Checkpoint(model=model).write(f"{name}/ckpt")
        model.save(f"{name}.keras")
        for path in f"{name}.weights.h5", f"{name}/ckpt", f"{name}.keras":
            assert describe(path).optimizer_state is expected, path
        model.fit(np.zeros((4, 4)), np.zeros((4, 2)), verbose=0)


@pytest.mark.parametrize("loss", ["mse", "mae", "MSE", "msle", "bce", "kld"])
def test_an_abbreviated_loss_is_loaded_without_it(keras, workplace, loss):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    model.save("x.h5")
    with pytest.raises(ValueError, match="Could not deserialize"):
        keras.saving.load_model("x.h5")
    assert proof.same_weights(run(describe("x.h5"))["model"], model)


def test_what_a_file_asks_of_you_is_noted(keras, workplace):
    class Mine(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    @keras.saving.register_keras_serializable("test_describe")
    class Ours(Mine):
        pass

    model = keras.Sequential([keras.Input((3,)), Mine(), Ours(), keras.layers.Dense(2)])
    model.save("x.keras")
    model.save("x.h5")
    assert describe("x.keras").note.startswith("It needs your own Mine, Ours: register, or pass")
    assert describe("x.h5").note.startswith("It needs your own Mine, Ours: register")
    with keras.saving.custom_object_scope({"Mine": Mine}):
        assert proof.same_weights(run(describe("x.keras"))["model"], model)


@pytest.mark.parametrize("path", ["x.keras", "x.h5"])
@pytest.mark.parametrize(
    ("wrote", "here", "warned"),
    [("3.15.1", "3.13.2", True), ("3.15.1", "3.15.0", False), ("3.9.0", "3.13.2", False)],
)
def test_a_file_of_a_newer_keras_says_so_before_load_model_fails(
    tiny, workplace, monkeypatch, path, wrote, here, warned
):
    monkeypatch.setattr(keras_config.importlib.metadata, "version", lambda name: here)
    tiny().save(path)
    if path == "x.h5":
        with h5py.File(path, "a") as file:
            file.attrs["keras_version"] = wrote
    else:
        with zipfile.ZipFile(path) as old:
            members = {name: old.read(name) for name in old.namelist()}
        members["metadata.json"] = json.dumps({"keras_version": wrote})
        with zipfile.ZipFile(path, "w") as new:
            for name, content in members.items():
                new.writestr(name, content)
    assert describe(path).written_by == f"Keras {wrote}"
    assert describe(path).note.startswith(f"A newer Keras wrote it than the {here}") == warned


# Nothing that is in the file runs.


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("path", ["x.keras", "x.h5"])
def test_a_lambda_is_told_and_does_not_run(keras, workplace, path):
    attack = keras.layers.Lambda(lambda x: (open("marker", "w").close(), x)[1])
    keras.Sequential([keras.Input((3,)), attack]).save(path)
    Path("marker").unlink(missing_ok=True)
    assert "It holds a lambda, which is Python code" in describe(path).note
    assert not Path("marker").exists()
    model = keras.saving.load_model(path, safe_mode=False)
    model(np.ones((1, 3)))
    assert Path("marker").exists(), "the attack is real"


def test_a_program_that_runs_while_it_is_loaded_does_not_run(keras, workplace):
    import tensorflow as tf
    from tensorflow.python.trackable import resource

    class Attack(resource.TrackableResource):
        def _create_resource(self):
            return tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64)

        @tf.function(input_signature=[])
        def _initialize(self):
            tf.io.write_file("marker", "written by the file")

    module = tf.Module()
    module.attack = Attack()
    tf.saved_model.save(module, "attack")
    Path("marker").unlink(missing_ok=True)
    assert describe("attack").kind == "SavedModel, a program of TensorFlow"
    assert not Path("marker").exists()
    tf.saved_model.load("attack")
    assert Path("marker").exists(), "the attack is real"


def test_a_name_in_a_file_does_not_get_into_the_lines_as_code(keras, workplace):
    import tensorflow as tf

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    name = 'x=open("marker", "w"), y'
    tf.train.Checkpoint(**{name: model}).write('a"b/ckpt')
    found = describe('a"b/ckpt')
    assert name not in found.load
    assert any(key.startswith(name) for key in run(found)["tensors"])
    assert not Path("marker").exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(workplace):
    with zipfile.ZipFile("x.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(200_000_000))
    with pytest.raises(ValueError, match=r"x\.keras: model\.weights\.h5 is packed like a zip bomb"):
        describe("x.keras")


# What is broken or of another kind gets one clear error.

BREAKABLE = [
    "k3.keras", "k3.h5", "k3.weights.h5", "k3.weights.json", "k3_00001.weights.h5",
    "k3_folder/config.json", "k3_folder/metadata.json", "k3_folder/model.weights.h5",
    "k3_write/ckpt.index", "k3_write/ckpt.data-00000-of-00001", "k3_save/checkpoint",
    "k3_shards/ckpt.data-00000-of-00002", "k3_shards/ckpt.data-00001-of-00002",
    "k3_export/saved_model.pb", "k3_export/variables/variables.index",
    "k3_export/variables/variables.data-00000-of-00001", "k2.keras", "k2.h5", "k2_weights.h5",
    "k2.weights.h5", "k2_weights/cp.ckpt.index", "k2_weights/cp.ckpt.data-00000-of-00001",
    "k2_saved/saved_model.pb", "k2_saved/variables/variables.data-00000-of-00001",
    "tf1.ckpt.index", "tf1.ckpt.data-00000-of-00001", "tf_call/saved_model.pb",
]  # fmt: skip
DAMAGES = {
    "half": lambda content: content[: len(content) // 2],
    "last byte": lambda content: content[:-1],
    "empty": lambda content: b"",
    "missing": None,
}


# One checkpoint is found without this list of them.
HARMLESS = {("k3_save/checkpoint", damage) for damage in DAMAGES}


def whole_of(file: str) -> str:
    """What to describe, so that the damaged file is a part of it."""
    folder, _, name = file.partition("/")
    return "k3.weights.json" if file == "k3_00001.weights.h5" else folder if name else file


@pytest.mark.parametrize(
    "file, damage",
    [(file, damage) for file in BREAKABLE for damage in DAMAGES if (file, damage) not in HARMLESS],
)
def test_what_is_damaged_gets_one_clear_error(here, file, damage):
    path = Path(file)
    content = path.read_bytes()
    try:
        path.unlink()
        if damage != "missing":
            path.write_bytes(DAMAGES[damage](content))
        with pytest.raises(ERRORS) as raised:
            describe(whole_of(file))
    finally:
        path.write_bytes(content)
    message = str(raised.value)
    assert path.name.split(".")[0] in message or path.parent.name in message
    assert "\n" not in message and len(message) < 600
    describe(whole_of(file))


@pytest.mark.parametrize("position", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    "file",
    ["k3_write/ckpt.data-00000-of-00001", "k2_saved/variables/variables.data-00000-of-00001"],
)
def test_a_flipped_bit_in_a_checkpoint_is_found(here, file, position):
    content = Path(file).read_bytes()
    place = int(len(content) * position)
    try:
        Path(file).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ValueError, match="can't be read as"):
            describe(whole_of(file), verify=True)
    finally:
        Path(file).write_bytes(content)


def png() -> bytes:
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def plain_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes.txt", "no model")
    return buffer.getvalue()


FOREIGN = {"text": b"no model\n", "picture": png(), "zip": plain_zip(), "json": b"[1, 2]"}
NAMES = [
    "x", "x.keras", "x.h5", "x.weights.h5", "x.weights.json", "checkpoint", "saved_model.pb",
    "x.index", "x.data-00000-of-00001",
]  # fmt: skip


@pytest.mark.parametrize("content", FOREIGN)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_another_kind_is_refused(keras, workplace, name, content):
    Path(name).write_bytes(FOREIGN[content])
    with pytest.raises(ERRORS, match=re.escape(name.split(".")[0])):
        describe(name)


@pytest.mark.parametrize("name", ["layers", "vars", "model_weights"])
def test_hdf5_of_another_program_is_told_as_such(workplace, name):
    import h5py

    with h5py.File("x.h5", "w") as file:
        file[f"{name}/measurements"] = np.arange(3)
        file["other"] = np.arange(3)
    found = describe("x.h5")
    assert found.kind == "HDF5 file that Keras did not write" and len(found.tensors) == 2
    assert set(run(found)["names"]) == {name, "other"}


def test_missing_and_empty_things_are_refused_by_name(keras, workplace):
    Path("folder").mkdir()
    Path("index.weights.json").write_text('{"weight_map": {"/layers": ["../x.weights.h5"]}}')
    for path, error, words in [
        ("nowhere.keras", FileNotFoundError, "nowhere.keras does not exist; expected a .keras"),
        ("nowhere.index", FileNotFoundError, "nowhere.index does not exist"),
        ("folder", ValueError, "folder is a folder that holds no model; expected a .keras"),
        ("index.weights.json", ValueError, "index.weights.json names the shard"),
    ]:
        with pytest.raises(error, match=re.escape(words)):
            describe(path)


def test_a_folder_stands_for_its_latest_checkpoint(keras, workplace):
    import tensorflow as tf

    checkpoint = tf.train.Checkpoint(x=tf.Variable(1.0))
    for _ in range(11):
        checkpoint.save("all/ckpt")
    assert describe("all").path == describe("all/checkpoint").path == "all/ckpt-11"
    assert describe("all/ckpt-2.index").path == "all/ckpt-2"


def test_a_folder_with_one_checkpoint_needs_no_list_of_them(here, workplace):
    import tensorflow as tf

    tf.train.Checkpoint(x=tf.Variable(1.0)).save("one/ckpt")
    Path("one/checkpoint").unlink()
    assert describe("one").path == "one/ckpt-1"


def test_a_folder_of_several_checkpoints_asks_for_one(keras, workplace):
    import tensorflow as tf

    for name in ("a", "b"):
        tf.train.Checkpoint(x=tf.Variable(1.0)).write(f"both/{name}")
    with pytest.raises(ValueError, match="both holds several checkpoints, both/a, both/b"):
        describe("both")
    assert describe("both/b").path == "both/b"


@pytest.mark.parametrize("config", ["[" * 100_000, '{"config": ', "3", ""])
def test_a_configuration_that_is_none_is_refused(here, workplace, config):
    import h5py

    with h5py.File("x.h5", "w") as file:
        file.attrs["model_config"] = config
    with pytest.raises(ValueError, match=r"x\.h5: model_config (is|can't)"):
        describe("x.h5")


# The command line.


def command(*words):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-m", "helpers", *words], capture_output=True, text=True, env=environment
    )


def test_the_command_prints_the_description_and_no_log(here):
    for path in ("k3_save", "k3.keras"):
        done = command("describe", path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{describe(path)}\n", "")


def test_the_command_says_in_one_line_what_is_wrong(workplace, capsys):
    Path("notes.txt").write_text("no model")
    for path in ("notes.txt", "nowhere", "two\nlines"):
        assert main(["describe", path]) == 1
        out, error = capsys.readouterr()
        assert out == "" and error.count("\n") == 1
        assert error.startswith(f"error: {path.split()[0]}") and "expected a .keras" in error


@pytest.mark.parametrize("words", [[], ["describe"], ["explain", "x"], ["describe", "x", "--no"]])
def test_words_that_make_no_command_end_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2 and "usage: python -m helpers" in capsys.readouterr().err


def test_an_hdf5_file_is_described_without_tensorflow(here):
    code = (
        "import sys; from helpers.__main__ import main; "
        "assert main(['describe', 'k3.keras']) == 0; sys.exit('tensorflow' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment
    )
