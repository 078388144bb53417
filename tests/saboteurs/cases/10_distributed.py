"""Who works on 10_distributed, and the words of the first claim that must fail there."""

from .. import distribution, whole_models

END = "the end is that of the undisturbed training"
ROWS = (
    (whole_models.load_model_forgets_the_optimizer, "so is the optimizer, slots included"),
    (distribution.normalization_is_averaged, "the copies differ"),
    (distribution.synchronized_is_ignored, "the synchronized copies are equal"),
    (distribution.workers_restore_a_file_of_the_others, "both went on from step 10"),
    (distribution.workers_restore_no_slots, END),
    (distribution.workers_repeat_a_batch, END),
    (distribution.a_notice_saves_nothing, "no step was taken after the save"),
    (distribution.a_shard_is_passed_over, "the one file has all weights and the optimizer"),
)
