"""The answer of `describe`: its fields, its text, its JSON; and text that a terminal can take."""

import dataclasses
import math
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROWS = 20  # of a long table of tensors, so many are shown


class Tensor(NamedTuple):
    """A stored tensor: its name in the file, its shape, its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int | None:
        """The bytes of its values; None for a dtype without a fixed size, such as a string."""
        import ml_dtypes  # noqa: F401  (with it NumPy knows bfloat16)
        import numpy as np

        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            return None
        return None if dtype.hasobject else math.prod(self.shape) * dtype.itemsize


@dataclass(frozen=True, repr=False)
class Description:
    """What `describe` found; shown as a text.

    Attributes:
        path: what was described, as it was given; for a part the whole that it belongs to: the
            prefix of the checkpoint, the folder of the SavedModel, the index of the shards.
        kind: what it is. It names the library that the structure tells, never a version.
        written_by: library and version as the file records them, or ``"not recorded"``.
        tensors: every stored tensor, with name, shape, dtype and ``nbytes``.
        optimizer_state: whether the optimizer's slots, such as Adam's moments, or a step count
            above 0 are in it; None where the format has no place for an optimizer.
        load: lines of Python that load it; empty where nothing here can. Where the architecture
            is not in the file, ``create_model`` stands for the function that builds yours.
        note: what these lines leave out or ask of you; may be empty.
        facts: what else it tells, name -> text: inputs, outputs, layers, loss, and so on.
        convert: lines that make a file for Keras 3 of it; empty where it is no whole model of
            Keras 2, or holds code.
    """

    path: str
    kind: str
    written_by: str = "not recorded"
    tensors: list = field(default_factory=list)
    optimizer_state: bool | None = None
    load: str = ""
    note: str = ""
    facts: dict = field(default_factory=dict)
    convert: str = ""

    def text(self, rows: int | None = ROWS) -> str:
        """Tell it in lines, safe for a terminal.

        Args:
            rows: how many tensors to list; None for all of them.
        """
        lines = [printable(self.path), f"  what it is: {printable(self.kind)}"]
        lines.append(f"  written by: {printable(self.written_by)}")
        lines += [f"  {printable(k)}: {printable(v, 300)}" for k, v in self.facts.items()]
        if self.optimizer_state is not None:
            lines.append(f"  optimizer state: {'yes' if self.optimizer_state else 'no'}")
        for words, code in ("load it with", self.load), ("for Keras 3, convert it", self.convert):
            if code:
                lines += [f"  {words}:", *(f"    {line}".rstrip() for line in code.split("\n"))]
        if self.note:
            lines.append(f"  note: {printable(self.note, 1000)}")
        if self.tensors or self.optimizer_state is not None:
            lines += self._table(len(self.tensors) if rows is None else rows)
        return "\n".join(lines)

    __repr__ = text

    def _table(self, rows: int) -> list[str]:
        sizes = [tensor.nbytes for tensor in self.tensors]
        total = sum(size or 0 for size in sizes)
        shown = [
            (
                printable(tensor.name),
                str(tensor.shape),
                printable(tensor.dtype),
                "" if size is None else f"{size:,} bytes",
            )
            for tensor, size in zip(self.tensors[:rows], sizes, strict=False)
        ]
        lines = [f"  tensors: {len(sizes)}, {total:,} bytes"]
        lines += [f"    {row}" for row in table(shown)]
        if len(sizes) > rows:
            lines.append(f"    ... and {len(sizes) - rows:,} more: --tensors shows them all")
        return lines

    def json(self) -> dict:
        """All of it as plain values, for programs."""
        held = dataclasses.asdict(self)
        held["tensors"] = [
            {"name": t.name, "shape": list(t.shape), "dtype": t.dtype, "nbytes": t.nbytes}
            for t in self.tensors
        ]
        return held

    @classmethod
    def from_json(cls, held: dict) -> "Description":
        """The inverse of `json`."""
        tensors = [Tensor(t["name"], tuple(t["shape"]), t["dtype"]) for t in held["tensors"]]
        return cls(**{**held, "tensors": tensors})


def printable(text, limit: int = 200) -> str:
    """Escape what a terminal would obey or a reader could not see, and cut what is too long.

    Control, format, direction, private and unassigned characters and all line breaks become
    ``\\x1b`` or ``\\u202e``; a backslash stays.
    """
    made = "".join(c if _is_plain(c) else _escaped(c) for c in str(text)[: limit + 1])
    return made if len(str(text)) <= limit else f"{made[:limit]}..."


def _is_plain(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def quoted(path) -> str:
    """A path, or a name, as a literal of Python, without a character that can't be seen."""
    return repr(path if isinstance(path, str) else Path(path).as_posix())


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of text as lines with aligned columns."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return ["  ".join(map(str.ljust, row, wide)).rstrip() for row in rows]


def natural(name: str) -> list:
    """A key that sorts ``2`` before ``10``."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", name)]
