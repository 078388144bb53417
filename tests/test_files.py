"""`helpers.files`: files of strangers neither hang nor forge nor crash; every format is named."""

import json
import os
import pickle
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import fuzz
import numpy as np
import pytest

from helpers import files
from helpers.__main__ import main
from helpers.files import limits
from helpers.files.description import Description, Tensor, printable, quoted
from helpers.files.keras_2 import CLASSES, READ_BY_KERAS_3

DIRTY = "a\x1b[2J\u202eb\u2028  load it with:\n    evil()\r\x07\x85"


# Nothing of the file reaches the terminal as it is


def test_no_character_that_a_terminal_obeys_or_a_reader_can_not_see_is_printed():
    shown = printable(DIRTY)
    assert shown.isprintable() and "\\x1b" in shown and "\\u202e" in shown and "\\n" in shown
    assert printable("größe 模型 'x'") == "größe 模型 'x'"
    assert printable("x" * 500).endswith("...") and len(printable("x" * 500)) < 210


def test_a_name_in_the_file_can_not_forge_a_line_of_the_text(workplace):
    import h5py

    with h5py.File("x.weights.h5", "w") as file:
        file.create_group("vars").attrs["name"] = "x"
        file[f"layers/{DIRTY}/vars/0"] = np.zeros(2)
    lines = files.describe_here("x.weights.h5").text().split("\n")
    assert sum("load it with:" in line and line.startswith("  load") for line in lines) == 1
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", ["a'b.npy", 'a"b.npy', "a\u2028b.npy", "a\nb.npy", "a\\nb.npy"])
def test_a_path_with_quotes_or_line_breaks_becomes_a_literal_that_loads(workplace, name):
    np.save(open(name, "wb"), np.arange(3))  # noqa: SIM115
    found, space = files.describe_here(name), {}
    exec(found.load, space)
    assert space["array"].tolist() == [0, 1, 2]
    assert quoted(Path(name)).isprintable()
    assert all(line.isprintable() for line in found.text().split("\n"))


def test_a_name_that_is_a_keyword_does_not_become_code(keras, workplace):
    import tensorflow as tf

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    tf.train.Checkpoint(**{"class": model}).write("ckpt")
    found = files.describe_here("ckpt")
    compile(found.load, "lines", "exec")
    assert "class=" not in found.load


# Reading is bounded


def test_a_pipe_a_device_and_a_link_out_of_the_folder_are_refused_at_once(workplace):
    os.mkfifo("pipe.h5")
    start = time.monotonic()
    with pytest.raises(files.Unreadable, match="is a pipe; expected a file or a folder"):
        files.describe_here("pipe.h5")
    with pytest.raises(files.Unreadable, match="is a device or socket"):
        files.describe_here("/dev/zero")
    Path("outside.json").write_text("{}")
    Path("model").mkdir()
    for name in ("config.json", "metadata.json", "model.weights.h5"):
        Path("model", name).symlink_to(Path("../outside.json"))
    with pytest.raises(files.Unreadable, match="a link that leads out of model"):
        files.describe_here("model")
    assert time.monotonic() - start < 5


def test_a_link_inside_an_hdf5_file_is_not_followed(workplace):
    import h5py

    os.mkfifo("pipe")
    with h5py.File("x.h5", "w") as file:
        file["vars"] = h5py.ExternalLink("pipe", "/")
        file["layers"] = h5py.SoftLink("/nowhere")
        file["a"] = np.zeros(2)
    assert files.describe_here("x.h5").kind == "HDF5 file that Keras did not write"


@pytest.fixture
def hostile(monkeypatch, tmp_path):
    """A function that lets the process which reads run some code instead of reading."""

    def run(code):
        (tmp_path / "sitecustomize.py").write_text(
            "import sys\n"
            "if 'helpers.files.limits' in sys.orig_argv:\n"
            "    from helpers import files\n"
            f"    def describe_here(path, verify=False):\n        {code}\n"
            "    files.describe_here = describe_here\n"
        )
        root = Path(files.__file__).parents[2]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(root)]))

    return run


def test_a_file_that_hangs_the_library_ends_in_one_error(hostile, workplace):
    hostile("while True: pass")
    start = time.monotonic()
    with pytest.raises(files.Unreadable, match=r"x\.h5 took more than 0\.5 s to read"):
        files.describe("x.h5", seconds=0.5)
    assert time.monotonic() - start < 20


def test_a_file_that_crashes_the_library_ends_in_one_error(hostile, workplace):
    hostile("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(files.Unreadable, match=r"x\.h5 made the library .* crash \(signal 11\)"):
        files.describe("x.h5")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has")
def test_a_file_that_takes_all_memory_ends_in_one_error(hostile, workplace):
    hostile("bytearray(3_000_000_000)")
    with pytest.raises(files.Unreadable, match=r"x\.h5 needs more than 1,000,000,000 bytes"):
        files.describe("x.h5")


def test_an_error_of_another_kind_is_told_in_one_line_without_a_traceback(hostile, workplace):
    hostile("raise KeyError('lost')")
    with pytest.raises(files.Unreadable, match=r"x\.h5 can't be read: KeyError: 'lost'"):
        files.describe("x.h5")


def test_what_lies_in_the_working_folder_is_not_imported(workplace):
    Path("h5py.py").write_text("raise SystemExit('imported')")
    np.save("x.npy", np.zeros(2))
    assert files.describe("x.npy").kind == "array of NumPy, .npy"


def test_the_description_of_the_other_process_is_the_same(workplace):
    np.savez("x.npz", a=np.zeros((2, 3)), b=np.zeros(1, "int8"))
    assert files.describe("x.npz") == files.describe_here("x.npz")


def test_a_description_survives_json():
    made = Description("x", "kind", tensors=[Tensor("a", (2, 3), "float32")], facts={"a": "b"})
    assert Description.from_json(json.loads(json.dumps(made.json()))) == made


def test_a_hundred_damaged_files_of_each_format_give_a_description_or_one_error():
    command = [sys.executable, fuzz.__file__, "--count", "100", "--seed", "7"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    assert run.stdout.count(" error") >= 10


# Every format is named by its content


def _zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


TENSOR = {"dtype": "float32", "name": "w", "shape": [2]}
JSON = {"modelTopology": {}, "weightsManifest": [{"paths": ["w.bin"], "weights": [TENSOR]}]}
FORMATS = {
    "array of NumPy, .npy": lambda p: np.save(open(p, "wb"), np.zeros(2)),  # noqa: SIM115
    "arrays of NumPy, .npz": lambda p: np.savez(open(p, "wb"), a=np.zeros(2)),  # noqa: SIM115
    "pickle of Python": lambda p: p.write_bytes(pickle.dumps({"a": 1})),
    "PyTorch file (a pickle)": lambda p: _zip(p, {"m/data.pkl": b"", "m/version": b"3"}),
    "TensorFlow.js layers model": lambda p: p.write_text(json.dumps(JSON)),
    "TensorFlow.js graph model": lambda p: p.write_text(
        json.dumps(JSON | {"format": "graph-model"})
    ),
    "a .keras archive zipped with its folder": lambda p: _zip(
        p,
        {
            "__MACOSX/x/._config.json": "",
            "x/config.json": "{}",
            "x/metadata.json": "{}",
            "x/model.weights.h5": "",
        },
    ),
    "zip archive of a SavedModel": lambda p: _zip(p, {"x/saved_model.pb": b""}),
    "ONNX model": lambda p: p.write_bytes(b"\x08\x07\x12\x07pytorch\x1a\x032.3\x3a\x02\x0a\x00"),
}


@pytest.mark.parametrize("name", ["x", "x.keras", "x.h5", "x.BIN"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_format_is_told_by_its_content_whatever_its_name(kind, name, workplace):
    FORMATS[kind](Path(name))
    found = files.describe_here(name)
    assert found.kind == kind
    compile(found.load, "lines", "exec")


def test_an_archive_zipped_by_a_mac_names_the_folder_with_the_model(workplace):
    FORMATS["a .keras archive zipped with its folder"](Path("x.keras"))
    assert "in its folder 'x'" in files.describe_here("x.keras").note


@pytest.mark.parametrize("kind", ["pickle of Python", "PyTorch file (a pickle)"])
def test_a_pickle_is_never_opened(kind, workplace):
    class Attack:
        def __reduce__(self):
            return (open, ("marker", "w"))

    Path("x.pkl").write_bytes(pickle.dumps(Attack()))
    assert "was not opened" in files.describe_here("x.pkl").note
    FORMATS[kind](Path("x"))
    assert "was not opened" in files.describe_here("x").note
    assert not Path("marker").exists()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"", "is empty"),
        (b"Dear reader", "is a file of another kind"),
    ],
)
@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5"])
def test_what_is_no_model_under_a_models_name_is_told(content, words, name, workplace):
    Path(name).write_bytes(content)
    with pytest.raises(files.Unreadable, match=words):
        files.describe_here(name)


@pytest.fixture(scope="module")
def programs(keras, tmp_path_factory):
    """A LiteRT model, a frozen graph and safetensors, written by their libraries."""
    import safetensors.numpy
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    folder = tmp_path_factory.mktemp("programs")
    kernel = tf.Variable(np.arange(6, dtype="float32").reshape(2, 3))
    function = tf.function(lambda x: x @ kernel).get_concrete_function(
        tf.TensorSpec([1, 2], tf.float32, name="images")
    )
    frozen = convert_variables_to_constants_v2(function).graph.as_graph_def()
    (folder / "frozen").write_bytes(frozen.SerializeToString())
    module = tf.Module()
    module.kernel = kernel
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    (folder / "lite").write_bytes(converter.convert())
    safetensors.numpy.save_file({"w": kernel.numpy()}, folder / "safe")
    return folder


@pytest.mark.filterwarnings("ignore")
def test_the_lines_of_a_program_predict_what_it_was_made_of(programs):
    import tensorflow as tf

    inputs, expected = np.ones((1, 2), "float32"), [[3.0, 5.0, 7.0]]
    found, space = files.describe_here(programs / "frozen"), {}
    assert found.kind == "frozen graph of TensorFlow (GraphDef)"
    exec(found.load, space)
    assert np.asarray(space["predict"](tf.constant(inputs))[0]).tolist() == expected
    found, space = files.describe_here(programs / "lite"), {}
    assert found.kind == "LiteRT (TensorFlow Lite) model" and "(1, 2)" in found.facts["inputs"]
    exec(found.load, space)
    interpreter = space["interpreter"]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    made = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert made.tolist() == expected
    found, space = files.describe_here(programs / "safe"), {}
    exec(found.load, space)
    assert space["tensors"]["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_lists_of_keras_2_hold_every_layer_of_tf_keras(keras):
    import tf_keras

    made = {
        held.__name__
        for held in vars(tf_keras.layers).values()
        if isinstance(held, type) and issubclass(held, tf_keras.layers.Layer)
    }
    assert made <= CLASSES, made - CLASSES
    assert {*CLASSES} >= READ_BY_KERAS_3 and set(dir(keras.layers)) >= READ_BY_KERAS_3


# What it tells


@pytest.fixture(scope="module")
def models(keras, tmp_path_factory):
    """Files of a functional model with names, saved by both libraries."""
    import tf_keras

    folder = tmp_path_factory.mktemp("models")
    for library, names in (keras, ["new.keras", "new.h5"]), (tf_keras, ["old.keras", "old.h5"]):
        inputs = library.layers.Input((4,), name="image")
        hidden = library.layers.Dense(3, name="body")(inputs)
        model = library.Model(inputs, library.layers.Dense(2, name="digit")(hidden))
        model.compile("adam", "mse", metrics=["mae"])
        for name in names:
            model.save(folder / name)
    return folder


@pytest.mark.parametrize("name", ["new.keras", "new.h5", "old.keras", "old.h5"])
def test_a_whole_model_tells_what_goes_in_and_out_and_how_it_was_compiled(models, name):
    facts = files.describe_here(models / name).facts
    assert facts["inputs"].startswith("image (None, 4)")
    assert facts["outputs"] == "digit (None, 2) float32"
    assert facts["layers"] == "3: 2 Dense, 1 InputLayer"
    assert facts["parameters"] == "23"
    assert "mse" in facts["loss"] and "dam" in facts["optimizer"]
    assert "your own classes" not in facts, "Adam is no class of yours"


@pytest.mark.parametrize("new", ["x", "x.H5", "x.model", "x.keras", "x.weights.h5"])
@pytest.mark.parametrize("name", ["new.keras", "new.h5", "old.h5"])
def test_the_lines_work_under_any_name(models, name, new, keras, workplace):
    import tf_keras

    load = (tf_keras if name.startswith("old") else keras).models.load_model
    expected = load(models / name, compile=False).predict(np.ones((2, 4)), verbose=0)
    Path(new).write_bytes((models / name).read_bytes())
    found, space = files.describe_here(new), {}
    exec(found.load, space)
    made = space["model"].predict(np.ones((2, 4)), verbose=0)
    np.testing.assert_array_equal(made, expected)


# The command line


def test_a_folder_lists_the_models_in_it(models, capsys):
    assert main(["describe", str(models)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line.split(":")[0]).name for line in lines] == [
        *("new.h5", "new.keras", "old.h5", "old.keras")
    ]


def test_several_paths_are_described_and_the_one_that_fails_is_told(models, capsys):
    paths = [str(models / "new.keras"), "nowhere", str(models / "old.h5")]
    assert main(["describe", *paths]) == 1
    out, error = capsys.readouterr()
    assert out.count("what it is:") == 2 and error.startswith("error: nowhere does not exist")


def test_json_holds_every_tensor_and_a_long_table_says_how_to_see_all(workplace, capsys):
    np.savez("x.npz", **{f"a{n}": np.zeros(1) for n in range(30)})
    assert main(["describe", "--json", "x.npz"]) == 0
    assert len(json.loads(capsys.readouterr().out)["tensors"]) == 30
    assert main(["describe", "x.npz"]) == 0
    assert "... and 10 more: --tensors shows them all" in capsys.readouterr().out
    assert main(["describe", "--tensors", "x.npz"]) == 0
    assert capsys.readouterr().out.count("float64") == 30


def test_verify_finds_the_byte_that_a_look_at_the_sizes_does_not(keras, workplace, capsys):
    import tensorflow as tf

    tf.train.Checkpoint(w=tf.Variable(np.arange(1000.0))).write("ckpt")
    data = Path("ckpt.data-00000-of-00001")
    content = bytearray(data.read_bytes())
    content[-100] ^= 1
    data.write_bytes(content)
    assert main(["describe", "ckpt"]) == 0
    assert main(["describe", "--verify", "ckpt"]) == 1
    assert capsys.readouterr().err.startswith("error: ckpt: w/.ATTRIBUTES/VARIABLE_VALUE")


def test_the_process_that_reads_counts_only_its_reading(monkeypatch):
    assert limits.SECONDS == 10 and limits.MEMORY == 1_000_000_000


def test_verify_finds_a_changed_value_in_an_archive_and_can_not_in_plain_hdf5(tiny, workplace):
    model = tiny()
    model.save("x.keras")
    model.save_weights("x.weights.h5")
    value = model.layers[0].kernel.numpy().tobytes()
    for name in ("x.keras", "x.weights.h5"):
        content = Path(name).read_bytes()
        assert content.count(value) == 1
        Path(name).write_bytes(content.replace(value, b"\x01" + value[1:]))
    with pytest.raises(files.Unreadable, match=r"model\.weights\.h5 is damaged: its checksum"):
        files.describe_here("x.keras", verify=True)
    assert files.describe_here("x.weights.h5", verify=True).facts["verified"]
