"""Write what suite.yml says into notebook headers, the README and llms.txt.

It also writes the first notebook's table of formats, from the claims that another one proves.

python -m tools.stamp          # write
python -m tools.stamp --check  # say what differs, write nothing, exit with 1
"""

import re
import sys
from itertools import groupby
from pathlib import Path

import nbformat
import yaml

from tools import notebooks

ROOT = notebooks.ROOT
BEGIN, END = "<!-- notebooks: written by `make stamp` -->", "<!-- end of notebooks -->"
BADGES = "<!-- badges: written by `make stamp` -->", "<!-- end of badges -->"
FORMATS = "07_keras_format"  # proves what each format brings back
MAP = "The-map-of-the-suite"  # a heading of the first notebook; the map stands below it
REQUIRED = {"file": str, "part": str, "title": str, "promise": str, "minutes": int}
OPTIONAL = {"planned": bool, "limits": dict}


def registry(path: Path = ROOT / "suite.yml") -> dict:
    """Read suite.yml.

    Raises:
        ValueError: where an entry lacks a field, has an unknown one, or one of another type.
    """
    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in suite["notebooks"]:
        fields = {**REQUIRED, **{k: v for k, v in OPTIONAL.items() if k in entry}}
        if set(entry) != set(fields):
            odd = sorted(set(entry) ^ set(fields))
            raise ValueError(f"suite.yml, {entry.get('file')}: missing or unknown: {odd}")
        for field, kind in fields.items():
            if not isinstance(entry[field], kind):
                raise ValueError(f"suite.yml, {entry['file']}: {field} is no {kind.__name__}")
    return suite


def written(suite: dict) -> list[dict]:
    """Return the entries whose notebooks are there."""
    return [entry for entry in suite["notebooks"] if not entry.get("planned")]


def badges(suite: dict, entry: dict) -> list[str]:
    """Return the badges that open a notebook in Colab, on Binder and on GitHub."""
    address, branch = suite["repository"], suite["branch"]
    file = f"notebooks/{entry['file']}.ipynb"
    colab = f"https://colab.research.google.com/github/{address}/blob/{branch}/{file}"
    binder = f"https://mybinder.org/v2/gh/{address}/{branch}?urlpath=lab/tree/{file}"
    source = f"https://github.com/{address}/blob/{branch}/{file}"
    badge = "https://img.shields.io/badge"
    return [
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})",
        f"[![Launch on Binder](https://mybinder.org/badge_logo.svg)]({binder})",
        f"[![Source on GitHub]({badge}/source-GitHub-333333?logo=github)]({source})",
    ]


def header(suite: dict, entry: dict) -> str:
    """Return the first cell of a notebook: badges, navigation, title, promise, minutes."""
    row = written(suite)
    place = row.index(entry)
    before, after = row[place - 1 : place], row[place + 1 : place + 2]
    links = [f"[← {e['title']}]({e['file']}.ipynb)" for e in before]
    # Not the README: where notebooks/ is the root of JupyterLab, nothing above it opens.
    links += [f"[Contents]({row[0]['file'] + '.ipynb' if place else ''}#{MAP})"]
    links += [f"[{e['title']} →]({e['file']}.ipynb)" for e in after]
    lines = [
        " ".join(badges(suite, entry)),
        " · ".join(links),
        f"# {entry['title']}",
        entry["promise"],
    ]
    lines += [f"*About {entry['minutes']} minutes.*"]
    lines += [f"*On {where}: {why}*" for where, why in entry.get("limits", {}).items()]
    return "\n\n".join(lines)


def colab_cell(suite: dict) -> str:
    """Return the first code cell of every notebook: Colab gets the helpers, and only Colab."""
    return (
        "# On Colab, and only there: install the helpers; Colab's own TensorFlow stays.\n"
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        f"    %pip install -q --no-deps git+https://github.com/{suite['repository']}"
    )


def ticks(path: Path) -> list[str]:
    """Return the claims that a notebook proves: the lines with a tick in its stored outputs."""
    outputs = [o for c in notebooks.read(path).cells for o in c.get("outputs", [])]
    text = "\n".join(o.get("text", "") for o in outputs)
    return [line.removeprefix("✓ ") for line in text.splitlines() if line.startswith("✓")]


def formats(claims: list[str]) -> str:
    """Return the table of what each format brings back, a row for each claim that says so.

    Args:
        claims: among others, those of the form "weights: .keras .h5, and no other".

    Raises:
        ValueError: where no claim has that form.
    """
    found = [re.fullmatch(r"([^:]+): (.+), and no other", claim) for claim in claims]
    kept = {match[1]: match[2].split() for match in found if match}
    if not kept:
        raise ValueError(f"{FORMATS}: expected claims like 'weights: .keras .h5, and no other'")
    names = max(kept.values(), key=len)
    lines = [f"| | {' | '.join(f'`{n}`' if n[0] == '.' else n for n in names)} |"]
    lines += ["|---" * (1 + len(names)) + "|"]
    for fact, holders in kept.items():
        lines.append(f"| {fact} | {' | '.join('yes' if n in holders else 'no' for n in names)} |")
    return "\n".join(lines)


def table(suite: dict, folder: str) -> str:
    """Return the table of notebooks, a heading for each part; `folder` goes before each link."""
    lines = []
    for part, entries in groupby(suite["notebooks"], key=lambda e: e["part"]):
        lines += [f"### {part}", "", "| notebook | what you can do afterwards | claims proved |"]
        lines += ["|---|---|---|"]
        for entry in entries:
            file = f"{entry['file']}.ipynb"
            if entry.get("planned"):
                name, proved = f"{entry['title']} (planned)", ""
            else:
                proved = str(len(ticks(notebooks.FOLDER / file)))
                name = f"[{entry['title']}]({folder}{file})"
            lines.append(f"| {name} | {entry['promise']} | {proved} |")
        lines.append("")
    return "\n".join(lines)


def llms(suite: dict) -> str:
    """Return llms.txt: the suite for a reader that is a language model."""
    raw = f"https://raw.githubusercontent.com/{suite['repository']}/{suite['branch']}/notebooks"
    lines = [
        "# Save and load TensorFlow / Keras models",
        "",
        "> Executable notebooks that teach how to save and load TensorFlow 2.21 / Keras 3 models.",
        "> Every claim in them is executed, and their stored outputs are verified by nbval.",
        "",
        "## Notebooks",
        "",
    ]
    for entry in written(suite):
        lines.append(f"- [{entry['title']}]({raw}/{entry['file']}.ipynb): {entry['promise']}")
    return "\n".join(lines) + "\n"


def stamped(suite: dict, entry: dict) -> str:
    """Return the text of a notebook with its stamped cells as they should be."""
    notebook = notebooks.read(notebooks.FOLDER / f"{entry['file']}.ipynb")
    cells = {cell.get("id"): cell for cell in notebook.cells}
    if "colab" not in cells:
        first = next(i for i, c in enumerate(notebook.cells) if c.cell_type == "code")
        notebook.cells.insert(first, nbformat.v4.new_code_cell(id="colab"))
    if "header" not in cells:
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(id="header"))
    cells = {cell.get("id"): cell for cell in notebook.cells}
    cells["header"].source = header(suite, entry)
    cells["colab"].source = colab_cell(suite)
    if "map" in cells:
        cells["map"].source = table(suite, "").strip()
    if "formats" in cells:
        cells["formats"].source = formats(ticks(notebooks.FOLDER / f"{FORMATS}.ipynb"))
    return notebooks.canonical(notebook) + "\n"


def readme(suite: dict, text: str) -> str:
    """Return the README with what stands between its two pairs of markers."""
    runs = f"https://github.com/{suite['repository']}/actions/workflows/ci.yml"
    row = [f"[![CI]({runs}/badge.svg?branch={suite['branch']})]({runs})"]
    row += badges(suite, written(suite)[0])[:2]
    for (begin, end), body in {
        BADGES: " ".join(row) + "\n",
        (BEGIN, END): table(suite, "notebooks/"),
    }.items():
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{body}\n{end}{rest.split(end)[1]}"
    return text


def results() -> dict[Path, str]:
    """Return every stamped file and the text that it should have."""
    suite = registry()
    files = {notebooks.FOLDER / f"{e['file']}.ipynb": stamped(suite, e) for e in written(suite)}
    files[ROOT / "README.md"] = readme(suite, (ROOT / "README.md").read_text(encoding="utf-8"))
    files[ROOT / "llms.txt"] = llms(suite)
    return files


def main(arguments: list[str]) -> None:
    if set(arguments) - {"--check"}:
        sys.exit("expected --check or nothing")
    differing = []
    for path, text in results().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(path.relative_to(ROOT).as_posix())
            if not arguments:
                path.write_text(text, encoding="utf-8", newline="\n")
    if differing and arguments:
        sys.exit(f"not as suite.yml says, run `make stamp`: {', '.join(differing)}")
    print(f"stamped: {', '.join(differing)}" if differing else "everything is as suite.yml says")


if __name__ == "__main__":
    main(sys.argv[1:])
