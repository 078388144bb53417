"""Build a Keras 3 model that computes what a loaded model of Keras 2 computes."""

from helpers.files.keras_2 import CHANGED, GONE, HARMLESS, RENAMED, arguments, function_name
from helpers.files.reading import Unreadable


class Rebuilt:
    """A Keras 3 model, built layer by layer from one of Keras 2.

    Attributes:
        model: the new model, with the weights of the old one.
        changes: what had to be changed, a phrase each.
        needs_functions: whether it needs `helpers.files.converted` to be loaded.
    """

    def __init__(self, old, custom: dict | None = None):
        self.changes, self.needs_functions = [], False
        self._custom, self._layers = custom or {}, {}
        self.model = self._model(old)

    def _model(self, old):
        import keras
        import tf_keras

        if not isinstance(old, (tf_keras.Sequential, tf_keras.models.Model)):
            raise Unreadable(f"a model is of the class {type(old).__name__}")
        if not getattr(old, "_is_graph_network", False):
            if isinstance(old, tf_keras.Sequential) and old.built:
                return self._unconnected(old)
            raise Unreadable(
                f"the model {old.name!r} is a class of its own ({type(old).__name__}), whose code "
                "is not in the file: build it in Keras 3 and copy the weights"
            )
        tensors = {}
        for tensor in old.inputs:
            spec = tensor.type_spec if hasattr(tensor, "type_spec") else tensor
            tensors[id(tensor)] = keras.Input(
                batch_shape=tuple(spec.shape), dtype=spec.dtype.name, name=self._input_name(tensor)
            )
        for depth in sorted(old._nodes_by_depth, reverse=True):
            for node in old._nodes_by_depth[depth]:
                self._call(node, tensors)
        inputs = [tensors[id(t)] for t in old.inputs]
        outputs = _mapped(old._nested_outputs, lambda t: tensors[id(t)])
        asked = _mapped(old._nested_inputs, lambda t: tensors[id(t)])
        if isinstance(old, tf_keras.Sequential) and all(
            len(layer._inbound_nodes) for layer in old.layers
        ):
            new = keras.Sequential([inputs[0], *map(self._layer, old.layers)], name=old.name)
        else:
            new = keras.Model(asked, outputs, name=old.name)
        new.trainable = old.trainable
        for layer in _all_layers(old):
            if id(layer) in self._layers:
                _copy_flags(layer, self._layers[id(layer)])
        self._copy_weights(old)
        return new

    def _unconnected(self, old):
        """A Sequential that was built by data, without an `Input`."""
        import keras

        shape = getattr(old, "_build_input_shape", None)
        if shape is None:
            raise Unreadable(f"the model {old.name!r} does not tell the shape of its input")
        dtype = getattr(old, "_build_input_dtype", None) or "float32"
        first = keras.Input(batch_shape=tuple(shape), dtype=getattr(dtype, "name", dtype))
        new = keras.Sequential([first, *map(self._layer, old.layers)], name=old.name)
        for layer in old.layers:
            _copy_flags(layer, self._layers[id(layer)])
        self._copy_weights(old)
        return new

    def _input_name(self, tensor) -> str:
        return tensor._keras_history.layer.name

    def _call(self, node, tensors: dict) -> None:
        if node.is_input:
            return
        arguments, keywords = (
            _mapped(part, lambda t: tensors.get(id(t), t))
            for part in (node.call_args, node.call_kwargs)
        )
        keywords = {k: v for k, v in keywords.items() if not (k == "training" and v is None)}
        layer = node.layer
        made = self._layer(layer)(
            *arguments, **{k: v for k, v in keywords.items() if v is not None}
        )
        for old, new in zip(_flat(node.outputs), _flat(made), strict=True):
            tensors[id(old)] = new

    def _layer(self, old):
        """The Keras 3 layer in place of one of Keras 2; the same one each time."""
        if id(old) not in self._layers:
            self._layers[id(old)] = self._new_layer(old)
        return self._layers[id(old)]

    def _new_layer(self, old):
        import keras
        import tf_keras

        kind = type(old).__name__
        if isinstance(old, tf_keras.models.Model):
            return self._model(old)
        if isinstance(old, tf_keras.layers.Lambda):
            raise Unreadable(f"the layer {old.name!r} is a Lambda: Python code, which is not run")
        found = self._custom.get(kind)
        if found is None and type(old).__module__.startswith("tf_keras"):
            found = getattr(keras.layers, kind, None)
        if found is None and kind in GONE:
            from helpers.files import converted

            found, self.needs_functions = getattr(converted, kind), True
            self._changed(f"{kind}, which Keras 3 does not have, is brought by helpers")
        if found is None:
            raise Unreadable(
                f"Keras 3 has no layer {kind!r} (the layer {old.name!r}): lend one with --custom"
            )
        return found.from_config(self._config(old, found))

    def _config(self, old, new_class) -> dict:
        """The settings of a layer, as Keras 3 takes them."""
        config = dict(old.get_config())
        known = arguments(new_class)
        made = {}
        for key, value in config.items():
            key = RENAMED.get((type(old).__name__, key), key)
            if key in ("layer", "backward_layer", "cell") and value is not None:
                made[key] = self._inner(old, key, value)
            elif key == "dtype" and key in known:
                made[key] = self._policy(old, value)
            elif key in known:
                made[key] = self._value(old, key, value)
            elif key not in HARMLESS or not (HARMLESS[key] is None or value in HARMLESS[key]):
                raise Unreadable(
                    f"Keras 3 does not know {key}={value!r} of the layer {old.name!r} "
                    f"({type(old).__name__})"
                )
        if hasattr(old, "get_vocabulary"):
            made["vocabulary"] = old.get_vocabulary(include_special_tokens=False)
            made.pop("idf_weights", None)
        return made

    def _inner(self, old, key: str, value):
        inner = getattr(old, {"layer": "layer", "cell": "cell"}.get(key, key))
        if key == "layer" and type(old).__name__ == "Bidirectional":
            inner = old.forward_layer
        new = self._new_layer(inner)
        self._layers[id(inner)] = new
        import keras

        config = keras.saving.serialize_keras_object(new)
        if key == "layer" and type(old).__name__ == "Bidirectional":
            config["config"]["name"] = inner.name.removeprefix("forward_")
        return config

    def _policy(self, old, value):
        name = value if isinstance(value, str) else getattr(old._dtype_policy, "name", "float32")
        return name

    def _value(self, old, key: str, value):
        if key.endswith("activation") and function_name(value) in CHANGED:
            from helpers.files import converted

            self.needs_functions = True
            self._changed("hard_sigmoid as Keras 2 computes it")
            return converted.keras_2_hard_sigmoid
        if isinstance(value, (list, tuple)) or type(value).__name__ in (
            "ListWrapper",
            "_TupleWrapper",
        ):
            made = [self._value(old, "", v) for v in value]
            return made[0] if key == "axis" and len(made) == 1 else made
        return dict(value) if type(value).__name__ == "_DictWrapper" else value

    def _changed(self, words: str) -> None:
        if words not in self.changes:
            self.changes.append(words)

    def _copy_weights(self, old) -> None:
        import tf_keras

        for layer in old.layers:
            new = self._layers.get(id(layer))
            if new is None or isinstance(layer, tf_keras.models.Model):
                continue  # a model within the model has its weights already
            copy_weights(layer, new)


def copy_weights(old, new) -> None:
    """Copy a layer's weights, in order; by shape where Keras 3 has them in another order.

    Raises:
        Unreadable: where the two do not fit.
    """
    mine = [w for w in new.weights if w.dtype != "string"]
    given = [w for w in old.weights if "string" not in str(w.dtype)]
    shapes = [[tuple(w.shape) for w in weights] for weights in (mine, given)]
    if shapes[0] != shapes[1]:
        raise Unreadable(
            f"the weights of the layer {old.name!r} have the shapes {shapes[1]}; Keras 3 has "
            f"{shapes[0]}"
        )
    for weight, value in zip(mine, given, strict=True):
        weight.assign(value.numpy())
    if hasattr(new, "finalize_state"):
        new.finalize_state()


def _copy_flags(old, new) -> None:
    if not getattr(old, "layers", None):
        new.trainable = old.trainable


def _all_layers(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)


def _mapped(value, change):
    if isinstance(value, dict):
        return {k: _mapped(v, change) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        made = [_mapped(v, change) for v in value]
        return tuple(made) if isinstance(value, tuple) else made
    return change(value)


def _flat(value) -> list:
    if isinstance(value, dict):
        value = [value[k] for k in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [leaf for inner in value for leaf in _flat(inner)]
    return [value]
