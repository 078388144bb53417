"""Build what Binder would build, without its containers, and run each notebook in it.

    pytest tests/binder.py -n0

jupyter-repo2docker writes the Dockerfile; its install lines are run as they stand, in a fresh
environment that has what Binder's image has. Then a real JupyterLab serves the repository while
nbval runs a notebook, and the memory of both is measured; one notebook at a time, since memory
that two share would hide. The environments are kept in .binder, so these tests run apart.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import places
import psutil
import pytest

from tools import stamp

FOLDER = places.ROOT / ".binder"
REPO2DOCKER = "jupyter-repo2docker==2026.4.0"
GB = 2**30  # as Kubernetes counts
PROMISED, ALLOWED = 1.0, 2.0  # GB that Binder promises, and where it kills

# What runs beside a notebook on Binder, as far as it takes memory; conda-forge's jupyterhub is
# split in two, PyPI's is not.
IMAGE = ["jupyterlab", "jupyter_server", "notebook", "ipykernel", "ipywidgets"]
IMAGE += ["jupyter-resource-usage", "jupyterhub-singleuser"]

RENDER = """
import json
from pathlib import Path
from repo2docker import buildpacks
from repo2docker.app import Repo2Docker
app = Repo2Docker()
packs = (kind(app.base_image) for kind in app.buildpacks)
pack = next(pack for pack in packs if pack.detect())
pack.platform = "linux/amd64"
copied = pack.get_build_script_files().items()
[lock] = [source for source, place in copied if place.endswith("environment.lock")]
lock = Path(buildpacks.__file__).parent / lock
facts = {"pack": type(pack).__name__, "python": pack.python_version, "lock": lock.read_text()}
print(json.dumps({**facts, "dockerfile": pack.render(build_args={})}))
"""


@pytest.fixture(scope="session")
def clone():
    """The repository as Binder gets it, in a folder that stays: the helpers are editable there."""
    FOLDER.mkdir(exist_ok=True)
    return places.copy(FOLDER / "repository")


@pytest.fixture(scope="session")
def image(clone):
    """What repo2docker makes of this repository: pack, python, lock and dockerfile."""
    fill = lambda python: places.install(python, REPO2DOCKER)  # noqa: E731
    python = places.environment(FOLDER / "repo2docker", "3.12", REPO2DOCKER, fill)
    return json.loads(places.run(python, "-c", RENDER, cwd=clone).splitlines()[-1])


def steps(image: dict) -> list[str]:
    """The commands that Binder runs once the repository is there."""
    _, after = image["dockerfile"].split("COPY --chown=1000:1000 src/ ${REPO_DIR}/\n")
    return re.findall(r"^RUN (.*)$", after, re.MULTILINE)


def images_own(image: dict) -> dict[str, str]:
    """Return the packages of Binder's image that matter here, with their versions."""
    found = dict(re.findall(r"/([\w-]+?)-([\w.]+)-[^-/]+\.conda\b", image["lock"]))
    return {name.removesuffix("-singleuser"): found[name] for name in IMAGE}


@pytest.fixture(scope="session")
def python(image, clone):
    """The Python of Binder's environment, after the commands of the Dockerfile ran."""
    own = [f"{name}=={version}" for name, version in images_own(image).items()]
    files = ["constraints.txt", "pyproject.toml", "binder/requirements.txt", "binder/postBuild"]
    told = [(clone / name).read_text(encoding="utf-8") for name in files]
    place = FOLDER / "env"

    def fill(python):
        places.install(python, *own)
        path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
        for step in steps(image):
            prefix = {"KERNEL_PYTHON_PREFIX": str(place), "PATH": path}
            places.run("bash", "-c", step, cwd=clone, **prefix)
        places.run(python, "-m", "compileall", "-qq", place / "lib", cwd=clone)

    return places.environment(place, image["python"], "\n".join([*own, *steps(image), *told]), fill)


def installed(python: Path) -> dict[str, str]:
    """Return every package of an environment and its version, names in their canonical form."""
    ask = "import importlib.metadata as m, json; "
    ask += "print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found = json.loads(places.run(python, "-c", ask, cwd=FOLDER))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found.items()}


def test_the_image_has_python_3_12_and_installs_from_the_binder_folder(image):
    assert (image["pack"], image["python"]) == ("PythonBuildPack", "3.12")
    assert re.search(r"/python-3\.12\.\d+-", image["lock"])
    assert steps(image) == [
        '${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        "chmod +x binder/postBuild",
        "./binder/postBuild",
    ]


def test_what_binder_installs_is_what_the_outputs_were_verified_with(python):
    lines = (places.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)$", "\n".join(lines), re.MULTILINE))
    wanted = ["tensorflow-cpu", "keras", "tf-keras", "numpy", "h5py", "matplotlib", "safetensors"]
    found = installed(python)
    for name in [*wanted, "jupyterlab-h5web", "protobuf"]:
        assert found[name] == pins[name], name
    assert "tensorflow" not in found, "the TensorFlow for GPUs takes 0.6 GB more"


def test_the_helpers_are_installed_from_the_repository(python, clone):
    where = places.run(python, "-c", "import helpers; print(helpers.__file__)", cwd=FOLDER)
    assert Path(where.strip()) == clone / "helpers" / "__init__.py"


def test_post_build_stops_at_an_error(clone, tmp_path):
    stub = tmp_path / "python"
    stub.write_text("#!/bin/sh\nexit 3\n")
    stub.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    ran = subprocess.run(["./binder/postBuild"], cwd=clone, env=places.variables(PATH=path))
    assert ran.returncode == 3


# The notebooks, and the memory they take


def memory(process: psutil.Process) -> int:
    """Return the bytes of a process; of what it shares with others its share."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it ended just now
        return process.memory_full_info().pss
    return 0


def family(pid: int) -> list[psutil.Process]:
    """Return the processes that descend from this one: nbval's are the kernel and its own."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


@pytest.fixture(scope="module")
def server(python, clone, tmp_path_factory):
    """A JupyterLab that serves the repository, and a function that opens one of its pages."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("server")
    folders = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.port_retries=0"]
    log = home / "log.txt"

    def fetch(page: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=30) as answer:
            return answer.read()

    with log.open("w") as output:
        variables = places.variables(**folders)
        going = subprocess.Popen(command, cwd=clone, env=variables, stdout=output, stderr=output)
    try:
        for _ in range(120):
            assert going.poll() is None, f"JupyterLab ended:\n{log.read_text()}"
            try:
                fetch("api/status")
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(f"JupyterLab did not answer:\n{log.read_text()}")
        assert "jupyter_resource_usage" in log.read_text(), "Binder's image measures memory too"
        yield psutil.Process(going.pid), fetch
    finally:
        going.terminate()
        going.wait(20)


def said(entry: dict) -> float:
    """Return the GB that suite.yml says a notebook takes on Binder; without a word, the promise."""
    text = entry.get("limits", {}).get("Binder", f"takes up to {PROMISED} GB")
    found = re.search(r"takes up to (\d\.\d) GB", text)
    assert found, f"suite.yml, {entry['file']}: {text!r} does not say 'takes up to N.N GB'"
    return float(found[1])


def test_memory_is_counted_once_where_it_is_shared():
    shares = "import os, time; kept = bytearray(200 << 20); os.fork(); time.sleep(60)"
    going = subprocess.Popen([sys.executable, "-c", shares])
    try:
        until = time.monotonic() + 20
        while not family(going.pid) and time.monotonic() < until:
            time.sleep(0.1)
        both = [psutil.Process(going.pid), *family(going.pid)]
        assert len(both) == 2
        assert 200 << 20 < sum(memory(one) for one in both) < 300 << 20
    finally:
        for one in [*family(going.pid), going]:
            one.kill()
        going.wait()


@pytest.mark.parametrize("entry", stamp.written(stamp.registry()), ids=lambda entry: entry["file"])
def test_on_binder_every_output_is_the_stored_one_within_the_memory(
    entry, python, clone, server, tmp_path, capsys
):
    path = clone / "notebooks" / f"{entry['file']}.ipynb"
    process, fetch = server
    fetch(f"lab/tree/notebooks/{path.name}")
    assert json.loads(fetch(f"api/contents/notebooks/{path.name}"))["content"]["cells"]
    samples = []

    def watch(pid):
        samples.append((memory(process), *(memory(child) for child in family(pid))))

    told = places.validate(path, python, tmp_path / "scratch", watch=watch)
    places.require_none(told)
    parts = [f"{part / GB:.2f}" for part in max(samples, key=sum)]
    need, says = sum(max(samples, key=sum)) / GB, said(entry)
    with capsys.disabled():
        print(f"\n{path.stem}: up to {need:.2f} GB: server {parts[0]}, Python {parts[1:]}")
    assert need <= says, f"{path.stem} takes {need:.2f} GB on Binder, suite.yml says up to {says}"
    assert says == PROMISED or need > says - 0.3, f"{path.stem} takes {need:.2f} GB, not {says}"
    assert says < ALLOWED, "Binder ends what takes more"
