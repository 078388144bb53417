"""Run each notebook as Colab does: on its versions, alone in an empty folder, helpers from git.

    pytest tests/colab.py -n 2 --dist=load

The setup cell stays as it is. Its `%pip install git+https://github.com/...` reaches this
repository, with what is not committed yet, because git is told to read that address elsewhere.
The first run installs 2 GB into .colab, so these tests run apart from the others.
"""

import os
import re
from pathlib import Path

import nbformat
import places
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import env, notebooks, stamp

VERSION = "3.13"
PINS = places.ROOT / "tests" / "colab.txt"
FOLDER = places.ROOT / ".colab"

# Colab loads `google.colab` into its kernel before the first cell, and with it a %pip that is
# plain `pip` (googlecolab/colabtools, google/colab/_installation_commands.py): unlike IPython's
# it prints no note of its own.
STAND_IN = '''\
"""A stand-in for Colab's own module."""


def load_ipython_extension(shell):
    def pip(line):
        shell.system("pip " + line)

    shell.register_magic_function(pip)
'''


@pytest.fixture(scope="session")
def base():
    """The Python that has what Colab has, and no helpers; kept in .colab."""
    with places.alone(FOLDER):
        wanted = PINS.read_text(encoding="utf-8")
        fill = lambda python: places.install(python, "-r", PINS)  # noqa: E731
        return places.environment(FOLDER / "env", VERSION, wanted, fill)


@pytest.fixture(scope="session")
def origin(tmp_path_factory):
    """This repository as it would be on GitHub."""
    return places.commit(places.copy(tmp_path_factory.mktemp("github") / "repository"))


@pytest.fixture
def machine(base, tmp_path):
    """A fresh machine: what Colab has, `google.colab`, and room for what `%pip` installs."""
    folder = tmp_path / "machine"
    python = places.environment(folder, str(base), "", lambda python: None)
    [site] = folder.glob("lib/python3*/site-packages")
    [colab] = (base.parent.parent).glob("lib/python3*/site-packages")
    (site / "colab.pth").write_text(f"{colab}\n", encoding="utf-8")
    (site / "google" / "colab").mkdir(parents=True)
    (site / "google" / "colab" / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    found = "import importlib.util; print(importlib.util.find_spec('helpers'))"
    assert places.run(python, "-c", found, cwd=tmp_path) == "None\n", "helpers were there before"
    return python


def opened(path: Path, machine: Path, base: Path, origin: Path) -> list[str]:
    """Run a notebook, which is alone in its folder, on this machine; return its faults."""
    assert os.listdir(path.parent) == [path.name]
    address = f"https://github.com/{stamp.registry()['repository']}"
    return places.validate(
        path,
        machine,
        path.parents[1] / "scratch",
        ("--IPKernelApp.extensions=google.colab",),
        PATH=os.pathsep.join([str(machine.parent), str(base.parent), env.variables()["PATH"]]),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{origin.as_uri()}.insteadOf",
        GIT_CONFIG_VALUE_0=address,
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )


def alone(folder: Path, name: str) -> Path:
    path = folder / "content" / f"{name}.ipynb"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize("name", [path.stem for path in notebooks.paths()])
def test_on_colab_every_output_is_the_stored_one(name, machine, base, origin, tmp_path):
    path = alone(tmp_path, name)
    path.write_bytes((notebooks.FOLDER / path.name).read_bytes())
    places.require_none(opened(path, machine, base, origin))


def test_these_are_the_versions_that_colab_has(base):
    pins = re.findall(r"^([\w-]+)==([\w.]+)$", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    ask = "import sys, importlib.metadata as m; print('%d.%d' % sys.version_info[:2], "
    ask += "*map(m.version, sys.argv[1:]))"
    told = places.run(base, "-c", ask, *[name for name, _ in pins], cwd=FOLDER).split()
    assert told == [VERSION, *[version for _, version in pins]]


# The rig, on planted notebooks

SETUP = stamp.colab_cell(stamp.registry())
WHERE = "import sys, helpers\nhelpers.__file__.startswith(sys.prefix), 'tools' in sys.modules"
CHECK = "from helpers.proof import check\ncheck('two is two', 2 == 2)"


def plant(path: Path, *cells) -> Path:
    made = [
        new_code_cell(source, execution_count=n, outputs=[output] if output else [])
        for n, (source, output) in enumerate(cells, 1)
    ]
    nbformat.write(new_notebook(cells=made), path)
    return path


def test_the_setup_cell_installs_the_helpers_and_prints_nothing(machine, base, origin, tmp_path):
    shown = new_output("execute_result", {"text/plain": "(True, False)"}, execution_count=2)
    tick = new_output("stream", text="✓ two is two\n")
    path = plant(alone(tmp_path, "planted"), (SETUP, None), (WHERE, shown), (CHECK, tick))
    places.require_none(opened(path, machine, base, origin))


def test_a_cell_that_differs_is_named_with_its_claim(machine, base, origin, tmp_path):
    tick = new_output("stream", text="✓ two is one\n")
    path = plant(alone(tmp_path, "planted"), (SETUP, None), (CHECK, tick))
    [told] = opened(path, machine, base, origin)
    assert told.startswith("planted, code cell 1 (✓ two is one):\n")
    assert "Cell outputs differ" in told


def test_a_failed_install_is_a_fault_of_the_setup_cell(machine, base, tmp_path):
    path = plant(alone(tmp_path, "planted"), (SETUP, None), (CHECK, None))
    first, second = opened(path, machine, base, tmp_path / "nothing")
    assert first.startswith("planted, code cell 0") and "Cell outputs differ" in first
    assert "No module named 'helpers'" in second
