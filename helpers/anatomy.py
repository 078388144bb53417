"""What is inside a file or folder that Keras or TensorFlow wrote."""

import contextlib
import math
import re
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple


class Tensor(NamedTuple):
    """A stored tensor: its name in the file, its shape, its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int | None:
        """The bytes of its values; None for a dtype without a fixed size, such as a string."""
        import ml_dtypes  # noqa: F401  (with it NumPy knows bfloat16)
        import numpy as np

        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            return None
        return None if dtype.hasobject else math.prod(self.shape) * dtype.itemsize


class Tensors(list):
    """A list of `Tensor`, shown as a table."""

    def __repr__(self) -> str:
        rows = [(t.name, str(t.shape), t.dtype) for t in self]
        return "\n".join(_table(rows)) or "(no tensors)"


def files(folder=".") -> list[str]:
    """List the files below a folder.

    Args:
        folder: the folder to look into.

    Returns:
        Paths relative to ``folder``, with ``/``, in natural order (``2`` before ``10``).

    Raises:
        NotADirectoryError: where ``folder`` is none.
    """
    folder = _existing(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; expected a folder")
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(found, key=_natural)


def tree(folder=".") -> None:
    """Print the folders and files below a folder, each level indented, folders with a ``/``.

    Args:
        folder: the folder to look into.

    Raises:
        NotADirectoryError: where ``folder`` is none.
    """
    shown = set()
    folder = _existing(folder)
    empty = [p.relative_to(folder).as_posix() + "/" for p in folder.rglob("*") if _is_empty(p)]
    for name in sorted([*files(folder), *empty], key=_natural):
        parts = name.rstrip("/").split("/")
        for depth in range(len(parts)):
            here = "/".join(parts[: depth + 1])
            if here not in shown:
                shown.add(here)
                is_folder = depth < len(parts) - 1 or name.endswith("/")
                print("    " * depth + parts[depth] + ("/" if is_folder else ""))


def hdf5(path) -> Tensors:
    """List the datasets of an HDF5 file: ``.weights.h5`` or ``.h5``.

    Args:
        path: the file.

    Returns:
        The datasets in natural order.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where it is no HDF5 file, or a broken one.
    """
    with _hdf5_file(_existing(path)) as file:
        return _datasets(file)


def checkpoint(prefix) -> Tensors:
    """List the tensors of a TensorFlow checkpoint.

    Args:
        prefix: the path without ``.index``, such as ``"training/ckpt-10"``, or a folder,
            which stands for the latest checkpoint in it.

    Returns:
        The tensors in natural order; the string that holds the object graph is one of them.

    Raises:
        FileNotFoundError: where there is no such checkpoint.
        ValueError: where it is a broken one.
    """
    if Path(prefix).is_dir():
        latest = _latest(prefix)
        if latest is None:
            raise FileNotFoundError(f"{prefix} holds no TensorFlow checkpoint")
        prefix = latest
    return _entries(_reader(prefix))


@contextlib.contextmanager
def _reading(source, kind: str, *errors: type[Exception]):
    """Turn what a reader raises, which depends on the kind of damage, into one error."""
    try:
        yield
    except errors as error:
        words = " ".join(str(error).split())[:300]
        raise ValueError(f"{source} can't be read as {kind}: {words}") from error


def _tensorflow():
    if "tensorflow" not in sys.modules:
        from helpers import session

        session.attach()  # else the import writes log lines
    import tensorflow as tf

    return tf


def _latest(folder) -> str | None:
    tf = _tensorflow()
    with _reading(Path(folder) / "checkpoint", "the list of TensorFlow's checkpoints", Exception):
        return tf.train.latest_checkpoint(str(folder))


def _reader(prefix):
    tf = _tensorflow()
    if not Path(f"{prefix}.index").exists():
        raise FileNotFoundError(
            f"{prefix}.index is missing; expected the prefix of a TensorFlow checkpoint"
        )
    with _reading(prefix, "a TensorFlow checkpoint", Exception):
        return tf.train.load_checkpoint(str(prefix))


def _entries(reader) -> Tensors:
    dtypes, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    names = sorted(shapes, key=_natural)
    return Tensors(Tensor(name, tuple(shapes[name]), dtypes[name].name) for name in names)


@contextlib.contextmanager
def _hdf5_file(source, name=None):
    import h5py

    errors = OSError, RuntimeError, KeyError, zipfile.BadZipFile
    with _reading(name or source, "an HDF5 file", *errors), h5py.File(source, "r") as file:
        yield file


def _datasets(file) -> Tensors:
    import h5py

    found = Tensors()

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            # Keras stores bfloat16 as two raw bytes, and says so beside them.
            raw = str(item.dtype)
            dtype = "bfloat16" if raw == "|V2" and "dtype" in item.attrs else raw
            found.append(Tensor(name, tuple(item.shape), dtype))

    file.visititems(visit)
    found.sort(key=lambda tensor: _natural(tensor.name))
    return found


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]


def _existing(path) -> Path:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return path


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _natural(name: str) -> list:
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", name)]
