"""Every notebook keeps every rule of form.py, and every rule rejects what it is there for."""

import ast
import re
from pathlib import Path

import form
import nbformat
import pytest
import saboteurs
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from saboteurs.cases import CASES

from tools import notebooks, stamp

BOOKS = {path.stem: path for path in notebooks.paths()}
PLANTED = "01_checkpoint_callback"  # the name that the planted notebooks go by
RULES = {rule.__name__: rule for rule in form.RULES}

# The notebooks


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", BOOKS)
def test_notebook(name, rule):
    faults = list(RULES[rule](notebooks.read(BOOKS[name]), name))
    assert not faults, "\n".join([rule, *faults])


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_is_the_bytes_of_its_canonical_form(name):
    assert not list(other_bytes(BOOKS[name]))


def test_no_code_stands_in_three_notebooks():
    books = {name: notebooks.read(path) for name, path in BOOKS.items()}
    assert not form.repeated_code(books)


def test_the_registry_lists_the_notebooks_that_are_there_and_no_others():
    assert sorted(BOOKS) == [entry["file"] for entry in stamp.written(stamp.registry())]


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_has_saboteurs(name):
    needed = 3 if 2 <= int(name[:2]) <= 6 else 2
    used = [function.__name__ for function, _ in CASES.get(name, ())]
    assert len(set(used)) >= needed, f"{name} has the saboteurs {used}; expected {needed} or more"


def test_saboteurs_work_on_notebooks_that_are_there():
    assert set(CASES) <= set(BOOKS)


def test_saboteurs_live_in_rooms_that_are_not_too_large_and_share_no_name():
    rooms = {path: path.read_text() for path in Path(saboteurs.__file__).parent.glob("*.py")}
    assert not [path.name for path, text in rooms.items() if text.count("\n") > 350]
    names = [n.name for text in rooms.values() for n in ast.parse(text).body if hasattr(n, "name")]
    assert not [name for name in names if names.count(name) > 1]


def test_two_saboteurs_with_one_name_are_refused():
    saboteurs.assemble()
    with pytest.raises(ValueError, match="two saboteurs are named harmless"):

        @saboteurs.breaks("keras")
        def harmless(keras):
            """Another one."""


def other_bytes(path):
    if path.read_bytes() != (notebooks.canonical(notebooks.read(path)) + "\n").encode():
        yield f"{path.name} is stored in other bytes; run `make notebooks`"


# A small notebook that keeps every rule


def output(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def picture(alt="A line rises from left to right.", **changes):
    data = {"image/png": "aGVsbG8=", "text/plain": changes.get("plain", alt)}
    return new_output("display_data", data, metadata={"image/png": {"alt": alt}})


def claim(text="the file is there", holds="len(names) == 1"):
    return new_code_cell(f'check("{text}", {holds})', outputs=[output(f"✓ {text}\n")])


def clean():
    """Make a notebook that no rule rejects."""
    suite = stamp.registry()
    entry = next(e for e in suite["notebooks"] if e["file"] == PLANTED)
    said = (
        "A paragraph says in a few plain words what the next cell does, and why you want it. " * 2
    )
    lists = [f"**{t}**\n\n- one thing" for t in ("You will do", "You will learn", "You need")]
    start = f'from helpers import session\n\nworkspace = session.start("{PLANTED}")'
    fresh = '%%python\nimport os\nfrom helpers.proof import check\n\ncheck("it is all there", os.x)'
    plan = [
        new_markdown_cell(stamp.header(suite, entry), id="header"),
        new_markdown_cell("\n\n".join(lists)),
        new_code_cell(stamp.colab_cell(suite), id="colab"),
        new_code_cell(start, outputs=[output("TensorFlow 2.21.0, Keras 3.15.1\n")]),
        new_markdown_cell(f"## In a hurry\n\n{said}"),
        new_code_cell('model.save("digits.keras")'),
        claim("the model came back"),
        new_markdown_cell(f"## One name keeps `one` file\n\n{said}\n\n```python\nplease\n```"),
        new_code_cell("names = sorted(os.listdir())\nnames[0]  # the one that you saved"),
        claim(),
        new_markdown_cell(said),
        new_code_cell(
            "figures.digits(x)", outputs=[picture(), output(f"Picture: {picture_alt}\n")]
        ),
        new_markdown_cell(f"## A fresh Python\n\n{said}"),
        new_code_cell(fresh, outputs=[output("✓ it is all there\n")]),
        *[cell for _ in range(6) for cell in (new_markdown_cell(said), claim())],
        new_markdown_cell("## Where it goes wrong\n\nNo ending, no file."),
        new_code_cell(
            'with refuses(ValueError, "must end in"):\n    model.save("x")',
            outputs=[output("✓ refused: ValueError: … must end in …\n")],
        ),
        new_markdown_cell(f"## As TF 2.8 wrote it\n\n{said}"),
        new_code_cell("import tf_keras"),
        new_markdown_cell(f"## Exercise\n\n{said}"),
        claim("your file is there"),
        new_markdown_cell(
            "## In short\n\n- One name keeps [one file](#One-name-keeps-one-file).\n"
            "- Prove it in [a fresh Python](#A-fresh-Python).\n"
            "- Names need an ending, or [it goes wrong](#Where-it-goes-wrong)."
        ),
        new_markdown_cell(
            "## Further reading\n\n- [Start](00_start_here.ipynb) tells what a model consists of.\n"
            "- [Keras](https://keras.io) 3.15 lists every argument,\n  e.g. of the callback."
        ),
    ]
    counted = [cell for cell in plan if cell.cell_type == "code"]
    for count, cell in enumerate(counted, 1):
        cell.execution_count = count
    counted[-1].metadata = {"jupyter": {"source_hidden": True}}
    return settled(new_notebook(cells=plan))


picture_alt = "A line rises from left to right."


def settled(notebook):
    return nbformat.reads(notebooks.canonical(notebook), as_version=4)


def find(notebook, words):
    return next(cell for cell in notebook.cells if words in cell.source)


@pytest.fixture(scope="module")
def sound():
    return clean()


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_notebook_is_accepted(rule, sound):
    assert list(RULES[rule](sound, PLANTED)) == []


# The same notebook with one thing wrong: rule, words of the fault, what is done to it


def on(words):
    """A change to the first cell whose source holds these words."""

    def change(work):
        return lambda notebook: work(find(notebook, words))

    return change


def source(words, old, new):
    def work(cell):
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return on(words)(work)


def prints(text, words="names[0]"):
    return on(words)(lambda cell: cell.outputs.append(output(text)))


def shows(text):
    result = new_output("execute_result", {"text/plain": text}, execution_count=3)
    return on("names[0]")(lambda cell: cell.outputs.append(result))


def drop(words):
    return lambda notebook: notebook.cells.remove(find(notebook, words))


def add(*cells):
    def change(notebook):
        place = notebook.cells.index(find(notebook, "## Where it goes wrong"))
        notebook.cells[place:place] = cells

    return change


def lines(n):
    return "\n".join(f"x{i} = {i}" for i in range(n))


def trimmed(notebook):
    kept = [c for c in notebook.cells if c.source != 'check("the file is there", len(names) == 1)']
    notebook.cells = kept


def long_lines(notebook):
    for cell in form.code(notebook, stamped=False):
        cell.source += "\n" + lines(4)


def some_long(notebook):
    for cell in form.code(notebook, stamped=False)[:3]:
        cell.source += "\n" + lines(13)


def swapped(notebook):
    one = notebook.cells.index(find(notebook, "## Exercise"))
    other = notebook.cells.index(find(notebook, "## In short"))
    notebook.cells[one], notebook.cells[other] = notebook.cells[other], notebook.cells[one]


HIDDEN = "your file is there"
PICTURE = "figures.digits"
CLAIM = 'check("the file is there"'
NEW = "execution_count"
FAULTS = [
    (
        "cells_are_stored_in_the_order_they_ran",
        "expected 1 to 17",
        on("names[0]")(lambda c: c.update(execution_count=None)),
    ),
    (
        "cells_are_stored_in_the_order_they_ran",
        "expected 1 to 17",
        on("names[0]")(lambda c: c.update(execution_count=99)),
    ),
    (
        "nothing_is_on_stderr_and_no_error_is_stored",
        "stores stderr: 'W0000",
        on(CLAIM)(lambda c: c.outputs.append(output("W0000", "stderr"))),
    ),
    (
        "nothing_is_on_stderr_and_no_error_is_stored",
        "stores an error",
        on(CLAIM)(lambda c: c.outputs.append(new_output("error", ename="E", evalue="e"))),
    ),
    (
        "no_cell_is_let_off",
        "has the tags ['raises-exception']",
        on(CLAIM)(lambda c: c.metadata.update(tags=["raises-exception"])),
    ),
    (
        "no_cell_is_let_off",
        "NBVAL_IGNORE_OUTPUT",
        source(CLAIM, "check", "# NBVAL_IGNORE_OUTPUT\ncheck"),
    ),
    ("no_cell_is_let_off", "NBVAL_SKIP", source(CLAIM, "check", "#NBVAL_SKIP\ncheck")),
    (
        "no_line_ends_in_a_semicolon",
        "trailing semicolon",
        source("names[0]", "names[0]", "names[0];"),
    ),
    ("no_line_ends_in_a_semicolon", "trailing semicolon", source(CLAIM, "1)", "1);")),
    ("no_line_ends_in_a_semicolon", "trailing semicolon", source("%%python", "os.x)", "os.x);")),
    ("a_failing_command_can_not_pass", "or command 'ls'", source(CLAIM, "check", "!ls\ncheck")),
    ("a_failing_command_can_not_pass", "or command 'ls'", source(CLAIM, "check", "x = !ls\ncheck")),
    ("a_failing_command_can_not_pass", "command 'nosuch", source(CLAIM, "check", "%nosuch\ncheck")),
    ("a_failing_command_can_not_pass", "command 'pip", source(CLAIM, "check", "%pip list\ncheck")),
    ("a_failing_command_can_not_pass", "or command", source(CLAIM, "check", "check?\ncheck")),
    ("a_failing_command_can_not_pass", "only ones are", source("%%python", "%%python", "%%bash")),
    (
        "a_failing_command_can_not_pass",
        "only ones are",
        source("%%python", "%%python", "%%python --no-raise-error"),
    ),
    (
        "a_failing_command_can_not_pass",
        "os.system",
        source(CLAIM, "check", "os.system('x')\ncheck"),
    ),
    (
        "pictures_are_told_in_words",
        "without alt text",
        on(PICTURE)(lambda c: c.outputs[0].update(metadata={})),
    ),
    (
        "pictures_are_told_in_words",
        "text/plain is not its alt",
        on(PICTURE)(lambda c: c.outputs[0].data.update({"text/plain": "<Figure size 640x480>"})),
    ),
    (
        "pictures_are_told_in_words",
        "does not print 'Picture: A line",
        on(PICTURE)(lambda c: c.outputs.pop()),
    ),
    ("outputs_hold_nothing_that_changes_by_itself", "a time: '12:30:05'", prints("at 12:30:05\n")),
    ("outputs_hold_nothing_that_changes_by_itself", "a time: '2026-11-23'", prints("2026-11-23\n")),
    ("outputs_hold_nothing_that_changes_by_itself", "a duration: '3.2 s'", prints("took 3.2 s\n")),
    ("outputs_hold_nothing_that_changes_by_itself", "a duration: '41ms'", prints("41ms\n")),
    (
        "outputs_hold_nothing_that_changes_by_itself",
        "an address: '0x7f3b2c",
        shows("<keras.Sequential object at 0x7f3b2c1d>"),
    ),
    ("outputs_hold_nothing_that_changes_by_itself", "path: '/tmp'", shows("PosixPath('/tmp/x')")),
    ("outputs_hold_nothing_that_changes_by_itself", "path: '/root'", prints("/root/x.h5\n")),
    ("outputs_hold_nothing_that_changes_by_itself", "path: '/content'", prints("in /content\n")),
    ("outputs_hold_nothing_that_changes_by_itself", r"path: 'C:\\", prints("C:\\Users\\x\n")),
    (
        "outputs_hold_nothing_that_changes_by_itself",
        "an id: '123e4567",
        prints("123e4567-e89b-12d3-a456-426614174000\n"),
    ),
    (
        "outputs_hold_nothing_that_changes_by_itself",
        "progress bar: '32/32",
        prints("32/32 ━━━━━\n"),
    ),
    (
        "outputs_hold_nothing_that_changes_by_itself",
        "progress bar: '/step'",
        prints("loss 1/step\n"),
    ),
    ("outputs_hold_nothing_that_changes_by_itself", "progress bar: '10%|'", prints("10%|█ \n")),
    ("outputs_hold_nothing_that_changes_by_itself", "a progress bar", prints("1\r2\n")),
    (
        "listings_are_sorted",
        "takes listdir()",
        source("names[0]", "sorted(os.listdir())", "os.listdir()"),
    ),
    ("listings_are_sorted", "takes glob()", source(CLAIM, "check", "glob.glob('*')\ncheck")),
    ("every_claim_ran", "makes 1 claims and shows 0", on(CLAIM)(lambda c: c.update(outputs=[]))),
    (
        "every_claim_ran",
        "makes 2 claims and shows 1",
        source(CLAIM, "check(", 'check("a b c", x)\ncheck('),
    ),
    (
        "every_claim_ran",
        "makes 1 claims and shows 0",
        on("%%python")(lambda c: c.update(outputs=[])),
    ),
    (
        "every_claim_ran",
        "makes 1 claims and shows 0",
        on("with refuses")(lambda c: c.update(outputs=[])),
    ),
    (
        "every_claim_ran",
        "makes 2 claims",
        source(CLAIM, "check(", "with warns('x'):\n    f()\ncheck("),
    ),
    ("every_claim_ran", "a tick without a claim", prints("✓ all is well\n")),
    ("every_claim_ran", "a tick by hand", source("names[0]", "names[0]", "print('✓ it is')")),
    (
        "claims_are_sentences_that_could_be_false",
        "checks a constant",
        source(CLAIM, "len(names) == 1", "True"),
    ),
    (
        "claims_are_sentences_that_could_be_false",
        "is no sentence",
        source(CLAIM, "the file is there", "it works"),
    ),
    (
        "claims_are_sentences_that_could_be_false",
        "begin with a letter",
        source(CLAIM, "the file", "> the file"),
    ),
    (
        "claims_are_sentences_that_could_be_false",
        "does not stand in the call",
        source(CLAIM, '"the file is there"', "text"),
    ),
    (
        "claims_are_sentences_that_could_be_false",
        "'X is' is no",
        source(CLAIM, '"the file is there"', 'f"{n} is"'),
    ),
    ("a_fresh_interpreter_proves_something", "no %%python cell:", drop("%%python")),
    (
        "a_fresh_interpreter_proves_something",
        "makes a claim",
        source("%%python", "check(", "print("),
    ),
    ("cells_are_short", "half of the cells are longer", long_lines),
    ("cells_are_short", "at most 12 lines; expected 90 %", some_long),
    ("cells_are_short", "has 21 lines; expected at most 20", add(new_code_cell(lines(21)))),
    ("there_is_more_to_read_than_to_run", "expected 10 for each", add(new_code_cell(lines(100)))),
    (
        "there_is_more_to_read_than_to_run",
        "expected 10 for each",
        add(new_code_cell(lines(100)), new_markdown_cell("```\n" + "word " * 5000 + "\n```")),
    ),
    ("a_notebook_is_one_sitting", "10 code cells; expected 15 to 40", trimmed),
    ("a_notebook_is_one_sitting", "41 code cells", add(*[new_code_cell("x") for _ in range(24)])),
    ("a_notebook_is_one_sitting", "expected less than 500,000", prints("x" * 500_000)),
    (
        "it_opens_with_header_and_three_lists",
        "not the stamped header",
        drop("# Save while training"),
    ),
    (
        "it_opens_with_header_and_three_lists",
        "does not list",
        source("**You need**", "**You need**", "**You want**"),
    ),
    (
        "it_opens_with_header_and_three_lists",
        "no list under 'You will do'",
        source("**You need**", "- one thing\n\n**You will learn", "one thing\n\n**You will learn"),
    ),
    ("it_starts_its_own_session", "not the stamped one for Colab", drop("google.colab")),
    ("it_starts_its_own_session", "does not call session.start", drop("session.start")),
    (
        "it_starts_its_own_session",
        "does not call session.start",
        source("session.start", PLANTED, "00_start_here"),
    ),
    (
        "the_answer_comes_first_and_can_be_copied_without_the_helpers",
        "the first section is 'One name keeps one file'",
        drop("## In a hurry"),
    ),
    (
        "the_answer_comes_first_and_can_be_copied_without_the_helpers",
        "needs a cell to copy, without a check",
        drop('model.save("digits.keras")'),
    ),
    (
        "the_answer_comes_first_and_can_be_copied_without_the_helpers",
        "needs a cell to copy, without a check",
        drop("the model came back"),
    ),
    (
        "the_answer_comes_first_and_can_be_copied_without_the_helpers",
        "has 9 lines; expected 8",
        source("digits.keras", 'model.save("digits.keras")', "x = 1\n" * 9),
    ),
    (
        "the_answer_comes_first_and_can_be_copied_without_the_helpers",
        "uses the helpers ['session']; readers copy it",
        source("digits.keras", "model.", "session.model."),
    ),
    *[("sections_stand_in_order", "has the sections", drop(f"## {s}")) for s in form.SECTIONS],
    ("sections_stand_in_order", "has the sections", swapped),
    (
        "sections_stand_in_order",
        "the last section is ['More']",
        lambda n: n.cells.append(new_markdown_cell("## More\n\nWords.")),
    ),
    (
        "sections_stand_in_order",
        "stands twice",
        add(new_markdown_cell("## A fresh Python\n\nAgain.")),
    ),
    ("sections_stand_in_order", "not one title", add(new_markdown_cell("# Another title"))),
    (
        "sections_stand_in_order",
        "in the middle",
        add(new_markdown_cell("Words.\n\n## New\n\nWords.")),
    ),
    (
        "a_section_explains_before_it_does",
        "'Exercise' begins without a sentence",
        on("## Exercise")(lambda c: c.update(source="## Exercise")),
    ),
    (
        "a_section_explains_before_it_does",
        "'Exercise' begins without a sentence",
        source("## Exercise", "## Exercise\n", "## Exercise\n\n```python\nx\n```\n"),
    ),
    (
        "a_section_explains_before_it_does",
        "'Further reading' begins without",
        on("## Further")(lambda c: c.update(source="## Further reading")),
    ),
    (
        "the_old_step_runs_on_the_old_keras",
        "does not use tf_keras",
        source("import tf_keras", "tf_", ""),
    ),
    ("the_old_step_runs_on_the_old_keras", "does not use tf_keras", drop("import tf_keras")),
    (
        "the_exercise_has_a_collapsed_solution",
        "no collapsed solution",
        on(HIDDEN)(lambda c: c.update(metadata={})),
    ),
    ("the_exercise_has_a_collapsed_solution", "no collapsed solution", drop(HIDDEN)),
    (
        "the_exercise_has_a_collapsed_solution",
        "was not executed",
        on(HIDDEN)(lambda c: c.update(execution_count=None)),
    ),
    (
        "in_short_gives_three_to_five_proved_rules",
        "has 2 rules",
        source("## In short", "- Prove", "Prove"),
    ),
    (
        "in_short_gives_three_to_five_proved_rules",
        "has 6 rules",
        source("## In short", "- Prove", "- a\n- b\n- c\n- Prove"),
    ),
    (
        "in_short_gives_three_to_five_proved_rules",
        "has no link",
        source("## In short", "(#A-fresh", "(x.ipynb#A"),
    ),
    ("further_reading_is_a_sentence_a_link", "lists nothing", source("## Further", "- [", "[")),
    (
        "further_reading_is_a_sentence_a_link",
        "is not one sentence",
        source("## Further", " tells what a model consists of.", ""),
    ),
    (
        "further_reading_is_a_sentence_a_link",
        "is not one sentence",
        source("## Further", "of.", "of. It is long."),
    ),
    (
        "further_reading_is_a_sentence_a_link",
        "is not one sentence",
        source("## Further", "what a", "[what](https://x.org) a"),
    ),
    (
        "further_reading_is_a_sentence_a_link",
        "outside its list",
        source("## Further", "\n\n- ", "\n\nSee [x](https://x.org).\n\n- "),
    ),
    ("links_lead_somewhere", "leads to no file", source("## Further", "00_start", "99_start")),
    (
        "links_lead_somewhere",
        "leads to no file",
        source("## Further", "00_start_here", "../nowhere/x"),
    ),
    ("links_lead_somewhere", "leads to no heading", source("## In short", "#A-fresh", "#a-fresh")),
    (
        "links_lead_somewhere",
        "leads to no heading",
        source("## Further", "here.ipynb", "here.ipynb#Nowhere"),
    ),
    *[
        (
            "words_that_make_readers_feel_slow_are_left_out",
            word,
            source("## Exercise", "says", f"{word} says"),
        )
        for word in (
            "simply",
            "Just",
            "easily",
            "easy",
            "obviously",
            "of course",
            "trivially",
            "trivial",
            "basically",
            "please",
            "mend",
        )
    ],
    (
        "words_that_make_readers_feel_slow_are_left_out",
        "'just'",
        source("names[0]", "# the", "# just the"),
    ),
    (
        "words_that_make_readers_feel_slow_are_left_out",
        "'easily'",
        source(CLAIM, "is there", "is easily there"),
    ),
    (
        "it_is_stored_in_canonical_form",
        "make notebooks",
        on(CLAIM)(lambda c: c.metadata.update(scrolled=True)),
    ),
    ("it_is_stored_in_canonical_form", "make notebooks", on(CLAIM)(lambda c: c.update(id="abc"))),
    (
        "it_is_stamped_as_the_registry_says",
        "'header' is not as",
        source("# Save while", "crash", "crash!"),
    ),
    (
        "it_is_stamped_as_the_registry_says",
        "'colab' is not as",
        source("google.colab", "--no-deps ", ""),
    ),
    ("it_is_stamped_as_the_registry_says", "'colab' is not as", drop("google.colab")),
]


@pytest.mark.parametrize(
    ("rule", "words", "spoil"),
    FAULTS,
    ids=[f"{n:03}-{rule}" for n, (rule, *_) in enumerate(FAULTS)],
)
def test_a_planted_fault_is_rejected(rule, words, spoil, sound):
    planted = nbformat.from_dict(sound)
    spoil(planted)
    faults = list(RULES[rule](planted, PLANTED))
    assert [fault for fault in faults if words in fault], f"{rule} found: {faults}"


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, *_ in FAULTS} == set(RULES)


def test_a_notebook_that_is_not_in_the_registry_is_rejected(sound):
    (fault,) = form.it_is_stamped_as_the_registry_says(sound, "01_unknown")
    assert "is not in suite.yml" in fault


@pytest.mark.parametrize("name", ["00_start_here", "07_keras_format"])
def test_only_the_guides_own_steps_need_the_old_keras(name, sound):
    planted = nbformat.from_dict(sound)
    drop("## As TF 2.8 wrote it")(planted)
    assert list(form.sections_stand_in_order(planted, name)) == []
    assert list(form.sections_stand_in_order(planted, "06_custom_objects"))


@pytest.mark.parametrize(
    "text",
    [
        "optimizer/vars/2  (784, 512)  float32\n",
        "cp-0005.ckpt.index\n",
        "┏━━━━━━━━━━━┳━━━━━━━━━━━┓\n",
        "loaded 1000 samples, 96 steps\n",
        "Keras 3.15.1 wrote 0x89 first\n",
    ],
)
def test_what_only_looks_like_it_changes_is_accepted(text, sound):
    planted = nbformat.from_dict(sound)
    prints(text)(planted)
    assert list(form.outputs_hold_nothing_that_changes_by_itself(planted, PLANTED)) == []


def test_a_claim_in_a_loop_may_print_more_ticks_than_it_is_written(sound):
    planted = nbformat.from_dict(sound)
    prints("✓ the file is there\n" * 3, CLAIM)(planted)
    assert list(form.every_claim_ran(planted, PLANTED)) == []


def test_a_claim_that_is_shown_to_fail_prints_no_tick_of_its_own(sound):
    planted = nbformat.from_dict(sound)
    source("with refuses", 'model.save("x")', 'check("two is three", n == 3)')(planted)
    assert list(form.every_claim_ran(planted, PLANTED)) == []


@pytest.mark.parametrize("spoil", [lambda b: b.replace(b"\n", b"\r\n"), bytes.strip])
def test_other_line_ends_are_other_bytes(spoil, sound, tmp_path):
    path = tmp_path / "x.ipynb"
    notebooks.write(path, sound)
    assert not list(other_bytes(path))
    path.write_bytes(spoil(path.read_bytes()))
    assert list(other_bytes(path))


def book(*sources):
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def test_four_lines_in_three_notebooks_ask_for_a_helper():
    same = "model = make()\nmodel.fit(x,  y)\n\n# saved\nmodel.save(z)\ndel model"
    books = {
        "a": book("first", same),
        "b": book(f"{same}\nlast"),
        "c": book(same.replace("  ", " ")),
    }
    (fault,) = form.repeated_code(books)
    assert "['a', 'b', 'c'] repeat 'model=make()" in fault
    assert form.repeated_code({**books, "c": book("other")}) == []
    assert form.repeated_code({**books, "c": book(same[:-9])}) == []


def test_setup_may_stand_in_every_notebook():
    setup = "from helpers import session\nw = session.start('x')\na = 1\nb = 2\nc = 3\nd = 4"
    fresh = (
        "%%python\nfrom helpers import session\nsession.attach()\nimport keras\nimport os\na = 1"
    )
    assert form.repeated_code({name: book(setup, fresh) for name in "abc"}) == []
    other = fresh + "\nb = 2\nc = 3\nd = 4"
    assert len(form.repeated_code({name: book(other) for name in "abc"})) == 1


def test_anchors_are_jupyterlabs():
    notebook = new_notebook(
        cells=[new_markdown_cell("## What `.weights.h5` *holds*, and why\n\nx")]
    )
    assert form.anchors(notebook) == {"What-.weights.h5-holds,-and-why"}
    assert not re.search(r"\s", next(iter(form.anchors(notebook))))
