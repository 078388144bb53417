"""What speaks where a notebook claims silence: one saboteur for each channel `silent` hears.

A row says who speaks and through what, and the words that `silent` fails with:

    (speaks("keras.Model", "load_weights", "absl"), "load_weights speaks")
"""

import functools
import importlib
import logging
import os
import sys
import warnings

from . import breaks, wrapped

CHANNELS = {
    "warning": lambda words: warnings.warn(words, UserWarning, stacklevel=3),
    "absl": lambda words: importlib.import_module("absl.logging").warning(words),
    "tensorflow": lambda words: importlib.import_module("tensorflow").get_logger().warning(words),
    "keras": lambda words: logging.getLogger("keras").warning(words),
    "descriptor": lambda words: os.write(2, f"{words}\n".encode()),
    "stderr": lambda words: sys.stderr.write(f"{words}\n"),
}


@functools.cache
def speaks(owner: str, name: str, how: str):
    """Return the saboteur whose `owner.name` does its work and says "name speaks" as well.

    Args:
        owner: the module or class, such as `"keras.Model"` or `"tensorflow.train.Checkpoint"`.
        name: its function or method.
        how: one of `CHANNELS`.
    """
    speak = CHANNELS[how]

    def replace(original):
        @functools.wraps(original)
        def spoken(*args, **kwargs):
            speak(f"{name} speaks")
            return original(*args, **kwargs)

        return spoken

    def saboteur(module):
        import pkgutil

        wrapped(pkgutil.resolve_name(owner), name, replace)

    saboteur.__name__ = f"{owner}.{name}_speaks_through_{how}"
    saboteur.__doc__ = f"`{owner}.{name}` gives no sign through the channel {how!r}."
    return breaks(owner.partition(".")[0])(saboteur)
