"""Re-execute notebooks in place, and write them in one canonical form.

python -m tools.notebooks              # execute all of them, each in a clean kernel
python -m tools.notebooks 01_x 02_y    # only these
python -m tools.notebooks --format     # canonical form only, nothing is executed
"""

import hashlib
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
STAMPED = ("header", "colab", "map", "formats")  # ids of the cells that `tools.stamp` writes
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def paths(names=()) -> list[Path]:
    """Return the notebooks of that name (a trailing .ipynb is optional), or all of them.

    Raises:
        SystemExit: where there is no such notebook.
    """
    if not names:
        return sorted(FOLDER.glob("*.ipynb"))
    found = [FOLDER / f"{Path(name).stem}.ipynb" for name in names]
    if missing := [path.name for path in found if not path.exists()]:
        sys.exit(f"no such notebook: {', '.join(missing)}")
    return found


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook as format 4."""
    return nbformat.read(path, as_version=4)


def canonical(notebook: nbformat.NotebookNode) -> str:
    """Return the text of a notebook in its one form.

    Keys sorted, no metadata of machines or front ends, streams joined, and each cell's id made
    from its source, so that the same notebook is the same bytes, whoever saved it where.
    """
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = METADATA
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells = [c for c in notebook.cells if c.source.strip()]
    taken = set()
    for cell in notebook.cells:
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        cell.metadata = {"jupyter": {"source_hidden": True}} if hidden else {}
        if cell.get("id") not in STAMPED or cell.id in taken:
            cell.id = _identity(cell.source, taken)
        taken.add(cell.id)
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return nbformat.writes(nbformat.from_dict(notebook))


def _identity(source: str, taken: set) -> str:
    """Make a cell's id from its source; the same source a second time gets another."""
    text = source
    while (identity := hashlib.sha256(text.encode()).hexdigest()[:8]) in taken:
        text += "\n"
    return identity


def _joined(outputs: list) -> list:
    """Join neighbouring pieces of one stream, and keep a picture's alt text as only metadata."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if "metadata" in output:
            told = {k: v for k, v in output.metadata.items() if isinstance(v, dict) and "alt" in v}
            output.metadata = {kind: {"alt": held["alt"]} for kind, held in told.items()}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            joined.append(output)
    return joined


def write(path: Path, notebook: nbformat.NotebookNode) -> bool:
    """Write a notebook in canonical form where it differs; return whether it did."""
    text = canonical(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def execute(path: Path) -> None:
    """Run a notebook from a clean kernel and store its outputs; on an error nothing is written.

    Raises:
        nbclient.exceptions.CellExecutionError: where a cell fails.
    """
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    print(f"{path.stem}: {'changed' if write(path, notebook) else 'as it was'}", flush=True)


def main(arguments: list[str]) -> None:
    names = [a for a in arguments if not a.startswith("-")]
    if options := set(arguments) - set(names) - {"--format"}:
        sys.exit(f"unknown option {', '.join(sorted(options))}; expected --format or names")
    for path in paths(names):
        if "--format" in arguments:
            write(path, read(path))
        else:
            execute(path)


if __name__ == "__main__":
    main(sys.argv[1:])
