"""Saboteurs: each breaks one promise of Keras, TensorFlow or h5py underneath a notebook.

`make sabotage` runs each notebook once for each row in its module of `cases`, with the saboteur at
work in the kernel and in the fresh interpreters that `%%python` starts. The notebook must fail,
and the first cell to fail must be the one that makes the claim of the row.

To add one:

1. Write a function of a few lines in the module that names what it breaks, with a docstring that
   says which promise that is. Mark it with `@breaks("keras")`: it is called with that module, as
   soon as the module is imported, and changes it in place. It may not crash: a saboteur that
   raises is caught by anything.
2. Add a row `(module.function, "words of the claim")` to the notebook's module of `cases`. The
   words stand in the first `check`, `refuses`, `warns` or `silent` that must fail.
3. Run it alone: `pytest tests/sabotage.py -n0 -k name_of_the_function`.

Where a notebook claims silence, `channels.speaks` makes the saboteur: nothing to write.

The same saboteur may serve several notebooks, so look for it first. A notebook needs two of them,
02 to 06 three. No two have the same name. Fresh interpreters import all of these modules before
anything else: import at their top what costs nothing, and TensorFlow, Keras or h5py in a function.
"""

import importlib
import sys
from pathlib import Path

SABOTEURS = {}


def breaks(module: str):
    """Mark a function as a saboteur that waits for the import of this module."""

    def mark(function):
        if function.__name__ in SABOTEURS:
            raise ValueError(f"two saboteurs are named {function.__name__}")
        function.module = module
        SABOTEURS[function.__name__] = function
        return function

    return mark


def wrapped(owner, name: str, replace) -> None:
    """Replace a function or method by `replace(original)`."""
    setattr(owner, name, replace(getattr(owner, name)))


def emptied(optimizer) -> None:
    """Set all that an optimizer has learned to zero: the step count and the slots."""
    for variable in optimizer.variables if optimizer is not None else ():
        if "learning_rate" not in variable.name:
            variable.assign(variable * 0)


def assemble() -> dict:
    """Import every module of this package and return all saboteurs by their names."""
    for path in sorted(Path(__file__).parent.glob("[!_]*")):
        importlib.import_module(f"{__name__}.{path.stem}")
    return SABOTEURS


def arm(name: str, log: str) -> None:
    """Let one saboteur wait for its module; write to `log` what it and fresh interpreters do."""
    import wrapt

    function = assemble()[name]

    def fire(module):
        function(module)
        write(f"{name} broke {module.__name__} in {'' if is_kernel() else 'fresh '}Python")

    def write(line):
        with open(log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def is_kernel():
        return "ipykernel" in sys.modules

    def report(kind, error, trace):
        write(f"{kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)

    wrapt.register_post_import_hook(fire, function.module)
    sys.excepthook = report
