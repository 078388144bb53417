"""`helpers.session`: a quiet, repeatable kernel with an empty folder of its own."""

import gc
import os
import shutil
import subprocess
import sys
import warnings
import weakref
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers import session

CELLS = {
    "start": "from helpers import session\nworkspace = session.start('x')",
    "work": """
import keras, numpy as np
from helpers import models
model = models.create_model()
images, labels = np.zeros((64, 784), "float32"), np.zeros(64, "int64")
model.fit(images, labels, verbose=0)
model.save_weights("model.weights.h5")
model.save("model.keras")
model.export("exported", verbose=False)
restored = keras.saving.load_model("model.keras")
model.save("model.h5")
old = keras.saving.load_model("model.h5")
""",
    "checkpoint": """
import gc, tensorflow as tf
path = tf.train.Checkpoint(model=model).save("ckpt")
tf.train.Checkpoint(model=models.create_model()).restore(path)
collected = gc.collect()
""",
    "where": """
import os
from pathlib import Path
print(Path.cwd() == workspace, workspace.parts[-2:], len(os.listdir()) > 0)
""",
    "fresh": """%%python
import os, sys
print(sys.prefix)
print(os.path.basename(os.getcwd()))
from helpers import session
session.attach()
import keras, tensorflow as tf
variables = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
print(keras.backend.backend(), *map(os.environ.get, variables))
import gc
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
""",
    "first draw": "_ = session.start('x')\nbefore = models.create_model().get_weights()",
    "second draw": """
again = session.start('x')
after = models.create_model().get_weights()
print(all((a == b).all() for a, b in zip(before, after)), again == workspace, os.listdir())
""",
    # A thread of the kernel brings what is written there; wait for it, and all before it is there.
    "control": """
import sys, time
arrived, write = [], sys.stderr.write
sys.stderr.write = lambda text: (arrived.append(text), write(text))
_ = os.write(2, b"written to file descriptor 2")
until = time.monotonic() + 60
while not arrived and time.monotonic() < until:
    time.sleep(0.05)
""",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What the cells of one real kernel left behind: name of the cell -> its outputs."""
    cells = [nbformat.v4.new_code_cell(source.strip("\n")) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("kernel")
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    # Under pytest a kernel does not watch file descriptor 2; here it must.
    client.execute(env={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"})
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def stream(outputs: list, name: str) -> str:
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == name)


def test_training_saving_and_exporting_leave_nothing_on_stderr(outputs):
    noise = {name: stream(held, "stderr") for name, held in outputs.items()}
    control = noise.pop("control")
    assert "file descriptor 2" in control, "this test would not notice noise"
    assert noise == dict.fromkeys(noise, "")


def test_the_first_cell_prints_the_versions_and_nothing_else(outputs):
    from importlib.metadata import version

    line = f"TensorFlow {version('tensorflow')}, Keras {version('keras')}\n"
    assert [o.output_type for o in outputs["start"]] == ["stream"]
    assert stream(outputs["start"], "stdout") == line


def test_saving_and_exporting_print_nothing(outputs):
    assert outputs["work"] == []
    assert outputs["checkpoint"] == []


def test_the_kernel_stands_in_a_workspace_of_its_own(outputs):
    assert stream(outputs["where"], "stdout") == "True ('artifacts', 'x') True\n"


def test_a_fresh_interpreter_is_of_this_environment_and_stands_in_the_workspace(outputs):
    prefix, folder, settings, collector = stream(outputs["fresh"], "stdout").splitlines()
    assert Path(prefix) == Path(sys.prefix)
    assert folder == "x"
    assert settings == "tensorflow 0 1 1"
    assert collector == "True True", "the import is slow again, or garbage is never collected"


def test_started_twice_a_kernel_draws_the_same_weights_in_the_same_emptied_folder(outputs):
    assert stream(outputs["second draw"], "stdout").splitlines()[-1] == "True True []"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../notebooks", "a/b", "a\\b", "/", "~", "a b", "x\n", "-rf", "*", None, 7],
)
def test_a_bad_name_is_refused_before_anything_is_deleted(workplace, name):
    kept = workplace / "artifacts" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("precious")
    with pytest.raises(ValueError, match="expected a notebook's name") as raised:
        session.start(name)
    assert repr(name) in str(raised.value)
    assert kept.read_text() == "precious"
    assert Path.cwd() == workplace


def test_a_workspace_that_can_not_be_emptied_is_not_used(workplace, monkeypatch):
    kept = workplace / "artifacts" / "x" / "open.h5"
    kept.parent.mkdir(parents=True)
    kept.write_text("in use")
    monkeypatch.setattr(session, "attach", lambda: None)
    monkeypatch.setattr(session, "_home", None)
    monkeypatch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)
    with pytest.raises(RuntimeError, match=r"could not be emptied: open\.h5 is still in use"):
        session.start("x")


HOLD = """
import sys
from helpers import session
session.attach = lambda: None
session.start(sys.argv[1])
open("kept.txt", "w").close()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_kernel(workplace):
    """A function that starts a process which holds a notebook's workspace."""
    started = []

    def hold(name):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, name],
            env={**os.environ, "PYTHONPATH": str(Path(session.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert "ready\n" in iter(process.stdout.readline, ""), "the other process ended"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_kernel_does_not_empty_the_folder_of_the_first_and_is_told_who_has_it(
    other_kernel, workplace, monkeypatch
):
    monkeypatch.setattr(session, "_locks", {})
    process = other_kernel("x")
    folder = workplace / "artifacts" / "x"
    with pytest.raises(RuntimeError) as raised:
        session._keep_others_out(folder, patience=0.2)
    assert f"The notebook x is in use by another kernel, process {process.pid}," in str(
        raised.value
    )
    assert (folder / "kept.txt").exists()


def test_another_notebook_beside_it_is_no_obstacle(other_kernel, workplace, monkeypatch):
    monkeypatch.setattr(session, "_locks", {})
    other_kernel("x")
    session._keep_others_out(workplace / "artifacts" / "y", patience=0.2)


def test_the_lock_that_a_killed_kernel_left_behind_is_no_obstacle(
    other_kernel, workplace, monkeypatch
):
    monkeypatch.setattr(session, "_locks", {})
    process = other_kernel("x")
    process.kill()
    process.wait()
    folder = workplace / "artifacts" / "x"
    assert Path(f"{folder}.lock").read_text() == str(process.pid)
    session._keep_others_out(folder, patience=0.2)
    assert Path(f"{folder}.lock").read_text() == str(os.getpid())


def test_another_backend_is_refused_before_anything_is_deleted(workplace):
    kept = workplace / "artifacts" / "x" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("precious")
    run = subprocess.run(
        [sys.executable, "-c", "from helpers import session; session.start('x')"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "RuntimeError: Keras runs on the backend 'jax'; expected 'tensorflow'" in run.stderr
    assert kept.read_text() == "precious"


def test_keras_imported_before_with_another_backend_is_refused(keras, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="runs on the backend 'jax'; expected 'tensorflow'"):
        session.attach()


def test_a_setting_that_you_made_yourself_stays(keras, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    session.attach()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_a_model_that_you_delete_is_freed_though_the_session_was_started_again(tiny):
    model = tiny()
    session.attach()
    freed = weakref.ref(model)
    del model
    gc.collect()
    assert freed() is None


def test_a_collector_that_you_stopped_stays_stopped(keras):
    gc.disable()
    try:
        session.attach()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_this_environments_programs_are_found_first_and_listed_once(monkeypatch):
    here = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join(["/elsewhere", here, "/usr/bin"]))
    session._put_this_environment_first()
    found = os.environ["PATH"].split(os.pathsep)
    assert found[0] == here
    assert found.count(here) == 1
    assert found[-2:] == ["/elsewhere", "/usr/bin"]


def test_an_error_while_tensorflow_is_imported_is_not_swallowed(capfd):
    with pytest.raises(ImportError, match="no such thing"), session._silent_stderr():
        os.write(2, b"noise")
        raise ImportError("no such thing")
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


def test_only_numpys_remark_is_silenced_and_your_warnings_are_not(keras):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session.attach()
        warnings.warn("`__array__` implementation doesn't accept a copy keyword", stacklevel=1)
        warnings.warn("Skipping variable loading for optimizer", stacklevel=1)
    assert [str(w.message) for w in caught] == ["Skipping variable loading for optimizer"]
