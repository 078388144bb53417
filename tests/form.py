"""The rules of a notebook: what nbval does not see, and the form that all of them share.

A rule takes a notebook and its name, such as "01_checkpoint_callback", and yields faults, each a
sentence. `RULES` lists them; test_form.py applies each to every notebook, and to small planted
notebooks that it must reject.
"""

import ast
import functools
import io
import itertools
import re
import statistics
import tokenize
from collections import defaultdict
from urllib.parse import unquote

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from tools import notebooks, stamp

RULES = []
PROOFS = ("check", "refuses", "warns", "silent")
HURRY = "In a hurry"
SECTIONS = ("Where it goes wrong", "As TF 2.8 wrote it", "Exercise", "In short", "Further reading")
AS_TF_28 = range(1, 7)  # the notebooks that mirror the guide
NOT_OURS = r"mend|mends|mended|mending"  # the field says fix
BANNED = r"simply|just|easily|easy|obviously|of course|trivial|trivially|basically|please"


def rule(function):
    RULES.append(function)
    return function


# Reading a notebook


def code(notebook, stamped=True) -> list:
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return cells if stamped else [c for c in cells if c.id not in notebooks.STAMPED]


def where(notebook, cell) -> str:
    """Name a code cell as nbval does, and by its first line."""
    place = next(i for i, c in enumerate(code(notebook)) if c is cell)
    line = next((x for x in cell.source.splitlines() if x.strip()), "")
    return f"Cell {place} ({line[:50]!r})"


def body(cell) -> str:
    """A code cell's Python: what a `%%python` cell runs, without magics in any cell."""
    first, _, rest = cell.source.partition("\n")
    text = rest if first.startswith("%%") else cell.source
    return "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in text.splitlines())


@functools.cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


def calls(cell) -> list:
    """The calls in a code cell: name of the function, node."""
    nodes = [node for node in ast.walk(parsed(body(cell))) if isinstance(node, ast.Call)]
    named = [(getattr(n.func, "attr", None) or getattr(n.func, "id", ""), n) for n in nodes]
    return [(name, node) for name, node in named if name]


def claims(cell) -> list:
    """The calls that print a tick; what stands in a block that is refused prints none."""
    refused = set()
    for node in ast.walk(parsed(body(cell))):
        heads = [i.context_expr for i in getattr(node, "items", []) if isinstance(node, ast.With)]
        if any("refuses" in ast.unparse(getattr(head, "func", head)) for head in heads):
            refused.update(id(inner) for line in node.body for inner in ast.walk(line))
    return [n for called, n in calls(cell) if called in PROOFS and id(n) not in refused]


def code_lines(cell) -> list[str]:
    lines = (line.strip() for line in cell.source.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def stream(cell, name="stdout") -> str:
    held = (o for o in cell.outputs if o.output_type == "stream" and o.name == name)
    return "".join(o.text for o in held)


def ticks(cell) -> int:
    return sum(line.startswith("✓") for line in stream(cell).splitlines())


def shown(cell):
    """Everything that a reader sees below a code cell, as text; pictures left out."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        for kind, data in output.get("data", {}).items():
            if not kind.startswith("image/"):
                yield str(data)


def without_fences(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", text, flags=re.M | re.S)


def prose(text: str) -> str:
    """What a reader reads in Markdown: no fenced code, no code spans, no addresses."""
    text = re.sub(r"<!--.*?-->", "", without_fences(text), flags=re.S)
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "", text))


def words(text: str) -> int:
    text = re.sub(r"\]\([^)]*\)", "]", without_fences(text))
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def headings(notebook) -> list[tuple[int, str]]:
    """Level and text, as JupyterLab shows it, of every heading in order."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for marks, text in re.findall(r"^(#+) +(.+)$", without_fences(cell.source), re.M):
                text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
                found.append((len(marks), re.sub(r"[`*]", "", text).strip()))
    return found


def anchors(notebook) -> set[str]:
    return {text.replace(" ", "-") for _, text in headings(notebook)}


def sections(notebook) -> dict[str, list]:
    """Heading of level two -> the cells from it to the next one."""
    found, current = {}, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for level, text in headings(nbformat.v4.new_notebook(cells=[cell])):
                if level == 2:
                    current = found.setdefault(text, [])
        if current is not None:
            current.append(cell)
    return found


def list_items(text: str) -> list[str]:
    """The items of a Markdown list, each with the lines that continue it."""
    return [" ".join(m.split()) for m in re.findall(r"^[-*] +(.+(?:\n +\S.*)*)", text, re.M)]


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", without_fences(text))


def under(notebook, section: str) -> str:
    """The Markdown of a section, its heading left out."""
    cells = sections(notebook).get(section, [])
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    return re.sub(r"\A## .*$", "", text, count=1, flags=re.M)


# What nbval does not see


@rule
def cells_are_stored_in_the_order_they_ran(notebook, name):
    counts = [cell.execution_count for cell in code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}; expected 1 to {len(counts)} in order"


@rule
def nothing_is_on_stderr_and_no_error_is_stored(notebook, name):
    for cell in code(notebook):
        if noise := stream(cell, "stderr"):
            yield f"{where(notebook, cell)} stores stderr: {noise[:80]!r}"
        if [o for o in cell.outputs if o.output_type == "error"]:
            yield f"{where(notebook, cell)} stores an error; show a refusal with `refuses`"


@rule
def no_cell_is_let_off(notebook, name):
    for cell in code(notebook):
        if tags := cell.metadata.get("tags"):
            yield f"{where(notebook, cell)} has the tags {tags}; expected none"
        if found := re.findall(r"NBVAL_\w+|PYTEST_VALIDATE\w+", cell.source):
            yield f"{where(notebook, cell)} has the marker {found[0]}"


@rule
def no_line_ends_in_a_semicolon(notebook, name):
    for cell in code(notebook):
        tokens = list(tokenize.generate_tokens(io.StringIO(body(cell)).readline))
        for token, following in itertools.pairwise(tokens):
            ends = following.type in (tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER)
            if token.type == tokenize.OP and token.string == ";" and ends:
                yield f"{where(notebook, cell)} has a trailing semicolon, which hides no output"


@rule
def a_failing_command_can_not_pass(notebook, name):
    for cell in code(notebook):
        magic = cell.source.partition("\n")[0] if cell.source.startswith("%%") else ""
        if magic not in ("", "%%python") and not magic.startswith("%%writefile "):
            known = "the only ones are %%python and %%writefile"
            yield f"{where(notebook, cell)} begins with {magic!r}; {known}"
        source = cell.source.partition("\n")[2] if magic else cell.source
        made = ast.parse(TransformerManager().transform_cell(source))
        for node in ast.walk(made):
            function = getattr(node, "func", None)
            owner = getattr(function, "value", None)
            if getattr(getattr(owner, "func", None), "id", "") == "get_ipython":
                asked = [a.value for a in node.args if isinstance(a, ast.Constant)]
                pip = function.attr == "run_line_magic" and asked[:1] == ["pip"]
                if not (pip and cell.id == "colab"):
                    yield f"{where(notebook, cell)} has the magic or command {' '.join(asked)!r}"
            if getattr(function, "attr", "") == "system" and getattr(owner, "id", "") == "os":
                yield f"{where(notebook, cell)} calls os.system, which hides a failure"


@rule
def pictures_are_told_in_words(notebook, name):
    for cell in code(notebook):
        for output in cell.outputs:
            for kind in (k for k in output.get("data", {}) if k.startswith("image/")):
                alt = output.metadata.get(kind, {}).get("alt", "")
                if not alt.strip():
                    yield f"{where(notebook, cell)} has a picture without alt text"
                elif output.data.get("text/plain") != alt:
                    yield f"{where(notebook, cell)} has a picture whose text/plain is not its alt"
                elif f"Picture: {alt}" not in " ".join(stream(cell).split()):
                    yield f"{where(notebook, cell)} does not print 'Picture: {alt}'"


PASSING = {
    "a time": r"\b\d{1,2}:\d{2}:\d{2}\b|\b(19|20)\d{2}-\d{2}-\d{2}\b",
    "a duration": r"\b\d+(\.\d+)?\s?([mµun]?s|sec|secs|seconds|minutes)\b|\bstep\b.*\d+[mµu]?s/",
    "an address": r"\b0x[0-9a-fA-F]{6,}",
    "an absolute path": r"(?<![\w.:/-])/(root|home|tmp|content|usr|opt|var|mnt|work|private|Users)"
    r"\b|\b[A-Za-z]:\\|site-packages|\.ipynb_checkpoints",
    "an id": r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "a progress bar": r"\d+/\d+ .*[━=█]{3}|\d+%\s?\||\bit/s\b|/step\b|\r|\x08",
}


@rule
def outputs_hold_nothing_that_changes_by_itself(notebook, name):
    for cell in code(notebook):
        for text in shown(cell):
            for what, pattern in PASSING.items():
                if found := re.search(pattern, text):
                    yield f"{where(notebook, cell)} shows {what}: {found[0]!r}"


@rule
def listings_are_sorted(notebook, name):
    for cell in code(notebook):
        ordered = set()
        for outer, node in calls(cell):
            if outer in ("sorted", "len", "set", "any", "all", "sum", "max", "min"):
                ordered.update(id(inner) for inner in ast.walk(node))
        for called, node in calls(cell):
            unordered = called in ("listdir", "glob", "iglob", "rglob", "iterdir", "scandir")
            if unordered and id(node) not in ordered:
                yield f"{where(notebook, cell)} takes {called}() in the order of the disk"


# Claims


@rule
def every_claim_ran(notebook, name):
    for cell in code(notebook):
        claimed = len(claims(cell))
        if ticks(cell) < claimed:
            yield f"{where(notebook, cell)} makes {claimed} claims and shows {ticks(cell)} ticks"
        if ticks(cell) and not claimed:
            yield f"{where(notebook, cell)} shows a tick without a claim"
        if "✓" in cell.source or "\\u2713" in cell.source:
            yield f"{where(notebook, cell)} writes a tick by hand"


@rule
def claims_are_sentences_that_could_be_false(notebook, name):
    for cell in code(notebook):
        for called, node in calls(cell):
            if called != "check":
                continue
            if isinstance(node.args[1:] and node.args[1], ast.Constant):
                yield f"{where(notebook, cell)} checks a constant: it can't fail"
            claim = node.args[0]
            if isinstance(claim, ast.JoinedStr):
                parts = (getattr(part, "value", None) for part in claim.values)
                text = "".join(part if isinstance(part, str) else "X" for part in parts)
            elif isinstance(claim, ast.Constant) and isinstance(claim.value, str):
                text = claim.value
            else:
                yield f"{where(notebook, cell)} has a claim that does not stand in the call"
                continue
            if not text[:1].isalpha():
                yield f"{where(notebook, cell)}: the claim {text!r} does not begin with a letter"
            if len(text.split()) < 3:
                yield f"{where(notebook, cell)}: the claim {text!r} is no sentence"


@rule
def a_fresh_interpreter_proves_something(notebook, name):
    fresh = [cell for cell in code(notebook) if cell.source.startswith("%%python")]
    if not fresh:
        yield "no %%python cell: nothing is read back by a fresh interpreter"
    elif not any(claims(cell) for cell in fresh):
        yield "no %%python cell makes a claim"


# Measure


@rule
def cells_are_short(notebook, name):
    lengths = [len(code_lines(cell)) for cell in code(notebook, stamped=False)] or [0]
    if (median := statistics.median(lengths)) > 4:
        yield f"half of the cells are longer than {median:g} lines; expected at most 4"
    if (short := sum(n <= 12 for n in lengths)) < 0.9 * len(lengths):
        yield f"{short} of {len(lengths)} cells have at most 12 lines; expected 90 %"
    for cell in code(notebook, stamped=False):
        if len(code_lines(cell)) > 20:
            yield f"{where(notebook, cell)} has {len(code_lines(cell))} lines; expected at most 20"


@rule
def there_is_more_to_read_than_to_run(notebook, name):
    lines = sum(len(code_lines(cell)) for cell in code(notebook, stamped=False))
    text = (
        c for c in notebook.cells if c.cell_type == "markdown" and c.id not in notebooks.STAMPED
    )
    count = sum(words(cell.source) for cell in text)
    if count < 10 * lines:
        yield f"{count} words for {lines} lines of code; expected 10 for each"


@rule
def a_notebook_is_one_sitting(notebook, name):
    if not 15 <= (count := len(code(notebook))) <= 40:
        yield f"{count} code cells; expected 15 to 40"
    if (size := len(nbformat.writes(notebook).encode())) >= 500_000:
        yield f"{size:,} bytes; expected less than 500,000"


# The form


@rule
def it_opens_with_header_and_three_lists(notebook, name):
    if notebook.cells[0].get("id") != "header":
        yield "the first cell is not the stamped header"
    lists = notebook.cells[1].source if len(notebook.cells) > 1 else ""
    parts = re.split(r"^\*\*(You will do|You will learn|You need)\*\*", lists, flags=re.M)
    if parts[1::2] != ["You will do", "You will learn", "You need"]:
        yield "the second cell does not list 'You will do', 'You will learn', 'You need' in order"
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        if not list_items(text):
            yield f"there is no list under {title!r}"


@rule
def it_starts_its_own_session(notebook, name):
    first = code(notebook)[:2]
    if not first or first[0].id != "colab":
        yield "the first code cell is not the stamped one for Colab"
    given = [
        [getattr(a, "value", None) for a in node.args]
        for cell in first[1:]
        for called, node in calls(cell)
        if called == "start"
    ]
    if given != [[name]]:
        yield f"the second code cell does not call session.start({name!r})"


@rule
def the_answer_comes_first_and_can_be_copied_without_the_helpers(notebook, name):
    first = next(iter(sections(notebook).items()), ("", []))
    if first[0] != HURRY:
        yield f"the first section is {first[0]!r}; expected {HURRY!r}"
        return
    cells = [cell for cell in first[1] if cell.cell_type == "code"]
    if not cells or claims(cells[0]) or not any(claims(cell) for cell in cells[1:]):
        yield f"{HURRY!r} needs a cell to copy, without a check, and then one that checks it"
        return
    if len(code_lines(cells[0])) > 8:
        yield f"{where(notebook, cells[0])} has {len(code_lines(cells[0]))} lines; expected 8"
    ours = set()
    for cell in code(notebook):
        for node in ast.walk(parsed(body(cell))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers"):
                ours.update(alias.asname or alias.name for alias in node.names)
    used = {n.id for n in ast.walk(parsed(body(cells[0]))) if isinstance(n, ast.Name)}
    if found := sorted(used & ours):
        yield f"{where(notebook, cells[0])} uses the helpers {found}; readers copy it"


@rule
def sections_stand_in_order(notebook, name):
    titles = [text for level, text in headings(notebook) if level == 2]
    expected = [s for s in SECTIONS if s != "As TF 2.8 wrote it" or int(name[:2]) in AS_TF_28]
    found = [title for title in titles if title in SECTIONS]
    if [title for title in found if title in expected] != expected:
        yield f"has the sections {found}; expected {expected} in this order"
    if titles[-1:] != ["Further reading"]:
        yield f"the last section is {titles[-1:]}; expected 'Further reading'"
    if [level for level, _ in headings(notebook)].count(1) != 1:
        yield "there is not one title, the header's"
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        if "\n## " in without_fences(cell.source):
            yield f"a section begins in the middle of the cell {cell.source[:50]!r}"
    texts = [text for _, text in headings(notebook)]
    for twice in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"the heading {twice!r} stands twice, so a link to it is ambiguous"


@rule
def a_section_explains_before_it_does(notebook, name):
    for title, cells in sections(notebook).items():
        text = "\n".join(c.source if c.cell_type == "markdown" else "```" for c in cells)
        following = [x for x in text.splitlines() if x.strip() and not x.startswith("#")]
        if not following or following[0].lstrip().startswith(("```", "~~~", "![", "<")):
            yield f"the section {title!r} begins without a sentence"


@rule
def the_old_step_runs_on_the_old_keras(notebook, name):
    cells = sections(notebook).get("As TF 2.8 wrote it")
    if cells and not any("tf_keras" in "".join(code_lines(c)) for c in cells if "outputs" in c):
        yield "'As TF 2.8 wrote it' does not use tf_keras"


@rule
def the_exercise_has_a_collapsed_solution(notebook, name):
    cells = [c for c in sections(notebook).get("Exercise", []) if c.cell_type == "code"]
    hidden = [c for c in cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    if not hidden:
        yield "the exercise has no collapsed solution"
    for cell in hidden:
        if cell.execution_count is None:
            yield f"{where(notebook, cell)}, the solution, was not executed"


@rule
def in_short_gives_three_to_five_proved_rules(notebook, name):
    items = list_items(under(notebook, "In short"))
    if not 3 <= len(items) <= 5:
        yield f"'In short' has {len(items)} rules; expected 3 to 5"
    for item in items:
        if not any(link.startswith("#") for link in links(item)):
            yield f"the rule {item[:50]!r} has no link to the section that proves it"


@rule
def further_reading_is_a_sentence_a_link(notebook, name):
    text = under(notebook, "Further reading")
    items = list_items(text)
    if not items:
        yield "'Further reading' lists nothing"
    if len(links(text)) != sum(len(links(item)) for item in items):
        yield "'Further reading' has a link outside its list"
    for item in items:
        sentence = re.sub(r"\[[^]]*\]\([^)]*\)", "", item)
        ends = len(re.findall(r"[.!?](?=\s+[A-Z]|$)", item))
        if len(links(item)) != 1 or ends != 1 or len(sentence.split()) < 3:
            yield f"{item[:60]!r} is not one sentence with one link"


@rule
def links_lead_somewhere(notebook, name):
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        for link in links(cell.source):
            file, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            path = notebooks.FOLDER / file
            if file and not path.exists():
                yield f"the link {link} leads to no file"
                continue
            there = notebooks.read(path) if file.endswith(".ipynb") else None
            target = notebook if not file else there
            if anchor and target and anchor not in anchors(target):
                yield f"the link {link} leads to no heading"


@rule
def words_that_make_readers_feel_slow_are_left_out(notebook, name):
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = prose(cell.source)
        else:
            tokens = tokenize.generate_tokens(io.StringIO(body(cell)).readline)
            told = [t.string for t in tokens if t.type == tokenize.COMMENT]
            told += [ast.unparse(n.args[0]) for f, n in calls(cell) if f == "check" and n.args]
            text = "\n".join(told)
        for found in re.findall(rf"\b(?:{BANNED}|{NOT_OURS})\b", text, re.I):
            line = next(x for x in text.splitlines() if found in x)
            yield f"{found!r} in {line.strip()[:70]!r}"


# One form for all


@rule
def it_is_stored_in_canonical_form(notebook, name):
    if nbformat.writes(notebook) != notebooks.canonical(notebook):
        yield "not in canonical form; run `make notebooks`"


@rule
def it_is_stamped_as_the_registry_says(notebook, name):
    suite = stamp.registry()
    entry = next((e for e in stamp.written(suite) if e["file"] == name), None)
    if entry is None:
        yield f"{name} is not in suite.yml, or is marked as planned there"
        return
    cells = {cell.id: cell.source for cell in notebook.cells}
    for identity, text in (
        ("header", stamp.header(suite, entry)),
        ("colab", stamp.colab_cell(suite)),
    ):
        if cells.get(identity) != text:
            yield f"the cell {identity!r} is not as suite.yml says; run `make stamp`"


# Of all notebooks together


def repeated_code(books: dict) -> list[str]:
    """Yield a fault for four lines of code that stand in three notebooks; setup is left out."""
    seen = defaultdict(set)
    for name, notebook in books.items():
        for cell in code(notebook, stamped=False):
            if any(called == "start" for called, _ in calls(cell)):
                continue
            setup = r"%%python|import |from .* import |session\.attach\(\)"
            lines = ["".join(x.split()) for x in code_lines(cell) if not re.match(setup, x)]
            for i in range(len(lines) - 3):
                seen[tuple(lines[i : i + 4])].add(name)
    return [
        f"{sorted(names)} repeat {' / '.join(lines)!r}; a helper is missing"
        for lines, names in seen.items()
        if len(names) >= 3
    ]
