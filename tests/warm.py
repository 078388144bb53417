"""A `python` that has imported TensorFlow already: `make sabotage` starts hundreds of them.

A server imports TensorFlow once, as a notebook does, and executes nothing with it. Every kernel,
every interpreter of a `%%python` cell and every `saved_model_cli` is forked from the server: a
process of its own that has nothing from any other run, since nothing ever runs in the server. The
client is called in place of `python`. It hands on its arguments, variables, folder and open
files, waits, and ends as that process ended. Where the client is killed, so is that process.

`python` is the real one for all else: for other programs, for a script that does not call
`session.attach`, for one that may look at how it came to be (`sys`, `environ`, `importlib`), and
wherever another variable is set than when TensorFlow was imported.
"""

import json
import os
import re
import select
import signal
import socket
import sys

KERNEL = ["-m", "ipykernel_launcher"]
TOOL = ["-m", "tensorflow.python.tools.saved_model_cli"]
ATTACHES = re.compile(rb"^session\.attach\(\)$", re.MULTILINE)
LOOKS = re.compile(rb"\b(sys|environ|putenv|getenv|importlib|__import__)\b")

# These differ from process to process, and no import depends on them.
PASSED_ON = re.compile(
    "PATH|PYTHONPATH|PWD|OLDPWD|SHLVL|_|DIGITS_SOURCE|MPLBACKEND|JPY_.*|PYTEST_.*"
    "|PYDEVD_.*|TERM|CLICOLOR|CLICOLOR_FORCE|FORCE_COLOR|PAGER|GIT_PAGER"
)


def client(address: str, arguments: list[str]) -> None:
    """Be `python` with these arguments."""
    script = b"" if arguments else sys.stdin.buffer.read()
    if arguments[:2] in (KERNEL, TOOL) or (ATTACHES.search(script) and not LOOKS.search(script)):
        request = arguments, script.decode(), os.getcwd(), dict(os.environ)
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(address)
            socket.send_fds(server, [b" "], [0, 1, 2])
            server.sendall(json.dumps(request).encode() + b"\n")
            answer = server.makefile().readline()
        if answer != "other variables\n":
            code = int(answer)
            sys.exit(code) if code >= 0 else os.kill(os.getpid(), -code)
    if not arguments:
        import tempfile

        with tempfile.TemporaryFile() as file:
            file.write(script)
            file.seek(0)
            os.dup2(file.fileno(), 0)
    os.execv(sys.executable, [sys.executable, *arguments])


def serve(address: str) -> tuple:
    """Import TensorFlow and fork for each request; return it in the process that was forked."""
    from helpers import session

    before = dict(os.environ)
    for name, value in session._BEFORE_IMPORT.items():
        os.environ.setdefault(name, value)
    with session._silent_stderr(), session._no_collection():
        import absl.logging  # noqa: F401
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
    made = {k: v for k, v in os.environ.items() if v != before.get(k)}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    running = {}  # the descriptor of a process -> its id and its client
    while True:
        clients = [waiting for _, waiting in running.values()]
        ready, _, _ = select.select([0, listener, *running, *clients], [], [])
        for process, (pid, waiting) in list(running.items()):
            if process in ready:
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                if waiting not in ready:
                    waiting.sendall(f"{code}\n".encode())
                waiting.close()
                os.close(process)
                del running[process]
            elif waiting in ready or 0 in ready:
                os.kill(pid, signal.SIGKILL)
        if 0 in ready:  # whoever started the server has ended
            os.unlink(address)
            os.rmdir(os.path.dirname(address))
            sys.exit()
        if listener in ready:
            waiting, _ = listener.accept()
            files = socket.recv_fds(waiting, 1, 3)[1]
            arguments, script, folder, variables = json.loads(waiting.makefile().readline())
            if not alike(variables, before, made):
                waiting.sendall(b"other variables\n")
                waiting.close()
            elif pid := os.fork():
                running[os.pidfd_open(pid)] = pid, waiting
            else:
                for number, file in enumerate(files):
                    os.dup2(file, number)
                    os.close(file)
                return arguments, script, folder, made | variables
            for file in files:
                os.close(file)


def alike(variables: dict, before: dict, made: dict) -> bool:
    """Tell whether TensorFlow would be imported with the variables that it was imported with."""
    names = {name for name in {**before, **variables} if not PASSED_ON.fullmatch(name)}
    return all(variables.get(n) in (before.get(n), made.get(n, before.get(n))) for n in names)


def become(arguments: list[str], script: str, folder: str, variables: dict) -> None:
    """Be the interpreter that was asked for, from its start: path, sitecustomize, program."""
    import importlib
    import runpy
    import types

    if arguments[:2] == KERNEL:
        import ipykernel.kernelapp  # noqa: F401  before sitecustomize, see saboteurs.in_a_kernel
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    paths = [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
    rest = [path for path in sys.path[1:] if path not in paths]
    sys.path[:] = [folder if arguments else "", *paths, *rest]
    importlib.invalidate_caches()
    sys.modules.pop("sitecustomize", None)
    import sitecustomize  # noqa: F401

    if arguments:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [""]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(script, "<stdin>", "exec"), vars(main))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        become(*serve(sys.argv[2]))
    else:
        client(sys.argv[1], sys.argv[2:])
