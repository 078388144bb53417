"""`helpers.anatomy`: what stands in a file is listed as it is, in an order that never changes."""

from pathlib import Path

import numpy as np
import pytest

from helpers import anatomy
from helpers.anatomy import Tensor, Tensors


@pytest.fixture
def folder(workplace):
    for name in ("ckpt-10.index", "ckpt-2.index", "checkpoint", "deep/er/a.txt", "deep/b.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
    Path("empty").mkdir()
    return workplace


def test_files_are_listed_in_natural_order_with_forward_slashes(folder):
    expected = ["checkpoint", "ckpt-2.index", "ckpt-10.index", "deep/b.txt", "deep/er/a.txt"]
    assert anatomy.files() == expected
    assert anatomy.files(folder / "deep") == ["b.txt", "er/a.txt"]
    assert anatomy.files("empty") == []


def test_a_tree_shows_each_folder_once_and_empty_ones_too(folder, capsys):
    anatomy.tree()
    assert capsys.readouterr().out.splitlines() == [
        "checkpoint",
        "ckpt-2.index",
        "ckpt-10.index",
        "deep/",
        "    b.txt",
        "    er/",
        "        a.txt",
        "empty/",
    ]


@pytest.mark.parametrize("look", [anatomy.files, anatomy.tree])
def test_a_file_or_a_missing_folder_is_refused_by_name(look, folder):
    with pytest.raises(NotADirectoryError, match="checkpoint is a file; expected a folder"):
        look("checkpoint")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        look("nowhere")


def test_names_with_odd_digits_are_listed_too(workplace):
    for name in ("²", "x²", "x10", "x2"):
        Path(name).write_text("")
    assert anatomy.files() == ["x2", "x10", "x²", "²"]


def test_tensors_show_as_an_aligned_table():
    table = Tensors([Tensor("kernel", (784, 512), "float32"), Tensor("b", (), "int64")])
    assert repr(table).splitlines() == ["kernel  (784, 512)  float32", "b       ()          int64"]
    assert repr(Tensors()) == "(no tensors)"


def test_a_weights_file_lists_weights_and_optimizer_slots(trained, workplace):
    trained.save_weights("x.weights.h5")
    found = {t.name: t for t in anatomy.hdf5("x.weights.h5")}
    assert found["layers/dense/vars/0"] == ("layers/dense/vars/0", (4, 3), "float32")
    assert [n for n in found if n.startswith("layers/dense_1")] == [
        "layers/dense_1/vars/0",
        "layers/dense_1/vars/1",
    ]
    slots = [n for n in found if n.startswith("optimizer/")]
    assert slots == [f"optimizer/vars/{i}" for i in range(10)], "slots 2 to 9 and in this order"
    assert found["optimizer/vars/0"].shape == ()


def test_a_weights_file_without_an_optimizer_lists_none(tiny, workplace):
    tiny().save_weights("x.weights.h5")
    assert not [t for t in anatomy.hdf5("x.weights.h5") if "optimizer/vars/2" in t.name]


def test_slot_ten_comes_after_slot_nine(workplace):
    import h5py

    with h5py.File("x.h5", "w") as file:
        for i in (10, 9, 1):
            file[f"vars/{i}"] = np.zeros(i, "float32")
    assert [t.name for t in anatomy.hdf5("x.h5")] == ["vars/1", "vars/9", "vars/10"]
    assert [t.shape for t in anatomy.hdf5("x.h5")] == [(1,), (9,), (10,)]


def test_what_is_no_hdf5_file_is_refused_by_name(workplace):
    Path("x.weights.h5").write_bytes(b"not HDF5")
    with pytest.raises(ValueError, match=r"x\.weights\.h5 can't be read as an HDF5 file"):
        anatomy.hdf5("x.weights.h5")
    with pytest.raises(FileNotFoundError, match=r"y\.h5 does not exist"):
        anatomy.hdf5("y.h5")


def test_a_cut_off_hdf5_file_is_refused(trained, workplace):
    trained.save_weights("x.weights.h5")
    whole = Path("x.weights.h5").read_bytes()
    Path("x.weights.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="can't be read as an HDF5 file"):
        anatomy.hdf5("x.weights.h5")


@pytest.fixture
def prefix(trained, workplace):
    import tensorflow as tf

    return tf.train.Checkpoint(model=trained).save("saved/ckpt")


def test_a_checkpoint_lists_its_tensors_with_shape_and_dtype_in_natural_order(keras, workplace):
    import tensorflow as tf

    kernel, step = tf.Variable(np.zeros((4, 3), "float32")), tf.Variable(7, dtype="int64")
    slots = [tf.Variable(np.zeros(n, "float32")) for n in range(11)]
    checkpoint = tf.train.Checkpoint(kernel=kernel, step=step, slots=slots)
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert anatomy.checkpoint(checkpoint.write("ckpt")) == [
        Tensor("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string"),
        Tensor(f"kernel{value}", (4, 3), "float32"),
        *[Tensor(f"slots/{n}{value}", (n,), "float32") for n in range(11)],
        Tensor(f"step{value}", (), "int64"),
    ]


def test_a_checkpoint_of_a_trained_model_lists_the_optimizers_slots(prefix):
    slots = [t for t in anatomy.checkpoint(prefix) if "/optimizer/_variables/" in t.name]
    assert [t.shape for t in slots] == [(4, 3)] * 2 + [(3,)] * 2 + [(3, 2)] * 2 + [(2,)] * 2


def test_a_folder_stands_for_its_latest_checkpoint(prefix, trained):
    import tensorflow as tf

    other = tf.train.Checkpoint(number=tf.Variable(7))
    tf.train.CheckpointManager(other, "saved", max_to_keep=None, checkpoint_name="late").save()
    assert "number/.ATTRIBUTES/VARIABLE_VALUE" in [t.name for t in anatomy.checkpoint("saved")]
    assert anatomy.checkpoint(Path("saved")) == anatomy.checkpoint("saved")


def test_a_folder_of_weights_files_is_no_checkpoint(workplace):
    Path("training").mkdir()
    Path("training/cp.weights.h5").write_text("")
    with pytest.raises(FileNotFoundError, match="training holds no TensorFlow checkpoint"):
        anatomy.checkpoint("training")
    with pytest.raises(FileNotFoundError, match=r"cp\.ckpt\.index is missing; expected the prefix"):
        anatomy.checkpoint("training/cp.ckpt")


def test_a_broken_checkpoint_is_refused_by_name(prefix):
    index = Path(f"{prefix}.index")
    index.write_bytes(index.read_bytes()[:20])
    with pytest.raises(ValueError, match="ckpt-1 can't be read as a TensorFlow checkpoint"):
        anatomy.checkpoint(prefix)
