"""Arrays and other libraries' files: NumPy, safetensors, pickle, PyTorch, Orbax, YDF, HDF5."""

import json
import re
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

from helpers.files.description import Description, Tensor, natural, quoted
from helpers.files.keras_files import SIGNATURE
from helpers.files.keras_weights import datasets
from helpers.files.reading import LARGEST_JSON, Unreadable, child, hdf5, names_in, reading

PICKLE = re.compile(rb"\x80[\x02-\x05]")
NEVER = "Opening it runs the code that is in it: do so only if you trust where it comes from."


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is one of these, by its content."""
    return _kind(path, head) is not None


def describe(path: Path, head: bytes) -> Description:
    """Describe one of these."""
    return _kind(path, head)(path)


def _kind(path: Path, head: bytes):
    if path.is_dir():
        if any(
            (path / name).exists()
            for name in ("_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt")
        ):
            return _orbax
        if (path / "data_spec.pb").is_file() and (path / "header.pb").is_file():
            return _ydf
        return None
    if head.startswith(b"\x93NUMPY"):
        return _npy
    if head.startswith(SIGNATURE) or head[512:520] == SIGNATURE:
        return _other_hdf5
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        names = names_in(path)
        if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
            return _pytorch
        if names and all(name.endswith(".npy") for name in names):
            return _npz
        return None
    if re.match(rb"[\s\S]{8}\{", head) and b'"dtype"' in head[:100_000] and _header_size(head):
        return _safetensors
    if PICKLE.match(head):
        old = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in head[:40]
        return _pytorch if old else _pickle
    return None


# NumPy parses the text of a header; a damaged one ends in any of these
ERRORS = (
    *(ValueError, TypeError, KeyError, OSError, EOFError, SyntaxError, MemoryError, RecursionError),
    *(AttributeError, IndexError, NotImplementedError, OverflowError, struct.error),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def _npy(path: Path) -> Description:
    import numpy as np

    with reading(path, "an array of NumPy", *ERRORS), open(path, "rb") as f:
        shape, dtype = _npy_header(f, np)
    tensors = [Tensor(path.stem, shape, dtype)]
    load = f"import numpy as np\n\narray = np.load({quoted(path)})"
    return Description(path.as_posix(), "array of NumPy, .npy", "not recorded", tensors, None, load)


def _npy_header(file, np):
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(file)
    return shape, str(dtype)


def _npz(path: Path) -> Description:
    import numpy as np

    tensors = []
    with reading(path, "arrays of NumPy", *ERRORS), zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist(), key=natural):
            with archive.open(name) as file:
                tensors.append(Tensor(name.removesuffix(".npy"), *_npy_header(file, np)))
    load = f"import numpy as np\n\narrays = np.load({quoted(path)})\nnames = arrays.files"
    return Description(
        path.as_posix(), "arrays of NumPy, .npz", "not recorded", tensors, None, load
    )


def _header_size(head: bytes) -> bool:
    return 2 <= struct.unpack("<Q", head[:8])[0] <= LARGEST_JSON


def _safetensors(path: Path) -> Description:
    with reading(path, "safetensors", *ERRORS), open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        held = json.loads(file.read(size))
        kinds = {"F": "float", "I": "int", "U": "uint", "BF": "bfloat", "BOOL": "bool"}
        tensors, last = [], 0
        for name, value in held.items():
            if name != "__metadata__":
                letters, bits = re.fullmatch(r"([A-Z]+)(\d*)", value["dtype"]).groups()
                dtype = kinds.get(letters, letters) + bits
                tensors.append(Tensor(name, tuple(map(int, value["shape"])), dtype))
                last = max(last, value["data_offsets"][1])
    if path.stat().st_size < 8 + size + last:
        raise Unreadable(f"{path} can't be read as safetensors: its end is missing")
    tensors.sort(key=lambda tensor: natural(tensor.name))
    load = f"from safetensors.numpy import load_file\n\ntensors = load_file({quoted(path)})"
    metadata = held.get("__metadata__") or {}
    facts = {"metadata": ", ".join(f"{k}: {v}" for k, v in metadata.items())} if metadata else {}
    kind = "tensors in safetensors"
    return Description(path.as_posix(), kind, "not recorded", tensors, None, load, "", facts)


def _pickle(path: Path) -> Description:
    kind = "pickle of Python"
    return Description(
        path.as_posix(), kind, "not recorded", [], None, "", f"It was not opened. {NEVER}"
    )


def _pytorch(path: Path) -> Description:
    load = f"import torch\n\ntensors = torch.load({quoted(path)}, weights_only=True)"
    note = "It was not opened. weights_only=True runs no code of the file."
    return Description(path.as_posix(), "PyTorch file (a pickle)", "PyTorch", [], None, load, note)


def _orbax(path: Path) -> Description:
    tree = path.resolve()
    if not (path / "_METADATA").exists():  # a step of a manager: its items are folders
        items = sorted(p.parent.name for p in path.glob("*/_METADATA"))
        tree = tree / ("default" if "default" in items or not items else items[0])
    load = (
        "import orbax.checkpoint as ocp\n\n"
        f"tree = ocp.StandardCheckpointer().restore({quoted(tree)})"
    )
    note = "It needs orbax-checkpoint."
    kind = "Orbax checkpoint (JAX)"
    return Description(path.as_posix(), kind, "Orbax", [], None, load, note)


def _ydf(path: Path) -> Description:
    load = f"import ydf\n\nmodel = ydf.load_model({quoted(path)})"
    kind = "model of Yggdrasil Decision Forests"
    return Description(path.as_posix(), kind, "YDF", [], None, load, "It needs ydf.")


def _other_hdf5(path: Path) -> Description:
    with hdf5(path) as file:
        tensors, names = datasets(file), set(file.attrs)
        groups = [child(file, name) for name in list(file)[:20]]
        pandas = any(group is not None and "pandas_type" in group.attrs for group in groups)
        user = file.userblock_size
    kind, read = "HDF5 file that Keras did not write", ""
    with open(path, "rb") as opened:
        start = opened.read(116) if user else b""
    if start.startswith(b"MATLAB 7.3"):
        kind = "MATLAB 7.3 file, which is HDF5"
    elif pandas:
        kind, read = (
            "tables of pandas, in HDF5",
            f"import pandas\n\ntable = pandas.read_hdf({quoted(path)})",
        )
    elif "PYTABLES_FORMAT_VERSION" in names:
        kind = "PyTables file, which is HDF5"
    load = read or f'import h5py\n\nfile = h5py.File({quoted(path)}, "r")\nnames = list(file)'
    note = "Keras can't load it as a model."
    return Description(path.as_posix(), kind, "not recorded", tensors, None, load, note)
