"""TensorFlow checkpoints: of Keras 3, of Keras 2, of TensorFlow 1's Saver."""

import glob
import math
import re
from pathlib import Path

from helpers.files.checkpoint_lines import read, restore_keras_2, restore_keras_3
from helpers.files.description import Description, Tensor, natural
from helpers.files.graph import GRAPH, VALUE, nodes_of
from helpers.files.reading import Unreadable, reading, regular, tensorflow

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
    nodes = nodes_of(prefix, reader)
    children = [{c.local_name: c.node_id for c in node.children} for node in nodes]
    names = {name for node in children for name in node}
    kind, note, load = "TensorFlow checkpoint", "", read(prefix)
    if not nodes:
        kind = "TensorFlow checkpoint, name-based as in TensorFlow 1"
        if Path(f"{prefix}.meta").is_file():
            note = "The graph is beside it, in .meta: tf.compat.v1.train.import_meta_graph."
    elif names & {"_functional", "_operations", "_trainable_variables_indices", "_kernel"}:
        kind = "TensorFlow checkpoint of a Keras 3 model"
        load = restore_keras_3(prefix, children, state) or load
    elif names & {"layer_with_weights-0", "_index_dict"} or any(
        "/.OPTIMIZER_SLOT/" in t.name for t in tensors
    ):
        kind = "TensorFlow checkpoint of a Keras 2 model"
        load, note = restore_keras_2(prefix, [t.name for t in tensors], state)
    facts = {} if step is None else {"step count": f"{step:,}"}
    path = Path(prefix).as_posix()
    return Description(path, kind, "not recorded", tensors, state, load, note, facts)


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
