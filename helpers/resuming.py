"""The training that 08_resume_exactly interrupts: small, and alike in each process."""

import warnings

import h5py
import keras
import numpy as np
import tensorflow as tf

from helpers import digits

images, labels = digits.load()[0]
ROUTES = [".keras", ".weights.h5", ".weights.h5, built", ".h5, filled"]
ROUTES += ["Checkpoint", "Checkpoint, built", "BackupAndRestore"]


def create(rate: float = 0.2, seed: int = 1, build: bool = True):
    """Build and compile a classifier of digits, 784-32-dropout-10, with Adam.

    Args:
        rate: the dropout rate, at least 0 and less than 1; 0 makes a model without random state.
        seed: what the first weights, and all random numbers that follow, are drawn from.
        build: whether the optimizer gets its slots at once.

    Returns:
        A compiled `keras.Sequential` with 25,450 parameters.
    """
    keras.utils.set_random_seed(seed)
    hidden, dropout = keras.layers.Dense(32, activation="relu"), keras.layers.Dropout(rate)
    model = keras.Sequential([keras.Input((784,)), hidden, dropout, keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    if build:
        model.optimizer.build(model.trainable_variables)
    return model


def fit(model, epochs: int, **more):
    """Call `model.fit` with the digits in one order, 20 batches of 50; return the model."""
    model.fit(images, labels, 50, epochs, shuffle=False, verbose=0, **more)
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


def load(route: str, name: str, rate: float):
    """Bring back a model that was saved in each format under `name`.

    Args:
        route: one of `ROUTES`. "built" builds the optimizer before it loads; "filled" compiles
            again and takes the optimizer's arrays from the file, as 05_hdf5 does.
        name: the beginning of the files' names.
        rate: the dropout rate, where the route needs a model to load into. Its weights are
            drawn from another seed than those of `create`.

    Returns:
        The model; for "BackupAndRestore", which loads when `fit` begins, a new one.
    """
    if route.startswith(".h5"):
        return _filled(f"{name}.h5")
    if route == ".keras":
        return keras.saving.load_model(f"{name}.keras")
    model = create(rate, seed=2, build=route.endswith(", built"))
    if route.startswith(".weights.h5"):
        with warnings.catch_warnings():  # without a build, the optimizer is skipped
            warnings.simplefilter("ignore")
            model.load_weights(f"{name}.weights.h5")
    if route.startswith("Checkpoint"):
        tf.train.Checkpoint(model=model).restore(f"{name}.ckpt")
    return model


def _filled(path: str):
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


class SeedByEpoch(keras.callbacks.Callback):
    """Set the random states from the epoch, and from the batches of it that are done."""

    done = 0

    def on_epoch_begin(self, epoch, logs=None):
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign([1000 * epoch + number, self.done])


class Shuffled(keras.utils.PyDataset):
    """The digits, in an order drawn from the epoch, without the batches that are done."""

    epoch = done = 0

    def __len__(self):
        return 20 - self.done

    def __getitem__(self, batch):
        order = np.random.default_rng([1, self.epoch]).permutation(len(images))
        rows = order[50 * (self.done + batch) :][:50]
        return images[rows], labels[rows]


class ByEpoch(SeedByEpoch):
    """Tell a `Shuffled` which epoch it is, and set the random states."""

    def __init__(self, data):
        super().__init__()
        self.data, self.done = data, data.done

    def on_epoch_begin(self, epoch, logs=None):
        self.data.epoch = epoch
        super().on_epoch_begin(epoch)


def train(model, first: int, last: int, callbacks=(), done: int = 0) -> None:
    """Train the epochs from `first` up to and without `last`, shuffled by the epoch.

    Args:
        model: a model of `create`.
        first, last: epochs, counted from 0.
        callbacks: what else `fit` is to call, before the order is set.
        done: how many batches of each of these epochs to leave out.
    """
    data = Shuffled()
    data.done = done
    calls = [*callbacks, ByEpoch(data)]
    model.fit(data, initial_epoch=first, epochs=last, shuffle=False, verbose=0, callbacks=calls)


def at(step: int, action):
    """Make a callback that calls `action()` when the optimizer has made so many steps."""

    def after(batch, logs):
        if int(callback.model.optimizer.iterations) == step:
            action()

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=after)
    return callback


class Score(keras.callbacks.Callback):
    """Give `fit` a score for each epoch, 5, 3, and then 4, and count the epochs in `seen`."""

    seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen, logs["score"] = self.seen + 1, [5, 3, 4, 4, 4, 4, 4][epoch]
