"""SavedModel folders: exports of Keras 3, whole models of Keras 2, programs of TensorFlow 1."""

import re
from pathlib import Path

from helpers.files import checkpoint_lines, checkpoints, keras_config, keras_files
from helpers.files.description import Description, natural, quoted
from helpers.files.reading import Unreadable, head, inside, reading, tensorflow

LARGEST_FACT = 20  # signatures
VARIABLES = "variables/variables"


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these: a folder, or its file `saved_model.pb` or `.pbtxt`."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and path.name not in ("saved_model.pb", "saved_model.pbtxt"):
        return False
    return any((folder / f"saved_model.{end}").is_file() for end in ("pb", "pbtxt"))


def describe(path: Path, start: bytes) -> Description:
    """Describe one of these, each signature with what goes in and out."""
    folder = path if path.is_dir() else path.parent
    graphs = _read(folder)
    graph = graphs[0]
    nodes = graph.object_graph_def.nodes
    with reading(folder, "a SavedModel", IndexError):
        root = {c.local_name: nodes[c.node_id] for c in nodes[0].children} if nodes else {}
    tensors, state, step = _variables(folder, graphs, nodes)
    kind, note = "SavedModel, a program of TensorFlow", ""
    writer = f"TensorFlow {graph.meta_info_def.tensorflow_version}"
    if any(node.user_object.identifier.startswith("_tf_keras_") for node in nodes):
        kind = "SavedModel, a whole Keras 2 model"
        note = "To train on, take tf_keras.models.load_model."
        if (folder / "keras_metadata.pb").exists():
            held = inside(folder, "keras_metadata.pb").read_bytes()
            version = re.search(rb'"keras_version": ?"([\w.+-]+)"', held)
            writer = f"{keras_config.origin(version[1])[1]}, {writer}" if version else writer
        if _holds_lambda(folder, nodes):
            note += " It holds a lambda, which is Python code: tf_keras would run it."
    elif {"_misc_assets", "non_trainable_variables"} <= set(root):
        kind = "SavedModel, a program exported by Keras 3"
        tensors = _named(folder, tensors, root, nodes)
    elif not nodes:
        kind = "SavedModel of TensorFlow 1"
    facts = {}
    tags = [" ".join(sorted(g.meta_info_def.tags)) or "none" for g in graphs]
    if tags != ["serve"]:
        facts["tags"] = "; ".join(tags)
    for name, signature in sorted(_signatures(graph).items())[:LARGEST_FACT]:
        facts[f"signature {name}"] = f"{_specs(signature.inputs)} -> {_specs(signature.outputs)}"
    if step:
        facts["step count"] = f"{step:,}"
    load, made = _lines(folder, graphs, nodes, root), ""
    if missing := _missing(graphs):
        load = checkpoint_lines.read(str(folder / VARIABLES)) if tensors else ""
        names = ", ".join(missing[:5])
        note = (
            f"It asks for operations that TensorFlow does not have: {names}. Import the library "
            "that brings them before tf.saved_model.load. "
            f"{'The lines read its weights alone, as arrays.' if tensors else ''} {note}"
        ).strip()
    if "whole Keras 2" in kind and "lambda" not in note:
        made = keras_files.conversion(folder)
    told = tensors, state, load, note, facts, made
    return Description(folder.as_posix(), kind, writer, *told)


def _holds_lambda(folder: Path, nodes) -> bool:
    """Whether the layers that tf_keras would build again are made of Python code."""
    told = [node.user_object.metadata.encode() for node in nodes]
    if (folder / "keras_metadata.pb").exists():
        told.append(inside(folder, "keras_metadata.pb").read_bytes())
    return any(re.search(rb'"class_name":\s*"Lambda"|function_type', text) for text in told)


def verify(path: Path, start: bytes) -> None:
    """Read every variable, with its checksum."""
    folder = path if path.is_dir() else path.parent
    if (folder / f"{VARIABLES}.index").exists():
        checkpoints.verify_prefix(str(folder / VARIABLES))


def _read(folder: Path) -> list:
    text = not (folder / "saved_model.pb").exists()
    file = inside(folder, "saved_model.pbtxt" if text else "saved_model.pb")
    if head(file, 40).startswith(b"version https://git-lfs"):
        raise Unreadable(f"{file} is a Git LFS pointer, not the file: run git lfs pull")
    tensorflow()
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    kind = saved_model_pb2.SavedModel
    with reading(file, "a SavedModel", DecodeError, text_format.ParseError, UnicodeDecodeError):
        read = file.read_bytes()
        saved = text_format.Parse(read.decode(), kind()) if text else kind.FromString(read)
    if not saved.meta_graphs:
        raise Unreadable(f"{file} can't be read as a SavedModel: it holds no graph")
    return list(saved.meta_graphs)


def _missing(graphs: list) -> list[str]:
    """The operations of a program that this TensorFlow does not know."""
    from tensorflow.python.framework import op_def_registry

    asked, own = set(), set()
    for graph in graphs:
        functions = graph.graph_def.library.function
        own |= {function.signature.name for function in functions}
        asked |= {node.op for node in graph.graph_def.node}
        asked |= {node.op for function in functions for node in function.node_def}
    return sorted(op for op in asked - own if op_def_registry.get(op) is None)


def _variables(folder: Path, graphs: list, nodes) -> tuple[list, bool | None, int | None]:
    prefix = str(folder / VARIABLES)
    ops = {node.op for g in graphs for node in g.graph_def.node}
    asked = any(n.WhichOneof("kind") == "variable" for n in nodes)
    asked = asked or bool(ops & {"VariableV2", "VarHandleOp", "Variable"})
    if not Path(f"{prefix}.index").exists() and not asked:
        return [], False, None
    reader = checkpoints.open_reader(prefix)
    checkpoints.complete(prefix)
    return checkpoints.entries(prefix, reader)


def _signatures(graph) -> dict:
    return {k: v for k, v in graph.signature_def.items() if k != "__saved_model_init_op"}


def _specs(tensors) -> str:
    tf = tensorflow()
    told = []
    for name, info in sorted(tensors.items()):
        dims = (
            "unknown"
            if info.tensor_shape.unknown_rank
            else ", ".join("None" if d.size < 0 else str(d.size) for d in info.tensor_shape.dim)
        )
        try:
            dtype = tf.as_dtype(info.dtype).name
        except TypeError:
            dtype = "unknown"
        told.append(f"{name} ({dims}) {dtype}")
    return ", ".join(told) or "nothing"


def _lines(folder: Path, graphs: list, nodes, root: dict) -> str:
    tags = sorted(graphs[0].meta_info_def.tags)
    if not nodes:  # TensorFlow 1: what is in it runs in a session
        best = next((g for g in graphs if "serve" in g.meta_info_def.tags), graphs[0])
        tags = sorted(best.meta_info_def.tags)
        return (
            "import tensorflow as tf\n\n"
            "with tf.Graph().as_default():\n"
            "    session = tf.compat.v1.Session()\n"
            f"    program = tf.compat.v1.saved_model.load(session, {tags!r}, {quoted(folder)})\n"
            "signatures = dict(program.signature_def)"
        )
    option = "" if len(graphs) == 1 else f", tags={tags!r}"
    load = f"import tensorflow as tf\n\nprogram = tf.saved_model.load({quoted(folder)}{option})"
    functions = ("function", "bare_concrete_function")
    found = {name for name, node in root.items() if node.WhichOneof("kind") in functions}
    found |= set(_signatures(graphs[0]))
    usual = [name for name in ("serve", "serving_default", "__call__") if name in found]
    if (endpoints := usual or sorted(found)) and not option:
        call = f"{quoted(folder)}, call_endpoint={endpoints[0]!r}"
        load = f"import keras\n{load}\nlayer = keras.layers.TFSMLayer({call})"
    return load


def _named(folder: Path, tensors: list, root: dict, nodes) -> list:
    """Put names for the numbers of an export, which change from one export to the next."""
    with reading(folder, "a SavedModel", IndexError):
        names = {
            f"{home}/{child.local_name}{checkpoints.VALUE}": (
                f"{home}/{nodes[child.node_id].variable.name}"
            )
            for home, node in root.items()
            for child in node.children
        }
    named = [tensor._replace(name=names.get(tensor.name, tensor.name)) for tensor in tensors]
    return sorted(named, key=lambda tensor: natural(tensor.name))
