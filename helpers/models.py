"""The model of the guide."""

# Keras is imported where it is used: `session` has to silence its first import.


def create_model():
    """Build and compile the guide's classifier of digits: 784-512-dropout-10.

    Input is float32 of shape (n, 784); output is 10 logits an image, shape (n, 10). Adam,
    sparse categorical cross-entropy from logits, and the metric
    ``sparse_categorical_accuracy``. Every call draws other random weights. The optimizer is
    compiled but not built: it has no slots before the first training step or
    ``optimizer.build``.

    Returns:
        A built and compiled `keras.Sequential` with 407,050 parameters.
    """
    import keras

    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    return model


def create_keras_2_model():
    """Build the model of `create_model` with Keras 2, for the sections "As TF 2.8 wrote it".

    Returns:
        A built and compiled `tf_keras.Sequential` with 407,050 parameters.
    """
    import tf_keras

    model = tf_keras.Sequential(
        [
            tf_keras.layers.Dense(512, activation="relu", input_shape=(784,)),
            tf_keras.layers.Dropout(0.2),
            tf_keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[tf_keras.metrics.SparseCategoricalAccuracy()],
    )
    return model
