"""Who works on 03_manual_weights, and the words of the first claim that must fail there."""

from .. import arrays, checkpoints, partial_weights, weights, whole_models
from ..channels import speaks

ROWS = (
    (weights.load_weights_does_nothing, "the weights are back, bit for bit"),
    (weights.load_weights_drops_the_optimizer, "so is the optimizer"),
    (partial_weights.save_weights_skips_nothing, "the weights are left, and no other array"),
    (weights.save_weights_writes_the_configuration_too, "all its notes are names"),
    (whole_models.only_the_writer_can_read, "after loading it predicts the same bits"),
    (speaks("keras.Model", "load_weights", "absl"), "load_weights speaks"),
    (arrays.set_weights_leaves_the_last_array_out, "four arrays brought the weights back"),
    (partial_weights.a_refused_load_is_undone, "the body was filled all the same"),
    (partial_weights.skip_mismatch_fills_what_does_not_fit, "the head is the random one"),
    (weights.load_weights_forgets_trainable, "the body is as frozen as before"),
    (weights.frozen_layers_move, "training did not touch the body"),
    (weights.shards_lose_the_optimizer, "all of it is back"),
    (arrays.the_editor_writes_zeros, "the old weights fit the new code"),
    (arrays.the_editor_changes_the_file_that_it_opened, "the other file is as it was"),
    (checkpoints.read_drops_the_optimizer, "all of it was read"),
    (checkpoints.assert_consumed_looks_at_the_objects_only, "Unresolved object"),
    (checkpoints.assert_consumed_looks_at_the_checkpoint_only, "not bound to"),
    (
        partial_weights.load_weights_goes_by_layer_name,
        "the head digit is wrong almost every time",
    ),
    (speaks("tensorflow.train.Checkpoint", "read", "tensorflow"), "read speaks"),
    (arrays.set_weights_finalizes, "so it predicts otherwise"),
    (weights.load_weights_makes_a_new_predict_function, "the file came too late"),
    (weights.vocabularies_are_ignored, "and the predictions are not"),
    (weights.save_weights_builds_a_hollow_model, "the file is there, without an array"),
    (partial_weights.load_weights_skips_no_layer, "A total of 1 objects could not be loaded"),
    (arrays.safetensors_copies_first, "a transposed array comes back wrong"),
    (arrays.pickles_lose_the_optimizer, "so is its optimizer"),
    (arrays.pickles_halve_the_dropout_rate, "so are settings, loss and metrics"),
    (arrays.pickles_lose_the_metrics, "so are settings, loss and metrics"),
    (checkpoints.old_load_weights_does_nothing, "loaded, it predicts the same bits"),
)
