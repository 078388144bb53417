"""Checkpoints of Keras 2 into a model of Keras 3, by the path of attributes to each variable."""

from dataclasses import dataclass
from pathlib import Path

from helpers.files import describe, describe_here
from helpers.files.checkpoints import complete, open_reader
from helpers.files.description import printable
from helpers.files.fit import POSITION, Fit
from helpers.files.graph import Graph
from helpers.files.reading import Unreadable

SHOWN = 5  # problems that an error tells


@dataclass(frozen=True)
class Restored:
    """What came out of a checkpoint.

    Attributes:
        prefix: the checkpoint.
        filled: key in the file -> path of the variable that has its value now.
        optimizer: the same for the optimizer; empty where it was not restored.
        step: the optimizer's step count; None where it was not restored.
        unused: keys in the file that went nowhere.
        notes: what differs between the file's optimizer and the model's, a phrase each.
    """

    prefix: str
    filled: dict
    optimizer: dict
    step: int | None
    unused: tuple
    notes: tuple

    def __repr__(self) -> str:
        lines = [f"{printable(self.prefix)}: {len(self.filled):,} variables of the model"]
        if self.step is not None:
            lines[0] += f", {len(self.optimizer):,} of the optimizer, step {self.step:,}"
        lines += [f"  note: {printable(note)}" for note in self.notes]
        lines += [f"  not used: {printable(key)}" for key in self.unused[:20]]
        lines += [f"  and {len(self.unused) - 20:,} more"] if len(self.unused) > 20 else []
        return "\n".join(lines)


def restore(
    path, model, part: str | None = None, optimizer=True, in_a_process: bool = True
) -> Restored:
    """Fill a model of Keras 3 from a TensorFlow checkpoint that Keras 2 wrote.

    That is what `save_weights("x")` or `tf.train.Checkpoint(model=...)` wrote there. The file
    holds the paths of attributes from the model to each variable; the same paths are followed in
    your model, among its layers, lists and dicts of layers, metrics and variables. So attributes
    need the names that they had. Layers of a Sequential or functional model are found by their
    number. Where the file has a name that you gave to a layer, it has to agree. It can't be seen
    that two layers with automatic names (``dense``, ``dense_1``) and equal shapes have changed
    places, nor that a layer's settings, such as its activation, are others.

    Everything is checked before a variable is assigned: each weight of the model gets a value of
    its shape, and each weight in the file a place. What else is in the file is listed as unused.

    Where the model is compiled and the file holds the optimizer, its slots and step count are
    restored, and the learning rate, unless your optimizer has a schedule. Its other settings stay
    as you compiled them. If it is not built yet, it is built. The state of a `LossScaleOptimizer`
    is not restored, nor that of the Nadam before TF 2.11: pass ``optimizer=False``.

    Args:
        path: the checkpoint's prefix or folder, or the folder of a SavedModel that Keras 2 wrote.
        model: a built model; one that you subclassed has to be called once.
        part: the attributes, joined by ``/``, that lead to the model in the file, such as
            ``net`` for ``Checkpoint(net=...)``. By default the one place that fits is found.
        optimizer: whether to restore the optimizer, or its attribute's name in the file.
        in_a_process: whether ``path`` is looked at in a process of its own first, as `describe`
            does.

    Returns:
        A `Restored`.

    Raises:
        FileNotFoundError: where there is no checkpoint.
        Unreadable: a ValueError, where it is damaged or does not fit; then the variables of the
            model are as they were.
    """
    found = describe(path) if in_a_process else describe_here(path)
    if "Keras 3" in found.kind or not found.kind.startswith(
        ("TensorFlow checkpoint", "SavedModel, a whole Keras 2")
    ):
        raise Unreadable(f"{path} is: {found.kind}; expected a TensorFlow checkpoint of Keras 2")
    saved = found.kind.startswith("SavedModel")
    prefix = str(Path(found.path) / "variables" / "variables") if saved else found.path
    reader = open_reader(prefix)
    complete(prefix)
    graph = Graph(prefix, reader)
    fit = _best(graph, model, part)
    pairs, step, notes = dict(fit.pairs), None, []
    if optimizer and getattr(model, "optimizer", None) is not None:
        from helpers.files.slots import Slots

        slots = Slots(graph, fit, model, None if optimizer is True else optimizer)
        _refuse(prefix, slots.problems, "To leave the optimizer, pass optimizer=False.")
        pairs, step, notes = pairs | slots.pairs, slots.step, slots.notes
    values = {node: graph.value(node) for node in pairs}  # a damaged one is found before any
    for node, variable in pairs.items():  # is assigned
        variable.assign(values[node])
    _finish(model)
    names = {graph.keys[n]: getattr(v, "path", v.name) for n, v in pairs.items()}
    filled = {graph.keys[node]: names[graph.keys[node]] for node in fit.pairs}
    unused = sorted(set(graph.tensors) - set(names))
    rest = {key: name for key, name in names.items() if key not in filled}
    return Restored(prefix, filled, rest, step, tuple(unused), tuple(notes))


def _best(graph: Graph, model, part: str | None) -> Fit:
    """The one part of the file that the model fits.

    Raises:
        Unreadable: where there is none, or more than one.
    """
    if not model.weights:
        raise Unreadable(f"the model {model.name!r} has no weights: call it on a batch first")
    fits = [Fit(graph, graph.at(part) if part else 0, model)]
    names = graph.children(0)
    if fits[0].problems and not part and not any(map(POSITION.fullmatch, names)):
        least = len(model.weights)  # tf.train.Checkpoint(net=model, ...): look at its parts
        starts = [n for n in dict.fromkeys(names.values()) if len(graph.weights(n)) >= least]
        fits += [Fit(graph, start, model) for start in starts if start]
    good = [fit for fit in fits if not fit.problems]
    if len(good) > 1:
        fitting = [printable(n) for n, at in names.items() if at in [fit.start for fit in good]]
        raise Unreadable(f"several parts of {graph.prefix} fit: pass part=, one of {fitting}")
    if not good:
        best = max(fits, key=lambda fit: (len(fit.pairs), -len(fit.problems)))
        idle = [x.name for x in model._flatten_layers(include_self=False) if not x.built]
        hint = f"Not built, so without weights: {idle[:SHOWN]}. Call the model on a batch first."
        _refuse(graph.prefix, best.problems, hint if idle else "")
    return good[0]


def _refuse(prefix: str, problems: list, hint: str) -> None:
    if problems:
        more = len(problems) - SHOWN
        told = "; ".join(problems[:SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
        raise Unreadable(f"{prefix} does not fit the model: {told}. {hint}".rstrip())


def _finish(model) -> None:
    """Let layers that keep something computed from their weights compute it again."""
    import keras

    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
