"""Break one promise underneath a notebook and require that its validation says so, and where.

    pytest tests/sabotage.py -n 2 --dist=load

Each test re-runs a notebook, so they run apart from the others. The package saboteurs says how to
add one.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import form
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from saboteurs.cases import CASES

from tools import matrix, notebooks

ROOT = Path(__file__).parents[1]
ROWS = [(name, *row) for name, rows in CASES.items() for row in rows]


@dataclass
class Result:
    """What `pytest --nbval -x` said of a notebook: its first failing cell, and why it failed."""

    cell: nbformat.NotebookNode | None
    passed: int
    text: str = ""
    log: str = ""

    def failed_claims(self) -> list[str]:
        """The claims that failed: in the kernel's traceback, or in a fresh interpreter."""
        return matrix.failed_claims(f"{self.text}\n{self.log}")


def validate(path: Path, saboteur: str) -> Result:
    """Run nbval on a notebook with a saboteur in its kernel and in the interpreters it starts."""
    site, log, report = (path.parent / name for name in ("site", "log", "report.xml"))
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import saboteurs\n"
        "del sys.path[0]\n"
        f"saboteurs.arm({saboteur!r}, {str(log)!r})\n",
        encoding="utf-8",
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT)])
    options = ["-c", "pyproject.toml", "-p", "tools.kernels", "-p", "no:cacheprovider"]
    options += ["-n0", "-x", "--color=no"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", str(path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode in (0, 1), f"nbval did not run:\n{run.stdout}\n{run.stderr}"
    tests = list(ElementTree.parse(report).iter("testcase"))
    failed = [test for test in tests if len(test)]
    written = log.read_text(encoding="utf-8") if log.exists() else ""
    if not failed:
        assert run.returncode == 0 and tests
        return Result(None, len(tests), log=written)
    number = int(failed[0].get("name").removeprefix("Cell "))
    cell = form.code(notebooks.read(path))[number]
    return Result(cell, len(tests) - 1, "".join(failed[0].itertext()), written)


def fault(result: Result, claim: str) -> str:
    """Say why this is not the failure of that claim; nothing where it is."""
    if result.cell is None:
        return f"nobody noticed: all {result.passed} cells passed"
    if any(claim in failed for failed in result.failed_claims()):
        return ""
    shown = "\n".join(form.shown(result.cell))
    if "Cell outputs differ" in result.text and claim in shown and not result.failed_claims():
        return ""
    return (
        f"the first cell to fail is not the one that claims {claim!r}, or it crashed there:\n"
        f"{result.cell.source}\n\n{result.text[-2000:]}\n{result.log}"
    )


def copied(name: str, folder: Path) -> Path:
    path = folder / f"{name}.ipynb"
    path.write_bytes((notebooks.FOLDER / path.name).read_bytes())
    return path


@pytest.mark.parametrize(
    ("name", "saboteur", "claim"), ROWS, ids=[f"{name}-{f.__name__}" for name, f, _ in ROWS]
)
def test_sabotage_is_noticed_at_the_claim(name, saboteur, claim, tmp_path):
    result = validate(copied(name, tmp_path), saboteur.__name__)
    assert f"{saboteur.__name__} broke" in result.log, "the saboteur never came to work"
    assert not (told := fault(result, claim)), told


@pytest.mark.parametrize("name", CASES)
def test_one_changed_word_in_a_stored_output_is_noticed_at_its_cell(name, tmp_path):
    path = copied(name, tmp_path)
    notebook = notebooks.read(path)
    cell = next(cell for cell in form.code(notebook) if form.ticks(cell))
    stream = next(o for o in cell.outputs if "✓" in o.get("text", ""))
    start, _, last = stream.text.rstrip("\n").rpartition(" ")
    stream.text = f"{start} {last[::-1]}x\n"
    nbformat.write(notebook, path)
    result = validate(path, "harmless")
    assert result.cell is not None and result.cell.source == cell.source
    assert "Cell outputs differ" in result.text


@pytest.mark.parametrize("name", CASES)
def test_every_claim_holds_for_another_sample_of_digits(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITS_SOURCE", "mnist")
    result = validate(copied(name, tmp_path), "other_digits")
    assert "other_digits broke keras" in result.log
    assert result.cell is None, f"{result.cell.source}\n\n{result.text}"


def test_a_harmless_saboteur_lets_the_notebook_pass(tmp_path):
    result = validate(copied("00_start_here", tmp_path), "harmless")
    assert result.cell is None, result.text
    assert result.passed == len(form.code(notebooks.read(tmp_path / "00_start_here.ipynb")))
    assert "harmless broke keras in Python" in result.log
    assert "harmless broke keras in fresh Python" in result.log, "%%python cells were not reached"


def test_every_saboteur_says_which_promise_it_breaks():
    used = {function for _, function, _ in ROWS}
    assert all(function.__doc__ and function.module for function in used)


# The rig, on planted notebooks

CLAIM = 'check("red has some light", colorsys.rgb_to_hls(1, 0, 0)[1] == 0.5)'
TICK = "✓ red has some light\n"


def plant(folder, *cells) -> Path:
    path = folder / "planted.ipynb"
    made = [
        new_code_cell(
            source, execution_count=n, outputs=[new_output("stream", text=out)] * bool(out)
        )
        for n, (source, out) in enumerate(cells, 1)
    ]
    nbformat.write(new_notebook(cells=made), path)
    return path


START = "import colorsys\nfrom helpers.proof import check, refuses", ""


FRESH = f"%%python\n{START[0]}\n{CLAIM}"
CRASH = "1 / colorsys.rgb_to_hls(1, 0, 0)[1]"
PRINT = "print(colorsys.rgb_to_hls(1, 0, 0)[1])\n# red has some light"
RIG = {
    "caught": ("planted", [(CLAIM, TICK)], ""),
    "caught in fresh Python": ("planted", [(FRESH, TICK)], ""),
    "broken in fresh Python only": ("planted_in_fresh_python", [(FRESH, TICK)], ""),
    "not broken here": ("planted_in_fresh_python", [(CLAIM, TICK)], "all 2 cells passed"),
    "not used": ("planted", [("print('red')", "red\n")], "nobody noticed"),
    "no claim": ("planted", [(PRINT, "0.5\n")], "not the one that claims"),
    "another claim": ("planted", [(CLAIM.replace("some", "much"), TICK)], "not the one"),
    "crash before the claim": ("planted", [(CRASH, ""), (CLAIM, TICK)], "not the one"),
    "crash in its cell": ("planted", [(f"{CRASH}\n{CLAIM}", TICK)], "or it crashed there"),
    "crash in fresh Python": (
        "planted",
        [(FRESH.replace("import c", "import no, c"), TICK)],
        "crashed",
    ),
}


@pytest.mark.parametrize(("saboteur", "cells", "expected"), RIG.values(), ids=RIG)
def test_only_the_failure_of_the_claim_itself_counts(saboteur, cells, expected, tmp_path):
    told = fault(validate(plant(tmp_path, START, *cells), saboteur), "red has some light")
    assert expected in told if expected else told == ""
