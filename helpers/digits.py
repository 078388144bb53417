"""1,000 + 1,000 handwritten digits."""

import contextlib
import io
import os
from pathlib import Path

import numpy as np

BUNDLED = Path(__file__).parent / "data" / "digits.npz"
SOURCES = ("bundled", "mnist")


def load(source: str | None = None):
    """Load 1,000 digits to train with and 1,000 others to test with.

    Args:
        source: ``"bundled"`` (the default) takes the MNIST digits that ship with this package,
            100 of each class in both halves. ``"mnist"`` takes the guide's own slice, the first
            1,000 of each split of the full data set, which `keras.datasets.mnist` downloads
            once. Without an argument the environment variable ``DIGITS_SOURCE`` decides.

    Returns:
        ``(train_images, train_labels), (test_images, test_labels)``: images are float32 in
        [0, 1] of shape (1000, 784), row by row from the top left; labels are int64 in 0..9 of
        shape (1000,).

    Raises:
        ValueError: where the source is neither of the two.
        ConnectionError: where ``"mnist"`` can't be downloaded.
    """
    if source is None:
        source = os.environ.get("DIGITS_SOURCE") or "bundled"
    if source not in SOURCES:
        raise ValueError(f"digits.load was given source={source!r}; expected one of {SOURCES}")
    if source == "mnist":
        train, test = (tuple(part[:1000] for part in split) for split in _download())
    else:
        with np.load(BUNDLED) as file:
            train = file["train_images"], file["train_labels"]
            test = file["test_images"], file["test_labels"]
    return _prepare(*train), _prepare(*test)


def _prepare(images, labels):
    return images.reshape(-1, 784).astype("float32") / 255.0, labels.astype("int64")


def _download():
    import keras

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the progress bar of the download
            return keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception here
        raise ConnectionError(
            "digits.load(source='mnist') could not download MNIST "
            f"({type(error).__name__}: {str(error)[:200]}). Without a network use the bundled "
            "digits: digits.load() with the variable DIGITS_SOURCE unset"
        ) from error
