"""Who works on 02_periodic_checkpoints, and the words of the first claim that must fail there."""

from .. import callbacks, checkpoints, weights, whole_models
from ..channels import speaks

ROWS = (
    (callbacks.model_checkpoint_counts_each_epoch_anew, "the newest is that of epoch 10"),
    (weights.load_weights_does_nothing, "epoch 0 is at chance, epoch 50 is not"),
    (
        weights.save_weights_leaves_the_optimizer_out,
        "each file holds the step count of its epoch",
    ),
    (
        callbacks.model_checkpoint_waits_for_the_end_of_the_epoch,
        "rounded down, it saved within epochs 5 and 9",
    ),
    (checkpoints.latest_checkpoint_finds_anything, "for H5 files there is none"),
    (checkpoints.checkpoint_restores_nothing, "restored, it predicts what epoch 50 predicted"),
    (callbacks.model_checkpoint_saves_more_than_the_best, "the first is kept"),
    (callbacks.model_checkpoint_overwrites_on_a_tie, "the first is kept"),
    (
        callbacks.early_stopping_restores_nothing,
        "the last file holds other weights than were restored",
    ),
    (callbacks.early_stopping_takes_the_optimizer_back, "the last file is at epoch 5"),
    (
        callbacks.early_stopping_restores_where_it_stopped,
        "the model has the loss of the best of them",
    ),
    (checkpoints.checkpoint_manager_keeps_all, "five of ten are left, and the text file"),
    (checkpoints.checkpoint_manager_has_a_default, "max_to_keep"),
    (checkpoints.max_shard_size_is_no_limit, "it has five shards and one index"),
    (callbacks.model_checkpoint_remembers_the_best, "a worse epoch has replaced the best"),
    (callbacks.model_checkpoint_ignores_the_threshold, "with the old best as threshold"),
    (
        callbacks.model_checkpoint_skips_an_epoch_without_the_metric,
        "Can save best model only with val_loss available",
    ),
    (
        callbacks.model_checkpoint_skips_what_it_cannot_compare,
        "two epochs of seven batches left fourteen files",
    ),
    (
        callbacks.model_checkpoint_counts_from_the_first_epoch,
        "the count saved 12, the number 10",
    ),
    (speaks("tensorflow.train.Checkpoint", "restore", "absl"), "restore speaks"),
    (checkpoints.restore_of_nothing_counts_as_consumed, "No checkpoint specified"),
    (whole_models.save_makes_the_folder, "No such file or directory"),
    (checkpoints.old_load_weights_does_nothing, "loaded, it predicts the same"),
)
