"""Programs in the formats of deployment: LiteRT, ONNX, TensorFlow.js, frozen graph, Core ML."""

import re
from pathlib import Path

from helpers.files.description import Description, Tensor, quoted
from helpers.files.reading import head, parsed, reading, regular, tensorflow


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these, by its content."""
    return _kind(path, head) is not None


def describe(path: Path, start: bytes) -> Description:
    """Describe one of these."""
    return _kind(path, start)(path)


def _kind(path: Path, start: bytes):
    if path.is_dir():
        if (path / "model.json").is_file():
            return lambda folder: _tfjs(folder / "model.json")
        if (path / "Manifest.json").is_file() and (path / "Data").is_dir():
            return _core_ml
        return None
    if start[4:8] == b"TFL3":
        return _litert
    if start[:1] == b"{" and re.search(rb'"(modelTopology|weightsManifest)"', _all(path)):
        return _tfjs
    fields = protobuf_fields(start)
    if fields is None:
        return None
    numbers = [number for number, _, _ in fields]
    if fields[0][:2] == (1, 0) and fields[0][2] < 1000:
        if {7, 8} & set(numbers):  # the graph, the operators' version
            return _onnx
        if _is_core_ml(fields):
            return _core_ml
    if fields[0][:2] == (1, 2) and _is_node(fields[0][2]):
        return _frozen
    return None


def _all(path: Path) -> bytes:
    return head(path, 20_000_000)


def protobuf_fields(data: bytes, most: int = 8) -> list | None:
    """The first fields of a serialized protocol buffer: number, wire type, value; or None.

    The last one may be cut off.
    """
    found, at = [], 0
    while at < len(data) and len(found) < most:
        key, at = _varint(data, at)
        if key is None or not 0 < key >> 3 < 1000:
            break
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            if value is None:
                break
        elif wire == 2:
            size, at = _varint(data, at)
            if size is None:
                break
            value, at = data[at : at + size], at + size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        else:
            return None
        found.append((key >> 3, wire, value))
    return found or None


def _varint(data: bytes, at: int):
    value = shift = 0
    while at < len(data) and shift < 64:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return None, at


def _is_node(data) -> bool:
    """Whether it begins as a NodeDef: a name, then an operation with a capital letter."""
    fields = protobuf_fields(data, 2) or []
    return (
        len(fields) == 2
        and [f[:2] for f in fields] == [(1, 2), (2, 2)]
        and bool(re.fullmatch(rb"[\w.>/\\-]+", fields[0][2]))
        and bool(re.fullmatch(rb"_?[A-Z]\w*", fields[1][2]))
    )


def _is_core_ml(fields: list) -> bool:
    """Whether a description follows the version, and then one of the kinds of models."""
    told = fields[1:] and fields[1][:2] == (2, 2) and protobuf_fields(fields[1][2], 1)
    return bool(told) and any(number >= 200 for number, _, _ in fields)


def _litert(path: Path) -> Description:
    tf = tensorflow()
    with reading(path, "a LiteRT model", ValueError, RuntimeError):
        interpreter = tf.lite.Interpreter(
            model_path=str(path), experimental_op_resolver_type=_no_delegates(tf)
        )
        details = interpreter.get_tensor_details()
        ends = [interpreter.get_input_details(), interpreter.get_output_details()]
    tensors = [Tensor(t["name"], tuple(map(int, t["shape"])), _dtype(t["dtype"])) for t in details]
    facts = {
        name: "; ".join(
            f"{e['name']} {tuple(map(int, e['shape']))} {_dtype(e['dtype'])}" for e in end
        )
        for name, end in zip(("inputs", "outputs"), ends, strict=True)
    }
    if {t.dtype for t in tensors} & {"int8", "uint8"}:
        facts["quantization"] = "it has tensors of 8 bits"
    load = (
        "import tensorflow as tf\n\n"
        f"interpreter = tf.lite.Interpreter(model_path={quoted(path)})\n"
        "interpreter.allocate_tensors()"
    )
    note = "Or with ai-edge-litert, without TensorFlow. It can't be trained on."
    return Description(
        path.as_posix(),
        "LiteRT (TensorFlow Lite) model",
        "not recorded",
        tensors,
        None,
        load,
        note,
        facts,
    )


def _no_delegates(tf):
    return tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def _dtype(kind) -> str:
    import numpy as np

    return np.dtype(kind).name


def _onnx(path: Path) -> Description:
    fields = protobuf_fields(head(path, 1 << 20), 8) or []
    held = {number: value for number, _, value in fields}
    producer = [held.get(n, b"") for n in (2, 3)]
    writer = " ".join(p.decode(errors="replace") for p in producer if isinstance(p, bytes)).strip()
    load = (
        "import onnxruntime\n\n"
        f"session = onnxruntime.InferenceSession({quoted(path)})\n"
        "inputs = [(i.name, i.shape, i.type) for i in session.get_inputs()]"
    )
    facts = {"ONNX version": f"IR {held.get(1)}"}
    return Description(
        path.as_posix(),
        "ONNX model",
        writer or "not recorded",
        [],
        None,
        load,
        "It needs onnxruntime.",
        facts,
    )


def _tfjs(path: Path) -> Description:
    held = parsed(str(path), regular(path))
    manifest = held.get("weightsManifest")
    tensors = [
        Tensor(str(w.get("name")), tuple(map(int, w.get("shape", ()))), str(w.get("dtype")))
        for group in (manifest if isinstance(manifest, list) else [])
        for w in group.get("weights", [])
    ]
    form = (
        "graph"
        if held.get("format") == "graph-model" or "node" in (held.get("modelTopology") or {})
        else "layers"
    )
    writer = held.get("convertedBy") or held.get("generatedBy") or "not recorded"
    call = "loadGraphModel" if form == "graph" else "loadLayersModel"
    note = f"In JavaScript: await tf.{call}('file://.../model.json'), with @tensorflow/tfjs."
    kind = f"TensorFlow.js {form} model"
    return Description(path.as_posix(), kind, str(writer), tensors, None, "", note)


def _frozen(path: Path) -> Description:
    tf = tensorflow()
    from google.protobuf.message import DecodeError

    with reading(path, "a frozen graph", DecodeError):
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    inputs = [node.name for node in graph.node if node.op == "Placeholder"]
    used = {name.lstrip("^").partition(":")[0] for node in graph.node for name in node.input}
    outputs = [n.name for n in graph.node if n.name not in used and n.op not in ("Const", "NoOp")]
    facts = {
        "inputs": ", ".join(inputs[:20]),
        "outputs": ", ".join(outputs[:20]),
        "operations": f"{len(graph.node):,}",
    }
    load = (
        "import tensorflow as tf\n\n"
        f'graph = tf.compat.v1.GraphDef.FromString(open({quoted(path)}, "rb").read())\n'
        "program = tf.compat.v1.wrap_function(\n"
        '    lambda: tf.compat.v1.import_graph_def(graph, name=""), []\n'
        ")\n"
        "predict = program.prune(\n"
        f"    {[name + ':0' for name in inputs[:20]]!r},\n"
        f"    {[name + ':0' for name in outputs[:20]]!r},\n"
        ")"
    )
    kind = "frozen graph of TensorFlow (GraphDef)"
    return Description(path.as_posix(), kind, "not recorded", [], None, load, "", facts)


def _core_ml(path: Path) -> Description:
    load = f"import coremltools\n\nmodel = coremltools.models.MLModel({quoted(path)})"
    note = "It needs coremltools, and macOS to predict."
    return Description(path.as_posix(), "Core ML model", "not recorded", [], None, load, note)
