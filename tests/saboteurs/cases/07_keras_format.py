"""Who works on 07_keras_format, and the words of the first claim that must fail there."""

from .. import archives, checkpoints, exports, hdf5, whole_models

TABLE = "the picture has the numbers of its description"
ROWS = (
    (whole_models.load_model_rounds_the_weights, "the weights are back, bit for bit"),
    (whole_models.load_model_forgets_the_optimizer, "so is the optimizer, slots included"),
    (whole_models.load_model_changes_the_learning_rate, "so is the optimizer, slots included"),
    (whole_models.load_model_forgets_the_metrics, "layers, loss and metrics are as they were"),
    (
        whole_models.load_model_changes_the_dropout_rate,
        "layers, loss and metrics are as they were",
    ),
    (hdf5.load_model_changes_a_dtype_policy, "layers, loss and metrics are as they were"),
    (whole_models.only_the_writer_can_read, "weights, step count and slots are the same bits"),
    (archives.load_model_restores_the_state_of_dropout, "it drops other units"),
    (whole_models.load_model_forgets_trainable, TABLE),
    (
        hdf5.words_come_back_in_another_order,
        "with the state, the answers are those of the saved model",
    ),
    (checkpoints.read_drops_the_optimizer, TABLE),
    (exports.export_writes_other_weights, TABLE),
    (archives.load_model_looks_at_the_version, "a newer Keras wrote it"),
    (archives.save_carries_the_other_members_along, "the new save has no provenance"),
    (archives.the_words_of_an_asset_are_read_backwards, "they come back, each at its number"),
    (archives.load_model_changes_the_scales, "the int8 weights are back"),
    (archives.load_weights_passes_over_a_quantized_layer, "expected 2 variables, but received 3"),
    (archives.a_quantized_lora_layer_comes_back_exactly, "with LoRA the predictions differ"),
    (archives.the_folder_keeps_its_assets, "the folder has no assets"),
    (archives.a_second_save_replaces_the_folder, "asset_store"),
    (
        archives.a_refused_save_leaves_the_folder_as_it_was,
        "the weights are gone from the folder",
    ),
    (
        whole_models.load_model_trusts_every_file,
        "Requested the loading of a vocabulary file outside",
    ),
)
