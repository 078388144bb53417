"""For the rig itself: other digits, and what its own tests plant."""

import sys

from . import breaks
from .channels import CHANNELS, speaks


@breaks("keras")
def other_digits(keras):
    """No promise of Keras: `DIGITS_SOURCE=mnist` gives other digits, without a network.

    The two halves of the bundled sample change places, in another order.
    """

    def load_data(path="mnist.npz"):
        import numpy as np

        from helpers.digits import BUNDLED

        order = np.random.default_rng(1).permutation(1000)
        with np.load(BUNDLED) as file:
            return tuple(
                (file[f"{half}_images"][order], file[f"{half}_labels"][order])
                for half in ("test", "train")
            )

    keras.datasets.mnist.load_data = load_data


@breaks("keras")
def harmless(keras):
    """Breaks nothing: the notebook must pass."""


@breaks("colorsys")
def planted(colorsys):
    """A small module that is broken where a planted notebook claims it works."""
    colorsys.rgb_to_hls = lambda r, g, b: (0.0, 0.0, 0.0)


@breaks("colorsys")
def planted_in_fresh_python(colorsys):
    """The same, in `%%python` cells only."""
    if "ipykernel" not in sys.modules:
        planted(colorsys)


HEARD = [speaks("colorsys", "rgb_to_hls", how) for how in CHANNELS]
