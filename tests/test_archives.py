"""`describe` of a zip or a tar: what is in it is listed, and the lines unpack and load it."""

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers import files

ONES = np.ones((2, 4), "float32")


@pytest.fixture(scope="module")
def made(keras, tmp_path_factory):
    """A folder with a SavedModel, a `.keras` archive and its folder, and what they predict."""
    home = tmp_path_factory.mktemp("made")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    (home / "exported").mkdir()
    (home / "single").mkdir()
    model.export(home / "exported" / "1", verbose=False)
    model.save(home / "single" / "model.keras")
    model.save(home / "folder", zipped=False)
    return home, model.predict(ONES, verbose=0)


def loaded(path) -> dict:
    space = {}
    exec(files.describe_here(path).load, space)
    return space


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "xztar", "bztar"])
@pytest.mark.parametrize("inner", ["exported", "single", "folder"])
def test_the_lines_unpack_an_archive_and_load_what_is_in_it(inner, form, made, workplace):
    home, expected = made
    path = Path(shutil.make_archive("made", form, home, inner)).rename("made")
    found = files.describe_here(path)
    assert inner in found.facts["holds"] and "archive" in found.kind
    space = loaded(path)
    if inner == "exported":
        predicted = np.asarray(space["program"].serve(ONES))
    else:
        predicted = space["model"].predict(ONES, verbose=0)
    np.testing.assert_allclose(predicted, expected, rtol=1e-6)
    assert [p.name for p in Path().iterdir()] == ["made"], "nothing is unpacked beside it"


def test_an_archive_of_several_models_lists_them(made, workplace):
    home, _ = made
    shutil.make_archive("made", "gztar", home)
    found = files.describe_here("made.tar.gz")
    assert found.facts["holds"] == "exported/1, folder, single/model.keras"
    assert found.note == "Unpack it first: it holds 3 models."


def test_what_would_be_unpacked_elsewhere_is_not_listed(workplace):
    with zipfile.ZipFile("x.zip", "w") as archive:
        archive.writestr("../evil/saved_model.pb", "")
        archive.writestr("/evil/saved_model.pb", "")
        archive.writestr("inner/saved_model.pb", "")
    assert files.describe_here("x.zip").facts["holds"] == "inner"


@pytest.mark.parametrize("name", ["../evil.keras", "/tmp/evil.keras"])
def test_a_tar_that_writes_elsewhere_is_refused(name, workplace):
    with tarfile.open("x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(files.Unreadable, match=r"x\.tar is a tar archive that holds no model"):
        files.describe_here("x.tar")


def test_the_lines_for_a_tar_write_into_their_folder_alone(made, workplace):
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, str(workplace)
    with tarfile.open("x.tar", "w") as archive:
        archive.add(made[0] / "single" / "model.keras", "model.keras")
        archive.addfile(link)
        for name in "../evil", str(workplace / "evil"), "link/evil":
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert loaded("x.tar")["model"].predict(ONES, verbose=0).shape == (2, 2)
    assert [p.name for p in workplace.iterdir()] == ["x.tar"]
    assert not (workplace.parent / "evil").exists()


def test_an_archive_without_a_model_and_a_damaged_one_are_told(made, workplace):
    Path("notes.txt").write_text("notes")
    shutil.make_archive("x", "gztar", ".", "notes.txt")
    with pytest.raises(files.Unreadable, match=r"holds no model: notes\.txt"):
        files.describe_here("x.tar.gz")
    shutil.make_archive("y", "gztar", made[0])
    whole = Path("y.tar.gz").read_bytes()
    Path("y.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(files.Unreadable, match=r"y\.tar\.gz"):
        files.describe_here("y.tar.gz")
