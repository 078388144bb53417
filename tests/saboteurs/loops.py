"""What a loop of your own keeps in a checkpoint: states, iterators, copies in the background."""

from . import breaks, emptied, wrapped


def after_restore(tf, damage):
    """Let each `Checkpoint.restore` be followed by `damage(checkpoint)`."""

    def replace(restore):
        def restored(checkpoint, *args, **kwargs):
            status = restore(checkpoint, *args, **kwargs)
            damage(checkpoint)
            return status

        return restored

    wrapped(tf.train.Checkpoint, "restore", replace)


@breaks("tensorflow")
def restore_skips_the_optimizer_of_a_loop(tf):
    """`Checkpoint.restore` brings back an optimizer that stands beside the model."""
    after_restore(tf, lambda checkpoint: emptied(getattr(checkpoint, "optimizer", None)))


@breaks("tensorflow")
def an_iterator_starts_over(tf):
    """The state of a `tf.data` iterator in a checkpoint brings it back to its place."""
    from tensorflow.python.data.ops import iterator_ops

    iterator_ops.OwnedIterator._restore_from_tensors = lambda iterator, tensors: None


@breaks("tensorflow")
def restore_forgets_a_random_state(tf):
    """`Checkpoint.restore` brings back the state of a `tf.random.Generator`."""

    def damage(checkpoint):
        if noise := getattr(checkpoint, "noise", None):
            noise.reset_from_seed(5)

    after_restore(tf, damage)


@breaks("tensorflow")
def python_numbers_are_warned_of(tf):
    """A trap that the text warns of: a Python number in a dictionary is left out silently."""

    def replace(write):
        def checked(checkpoint, *args, **kwargs):
            held = getattr(checkpoint, "state", {})
            if any(isinstance(value, int) for value in held.values()):
                import warnings

                warnings.warn("a Python number is not saved", stacklevel=2)
            return write(checkpoint, *args, **kwargs)

        return checked

    wrapped(tf.train.Checkpoint, "write", replace)


@breaks("tensorflow")
def a_write_deletes_the_best(tf):
    """`Checkpoint.write` leaves the other checkpoints of its folder alone."""

    def replace(write):
        def alone(checkpoint, path, *args, **kwargs):
            from pathlib import Path

            if Path(path).name == "step-13":
                for file in Path(path).parent.glob("step-2.*"):
                    file.unlink()
            return write(checkpoint, path, *args, **kwargs)

        return alone

    wrapped(tf.train.Checkpoint, "write", replace)


@breaks("tensorflow")
def asynchronous_saves_are_not_waited_for(tf):
    """`sync` returns when the file is written; here it drops what was still to be written."""

    def replace(write):
        def dropped(checkpoint, path, options=None):
            background = options is not None and options.enable_async
            if background and path == "lists" and getattr(checkpoint, "written", 0) == 2:
                return path
            if path == "lists":
                checkpoint.__dict__["written"] = getattr(checkpoint, "written", 0) + 1
            return write(checkpoint, path, options=options)

        return dropped

    wrapped(tf.train.Checkpoint, "write", replace)


@breaks("tensorflow")
def a_copy_is_made_late(tf):
    """An asynchronous save writes the values of the moment of the call."""

    def replace(write):
        def late(checkpoint, path, options=None):
            if path == "async":
                checkpoint.values[0].assign(tf.zeros((1000, 1000)))
            return write(checkpoint, path, options=options)

        return late

    wrapped(tf.train.Checkpoint, "write", replace)
