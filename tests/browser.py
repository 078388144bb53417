"""Read the notebooks in JupyterLab, in a real browser, as a person does.

    pytest -n0 -rs tests/browser.py

Each notebook is opened without its stored outputs, so all that is found on the page is new. They
run apart from the other tests: a notebook takes half a minute, and they need Chromium.
"""

import contextlib
import os
import re
import sys
from pathlib import Path

import form
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import browser, notebooks, stamp

ENTRIES = {entry["file"]: entry for entry in stamp.written(stamp.registry())}
WITH_HDF5 = "05_hdf5"
WITH_PICTURES = ("00_start_here", "01_checkpoint_callback")  # the others may have some
IN_SIGHT = f"""name => {{
    const heading = document.querySelector(`{browser.FRONT} [data-jupyter-id="${{name}}"]`);
    const [there, page] = [heading, heading?.closest('.jp-WindowedPanel-outer')]
        .map(node => node?.getBoundingClientRect());
    return there?.height && there.top >= page.top - 1 && there.bottom <= page.bottom;
}}"""
WIDTHS = f"""() => Promise.all({browser.PANEL}.content.widgets.map(async cell => {{
    const drawn = [];
    for (const image of cell.node.querySelectorAll('.jp-OutputArea-output img')) {{
        image.scrollIntoView();
        await image.decode().catch(() => null);
        drawn.push(Math.min(image.naturalWidth, image.getBoundingClientRect().width));
    }}
    return drawn;
}}))"""


def installed() -> None:
    """Without a browser a person's tests are skipped, and the tests of CI fail."""
    try:
        browser.chromium()
    except browser.Missing as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A folder with a copy of the README and the notebooks, where `make` works too."""
    folder = tmp_path_factory.mktemp("suite")
    browser.copy(folder)
    inputs = ["requirements.txt", "constraints.txt", "pyproject.toml", "tools"]
    for name in ["Makefile", ".venv", *inputs]:
        (folder / name).symlink_to(notebooks.ROOT / name)
    return folder


@pytest.fixture(scope="module")
def opened():
    """A function that opens an address in a new window of one browser."""
    installed()
    with browser.window() as function:
        yield function


@pytest.fixture(scope="module")
def read(suite, opened):
    """A function that runs a notebook of that folder in JupyterLab."""

    @contextlib.contextmanager
    def run(stored):
        page = opened(*server, f"lab/tree/notebooks/{stored.name}")
        try:
            browser.notebook_opened(page)
            yield Reading(stored, page)
        finally:
            browser.close(page)

    with browser.jupyterlab(suite) as server:
        yield run


class Reading:
    """A notebook that was run in JupyterLab: what is stored, what came, and where it shows."""

    def __init__(self, stored, page):
        self.name, self.page, self.stored = stored.stem, page, notebooks.read(stored)
        self.front = page.locator(browser.FRONT)
        self.found = browser.restart_and_run_all(page)


@pytest.fixture(scope="module")
def reading(request, read):
    with read(notebooks.FOLDER / f"{request.param}.ipynb") as found:
        yield found


each_notebook = pytest.mark.parametrize("reading", ENTRIES, indirect=True)


STDERR = '[data-mime-type="application/vnd.jupyter.stderr"]'


def claims(texts) -> list[str]:
    lines = (line for text in texts for line in text.splitlines())
    return [line for line in lines if line.startswith("✓")]


@each_notebook
def test_restart_and_run_all_reaches_the_last_cell_without_an_error(reading):
    cells = form.code(reading.found)
    for cell in cells:
        errors = [o for o in cell.outputs if o.output_type == "error"]
        assert not errors, f"{form.where(reading.found, cell)}: {errors[0].evalue}"
    ran = [cell.execution_count for cell in cells]
    assert ran == list(range(1, len(form.code(reading.stored)) + 1))


@each_notebook
def test_no_red_box_of_warnings_stands_below_a_cell(reading):
    told = [text for cell in form.code(reading.found) if (text := form.stream(cell, "stderr"))]
    assert told == []
    assert reading.front.locator(STDERR).count() == 0


@each_notebook
def test_every_claim_stands_on_the_page(reading):
    stored = claims(form.stream(cell) for cell in form.code(reading.stored))
    assert stored
    assert claims(form.stream(cell) for cell in form.code(reading.found)) == stored
    shown = reading.front.locator(".jp-OutputArea-output pre")
    assert claims(shown.all_text_contents()) == stored


@each_notebook
def test_every_picture_is_drawn(reading):
    pictures = [
        sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        for cell in reading.stored.cells
    ]
    assert sum(pictures) or reading.name not in WITH_PICTURES
    widths = reading.page.evaluate(WIDTHS)
    assert [len(drawn) for drawn in widths] == pictures
    assert all(width > 100 for drawn in widths for width in drawn), widths


def click(page, text: str) -> None:
    """Click a link at the top of the notebook in front."""
    cell = page.locator(browser.FRONT).locator(".jp-MarkdownCell").first
    cell.get_by_role("link", name=text).click()


def follow(page, text: str, path: str) -> None:
    """Click a link: it leads to the notebook with this path on the server, and that shows."""
    click(page, text)
    page.wait_for_function(f"path => {browser.PANEL}?.context?.path === path", arg=path)
    browser.notebook_opened(page)
    title = ENTRIES[path.rpartition("/")[2].removesuffix(".ipynb")]["title"]
    heading = page.locator(browser.FRONT).get_by_role("heading", level=1, name=title)
    heading.wait_for(state="attached")


def to_the_map(page) -> None:
    """Click the first notebook's own link to its map: in at most three clicks it is in sight.

    JupyterLab opens a notebook at its top, whatever the heading in the link, and the first jump
    within a notebook lands beside its target, since the cells that it passes are not drawn yet.
    """
    from playwright.sync_api import TimeoutError

    for _ in range(3):
        click(page, "Contents")
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(IN_SIGHT, arg=stamp.MAP, timeout=5000)
            return
    pytest.fail(f"three clicks on Contents, and {stamp.MAP} is not in sight")


@each_notebook
def test_the_links_at_the_top_lead_to_the_notebooks_beside_it_and_to_the_contents(reading):
    page, places = reading.page, list(ENTRIES)
    top = reading.stored.cells[0].source
    row = {to: text for text, to in re.findall(r"\[([^]]+)\]\(([^)]+)\)", top) if "://" not in to}
    place = places.index(reading.name)
    beside = places[max(place - 1, 0) : place] + places[place + 1 : place + 2]
    contents = f"{places[0]}.ipynb#{stamp.MAP}" if place else f"#{stamp.MAP}"
    assert set(row) == {contents, *(f"{name}.ipynb" for name in beside)}
    for target, text in row.items():
        if file := target.partition("#")[0]:
            follow(page, text, f"notebooks/{file}")
        if target == contents:
            to_the_map(page)
        page.get_by_role("tab", name=f"{reading.name}.ipynb").click()


JUPYTER = Path(sys.executable).with_name("jupyter")
COMMANDS = {
    "make lab": ["make", "lab", f"ARGS={' '.join(browser.OPTIONS)}"],
    "jupyter lab notebooks": [JUPYTER, "lab", "notebooks", *browser.OPTIONS],
}


@pytest.mark.parametrize("typed", COMMANDS)
def test_a_command_of_the_readme_leads_to_the_notebooks_and_from_one_to_the_next(
    typed, suite, opened
):
    assert typed in (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    with browser.jupyterlab(suite, *COMMANDS[typed]) as server:
        page = opened(*server, "")
        try:
            first, second = [f"{name}.ipynb" for name in ENTRIES][:2]
            if typed != "make lab":  # which opens it
                page.locator(".jp-DirListing-item", has=page.get_by_text(first)).dblclick()
            browser.notebook_opened(page)
            path = page.evaluate(f"() => {browser.PANEL}.context.path")
            assert path.endswith(first)
            folder = path.removesuffix(first)
            follow(page, "→", folder + second)
            follow(page, "Contents", folder + first)
            to_the_map(page)
        finally:
            browser.close(page)


@pytest.mark.parametrize("reading", [WITH_HDF5], indirect=True)
def test_a_double_click_on_an_h5_file_shows_the_tree_in_it(reading):
    page = reading.page
    for name in ("artifacts", WITH_HDF5, "my_model.h5"):
        page.locator(".jp-DirListing-item", has=page.get_by_text(name, exact=True)).dblclick()
    page.get_by_role("tab", name="my_model.h5").wait_for()
    page.get_by_role("tab", name="Inspect", exact=True).click()
    page.get_by_role("rowheader", name="keras_version").wait_for()
    path = ""
    for name in ("model_weights", "dense", "sequential", "dense", "kernel"):
        path += f"/{name}"
        page.locator(f'[role="treeitem"][data-path="{path}"]', has_text=name).click()
    page.get_by_text("784 x 512").wait_for()


def test_a_missing_browser_is_named_with_the_way_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    for variable, outcome in {"CI": pytest.fail.Exception, "": pytest.skip.Exception}.items():
        monkeypatch.delenv("CI", raising=False)
        if variable:
            monkeypatch.setenv(variable, "true")
        with pytest.raises(outcome, match=r"no chromium or .*apt-get install .* chromium"):
            installed()


PLANTED = {
    "import sys\nprint('careful', file=sys.stderr)": new_output("stream", text="careful"),
    "print('✓ it is blue')": new_output("stream", text="✓ it is red\n"),
    "from IPython.display import Image\nImage(b'no picture', format='png')": new_output(
        "display_data", {"image/png": ""}
    ),
    "1 / 0": new_output("stream", text="1"),
    "print('never reached')": new_output("stream", text="never reached"),
}


@pytest.fixture
def plant(suite, tmp_path):
    """A function that writes a notebook, with outputs to compare with and, to be served, without.

    It takes source -> output, and returns the path of the one with outputs.
    """

    def planted(sources):
        path = tmp_path / "planted.ipynb"
        full = [new_code_cell(source, outputs=[output]) for source, output in sources.items()]
        bare = [new_code_cell(source) for source in sources]
        for to, cells in {path: full, suite / "notebooks" / path.name: bare}.items():
            nbformat.write(new_notebook(cells=cells, metadata=notebooks.METADATA), to)
        return path

    return planted


def test_none_of_it_is_overlooked_in_a_broken_notebook(read, plant):
    with read(plant(PLANTED)) as planted:
        for test, words in {
            test_restart_and_run_all_reaches_the_last_cell_without_an_error: "division by zero",
            test_no_red_box_of_warnings_stands_below_a_cell: "careful",
            test_every_claim_stands_on_the_page: "it is blue",
            test_every_picture_is_drawn: r"\[\[\], \[\], \[0\], \[\], \[\]\]",
        }.items():
            with pytest.raises(AssertionError, match=words):
                test(planted)
        assert planted.front.locator(STDERR).count(), "the page has another name for it"


def test_a_kernel_that_dies_is_noticed_at_once(read, plant):
    death = "import os\nos._exit(1)"
    with read(plant({death: new_output("stream", text="alive")})) as planted:
        with pytest.raises(AssertionError):
            test_restart_and_run_all_reaches_the_last_cell_without_an_error(planted)
        assert planted.page.locator(".jp-Dialog", has_text="Kernel Restarting").count() == 1
