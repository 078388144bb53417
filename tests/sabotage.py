"""Break one promise underneath a notebook and require that its validation says so, and where.

    pytest tests/sabotage.py -n 2 --dist=worksteal

Each test re-runs a notebook, so they run apart from the others. The package saboteurs says how to
add one.
"""

import functools
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import form
import nbformat
import pytest
import warm
from nbformat.v4 import new_code_cell, new_notebook, new_output
from saboteurs import rig
from saboteurs.cases import CASES

from tools import matrix, notebooks

ROOT = Path(__file__).parents[1]
WARM = Path(warm.__file__)
LINUX = sys.platform == "linux"  # warm.py needs it; elsewhere every Python is a new one


def drawn(rows: tuple, number: int, seed: str) -> list:
    """Draw so many of a notebook's rows, in their order: the same for the same seed."""
    places = random.Random(seed).sample(range(len(rows)), min(number, len(rows)))
    return [rows[place] for place in sorted(places)]


def chosen() -> list[tuple]:
    """All rows of all notebooks; with SABOTAGE_ROWS so many of each, anew for each commit."""
    if number := os.environ.get("SABOTAGE_ROWS"):
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True)
        kept = {name: drawn(rows, int(number), commit + name) for name, rows in CASES.items()}
    else:
        kept = CASES
    return [(name, *row) for name, rows in kept.items() for row in rows]


ROWS = chosen()


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


def variables(*folders: Path, python: Path = Path(sys.executable)) -> dict[str, str]:
    """The variables where `python` is this one, and finds modules in these folders and in ROOT."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    kept["PATH"] = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, [*folders, ROOT]))}


@functools.cache
def warm_server() -> tuple[Path, subprocess.Popen]:
    """Start this worker's server of warm.py, which ends with the worker: its socket, and it."""
    address = Path(tempfile.mkdtemp(prefix="warm-"), "socket")
    command = [sys.executable, WARM, "serve", address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    server = subprocess.Popen(command, env=variables(), cwd=ROOT, **pipes)
    assert server.stdout.readline() == b"ready\n", "warm.py could not import TensorFlow"
    return address, server


def warm_python(path: Path, address: Path | None = None) -> Path:
    """Write a `python`, and a tool, that ask the server of this worker, or the one there."""
    command = [sys.executable, "-IS", WARM, address or warm_server()[0]]
    path.parent.mkdir(parents=True)
    for name, words in ("saved_model_cli", [*command, *warm.TOOL]), (path.name, command):
        program = path.with_name(name)
        program.write_text(f'#!/bin/sh\nexec {" ".join(map(shlex.quote, map(str, words)))} "$@"\n')
        program.chmod(0o755)
    return path


def validate(path: Path, saboteur: str) -> Result:
    """Run nbval on a notebook with a saboteur in its kernel and in the interpreters it starts."""
    site, log, report = (path.parent / name for name in ("site", "log", "report.xml"))
    site.mkdir()
    python = warm_python(path.parent / "bin" / "python") if LINUX else Path(sys.executable)
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        f"sys.executable = {str(python)!r}\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import saboteurs\n"
        "del sys.path[0]\n"
        f"saboteurs.arm({saboteur!r}, {str(log)!r})\n",
        encoding="utf-8",
    )
    options = ["-c", "pyproject.toml", "-p", "tools.kernels", "-p", "no:cacheprovider"]
    options += ["-n0", "-x", "--color=no"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", str(path)],
        cwd=ROOT,
        env=variables(site, python=python),
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


def test_a_draw_is_the_same_for_one_commit_and_leaves_no_row_out_for_long():
    rows = CASES["00_start_here"]
    assert drawn(rows, 6, "one") == drawn(rows, 6, "one") != drawn(rows, 6, "another")
    assert len(drawn(rows, 6, "one")) == 6 and drawn(rows, 99, "one") == list(rows)
    assert {row for commit in range(40) for row in drawn(rows, 6, str(commit))} == set(rows)


def test_every_saboteur_says_which_promise_it_breaks():
    used = {function for rows in CASES.values() for function, _ in rows}
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


SILENT = "with silent():\n    colorsys.rgb_to_hls(1, 0, 0)", "✓ silent: no warning, no log line\n"
LISTEN = "import colorsys\nfrom helpers import session\nfrom helpers.proof import silent\n"


@pytest.mark.parametrize("saboteur", rig.HEARD, ids=lambda saboteur: saboteur.__name__)
def test_every_channel_is_heard(saboteur, tmp_path):
    planted = plant(tmp_path, (f"{LISTEN}session.attach()", ""), SILENT)
    result = validate(planted, saboteur.__name__)
    assert fault(result, "rgb_to_hls speaks") == ""


# Warm Pythons: what is forked from one server is as good as new

linux = pytest.mark.skipif(not LINUX, reason="warm.py needs Linux")
WHOLE = """import keras
from helpers.proof import check
module = keras.Model.load_weights.__module__
check("load_weights is that of Keras", not module.startswith("saboteurs"))
check("nothing is registered", not keras.saving.get_custom_objects())
keras.saving.get_custom_objects()["left"] = keras.layers.Dense
"""
TICKS = "✓ load_weights is that of Keras\n✓ nothing is registered\n"
NEW = f"%%python\nfrom helpers import session\n\nsession.attach()\n{WHOLE}"
ASK = "from helpers import session\nsession.attach()\nimport os\nprint(os.getppid())\n"
PYTHONS = {
    "as a notebook does": (ASK, {}, True),
    "with other digits": (ASK, {"DIGITS_SOURCE": "mnist"}, True),
    "with other variables": (ASK, {"TF_ENABLE_ONEDNN_OPTS": "1"}, False),
    "with a variable that nobody knows": (ASK, {"SURPRISE": "1"}, False),
    "changes a variable": (f"import os\nos.environ['A'] = '1'\n{ASK}", {}, False),
    "looks at modules": (f"import sys\n{ASK}", {}, False),
    "does not attach": ("import os\nprint(os.getppid())", {}, False),
}
ENDS = {"exit(3)": 3, "os._exit(4)": 4, "1 / 0": 1, "os.abort()": -6}


@pytest.mark.parametrize("source", [WHOLE, NEW], ids=["kernel", "fresh Python"])
def test_a_run_leaves_nothing_behind_for_the_next(source, tmp_path):
    for n, saboteur in enumerate(["harmless", "load_weights_does_nothing", "harmless"]):
        folder = tmp_path / str(n)
        folder.mkdir()
        result = validate(plant(folder, START, (source, TICKS)), saboteur)
        noticed = fault(result, "load_weights is that of Keras") == ""
        assert noticed == (saboteur != "harmless"), result.text
        assert noticed or result.cell is None, result.text


@linux
def test_a_kernel_is_warm(tmp_path):
    source = f"import os\nassert os.getppid() == {warm_server()[1].pid}"
    planted = plant(tmp_path, (source, ""), (WHOLE, TICKS))
    assert validate(planted, "harmless").cell is None


@linux
def test_a_run_that_could_not_start_counts_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "warm_server", lambda: (tmp_path / "nobody", None))
    result = validate(plant(tmp_path, START, (CLAIM, TICK)), "planted")
    assert not result.log
    assert fault(result, "red has some light")


@pytest.fixture
def python(tmp_path):
    """A warm Python and its variables, with an empty sitecustomize."""
    (tmp_path / "sitecustomize.py").touch()
    return {"args": warm_python(tmp_path / "bin" / "python"), "env": variables(tmp_path)}


@linux
@pytest.mark.parametrize(("script", "changed", "served"), PYTHONS.values(), ids=PYTHONS)
def test_a_python_is_warm_only_where_that_is_the_same(script, changed, served, python):
    python["env"] |= changed
    parent = subprocess.check_output(**python, input=script, text=True)
    assert (int(parent) == warm_server()[1].pid) is served


@linux
@pytest.mark.parametrize(("last", "code"), ENDS.items())
def test_a_warm_python_ends_as_a_new_one_does(last, code, python):
    run = subprocess.run(**python, input=ASK + last, text=True, capture_output=True)
    assert run.returncode == code
    assert ("ZeroDivisionError" in run.stderr) == (last == "1 / 0")


@linux
def test_a_warm_python_is_killed_with_its_client(python):
    script = f"{ASK}print(os.getpid(), flush=True)\nimport time\ntime.sleep(600)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(**python, **pipes, text=True) as client:
        client.stdin.write(script)
        client.stdin.close()
        client.stdout.readline()
        forked = Path("/proc", client.stdout.readline().strip())
        assert forked.exists()
        client.kill()
    end = time.monotonic() + 30
    while forked.exists():
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.05)
