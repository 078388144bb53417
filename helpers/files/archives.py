"""Archives that hold models: a zip or a tar of a SavedModel, a .keras zipped with its folder."""

import re
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from helpers.files.description import Description, quoted
from helpers.files.reading import Unreadable, names_in, reading

GZIP, XZ, BZIP2 = b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh"
MOST = 100_000  # members of a tar archive that are looked at
MARKS = {  # what lies in a model's folder -> what the folder is
    "saved_model.pb": "SavedModel",
    "saved_model.pbtxt": "SavedModel",
    "config.json": ".keras",
}


def recognise(path: Path, head: bytes) -> bool:
    """Whether it is a zip or a tar archive, by its content."""
    return not path.is_dir() and _form(path, head) is not None


def describe(path: Path, head: bytes) -> Description:
    """List the models in it, and tell how to unpack and load the first.

    Raises:
        Unreadable: where it holds none.
    """
    form = _form(path, head)
    names = [n for n in (names_in(path) if form == "zip" else _members(path)) if _plain(n)]
    folders, singles = {}, []
    for name in names:
        folder, mark = str(PurePosixPath(name).parent), PurePosixPath(name).name
        if mark in MARKS and (mark != "config.json" or f"{folder}/metadata.json" in names):
            folders[folder] = MARKS[mark]
        elif mark.endswith((".keras", ".h5", ".hdf5")):
            singles.append(name)
    singles = [n for n in singles if not any(n.startswith(f"{folder}/") for folder in folders)]
    if not folders and not singles:
        some = ", ".join(names[:3]) or "it is empty"
        raise Unreadable(f"{path} is a {form} archive that holds no model: {some}")
    found = [*sorted(folders), *sorted(singles)]
    kinds = set(folders.values())
    kind = f"{form} archive of a SavedModel" if "SavedModel" in kinds else f"{form} archive"
    if kinds == {".keras"} and form == "zip":
        kind = "a .keras archive zipped with its folder"
    note = f"Unpack it first: the model is in its folder {found[0]!r}."
    if len(found) > 1:
        note = f"Unpack it first: it holds {len(found)} models."
    facts = {"holds": ", ".join(found)}
    load = _lines(path, form, found[0], folders.get(found[0]))
    return Description(path.as_posix(), kind, "not recorded", [], None, load, note, facts)


def _form(path: Path, head: bytes) -> str | None:
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    if head.startswith((GZIP, XZ, BZIP2)):
        with reading(path, "an archive", tarfile.TarError, OSError, EOFError, zlib.error):
            return "tar" if tarfile.is_tarfile(path) else None
    return None


def _members(path: Path) -> list[str]:
    """The names of the files in a tar archive."""
    found = []
    errors = tarfile.TarError, OSError, EOFError, zlib.error, ValueError
    with reading(path, "a tar archive", *errors), tarfile.open(path) as archive:
        for member in archive:
            found += [member.name.removeprefix("./")] if member.isfile() else []
            if len(found) > MOST:
                raise Unreadable(f"{path} has more than {MOST:,} members")
    return found


def _plain(name: str) -> bool:
    """Whether it is no note of a Mac, and stays in the folder where it is unpacked."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" not in parts and ".." not in parts and not re.match(r"/|\w:", name)


def _lines(path: Path, form: str, inner: str, kind: str | None) -> str:
    if form == "zip":
        unpack = f"shutil.unpack_archive({quoted(path)}, folder, 'zip')"
    else:  # files alone, and nowhere else; the filter that tarfile has for it is of Python 3.11.4
        unpack = (
            f"with tarfile.open({quoted(path)}) as archive:\n"
            "    for member in archive:\n"
            "        file = Path(folder, member.name).resolve()\n"
            "        if member.isfile() and file.is_relative_to(Path(folder).resolve()):\n"
            "            file.parent.mkdir(parents=True, exist_ok=True)\n"
            "            file.write_bytes(archive.extractfile(member).read())"
        )
    library = {"SavedModel": "tensorflow as tf"}.get(kind, "keras")
    place = f"folder + {quoted('/' + inner)}"
    if kind == "SavedModel":
        load = f"program = tf.saved_model.load({place})"
    elif kind == ".keras":  # Keras reads it as an archive
        load = (
            f"made = shutil.make_archive(folder + '/model', 'zip', {place})\n"
            "model = keras.saving.load_model(shutil.move(made, folder + '/model.keras'))"
        )
    elif inner.endswith(".weights.h5"):
        library = ""
        load = f"weights = {place}"
    else:
        load = f"model = keras.saving.load_model({place}, compile=False)"
    needed = ["shutil"] if "shutil" in unpack + load else []
    needed += ["tarfile"] if "tarfile" in unpack else []
    imports = "\n".join(f"import {name}" for name in [*needed, "tempfile"])
    imports += "\nfrom pathlib import Path" if "Path(" in unpack else ""
    imports += f"\n\nimport {library}" if library else ""
    return f"{imports}\n\nfolder = tempfile.mkdtemp()\n{unpack}\n{load}"
