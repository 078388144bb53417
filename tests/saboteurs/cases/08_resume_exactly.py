"""Who works on 08_resume_exactly, and the words of the first claim that must fail there."""

from .. import checkpoints, resuming, weights
from ..channels import speaks

ROWS = (
    (
        resuming.backup_and_restore_forgets_the_epoch,
        "the restart trained the third and the fourth epoch",
    ),
    (
        resuming.backup_is_in_the_callback,
        "the restart trained the third and the fourth epoch",
    ),
    (weights.load_weights_drops_the_optimizer, "it ends with the weights of four epochs in one go"),
    (speaks("keras.saving", "load_model", "warning"), "load_model speaks"),
    (resuming.load_model_keeps_the_random_state, "the loaded model has a counter at 0"),
    (resuming.early_stopping_remembers, "without memory it stops later, with another best"),
    (resuming.seeds_are_forgotten, "exact      not exact  exact"),
    (
        resuming.backup_goes_on_in_the_middle_of_an_epoch,
        "it has made 68 steps instead of 60",
    ),
    (resuming.averages_are_not_put_in_place, "after fit the weights are the averages"),
    (checkpoints.checkpoint_restores_nothing, "Checkpoint, built    exact"),
)
