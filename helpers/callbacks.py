"""A Keras callback around `tf.train.CheckpointManager`."""

import keras
import tensorflow as tf


class ManagedCheckpoint(keras.callbacks.Callback):
    """Save with a `tf.train.CheckpointManager` at the end of every n-th epoch.

    The checkpoint's number is the epoch, counted from 1, as in ``ModelCheckpoint``'s
    ``{epoch}``. What is kept, and for how long, is the manager's business.

    Args:
        manager: the `tf.train.CheckpointManager` that saves.
        every: the number of epochs between two saves, at least 1.

    Raises:
        TypeError: where ``manager`` is no `tf.train.CheckpointManager`.
        ValueError: where ``every`` is no whole number of at least 1.
    """

    def __init__(self, manager: tf.train.CheckpointManager, every: int = 1):
        super().__init__()
        if not isinstance(manager, tf.train.CheckpointManager):
            raise TypeError(
                f"ManagedCheckpoint was given {type(manager).__name__}; expected a "
                "tf.train.CheckpointManager"
            )
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise ValueError(
                f"ManagedCheckpoint was given every={every!r}; expected epochs, 1 or more"
            )
        self.manager, self.every = manager, every

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if (epoch + 1) % self.every == 0:
            self.manager.save(checkpoint_number=epoch + 1)
