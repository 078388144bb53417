"""Pictures, each with a sentence that says what is to be seen in it."""

import base64
import io
import itertools
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

INK, BLUE, ORANGE, GREEN, GREY = "#222222", "#1f77b4", "#d95f02", "#1b7837", "#b8b8b8"
_MARKERS = {"o": BLUE, "s": ORANGE, "*": GREEN, "D": INK}


def show(figure: Figure, alt: str) -> None:
    """Show a figure and print its alt text.

    JupyterLab sets no alt text on a picture, so the sentence stands in the picture's metadata,
    for exported pages, and below the picture, for everyone, in lines of at most 88 characters.

    Args:
        figure: a matplotlib figure.
        alt: one sentence that says what is to be seen; no numbers that change with the
            processor.

    Raises:
        ValueError: where ``alt`` is empty.
    """
    from IPython.display import display

    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"the picture was given alt={alt!r}; expected a sentence")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, bbox_inches="tight", metadata={"Software": None})
    picture = base64.b64encode(buffer.getvalue()).decode()
    data = {"image/png": picture, "text/plain": alt}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)
    print(textwrap.fill(f"Picture: {alt}", 88, break_long_words=False, break_on_hyphens=False))


def digits(images, labels, alt: str, columns: int = 10) -> None:
    """Draw digits in a grid, each with its label above it.

    Args:
        images: shape (n, 784), values in [0, 1].
        labels: shape (n,).
        alt: what is to be seen.
        columns: digits in a row.
    """
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(columns * 0.75, rows * 0.95))
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(np.reshape(image, (28, 28)), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(str(label), fontsize=10, color=INK)
        axes.set_axis_off()
    show(figure, alt)


def curve(
    values: dict, alt: str, marks: dict | None = None, xlabel="epoch", ylabel="accuracy"
) -> None:
    """Draw one line for each series by epoch, counted from 1, and mark moments on the last.

    Args:
        values: name of the line -> one number an epoch; one to four lines.
        alt: what is to be seen.
        marks: name of the mark -> epochs, such as ``{"saved": [5, 10]}``; up to four names.
        xlabel, ylabel: what the axes show.

    Raises:
        ValueError: where there are more than four lines or marks, or none of the lines, or a
            mark stands at an epoch that the last line does not have.
    """
    if not 1 <= len(values) <= 4:
        raise ValueError(f"figures.curve was given {len(values)} lines; expected 1 to 4")
    if len(marks or {}) > 4:
        raise ValueError(f"figures.curve was given {len(marks)} marks; expected at most 4")
    figure = Figure(figsize=(7, 3.2))
    axes = figure.add_subplot()
    for (name, line), colour in zip(values.items(), (GREY, INK, BLUE, ORANGE), strict=False):
        axes.plot(range(1, len(line) + 1), line, color=colour, label=name, zorder=1)
    for (name, epochs), (marker, colour) in zip(
        (marks or {}).items(), _MARKERS.items(), strict=False
    ):
        if outside := [e for e in epochs if not 1 <= e <= len(line)]:
            raise ValueError(f"mark {name!r} stands at {outside}; expected 1 to {len(line)}")
        size = 160 if marker == "*" else 45
        heights = [line[e - 1] for e in epochs]
        axes.scatter(epochs, heights, marker=marker, s=size, color=colour, label=name, zorder=2)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, alt)


def flow(rows: list[list[str]], alt: str) -> None:
    """Draw rows of boxes, each row joined by arrows from left to right.

    Args:
        rows: the boxes' texts; ``"\\n"`` starts a new line in a box.
        alt: what is to be seen.
    """
    columns = max(len(row) for row in rows)
    figure = Figure(figsize=(2.4 * columns, 0.8 * len(rows)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, columns), ylim=(len(rows), 0))
    axes.set_axis_off()
    box = {"boxstyle": "round,pad=0.45", "facecolor": "#f3f6fa", "edgecolor": BLUE}
    arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 4, "shrinkB": 4}
    for y, row in enumerate(rows):
        boxes = [
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=9, bbox=box)
            for x, text in enumerate(row)
        ]
        for left, right in itertools.pairwise(boxes):
            axes.annotate(
                "",
                xy=(0, 0.5),
                xycoords=right.get_bbox_patch(),
                xytext=(1, 0.5),
                textcoords=left.get_bbox_patch(),
                arrowprops=arrow,
            )
    show(figure, alt)


def tree(branches: dict, alt: str, root: str = "") -> None:
    """Draw a tree from top to bottom, each level indented: what holds what.

    Args:
        branches: name -> a dict of what it holds, or a string that says what it is.
        alt: what is to be seen.
        root: the name of the whole.
    """
    lines = []  # (depth, name, remark, the row of its parent)

    def walk(branch, depth, parent):
        for name, held in branch.items():
            lines.append((depth, name, "" if isinstance(held, dict) else str(held), parent))
            if isinstance(held, dict):
                walk(held, depth + 1, len(lines) - 1)

    walk({root: branches} if root else branches, 0, None)
    figure = Figure(figsize=(8, 0.28 * len(lines) + 0.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 8), ylim=(len(lines), 0))
    axes.set_axis_off()
    remarks = 0.6 + max(0.32 * depth + 0.093 * len(name) for depth, name, _, _ in lines)
    for row, (depth, name, remark, parent) in enumerate(lines):
        x, y = 0.15 + 0.32 * depth, row + 0.5
        if parent is not None:
            elbow = x - 0.2
            axes.plot([elbow, elbow, x - 0.04], [parent + 0.8, y, y], color=GREY, linewidth=1)
        weight = {"color": INK} if remark else {"color": BLUE, "fontweight": "bold"}
        axes.text(x, y, name, va="center", fontsize=9, family="monospace", **weight)
        axes.text(remarks, y, remark, va="center", fontsize=9, color="#555555")
    show(figure, alt)


def matrix(rows: dict, columns: list[str], alt: str) -> None:
    """Draw a table of yes and no, in words and in colour.

    Args:
        rows: name of the row -> one bool for each column.
        columns: the names of the columns.
        alt: what is to be seen.

    Raises:
        ValueError: where a row has another number of entries than there are columns.
    """
    for name, row in rows.items():
        if len(row) != len(columns):
            raise ValueError(f"row {name!r} has {len(row)} entries; expected {len(columns)}")
    figure = Figure(figsize=(2.6 + 1.15 * len(columns), 0.3 * (len(rows) + 1)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-2.3, len(columns)), ylim=(len(rows), -1))
    axes.set_axis_off()
    for x, column in enumerate(columns):
        axes.text(x + 0.5, -0.5, column, ha="center", va="center", fontsize=9, color=INK)
    for y, (name, row) in enumerate(rows.items()):
        axes.text(-0.1, y + 0.5, name, ha="right", va="center", fontsize=9, color=INK)
        for x, holds in enumerate(row):
            style = {"facecolor": GREEN if holds else "#eeeeee", "edgecolor": "white"}
            axes.add_patch(Rectangle((x, y), 1, 1, **style))
            told = {"s": "yes", "color": "white"} if holds else {"s": "no", "color": INK}
            axes.text(x + 0.5, y + 0.5, ha="center", va="center", fontsize=9, **told)
    show(figure, alt)


def overlaid(wide, thin: dict, alt: str, xlabel="step", ylabel="loss") -> None:
    """Draw a wide line, and thin ones on top of it.

    Args:
        wide: name of the line, and its values from x = 1 on.
        thin: name of the line -> pairs of x and value; one to four lines.
        alt: what is to be seen.
        xlabel, ylabel: what the axes show.

    Raises:
        ValueError: where there are no thin lines, or more than there are colours for.
    """
    if not 1 <= len(thin) <= 4:
        raise ValueError(f"overlaid was given {len(thin)} thin lines; expected one to four")
    figure = Figure(figsize=(7, 3.2))
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.plot(range(1, len(wide[1]) + 1), wide[1], color=GREY, linewidth=7, label=wide[0])
    colours = INK, BLUE, ORANGE, GREEN
    for (name, points), colour in zip(thin.items(), colours, strict=False):
        axes.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=1.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, alt)
