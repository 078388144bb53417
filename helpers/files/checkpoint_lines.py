"""The lines that load a TensorFlow checkpoint into a model of Keras 3."""

import keyword
import re
from pathlib import Path

from helpers.files.description import quoted
from helpers.files.graph import VALUE
from helpers.files.keras_weights import BUILD, CREATE

TF = "import tensorflow as tf\n\n"
READ = """reader = tf.train.load_checkpoint({})
tensors = {{name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}}"""
RESTORE = """from helpers.files import restore
{}restored = restore({}, model)"""
OWN = "Build the model as it was, with the names that its attributes had."
COPY = """reader = tf.train.load_checkpoint({})
layers = [layer for layer in model.layers if layer.weights]
for number, layer in enumerate(layers):
    for weight in layer.weights:
        key = f"{}layer_with_weights-{{number}}/{{weight.name}}/.ATTRIBUTES/VARIABLE_VALUE"
        weight.assign(reader.get_tensor(key))"""


def read(prefix: str) -> str:
    """Read the tensors, as every checkpoint allows."""
    return TF + READ.format(quoted(Path(prefix)))


def restore_keras_3(prefix: str, children: list[dict], state: bool) -> str | None:
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
    call = f"checkpoint.{method}({quoted(Path(prefix))}).{proof}()"
    build = BUILD if state else ""
    return f"{TF}{CREATE}{build}checkpoint = tf.train.Checkpoint({arguments})\n{call}"


def is_name(text: str) -> bool:
    """Whether it may become a name in code."""
    return text.isidentifier() and text.isascii() and not keyword.iskeyword(text)


def restore_keras_2(prefix: str, keys: list[str], state: bool) -> tuple[str, str]:
    """Lines and a note: a loop where the weights are those of layers in a row, else by path."""
    key = re.compile(rf"([\w/.-]*?)layer_with_weights-\d+/[^/]+{re.escape(VALUE)}", re.ASCII)
    keys = [key for key in keys if "layer_with_weights-" in key and "SLOT/" not in key]
    homes = {match[1] if (match := key.fullmatch(name)) else None for name in keys}
    renamed = any(name.endswith(f"/depthwise_kernel{VALUE}") for name in keys)
    if state or renamed or len(homes) != 1 or None in homes:
        return RESTORE.format(CREATE, quoted(Path(prefix))), OWN
    return TF + CREATE + COPY.format(quoted(Path(prefix)), homes.pop()), ""
