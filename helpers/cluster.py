"""Start the processes of a cluster on this machine, and end them whatever happens."""

import contextlib
import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HOST = "127.0.0.1"
START = """from helpers import session

session.attach()

import sys
import time

import keras
import numpy as np
import tensorflow as tf

from helpers import digits
"""

# On a machine of Google Cloud without a GPU, such as Colab's, TensorFlow's handler of notices does
# nothing but log a warning. It asks this address where it is; nobody answers there.
_NOT_GOOGLE_CLOUD = {"GCE_METADATA_IP": f"{HOST}:1"}


class Cluster:
    """Processes that run, as `start` yields them; each has a name such as ``"worker 1"``."""

    def __init__(self, processes: dict, seconds: float):
        self._processes, self._seconds = processes, seconds
        self._until = time.monotonic() + seconds
        self._lines = {name: [] for name in processes}
        self._heard = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in processes.items()
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, process: subprocess.Popen) -> None:
        for line in process.stdout:
            with self._heard:
                self._lines[name].append(line.rstrip("\n"))
                self._heard.notify_all()

    def wait_for(self, name: str, words: str) -> None:
        """Wait until a process has printed a line with these words.

        Raises:
            RuntimeError: where it ends, or its time ends, before; with what was printed.
        """
        process = self._process(name)
        with self._heard:
            while not any(words in line for line in self._lines[name]):
                ended, left = process.poll() is not None, self._until - time.monotonic()
                if (ended and not self._reading(name)) or left <= 0:
                    how = f"ended with {process.returncode}" if ended else self._late()
                    raise RuntimeError(f"{name} {how} before it printed {words!r}\n{self.told()}")
                self._heard.wait(min(left, 0.1))

    def send(self, name: str, number: int, after: float = 0) -> None:
        """Send a signal, such as ``signal.SIGTERM``, to a process, after so many seconds."""
        process = self._process(name)
        time.sleep(after)
        process.send_signal(number)

    def wait(self) -> dict[str, int]:
        """Wait until all processes have ended; return the exit code of each by its name.

        A process that a signal ended has the signal's number below zero, such as -9.

        Raises:
            RuntimeError: where the time ends before; with what was printed.
        """
        for name, process in self._processes.items():
            try:
                process.wait(max(0.0, self._until - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"{name} {self._late()}\n{self.told()}") from None
        for reader in self._readers:
            reader.join(5)  # what they printed last
        return {name: process.returncode for name, process in self._processes.items()}

    def lines(self, name: str) -> list[str]:
        """Return what a process has printed until now, errors included."""
        self._process(name)
        return list(self._lines[name])

    def told(self) -> str:
        """Return the last lines that each process printed, errors included."""
        parts = [f"--- {name}\n" + "\n".join(x[-40:]) for name, x in self._lines.items()]
        return "\n".join(parts)

    def _process(self, name: str) -> subprocess.Popen:
        if name not in self._processes:
            raise ValueError(f"there is no {name!r}; expected one of {sorted(self._processes)}")
        return self._processes[name]

    def _reading(self, name: str) -> bool:
        return self._readers[list(self._processes).index(name)].is_alive()

    def _late(self) -> str:
        return f"was still running after {self._seconds:g} seconds"

    def _end(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        for reader in self._readers:
            reader.join(5)
        for process in self._processes.values():
            process.stdin.close()
            process.stdout.close()


def write(path, main, *functions) -> None:
    """Write functions of a notebook into a program that calls one of them.

    The program imports sys, time, keras, numpy, tensorflow and `digits`, as a notebook does. It
    calls ``main`` with what stands behind its name on the command line, as strings.

    Args:
        path: the program's path.
        main: the function to call.
        functions: those that it needs, written as they are.
    """
    parts = [START, *map(inspect.getsource, (*functions, main))]
    parts.append(f'if __name__ == "__main__":\n    {main.__name__}(*sys.argv[1:])\n')
    Path(path).write_text("\n\n".join(parts), encoding="utf-8")


@contextlib.contextmanager
def start(script, *arguments: str, seconds: float = 90, **jobs: int):
    """Run a script in each process of a cluster, as a block; yields a `Cluster`.

    Each process gets ``TF_CONFIG`` with its own task, and the address of every other one. The
    addresses are free ports of 127.0.0.1, so the processes meet on this machine; the servers of
    TensorFlow listen on all of its interfaces, whatever the address says. What the processes
    print is kept in memory; an error in the block, or in them, shows it. They end with the
    block: when it is left, when an error or an interrupt leaves it, when the time is over, and
    when this Python ends, even if it is killed. They do not learn that they run in Google Cloud,
    if they do: there `PreemptionCheckpointHandler` ignores signals.

    Args:
        script: the path of a Python program; it runs in the current folder.
        arguments: what it finds in ``sys.argv[1:]``.
        seconds: how long the processes may run at most.
        jobs: how many processes of each job, such as ``worker=2``.

    Raises:
        ValueError: where there are no jobs, or one without a process.
        FileNotFoundError: where there is no such script.
    """
    if not jobs or min(jobs.values()) < 1:
        raise ValueError(f"cluster.start was given the jobs {jobs}; expected such as worker=2")
    if not Path(script).is_file():
        raise FileNotFoundError(f"cluster.start was given {str(script)!r}; there is no such file")
    with contextlib.ExitStack() as held:
        addresses = {job: [_reserved(held) for _ in range(count)] for job, count in jobs.items()}
        command = [
            sys.executable,
            "-m",
            "helpers.cluster",
            str(seconds),
            str(script),
            *arguments,
        ]
        processes, running = {}, None
        try:
            for job, count in jobs.items():
                for index in range(count):
                    task = {"type": job, "index": index}
                    config = json.dumps({"cluster": addresses, "task": task})
                    processes[f"{job} {index}"] = subprocess.Popen(
                        command,
                        env={**os.environ, **_NOT_GOOGLE_CLOUD, "TF_CONFIG": config},
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        encoding="utf-8",
                        errors="replace",
                        start_new_session=True,  # an interrupt of the kernel is not theirs
                    )
            running = Cluster(processes, seconds)
            yield running
        except Exception as error:
            if running and running.told() not in str(error):
                error.add_note(running.told())
            raise
        finally:
            if running:
                running._end()
            for process in processes.values():
                process.kill()
                process.wait()


def _reserved(held: contextlib.ExitStack) -> str:
    """Return the address of a free port, which stays taken for others as long as `held` lasts.

    On Linux a socket keeps it, bound and not listening: the system gives the port to nobody who
    asks for a free one, and a server that names it may still listen there. Elsewhere the port is
    free again at once, and another program could take it before the cluster does.
    """
    taken = held.enter_context(socket.socket())
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind((HOST, 0))
    port = taken.getsockname()[1]
    if sys.platform != "linux":
        taken.close()
    return f"{HOST}:{port}"


def _watched(seconds: float) -> None:
    """End this process when the one that started it is gone, or when its time is over."""

    def parent():
        while os.read(0, 1024):
            pass
        os._exit(1)

    def clock():
        time.sleep(seconds)
        os._exit(1)

    for watch in parent, clock:
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _watched(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    sys.stdout.reconfigure(line_buffering=True)  # whole lines: no log gets into one of them
    sys.path.insert(0, os.getcwd())
    runpy.run_path(sys.argv[0], run_name="__main__")
