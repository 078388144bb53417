"""Files of weights alone: of Keras 3, of Keras 2, in HDF5 or in shards of it."""

import os
import re
from pathlib import Path

from helpers.files.description import Description, Tensor, natural, quoted
from helpers.files.reading import Unreadable, child, hdf5, inside, parsed, reading

CREATE = "from helpers.models import create_model\n\nmodel = create_model()\n"
BUILD = "model.optimizer.build(model.trainable_variables)\n"
LEFT = "These lines leave the optimizer's state in the file."


def older(path, library, writer, tensors, state) -> Description:
    kind = f"weights of a {library} model, in HDF5 of the older layout"
    load = f"{CREATE}model.load_weights({quoted(path)})"
    note = ""
    if path.name.endswith(".weights.h5") or not has_suffix(path, (".h5", ".hdf5")):
        load = (  # under .weights.h5 Keras 3 expects its own layout
            f"import shutil\nimport tempfile\n\n{CREATE}"
            f'copy = shutil.copy({quoted(path)}, tempfile.mkdtemp() + "/older.h5")\n'
            "model.load_weights(copy)"
        )
        note = "Keras 3 expects this layout under a name in .h5: the lines copy it."
    return Description(path.as_posix(), kind, writer, tensors, state, load, note)


def shards(index: Path) -> Description:
    tensors, state, libraries = [], False, {"Keras"}
    for name in shard_names(index):
        with hdf5(inside(index.parent, name)) as file:
            here = datasets(file)
            state = optimizer_state(file, here) or state
            libraries.add(library_of(file))
        tensors.extend(here)
    tensors.sort(key=lambda tensor: natural(tensor.name))
    return of_model(index, "in HDF5 shards", max(libraries), tensors, state)


def index_of(path: Path) -> Path | None:
    """The index beside a file that it names as one of its shards."""
    shard = re.fullmatch(r"(.+)_\d{5}\.weights\.h5", path.name)
    index = path.with_name(f"{shard[1]}.weights.json") if shard else path
    return index if shard and index.is_file() and path.name in shard_names(index) else None


def shard_names(index: Path) -> list[str]:
    """The names of the files that an index of sharded weights names, all of them."""
    held = parsed(str(index), index).get("weight_map")
    if not isinstance(held, dict) or not held:
        raise Unreadable(f"{index} names no shards; expected the index of sharded weights")
    names = {n for value in held.values() for n in (value if isinstance(value, list) else [value])}
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[^/\\]+\.weights\.h5", name):
            raise Unreadable(f"{index} names the shard {name!r}; expected a name in .weights.h5")
    return sorted(names)


def of_model(path: Path, how: str, library: str, tensors, state: bool) -> Description:
    load, note, name = f"model.load_weights({quoted(path)})", "", path.name
    optimizer = any(t.name.startswith("optimizer/") for t in tensors)
    if library == "Keras 3" and state:
        load = BUILD + load
    elif how == "in HDF5" and (library == "Keras 2" or not optimizer):
        load = f"{load[:-1]}, objects_to_skip=[model.optimizer])"
        note = LEFT if state else ""
    load = CREATE + load
    if how == "in HDF5" and not name.endswith(".weights.h5"):
        load = copied(path, "copy.weights.h5", load)
        note = f"Its name does not end in .weights.h5, as Keras asks: the lines copy it. {note}"
    weights = [t for t in tensors if not t.name.startswith("optimizer")]
    facts = {"tensors of the model": str(len(weights))}
    kind = f"weights of a {library} model, {how}"
    return Description(
        path.as_posix(), kind, "not recorded", tensors, state, load, note.strip(), facts
    )


def copied(path: Path, name: str, load: str) -> str:
    """The same lines, on a copy whose name says what it is."""
    lines = load.replace(quoted(path), "copy")
    head, _, rest = lines.partition("\n\n")
    copy = f'copy = shutil.copy({quoted(path)}, tempfile.mkdtemp() + "/{name}")'
    return f"import shutil\nimport tempfile\n\n{head}\n\n{copy}\n{rest}"


def has_suffix(path: Path, endings: tuple) -> bool:
    return path.name.endswith(endings)


def read_all(file, name) -> None:
    """Read every dataset of an open HDF5 file, in pieces.

    Raises:
        Unreadable: where one can't be read.
    """
    for tensor in datasets(file):
        held = file[tensor.name]
        with reading(f"{name}: {tensor.name}", "values", OSError, RuntimeError):
            if held.shape:
                step = max(1, 50_000_000 // max(1, held.nbytes // max(1, held.shape[0])))
                for start in range(0, held.shape[0], step):
                    held[start : start + step]
            elif held.shape is not None:
                held[()]


def datasets(file) -> list[Tensor]:
    """Every dataset of an open HDF5 file, in natural order; links are not followed."""
    path = getattr(file, "filename", "")
    if not os.path.isfile(path):  # a member of an archive
        return _datasets(file)
    made = os.stat(path)
    key = os.path.realpath(path), made.st_mtime_ns, made.st_size
    if key not in _listed:
        _listed.clear()
        _listed[key] = _datasets(file)
    return list(_listed[key])


_listed = {}  # the file that was listed last: to be recognised and described it is listed once


def _datasets(file) -> list[Tensor]:
    import h5py

    found = []

    def visit(name: bytes, info) -> None:  # twice as fast as `visititems`
        if info.type == h5py.h5o.TYPE_DATASET:
            held = h5py.h5d.open(file.id, name)
            dtype = str(held.dtype)
            # Keras stores bfloat16 as two raw bytes, and says so beside them.
            if dtype == "|V2" and h5py.h5a.exists(held, b"dtype"):
                dtype = "bfloat16"
            found.append(Tensor(name.decode(errors="replace"), tuple(held.shape or ()), dtype))

    h5py.h5o.visit(file.id, visit, info=True)
    return sorted(found, key=lambda tensor: natural(tensor.name))


def optimizer_state(file, tensors: list) -> bool:
    state = [t for t in tensors if t.name.startswith(("optimizer/", "optimizer_weights/"))]
    return any(t.shape or (t.dtype.startswith("int") and file[t.name][()] > 0) for t in state)


def of_keras_3(file) -> bool:
    """Whether it has the layout of `save_weights` of Keras 3, which tf_keras' .keras shares."""
    import h5py

    if not isinstance(child(file, "vars"), h5py.Group) and child(file, "layers") is None:
        return False
    return all(re.search(r"(^|/)vars/[^/]+$", tensor.name) for tensor in datasets(file))


def library_of(file) -> str:
    """Tell what wrote a file of weights: Keras 3 names its groups, Keras 2 stores metrics."""
    vars_ = child(file, "vars")
    if vars_ is not None and "name" in vars_.attrs:
        return "Keras 3"
    return "Keras 2" if child(file, "metrics") is not None else "Keras"
