"""Who works on 04_savedmodel, and the words of the first claim that must fail there."""

from .. import exports, keras_2, programs
from ..channels import speaks

ROWS = (
    (exports.export_writes_other_weights, "the program gives the scores of the model"),
    (programs.loaded_programs_are_rounded, "the program gives the scores of the model"),
    (exports.export_stores_each_weight_once, "each of the four weights occur twice"),
    (exports.export_starts_dropout_anew, "the state of dropout has counted 160 steps"),
    (exports.export_keeps_the_slots, "no file has one of the eight slots"),
    (exports.export_notes_what_was_compiled, "no file of the export has one"),
    (programs.training_starts_dropout_anew, "train drops the units"),
    (programs.only_the_exporter_can_load, "a fresh Python without the class predicts the same"),
    (programs.numpy_function_is_an_operation, "Could not find callback with key"),
    (programs.assets_stay_where_they_were, "raw images give the names"),
    (speaks("keras.layers.TFSMLayer", "call", "absl"), "call speaks"),
    (exports.layer_trains_with_dropout, "in training the layer predicts"),
    (exports.layer_gives_zeros_in_training, "in training the layer predicts"),
    (exports.layer_trains_the_endpoint_for_predicting, "now it drops what the model dropped"),
    (exports.layer_takes_adam, "is not a valid scope name"),
    (exports.load_model_takes_a_savedmodel, "legacy SavedModel format is not supported"),
    (programs.bytes_are_scaled, "the bytes count as floats"),
    (programs.programs_stay_alive, "variables which have been deleted"),
    (programs.fingerprints_change_with_each_export, "the same model, exported twice"),
    (programs.fingerprints_stand_for_the_weights, "built anew with the same weights"),
    (exports.inputs_have_one_name, "the same code numbered its input anew"),
    (exports.python_runs_at_every_call, "a number that was drawn at the export"),
    (speaks("tf_keras.models", "load_model", "tensorflow"), "load_model speaks"),
    (keras_2.old_load_model_forgets_the_metrics, "the layers are back, and what was compiled"),
    (keras_2.old_load_model_changes_the_dropout_rate, "the layers are back"),
    (keras_2.old_load_model_freezes_a_layer, "the layers are back"),
    (keras_2.old_load_model_brings_the_optimizer, "its optimizer starts again at step 0"),
    (keras_2.old_load_weights_skips_the_optimizer, "now the optimizer is back"),
)
