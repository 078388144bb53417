"""``python -m helpers describe PATH``."""

import argparse
import sys

from helpers import anatomy


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after the program's name; those of this process by default.

    Returns:
        0, or 1 where the path can't be described: one line on stderr says why. Words that make
        no command end the process with 2.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers")
    commands = parser.add_subparsers(dest="command", required=True)
    words = "say what a saved model, weights file or checkpoint is, and how to load it"
    describe = commands.add_parser("describe", help=words, description=words.capitalize() + ".")
    describe.add_argument("path", metavar="PATH", help="the file, folder or checkpoint prefix")
    path = parser.parse_args(arguments).path
    try:
        print(anatomy.describe(path))
    except (OSError, ValueError, RuntimeError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
