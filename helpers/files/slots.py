"""The optimizer of a checkpoint of Keras 2, into one of Keras 3."""

from helpers.files.description import printable
from helpers.files.graph import STEPS

# Before TF 2.11: class of Keras 3 -> slot in the file -> attribute in Keras 3.
ADAM = {"m": "_momentums", "v": "_velocities", "vhat": "_velocity_hats"}
OLD = {
    "Adadelta": {"accum_grad": "_accumulated_grads", "accum_var": "_accumulated_delta_vars"},
    "Adagrad": {"accumulator": "_accumulators"},
    "Adam": ADAM,
    "AdamW": ADAM,
    "Adamax": {"m": "_m", "v": "_u"},
    "Ftrl": {"accumulator": "_accumulators", "linear": "_linears"},
    "RMSprop": {"rms": "_velocities", "momentum": "_momentums", "mg": "_average_gradients"},
    "SGD": {"momentum": "momentums"},
}
KINDS = {*OLD, "Lion", "Nadam"}  # a slot is named after the class, if not by its user
RATES = "learning_rate", "_learning_rate", "_current_learning_rate"


class Slots:
    """How a model's optimizer fits the one in a file.

    Attributes:
        pairs: node -> variable of the optimizer.
        step: the step count in the file; None where the file has no optimizer.
        problems: what does not fit, a phrase each.
        notes: settings that differ, a phrase each.
    """

    def __init__(self, graph, fit, model, name: str | None):
        self.pairs, self.step, self.problems, self.notes = {}, None, [], []
        self._graph, self._fit, self._optimizer = graph, fit, model.optimizer
        node = self._node(name)
        if node is None:
            self.notes.append("the file holds no optimizer: the model's is as it was")
            return
        if hasattr(self._optimizer, "inner_optimizer"):
            self.problems.append("the model's optimizer scales the loss, which is not restored")
            return
        if not self._optimizer.built:
            self._optimizer.build(model.trainable_variables)
        children = graph.children(node)
        step = next((children[name] for name in STEPS if children.get(name) in graph.keys), None)
        if step is None or graph.differs(step, self._optimizer.iterations) is not None:
            self.problems.append("the optimizer in the file has no step count")
            return
        self.step = int(graph.value(step))
        self.pairs[step] = self._optimizer.iterations
        self._place = {id(v): i for i, v in enumerate(self._optimizer._trainable_variables)}
        for slot, variable, held in graph.slots(node):
            attribute = OLD.get(type(self._optimizer).__name__, {}).get(slot)
            self._add(attribute, slot, variable, held)
        for name, child in children.items():
            self._list(name, child)
        self._settings(children)
        self._check_all()

    def _node(self, name: str | None) -> int | None:
        graph, root = self._graph, self._graph.children(0)
        if name is not None:
            return graph.at(name)
        here = graph.children(self._fit.start)
        for held in (here, root):
            if "optimizer" in held:
                return held["optimizer"]
        found = {name: node for name, node in root.items() if graph.is_optimizer(node)}
        if len(found) > 1:
            names = [printable(name) for name in sorted(found)]
            self.problems.append(
                f"the file has several optimizers: pass optimizer=, one of {names}"
            )
        return next(iter(found.values())) if len(found) == 1 else None

    def _list(self, name: str, node: int) -> None:
        """From TF 2.11 on: a list of variables, each named after the weight it belongs to."""
        graph, pairs = self._graph, self._fit.pairs
        children = graph.children(node)
        if name in ("_variables", *STEPS) or not children:
            return
        ours = [n for n, v in pairs.items() if id(v) in self._place]
        by_name = {}
        for weight in sorted(ours, key=lambda n: self._place[id(pairs[n])]):
            by_name.setdefault(graph.names[weight], []).append(weight)
        numbers = sorted((int(key), child) for key, child in children.items() if key.isdecimal())
        if len(numbers) < len(children) or not all(n in graph.keys for _, n in numbers):
            return
        if name == "momentums" and not getattr(self._optimizer, "momentum", True):
            self.notes.append(f"{name} of the file has no place: the model's SGD has no momentum")
            return
        if any(len(same) > 1 for same in by_name.values()):
            self.notes.append(f"{name} of weights with equal names are taken in order")
        for _, held in numbers:
            weight = graph.names[held].split("/", 2)[-1]  # Adam/m/dense/kernel
            same = by_name.get(weight)
            self._add(name, name, same.pop(0) if same else None, held)

    def _add(self, attribute: str | None, slot: str, weight: int | None, held: int) -> None:
        graph = self._graph
        key = printable(graph.keys.get(held, slot))
        named = graph.names.get(held, "").split("/")[0].replace("AdamW", "Adam")
        kind = type(self._optimizer)
        if named in KINDS and named not in [base.__name__ for base in kind.__mro__]:
            self.problems.append(f"{key} is of {named}; the model's optimizer is {kind.__name__}")
            return
        own = vars(self._optimizer)
        kept = own.get(attribute, own.get(f"_{attribute}")) if attribute else None
        variable = self._fit.pairs.get(weight)
        if id(variable) not in self._place:
            self.problems.append(f"{key} belongs to no variable that the model trains")
            return
        target = kept[self._place[id(variable)]] if isinstance(kept, list) and kept else None
        if target is None or held not in graph.keys:
            self.problems.append(f"{key}: the model's {kind.__name__} has no such slot")
        elif (problem := graph.differs(held, target)) is not None:
            self.problems.append(f"{key}: the file has {problem[0]}, {target.path} is {problem[1]}")
        elif any(one is target for one in self.pairs.values()):
            self.problems.append(f"{key}: {target.path} has a value already")
        else:
            self.pairs[held] = target

    def _check_all(self) -> None:
        """Each variable of an optimizer that has made a step gets a value."""
        optimizer = self._optimizer
        other = [optimizer.iterations, optimizer._learning_rate, *self.pairs.values()]
        for variable in optimizer.variables if self.step else ():
            if not any(variable is one for one in other):
                shape = tuple(variable.shape)
                self.problems.append(f"{variable.path} {shape}: the file has nothing for it")

    def _settings(self, children: dict) -> None:
        """Take the learning rate; tell what else differs."""
        graph, optimizer = self._graph, self._optimizer
        for name, node in sorted(children.items()):
            if node not in graph.keys or name in STEPS or not graph.is_number(node):
                continue
            own = vars(optimizer).get(name)
            if name not in RATES and hasattr(own, "assign") and graph.differs(node, own) is None:
                self.pairs[node] = own  # Nadam's _u_product
                continue
            value, kept = float(graph.value(node)), getattr(optimizer, name.lstrip("_"), None)
            if name in RATES:
                if not hasattr(optimizer._learning_rate, "assign"):
                    self.notes.append(f"learning rate {value:g} in the file, your schedule is kept")
                    continue
                self.pairs[node] = optimizer._learning_rate
                if not abs(value - float(kept)) <= 1e-6 * abs(value):
                    told = f"learning rate {value:g} from the file in place of {float(kept):g}"
                    self.notes.append(told)
            elif name == "decay":
                self.notes += [f"Keras 3 has no decay={value:g}"] if value else []
            elif not isinstance(kept, (int, float)) or not abs(value - kept) <= 1e-6 * abs(value):
                self.notes.append(f"{printable(name)}={value:g} in the file, {kept} is kept")
