"""Who works on 05_hdf5, and the words of the first claim that must fail there."""

from .. import hdf5, weights, whole_models
from ..channels import speaks

ROWS = (
    (whole_models.load_model_rounds_the_weights, "the weights are back, bit for bit"),
    (hdf5.h5_leaves_the_slots_empty, "the optimizer is back, slots included"),
    (whole_models.load_model_forgets_the_metrics, "layers, loss and metrics are as they were"),
    (whole_models.load_model_forgets_the_loss, "layers, loss and metrics are as they were"),
    (
        whole_models.load_model_changes_the_dropout_rate,
        "layers, loss and metrics are as they were",
    ),
    (hdf5.load_model_changes_a_dtype_policy, "layers, loss and metrics are as they were"),
    (
        whole_models.load_model_changes_the_learning_rate,
        "the layers, the loss and the metrics are, too",
    ),
    (whole_models.only_the_writer_can_read, "a fresh Python predicts the same bits"),
    (hdf5.a_failed_save_keeps_the_file, "the failed save has emptied the file"),
    (
        speaks("keras.saving", "load_model", "absl"),
        "the one line in the log is on metrics",
    ),
    (hdf5.fit_renews_a_loaded_optimizer, "the variables it was originally built with"),
    (
        speaks("keras.src.trainers.trainer.Trainer", "compile", "tensorflow"),
        "compile speaks",
    ),
    (whole_models.compile_keeps_the_step_count, "its steps are counted from 0"),
    (whole_models.load_model_always_compiles, "You must call `compile()`"),
    (weights.load_weights_does_nothing, "now it has the trained weights"),
    (hdf5.load_weights_touches_the_optimizer, "the optimizer was not touched"),
    (hdf5.h5_keeps_the_compile_record, "its record has lost the optimizer"),
    (hdf5.h5_spells_the_loss_out, "it is not a KerasSaveable subclass"),
    (speaks("keras.saving", "load_model", "tensorflow"), "load_model speaks"),
    (hdf5.words_come_back_in_another_order, "the .keras file has the words"),
    (speaks("keras.Model", "load_weights", "absl"), "load_weights speaks"),
    (hdf5.load_weights_by_name_goes_by_order, "by name, not one weight arrived"),
    (whole_models.load_model_forgets_trainable, "the layer comes back frozen"),
    (hdf5.old_load_model_forgets_the_optimizer, "so is every array of its optimizer"),
)
