"""``python -m helpers describe PATH...`` and ``python -m helpers convert PATH TO``."""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from helpers import files
from helpers.files.description import printable

DESCRIBE = """examples:
  python -m helpers describe my_model.h5
  python -m helpers describe training/cp-0005       a checkpoint, by its prefix
  python -m helpers describe runs/                  what a folder holds, a line each
  python -m helpers describe --tensors --json my_model.keras"""
CONVERT = """examples:
  python -m helpers convert old.h5 new.keras
  python -m helpers convert old.h5 new.keras --custom my_layers:Scale --custom my_layers_3:Scale
  python -m helpers convert old_models/ new_models/   each file, with its verdict

A lent class of tf_keras loads the old model, one of Keras 3 builds the new one. Python code of
yours is imported; what is in the file is not executed."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after the program's name; those of this process by default.

    Returns:
        0, or 1 where a path can't be described or converted: one line on stderr says why. Words
        that make no command end the process with 2.
    """
    asked = _parser().parse_args(arguments)
    try:
        return _describe(asked) if asked.command == "describe" else _convert(asked)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: nothing to say
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers")
    commands = parser.add_subparsers(dest="command", required=True)
    raw = argparse.RawDescriptionHelpFormatter
    words = "say what a saved model, weights file or checkpoint is, and how to load it"
    describe = commands.add_parser(
        "describe",
        help=words,
        description=words.capitalize() + ". Nothing in it is executed.",
        epilog=DESCRIBE,
        formatter_class=raw,
    )
    describe.add_argument("paths", metavar="PATH", nargs="+", help="file, folder or prefix")
    describe.add_argument("--tensors", action="store_true", help="list every tensor")
    describe.add_argument("--json", action="store_true", help="print all of it for programs")
    describe.add_argument("--verify", action="store_true", help="read every tensor")
    words = "turn a whole model of Keras 2 into a .keras file of Keras 3, proved equal"
    convert = commands.add_parser(
        "convert",
        help=words,
        description=words.capitalize() + ".",
        epilog=CONVERT,
        formatter_class=raw,
    )
    convert.add_argument("path", metavar="PATH", help="the old model, or a folder of such")
    convert.add_argument("to", metavar="TO", help="the new file, or a folder")
    convert.add_argument(
        "--custom", action="append", default=[], metavar="MODULE:CLASS", help="lend a class"
    )
    return parser


def _describe(asked) -> int:
    told, failed = [], 0
    for path in asked.paths:
        try:
            found = [files.describe(path, verify=asked.verify)]
        except (OSError, ValueError) as error:
            inside = files.find(path) if Path(path).is_dir() else []
            if not inside:
                failed += _say(error)
                continue
            found = []
            for one in inside:
                try:
                    found.append(files.describe(one, verify=asked.verify))
                except (OSError, ValueError) as fault:
                    failed += _say(fault)
            if not asked.json:
                print("\n".join(f"{printable(d.path)}: {printable(d.kind)}" for d in found))
                continue
        told += found
    rows = None if asked.tensors else files.description.ROWS
    if asked.json:
        made = [description.json() for description in told]
        print(json.dumps(made if len(asked.paths) > 1 or len(made) != 1 else made[0], indent=1))
    elif told:
        print("\n\n".join(description.text(rows) for description in told))
    return 1 if failed else 0


def _convert(asked) -> int:
    from helpers import session

    try:
        custom = _lent(asked.custom)
    except (ImportError, AttributeError, ValueError) as error:
        return _say(error)
    session.attach()
    from helpers.files import convert

    pairs = [(Path(asked.path), Path(asked.to))]
    if Path(asked.path).is_dir() and not (Path(asked.path) / "saved_model.pb").exists():
        try:
            found = files.find(asked.path)
            Path(asked.to).mkdir(exist_ok=True)
        except OSError as error:
            return _say(error)
        pairs = [(p, _target(p, Path(asked.path), Path(asked.to))) for p in found]
        if not pairs:
            return _say(f"{asked.path} holds no model")
    failed = 0
    for path, to in pairs:
        try:
            to.parent.mkdir(parents=True, exist_ok=True) if len(pairs) > 1 else None
            print(printable(repr(convert(path, to, custom)), 5000).replace("\\n", "\n"))
        except (OSError, ValueError) as error:
            failed += _say(error)
    return 1 if failed else 0


def _target(path: Path, folder: Path, to: Path) -> Path:
    """The place of a converted file: the same below the new folder, with its ending in the name."""
    inner = path.relative_to(folder)
    return to / inner.with_name(f"{inner.name.replace('.', '_')}.keras")


def _lent(given: list[str]) -> dict:
    """The classes that ``module:Class`` names, looked for in the working folder too."""
    sys.path.insert(0, os.getcwd())
    lent = {}
    for words in given:
        module, colon, name = words.partition(":")
        if not colon or not name:
            raise ValueError(f"--custom was given {words!r}; expected module:Class")
        lent.setdefault(name, []).append(getattr(importlib.import_module(module), name))
    return lent


def _say(error) -> int:
    print(f"error: {printable(' '.join(str(error).split()), 1000)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
