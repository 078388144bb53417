"""Validate the notebooks on every supported stack, Python and processor setting: one table.

python -m tools.matrix                # every column
python -m tools.matrix oldest 3.13    # the columns whose name has these words
python -m tools.matrix 00_start_here  # this notebook only

A row a notebook, a column a setting; what differs first, or ok. The environments (2.4 GB each)
and what pytest said stand in .matrix. Exits with 1 where a column that gates is not all ok.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tools import env, notebooks

ROOT = notebooks.ROOT
FOLDER = ROOT / ".matrix"
PRE = "pre-release"  # it shows what is coming, and does not gate

# The lower bounds in requirements.txt are the oldest stack; wheels alone, so that a bound which
# is older than a Python gives way to the first version that this Python has.
STACKS = {
    "oldest": ["--resolution", "lowest-direct", "--only-binary", ":all:"],
    "newest": ["-c", "constraints.txt"],
    PRE: ["--prerelease-package", "tensorflow=allow", "--overrides", ".matrix/pre-release.txt"],
}
# No upper bound for TensorFlow, and no keras-nightly over the keras that is released: a release
# candidate asks for it, and both are the same folder.
LIFTED = "tensorflow\nkeras-nightly; python_version < '0'\n"

ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
PROCESSORS = {
    "oneDNN": ONEDNN,
    "AVX2": {**ONEDNN, "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "one-thread": dict.fromkeys(THREADS, "1"),
    "all-threads": dict.fromkeys(THREADS[1:], "0"),  # session.start takes one
}
# name -> stack, Python, variables
COLUMNS = {f"{s} {p}": (s, p, {}) for s in ("oldest", "newest") for p in env.PYTHONS}
COLUMNS |= {f"newest 3.11 {name}": ("newest", "3.11", v) for name, v in PROCESSORS.items()}
COLUMNS |= {PRE: (PRE, env.PYTHONS[-1], {})}


def environment(stack: str, version: str) -> Path:
    """Return the Python of an environment in .matrix, made anew where its inputs have changed.

    Raises:
        env.Failed: where it cannot be made.
    """
    folder = FOLDER / f"{stack}-{version}"
    python, done = folder / "bin" / "python", folder / "installed"
    options = [*STACKS[stack], "-r", "requirements.txt"]
    files = [ROOT / name for name in ("requirements.txt", "constraints.txt", "pyproject.toml")]
    inputs = "\n".join([*options, LIFTED, *(file.read_text(encoding="utf-8") for file in files)])
    if stack != PRE and done.exists() and done.read_text(encoding="utf-8") == inputs:
        return python
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "pre-release.txt").write_text(LIFTED, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    uv = env.find_uv()
    env.quietly(uv, "venv", "--no-project", "--python", version, folder)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    env.quietly(*install, *options, cwd=ROOT)
    done.write_text(inputs, encoding="utf-8")
    return python


def versions(python: Path) -> str:
    """Return which TensorFlow and which Keras an environment has."""
    ask = "from importlib.metadata import version as v; print(v('tensorflow'), v('keras'))"
    return " / ".join(env.quietly(python, "-c", ask).split())


def variables(more: dict[str, str]) -> dict[str, str]:
    """Return the variables of a run: of all the settings above, these alone."""
    ours = {name for _, _, setting in COLUMNS.values() for name in setting}
    kept = {k: v for k, v in env.variables().items() if k not in ours}
    return {k: v for k, v in kept.items() if not k.startswith("PYTEST_")} | more


def validate(python: Path, paths: list[Path], more: dict[str, str], log: Path) -> dict[str, str]:
    """Run nbval, strictly, on copies of the notebooks; return for each what differs, or ok.

    Raises:
        env.Failed: where nbval does not come to run them.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        report = folder / "report.xml"
        command = [python, "-m", "pytest", "-c", "pyproject.toml", f"--rootdir={folder}"]
        command += ["-p", "tools.kernels", "-p", "no:cacheprovider", "--color=no"]
        command += [f"--junitxml={report}"]
        command += [shutil.copy2(path, folder) for path in paths]
        with log.open("w", encoding="utf-8") as said:
            done = subprocess.run(
                command, cwd=ROOT, env=variables(more), stdout=said, stderr=subprocess.STDOUT
            )
        if done.returncode not in (0, 1):
            raise env.Failed(f"pytest ended with {done.returncode}: read {log.name}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    return {path.stem: difference(notebooks.read(path), path.name, cases) for path in paths}


def difference(notebook, name: str, cases: list) -> str:
    """Return ok, or the first cell of a notebook that differs with its claim, from a report."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cases = [case for case in cases if case.get("classname") == name]
    failed = [case for case in cases if len(case)]
    if not failed:
        return "ok" if len(cases) == len(cells) else f"{len(cases)} of {len(cells)} cells ran"
    number = int(failed[0].get("name").removeprefix("Cell "))
    text = plain("".join(failed[0].itertext()))
    stored = re.findall(r"^ *\+ (.*\S)", text, re.MULTILINE)  # pytest's diff: - new, + stored
    if told := failed_claims(text) or stored[:1]:
        return f"cell {number}: {'; '.join(told)}"
    lines = [o.get("text", "") for o in cells[number].get("outputs", [])]
    claims = [line for line in "".join(lines).splitlines() if line.startswith("✓")]
    return f"cell {number}: {'; '.join([text.splitlines()[-1][:80], *claims])}"


def plain(text: str) -> str:
    """Return a cell's traceback without colors, and without empty lines around it."""
    return re.sub(r"(#x1B|\x1b)\[[0-9;]*m", "", text).strip()


def failed_claims(text: str) -> list[str]:
    """Return the claims that `check` found to fail, from a traceback."""
    return re.findall(r"AssertionError: ✗ (.*)", plain(text))


def chosen(arguments: list[str]) -> tuple[list[str], list[Path]]:
    """Return the columns and the notebooks that the arguments name; all where they name none.

    Raises:
        SystemExit: where no column has these words.
    """
    names = [a for a in arguments if (notebooks.FOLDER / f"{Path(a).stem}.ipynb").exists()]
    words = [a for a in arguments if a not in names]
    columns = [c for c in COLUMNS if all(word in c for word in words)]
    if not columns:
        sys.exit(f"no notebook or column is named {' '.join(words)}; columns: {', '.join(COLUMNS)}")
    return columns, notebooks.paths(names)


def table(rows: dict[str, dict[str, str]]) -> str:
    """Return column -> row -> text as a Markdown table; `|` in a text is escaped."""
    lines = [["", *rows], ["---"] * (len(rows) + 1)]
    for name in dict.fromkeys(name for column in rows.values() for name in column):
        lines.append([name, *(c.get(name, "").replace("|", r"\|") for c in rows.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str]) -> None:
    columns, paths = chosen(arguments)
    results, red = {}, []
    for name in columns:
        stack, version, more = COLUMNS[name]
        began, stamp = time.monotonic(), {}
        try:
            python = environment(stack, version)
            stamp = {"TensorFlow / Keras": versions(python)}
            log = FOLDER / f"{name.replace(' ', '-')}.log"
            found = validate(python, paths, more, log)
        except env.Failed as error:
            found = dict.fromkeys((path.stem for path in paths), f"did not run: {error}")
        results[name] = stamp | found
        differing = [row for row, text in found.items() if text != "ok"]
        red += [name] if differing and name != PRE else []
        told = f"differs: {', '.join(differing)}" if differing else "ok"
        print(f"{name}: {told} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    print("", table(results), sep="\n")  # a Markdown table stands apart
    if red:
        sys.exit(f"not all ok: {', '.join(red)}; what pytest said: .matrix/*.log")


if __name__ == "__main__":
    main(sys.argv[1:])
