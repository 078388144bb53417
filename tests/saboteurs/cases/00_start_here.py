"""Who works on 00_start_here, and the words of the first claim that must fail there."""

from .. import partial_weights, weights, whole_models
from ..channels import speaks

ROWS = (
    (whole_models.load_model_rounds_the_weights, "the loaded model has the same weights"),
    (whole_models.load_model_forgets_the_optimizer, "its optimizer has the same state"),
    (whole_models.load_model_changes_the_learning_rate, "its optimizer has the same state"),
    (whole_models.load_model_forgets_the_metrics, "optimizer, loss and metrics have the same"),
    (whole_models.load_model_forgets_the_loss, "optimizer, loss and metrics have the same"),
    (whole_models.load_model_changes_the_dropout_rate, "loss and metrics have the same"),
    (whole_models.load_model_forgets_trainable, "the first layer is still frozen"),
    (whole_models.only_the_writer_can_read, "a fresh Python loads the model"),
    (weights.load_weights_does_nothing, "the new model has the trained weights"),
    (weights.load_weights_drops_the_optimizer, "the optimizer state came along"),
    (weights.save_weights_leaves_the_optimizer_out, "the optimizer state came along"),
    (whole_models.any_name_is_accepted, "Use `model.export(filepath)`"),
    (speaks("keras.Model", "load_weights", "absl"), "load_weights speaks"),
    (weights.load_weights_builds_the_optimizer, "Skipping variable loading for optimizer"),
    (partial_weights.load_weights_spares_a_shorter_model, "the shorter model was filled"),
    (whole_models.load_model_trusts_every_file, "`function` is a Python lambda"),
)
