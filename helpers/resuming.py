"""The trainings that 08_resume_exactly interrupts: small, and alike in each process."""

import h5py
import keras
import numpy as np
import tensorflow as tf

from helpers import digits

images, labels = (array[:500] for array in digits.load()[0])
ROUTES = ".keras", ".weights.h5", ".weights.h5, built", ".h5, filled"
ROUTES += "Checkpoint", "Checkpoint, built", "BackupAndRestore"
VARIANTS = "plain", "dropout", "by epoch"


def create(rate: float = 0.2, seed: int = 1, build: bool = True, optimizer="adam"):
    """Build and compile a classifier of digits, 784-dropout-10.

    Args:
        rate: the dropout rate, at least 0 and less than 1; 0 makes a model without random state.
        seed: what the first weights, and all random numbers that follow, are drawn from.
        build: whether the optimizer gets its slots at once.
        optimizer: an optimizer, or its name.

    Returns:
        A compiled `keras.Sequential` with 7,850 parameters.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.Input((784,)), keras.layers.Dropout(rate), keras.layers.Dense(10)
    model = keras.Sequential(layers)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    if build:
        model.optimizer.build(model.trainable_variables)
    return model


def variant(name: str, **more):
    """Create the model of a variant, and set the dtype policy that it needs.

    Args:
        name: "dropout" or "by epoch", the model of `create`; or "plain", one without dropout,
            whose learning rate falls by a schedule, under the policy mixed_float16. The policy
            stays set until the next call: loading a file needs it, too.
        more: `seed` and `build`, as in `create`.

    Raises:
        ValueError: where there is no such variant.
    """
    if name not in VARIANTS:
        raise ValueError(f"variant was given {name!r}; expected one of {', '.join(VARIANTS)}")
    keras.config.set_dtype_policy("mixed_float16" if name == "plain" else "float32")
    if name != "plain":
        return create(**more)
    rate = keras.optimizers.schedules.CosineDecay(0.001, 120)
    return create(0, optimizer=keras.optimizers.Adam(rate), **more)


def fit(model, epochs: int, data=None, first: int = 0, callbacks=()):
    """Train a model, silently and without a shuffle of `fit`.

    Args:
        model: a model of `create`.
        epochs: the number of the last epoch, counted from 1.
        data: a `keras.utils.PyDataset`; without one, the 500 digits in 10 batches of 50.
        first: how many epochs are done.
        callbacks: what `fit` is to call.

    Returns:
        The model.
    """
    given = {"x": images, "y": labels, "batch_size": 50} if data is None else {"x": data}
    silent = {"shuffle": False, "verbose": 0, "callbacks": list(callbacks)}
    model.fit(**given, epochs=epochs, initial_epoch=first, **silent)
    return model


def keep(model, path: str) -> None:
    """Write down weights, random states and the optimizer's variables, as an `.npz` file."""
    np.savez(path, *_state(model))


def exact(model, path: str) -> bool:
    """Say whether a model has, to the last bit, what `keep` wrote down of another one."""
    with np.load(path) as kept:
        return [a.tobytes() for a in kept.values()] == [a.tobytes() for a in _state(model)]


def _state(model) -> list:
    return [np.array(v) for v in (*model.variables, *model.optimizer.variables)]


def save(model, name: str) -> None:
    """Save a model in four formats, `name` and the format's ending; it is not to be saved again.

    `.h5` comes last: after it, Keras saves no optimizer of that model (05_hdf5 shows it).
    """
    model.save(f"{name}.keras")
    model.save_weights(f"{name}.weights.h5")
    tf.train.Checkpoint(model=model).write(f"{name}.ckpt")
    model.save(f"{name}.h5")


def steps(path: str) -> int:
    """Return the optimizer's step count in a `.weights.h5` file."""
    with h5py.File(path) as file:
        return int(file["optimizer/vars/0"][()])


def reported(text: str) -> list[tuple[int, float]]:
    """Read lines of a step and a loss, as train.py prints them."""
    return [(int(step), float(loss)) for step, loss in map(str.split, text.splitlines())]


def filled(path: str):
    """Load an `.h5` file and give the optimizer its arrays, as 05_hdf5 does; return the model."""
    model = keras.saving.load_model(path)
    model.compile_from_config(model.get_compile_config())
    with h5py.File(path) as file:
        stored = file["optimizer_weights"]
        names = stored.attrs["weight_names"]
        for variable, name in zip(model.optimizer.variables, names, strict=True):
            variable.assign(stored[name][()])
    return model


def orders(seed: int) -> list[list[int]]:
    """Set the seed, let `fit` shuffle six numbers for three epochs, return their orders."""
    seen = []

    class Recorder(keras.Model):
        def train_step(self, data):
            seen.append(np.ravel(data).astype(int).tolist())
            return {"loss": 0.0}

    keras.utils.set_random_seed(seed)
    recorder = Recorder()
    recorder.compile(run_eagerly=True)
    recorder.fit(np.arange(6.0), epochs=3, verbose=0)
    return seen


def at(step: int, action):
    """Make a callback that calls `action()` when the optimizer has made so many steps."""

    def after(batch, logs):
        if int(callback.model.optimizer.iterations) == step:
            action()

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=after)
    return callback


def judges() -> list:
    """Make four callbacks that count: a score, and three that watch it, where less is better.

    Returns:
        The one that gives the score, 5, 3, and then 4, and counts the epochs in `seen`;
        `EarlyStopping` with a patience of three epochs; `ReduceLROnPlateau`, which halves the
        rate after two; `ModelCheckpoint`, which saves the best as best.keras.
    """
    seen = {"monitor": "score", "mode": "min"}
    return [
        _Score(),
        keras.callbacks.EarlyStopping(patience=3, **seen),
        keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5, **seen),
        keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True, **seen),
    ]


class _Score(keras.callbacks.Callback):
    seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen, logs["score"] = self.seen + 1, [5, 3, 4, 4, 4, 4, 4][epoch]
