"""`describe` of what TensorFlow 1, Keras 1 and early Keras 2 wrote: the lines load it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers import files

KERNEL = np.arange(6, dtype="float32").reshape(2, 3)
ONES = np.ones((1, 2), "float32")


def run(path) -> dict:
    space = {}
    exec(files.describe_here(path).load, space)
    return space


# Keras 1 and 2, in HDF5


def hdf5(path, version, layers, **attributes):
    """A file in the layout of Keras 1 and 2: a group of weights a layer."""
    import h5py

    with h5py.File(path, "w") as file:
        home = file
        if "model_config" in attributes:
            home = file.create_group("model_weights")
            home.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs.update({"keras_version": version, "backend": b"theano"} | attributes)
        for name, arrays in layers.items():
            group = home.create_group(name)
            group.attrs["weight_names"] = [key.encode() for key in arrays]
            for key, value in arrays.items():
                group[key] = value


def test_a_whole_model_of_keras_1_gives_its_weights_as_arrays(workplace):
    dense = {"class_name": "Dense", "config": {"name": "d", "output_dim": 3}}
    config = json.dumps({"class_name": "Sequential", "config": [dense]})
    hdf5("x.h5", b"1.2.2", {"d": {"d_W": KERNEL}}, model_config=config)
    found = files.describe_here("x.h5")
    assert found.kind == "whole Keras 1 model, in HDF5" and found.written_by == "Keras 1.2.2"
    assert found.facts["backend"] == "theano" and not found.convert
    assert "Neither Keras 3 nor tf_keras reads" in found.note
    arrays = run("x.h5")["arrays"]
    assert list(arrays) == ["model_weights/d/d_W"]
    np.testing.assert_array_equal(arrays["model_weights/d/d_W"], KERNEL)


def test_a_lambda_of_another_python_gives_its_weights_as_arrays(workplace):
    code = {"name": "l", "function": ["4wEAAA==", None, None], "function_type": "lambda"}
    layers = [
        {"class_name": "Lambda", "config": code},
        {"class_name": "Dense", "config": {"name": "d", "units": 3}},
    ]
    config = json.dumps({"class_name": "Sequential", "config": layers})
    hdf5("x.h5", b"2.0.9", {"d": {"d/kernel:0": KERNEL}}, model_config=config)
    found = files.describe_here("x.h5")
    assert "It holds a lambda" in found.note and not found.convert
    np.testing.assert_array_equal(run("x.h5")["arrays"]["model_weights/d/d/kernel:0"], KERNEL)


@pytest.mark.filterwarnings("ignore")
def test_weights_whose_names_keras_2_had_to_split_are_known_as_its_weights(keras, workplace):
    import tf_keras

    inputs = tf_keras.layers.Input((2,))
    dense = tf_keras.layers.Dense
    ends = [dense(1, name=f"a_layer_with_a_long_name_{'x' * 900}_{n}")(inputs) for n in range(80)]
    tf_keras.Model(inputs, ends).save_weights("x.h5")
    found = files.describe_here("x.h5")
    assert found.kind == "weights of a Keras 2 model, in HDF5 of the older layout"
    assert len(found.tensors) == 160


# TensorFlow 1


@pytest.fixture(scope="module")
def saver(keras, tmp_path_factory):
    """A folder that `tf.compat.v1.train.Saver` wrote, graph included."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("elders") / "saver"
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        kernel = tf.compat.v1.get_variable("kernel", initializer=KERNEL, use_resource=False)
        session.run(kernel.initializer)
        tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"), global_step=1234)
    return folder


@pytest.mark.parametrize("part", ["", "model.ckpt", "model.ckpt-1234", "model.ckpt-1234.meta"])
def test_a_saver_checkpoint_is_found_by_folder_prefix_or_graph(saver, part):
    found = files.describe_here(saver / part)
    assert found.kind == "TensorFlow checkpoint, name-based as in TensorFlow 1"
    np.testing.assert_array_equal(run(saver / part)["tensors"]["kernel"], KERNEL)


def test_a_saver_folder_that_was_moved_is_read_where_it_is_now(saver, workplace):
    shutil.copytree(saver, "moved")
    listed = 'model_checkpoint_path: "/home/someone/elsewhere/model.ckpt-1234"\n'
    Path("moved", "checkpoint").write_text(listed)
    np.testing.assert_array_equal(run("moved")["tensors"]["kernel"], KERNEL)


@pytest.fixture(scope="module")
def builder(keras, tmp_path_factory):
    """A SavedModel of TensorFlow 1 with two graphs, for training and for serving."""
    import tensorflow as tf

    v1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("elders") / "builder"
    made = v1.saved_model.Builder(str(folder))
    for tags, factor in (["train"], 1.0), (["serve"], 2.0):
        with tf.Graph().as_default(), v1.Session() as session:
            images = v1.placeholder(tf.float32, [None, 2], "images")
            kernel = v1.get_variable("kernel", initializer=KERNEL, use_resource=True)
            scores = tf.multiply(factor, images @ kernel, "scores")
            signature = v1.saved_model.predict_signature_def({"x": images}, {"y": scores})
            session.run(kernel.initializer)
            if factor == 1.0:
                made.add_meta_graph_and_variables(session, tags, {"predict": signature})
            else:
                made.add_meta_graph(tags, {"predict": signature})
    made.save()
    return folder


@pytest.mark.parametrize("form", ["pb", "pbtxt"])
def test_a_program_with_several_tag_sets_is_loaded_for_serving(builder, form, workplace):
    from google.protobuf import text_format
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(builder, "program")
    if form == "pbtxt":
        file = Path("program", "saved_model.pb")
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        file.unlink()
        Path("program", "saved_model.pbtxt").write_text(text_format.MessageToString(saved))
    found = files.describe_here("program")
    assert found.kind == "SavedModel of TensorFlow 1" and found.facts["tags"] == "train; serve"
    assert found.facts["signature predict"] == "x (None, 2) float32 -> y (None, 3) float32"
    made = run("program")
    signature = made["signatures"]["predict"]
    names = signature.inputs["x"].name, signature.outputs["y"].name
    scores = made["session"].run(names[1], {names[0]: ONES})
    np.testing.assert_array_equal(scores, 2 * ONES @ KERNEL)


def test_a_program_without_its_variables_is_told(builder, workplace):
    shutil.copytree(builder, "program")
    shutil.rmtree("program/variables")
    with pytest.raises(FileNotFoundError, match=r"variables\.index is missing"):
        files.describe_here("program")


def test_a_program_that_asks_for_missing_operations_gives_its_weights(builder, workplace):
    from tensorflow.core.protobuf import saved_model_pb2

    shutil.copytree(builder, "program")
    file = Path("program", "saved_model.pb")
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in saved.meta_graphs:
        next(n for n in graph.graph_def.node if n.name == "scores").op = "GrowTrees"
    file.write_bytes(saved.SerializeToString())
    assert (
        "operations that TensorFlow does not have: GrowTrees."
        in files.describe_here("program").note
    )
    np.testing.assert_array_equal(run("program")["tensors"]["kernel"], KERNEL)
    assert "operations" not in files.describe_here(builder).note


# Other libraries' files, as far as their first bytes go: the libraries are not installed here


def written(text: bytes):
    return lambda path: path.write_bytes(text)


def matlab(path):
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        file["a"] = KERNEL
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(116))


def tagged(path, group="", **attributes):
    import h5py

    with h5py.File(path, "w") as file:
        home = file.create_group(group) if group else file
        home.attrs.update(attributes)
        file["a"] = KERNEL


def folder(*names):
    def make(path):
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).touch()

    return make


CORE_ML = b"\x08\x01\x12\x0b\x0a\x03\x0a\x01x\x52\x04\x0a\x02\x0a\x00\xa2\x1f\x00"
OTHERS = {
    "MATLAB 7.3 file, which is HDF5": matlab,
    "PyTables file, which is HDF5": lambda p: tagged(p, PYTABLES_FORMAT_VERSION=b"2.1"),
    "tables of pandas, in HDF5": lambda p: tagged(p, "t", pandas_type=b"frame"),
    "Core ML model": written(
        b"\x08\x01\x12\x0b\x0a\x03\x0a\x01x\x52\x04\x0a\x02\x0a\x00\xa2\x1f\x00"
    ),
    "ONNX model": written(b"\x08\x03\x12\x04test\x3a\x02\x0a\x00"),
    "Orbax checkpoint (JAX)": folder("_METADATA", "manifest.ocdbt"),
    "model of Yggdrasil Decision Forests": folder("data_spec.pb", "header.pb"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_library_is_named_with_lines_that_are_python(kind, workplace):
    OTHERS[kind](Path("x"))
    found = files.describe_here("x")
    assert found.kind == kind
    compile(found.load, "lines", "exec")
    if "h5py" in found.load:
        assert "a" in run("x")["names"]


def test_a_step_of_a_manager_of_orbax_is_loaded_from_its_item(workplace):
    folder("1/_CHECKPOINT_METADATA", "1/default/_METADATA")(Path("run"))
    assert files.describe_here("run/1").load.endswith("run/1/default')")
