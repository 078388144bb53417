"""A small model, one step of its training, and what is in a checkpoint: for loops of your own."""

import functools
import time

# Keras and TensorFlow are imported where they are used: `session` has to silence their import.


def create():
    """Build a small classifier of digits, 784-16-dropout-10, that is not compiled.

    Input is float32 of shape (n, 784); output is 10 logits an image, shape (n, 10). Every call
    draws other random weights, and gives the dropout layer a random state of its own.

    Returns:
        A built `keras.Sequential` with 12,730 parameters.
    """
    import keras

    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10),
        ]
    )


@functools.cache
def _digits():
    from helpers import digits

    return digits.load()


def batch(rows):
    """Return the images and labels of some of the 1,000 digits to train with.

    Args:
        rows: the numbers of the rows, shape (n,).

    Returns:
        Images, float32, shape (n, 784), and labels, shape (n,): copies, yours to change.
    """
    images, labels = _digits()[0]
    return images[rows], labels[rows]


def train_step(model, optimizer, images, labels) -> float:
    """Train a model on one batch, with a `tf.GradientTape`.

    Args:
        model: a built Keras model that returns logits.
        optimizer: a Keras optimizer.
        images: the inputs, shape (n, ...).
        labels: whole numbers, shape (n,).

    Returns:
        The loss of the batch before the step: sparse categorical cross-entropy.
    """
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    return float(loss)


def differences(one, other) -> list[str]:
    """Compare the tensors of two checkpoints bit for bit; needs no model.

    The state of an iterator is left out, since TensorFlow reads it back only into an iterator,
    and so is the string that describes the objects, in which names are numbered.

    Args:
        one, other: prefixes of TensorFlow checkpoints, such as ``"run/ckpt-10"``.

    Returns:
        The names, sorted, of those that differ or that are in one of the two only.

    Raises:
        ValueError: where one of the two has no tensor to compare.
    """
    one, other = _tensors(one), _tensors(other)
    return sorted(n for n in one.keys() | other.keys() if one.get(n) != other.get(n))


def _tensors(prefix) -> dict:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    names = [n for n, d in reader.get_variable_to_dtype_map().items() if d.is_numpy_compatible]
    names = [name for name in names if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    if not names:
        raise ValueError(f"{prefix} has no tensor to compare; expected a checkpoint of variables")
    tensors = {name: reader.get_tensor(name) for name in names}
    return {name: (str(t.dtype), t.shape, t.tobytes()) for name, t in tensors.items()}


def classifier(layer: str = "head"):
    """Make a classifier of digits, written as a class, that is not built.

    Args:
        layer: the name of the attribute that holds its only layer, a `keras.layers.Dense(10)`.

    Returns:
        A `keras.Model` that builds its variables when it is called on images, shape (n, 784).
    """
    import keras

    class Classifier(keras.Model):
        def __init__(self):
            super().__init__()
            setattr(self, layer, keras.layers.Dense(10))

        def call(self, images):
            return getattr(self, layer)(images)

    return Classifier()


def module():
    """Make a `tf.Module` that makes its variable, ``kernel``, at its first call on images.

    Returns:
        A module that takes images, shape (n, 784), and returns logits, shape (n, 10).
    """
    import tensorflow as tf

    class Lazy(tf.Module):
        def __call__(self, images):
            if not self.variables:
                self.kernel = tf.Variable(tf.random.normal((784, 10)))
            return images @ self.kernel

    return Lazy()


def fresh():
    """Make a new model, its optimizer and a count of steps, and put them into a checkpoint.

    Returns:
        A `tf.train.Checkpoint` with ``model`` (that of `create`), ``optimizer`` (Adam, built)
        and ``step`` (int64, zero).
    """
    import keras
    import tensorflow as tf

    model, optimizer = create(), keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    step = tf.Variable(0, dtype=tf.int64)
    return tf.train.Checkpoint(model=model, optimizer=optimizer, step=step)


def right(model) -> float:
    """Return for which part of the 1,000 digits to test with a model is right, 0 to 1."""
    images, labels = _digits()[1]
    return float((model(images).numpy().argmax(axis=1) == labels).mean())


def asserted(status) -> list[bool]:
    """Ask a status of `tf.train.Checkpoint` for its three assertions.

    Args:
        status: what ``read`` or ``restore`` returned.

    Returns:
        Whether an error was raised by ``assert_consumed``, by
        ``assert_existing_objects_matched`` and by ``assert_nontrivial_match``, in this order.
    """
    answers = []
    for name in ("consumed", "existing_objects_matched", "nontrivial_match"):
        try:
            getattr(status, f"assert_{name}")()
        except AssertionError:
            answers.append(True)
        else:
            answers.append(False)
    status.expect_partial()  # else TensorFlow logs what was left out
    return answers


def seconds(call) -> float:
    """Call a function without arguments and return how long that took, in seconds."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
