"""What a file or folder is, what wrote it, what is in it, and how to load it.

`describe` asks each module of `FORMATS` whether a path is one of its own; the first that says
yes describes it. To add a format, write such a module (`recognise`, `describe`) and add it here.
"""

import importlib
import os
import re
from pathlib import Path

from helpers.files import (
    archives,
    arrays,
    checkpoints,
    keras_files,
    not_models,
    programs,
    saved_models,
)
from helpers.files.description import Description, Tensor, natural
from helpers.files.limits import MEMORY, SECONDS, in_a_process
from helpers.files.reading import Unreadable, head, regular

__all__ = [
    "Description",
    "Tensor",
    "Unreadable",
    "convert",
    "describe",
    "describe_here",
    "find",
    "restore",
]

FORMATS = (not_models, keras_files, saved_models, checkpoints, programs, arrays, archives)
EXPECTED = (
    "a .keras, .h5 or .weights.h5 file, a .weights.json index, a SavedModel or a TensorFlow "
    "checkpoint"
)


_ON_DEMAND = {"convert": "conversion", "restore": "by_path"}  # the module that has it


def __getattr__(name: str):
    """`convert` and `restore`, which are imported by whoever asks for them."""
    if name in _ON_DEMAND:
        return getattr(importlib.import_module(f"helpers.files.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def describe(
    path, seconds: float | None = None, memory: int = MEMORY, verify: bool = False
) -> Description:
    """Say what a file or folder is, what wrote it, what is in it, and how to load it.

    It is read in a process of its own, so that a file which makes a library hang, crash or take
    all memory ends in an error here. Nothing that is in the file is executed: its parts are
    parsed, and no model is built.

    Args:
        path: the file or folder. For a TensorFlow checkpoint its prefix, its folder or any of
            its files; for a SavedModel also its ``saved_model.pb``; for shards also one of
            them.
        seconds: the longest time that reading may take, without the import of libraries; 10 by
            default, 600 where ``verify`` is asked for.
        memory: the bytes that reading may take, beside those of the libraries (on Linux).
        verify: whether to read every tensor, where else the sizes of the parts are looked at. A
            changed value is found where the format has checksums: in a checkpoint, a SavedModel
            and a `.keras` archive, not in plain HDF5.

    Returns:
        A `Description`.

    Raises:
        FileNotFoundError: where it, or a file that belongs to it, is missing.
        Unreadable: a ValueError, where it is empty, damaged, of no known kind, no file or
            folder, or where reading it went over a limit.
    """
    if seconds is None:
        seconds = 600.0 if verify else SECONDS
    return in_a_process(Path(path), seconds, memory, verify)


def describe_here(path, verify: bool = False) -> Description:
    """The same as `describe`, in this process: without limits on time and memory."""
    path = Path(path)
    if checkpoints.is_prefix(path):
        form, start = checkpoints, b""
    else:
        if not os.path.lexists(path):
            raise FileNotFoundError(f"{path} does not exist; expected {EXPECTED}")
        regular(path)
        start = b"" if path.is_dir() else head(path)
        form = next((form for form in FORMATS if form.recognise(path, start)), None)
    if form is None:
        what = "folder that holds no model" if path.is_dir() else "file of another kind"
        raise Unreadable(f"{path} is a {what}; expected {EXPECTED}")
    found = form.describe(path, start)
    if verify and hasattr(form, "verify"):
        form.verify(path, start)
        found.facts["verified"] = "every tensor was read"
    return found


def find(folder, depth: int = 4) -> list[Path]:
    """List what a folder holds that `describe` knows, such as numbered versions or runs.

    Args:
        folder: the folder; hidden ones in it are left out, and links are not followed.
        depth: how many levels to go down.

    Returns:
        Paths in natural order; a checkpoint by its prefix, a SavedModel by its folder.
    """
    found = []
    for path in sorted(Path(folder).iterdir(), key=lambda path: natural(path.name)):
        hidden = path.name.startswith((".", "__MACOSX"))
        if hidden or path.is_symlink() or not (path.is_dir() or path.is_file()):
            continue
        if path.is_file() and re.search(checkpoints.PART, path.name):
            prefix = Path(re.sub(checkpoints.PART, "", str(path)))
            found += [] if prefix in found else [prefix]
        elif path.is_dir() and depth and not _known(path):
            found += find(path, depth - 1)
        elif _known(path):
            found.append(path)
    return found


def _known(path: Path) -> bool:
    try:
        start = b"" if path.is_dir() else head(path)
        return bool(start or path.is_dir()) and any(
            form.recognise(path, start) for form in FORMATS if form is not not_models
        )
    except (OSError, ValueError):
        return False
