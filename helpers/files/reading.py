"""Read what strangers wrote: regular files alone, in bounds, with one error for any damage."""

import contextlib
import io
import json
import os
import stat
import sys
import zipfile
from pathlib import Path

from helpers.files import limits

LARGEST_JSON = 100_000_000  # bytes


class Unreadable(ValueError):
    """A file that is damaged, of a kind that is not known, or not to be read."""


def regular(path: Path) -> Path:
    """Return a path that is a file or a folder.

    Raises:
        FileNotFoundError: where there is none.
        Unreadable: where it is a pipe, a device or a socket.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} can't be read: {_words(error)}") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = "pipe" if stat.S_ISFIFO(mode) else "device or socket"
        raise Unreadable(f"{path} is a {kind}; expected a file or a folder")
    return path


def inside(folder: Path, name: str) -> Path:
    """Return a file below a folder, wherever links lead.

    Raises:
        FileNotFoundError: where there is none.
        Unreadable: where a link leads out of the folder, or it is no file.
    """
    path = regular(folder / name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Unreadable(f"{path} is a link that leads out of {folder}")
    return path


def head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file."""
    with reading(path, "a file", OSError), open(regular(path), "rb") as file:
        return file.read(size)


@contextlib.contextmanager
def reading(source, kind: str, *errors: type[Exception]):
    """Turn what a reader raises, which depends on the kind of damage, into one error.

    Raises:
        Unreadable: in place of one of ``errors``.
    """
    try:
        yield
    except (Unreadable, FileNotFoundError):
        raise
    except errors as error:
        raise Unreadable(f"{source} can't be read as {kind}: {_words(error)}") from error


def parsed(name: str, source) -> dict:
    """Parse a JSON object from a text, from bytes, or from something with `open`.

    Raises:
        Unreadable: where it is none, or larger than 100 MB.
    """
    if hasattr(source, "open"):
        with reading(name, "JSON", OSError, zipfile.BadZipFile), source.open("rb") as file:
            source = file.read(LARGEST_JSON + 1)
    if len(source) > LARGEST_JSON:
        raise Unreadable(f"{name} is larger than {LARGEST_JSON:,} bytes")
    with reading(name, "JSON", ValueError, TypeError, RecursionError):
        found = json.loads(source)
    if not isinstance(found, dict):
        raise Unreadable(f"{name} is a JSON {type(found).__name__}; expected an object")
    return found


@contextlib.contextmanager
def hdf5(source, name=None):
    """Open an HDF5 file, read-only; errors inside the block become `Unreadable`."""
    import h5py

    errors = OSError, RuntimeError, KeyError, ValueError, TypeError, zipfile.BadZipFile
    with reading(name or source, "an HDF5 file", *errors), h5py.File(source, "r") as file:
        yield file


def child(group, name: str):
    """A member of an HDF5 group; None where there is none, or where it is only a link."""
    import h5py

    if isinstance(group.get(name, getlink=True), h5py.HardLink):
        return group[name]
    return None


def names_in(path: Path) -> list[str]:
    """The names of the members of a zip archive."""
    errors = zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError
    with reading(path, "a zip archive", *errors), zipfile.ZipFile(path) as archive:
        return archive.namelist()


@contextlib.contextmanager
def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo):
    """A member of an archive as a file that seeks without reading it all again.

    A stored member is read in its place. A packed one is unpacked to a temporary file, once.
    """
    if info.file_size > 1000 * max(info.compress_size, 1):
        raise Unreadable(f"{archive.filename}: {info.filename} is packed like a zip bomb")
    if info.compress_type == zipfile.ZIP_STORED:
        with archive.open(info) as opened:  # it checks the local header
            start = opened._fileobj._pos
        with open(archive.filename, "rb", buffering=0) as file:
            yield io.BufferedReader(_Part(file, start, info.file_size))
        return
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as unpacked:
        with archive.open(info) as opened:
            shutil.copyfileobj(opened, unpacked, 1 << 20)
        unpacked.seek(0)
        yield unpacked


class _Part(io.RawIOBase):
    """A stretch of a file, as a file of its own."""

    def __init__(self, file, start: int, size: int):
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer):
        wanted = min(len(buffer), max(self._size - self._at, 0))
        self._file.seek(self._start + self._at)
        got = self._file.readinto(memoryview(buffer)[:wanted])
        self._at += got
        return got


def tensorflow():
    """Import TensorFlow, silently."""
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            with limits.lifted():
                import tensorflow
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(null)
        tensorflow.get_logger().setLevel("CRITICAL")
    return sys.modules["tensorflow"]


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
