"""`tools`: a notebook has one canonical form, and what suite.yml says stands in every header."""

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks, stamp

# The canonical form


@pytest.fixture
def lived_in():
    """A notebook as a front end leaves it: metadata of the machine, split streams, random ids."""
    picture = new_output(
        "display_data",
        {"image/png": "aGVsbG8=", "text/plain": "A line rises."},
        metadata={
            "image/png": {"alt": "A line rises.", "width": 640},
            "needs_background": "light",
            "jupyter": {"outputs_hidden": False},
        },
    )
    code = new_code_cell(
        "print('a')\nprint('b')  \n\n",
        execution_count=1,
        metadata={"execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}, "scrolled": True},
        outputs=[
            new_output("stream", name="stdout", text="a\n"),
            new_output("stream", name="stdout", text="b\n"),
            picture,
            new_output("stream", name="stdout", text="c\n"),
        ],
    )
    solution = new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}, "tags": ["t"]})
    cells = [
        new_markdown_cell("# Title", id="header", attachments={"x.png": {}}),
        new_code_cell("import sys", id="colab"),
        code,
        solution,
        new_markdown_cell("the same"),
        new_markdown_cell("the same"),
        new_code_cell("  \n"),
    ]
    metadata = {
        "kernelspec": {"display_name": "my-env", "language": "python", "name": "my-env"},
        "language_info": {"name": "python", "version": "3.11.9"},
        "widgets": {"state": {}},
    }
    return new_notebook(cells=cells, metadata=metadata)


def settled(notebook):
    return nbformat.reads(notebooks.canonical(notebook), as_version=4)


def test_the_canonical_form_of_the_canonical_form_is_itself(lived_in):
    once = notebooks.canonical(lived_in)
    assert notebooks.canonical(nbformat.reads(once, as_version=4)) == once


def test_the_notebook_that_was_given_is_left_alone(lived_in):
    before = json.dumps(lived_in, sort_keys=True)
    notebooks.canonical(lived_in)
    assert json.dumps(lived_in, sort_keys=True) == before


def test_two_machines_write_the_same_bytes(lived_in):
    other = nbformat.from_dict(lived_in)
    for cell in other.cells:
        if cell.id not in notebooks.STAMPED:
            cell.id = f"other-{id(cell)}"
    other.metadata = {"kernelspec": {"display_name": "b", "language": "python", "name": "b"}}
    other.cells[2].metadata = {"execution": {"iopub.execute_input": "2027"}}
    other.cells[2].outputs[2].metadata.pop("needs_background")
    assert notebooks.canonical(other) == notebooks.canonical(lived_in)


def test_ids_are_unique_and_those_of_stamped_cells_stay(lived_in):
    ids = [cell.id for cell in settled(lived_in).cells]
    assert ids[:2] == ["header", "colab"]
    assert len(set(ids)) == len(ids) == 6, "the empty cell is dropped, and no other"


def test_an_id_follows_its_cell_wherever_the_cell_moves(lived_in):
    before = {cell.source: cell.id for cell in settled(lived_in).cells if cell.source != "the same"}
    lived_in.cells.insert(2, new_markdown_cell("A new paragraph."))
    lived_in.cells[3], lived_in.cells[4] = lived_in.cells[4], lived_in.cells[3]
    after = {cell.source: cell.id for cell in settled(lived_in).cells}
    assert before == {source: after[source] for source in before}


def test_a_second_cell_with_a_stamped_id_gets_one_of_its_own(lived_in):
    lived_in.cells.append(new_markdown_cell("# Copy", id="header"))
    ids = [cell.id for cell in settled(lived_in).cells]
    assert ids.count("header") == 1


def test_metadata_of_the_machine_is_dropped(lived_in):
    text = notebooks.canonical(lived_in)
    for trace in ("2026", "scrolled", "my-env", "3.11.9", "widgets", "tags", "x.png", "width"):
        assert trace not in text
    for trace in ("needs_background", "outputs_hidden"):
        assert trace not in text


def test_a_pictures_alt_text_is_kept(lived_in):
    picture = settled(lived_in).cells[2].outputs[1]
    assert picture.metadata == {"image/png": {"alt": "A line rises."}}
    assert picture.data["text/plain"] == "A line rises."


def test_a_collapsed_solution_stays_collapsed_and_others_open(lived_in):
    hidden = [cell.metadata for cell in settled(lived_in).cells if cell.metadata]
    assert hidden == [{"jupyter": {"source_hidden": True}}]
    assert settled(lived_in).cells[3].source == "x = 1"


def test_pieces_of_a_stream_are_joined_and_others_keep_their_place(lived_in):
    cell = settled(lived_in).cells[2]
    assert [o.get("text") for o in cell.outputs] == ["a\nb\n", None, "c\n"]
    assert cell.source == "print('a')\nprint('b')"


def test_writing_tells_whether_anything_changed(lived_in, tmp_path):
    path = tmp_path / "x.ipynb"
    assert notebooks.write(path, lived_in) is True
    assert notebooks.write(path, notebooks.read(path)) is False
    assert path.read_bytes().endswith(b"}\n")
    assert b"\r" not in path.read_bytes()


# Executing


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    return tmp_path


def plant(folder, *sources):
    path = folder / "01_tiny.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


def test_executing_twice_gives_the_same_bytes(folder, capsys):
    path = plant(folder, "import os\nprint(sorted(os.listdir()))", "6 * 7")
    notebooks.main(["01_tiny"])
    first = path.read_bytes()
    notebooks.main([])
    assert path.read_bytes() == first
    assert capsys.readouterr().out == "01_tiny: changed\n01_tiny: as it was\n"
    cells = notebooks.read(path).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[0].outputs[0].text == "['01_tiny.ipynb']\n", "the kernel starts in its folder"
    assert cells[1].outputs[0].data["text/plain"] == "42"


def test_a_failing_cell_leaves_the_file_as_it_was(folder):
    path = plant(folder, "print('before')", "raise ValueError('broken')")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="broken"):
        notebooks.execute(path)
    assert path.read_bytes() == before


def test_format_writes_the_canonical_form_and_runs_nothing(folder):
    path = plant(folder, "open('ran', 'w')")
    notebooks.main(["--format"])
    assert path.read_text() == notebooks.canonical(notebooks.read(path)) + "\n"
    assert sorted(p.name for p in folder.iterdir()) == ["01_tiny.ipynb"]


def test_an_unknown_notebook_or_option_is_refused_by_name(folder):
    plant(folder, "1")
    assert [p.name for p in notebooks.paths(["01_tiny.ipynb"])] == ["01_tiny.ipynb"]
    with pytest.raises(SystemExit, match=r"no such notebook: 02_none\.ipynb"):
        notebooks.main(["02_none"])
    with pytest.raises(SystemExit, match="unknown option --fast"):
        notebooks.main(["--fast"])


# The registry and what is stamped from it


def entry(file, **more):
    fields = {"part": "Start", "title": f"Title of {file}", "promise": "You can.", "minutes": 5}
    return {"file": file, **fields, **more}


@pytest.fixture
def suite():
    """Four notebooks, the third of them not written yet."""
    rows = [entry("00_a"), entry("01_b"), entry("02_c", planned=True), entry("03_d", part="Later")]
    return {"repository": "OWNER/REPO", "branch": "main", "notebooks": rows}


MARKERS = stamp.BADGES, (stamp.BEGIN, stamp.END)


@pytest.fixture
def house(tmp_path, monkeypatch, suite):
    """A root folder with the notebooks of the suite, and a README to stamp."""
    monkeypatch.setattr(stamp, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path / "notebooks")
    monkeypatch.setattr(stamp, "registry", lambda: suite)
    places = "\n".join(f"{begin}\nold\n{end}\n" for begin, end in MARKERS)
    (tmp_path / "README.md").write_text(f"# Suite\n\n{places}\nThe end.\n")
    (tmp_path / "notebooks").mkdir()
    tick = new_output("stream", name="stdout", text="✓ one holds\nother\n✓ refused: E: … x …\n")
    for row in stamp.written(suite):
        cells = [new_markdown_cell("text"), new_code_cell("start()", outputs=[tick])]
        nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / f"{row['file']}.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e.pop("promise"), r"01_b: missing or unknown: \['promise'\]"),
        (lambda e: e.update(length=3), r"01_b: missing or unknown: \['length'\]"),
        (lambda e: e.update(minutes="five"), "01_b: minutes is no int"),
        (lambda e: e.update(planned="no"), "01_b: planned is no bool"),
        (lambda e: e.update(limits="Windows"), "01_b: limits is no dict"),
        (lambda e: e.update(title=7), "01_b: title is no str"),
    ],
)
def test_a_slip_in_the_registry_is_named(suite, tmp_path, change, words):
    path = tmp_path / "suite.yml"
    change(suite["notebooks"][1])
    path.write_text(yaml.safe_dump(suite))
    with pytest.raises(ValueError, match=words):
        stamp.registry(path)


def test_the_registry_of_this_suite_can_be_read():
    rows = stamp.registry()["notebooks"]
    assert [row["file"][:2] for row in rows] == [f"{n:02}" for n in range(15)]


def test_a_header_leads_to_the_neighbours_that_are_there_and_skips_planned_ones(suite):
    rows = suite["notebooks"]
    first, second, last = (stamp.header(suite, rows[i]) for i in (0, 1, 3))
    assert "←" not in first and "[Title of 01_b →](01_b.ipynb)" in first
    assert "[← Title of 00_a](00_a.ipynb)" in second and "[Title of 03_d →](03_d.ipynb)" in second
    assert "[← Title of 01_b](01_b.ipynb)" in last and "→" not in last
    assert "02_c" not in first + second + last
    assert "[Contents](#The-map-of-the-suite)" in first
    assert "[Contents](00_a.ipynb#The-map-of-the-suite)" in second
    assert "[Contents](00_a.ipynb#The-map-of-the-suite)" in last


def test_a_header_names_title_promise_minutes_limits_and_three_launchers(suite):
    row = entry("01_b", limits={"Windows": "no such package"})
    suite["notebooks"][1] = row
    header = stamp.header(suite, row)
    assert "\n# Title of 01_b\n\nYou can.\n\n*About 5 minutes.*" in header
    assert "*On Windows: no such package*" in header
    targets = re.findall(r"\]\((https://[^)]*01_b\.ipynb)\)", header)
    assert [t.split("/")[2] for t in targets] == [
        "colab.research.google.com",
        "mybinder.org",
        "github.com",
    ]
    assert all("OWNER/REPO" in target for target in targets)


def test_only_colab_installs_anything_and_keeps_its_own_tensorflow(suite):
    source = stamp.colab_cell(suite)
    assert 'if "google.colab" in sys.modules:\n    %pip install -q --no-deps git+' in source
    assert source.endswith("github.com/OWNER/REPO")


def test_check_names_what_differs_and_writes_nothing(house):
    before = {p: p.read_bytes() for p in house.rglob("*.*") if p.is_file()}
    with pytest.raises(SystemExit, match="run `make stamp`: ") as raised:
        stamp.main(["--check"])
    for name in ("notebooks/00_a.ipynb", "notebooks/03_d.ipynb", "README.md", "llms.txt"):
        assert name in str(raised.value)
    assert {p: p.read_bytes() for p in house.rglob("*.*") if p.is_file()} == before


def test_stamping_twice_changes_nothing_the_second_time(house, capsys):
    stamp.main([])
    first = {p: p.read_bytes() for p in house.rglob("*.*") if p.is_file()}
    stamp.main([])
    assert {p: p.read_bytes() for p in house.rglob("*.*") if p.is_file()} == first
    stamp.main(["--check"])
    assert capsys.readouterr().out.count("everything is as suite.yml says") == 2


@pytest.mark.parametrize("file", ["README.md", "llms.txt", "notebooks/01_b.ipynb"])
def test_check_notices_one_changed_word(house, file):
    stamp.main([])
    path = house / file
    path.write_text(path.read_text(encoding="utf-8").replace("You can.", "You may."))
    with pytest.raises(SystemExit, match=re.escape(file)):
        stamp.main(["--check"])


def test_a_new_promise_reaches_every_place(house, suite):
    stamp.main([])
    suite["notebooks"][1]["promise"] = "You can more."
    stamp.main([])
    for file in ("README.md", "llms.txt", "notebooks/01_b.ipynb"):
        assert "You can more." in (house / file).read_text(encoding="utf-8")


def test_the_two_stamped_cells_are_put_in_where_they_are_missing_and_once(house):
    stamp.main([])
    cells = notebooks.read(house / "notebooks" / "01_b.ipynb").cells
    assert cells[0].id == "header"
    assert [(cell.cell_type, cell.source[:4]) for cell in cells[1:]] == [
        ("markdown", "text"),
        ("code", "# On"),
        ("code", "star"),
    ]


def test_the_readme_links_what_is_there_and_counts_the_claims_proved(house):
    stamp.main([])
    readme = (house / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# Suite\n") and readme.endswith("\n\nThe end.\n")
    assert "old" not in readme
    assert "| [Title of 01_b](notebooks/01_b.ipynb) | You can. | 2 |" in readme
    assert "| Title of 02_c (planned) | You can. |  |" in readme
    assert readme.count("### ") == 2, "one heading a part"


def test_the_readmes_badges_open_the_first_notebook(house):
    stamp.main([])
    begin, end = stamp.BADGES
    text = (house / "README.md").read_text(encoding="utf-8").split(begin)[1].split(end)[0]
    assert "blob/main/notebooks/00_a.ipynb" in text and "lab/tree/notebooks/00_a.ipynb" in text


def test_a_map_in_a_notebook_shows_the_suite_with_links_to_its_neighbours(house):
    path = house / "notebooks" / "00_a.ipynb"
    notebook = notebooks.read(path)
    notebook.cells.append(new_markdown_cell("old map", id="map"))
    nbformat.write(notebook, path)
    stamp.main([])
    cell = next(c for c in notebooks.read(path).cells if c.id == "map")
    assert "| [Title of 01_b](01_b.ipynb) | You can. | 2 |" in cell.source
    assert "| Title of 02_c (planned) | You can. |  |" in cell.source
    stamp.main(["--check"])


def test_the_table_of_formats_says_what_the_claims_of_the_proving_page_say(house, monkeypatch):
    monkeypatch.setattr(stamp, "FORMATS", "03_d")
    path = house / "notebooks" / "00_a.ipynb"
    notebook = notebooks.read(path)
    notebook.cells.append(new_markdown_cell("old table", id="formats"))
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="03_d: expected claims like"):
        stamp.main([])
    proving = notebooks.read(house / "notebooks" / "03_d.ipynb")
    claims = "✓ weights: .keras Checkpoint, and no other\n✓ words: Checkpoint, and no other\n"
    proving.cells[-1].outputs.append(new_output("stream", name="stdout", text=claims))
    nbformat.write(proving, house / "notebooks" / "03_d.ipynb")
    stamp.main([])
    cell = next(c for c in notebooks.read(path).cells if c.id == "formats")
    assert cell.source.splitlines() == [
        "| | `.keras` | Checkpoint |",
        "|---|---|---|",
        "| weights | yes | yes |",
        "| words | no | yes |",
    ]


def test_llms_txt_lists_what_is_there_and_nothing_planned(house):
    stamp.main([])
    lines = (house / "llms.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.startswith("- [")]
    assert [re.search(r"notebooks/(\w+)\.ipynb", line)[1] for line in listed] == [
        "00_a",
        "01_b",
        "03_d",
    ]


def test_an_unknown_option_is_refused(house):
    with pytest.raises(SystemExit, match="expected --check or nothing"):
        stamp.main(["--chek"])


@pytest.mark.skipif(os.name != "posix", reason="ZeroMQ reaches kernels on Windows by ports alone")
def test_two_kernels_at_a_time_cannot_take_each_others_ports():
    import nbval.kernel

    first, second = (nbval.kernel.KernelManager() for _ in range(2))
    assert (first.transport, second.transport) == ("ipc", "ipc")
    assert first.ip != second.ip and Path(first.ip).parent.is_dir()
