"""Who works on 06_custom_objects, and the words of the first claim that must fail there."""

from .. import custom_objects, programs, whole_models
from ..channels import speaks

ROWS = (
    (custom_objects.save_adds_your_code, "no line of your code is in the archive"),
    (custom_objects.load_model_imports_what_a_file_names, "Could not locate class 'Scale'"),
    (whole_models.load_model_rounds_the_weights, "the loaded model predicts the same bits"),
    (whole_models.load_model_forgets_the_metrics, "loss and metrics have the same settings"),
    (whole_models.load_model_forgets_the_loss, "loss and metrics have the same settings"),
    (
        whole_models.load_model_changes_the_learning_rate,
        "loss and metrics have the same settings",
    ),
    (whole_models.load_model_forgets_the_optimizer, "the optimizer is the same, bit for bit"),
    (programs.exported_program_computes_something_else, "the program predicts the same"),
    (whole_models.only_the_writer_can_read, "one import later it predicts the same bits"),
    (speaks("keras.Model", "save", "absl"), "save speaks"),
    (
        whole_models.a_refused_save_keeps_the_good_file,
        "the good file that was there is empty now",
    ),
    (whole_models.load_model_forgets_trainable, "the layer is back, and still frozen"),
    (
        custom_objects.models_note_their_arguments,
        "the loaded model has the default temperature",
    ),
    (custom_objects.losses_note_their_arguments, "the loss is a third of what it was"),
    (custom_objects.metrics_note_their_arguments, "all images passed the limit"),
    (custom_objects.dense_notes_what_a_subclass_takes, "the layer has the default, 0, instead"),
    (custom_objects.load_own_variables_is_not_called, "the spread is back"),
    (custom_objects.a_model_builds_every_child, "two loads give different answers"),
    (whole_models.load_model_trusts_every_file, "potential risk of arbitrary code execution"),
)
