"""A small model with much of what a format may lose, and the questions that tell what it lost."""

import numpy as np


def data():
    """Make numbers and words for the model of `create`.

    Returns:
        Numbers, float32 of shape (32, 1, 4), and words, a string tensor of shape (32, 1).
    """
    import tensorflow as tf

    numbers = np.random.default_rng(0).normal(5, 3, (32, 1, 4)).astype("float32")
    return numbers, tf.constant([["dog"], ["cat"], ["emu"], ["ant"]] * 8)


def create(own, rate: float, policy: str, trainable: bool, loss, decay: float):
    """Build and compile the model. It takes numbers and words in batches of eight.

    Args:
        own: a layer of a class of yours, which keeps the shape.
        rate: the dropout rate.
        policy: the dtype policy of the layer ``half``, such as ``"mixed_bfloat16"``.
        trainable: whether the layer ``batch`` is.
        loss: a Keras loss.
        decay: the rate of the learning rate schedule, every ten steps.

    Returns:
        A compiled functional model with Adam, whose optimizer is not built. Its layers ``scale``
        and ``lookup`` have to be adapted; its output has the shape (8, 1).
    """
    import keras
    from keras import layers

    inputs = keras.Input((1, 4), batch_size=8), keras.Input((1,), batch_size=8, dtype="string")
    x = layers.Normalization(name="scale")(inputs[0])
    x = layers.BatchNormalization(center=False, scale=False, trainable=trainable, name="batch")(x)
    words = layers.Reshape((1, 1))(layers.StringLookup(name="lookup")(inputs[1]))
    x = own(layers.Concatenate()([x, words]))
    x = layers.Dense(8, dtype=policy, name="half")(x)
    x = layers.Dropout(rate, name="drop")(x)
    x = layers.SimpleRNN(3, stateful=True, name="memory")(x)
    model = keras.Model(inputs, layers.Dense(1)(x))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 10, decay)
    metrics = [keras.metrics.MeanAbsoluteError()]
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=metrics)
    return model


def ask(model) -> dict[str, list]:
    """Ask a model of `create`, or one loaded from a file of it, what it is now.

    Returns:
        Name of the fact -> a list of arrays, numbers, strings or configurations. The fact
        ``normalization`` is what the two layers compute, not which variables they have.
    """
    layer, optimizer, compiled = model.get_layer, model.optimizer, model.get_compile_config()
    numbers, _ = data()
    return {
        "weights": [weight.numpy() for weight in model.trainable_weights],
        "architecture": [*(type(x).__name__ for x in model.layers), layer("drop").rate],
        "compile configuration": [compiled["loss"], compiled["metrics"]],
        "trainable": [layer("batch").trainable],
        "dtype policy": [layer("half").dtype_policy.name],
        "learning rate schedule": [optimizer.get_config()["learning_rate"]],
        "optimizer slots": [variable.numpy() for variable in optimizer.variables[1:]],
        "step count": [int(optimizer.iterations)],
        "vocabulary": layer("lookup").get_vocabulary(),
        "normalization": [layer(name)(numbers[:8]).numpy() for name in ("scale", "batch")],
        "state of dropout": [layer("drop").seed_generator.state.numpy()],
        "state of the RNN": [state.numpy() for state in layer("memory").states],
    }


def same(one: list, other: list) -> bool:
    """Compare two lists of arrays or plain values, exactly."""
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def came_back(model, before: dict[str, list]) -> dict[str, bool]:
    """Tell for each fact whether a loaded model answers as the saved one did.

    Args:
        model: the loaded model.
        before: what `ask` returned for the model that was saved.
    """
    return {name: same(answer, before[name]) for name, answer in ask(model).items()}
