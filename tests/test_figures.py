"""`helpers.figures`: every picture is a PNG, the same bytes each time, told in words too."""

import base64
import struct

import IPython.display
import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import figures

ALT = "Accuracy climbs for ten epochs, and three of them are marked as saved."


@pytest.fixture
def shown(monkeypatch):
    """What the pictures of one test handed to the front end."""
    calls = []

    def display(data, metadata=None, raw=False):
        assert raw is True
        calls.append((data, metadata))

    monkeypatch.setattr(IPython.display, "display", display)
    return calls


DRAW = {
    "digits": lambda alt: figures.digits(np.zeros((12, 784)), np.arange(12), alt),
    "curve": lambda alt: figures.curve({"trained": [0.1, 0.5, 0.8]}, alt, marks={"saved": [1, 3]}),
    "flow": lambda alt: figures.flow([["build", "load\nweights"], ["build"]], alt),
    "matrix": lambda alt: figures.matrix({"weights": [True, False]}, [".h5", "x"], alt),
    "overlaid": lambda alt: figures.overlaid(("whole", [3.0, 2.0]), {"one": [(1, 3.0)]}, alt),
    "tree": lambda alt: figures.tree({"layers": {"kernel": "(784, 512)"}, "x": "y"}, alt, "file"),
}


@pytest.mark.parametrize("name", DRAW)
def test_a_picture_is_a_png_with_its_sentence_in_three_places(name, shown, capsys):
    DRAW[name](ALT)
    ((data, metadata),) = shown
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == ALT
    assert metadata == {"image/png": {"alt": ALT}}
    assert capsys.readouterr().out == f"Picture: {ALT}\n"


@pytest.mark.parametrize("name", DRAW)
def test_the_same_picture_is_the_same_bytes_or_every_run_would_change_the_notebook(name, shown):
    DRAW[name](ALT)
    DRAW[name](ALT)
    assert shown[0] == shown[1]


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_picture_without_words_is_refused(name, alt, shown):
    with pytest.raises(ValueError, match="expected a sentence"):
        DRAW[name](alt)
    assert shown == []


def size(data: dict) -> tuple:
    return struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])


def test_a_picture_fits_a_page_and_a_notebook(shown):
    for draw in DRAW.values():
        draw(ALT)
    for data, _ in shown:
        assert 100 < size(data)[0] < 1200
        assert len(data["image/png"]) < 100_000


def test_twice_the_digits_take_twice_the_height(shown):
    figures.digits(np.zeros((10, 784)), np.arange(10), ALT)
    figures.digits(np.zeros((20, 784)), np.arange(20), ALT)
    assert size(shown[1][0])[1] > 1.6 * size(shown[0][0])[1]


@pytest.mark.parametrize("epoch", [0, 4, -1])
def test_a_mark_at_an_epoch_that_never_was_is_refused(epoch, shown):
    with pytest.raises(ValueError, match=rf"mark 'saved' stands at \[{epoch}\]; expected 1 to 3"):
        figures.curve({"trained": [0.1, 0.5, 0.8]}, ALT, marks={"saved": [1, epoch]})
    assert shown == []


def test_a_mark_stands_at_its_epoch_on_the_last_line(monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: drawn.append(figure))
    figures.curve({"a": [0.9, 0.9, 0.9], "b": [0.1, 0.5, 0.8]}, ALT, marks={"saved": [1, 3]})
    (axes,) = drawn[0].axes
    assert np.allclose(axes.collections[0].get_offsets(), [(1, 0.1), (3, 0.8)])
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 3], [1, 2, 3]]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["a", "b", "saved"]


def test_a_line_or_a_mark_too_many_is_refused_rather_than_left_out(shown):
    with pytest.raises(ValueError, match="given 5 lines; expected 1 to 4"):
        figures.curve({str(n): [0.1, 0.2] for n in range(5)}, ALT)
    with pytest.raises(ValueError, match="given 0 lines; expected 1 to 4"):
        figures.curve({}, ALT)
    with pytest.raises(ValueError, match="given 5 marks; expected at most 4"):
        figures.curve({"a": [0.1, 0.2]}, ALT, marks={str(n): [1] for n in range(5)})
    assert shown == []


def test_a_row_that_does_not_fit_the_columns_is_refused(shown):
    with pytest.raises(ValueError, match="row 'weights' has 1 entries; expected 2"):
        figures.matrix({"weights": [True]}, [".h5", ".keras"], ALT)
    assert shown == []


def test_your_own_figure_can_be_shown_too(shown, capsys):
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    figures.show(figure, "A line rises.")
    assert capsys.readouterr().out == "Picture: A line rises.\n"
    assert len(shown) == 1


def test_a_long_sentence_wraps_at_words_below_the_picture_and_stays_whole_in_the_alt(shown, capsys):
    alt = "A line rises from left to right and ends near a half-filled circle. " * 4
    DRAW["curve"](alt.strip())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2 and max(map(len, lines)) <= 88
    assert " ".join(lines) == f"Picture: {alt.strip()}"
    ((data, _),) = shown
    assert data["text/plain"] == alt.strip()


@pytest.mark.parametrize("number", [0, 5])
def test_a_thin_line_without_a_colour_is_refused_and_not_left_out(number, shown):
    thin = {str(n): [(1, 1.0)] for n in range(number)}
    with pytest.raises(ValueError, match=f"given {number} thin lines"):
        figures.overlaid(("whole", [1.0]), thin, ALT)
    assert shown == []
