"""The places where notebooks are read: environments of their own, and a strict validation there.

What colab.py and binder.py share. An environment is made once and kept in a folder that git
ignores, until one of its inputs changes; `make clean` removes it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import form
import pytest

from tools import env, notebooks

ROOT = notebooks.ROOT
KERNEL = "elsewhere"


def variables(**more: str) -> dict[str, str]:
    """Return the variables for a program in another place: nothing of this one leaks into it."""
    kept = env.variables()
    leaks = ("PYTEST_", "GIT_", "JUPYTER", "IPYTHON")
    return {k: v for k, v in kept.items() if not k.startswith(leaks)} | more


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Run a command with these variables and return what it printed; the test fails if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=variables(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}", pytrace=False)
    return done.stdout


@contextmanager
def alone(folder: Path):
    """Hold a folder against the other workers of this test run."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(folder: Path, version: str, inputs: str, install: Callable[[Path], None]) -> Path:
    """Return an environment's Python; make the environment if its inputs are new.

    Args:
        folder: where it stands.
        version: the Python it has, such as "3.13"; uv finds or downloads it.
        inputs: the text that decides what is in it.
        install: puts the packages there, given the environment's Python.
    """
    python, made = folder / "bin" / "python", folder / "made"
    key = hashlib.sha256(f"{version}\n{inputs}".encode()).hexdigest()
    if not (made.exists() and made.read_text() == key and python.exists()):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            env.quietly(env.find_uv(), "venv", "--no-project", "--seed", "-p", version, folder)
        except env.Failed as error:
            shutil.rmtree(folder, ignore_errors=True)
            told = f"no Python {version} found, and none could be downloaded ({error}): install it"
            pytest.fail(told, pytrace=False)
        install(python)
        made.write_text(key)
    return python


def install(python: Path, *what: str | Path, cwd: Path = ROOT) -> None:
    """Install with uv, and compile: it halves the import of TensorFlow."""
    uv = env.find_uv()
    run(uv, "pip", "install", "--compile-bytecode", "--python", python, *what, cwd=cwd)


def copy(folder: Path) -> Path:
    """Put this repository there as git would, with the changes that are not committed yet."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = run("git", "ls-files", "-coz", "--exclude-standard", cwd=ROOT).split("\0")
    for name in listed:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def commit(folder: Path) -> Path:
    """Make a repository of a folder, with one commit."""
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "--all", "--force", cwd=folder)
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    run("git", *who, "commit", "-q", "--no-verify", "-m", "as it is", cwd=folder)
    return folder


def validate(
    path: Path,
    python: Path,
    scratch: Path,
    arguments: tuple[str, ...] = (),
    watch: Callable[[int], None] | None = None,
    **more: str,
) -> list[str]:
    """Run nbval, strictly, on a notebook with the kernel of another environment.

    Args:
        path: the notebook; it runs in its folder.
        python: the environment's Python.
        scratch: a new folder, for what the run itself writes.
        arguments: what its kernel is started with besides.
        watch: called five times a second with the process that has the kernel as its child.
        more: variables for the kernel.

    Returns:
        A sentence for each cell that differs or fails, with its claims; nothing where none does.
    """
    spec, report = scratch / "kernels" / KERNEL / "kernel.json", scratch / "report.xml"
    spec.parent.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}", *arguments]
    spec.write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    given = project["tool"]["pytest"]["ini_options"]["addopts"]
    options = given.replace("--nbval-current-env", f"--nbval-kernel-name={KERNEL}")
    assert options != given
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-o", f"addopts={options}"]
    command += ["-p", "tools.kernels", "-p", "no:cacheprovider", "-n0", "--color=no"]
    command += [f"--junitxml={report}", str(path)]
    ours = {"JUPYTER_PATH": str(scratch), "IPYTHONDIR": str(scratch / "ipython")}
    # What the kernel finds first on PATH is its own environment, as after an activation.
    ours["PATH"] = os.pathsep.join([str(python.parent), env.variables()["PATH"]])
    log = scratch / "log.txt"
    with log.open("w") as output:
        going = subprocess.Popen(
            command, cwd=ROOT, env=variables(**(ours | more)), stdout=output, stderr=output
        )
        try:
            until = time.monotonic() + 900
            while going.poll() is None and time.monotonic() < until:
                if watch:
                    watch(going.pid)
                time.sleep(0.2)
        finally:
            going.kill()
            going.wait()
    assert going.returncode in (0, 1), f"nbval did not run:\n{log.read_text()}"
    return faults(path, report)


def faults(path: Path, report: Path) -> list[str]:
    """Read nbval's report: notebook, cell, claims and difference for each cell that failed."""
    cells = form.code(notebooks.read(path))
    tests = list(ElementTree.parse(report).iter("testcase"))
    assert len(tests) == len(cells), f"nbval ran {len(tests)} of the {len(cells)} cells"
    told = []
    for test in tests:
        if len(test):
            number = int(test.get("name").removeprefix("Cell "))
            said = form.stream(cells[number]).splitlines()
            named = "; ".join(x for x in said if x.startswith("✓")) or cells[number].source[:60]
            told.append(f"{path.stem}, code cell {number} ({named}):\n{''.join(test.itertext())}")
    return told


def require_none(told: list[str]) -> None:
    """Fail with the first three of these faults; the later ones mostly follow from them."""
    if told:
        pytest.fail("\n\n".join([f"{len(told)} cells differ", *told[:3]]), pytrace=False)
