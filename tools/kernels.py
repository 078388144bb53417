"""A pytest plugin: nbval reaches its kernels through files, not through TCP ports.

A port that is free when a kernel is asked for can be taken by the time the kernel listens there,
for instance by that of the worker beside. Then "Kernel died before replying to kernel_info"
(nteract/papermill#511). Nobody else takes the names of these files. Windows has none: ports there.
"""

import itertools
import os
import tempfile
from pathlib import Path

import nbval.kernel
from jupyter_client.manager import KernelManager


def pytest_configure(config) -> None:
    if os.name != "posix":
        return
    folder = tempfile.TemporaryDirectory(prefix="kernels-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    names = map(str, itertools.count(1))

    def manager(**given) -> KernelManager:
        return KernelManager(transport="ipc", ip=str(Path(folder.name, next(names))), **given)

    nbval.kernel.KernelManager = manager
