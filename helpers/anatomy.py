"""What is inside a file or folder that Keras or TensorFlow wrote."""

import re
from pathlib import Path
from typing import NamedTuple


class Tensor(NamedTuple):
    """A stored tensor: its name in the file, its shape, its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Tensors(list):
    """A list of `Tensor`, shown as a table."""

    def __repr__(self) -> str:
        rows = [(t.name, str(t.shape), t.dtype) for t in self]
        if not rows:
            return "(no tensors)"
        wide = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(f"{n:<{wide[0]}}  {s:<{wide[1]}}  {d}" for n, s, d in rows)


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
    import h5py

    path = _existing(path)
    found = Tensors()

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found.append(Tensor(name, tuple(item.shape), str(item.dtype)))

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except OSError as error:
        raise ValueError(f"{path} can't be read as an HDF5 file: {error}") from error
    found.sort(key=lambda tensor: _natural(tensor.name))
    return found


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
    import tensorflow as tf

    if Path(prefix).is_dir():
        latest = tf.train.latest_checkpoint(prefix)
        if latest is None:
            raise FileNotFoundError(f"{prefix} holds no TensorFlow checkpoint")
        prefix = latest
    if not Path(f"{prefix}.index").exists():
        raise FileNotFoundError(
            f"{prefix}.index is missing; expected the prefix of a TensorFlow checkpoint"
        )
    try:
        reader = tf.train.load_checkpoint(str(prefix))
    except Exception as error:  # which one depends on the kind of damage
        raise ValueError(f"{prefix} can't be read as a TensorFlow checkpoint: {error}") from error
    dtypes = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()
    return Tensors(
        Tensor(name, tuple(shapes[name]), dtypes[name].name)
        for name in sorted(shapes, key=_natural)
    )


def _existing(path) -> Path:
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return path


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _natural(name: str) -> list:
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", name)]
