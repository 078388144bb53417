"""Who works on 01_checkpoint_callback, and the words of the first claim that must fail there."""

from .. import callbacks, checkpoints, weights, whole_models
from ..channels import speaks

ROWS = (
    (
        callbacks.model_checkpoint_saves_the_first_epoch_only,
        "the new model was trained for the third epoch only",
    ),
    (weights.load_weights_does_nothing, "the new model was trained for the third epoch only"),
    (weights.load_weights_leaves_the_last_layer_out, "the weights match bit for bit"),
    (weights.save_weights_writes_other_weights, "the weights match bit for bit"),
    (
        weights.load_weights_drops_the_optimizer,
        "the new model was trained for the third epoch only",
    ),
    (
        weights.save_weights_leaves_the_optimizer_out,
        "the new model was trained for the third epoch only",
    ),
    (whole_models.only_the_writer_can_read, "after loading its predictions match"),
    (weights.save_weights_writes_the_configuration_too, "every attribute is called name"),
    (whole_models.load_model_rounds_the_weights, "the weights of the last epoch are back"),
    (whole_models.load_model_forgets_the_optimizer, "so is the optimizer, without a build"),
    (whole_models.load_model_changes_the_learning_rate, "so is the optimizer"),
    (whole_models.load_model_forgets_the_metrics, "so are all settings, the loss and the"),
    (whole_models.load_model_forgets_the_loss, "so are all settings, the loss and the"),
    (whole_models.load_model_changes_the_dropout_rate, "so are all settings, the loss and"),
    (whole_models.load_model_forgets_trainable, "so are all settings, the loss and the"),
    (checkpoints.checkpoint_manager_keeps_all, "two of four checkpoints were kept"),
    (checkpoints.checkpoint_restores_nothing, "the weights are back, bit for bit"),
    (checkpoints.checkpoint_drops_the_optimizer, "the optimizer is back, bit for bit"),
    (
        checkpoints.assert_consumed_looks_at_the_objects_only,
        "Unresolved object in checkpoint",
    ),
    (
        checkpoints.assert_consumed_looks_at_the_checkpoint_only,
        "objects that were not bound to checkpointed values",
    ),
    (weights.load_weights_builds_the_optimizer, "Skipping variable loading for optimizer"),
    (
        weights.a_smaller_optimizer_is_skipped_without_a_word,
        "10 variables whereas the saved optimizer has 6 variables",
    ),
    (speaks("keras.Model", "load_weights", "absl"), "load_weights speaks"),
    (weights.load_weights_keeps_a_much_smaller_learning_rate, "the rate is that of the file"),
    (
        weights.save_weights_keeps_the_old_file_until_it_is_done,
        "bad object header version number",
    ),
    (
        checkpoints.checkpoint_manager_spares_what_it_finds,
        "epochs 1 and 2 have replaced 3 and 4",
    ),
    (checkpoints.restore_leaves_the_counter_alone, "its own next number is 7"),
    (checkpoints.old_load_weights_does_nothing, "it has the weights that the trained one had"),
)
