"""Carry the training part of a Keras 2 model over: optimizer, its slots, the loss."""

# class -> slot in Keras 2 -> slot in Keras 3
SLOTS = {
    "Adadelta": {
        "accumulated_grad": "accumulated_grad",
        "accumulated_delta_var": "accumulated_delta_var",
    },
    "Adagrad": {"accumulator": "accumulator"},
    "Adam": {"m": "momentum", "v": "velocity"},
    "AdamW": {"m": "momentum", "v": "velocity"},
    "Adamax": {"m": "momentum", "u": "norm"},
    "Ftrl": {"accumulator": "accumulator", "linear": "linear"},
    "Lion": {"m": "momentum"},
    "SGD": {"m": "momentum", "momentum": "momentum"},
    "RMSprop": {
        "velocity": "velocity",
        "momentum": "momentum",
        "average_gradient": "average_gradient",
    },
}


def carry(old, new) -> str:
    """Carry the optimizer over, loss included; say why, where that is not possible."""
    import keras

    optimizer = getattr(old, "optimizer", None)
    if optimizer is None:
        return ""
    kind = type(optimizer).__name__
    try:
        made = getattr(keras.optimizers, kind)(**_settings(optimizer))
        loss = getattr(old, "loss", None)
        loss = getattr(loss, "__name__", loss)
        new.compile(made, loss if isinstance(loss, str) else None)
        made.build(new.trainable_variables)
        _copy_slots(optimizer, made)
    except Exception as error:
        return f"the optimizer ({kind}) is left out: {' '.join(str(error).split())[:300]}"
    return ""


def _settings(optimizer) -> dict:
    """The settings of an optimizer of Keras 2, as Keras 3 takes them.

    Raises:
        ValueError: where one of them has no counterpart.
    """
    made = {}
    for key, value in optimizer.get_config().items():
        if key in ("is_legacy_optimizer", "jit_compile"):
            continue
        if key == "decay":
            if value:
                raise ValueError(f"Keras 3 has no decay={value}")
        elif isinstance(value, dict):
            raise ValueError(f"its {key} is a {value.get('class_name')}")
        else:
            made[key] = float(value) if hasattr(value, "dtype") else value
    return made


def _copy_slots(optimizer, made) -> None:
    """Copy the step count and the slots, by the order of the weights that they belong to."""
    import keras

    made.iterations.assign(int(optimizer.iterations.numpy()))
    names = SLOTS.get(type(optimizer).__name__)
    if (
        names
        and not getattr(optimizer, "momentum", True)
        and isinstance(made, keras.optimizers.SGD)
    ):
        names = {}  # Keras 2 has slots that it does not use, Keras 3 has none
    if names is None:
        raise ValueError("its slots have no known counterpart")
    held, variables = {}, optimizer.variables
    for variable in variables() if callable(variables) else variables:
        parts = variable.name.split(":")[0].split("/")
        ends = (*parts[:2], parts[-1])  # m/dense/kernel, Adam/m/dense/kernel, Adam/dense/kernel/m
        slot = next((p for p in ends if p in names and len(parts) > 2), None)
        if slot:
            held.setdefault(names[slot], []).append(variable.numpy())
    targets = {}
    for variable in made.variables:
        for slot in set(names.values()):
            if variable.name.endswith(f"_{slot}"):
                targets.setdefault(slot, []).append(variable)
    if {k: [v.shape for v in vs] for k, vs in held.items()} != {
        k: [tuple(v.shape) for v in vs] for k, vs in targets.items()
    }:
        raise ValueError("its slots do not fit")
    for slot, variables in targets.items():
        for variable, value in zip(variables, held[slot], strict=True):
            variable.assign(value)
