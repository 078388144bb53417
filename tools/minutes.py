"""Measure what a reader waits for, and what a notebook needs; write the table in CONTRIBUTING.md.

python -m tools.minutes                # everything, on an idle machine: about ten minutes
python -m tools.minutes 00_start_here  # these notebooks only; nothing is written
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tools import matrix, notebooks

ROOT = notebooks.ROOT
BEGIN, END = "<!-- minutes: written by `make minutes` -->", "<!-- end of minutes -->"
CORES = min(os.cpu_count() or 1, 4)  # as many workers as pyproject.toml allows
IMPORT = "import tensorflow"  # as anyone imports it; session.start needs a third less
# The setup cells of the first notebook, in a kernel, as a reader runs them.
FIRST_CELLS = """
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("notebooks/00_start_here.ipynb", as_version=4)
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
notebook.cells = code[:2]
NotebookClient(notebook, resources={"metadata": {"path": "notebooks"}}).execute()
"""


def run(*command: str | Path, cwd: Path = ROOT, **more: str) -> float:
    """Run a command, return its seconds; the program ends where the command fails."""
    began = time.monotonic()
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=matrix.variables(more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}")
    return time.monotonic() - began


def from_clone() -> dict[str, float]:
    """Return the seconds from `git clone` to the first executed cell, for two states of a cache."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = {"UV_CACHE_DIR": f"{folder}/cache"}
        for state in ("nothing downloaded before", "all packages in uv's cache"):
            suite = Path(folder, state.split()[0])
            seconds[state] = run("git", "clone", "--quiet", ROOT, suite)
            seconds[state] += run("make", ".venv/installed", cwd=suite, **cache)
            seconds[state] += run(suite / ".venv/bin/python", "-c", FIRST_CELLS, cwd=suite)
    return seconds


def imports(notebook) -> int:
    """Count the interpreters that import TensorFlow: kernel, `%%python` cells, command line."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    fresh = sum(source.startswith("%%python") for source in code)
    return 1 + fresh + "\n".join(code).count('"saved_model_cli"')


def memory(process: psutil.Process) -> int:
    """Return the bytes of all processes that a process started; shared pages are shared out."""
    total = 0
    for child in process.children(recursive=True):
        try:
            seen = child.memory_full_info()
            total += getattr(seen, "pss", seen.uss)  # pss is Linux's alone
        except psutil.Error:
            pass  # it has ended
    return total


def alone(path: Path) -> tuple[float, float]:
    """Execute a notebook in a kernel; return the seconds and the peak of its memory in MB."""
    code = "import sys; from tools import notebooks as n; from pathlib import Path; "
    code += "n.execute(Path(sys.argv[1]))"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(path.read_bytes())
        began, peak = time.monotonic(), 0
        going = subprocess.Popen(
            [sys.executable, "-c", code, str(copy)],
            cwd=ROOT,
            env=matrix.variables({}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process = psutil.Process(going.pid)
        while going.poll() is None:
            peak = max(peak, memory(process))
            time.sleep(1)  # looking takes time from what is looked at
        if going.returncode:
            sys.exit(f"{path.name} failed: run `make test`")
    return time.monotonic() - began, peak / 1e6


def validated(paths: list[Path]) -> float:
    """Return the seconds of `pytest --nbval` for these notebooks, a notebook to a core."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = matrix.validate(Path(sys.executable), paths, {}, Path(folder, "log"))
    if set(found.values()) != {"ok"}:
        sys.exit(f"the notebooks are not as they should be: {found}")
    return time.monotonic() - began


def report(clone: dict, measured: dict, counts: dict, whole: float, once: float) -> str:
    """Return the tables in Markdown; `measured` is name -> (seconds, MB)."""
    lines = ["| from `git clone` to the first executed cell | seconds |", "|---|---|"]
    lines += [f"| {state} | {seconds:.0f} |" for state, seconds in clone.items()]
    lines = [*lines, ""] if clone else []
    lines += ["| notebook | seconds | peak memory, MB | imports of TensorFlow |"]
    lines += ["|---|---|---|---|"]
    for name, (seconds, megabytes) in measured.items():
        lines.append(f"| {name} | {seconds:.0f} | {megabytes:.0f} | {counts[name]} |")
    total = sum(counts.values())
    workers = min(CORES, len(measured))
    floor = total * once / workers
    lines += [
        "",
        f"Validation of these notebooks, {workers} at a time: {whole:.0f} s. {total} imports of "
        f"TensorFlow, {once:.1f} s each, {workers} at a time: {floor:.0f} s, the floor. "
        f"The validation takes {whole / floor:.1f} times as long.",
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    paths = notebooks.paths(arguments)
    clone = {} if arguments else from_clone()
    once = statistics.median(run(sys.executable, "-c", IMPORT) for _ in range(3))
    measured = {path.stem: alone(path) for path in paths}
    counts = {path.stem: imports(notebooks.read(path)) for path in paths}
    text = report(clone, measured, counts, validated(paths), once)
    print(text)
    if not arguments:
        page = ROOT / "CONTRIBUTING.md"
        before, rest = page.read_text(encoding="utf-8").split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
