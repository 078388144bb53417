"""`tools.matrix` and `tools.minutes`: what they read from a report, and the tables they print."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import env, matrix, minutes, notebooks

WORKFLOW = matrix.ROOT / ".github" / "workflows" / "matrix.yml"


@pytest.fixture
def notebook():
    claims = new_output("stream", text="✓ two is two\n✓ one | two\n")
    return new_notebook(
        cells=[new_code_cell("import sys"), new_code_cell("%%python", outputs=[claims])]
    )


def cases(*texts, name="planted.ipynb"):
    """What pytest writes of a notebook, a cell a text; None is a cell that passed."""
    suite = ElementTree.Element("testsuite")
    for number, text in enumerate(texts):
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=f"Cell {number}")
        if text is not None:
            ElementTree.SubElement(case, "failure").text = text
    return list(suite)


# What nbval 0.11 says of a claim that fails, of an output that differs, and of the rest.
FAILED = """Notebook cell execution failed
Cell 1: Cell execution caused an exception

Traceback:
#x1B[32m---> 42#x1B[39m     raise AssertionError(f"✗ {claim}")

#x1B[31mAssertionError#x1B[39m: ✗ two is two: 2 differ
"""
DIFFERS = """Cell 1: Cell outputs differ

Traceback:
 mismatch 'stdout'
  '✓ two is two\\n' == '✓ two is 2\\n'

  - ✓ two is 2
  ?          ^
  + ✓ two is two
  ?          ^^^
"""
STDERR = "Cell 0: Cell outputs differ\n\nTraceback:\nUnexpected output fields: {'stderr'}\n"
FRESH = "Traceback:\n\n#x1B[31mCalledProcessError#x1B[39m: Command 'b\"x\"' returned 1.\n"


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (cases(None, None), "ok"),
        (cases(None), "1 of 2 cells ran"),
        (cases(), "0 of 2 cells ran"),
        (cases(None, None, name="another.ipynb"), "0 of 2 cells ran"),
        (cases(None, FAILED), "cell 1: two is two: 2 differ"),
        (cases(None, DIFFERS), "cell 1: ✓ two is two"),
        (cases(STDERR, FAILED), "cell 0: Unexpected output fields: {'stderr'}"),
        (
            cases(None, FRESH),
            "cell 1: CalledProcessError: Command 'b\"x\"' returned 1.; ✓ two is two; ✓ one | two",
        ),
    ],
)
def test_the_first_cell_that_differs_is_named_with_its_claim(notebook, report, told):
    assert matrix.difference(notebook, "planted.ipynb", report) == told


def test_the_table_has_a_row_a_notebook_and_a_column_a_setting():
    rows = {"old": {"versions": "1", "00": "ok"}, "new": {"00": "cell 1: one | two"}}
    assert matrix.table(rows).splitlines() == [
        "|  | old | new |",
        "| --- | --- | --- |",
        "| versions | 1 |  |",
        r"| 00 | ok | cell 1: one \| two |",
    ]


def test_every_stack_runs_on_every_python_and_the_newest_on_other_processors():
    seen = {(stack, version) for stack, version, _ in matrix.COLUMNS.values()}
    assert seen >= {(s, v) for s in ("oldest", "newest") for v in env.PYTHONS}
    settings = [more for stack, _, more in matrix.COLUMNS.values() if more and stack == "newest"]
    assert settings == [
        {"TF_ENABLE_ONEDNN_OPTS": "1"},
        {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
        {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
        {"TF_NUM_INTRAOP_THREADS": "0", "TF_NUM_INTEROP_THREADS": "0"},
    ]


def test_words_and_names_choose_columns_and_notebooks():
    assert matrix.chosen([]) == (list(matrix.COLUMNS), notebooks.paths())
    [first, *_] = notebooks.paths()
    assert matrix.chosen(["oldest", "3.13", first.name]) == (["oldest 3.13"], [first])
    assert matrix.chosen(["pre-release"])[0] == ["pre-release"]
    with pytest.raises(SystemExit, match=r"named nowhere; columns: oldest 3\.11, "):
        matrix.chosen(["nowhere"])


def test_a_setting_of_the_shell_does_not_leak_into_a_column(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--nbval-lax")
    seen = matrix.variables({"OMP_NUM_THREADS": "1"})
    assert seen["OMP_NUM_THREADS"] == "1" and "PATH" in seen
    assert not {"TF_ENABLE_ONEDNN_OPTS", "PYTEST_ADDOPTS"} & set(seen)


@pytest.fixture
def results(monkeypatch, tmp_path):
    """What each column finds, by the name of its log; no environment is made."""
    found = {}
    monkeypatch.setattr(matrix, "FOLDER", tmp_path)
    monkeypatch.setattr(matrix, "environment", lambda stack, version: stack)
    monkeypatch.setattr(matrix, "versions", lambda python: "2 / 3")
    rows = lambda python, paths, more, log: {p.stem: found.get(log.stem, "ok") for p in paths}  # noqa: E731
    monkeypatch.setattr(matrix, "validate", rows)
    return found


def test_all_ok_ends_well_with_one_table(results, capsys):
    matrix.main(["00_start_here"])
    _, head, _, made_of, row = capsys.readouterr().out.splitlines()
    assert all(name in head for name in matrix.COLUMNS)
    assert made_of.count("2 / 3") == row.count("ok") == len(matrix.COLUMNS)


def test_one_difference_fails_the_run_and_stands_in_the_table(results, capsys):
    results["oldest-3.12"] = "cell 7: the claim"
    with pytest.raises(SystemExit, match=r"not all ok: oldest 3\.12;"):
        matrix.main(["00_start_here"])
    assert "| ok | cell 7: the claim | ok |" in capsys.readouterr().out


def test_the_prerelease_does_not_gate(results, capsys):
    results["pre-release"] = "cell 7: the claim"
    matrix.main(["00_start_here"])
    shown = capsys.readouterr()
    assert "cell 7: the claim" in shown.out and "pre-release: differs: 00_start_here" in shown.err


def test_a_column_that_does_not_run_fails(results, monkeypatch, capsys):
    def fail(stack, version):
        raise env.Failed("no such version")

    monkeypatch.setattr(matrix, "environment", fail)
    with pytest.raises(SystemExit, match="not all ok: newest"):
        matrix.main(["00_start_here", "newest", "AVX2"])
    assert "did not run: no such version" in capsys.readouterr().out
    matrix.main(["00_start_here", "pre-release"])


def test_an_environment_is_made_again_when_its_inputs_change(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(matrix, "FOLDER", tmp_path / ".matrix")
    monkeypatch.setattr(env, "find_uv", lambda: "uv")

    def install(*command, **options):
        made.append(command)
        if command[1] == "venv":
            command[-1].mkdir()

    monkeypatch.setattr(env, "quietly", install)

    def steps(stack):
        made.clear()
        python = matrix.environment(stack, "3.12")
        assert python == tmp_path / ".matrix" / f"{stack}-3.12" / "bin" / "python"
        return [command[1] for command in made]

    assert [steps("newest"), steps("newest")] == [["venv", "pip"], []]
    assert [steps(matrix.PRE), steps(matrix.PRE)] == [["venv", "pip"]] * 2, "tomorrow's is newer"
    (tmp_path / ".matrix" / "newest-3.12" / "installed").write_text("other requirements")
    assert steps("newest") == ["venv", "pip"]
    assert "constraints.txt" in made[1]


def test_a_failed_install_is_not_taken_for_an_environment(monkeypatch, tmp_path):
    def fail(*command, **options):
        if command[1] == "pip":
            raise env.Failed("no such version")
        command[-1].mkdir()

    monkeypatch.setattr(matrix, "FOLDER", tmp_path)
    monkeypatch.setattr(env, "find_uv", lambda: "uv")
    monkeypatch.setattr(env, "quietly", fail)
    for _ in range(2):
        with pytest.raises(env.Failed, match="no such version"):
            matrix.environment("newest", "3.12")


def test_notebooks_are_run_strictly_and_with_the_setting(tmp_path):
    show = "import os\nprint('✓ it is', os.environ['SETTING'])"
    paths = []
    for name, wanted in [("00_right", "on"), ("01_wrong", "off")]:
        output = new_output("stream", text=f"✓ it is {wanted}\n")
        cell = new_code_cell(show, execution_count=1, outputs=[output])
        paths.append(tmp_path / f"{name}.ipynb")
        nbformat.write(new_notebook(cells=[cell]), paths[-1])
    found = matrix.validate(Path(sys.executable), paths, {"SETTING": "on"}, tmp_path / "log")
    assert found == {"00_right": "ok", "01_wrong": "cell 0: ✓ it is off"}


def test_a_run_that_does_not_start_is_an_error(tmp_path):
    with pytest.raises(env.Failed, match="pytest ended with 4: read log"):
        matrix.validate(Path(sys.executable), [], {"PYTEST_ADDOPTS": "--no-such"}, tmp_path / "log")


def test_the_scheduled_workflow_covers_every_column_and_nothing_else():
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    job = workflow["jobs"]["matrix"]
    words = job["strategy"]["matrix"]["columns"]
    covered = [column for word in words for column in matrix.chosen([word])[0]]
    assert sorted(covered) == sorted(matrix.COLUMNS)
    assert workflow["permissions"] == {"contents": "read"}
    events = workflow[True]  # YAML reads the key `on` as a truth value
    assert set(events) == {"schedule", "workflow_dispatch"}
    assert any("make matrix" in step.get("run", "") for step in job["steps"])


def test_minutes_count_every_interpreter_that_imports_tensorflow():
    sources = ["import keras", "%%python\nimport keras", 'run(["saved_model_cli", "show"])', "1"]
    planted = new_notebook(cells=[new_code_cell(source) for source in sources])
    assert minutes.imports(planted) == 3


def test_minutes_set_the_validation_beside_the_floor(monkeypatch):
    monkeypatch.setattr(minutes, "CORES", 2)
    clone = {"cold": 100.4, "warm": 20.0}
    measured = {"00_a": (12.3, 812.6), "01_b": (20.0, 900.0)}
    text = minutes.report(clone, measured, {"00_a": 2, "01_b": 4}, whole=30.0, once=4.0)
    assert "| cold | 100 |" in text and "| 00_a | 12 | 813 | 2 |" in text
    assert "6 imports of TensorFlow, 4.0 s each, 2 at a time: 12 s, the floor" in text
    assert "takes 2.5 times as long" in text
    assert "git clone" not in minutes.report({}, measured, {"00_a": 2, "01_b": 4}, 30.0, 4.0)


def test_contributing_holds_the_place_of_the_minutes_once():
    page = (matrix.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert page.count(minutes.BEGIN) == page.count(minutes.END) == 1
    assert page.index(minutes.BEGIN) < page.index(minutes.END)
