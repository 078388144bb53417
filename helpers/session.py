"""Start a notebook: quiet logs, fixed seeds, one empty folder to write into."""

import contextlib
import gc
import logging
import os
import re
import shutil
import sys
import sysconfig
import time
import warnings
from pathlib import Path

SEED = 1
_home: Path | None = None
_locks = {}  # workspace -> its open lock file; the system frees the lock when this process ends

# Read by TensorFlow when it is imported, unless you set them yourself. oneDNN orders sums
# differently on each processor, and several threads cut them differently for each number of
# cores. A model as small as ours gains nothing by threads: they wait longer than they work.
_BEFORE_IMPORT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONUTF8": "1",
}


def start(name: str) -> Path:
    """Prepare this kernel for a notebook and enter its empty workspace.

    Sets the logs to errors only (before TensorFlow is imported), the seeds, deterministic
    operations and the PATH of this environment. Then it empties ``artifacts/<name>`` in the
    folder where the kernel was started, makes it the working folder, and prints one line with
    the versions in use. Run it again in the same kernel and the same folder is emptied. While
    this kernel runs, no other gets that folder: ``artifacts/<name>.lock`` is locked.

    Args:
        name: the notebook's name, such as ``"01_checkpoint_callback"``: letters, digits,
            ``_`` and ``-`` only, since the folder of that name is emptied.

    Returns:
        The workspace, an absolute path.

    Raises:
        ValueError: where ``name`` is no such name.
        RuntimeError: where Keras runs, or is told to run, on another backend than TensorFlow;
            where another kernel has this notebook's folder, with the id of its process.
    """
    global _home
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(
            f"session.start was given {name!r}; expected a notebook's name made of letters, "
            "digits, '_' and '-', such as '01_checkpoint_callback'"
        )
    attach()
    _home = _home or Path.cwd()
    workspace = _home / "artifacts" / name
    _keep_others_out(workspace)
    os.chdir(_home)  # Windows cannot remove the folder one stands in
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True, exist_ok=True)
    if left := sorted(path.name for path in workspace.iterdir()):
        raise RuntimeError(f"{workspace} could not be emptied: {', '.join(left)} is still in use")
    os.chdir(workspace)

    import keras
    import tensorflow as tf

    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}")
    return workspace


def attach() -> None:
    """Give a fresh interpreter the settings of `start`; the working folder stays as it is.

    A ``%%python`` cell begins with it: the cell's interpreter already stands in the workspace
    of the notebook that started it.

    Raises:
        RuntimeError: where Keras runs, or is told to run, on another backend than TensorFlow.
    """
    for variable, value in _BEFORE_IMPORT.items():
        os.environ.setdefault(variable, value)
    imported = sys.modules.get("keras")
    backend = imported.backend.backend() if imported else os.environ["KERAS_BACKEND"]
    if backend != "tensorflow":
        raise RuntimeError(
            f"Keras runs on the backend {backend!r}; expected 'tensorflow'. "
            "Unset KERAS_BACKEND, restart the kernel and run the first cell again"
        )
    _put_this_environment_first()
    with _silent_stderr(), _no_collection():
        import absl.logging
        import keras
        import tensorflow as tf
    absl.logging.set_verbosity("error")
    tf.get_logger().setLevel(logging.CRITICAL)  # what is wrong is raised as well
    # NumPy's remark on a call inside h5py and Keras; nothing that a reader could act on.
    warnings.filterwarnings("ignore", message=".*__array__.* copy keyword")
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()


def _keep_others_out(workspace: Path, patience: float = 5.0) -> None:
    """Lock a workspace for as long as this process runs.

    Waits `patience` seconds for a kernel that is about to end. The lock is the system's, on an
    open file: the file that a dead process leaves behind is no obstacle.
    """
    if workspace in _locks:
        return
    workspace.parent.mkdir(parents=True, exist_ok=True)
    file = open(f"{workspace}.lock", "a+", encoding="utf-8")  # noqa: SIM115
    until = time.monotonic() + patience
    while not _locked(file):
        if time.monotonic() > until:
            file.seek(0)
            process = file.read().strip() or "unknown"
            file.close()
            raise RuntimeError(
                f"The notebook {workspace.name} is in use by another kernel, process {process}, "
                "which would lose its files. Shut that kernel down, then run this cell again"
            )
        time.sleep(0.1)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _locks[workspace] = file


def _locked(file) -> bool:
    """Lock an open file for this process; False where another process has it."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(1000)  # the first bytes stay readable: they tell the process
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _put_this_environment_first() -> None:
    """`%%python` and command-line tools are looked up on PATH: find this environment's first."""
    first = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    rest = [p for p in os.environ.get("PATH", "").split(os.pathsep) if p and p not in first]
    os.environ["PATH"] = os.pathsep.join([*dict.fromkeys(first), *rest])


@contextlib.contextmanager
def _no_collection():
    """Keep the garbage collector away from what TensorFlow's import makes: all of it stays.

    Else Python looks through these 500,000 objects several times during the import, in each
    large collection afterwards, and when it ends: more than a third of the import's time.
    """
    enabled, first = gc.isenabled(), "tensorflow" not in sys.modules
    gc.disable()
    try:
        yield
    finally:
        if first:  # later there may be models of yours, which are to go when you delete them
            gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _silent_stderr():
    """Drop what libraries write to file descriptor 2 while TensorFlow is imported.

    No variable silences the lines that TensorFlow writes before its log is set up. A Python
    error in the block is still raised.
    """
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
