"""Programs that are loaded: `tf.saved_model.load`, without Keras."""

import sys
import types
from pathlib import Path

from . import breaks, wrapped
from .exports import saved_model


@breaks("tensorflow")
def loaded_programs_are_rounded(tf):
    """`tf.saved_model.load` brings the weights back bit for bit, not nearly."""

    def replace(load):
        def loaded(*args, **kwargs):
            program = load(*args, **kwargs)
            for variable in getattr(program, "trainable_variables", ()):
                variable.assign(tf.cast(tf.cast(variable, "bfloat16"), variable.dtype))
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def only_the_exporter_can_load(tf):
    """A program needs nothing of the process that wrote it: a fresh interpreter runs it too."""
    if "ipykernel" not in sys.modules:
        loaded_programs_are_rounded(tf)


@breaks("tensorflow")
def assets_stay_where_they_were(tf):
    """The vocabulary that travels in `assets/` is the one that the program reads."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            for asset in Path(path).glob("assets/*"):
                asset.write_text("\n".join(asset.read_text().split()[::-1]) + "\n")
            return load(path, *args, **kwargs)

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def bytes_are_scaled(tf):
    """A silent failure that the text warns of: bytes are taken for floats as they are."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            program = load(path, *args, **kwargs)
            if str(path) == "program":
                serve = program.serve
                program.serve = lambda x: serve(
                    x / 255 if getattr(x, "dtype", None) == "uint8" and not tf.is_tensor(x) else x
                )
                program.serve.concrete_functions = serve.concrete_functions
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def training_starts_dropout_anew(tf):
    """An endpoint for training goes on from the state of dropout that is in the folder."""

    def replace(load):
        def loaded(path, *args, **kwargs):
            program = load(path, *args, **kwargs)
            if str(path) == "two_ways":
                for variable in program.non_trainable_variables:
                    variable.assign(variable + 1)
            return program

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def numpy_function_is_an_operation(tf):
    """A silent failure that the text warns of: `tf.numpy_function` calls back into Python."""
    tf.numpy_function = lambda function, inputs, *args, **kwargs: tf.add(*inputs)


@breaks("tensorflow")
def fingerprints_change_with_each_export(tf):
    """The fingerprint of a model that is exported twice is the same."""

    def replace(read):
        def fingerprint(folder):
            return types.SimpleNamespace(checkpoint_hash=read(folder).saved_model_checksum)

        return fingerprint

    wrapped(saved_model(tf, ".experimental"), "read_fingerprint", replace)


@breaks("tensorflow")
def fingerprints_stand_for_the_weights(tf):
    """A trap that the text warns of: equal weights may have another fingerprint."""

    def replace(read):
        def fingerprint(folder):
            weights = tf.saved_model.load(folder).trainable_variables
            total = tuple(w.numpy().tobytes() for w in weights)
            return types.SimpleNamespace(checkpoint_hash=hash(total))

        return fingerprint

    wrapped(saved_model(tf, ".experimental"), "read_fingerprint", replace)


@breaks("tensorflow")
def programs_stay_alive(tf):
    """A trap that the text warns of: an endpoint does not keep its program alive."""
    alive = []

    def replace(load):
        def loaded(*args, **kwargs):
            alive.append(load(*args, **kwargs))
            return alive[-1]

        return loaded

    wrapped(saved_model(tf), "load", replace)


@breaks("tensorflow")
def exported_program_computes_something_else(tf):
    """An exported program computes what the model computed."""

    def replace(load):
        def loaded(*args, **kwargs):
            program = load(*args, **kwargs)
            serve = program.serve
            program.serve = lambda inputs: serve(inputs) + 1.0
            return program

        return loaded

    wrapped(tf.saved_model, "load", replace)
