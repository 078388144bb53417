"""What converted models need to be loaded: functions that mean what they meant in Keras 2.

Import this module before you load such a file: `convert` says so where it is needed.
"""

import keras


@keras.saving.register_keras_serializable(package="keras_2", name="hard_sigmoid")
def keras_2_hard_sigmoid(x):
    """The `hard_sigmoid` of Keras 2: 0.2 x + 0.5, cut to [0, 1]. Keras 3 has x / 6 + 0.5.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the same shape.
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="keras_2")
class ThresholdedReLU(keras.layers.Layer):
    """The `ThresholdedReLU` of Keras 2: x where x > theta, else 0.

    Args:
        theta: the threshold, a number of 0 or more.
    """

    def __init__(self, theta=1.0, **options):
        super().__init__(**options)
        self.theta = float(theta)

    def call(self, inputs):
        return inputs * keras.ops.cast(inputs > self.theta, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "theta": self.theta}
