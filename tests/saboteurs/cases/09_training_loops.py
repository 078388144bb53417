"""Who works on 09_training_loops, and the words of the first claim that must fail there."""

from .. import checkpoints, loops

ROWS = (
    (loops.restore_skips_the_optimizer_of_a_loop, "weights, slots and counts are back"),
    (loops.an_iterator_starts_over, "it saw the same rows in the same order"),
    (loops.restore_forgets_a_random_state, "the resumed run ends at the same bits"),
    (
        checkpoints.assert_consumed_looks_at_the_objects_only,
        "they raise in six, three and two of nine cases",
    ),
    (loops.asynchronous_saves_are_not_waited_for, "the third save brings all of it back"),
    (loops.a_copy_is_made_late, "the value is that of the call"),
    (loops.a_write_deletes_the_best, "five are left"),
    (loops.python_numbers_are_warned_of, "a Python number is not saved"),
)
