"""JupyterLab in a real browser, and the README's picture of it.

python -m tools.browser  # run 01_checkpoint_callback there and take screenshot.png anew

tests/browser.py reads the notebooks with the same functions.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tools import notebooks

PICTURE = notebooks.ROOT / "screenshot.png"
SHOWN, NEAR = "01_checkpoint_callback", "The picture shows"  # where the picture is taken
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
OPTIONS += ["--LabApp.expose_app_in_browser=True"]
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"  # of the notebooks that are open, the visible one
PANEL = "window.jupyterapp.shell.currentWidget"
CONNECTED = f"""() => Promise.race([
    {PANEL}.context.ready
        .then(() => {PANEL}.sessionContext.ready)
        .then(() => {PANEL}.sessionContext.session.kernel.info),
    new Promise((_, refuse) => setTimeout(refuse, 60000, 'no answer from the kernel in a minute')),
])"""
ENDED = f"""() => {{
    const status = {PANEL}.sessionContext.session?.kernel?.status;
    const cells = {PANEL}.content.model.toJSON().cells.filter(c => c.cell_type === 'code');
    const failed = cells.some(c => c.outputs.some(o => o.output_type === 'error'));
    const died = document.querySelector('.jp-Dialog');
    return died || status === 'idle' && (failed || cells.every(c => c.execution_count));
}}"""


class Missing(Exception):
    """There is no browser; the message says how to install one."""


def chromium() -> str:
    """Return the path of Chromium or Chrome: the variable CHROMIUM, or else the one on PATH.

    Raises:
        Missing: where there is none.
    """
    named = os.environ.get("CHROMIUM")
    for name in (wanted := [named] if named else NAMES):
        if path := shutil.which(name):
            return path
    raise Missing(
        f"found no {' or '.join(wanted)}: install it "
        "(Debian: apt-get install -y --no-install-recommends chromium), "
        "or name one with CHROMIUM=/path/to/it"
    )


def copy(folder: Path) -> None:
    """Copy the README and the notebooks, these without their outputs, into an empty folder."""
    (folder / "notebooks").mkdir()
    for name in ("README.md", PICTURE.name):
        if (notebooks.ROOT / name).exists():
            shutil.copy(notebooks.ROOT / name, folder)
    for path in notebooks.paths():
        notebook = notebooks.read(path)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / "notebooks" / path.name)


@contextlib.contextmanager
def jupyterlab(served: Path, *command: str | Path) -> Iterator[tuple[str, str]]:
    """Serve a folder with the real `jupyter lab`.

    Settings and histories of the server and its kernels live in a temporary folder; your own
    play no part.

    Args:
        served: where the command runs.
        command: what starts the server there, OPTIONS included; `jupyter lab` where it is left out.

    Returns:
        The server's address, with a slash at the end, and its token.

    Raises:
        RuntimeError: where the server does not start, with the end of its log.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "config" / "labconfig").mkdir(parents=True)
        settings = home / "config" / "labconfig" / "default_setting_overrides.json"
        settings.write_text(json.dumps(QUIET), encoding="utf-8")

        variables = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
        for kind in ("config", "data", "runtime"):
            variables[f"JUPYTER_{kind.upper()}_DIR"] = str(home / kind)
        variables["IPYTHONDIR"] = str(home / "ipython")
        with open(home / "log", "w", encoding="utf-8") as log:
            server = subprocess.Popen(
                command or [sys.executable, "-m", "jupyterlab", *OPTIONS],
                cwd=served,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield _address(server, home)
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _address(server: subprocess.Popen, home: Path) -> tuple[str, str]:
    """Wait until the server has written where it listens."""
    for _ in range(600):
        for path in (home / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # still being written
                told = json.loads(path.read_text(encoding="utf-8"))
                return told["url"], told["token"]
        if server.poll() is not None:
            break
        time.sleep(0.1)
    log = (home / "log").read_text(encoding="utf-8")
    raise RuntimeError(f"jupyter lab did not start, or took more than a minute:\n{log[-2000:]}")


@contextlib.contextmanager
def window(width: int = 1280, height: int = 900) -> Iterator:
    """Start Chromium without a screen; return a function that opens an address in a new window.

    Sizes are in pixels. The function takes an address and its token, as `jupyterlab` returns
    them, and a path on that server; it returns a Playwright page, which reaches that server alone.

    Raises:
        Missing: where there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu"])

        def opened(address: str, token: str, place: str):
            context = browser.new_context(viewport={"width": width, "height": height})
            context.route(lambda url: not url.startswith(address), lambda route: route.abort())
            context.set_default_timeout(60_000)
            page = context.new_page()
            page.goto(f"{address}{place}?reset&token={token}")
            return page

        yield opened
        browser.close()


def notebook_opened(page) -> None:
    """Wait until the notebook in front is shown and its kernel answers."""
    page.wait_for_selector(f"{FRONT} .jp-Cell")
    page.wait_for_function(f"() => {PANEL}?.sessionContext?.session?.kernel")
    page.evaluate(CONNECTED)


def restart_and_run_all(page, seconds: int = 300) -> nbformat.NotebookNode:
    """Press the button of that name, confirm, wait for the end, and return the notebook.

    The end is the last cell's, the first error's, or the kernel's: JupyterLab tells of its death
    in a dialog.

    Raises:
        playwright.sync_api.TimeoutError: where it takes more than so many seconds.
    """
    page.locator('[data-command="notebook:restart-run-all"]:visible').click()
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    page.locator(".jp-Dialog").wait_for(state="detached")
    page.wait_for_function(ENDED, polling=250, timeout=seconds * 1000)
    found = page.evaluate(f"() => JSON.stringify({PANEL}.content.model.toJSON())")
    return nbformat.reads(found, as_version=4)


def close(page) -> None:
    """Shut down every kernel of the server, and close the window."""
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.context.close()


def main(arguments: list[str]) -> None:
    if arguments:
        sys.exit(f"tools.browser was given {arguments}; expected nothing")
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as server,
        window(1200, 840) as opened,
    ):
        copy(Path(folder))
        page = opened(*server, f"lab/tree/notebooks/{SHOWN}.ipynb")
        notebook_opened(page)
        cells = restart_and_run_all(page).cells
        if errors := [o.evalue for c in cells for o in c.get("outputs", []) if "evalue" in o]:
            sys.exit(f"tools.browser: {SHOWN} fails, so there is no picture: {errors[0]}")
        first = next(i for i, cell in enumerate(cells) if cell.source.startswith(NEAR))
        page.evaluate(f"() => {PANEL}.content.activeCellIndex = {first}")
        page.wait_for_timeout(1000)  # JupyterLab scrolls too
        page.evaluate(f"() => {PANEL}.content.widgets[{first - 1}].node.scrollIntoView()")
        page.wait_for_timeout(1000)
        page.screenshot(path=PICTURE)
        close(page)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} KB")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Missing as error:
        sys.exit(f"tools.browser: {error}")
