"""The set-up: requirements, Binder, make, CI, and the one line that outputs may differ in."""

import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import env

ROOT = Path(__file__).parents[1]
TARGETS = ["lab", "test", "sabotage", "browser", "colab", "binder", "lint", "notebooks", "stamp"]
TARGETS += ["fuzz", "picture", "constraints", "upgrade", "matrix", "minutes", "clean"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(lines):
    """Return name -> list of requirements; options such as -e, and comments, are left out."""
    found = {}
    for line in lines:
        line = re.sub(r"(^|\s+)#.*", "", line).strip()
        if line and not line.startswith("-"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


READER = requirements(read("requirements.txt").splitlines())
BINDER = requirements(read("binder/requirements.txt").splitlines())
PINNED = requirements(read("constraints.txt").splitlines())
PROJECT = tomllib.loads(read("pyproject.toml"))
DEV = requirements(PROJECT["dependency-groups"]["dev"])


@pytest.mark.parametrize("listed", [READER, BINDER, DEV], ids=["reader", "binder", "dev"])
def test_every_requirement_is_pinned_within_its_range(listed):
    assert listed
    for name, [wanted] in listed.items():
        assert name in PINNED, f"constraints.txt lacks {name}: run `make constraints`"
        for pin in PINNED[name]:
            [version] = pin.specifier
            assert version.operator == "=="
            assert wanted.specifier.contains(version.version), f"{pin} is not {wanted}"


def test_constraints_hold_exact_versions_and_no_address_or_path():
    assert len(PINNED) > 50
    for pins in PINNED.values():
        for pin in pins:
            assert [s.operator for s in pin.specifier] == ["=="] and not pin.url
    assert not re.search(r"://|^-|\s/\w", read("constraints.txt"), re.MULTILINE)


def test_one_tensorflow_is_pinned():
    versions = {str(PINNED[name][0].specifier) for name in ("tensorflow", "tensorflow-cpu")}
    assert len(versions) == 1
    [keras_2] = PINNED["tf-keras"][0].specifier
    assert keras_2.version.split(".")[:2] == versions.pop()[2:].split(".")[:2]


def test_binder_has_the_ranges_of_a_reader_but_tensorflow_without_gpu():
    for name, [wanted] in BINDER.items():
        [reader] = READER["tensorflow" if name == "tensorflow-cpu" else name]
        assert wanted.specifier == reader.specifier, name
    assert "tensorflow-cpu" in BINDER
    assert not {"tensorflow", "tf-keras"} & set(BINDER), "they would bring the GPU's TensorFlow"
    lines = read("binder/requirements.txt").splitlines()
    assert "-e ." in lines and "-c ../constraints.txt" in lines


def test_binder_installs_tf_keras_alone_and_stops_at_an_error():
    script = read("binder/postBuild")
    assert re.search(r"^set -e", script, re.MULTILINE)
    assert re.search(r"pip install .*--no-deps -c constraints.txt tf_keras$", script, re.MULTILINE)
    assert os.name == "nt" or os.access(ROOT / "binder" / "postBuild", os.X_OK)


def test_binder_and_ci_run_pythons_that_are_supported():
    runtime = re.fullmatch(r"python-(3\.\d+)\n", read("binder/runtime.txt"))
    matrix = workflow()["jobs"]["make"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.13"]
    assert {runtime[1], *matrix} <= {"3.11", "3.12", "3.13"}
    assert PROJECT["project"]["requires-python"] == env.RANGE.split(",")[0]


def workflow():
    return yaml.safe_load(read(".github/workflows/ci.yml"))


def test_ci_runs_the_same_targets_everywhere():
    job = workflow()["jobs"]["make"]
    steps = [step.get("run", "") for step in job["steps"]]
    assert [step for step in steps if "make" in step] == ["make ${{ matrix.target }}"]
    targets = ["lint", "test", "sabotage", "browser", "colab", "binder"]
    assert job["strategy"]["matrix"]["target"] == targets
    [loop] = re.findall(r"^for target in (.*); do$", read(".ci/run"), re.MULTILINE)
    assert loop.split() == targets


def test_every_saboteur_works_on_github_though_ci_draws_some_of_them():
    assert "SABOTAGE_ROWS" in read(".ci/run")
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert "SABOTAGE_ROWS" not in path.read_text(encoding="utf-8")


def test_ci_has_the_permissions_and_the_python_that_it_names():
    assert workflow()["permissions"] == {"contents": "read"}
    assert workflow()["jobs"]["make"]["env"] == {"PYTHON": "${{ matrix.python }}"}


@pytest.mark.parametrize("named", ["right", "wrong"])
def test_ci_fails_where_the_registry_names_another_repository(named, tmp_path):
    steps = workflow()["jobs"]["make"]["steps"]
    [command] = [s["run"] for s in steps if s.get("name") == "suite.yml names this repository"]
    (tmp_path / "suite.yml").write_text(read("suite.yml"), encoding="utf-8")
    own = yaml.safe_load(read("suite.yml"))["repository"]
    variables = os.environ | {"GITHUB_REPOSITORY": own if named == "right" else f"{own}-2"}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert ran.returncode == (0 if named == "right" else 1)
    assert ("names another repository" in ran.stdout) == (named == "wrong")


def test_ci_script_is_bash_that_stops_at_an_error():
    assert "\nset -euo pipefail\n" in read(".ci/run")
    assert os.name == "nt" or os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.skipif(os.name == "nt", reason="the README gives Windows the plain commands")
@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target):
    variables = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    listed = subprocess.run(
        ["make", "-n", target], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.strip()
    assert f"## {target} " in read("Makefile"), "`make help` does not list it"


def test_environment_is_made_again_when_a_requirement_changes():
    [line] = re.findall(r"^\$\(READY\): (.*)$", read("Makefile"), re.MULTILINE)
    files = ["requirements.txt", "constraints.txt", "pyproject.toml", "tools/env.py"]
    assert line.split() == files
    assert env.DONE == ROOT / ".venv" / "installed"


def test_an_active_environment_does_not_leak(monkeypatch):
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    seen = env.quietly(sys.executable, "-c", "import os; print(*os.environ)").split()
    assert "PATH" in seen and not {"VIRTUAL_ENV", "PYTHONPATH"} & set(seen)


def test_a_missing_python_is_one_clear_line(monkeypatch, tmp_path):
    def nothing(*command, **options):
        raise env.Failed("no interpreter found")

    monkeypatch.setattr(env, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(env, "DONE", tmp_path / ".venv" / "installed")
    monkeypatch.setattr(env, "quietly", nothing)
    monkeypatch.delenv("PYTHON", raising=False)
    with pytest.raises(env.Failed, match=r"no Python >=3.11,<3.14 found.*install Python 3.11") as e:
        env.make_environment("uv")
    assert "\n" not in str(e.value)
    assert not (tmp_path / ".venv").exists()


def test_a_failed_install_leaves_no_finished_environment(monkeypatch, tmp_path):
    monkeypatch.setattr(env, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(env, "DONE", tmp_path / ".venv" / "installed")
    monkeypatch.setattr(env, "quietly", lambda *command, **options: "3.12\n")
    monkeypatch.setattr(env.subprocess, "call", lambda *command, **options: 1)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed").touch()
    with pytest.raises(env.Failed, match="could not be installed"):
        env.make_environment("uv")
    assert not (tmp_path / ".venv" / "installed").exists()


def test_an_unsupported_python_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(env, "VENV", tmp_path / ".venv")
    monkeypatch.setenv("PYTHON", "3.9")

    def old(*command, **options):
        (tmp_path / ".venv").mkdir(exist_ok=True)
        return "3.9\n"

    monkeypatch.setattr(env, "quietly", old)
    with pytest.raises(env.Failed, match=r"PYTHON=3.9 is Python 3.9; expected 3.11 to 3.13"):
        env.make_environment("uv")
    assert not (tmp_path / ".venv").exists()


SANITIZERS = get_sanitize_patterns(read("tests/sanitize.cfg"))


def sanitized(text):
    """Do what nbval does with each output, stored or new."""
    for pattern, replacement in dict(SANITIZERS).items():
        text = re.sub(pattern, replacement, text)
    return text


def test_there_is_one_sanitizer_and_the_suite_uses_it():
    assert len(SANITIZERS) == 1
    options = PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
    assert "--nbval-sanitize-with=tests/sanitize.cfg" in options.split()


def test_every_stack_prints_the_same_first_line():
    here, colab = "TensorFlow 2.21.0, Keras 3.15.1\n", "TensorFlow 2.20.0, Keras 3.13.2\n"
    coming = "TensorFlow 2.22.0-rc0, Keras 3.15.1\n"
    assert {sanitized(line) for line in (here, colab, coming)} == {"TensorFlow and Keras\n"}


@pytest.mark.parametrize(
    "text",
    [
        "TensorFlow 2.21 does",
        "TensorFlow 2.21.0 does",
        "TensorFlow 2.21.0",
        "Keras 3.15.1",
        "TensorFlow 2.21.0, Keras 3.15.1 and more",
        "with TensorFlow 2.21.0, Keras 3.15.1",
        "  TensorFlow 2.21.0, Keras 3.15.1",
        "TensorFlow 2.21.0, Keras 3.15.1rc0",
        "TensorFlow 2.21.0,\nKeras 3.15.1",
        "TensorFlow -1.21.0, Keras 3.15.1",
        "TensorFlow 2.22.0-rc, Keras 3.15.1",
        "✓ the restored model predicts what the trained one did",
    ],
)
def test_no_other_words_are_sanitized(text):
    assert sanitized(f"before\n{text}\nafter\n") == f"before\n{text}\nafter\n"


def test_pytest_runs_notebooks_strictly_and_in_this_environment():
    options = PROJECT["tool"]["pytest"]["ini_options"]
    given = options["addopts"].split()
    for option in ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "--dist=loadfile"):
        assert option in given
    assert "--nbval-lax" not in given
    assert options["testpaths"] == ["notebooks", "tests"]


def test_git_keeps_notebooks_as_they_are_written():
    assert "*.ipynb text eol=lf" in read(".gitattributes").splitlines()
    ignored = read(".gitignore").splitlines()
    assert {"/.venv/", "/.uv/", "/.colab/", "/.binder/", "artifacts/"} <= set(ignored)


def test_readme_gives_the_two_commands_and_the_plain_ones():
    lines = [line.split("#")[0].strip() for line in read("README.md").splitlines()]
    commands = ["pip install -r requirements.txt", "jupyter lab notebooks", "pytest --nbval"]
    for command in ["make lab", "make test", *commands]:
        assert command in lines, command


def test_readme_shows_one_small_picture_and_tells_it_in_words():
    [(alt, file)] = re.findall(r"!\[([^]]*)\]\((?!https:)([^)]+)\)", read("README.md"))
    assert len(alt.split()) > 10
    assert (ROOT / file).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / file).stat().st_size < 200_000


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_only_what_there_is(name):
    text = read(name)
    for target in re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:ARGS|#|`|$))", text, re.MULTILINE):
        assert target in TARGETS, f"{name} names `make {target}`"
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links or name != "README.md"
    for link in links:
        assert (ROOT / link).exists(), f"{name} links to {link}"


def test_two_makes_at_once_make_the_environment_once_instead_of_deleting_each_others(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(env, "ROOT", tmp_path)
    monkeypatch.setattr(env, "DONE", tmp_path / "installed")
    monkeypatch.setattr(env, "find_uv", lambda: "uv")
    (tmp_path / "tools").mkdir()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml", "tools/env.py"):
        (tmp_path / name).touch()
    made, together = [], []

    def make(uv):
        together.append(len(together) - len(made))
        time.sleep(0.3)
        made.append(uv)
        (tmp_path / "installed").touch()

    monkeypatch.setattr(env, "make_environment", make)
    threads = [threading.Thread(target=env.main, args=([],)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["uv"] and together == [0]
