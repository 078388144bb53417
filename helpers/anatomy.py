"""What is inside a file or folder that Keras or TensorFlow wrote."""

import contextlib
import glob
import json
import math
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Tensor(NamedTuple):
    """A stored tensor: its name in the file, its shape, its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int | None:
        """The bytes of its values; None for a dtype without a fixed size, such as a string."""
        import ml_dtypes  # noqa: F401  (with it NumPy knows bfloat16)
        import numpy as np

        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            return None
        return None if dtype.hasobject else math.prod(self.shape) * dtype.itemsize


class Tensors(list):
    """A list of `Tensor`, shown as a table."""

    def __repr__(self) -> str:
        rows = [(t.name, str(t.shape), t.dtype) for t in self]
        return "\n".join(_table(rows)) or "(no tensors)"


def files(folder=".") -> list[str]:
    """List the files below a folder.

    Args:
        folder: the folder to look into.

    Returns:
        Paths relative to ``folder``, with ``/``, in natural order (``2`` before ``10``).

    Raises:
        NotADirectoryError: where ``folder`` is none.
    """
    folder = _existing(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; expected a folder")
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(found, key=_natural)


def tree(folder=".") -> None:
    """Print the folders and files below a folder, each level indented, folders with a ``/``.

    Args:
        folder: the folder to look into.

    Raises:
        NotADirectoryError: where ``folder`` is none.
    """
    shown = set()
    folder = _existing(folder)
    empty = [p.relative_to(folder).as_posix() + "/" for p in folder.rglob("*") if _is_empty(p)]
    for name in sorted([*files(folder), *empty], key=_natural):
        parts = name.rstrip("/").split("/")
        for depth in range(len(parts)):
            here = "/".join(parts[: depth + 1])
            if here not in shown:
                shown.add(here)
                is_folder = depth < len(parts) - 1 or name.endswith("/")
                print("    " * depth + parts[depth] + ("/" if is_folder else ""))


def hdf5(path) -> Tensors:
    """List the datasets of an HDF5 file: ``.weights.h5`` or ``.h5``.

    Args:
        path: the file.

    Returns:
        The datasets in natural order.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where it is no HDF5 file, or a broken one.
    """
    with _hdf5_file(_existing(path)) as file:
        return _datasets(file)


def checkpoint(prefix) -> Tensors:
    """List the tensors of a TensorFlow checkpoint.

    Args:
        prefix: the path without ``.index``, such as ``"training/ckpt-10"``, or a folder,
            which stands for the latest checkpoint in it.

    Returns:
        The tensors in natural order; the string that holds the object graph is one of them.

    Raises:
        FileNotFoundError: where there is no such checkpoint.
        ValueError: where it is a broken one.
    """
    if Path(prefix).is_dir():
        latest = _latest(prefix)
        if latest is None:
            raise FileNotFoundError(f"{prefix} holds no TensorFlow checkpoint")
        prefix = latest
    return _entries(_reader(prefix))


@dataclass(frozen=True, repr=False)
class Description:
    """What `describe` found; shown as a text.

    Attributes:
        path: what was described, as it was given; for a part the whole that it belongs to: the
            prefix of the checkpoint, the folder of the SavedModel, the index of the shards.
        kind: what it is. It names the library that the structure tells, never a version.
        written_by: library and version as the file records them, or ``"not recorded"``.
        tensors: every stored tensor, with name, shape, dtype and ``nbytes``.
        optimizer_state: whether the optimizer's slots, such as Adam's moments, or a step count
            above 0 are in it.
        load: lines of Python that load it. Where the architecture is not in the file,
            ``create_model`` stands for the function that builds yours.
        note: what these lines leave out or ask of you; may be empty.
    """

    path: str
    kind: str
    written_by: str
    tensors: Tensors
    optimizer_state: bool
    load: str
    note: str = ""

    def __repr__(self) -> str:
        rows = [
            (t.name, str(t.shape), t.dtype, "" if t.nbytes is None else f"{t.nbytes:,} bytes")
            for t in self.tensors
        ]
        lines = [
            self.path,
            f"  what it is: {self.kind}",
            f"  written by: {self.written_by}",
            f"  optimizer state: {'yes' if self.optimizer_state else 'no'}",
            f"  tensors: {len(rows)}, {sum(t.nbytes or 0 for t in self.tensors):,} bytes",
            *(f"    {row}" for row in _table(rows)),
            "  load it with:",
            *(f"    {line}".rstrip() for line in self.load.splitlines()),
        ]
        return "\n".join([*lines, f"  note: {self.note}"] if self.note else lines)


def describe(path) -> Description:
    """Say what a file or folder is, what wrote it, what is in it, and how to load it.

    It knows ``.keras`` (zipped or not), ``.h5``, ``.weights.h5``, sharded ``.weights.json``,
    SavedModel and TensorFlow checkpoint, as Keras 3, Keras 2 (`tf_keras`) and TensorFlow write
    them. Nothing that is in the file is executed: its parts are parsed, and no model is built.
    Of a checkpoint every tensor is read, since its index alone does not tell whether the data
    is all there. In an interpreter without TensorFlow, SavedModel and checkpoint import it
    through `session.attach`.

    Args:
        path: the file or folder. For a TensorFlow checkpoint its prefix, its folder or any of
            its files; for a SavedModel also its ``saved_model.pb``; for shards also one of
            them.

    Returns:
        A `Description`.

    Raises:
        FileNotFoundError: where it, or a file that belongs to it, is missing.
        ValueError: where it is empty, truncated, or of another kind.
    """
    path = Path(path)
    prefix = re.sub(r"\.index$|\.data-\d{5}-of-\d{5}$", "", str(path))
    if prefix != str(path) or not path.exists():
        if not any(path.parent.glob(glob.escape(Path(prefix).name) + ".*")):
            raise FileNotFoundError(f"{path} does not exist; expected {_EXPECTED}")
        return _describe_checkpoint(prefix)
    if path.name in ("checkpoint", "saved_model.pb") and path.is_file():
        path = path.parent
    if path.is_dir():
        return _describe_folder(path)
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise ValueError(f"{path} is empty; expected {_EXPECTED}")
    if head.startswith(b"PK"):
        with _reading(path, "a .keras archive", zipfile.BadZipFile), zipfile.ZipFile(path) as file:
            return _describe_archive(path, zipfile.Path(file))
    if head == b"\x89HDF\r\n\x1a\n":
        return _describe_hdf5(path)
    if path.name.endswith(".weights.json"):
        return _describe_shards(path)
    raise ValueError(f"{path} is a file of another kind; expected {_EXPECTED}")


_EXPECTED = (
    "a .keras, .h5 or .weights.h5 file, a .weights.json index, a SavedModel or a TensorFlow "
    "checkpoint"
)
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_CREATE = "from helpers.models import create_model\n\nmodel = create_model()\n"
_BUILD = "model.optimizer.build(model.trainable_variables)\n"
_LEFT = "These lines leave the optimizer's state in the file."


def _describe_folder(folder: Path) -> Description:
    if (folder / "saved_model.pb").exists():
        return _describe_saved_model(folder)
    if (folder / "config.json").exists():
        return _describe_archive(folder, folder)
    if (folder / "checkpoint").exists():
        if (prefix := _latest(folder)) is None:
            raise ValueError(f"{folder / 'checkpoint'} names no checkpoint that is there")
        return _describe_checkpoint(prefix)
    prefixes = [str(file)[: -len(".index")] for file in sorted(folder.glob("*.index"))]
    if len(prefixes) != 1:
        found = f"several checkpoints, {', '.join(prefixes)}" if prefixes else "none"
        raise ValueError(f"{folder} holds {found}; expected one: {_EXPECTED}")
    return _describe_checkpoint(prefixes[0])


def _describe_archive(path: Path, root) -> Description:
    """Describe a ``.keras`` archive: ``root`` is the folder, or a `zipfile.Path`."""
    parts = ("metadata.json", "config.json", "model.weights.h5")
    if missing := [name for name in parts if not (root / name).exists()]:
        raise ValueError(f"{path} holds no {', no '.join(missing)}; expected a .keras archive")
    if isinstance(root, zipfile.Path):
        for member in map(root.root.getinfo, parts):
            if member.file_size > 1000 * max(member.compress_size, 1):
                raise ValueError(f"{path}: {member.filename} is packed like a zip bomb")
    metadata, config = (_json(f"{path}: {name}", root / name) for name in parts[:2])
    name = f"{path}: {parts[2]}"
    with (root / parts[2]).open("rb") as member, _hdf5_file(member, name) as file:
        tensors = _datasets(file)
        state = _hdf5_state(file, tensors)
    library, writer = _origin(metadata.get("keras_version"))
    note = _own_code(config)
    if library == "Keras 2":
        load = f"{_CREATE}model.load_weights({_quoted(path)})"
        note = f"Keras 3 can't rebuild the model; it takes its weights. {_LEFT if state else ''}"
    else:
        load = f"import keras\n\nmodel = keras.saving.load_model({_quoted(path)})"
    kind = f"whole {library} model, .keras {'folder' if root is path else 'archive'}"
    return _description(path, kind, writer, tensors, state, load, note)


def _describe_hdf5(path: Path) -> Description:
    if shard := re.fullmatch(r"(.+)_\d{5}\.weights\.h5", path.name):
        index = path.with_name(f"{shard[1]}.weights.json")
        if index.exists() and path.name in _shards(index):
            return _describe_shards(index)
    with _hdf5_file(path) as file:
        attributes, tensors = dict(file.attrs), _datasets(file)
        state, wrote = _hdf5_state(file, tensors), _library_of_weights(file)
        of_keras = all(re.search(r"(^|/)vars/[^/]+$", t.name) for t in tensors) and "vars" in file
    if of_keras:
        return _describe_weights(path, "in HDF5", wrote, tensors, state)
    if not {"model_config", "layer_names"} & set(attributes):
        raise ValueError(f"{path} is an HDF5 file that Keras did not write; expected {_EXPECTED}")
    library, writer = _origin(attributes.get("keras_version"))
    if "model_config" not in attributes:
        kind = f"weights of a {library} model, in HDF5 of the older layout"
        load = f"{_CREATE}model.load_weights({_quoted(path)})"
        if path.name.endswith(".weights.h5"):  # under such a name Keras 3 expects its own layout
            load = (
                f"import shutil\nimport tempfile\n\n{_CREATE}"
                f'copy = shutil.copy({_quoted(path)}, tempfile.mkdtemp() + "/older.h5")\n'
                "model.load_weights(copy)"
            )
        return _description(path, kind, writer, tensors, state, load)
    config = _json(f"{path}: model_config", attributes["model_config"])
    training = _json(f"{path}: training_config", attributes.get("training_config", "{}"))
    # Keras 3 finds neither the losses of Keras 2 nor an abbreviation (keras-team/keras#19330).
    short = re.search(r'"(bce|kld|map?e|mse|msle)"', json.dumps(training.get("loss")), re.I)
    option = ", compile=False" if short or library == "Keras 2" else ""
    load = f"import keras\n\nmodel = keras.saving.load_model({_quoted(path)}{option})"
    note = _own_code([config, training])
    if state:
        slots = "The optimizer comes back without its slots: compile with a new one to train on."
        note = f"{_LEFT if option else slots} {note}"
    kind = f"whole {library} model, in HDF5"
    return _description(path, kind, writer, tensors, state, load, note)


def _describe_shards(index: Path) -> Description:
    tensors, state, libraries = Tensors(), False, {"Keras"}
    for name in _shards(index):
        with _hdf5_file(_existing(index.with_name(name))) as file:
            here = _datasets(file)
            state = _hdf5_state(file, here) or state
            libraries.add(_library_of_weights(file))
        tensors.extend(here)
    tensors.sort(key=lambda tensor: _natural(tensor.name))
    return _describe_weights(index, "in HDF5 shards", max(libraries), tensors, state)


def _describe_weights(path: Path, how: str, library: str, tensors, state: bool) -> Description:
    load, note = f"model.load_weights({_quoted(path)})", ""
    optimizer = any(t.name.startswith("optimizer/") for t in tensors)
    if library == "Keras 3" and state:
        load = _BUILD + load
    elif path.suffix == ".h5" and (library == "Keras 2" or not optimizer):
        load = f"{load[:-1]}, objects_to_skip=[model.optimizer])"
        note = _LEFT if state else ""
    kind = f"weights of a {library} model, {how}"
    return _description(path, kind, "not recorded", tensors, state, _CREATE + load, note)


def _describe_checkpoint(prefix: str) -> Description:
    reader = _reader(prefix)
    tensors, state = _checkpoint_tensors(prefix, reader)
    nodes = []
    if reader.has_tensor(_GRAPH):
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        graph = trackable_object_graph_pb2.TrackableObjectGraph
        nodes = graph.FromString(reader.get_tensor(_GRAPH)).nodes
    children = [{c.local_name: c.node_id for c in node.children} for node in nodes]
    names = {name for node in children for name in node}
    kind, lines, note = "TensorFlow checkpoint", None, ""
    if not nodes:
        kind = "TensorFlow checkpoint, name-based as in TensorFlow 1"
    elif names & {"_functional", "_operations", "_trainable_variables_indices", "_kernel"}:
        kind = "TensorFlow checkpoint of a Keras 3 model"
        lines = _restore_keras_3(prefix, children, state)
    elif names & {"layer_with_weights-0", "_index_dict"} or any(
        "/.OPTIMIZER_SLOT/" in t.name for t in tensors
    ):
        kind = "TensorFlow checkpoint of a Keras 2 model"
        lines, note = _copy_keras_2(prefix, tensors), _LEFT if state else ""
    if lines is None:  # what every checkpoint allows: read its tensors
        lines, note = _READ.format(_quoted(prefix)), ""
    load = "import tensorflow as tf\n\n" + lines
    return _description(prefix, kind, "not recorded", tensors, state, load, note)


_READ = """reader = tf.train.load_checkpoint({})
tensors = {{name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}}"""
_COPY = """reader = tf.train.load_checkpoint({})
layers = [layer for layer in model.layers if layer.weights]
for number, layer in enumerate(layers):
    for weight in layer.weights:
        key = f"{}layer_with_weights-{{number}}/{{weight.name}}/.ATTRIBUTES/VARIABLE_VALUE"
        weight.assign(reader.get_tensor(key))"""


def _restore_keras_3(prefix: str, children: list[dict], state: bool) -> str | None:
    """Restore a model, and its optimizer, under the names that it was saved by."""

    def role(node: dict) -> str:
        if {"_functional", "_operations", "_compiled_trainable_state"} & set(node):
            return "model"
        return "model.optimizer" if {"_iterations", "_learning_rate"} <= set(node) else ""

    root = children[0]
    roles = {name: role(children[n]) for name, n in sorted(root.items()) if name != "save_counter"}
    if role(root) == "model":
        roles = {"": "model"}
    parts = [part for part in roles.values() if part]
    if "model" not in parts or len(set(parts)) < len(parts):
        return None
    if not all(name.isidentifier() for name in roles if name):  # they become code
        return None
    if not any("_iterations" in node for node in children):
        proof = "assert_nontrivial_match"  # the others miss the optimizer of `create_model`
    else:
        proof = "assert_existing_objects_matched" if "" in roles.values() else "assert_consumed"
    arguments = ", ".join(f"{name}={part}".lstrip("=") for name, part in roles.items() if part)
    method = "restore" if "save_counter" in root else "read"
    restore = f"checkpoint.{method}({_quoted(prefix)}).{proof}()"
    build = _BUILD if state else ""
    return f"{_CREATE}{build}checkpoint = tf.train.Checkpoint({arguments})\n{restore}"


def _copy_keras_2(prefix: str, tensors: Tensors) -> str | None:
    """Copy the weights one by one: Keras 3 has other names for what holds them."""
    key = re.compile(rf"([\w/.-]*?)layer_with_weights-\d+/[^/]+{re.escape(_VALUE)}")
    names = [t.name for t in tensors if "layer_with_weights-" in t.name and "SLOT/" not in t.name]
    homes = {match[1] if (match := key.fullmatch(name)) else None for name in names}
    if len(homes) != 1 or None in homes:  # no layers in a row, or layers within layers
        return None
    return _CREATE + _COPY.format(_quoted(prefix), homes.pop())


def _describe_saved_model(folder: Path) -> Description:
    _tensorflow()
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = folder / "saved_model.pb"
    with _reading(file, "a SavedModel", DecodeError, IndexError):
        graph = saved_model_pb2.SavedModel.FromString(file.read_bytes()).meta_graphs[0]
        nodes = graph.object_graph_def.nodes
        root = {c.local_name: nodes[c.node_id] for c in nodes[0].children} if nodes else {}
    tensors, state = Tensors(), False
    prefix = str(folder / "variables" / "variables")
    if Path(f"{prefix}.index").exists() or any(n.WhichOneof("kind") == "variable" for n in nodes):
        tensors, state = _checkpoint_tensors(prefix, _reader(prefix))
    kind, note = "SavedModel, a program of TensorFlow", ""
    writer = f"TensorFlow {graph.meta_info_def.tensorflow_version}"
    if any(node.user_object.identifier.startswith("_tf_keras_") for node in nodes):
        kind = "SavedModel, a whole Keras 2 model"
        note = "To train on, take tf_keras.models.load_model."
        if (keras := folder / "keras_metadata.pb").exists():
            version = re.search(rb'"keras_version": ?"([\w.+-]+)"', keras.read_bytes())
            writer = f"{_origin(version[1])[1]}, {writer}" if version else writer
    elif {"_misc_assets", "non_trainable_variables"} <= set(root):
        kind = "SavedModel, a program exported by Keras 3"
        tensors = _named(tensors, root, nodes)
    functions = ("function", "bare_concrete_function")
    found = {name for name, node in root.items() if node.WhichOneof("kind") in functions}
    found |= set(graph.signature_def) - {"__saved_model_init_op"}
    usual = [name for name in ("serve", "serving_default", "__call__") if name in found]
    load = f"import tensorflow as tf\n\nprogram = tf.saved_model.load({_quoted(folder)})"
    if endpoints := usual or sorted(found):
        call = f"{_quoted(folder)}, call_endpoint={json.dumps(endpoints[0])}"
        load = f"import keras\n{load}\nlayer = keras.layers.TFSMLayer({call})"
    return _description(folder, kind, writer, tensors, state, load, note)


def _named(tensors: Tensors, root: dict, nodes) -> Tensors:
    """Put names for the numbers of an export, which change from one export to the next."""
    names = {
        f"{home}/{child.local_name}{_VALUE}": f"{home}/{nodes[child.node_id].variable.name}"
        for home, node in root.items()
        for child in node.children
    }
    named = [tensor._replace(name=names.get(tensor.name, tensor.name)) for tensor in tensors]
    return Tensors(sorted(named, key=lambda tensor: _natural(tensor.name)))


def _description(path, kind, writer, tensors, state, load, note="") -> Description:
    text = Path(path).as_posix()
    return Description(text, kind, writer, tensors, state, load, note.strip())


def _checkpoint_tensors(prefix: str, reader) -> tuple[Tensors, bool]:
    """Read every tensor once; return them, and whether optimizer state is among them."""
    tensors, state, slots = _entries(reader), False, ["/.OPTIMIZER_SLOT/"]
    with _reading(f"{prefix}.data-*", "all shards of a TensorFlow checkpoint", Exception):
        for name, _, dtype in tensors:
            value = None if dtype == "variant" else reader.get_tensor(name)
            if name.endswith((f"_iterations{_VALUE}", f"optimizer/iter{_VALUE}")):
                state = state or bool(value > 0)
                slots.append(name.replace(f"_iterations{_VALUE}", "_variables/"))
    tensors = Tensors(tensor for tensor in tensors if tensor.name != _GRAPH)
    of_tf1 = re.compile(r"/(Adam|Adam_1|Momentum|RMSProp|Adagrad)$")
    for name, *_ in tensors:
        state = state or any(slot in name for slot in slots) or bool(of_tf1.search(name))
    return tensors, state


@contextlib.contextmanager
def _reading(source, kind: str, *errors: type[Exception]):
    """Turn what a reader raises, which depends on the kind of damage, into one error."""
    try:
        yield
    except errors as error:
        words = " ".join(str(error).split())[:300]
        raise ValueError(f"{source} can't be read as {kind}: {words}") from error


def _tensorflow():
    if "tensorflow" not in sys.modules:
        from helpers import session

        session.attach()  # else the import writes log lines
    import tensorflow as tf

    return tf


def _latest(folder) -> str | None:
    tf = _tensorflow()
    with _reading(Path(folder) / "checkpoint", "the list of TensorFlow's checkpoints", Exception):
        return tf.train.latest_checkpoint(str(folder))


def _reader(prefix):
    tf = _tensorflow()
    if not Path(f"{prefix}.index").exists():
        raise FileNotFoundError(
            f"{prefix}.index is missing; expected the prefix of a TensorFlow checkpoint"
        )
    with _reading(prefix, "a TensorFlow checkpoint", Exception):
        return tf.train.load_checkpoint(str(prefix))


def _entries(reader) -> Tensors:
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    names = sorted(shapes, key=_natural)
    return Tensors(Tensor(name, tuple(shapes[name]), dtypes[name].name) for name in names)


@contextlib.contextmanager
def _hdf5_file(source, name=None):
    import h5py

    errors = OSError, RuntimeError, KeyError, zipfile.BadZipFile
    with _reading(name or source, "an HDF5 file", *errors), h5py.File(source, "r") as file:
        yield file


def _datasets(file) -> Tensors:
    import h5py

    found = Tensors()

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            # Keras stores bfloat16 as two raw bytes, and says so beside them.
            raw = str(item.dtype)
            dtype = "bfloat16" if raw == "|V2" and "dtype" in item.attrs else raw
            found.append(Tensor(name, tuple(item.shape), dtype))

    file.visititems(visit)
    found.sort(key=lambda tensor: _natural(tensor.name))
    return found


def _hdf5_state(file, tensors: Tensors) -> bool:
    state = [t for t in tensors if t.name.startswith(("optimizer/", "optimizer_weights/"))]
    return any(t.shape or (t.dtype.startswith("int") and file[t.name][()] > 0) for t in state)


def _library_of_weights(file) -> str:
    """Tell what wrote a file of weights: Keras 3 names its groups, Keras 2 stores metrics."""
    if "vars" in file and "name" in file["vars"].attrs:
        return "Keras 3"
    return "Keras 2" if "metrics" in file else "Keras"


def _shards(index: Path) -> list[str]:
    """The names of the files that an index of sharded weights names."""
    names = re.findall(r'"([^"/\\]+\.weights\.h5)"', json.dumps(_json(str(index), index)))
    if not names:
        raise ValueError(f"{index} names no shards; expected the index of sharded weights")
    return sorted(set(names))


def _json(name: str, source) -> dict:
    """Parse JSON from a text, or from a file of at most 100 MB."""
    if hasattr(source, "open"):
        with source.open("rb") as file:
            source = file.read(100_000_000)
    with _reading(name, "JSON", ValueError, TypeError, RecursionError):
        found = json.loads(source)
    if not isinstance(found, dict):
        raise ValueError(f"{name} is a JSON {type(found).__name__}; expected an object")
    return found


def _own_code(config) -> str:
    """Say what a configuration asks of the reader: classes of theirs, and code in it."""
    text, note = json.dumps(config), ""
    theirs = r'"module": (?:null|"(?!keras|builtins)[^"]*"), "class_name": "(\w+)"'
    packaged = r'"class_name": "\w+>(\w+)"'
    if names := sorted({*re.findall(theirs, text), *re.findall(packaged, text)}):
        note = f"It needs your own {', '.join(names)}: register, or pass custom_objects. "
    if re.search(r'"__lambda__"|"function_type": "lambda"', text):
        note += "It holds a lambda, which is Python code: Keras refuses to load it by default."
    return note


def _origin(version) -> tuple[str, str]:
    """Tell the library, and the library with its version, from a stored ``keras_version``."""
    version = version.decode(errors="replace") if isinstance(version, bytes) else str(version)
    if not re.fullmatch(r"[123]\.\d+[\w.+-]*", version):
        return "Keras", "not recorded"
    separate = re.match(r"2\.(1[6-9]|[2-9]\d)", version)  # Keras itself ended Keras 2 with 2.15
    return f"Keras {version[0]}", f"{'tf_keras' if separate else 'Keras'} {version}"


def _quoted(path) -> str:
    return json.dumps(Path(path).as_posix(), ensure_ascii=False)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]


def _existing(path) -> Path:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return path


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _natural(name: str) -> list:
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", name)]
