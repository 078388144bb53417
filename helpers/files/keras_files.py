"""Whole Keras models and their weights: `.keras` archive or folder, HDF5, shards of HDF5."""

import contextlib
import json
import re
import zipfile
import zlib
from pathlib import Path

from helpers.files import keras_2, keras_config, keras_weights
from helpers.files.description import Description, quoted
from helpers.files.reading import (
    Unreadable,
    hdf5,
    inside,
    member,
    names_in,
    parsed,
    reading,
)

PARTS = ("metadata.json", "config.json", "model.weights.h5")
SIGNATURE = b"\x89HDF\r\n\x1a\n"
KERAS_2 = "tf_keras.models.load_model"


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these, by its content."""
    if path.is_dir():
        return (path / "config.json").is_file() and (path / "metadata.json").is_file()
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        return {"config.json", "metadata.json"} <= set(names_in(path))
    if head.startswith(SIGNATURE):
        if keras_weights.index_of(path):
            return True
        with hdf5(path) as file:
            known = {"model_config", "layer_names", "layer_names0"} & set(file.attrs)
            return bool(known) or keras_weights.of_keras_3(file)
    return path.name.endswith(".weights.json")


def describe(path: Path, head: bytes) -> Description:
    """Describe one of these."""
    if path.is_dir():
        parts = [inside(path, name) for name in PARTS if (path / name).exists()]
        _complete(path, [part.name for part in parts])
        with hdf5(parts[2]) as file:
            return _whole(path, "folder", [parsed(str(p), p) for p in parts[:2]], file)
    if head.startswith(b"PK"):
        with _archive(path) as archive:
            _complete(path, archive.namelist())
            root = zipfile.Path(archive)
            texts = [parsed(f"{path}: {name}", root / name) for name in PARTS[:2]]
            with _weights_of(path, archive) as file:
                return _whole(path, "archive", texts, file)
    if head.startswith(SIGNATURE):
        return _hdf5(path)
    return keras_weights.shards(path)


def verify(path: Path, head: bytes) -> None:
    """Read every tensor of it, of an archive every member, with its checksum.

    Raises:
        Unreadable: where something is damaged, with its name.
    """
    if path.is_dir():
        _read_file(inside(path, PARTS[2]))
    elif head.startswith(b"PK"):
        with _archive(path) as archive:
            if damaged := archive.testzip():
                raise Unreadable(f"{path}: {damaged} is damaged: its checksum differs")
            with _weights_of(path, archive) as file:
                keras_weights.read_all(file, path)
    elif head.startswith(SIGNATURE):
        _read_file(path)
    else:
        for name in keras_weights.shard_names(path):
            _read_file(inside(path.parent, name))


def _read_file(path: Path) -> None:
    with hdf5(path) as file:
        keras_weights.read_all(file, path)


@contextlib.contextmanager
def _archive(path: Path):
    errors = zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError
    with reading(path, "a .keras archive", *errors), zipfile.ZipFile(path) as archive:
        yield archive


@contextlib.contextmanager
def _weights_of(path: Path, archive: zipfile.ZipFile):
    info = archive.getinfo(PARTS[2])
    with member(archive, info) as opened, hdf5(opened, f"{path}: {PARTS[2]}") as file:
        yield file


def _complete(path: Path, names: list[str]) -> None:
    if missing := [name for name in PARTS if name not in names]:
        raise Unreadable(f"{path} holds no {', no '.join(missing)}; expected a .keras archive")


def _whole(path: Path, form: str, texts: list[dict], file) -> Description:
    metadata, config = texts
    tensors = keras_weights.datasets(file)
    state = keras_weights.optimizer_state(file, tensors)
    library, writer = keras_config.origin(metadata.get("keras_version"))
    training = config.get("compile_config") or {}
    facts = keras_config.facts(config, training if isinstance(training, dict) else {}, tensors)
    load = f"import keras\n\nmodel = keras.saving.load_model({quoted(path)})"
    note, made = f"{keras_config.newer(writer)} {_asks([config])}", ""
    if library == "Keras 2":
        load, made = f"import tf_keras\n\nmodel = {KERAS_2}({quoted(path)})", conversion(path)
        note = f"Keras 3 can't rebuild it: tf_keras can. {note}"
        if keras_config.holds_lambda(config):
            load, note, made = *_arrays_alone(path, note), ""
    elif form == "archive" and path.suffix != ".keras":
        load = (
            "import shutil\nimport tempfile\n\nimport keras\n\n"
            f'copy = shutil.copy({quoted(path)}, tempfile.mkdtemp() + "/model.keras")\n'
            "model = keras.saving.load_model(copy)"
        )
        note = f"Its name does not end in .keras, which Keras asks for: the lines copy it. {note}"
    kind = f"whole {library} model, .keras {form}"
    told = tensors, state, load, note.strip(), facts, made
    return Description(path.as_posix(), kind, writer, *told)


def _hdf5(path: Path) -> Description:
    if index := keras_weights.index_of(path):
        return keras_weights.shards(index)
    with hdf5(path) as file:
        attributes, tensors = dict(file.attrs), keras_weights.datasets(file)
        state, wrote = keras_weights.optimizer_state(file, tensors), keras_weights.library_of(file)
        if keras_weights.of_keras_3(file) and not {"model_config", "layer_names"} & set(attributes):
            return keras_weights.of_model(path, "in HDF5", wrote, tensors, state)
    library, writer = keras_config.origin(attributes.get("keras_version"))
    if "model_config" not in attributes:
        return keras_weights.older(path, library, writer, tensors, state)
    config = parsed(f"{path}: model_config", attributes["model_config"])
    training = parsed(f"{path}: training_config", attributes.get("training_config", "{}"))
    facts = keras_config.facts(config, training, tensors)
    backend = attributes.get("backend")
    if isinstance(backend, (bytes, str)):
        facts["backend"] = (
            backend.decode(errors="replace") if isinstance(backend, bytes) else backend
        )
    load, note, made = _lines(path, library, config, training, state)
    note = f"{keras_config.newer(writer)} {note}".strip()
    kind = f"whole {library} model, in HDF5"
    return Description(path.as_posix(), kind, writer, tensors, state, load, note, facts, made)


def _lines(path: Path, library: str, config: dict, training: dict, state: bool):
    """The lines that load a whole model in HDF5, a note, and the lines that convert it."""
    note, made = _asks([config, training]), ""
    lent = keras_config.holds_lambda(config)
    if library == "Keras 1":
        why = "Neither Keras 3 nor tf_keras reads a whole model of Keras 1: build it again."
        return *_arrays_alone(path, f"{why} {'' if not lent else note}"), ""
    if library != "Keras 3" and lent:
        return *_arrays_alone(path, note), ""
    left = keras_weights.LEFT if state else ""
    # Keras 3 does not find an abbreviation (keras-team/keras#19330).
    short = re.search(r'"(bce|kld|map?e|mse|msle)"', json.dumps(training.get("loss")), re.I)
    option = ", compile=False" if short or library != "Keras 3" else ""
    load = f"import keras\n\nmodel = keras.saving.load_model({quoted(path)}{option})"
    if library == "Keras 3":
        slots = "The optimizer comes back without its slots: compile anew to train on."
        note = f"{(left if option else slots) if state else ''} {note}"
    else:
        made = conversion(path)
        why = keras_2.reasons(config, list(keras_config.layers(config)))
        if why:
            note = f"For tf_keras, because of {', '.join(why)}. {note}"
        if why or not keras_weights.has_suffix(path, (".h5", ".hdf5", ".keras")):
            load = f"import tf_keras\n\nmodel = {KERAS_2}({quoted(path)}, compile=False)"
        note = f"{left} {note}"
    if load.startswith("import keras\n") and not keras_weights.has_suffix(path, (".h5", ".hdf5")):
        load = keras_weights.copied(path, "model.h5", load)
        note = f"Its content is HDF5, which its name does not say: the lines copy it. {note}"
    return load, note.strip(), made


def conversion(path: Path) -> str:
    """The lines that make a file for Keras 3 of a whole model of Keras 2, beside it."""
    to = path.with_name(f"{path.stem}.keras")
    if to == path:
        to = path.with_name(f"{path.stem}_3.keras")
    return f"from helpers import files\n\nfiles.convert({quoted(path)}, {quoted(to)})"


def _arrays_alone(path: Path, note: str) -> tuple[str, str]:
    """The lines that read the weights without building a model, and the note that says so."""
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        opened = f'zipfile.ZipFile({quoted(path)}).open("model.weights.h5")'
        load = f"import zipfile\n\nimport h5py\n\nwith h5py.File({opened}) as file:\n"
    else:
        load = f"import h5py\n\nwith h5py.File({quoted(path)}) as file:\n"
    load += (
        "    names = []\n"
        "    file.visit(names.append)\n"
        "    arrays = {n: file[n][()] for n in names if isinstance(file[n], h5py.Dataset)}"
    )
    return load, f"{note.strip()} The lines read its weights alone, as arrays."


def _asks(configs: list) -> str:
    """Say what a configuration asks of the reader: classes of theirs, and code in it."""
    note = ""
    if names := keras_config.own_classes(configs):
        note = f"It needs your own {', '.join(names)}: register, or pass custom_objects. "
    if keras_config.holds_lambda(configs):
        note += "It holds a lambda, which is Python code: whatever builds the model would run it. "
    return note
