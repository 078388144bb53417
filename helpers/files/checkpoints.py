"""TensorFlow checkpoints: of Keras 3, of Keras 2, of TensorFlow 1's Saver."""

import glob
import keyword
import math
import re
from pathlib import Path

from helpers.files.description import Description, Tensor, natural, quoted
from helpers.files.keras_weights import BUILD, CREATE, LEFT
from helpers.files.reading import Unreadable, reading, regular, tensorflow

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
PART = r"\.index$|\.meta$|\.data-\d{5}-of-\d{5}$"
TF_1_SLOT = re.compile(r"/(Adam|Adam_1|Momentum|RMSProp|RMSProp_1|Adagrad)$")


def prefix_of(path: Path) -> str | None:
    """The prefix of the checkpoint that a path names: itself, one of its files, or a folder."""
    if path.is_dir():
        return _latest(path)
    if path.name == "checkpoint" and path.is_file():
        return _latest(path.parent)
    prefix = re.sub(PART, "", str(path))
    if Path(f"{prefix}.index").is_file() or (prefix != str(path) and path.exists()):
        return prefix
    if not path.exists():  # without its step: model.ckpt stands for the one model.ckpt-1234
        found = [str(p)[: -len(".index")] for p in _glob(path, "-*.index")]
        if len(found) > 1:
            raise Unreadable(f"{path} stands for several checkpoints: {', '.join(found)}")
        if not found and any(_glob(path, ".data-*")):
            return str(path)
        return found[0] if found else None
    return None


def is_prefix(path: Path) -> bool:
    """Whether it is no file or folder, and there are files of a checkpoint of that name."""
    return not path.exists() and prefix_of(path) is not None


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these, or one of the files of one."""
    return prefix_of(path) is not None


def describe(path: Path, head: bytes) -> Description:
    """Describe the checkpoint, from its index and the sizes of its shards."""
    return of_prefix(prefix_of(path))


def verify(path: Path, head: bytes) -> None:
    """Read every tensor, with its checksum.

    Raises:
        Unreadable: where one is damaged, with its name.
    """
    verify_prefix(prefix_of(path))


def verify_prefix(prefix: str) -> None:
    """The same for the checkpoint of this prefix."""
    reader = open_reader(prefix)
    for name, dtype in sorted(reader.get_variable_to_dtype_map().items()):
        with reading(f"{prefix}: {name}", "a tensor", Exception):
            if dtype.name != "variant":
                reader.get_tensor(name)


def of_prefix(prefix: str) -> Description:
    """Describe the checkpoint of this prefix."""
    reader = open_reader(prefix)
    complete(prefix)
    tensors, state, step = entries(prefix, reader)
    nodes = []
    if reader.has_tensor(GRAPH):
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        graph = trackable_object_graph_pb2.TrackableObjectGraph
        with reading(prefix, "a TensorFlow checkpoint", Exception):
            nodes = graph.FromString(reader.get_tensor(GRAPH)).nodes
    children = [{c.local_name: c.node_id for c in node.children} for node in nodes]
    names = {name for node in children for name in node}
    kind, lines, note = "TensorFlow checkpoint", None, ""
    if not nodes:
        kind = "TensorFlow checkpoint, name-based as in TensorFlow 1"
        if Path(f"{prefix}.meta").is_file():
            note = "The graph is beside it, in .meta: tf.compat.v1.train.import_meta_graph."
    elif names & {"_functional", "_operations", "_trainable_variables_indices", "_kernel"}:
        kind = "TensorFlow checkpoint of a Keras 3 model"
        lines = _restore_keras_3(prefix, children, state)
    elif names & {"layer_with_weights-0", "_index_dict"} or any(
        "/.OPTIMIZER_SLOT/" in t.name for t in tensors
    ):
        kind = "TensorFlow checkpoint of a Keras 2 model"
        lines, note = _copy_keras_2(prefix, tensors), LEFT if state else ""
    if lines is None:  # what every checkpoint allows: read its tensors
        lines = READ.format(quoted(Path(prefix)))
        note = "" if nodes else note
    load = "import tensorflow as tf\n\n" + lines
    facts = {} if step is None else {"step count": f"{step:,}"}
    path = Path(prefix).as_posix()
    return Description(path, kind, "not recorded", tensors, state, load, note, facts)


READ = """reader = tf.train.load_checkpoint({})
tensors = {{name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}}"""
COPY = """reader = tf.train.load_checkpoint({})
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
    if not all(is_name(name) for name in roles if name):  # they become code
        return None
    if not any("_iterations" in node for node in children):
        proof = "assert_nontrivial_match"  # the others miss the optimizer of `create_model`
    else:
        proof = "assert_existing_objects_matched" if "" in roles.values() else "assert_consumed"
    arguments = ", ".join(f"{name}={part}".lstrip("=") for name, part in roles.items() if part)
    method = "restore" if "save_counter" in root else "read"
    restore = f"checkpoint.{method}({quoted(Path(prefix))}).{proof}()"
    build = BUILD if state else ""
    return f"{CREATE}{build}checkpoint = tf.train.Checkpoint({arguments})\n{restore}"


def is_name(text: str) -> bool:
    """Whether it may become a name in code."""
    return text.isidentifier() and text.isascii() and not keyword.iskeyword(text)


def _copy_keras_2(prefix: str, tensors: list) -> str | None:
    """Copy the weights one by one: Keras 3 has other names for what holds them."""
    key = re.compile(rf"([\w/.-]*?)layer_with_weights-\d+/[^/]+{re.escape(VALUE)}", re.ASCII)
    names = [t.name for t in tensors if "layer_with_weights-" in t.name and "SLOT/" not in t.name]
    homes = {match[1] if (match := key.fullmatch(name)) else None for name in names}
    if len(homes) != 1 or None in homes:  # no layers in a row, or layers within layers
        return None
    return CREATE + COPY.format(quoted(Path(prefix)), homes.pop())


def open_reader(prefix: str):
    """TensorFlow's reader of a checkpoint.

    Raises:
        FileNotFoundError: where its index is missing.
        Unreadable: where it is broken.
    """
    if not Path(f"{prefix}.index").exists():
        raise FileNotFoundError(
            f"{prefix}.index is missing; expected the prefix of a TensorFlow checkpoint"
        )
    regular(Path(f"{prefix}.index"))
    tf = tensorflow()
    with reading(prefix, "a TensorFlow checkpoint", Exception):
        return tf.train.load_checkpoint(str(prefix))


def complete(prefix: str) -> None:
    """Check that the shards are there, and as large as what the index says is in them.

    Raises:
        Unreadable: where one is missing or too short.
    """
    shards = [p for p in _glob(Path(prefix), ".data-*") if re.search(PART, p.name)]
    if not shards:
        raise Unreadable(f"{prefix}.data-* is missing: the index is there, and no tensor")
    number = int(shards[0].name[-5:])
    if len(shards) != number or len({p.name[-5:] for p in shards}) != 1:
        raise Unreadable(f"{prefix} has {len(shards)} shards; expected {number}")
    for shard in shards:
        regular(shard)


def entries(prefix: str, reader) -> tuple[list[Tensor], bool, int | None]:
    """The tensors, whether optimizer state is among them, and the step count; the values of
    step counts alone are read.
    """
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    names = sorted(shapes, key=natural)
    tensors = [Tensor(n, tuple(shapes[n]), dtypes[n].name) for n in names if n != GRAPH]
    size = sum(p.stat().st_size for p in _glob(Path(prefix), ".data-*"))
    least = sum(_bytes(t) for t in tensors)
    if reader.has_tensor(GRAPH):
        with reading(f"{prefix}.data-*", "all shards of a TensorFlow checkpoint", Exception):
            graph = reader.get_tensor(GRAPH)  # a string is stored with its length and a checksum
        least += len(graph) + 4 + max(1, math.ceil(len(graph).bit_length() / 7))
    if size < least:
        raise Unreadable(
            f"{prefix}.data-* can't be read as all shards of a TensorFlow checkpoint: "
            f"{size:,} bytes are there, {least:,} are needed"
        )
    state, step, slots = False, None, ["/.OPTIMIZER_SLOT/"]
    for tensor in tensors:
        name = tensor.name
        counts = (f"_iterations{VALUE}", f"optimizer/iter{VALUE}")
        if not tensor.shape and (name.endswith(counts) or name == "global_step"):
            with reading(f"{prefix}.data-*", "all shards of a TensorFlow checkpoint", Exception):
                step = max(step or 0, int(reader.get_tensor(name)))
            if name.endswith(counts):
                state = state or step > 0
                slots.append(name.replace(f"_iterations{VALUE}", "_variables/"))
    for tensor in tensors:
        state = state or any(slot in tensor.name for slot in slots)
        state = state or bool(TF_1_SLOT.search(tensor.name))
    return tensors, state, step


def _bytes(tensor: Tensor) -> int:
    sizes = {"bool": 1, "bfloat16": 2, "half": 2, "float16": 2, "complex64": 8, "complex128": 16}
    bits = re.search(r"(8|16|32|64)$", tensor.dtype)
    size = sizes.get(tensor.dtype) or (int(bits[1]) // 8 if bits else 0)
    return math.prod(tensor.shape) * size


def _latest(folder: Path) -> str | None:
    """The latest checkpoint of a folder, wherever the folder was when it was written."""
    listed = folder / "checkpoint"
    if listed.is_file():
        with reading(listed, "the list of TensorFlow's checkpoints", OSError):
            text = regular(listed).read_bytes()[:1_000_000].decode(errors="replace")
        named = re.search(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', text, re.M)
        if named:
            for prefix in (folder / named[1], folder / Path(named[1]).name):
                if Path(f"{prefix}.index").is_file():
                    return str(prefix)
            raise Unreadable(f"{listed} names no checkpoint that is there: {named[1]}")
    found = [str(p)[: -len(".index")] for p in sorted(folder.glob("*.index"))]
    if len(found) > 1:
        raise Unreadable(
            f"{folder} holds several checkpoints, {', '.join(found)}; expected the prefix of one"
        )
    return found[0] if found else None


def _glob(path: Path, ending: str) -> list[Path]:
    return sorted(path.parent.glob(glob.escape(path.name) + ending))
