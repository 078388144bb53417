"""Run the reading of a file in a process of its own, with a limit on time and memory.

As a program it is that process: `python -m helpers.files.limits PATH MEMORY`.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

SECONDS = 10.0
MEMORY = 1_000_000_000  # bytes
IMPORTING, READING = b"importing\n", b"reading\n"
_speaks = []  # not empty in the process that reads


def in_a_process(path: Path, seconds: float, memory: int, verify: bool = False):
    """Describe a path in another process.

    Raises:
        FileNotFoundError, Unreadable: what the process raised, or that it ended otherwise.
    """
    from helpers.files.description import Description
    from helpers.files.reading import Unreadable

    home = str(Path(__file__).parents[2])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    # -P: what lies in the working folder is not imported
    command = [sys.executable, "-P", "-m", "helpers.files.limits", os.fspath(path), str(memory)]
    command += ["verify"] if verify else []
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except ValueError as error:  # a null character in the path
        raise Unreadable(f"{str(path)!r} is no path: {error}") from error
    with process:
        try:
            said = _answer(process, seconds)
        except TimeoutError:
            raise Unreadable(
                f"{path} took more than {seconds:g} s to read: damaged or hostile"
            ) from None
        finally:
            process.kill()
    try:
        answer = json.loads(said)
    except ValueError:
        code = process.returncode
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        raise Unreadable(
            f"{path} made the library that reads it crash ({how}): damaged or hostile"
        ) from None
    if "error" in answer:
        kinds = {"FileNotFoundError": FileNotFoundError}
        raise kinds.get(answer["kind"], Unreadable)(answer["error"])
    return Description.from_json(answer)


def _answer(process, seconds: float) -> bytes:
    """The last line of a process; only the time while it reads the file is counted.

    Raises:
        TimeoutError: where that is more than ``seconds``, or importing takes over a minute.
    """
    lines = queue.Queue()

    def listen():
        for line in process.stdout:
            lines.put(line)
        process.wait()
        lines.put(b"")

    threading.Thread(target=listen, daemon=True).start()
    left = {IMPORTING: 60.0, READING: seconds}
    doing = IMPORTING
    while True:
        began = time.monotonic()
        try:
            line = lines.get(timeout=max(left[doing], 0))
        except queue.Empty:
            raise TimeoutError from None
        left[doing] -= time.monotonic() - began
        if line not in (IMPORTING, READING):
            return line
        doing = line


def say(words: bytes) -> None:
    """Tell the process that waits what this one does now, if it is such a process."""
    if _speaks:
        os.write(1, words)


def limit(memory: int | None) -> int | None:
    """Allow this process so many bytes more than it has now, or any; return what it was allowed.

    Only Linux tells how much a process has; elsewhere this does nothing.
    """
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    import resource

    has = int(statm.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = resource.RLIM_INFINITY if memory is None else has + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return None if soft == resource.RLIM_INFINITY else max(soft - has, 0)


@contextlib.contextmanager
def lifted():
    """Import a library in the block: what it takes is not counted."""
    left = limit(None)
    say(IMPORTING)
    try:
        yield
    finally:
        say(READING)
        if left is not None:
            limit(left)


def main(path: str, memory: int, verify: bool) -> None:
    """Print the description as JSON, or the error."""
    import h5py  # noqa: F401  (libraries are no part of what the file takes)
    import ml_dtypes  # noqa: F401

    from helpers import files
    from helpers.files import limits

    limits._speaks.append(True)  # this module is __main__ here
    limit(memory)
    limits.say(READING)
    try:
        answer = files.describe_here(Path(path), verify).json()
    except MemoryError:
        answer = {"kind": "Unreadable", "error": f"{path} needs more than {memory:,} bytes to read"}
    except RecursionError:
        answer = {"kind": "Unreadable", "error": f"{path} is nested too deeply to read"}
    except Exception as error:
        answer = {"kind": type(error).__name__, "error": str(error)}
        if not isinstance(error, (OSError, ValueError)):
            answer["error"] = f"{path} can't be read: {type(error).__name__}: {error}"
    with os.fdopen(1, "w", encoding="ascii", closefd=False) as out:
        json.dump(answer, out)
    os._exit(0)  # TensorFlow takes long to end


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["verify"])
