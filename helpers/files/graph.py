"""The graph of objects in a TensorFlow checkpoint: which attribute leads where."""

from helpers.files.description import printable
from helpers.files.reading import Unreadable, reading, tensorflow

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
STEPS = "iter", "_iterations"  # before TF 2.11, and from then on
SIDE = {"optimizer", "keras_api", "save_counter", "_random_generator"}  # no weights of a model


def nodes_of(prefix: str, reader) -> list:
    """The objects of a checkpoint, the root first; empty where it has no names by attributes.

    Raises:
        Unreadable: where they are damaged.
    """
    if not reader.has_tensor(GRAPH):
        return []
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph
    with reading(prefix, "a TensorFlow checkpoint", Exception):
        return list(graph.FromString(reader.get_tensor(GRAPH)).nodes)


class Graph:
    """What a checkpoint holds, by the numbers of its nodes.

    Attributes:
        prefix: the checkpoint.
        tensors: key -> shape, of all tensors.
        keys: node -> key of its value, for each variable.
        names: node -> the name that the variable had, such as ``dense/kernel``.
    """

    def __init__(self, prefix: str, reader):
        self.prefix, self._reader = prefix, reader
        self._nodes = nodes_of(prefix, reader)
        if not self._nodes:
            raise Unreadable(f"{prefix} holds no paths of attributes; expected them, as of TF 2.x")
        shapes, self._dtypes = (
            reader.get_variable_to_shape_map(),
            reader.get_variable_to_dtype_map(),
        )
        self.tensors = {key: tuple(shape) for key, shape in shapes.items() if key != GRAPH}
        self.keys, self.names = {}, {}
        for number, node in enumerate(self._nodes):
            for value in node.attributes:
                if value.name == "VARIABLE_VALUE":
                    if value.checkpoint_key not in self.tensors:
                        raise Unreadable(f"{prefix}: {printable(value.checkpoint_key)} is missing")
                    self.keys[number], self.names[number] = value.checkpoint_key, value.full_name

    def children(self, node: int) -> dict[str, int]:
        """Attribute -> node."""
        found = {child.local_name: child.node_id for child in self._nodes[node].children}
        self._there(found.values())
        return found

    def slots(self, node: int) -> list[tuple[str, int, int]]:
        """Of an optimizer before TF 2.11: slot, node of the variable, node of the slot."""
        found = [
            (s.slot_name, s.original_variable_node_id, s.slot_variable_node_id)
            for s in self._nodes[node].slot_variables
        ]
        self._there(number for _, *numbers in found for number in numbers)
        return found

    def _there(self, numbers) -> None:
        if not all(0 <= number < len(self._nodes) for number in numbers):
            raise Unreadable(f"{self.prefix} is damaged: an attribute leads out of the file")

    def at(self, path: str) -> int:
        """The node at the end of attributes joined by ``/``."""
        node = 0
        for name in path.split("/"):
            held = self.children(node)
            if name not in held:
                names = [printable(name) for name in held]
                raise Unreadable(f"{self.prefix} has no {path!r}; expected one of {names}")
            node = held[name]
        return node

    def is_optimizer(self, node: int) -> bool:
        """Whether it counts steps, as the optimizers of Keras 2 do."""
        held = self.children(node)
        return any(held.get(name) in self.keys for name in STEPS)

    def weights(self, start: int) -> list[int]:
        """The variables below a node, without those of optimizers and of saving."""
        found = [start]
        seen = {start}
        for node in found:
            for name, child in self.children(node).items():
                if child not in seen and not (name in SIDE or self.is_optimizer(child)):
                    seen.add(child)
                    found.append(child)
        return [node for node in found if node in self.keys]

    def shape(self, node: int) -> tuple:
        """The shape of a variable."""
        return self.tensors[self.keys[node]]

    def is_number(self, node: int) -> bool:
        """Whether a variable is one number."""
        dtype = self._dtypes[self.keys[node]]
        return not self.shape(node) and (dtype.is_floating or dtype.is_integer)

    def value(self, node: int):
        """The value of a variable, as an array of NumPy."""
        key = self.keys[node]
        with reading(f"{self.prefix}: {printable(key)}", "a tensor", Exception):
            return self._reader.get_tensor(key)

    def differs(self, node: int, variable) -> tuple[str, str] | None:
        """What a variable of the file is, and what one of a model is, where they do not fit."""
        dtype = self._dtypes[self.keys[node]]
        wanted = tensorflow().as_dtype(variable.dtype)
        here, there = self.shape(node), tuple(variable.shape)
        if here != there:
            return f"the shape {here}", f"{there}"
        if not _kind(dtype) or _kind(dtype) != _kind(wanted):
            return f"the dtype {dtype.name}", wanted.name
        return None


def _kind(dtype) -> str:
    kinds = ("floating", "integer", "bool", "complex")
    return next((kind for kind in kinds if getattr(dtype, f"is_{kind}")), "")
