"""Which variable of a model is at the end of which path of a checkpoint."""

import functools
import re

from helpers.files.description import printable
from helpers.files.graph import Graph
from helpers.files.reading import tensorflow

RENAMED = {"depthwise_kernel": "kernel", "u": "vector_u"}  # Keras 2 -> Keras 3
POSITION = re.compile(r"layer(_with_weights)?-(\d{1,6})", re.ASCII)


class Fit:
    """How a model fits a part of a file.

    Attributes:
        start: the node of the model.
        pairs: node -> variable of the model.
        problems: what does not fit, a phrase each.
    """

    def __init__(self, graph: Graph, start: int, model):
        self.start, self.problems = start, []
        found = self._walk(graph, start, model)
        variables = {n: h for n, h in found.items() if n in graph.keys and _is_variable(h[0])}
        self.pairs = {n: held[0] for n, held in variables.items()}
        self._compare(graph, model, {n: held[1] for n, held in variables.items()})

    def _walk(self, graph: Graph, start: int, model) -> dict:
        """Node -> the part of the model at the end of the same path, and the layer it is in."""
        found, waiting = {start: (model, model)}, [start]
        for node in waiting:
            held, owner = found[node]
            owner = held if hasattr(held, "weights") else owner
            for name, child in sorted(graph.children(node).items(), key=_names_first):
                inner = _part(held, name)
                if inner is None:
                    continue
                if child not in found:
                    found[child] = inner, owner
                    waiting.append(child)
                elif found[child][0] is not inner and not POSITION.fullmatch(name):
                    self.problems.append(f"{printable(name)!r} is one part in the file, two here")
        return found

    def _compare(self, graph: Graph, model, owners: dict) -> None:
        taken, names = {}, _given_names(model)
        for node, variable in self.pairs.items():
            key, path = printable(graph.keys[node]), getattr(variable, "path", variable.name)
            taken_by, taken[id(variable)] = taken.get(id(variable)), key
            if (problem := graph.differs(node, variable)) is not None:
                self.problems.append(f"{key}: the file has {problem[0]}, {path} is {problem[1]}")
                continue
            if taken_by:
                self.problems.append(f"{key} and {taken_by} both lead to {path}")
            scopes, layer = graph.names[node].split("/")[:-1], owners[node]
            others = [s for s in scopes if s in names and not _holds(names[s], layer)]
            if others and layer.name not in scopes:
                self.problems.append(
                    f"{key} was named {printable(graph.names[node])!r} in Keras 2; its path leads "
                    f"to {path}, and the model has a layer {printable(others[-1])!r}"
                )
        for variable in model.weights:
            if id(variable) not in taken:
                shape = tuple(variable.shape)
                self.problems.append(f"{variable.path} {shape}: the file has nothing for it")
        for node in graph.weights(self.start):
            if node not in self.pairs:
                key = printable(graph.keys[node])
                self.problems.append(f"{key} {graph.shape(node)}: the model has no place for it")


def _names_first(child: tuple) -> int:
    """Attributes, then numbers among layers with weights, then numbers among all layers."""
    match = POSITION.fullmatch(child[0])
    return 0 if match is None else 1 if match[1] else 2


def _part(held, name: str):
    """A layer, variable, metric, list or dict in another. No property or method is looked at.

    The name is a stranger's: what Keras keeps for itself is not reached by it.
    """
    import keras

    position = POSITION.fullmatch(name)
    if position and isinstance(held, keras.Model):
        layers = [layer for layer in held.layers if layer.weights or not position[1]]
        return layers[int(position[2])] if int(position[2]) < len(layers) else None
    if isinstance(held, (list, tuple)):
        number = int(name) if re.fullmatch(r"\d{1,6}", name, re.ASCII) else len(held)
        found = [held[number]] if number < len(held) else []
    elif isinstance(held, dict):
        found = [held.get(name)]
    elif isinstance(held, (keras.layers.Layer, keras.metrics.Metric)):
        own, inside = vars(held), _bookkeeping()
        asked = (name, f"_{name}", RENAMED.get(name, name))  # Keras 3 has Dense.kernel in _kernel
        found = [own[one] for one in asked if one in own and one not in inside]
    else:
        found = []
    kinds = (keras.layers.Layer, keras.metrics.Metric, list, tuple, dict)
    return next((one for one in found if isinstance(one, kinds) or _is_variable(one)), None)


@functools.cache
def _bookkeeping() -> set:
    """The attributes that every layer of Keras 3 has."""
    import keras

    return set(vars(keras.layers.Layer(name="x"))) | set(vars(keras.Model(name="x")))


def _is_variable(held) -> bool:
    import keras

    return isinstance(held, (keras.Variable, tensorflow().Variable))


def _given_names(model) -> dict:
    """Name -> layer, for names that Keras did not make up and that only one layer has."""
    found = {}
    for layer in model._flatten_layers(include_self=False):
        found.setdefault(layer.name, []).append(layer)
    return {n: held[0] for n, held in found.items() if len(held) == 1 and not _automatic(held[0])}


def _automatic(layer) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(layer).__name__)
    name = re.sub(r"^(forward|backward)_|_\d+$", "", layer.name)
    return name.replace("_", "") == words.replace("_", "").lower()


def _holds(layer, inner) -> bool:
    return any(one is inner for one in layer._flatten_layers())
