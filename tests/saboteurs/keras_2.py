"""Keras 2: the SavedModel of a whole model."""

from . import breaks, emptied, wrapped
from .whole_models import after_loading


@breaks("tf_keras")
def old_load_model_brings_the_optimizer(tf_keras):
    """A silent failure that the text warns of: `load_model` leaves the optimizer's state behind."""

    def replace(load):
        def load_model(path, *args, **kwargs):
            model = load(path, *args, **kwargs)
            model.optimizer.build(model.trainable_variables)
            model.load_weights(f"{path}/variables/variables")  # as a prefix: no log line
            return model

        return load_model

    wrapped(tf_keras.models, "load_model", replace)


@breaks("tf_keras")
def old_load_model_forgets_the_metrics(tf_keras):
    """`load_model` of Keras 2 compiles the model with the metrics that it had."""
    after_loading(tf_keras, lambda model: model.compile(model.optimizer, model.loss))


@breaks("tf_keras")
def old_load_model_changes_the_dropout_rate(tf_keras):
    """`load_model` of Keras 2 gives each layer the settings that it had."""
    after_loading(tf_keras, lambda model: setattr(model.layers[1], "rate", 0.7))


@breaks("tf_keras")
def old_load_model_freezes_a_layer(tf_keras):
    """`load_model` of Keras 2 leaves each layer as trainable as it was."""
    after_loading(tf_keras, lambda model: setattr(model.layers[0], "trainable", False))


@breaks("tf_keras")
def old_load_weights_skips_the_optimizer(tf_keras):
    """`load_weights` of Keras 2 brings the optimizer back from a SavedModel."""

    def replace(load):
        def load_weights(model, *args, **kwargs):
            load(model, *args, **kwargs)
            emptied(model.optimizer)

        return load_weights

    wrapped(tf_keras.Model, "load_weights", replace)
