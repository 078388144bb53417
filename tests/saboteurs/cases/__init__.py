"""The cases: a module for each notebook, with its name."""

import importlib
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
CASES = {name: importlib.import_module(f"{__name__}.{name}").ROWS for name in NAMES}
