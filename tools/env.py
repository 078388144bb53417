"""Make .venv with every package of this repository, started by any python3 from 3.7 on.

python3 tools/env.py              # what `make` calls; PYTHON=3.13 asks for that version
python3 tools/env.py constraints  # write constraints.txt anew from the ranges

It needs the standard library alone. uv does the work: the one on PATH, or else one that is
installed from PyPI into .uv, which belongs to this repository and is ignored by git.
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where make is not used
    fcntl = None

ROOT = Path(__file__).resolve().parent.parent
VENV, PRIVATE = ROOT / ".venv", ROOT / ".uv"
DONE = VENV / "installed"  # written last: make compares its date with the requirements
RANGE = ">=3.11,<3.14"  # the Pythons that TensorFlow 2.20 and 2.21 have in common with us
PYTHONS = ("3.11", "3.12", "3.13")  # each of them

# An environment that is active in the user's shell must not leak into this one.
LEAKS = ["VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON"]
LEAKS += ["UV_SYSTEM_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_CONSTRAINT", "UV_OVERRIDE"]


class Failed(Exception):
    """A step that did not work, with the one line that says why."""


def variables():
    """Return the variables for other programs; pyenv's Pythons come last on PATH."""
    kept = {name: value for name, value in os.environ.items() if name not in LEAKS}
    pyenv = kept.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    folders = sorted(glob.glob(os.path.join(pyenv, "versions", "*", "bin")))
    kept["PATH"] = os.pathsep.join([kept.get("PATH") or os.defpath, *folders])
    return kept


def quietly(*command, **options):
    """Run a command and return what it printed.

    Raises:
        Failed: where it cannot run or fails, with the last line that it printed.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=variables(),
            **options,
        )
    except OSError as error:
        raise Failed(str(error)) from None
    if done.returncode:
        raise Failed((done.stdout.strip() or "no message").splitlines()[-1].strip())
    return done.stdout


def find_uv():
    """Return the path of a uv that can install a dependency group; install one if need be."""
    for uv in (shutil.which("uv"), PRIVATE / "bin" / "uv"):
        try:
            if uv and "--group" in quietly(uv, "pip", "install", "--help"):
                return str(uv)
        except Failed:
            pass  # a uv that does not start is as good as none
    print("no recent uv on PATH: installing one into .uv", flush=True)
    reasons = []
    for attempt in (with_pip, with_venv, with_pip_of_debian):
        shutil.rmtree(str(PRIVATE), ignore_errors=True)
        try:
            attempt()
            quietly(PRIVATE / "bin" / "uv", "--version")
            return str(PRIVATE / "bin" / "uv")
        except Failed as error:
            reasons.append(str(error))
    raise Failed(
        f"uv is missing and could not be installed ({reasons[0]}): install uv "
        "(https://docs.astral.sh/uv) or venv (Debian, Ubuntu: apt-get install python3-venv), "
        "then run make again"
    )


def with_pip(pip=(sys.executable, "-m", "pip")):
    # uv is a program in a wheel; the oldest Pythons run it although it says that they do not.
    flags = ["--quiet", "--ignore-requires-python", "--only-binary", ":all:"]
    quietly(*pip, "install", *flags, "--target", PRIVATE, "uv")


def with_venv():
    quietly(sys.executable, "-m", "venv", PRIVATE)
    quietly(PRIVATE / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")


def with_pip_of_debian():
    """Debian's python3 comes without pip and venv: unpack pip from its package, for this once."""
    with tempfile.TemporaryDirectory() as folder:
        quietly("apt-get", "download", "python3-pip-whl", cwd=folder)
        for package in Path(folder).glob("*.deb"):
            quietly("dpkg-deb", "-x", package, folder)
        for wheel in Path(folder).glob("usr/share/python-wheels/pip-*.whl"):
            with_pip([sys.executable, wheel / "pip"])


def make_environment(uv):
    """Make .venv anew and install the verified versions into it."""
    shutil.rmtree(str(VENV), ignore_errors=True)
    wanted = os.environ.get("PYTHON") or RANGE
    try:
        quietly(uv, "venv", "--no-project", "--python", wanted, VENV)
    except Failed as error:
        raise Failed(
            f"no Python {wanted} found, and none could be downloaded ({error}): install "
            "Python 3.11, 3.12 or 3.13, or name one with PYTHON=/path/to/it, then run make again"
        ) from None
    python = VENV / "bin" / "python"
    version = quietly(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    if version not in PYTHONS:
        shutil.rmtree(str(VENV))
        raise Failed(f"PYTHON={wanted} is Python {version}; expected 3.11 to 3.13")
    print("installing the packages into .venv with Python " + version, flush=True)
    # Compiled now, since an environment may forbid it later (PYTHONDONTWRITEBYTECODE): it halves
    # the import of TensorFlow, which every notebook pays twice.
    install = [uv, "pip", "install", "--compile-bytecode", "--python", str(python), "pip"]
    install += ["-r", "requirements.txt", "--group", "dev", "-c", "constraints.txt"]
    if subprocess.call(install, cwd=str(ROOT), env=variables()):
        raise Failed("the packages could not be installed, uv says above why; then run make again")
    DONE.touch()


def made_by_another():
    """Say whether .venv is newer than what it is made from: another make was faster."""
    inputs = ["requirements.txt", "constraints.txt", "pyproject.toml", "tools/env.py"]
    newest = max((ROOT / name).stat().st_mtime for name in inputs)
    return DONE.exists() and DONE.stat().st_mtime >= newest


@contextlib.contextmanager
def alone():
    """Wait for the other makes: two at once would delete each other's .venv."""
    with open(str(ROOT / "requirements.txt")) as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_constraints(uv):
    """Resolve the ranges anew, for every platform and every supported Python."""
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    cpu = "\n".join(line for line in lines if line.startswith("tensorflow-cpu"))
    compile = [uv, "pip", "compile", "--universal", "--upgrade", "--python-version", "3.11"]
    compile += ["--fork-strategy", "fewest", "--no-annotate", "--no-emit-package", "helpers"]
    compile += ["--custom-compile-command", "make constraints", "--quiet", "--group", "dev"]
    compile += ["requirements.txt", "-", "--output-file", "constraints.txt"]
    done = subprocess.run(compile, input=cpu.encode(), cwd=str(ROOT), env=variables())
    if done.returncode:
        raise Failed("constraints.txt could not be written, uv says above why")


def main(arguments):
    if arguments not in ([], ["constraints"]):
        raise Failed(f"tools/env.py was given {arguments}; expected constraints or nothing")
    with alone():
        if arguments:
            write_constraints(find_uv())
        elif not made_by_another():
            make_environment(find_uv())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failed as error:
        sys.exit(f"tools/env.py: {error}")
    except KeyboardInterrupt:
        sys.exit("tools/env.py: interrupted; run make again")
