"""Old models as `.keras` files of Keras 3, proved equal before they are written."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers.files import describe, describe_here
from helpers.files.description import quoted
from helpers.files.equal import compare
from helpers.files.optimizers import carry
from helpers.files.reading import Unreadable, reading, tensorflow

TOLERANCE = 1e-5  # of the largest absolute prediction


@dataclass(frozen=True)
class Conversion:
    """What became of a file.

    Attributes:
        source, target: the paths.
        difference: the largest difference of the predictions, in units of the largest one.
        changes: what had to be changed, a phrase each.
        load: the lines that load the new file.
    """

    source: str
    target: str
    difference: float
    changes: tuple
    load: str

    def __repr__(self) -> str:
        told = f"{self.target}: it predicts what {self.source} predicts in Keras 2"
        lines = [f"{told}, within {TOLERANCE:g} of the largest prediction"]
        lines += [f"  changed: {change}" for change in self.changes]
        lines += ["  load it with:", *(f"    {x}".rstrip() for x in self.load.split("\n"))]
        return "\n".join(lines)


def convert(path, to, custom_objects: dict | None = None, in_a_process: bool = True) -> Conversion:
    """Turn a whole model of Keras 2 into a `.keras` file of Keras 3.

    It loads the model with `tf_keras`, builds it again in Keras 3 layer by layer, copies weights
    and optimizer, saves to a temporary file, loads that one again, and compares what both predict
    from the same random inputs. Only then the file gets its name. A model that holds a lambda is
    refused: it is Python code.

    Args:
        path: a whole model of Keras 2: HDF5 (under any name), SavedModel, or `.keras` archive.
        to: the file to write; its name ends in ``.keras``.
        custom_objects: name -> class of your own. A class of `tf_keras` serves to load the old
            model, one of Keras 3 to build the new one; the same name may stand for both, as a
            list of two.
        in_a_process: whether ``path`` is looked at in a process of its own first, as `describe`
            does.

    Returns:
        A `Conversion`.

    Raises:
        FileNotFoundError: where ``path``, or the folder of ``to``, is missing.
        Unreadable: a ValueError, where it is no such model or does not predict the same; then
            ``to`` is as it was.
    """
    path, to = Path(path), Path(to)
    if to.suffix != ".keras":
        raise Unreadable(f"{to} was given; expected a name that ends in .keras")
    if not to.parent.is_dir():
        raise FileNotFoundError(f"{to.parent} does not exist")
    found = describe(path) if in_a_process else describe_here(path)
    if not found.kind.startswith(
        ("whole Keras 2 model", "whole Keras model", "SavedModel, a whole Keras 2")
    ):
        raise Unreadable(f"{path} is: {found.kind}; expected a whole model of Keras 2")
    if "lambda" in found.note:
        raise Unreadable(f"{path} holds a lambda, which is Python code: it is not run")
    olds, news = _sorted(custom_objects or {})
    import keras

    from helpers.files.rebuild import Rebuilt

    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".convert-") as folder:
        old = _loaded(path, found, olds, Path(folder))
        with reading(path, "a model that Keras 3 can take", Exception):
            rebuilt = Rebuilt(old, news)
        changes = list(rebuilt.changes)
        if left := carry(old, rebuilt.model):
            changes.append(left)
            rebuilt = Rebuilt(old, news)  # not compiled
        made = Path(folder) / "made.keras"
        rebuilt.model.save(made)
        new = keras.saving.load_model(made, custom_objects=news)
        difference = compare(old, new)
        if not difference <= TOLERANCE:
            raise Unreadable(
                f"{path}: the new model predicts otherwise, by {difference:.1e} of the largest "
                "prediction; nothing was written"
            )
        os.replace(made, to)
    lines = "import keras\n\n"
    if rebuilt.needs_functions:
        lines = "import keras\n\nimport helpers.files.converted\n\n"
    load = f"{lines}model = keras.saving.load_model({quoted(to)})"
    return Conversion(path.as_posix(), to.as_posix(), difference, tuple(changes), load)


def _sorted(custom: dict) -> tuple[dict, dict]:
    """The classes for tf_keras, and those for Keras 3."""
    olds, news = {}, {}
    for name, given in custom.items():
        for held in given if isinstance(given, (list, tuple)) else [given]:
            modules = [base.__module__.partition(".")[0] for base in getattr(held, "__mro__", [])]
            if "tf_keras" not in modules:
                news[name] = held
            if "keras" not in modules:
                olds[name] = held
    return olds, news


def _loaded(path: Path, found, custom: dict, folder: Path):
    """The model, as tf_keras loads it, with its training part where that can be loaded."""
    tensorflow()
    import tf_keras

    if "in HDF5" in found.kind and path.suffix not in (".h5", ".hdf5"):
        path = Path(shutil.copy(path, folder / "old.h5"))
    with reading(path, "a model of Keras 2", Exception):
        model = tf_keras.models.load_model(path, custom_objects=custom, compile=False)
    if found.optimizer_state:
        try:
            trained = tf_keras.models.load_model(path, custom_objects=custom)
            if getattr(trained, "optimizer", None) is not None:
                return trained
        except Exception:
            return model
    return model
