"""`helpers.files.restore`: a checkpoint of Keras 2 fills a model of Keras 3, or leaves it alone."""

import numpy as np
import pytest

from helpers.files import Unreadable

INPUTS = np.random.default_rng(0).random((8, 6, 4)).astype("float32")
TARGETS = np.random.default_rng(1).random((8, 2)).astype("float32")


@pytest.fixture(scope="module")
def old(keras):
    import tf_keras

    return tf_keras


def restore(path, model, **options):
    from helpers.files import restore

    return restore(path, model, in_a_process=False, **options)


def nested(library):
    """Models within models, a Bidirectional, batch normalization, a shared layer."""
    layers, Input = library.layers, library.Input
    inner = library.Sequential([layers.Dense(5, "relu"), layers.BatchNormalization()], name="inner")
    outer = library.Sequential([inner, layers.Dense(4)], name="outer")
    inputs = Input((6, 4))
    left = layers.Bidirectional(layers.LSTM(4))(inputs)
    right = layers.GRU(4)(outer(inputs))
    shared = layers.Dense(2, name="shared")
    return library.Model(inputs, layers.Add()([shared(left[:, :4]), shared(right)]))


def in_lists(library):
    """A subclassed model with a list, a dict, a model, a metric."""
    layers = library.layers

    class Own(library.Model):
        def __init__(self):
            super().__init__()
            self.first = layers.SimpleRNN(4)
            self.blocks = [layers.Dense(4), layers.Dense(4)]
            self.heads = {"a": layers.Dense(2), "b": layers.Dense(2)}
            self._body = library.Sequential([layers.Dense(4), layers.Dense(4)])
            self.mean = library.metrics.Mean(name="mean")

        def call(self, inputs):
            found = self.first(inputs)
            for block in self.blocks:
                found = block(found)
            found = self._body(found)
            return self.heads["a"](found) - self.heads["b"](found)

    return Own()


def deep_cells(library):
    layers = library.layers
    cells = [layers.LSTMCell(3), layers.GRUCell(3)]
    attention = layers.MultiHeadAttention(2, 3)
    inputs = library.Input((6, 4))
    found = layers.TimeDistributed(layers.Dense(4))(attention(inputs, inputs))
    return library.Model(inputs, layers.Dense(2)(layers.RNN(cells)(found)))


def filled(model, seed):
    """The same model, called once, with weights of its own."""
    model(INPUTS)
    draw = np.random.default_rng(seed)
    model.set_weights(
        [draw.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.get_weights()]
    )
    return model


def apart(one, other, inputs=INPUTS):
    return float(np.abs(np.asarray(one(inputs)) - np.asarray(other(inputs))).max())


def values(model):
    optimizer = getattr(model, "optimizer", None)
    held = model.variables + (optimizer.variables if optimizer else [])
    return [np.array(variable) for variable in held]


def unchanged(model, before):
    pairs = zip(values(model), before, strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("make", [nested, in_lists, deep_cells])
def test_weights_go_where_the_paths_lead(make, old, keras, workplace):
    saved, model = filled(make(old), 1), filled(make(keras), 2)
    saved.save_weights("cp")
    assert apart(saved, model) > 1e-2
    found = restore("cp", model)
    assert apart(saved, model) < 1e-6
    assert set(found.filled.values()) >= {weight.path for weight in model.weights}
    assert found.step is None and not found.unused


def test_the_state_of_a_metric_and_of_a_normalization_comes_along(old, keras, workplace):
    saved, model = filled(in_lists(old), 1), filled(in_lists(keras), 2)
    saved.mean.update_state([1.0, 5.0])
    saved.save_weights("cp")
    restore("cp", model)
    assert float(model.mean.result()) == float(saved.mean.result())

    def made(library):
        return library.Sequential([library.layers.Normalization(), library.layers.Dense(2)])

    saved, model = made(old), made(keras)
    saved.layers[0].adapt(INPUTS)
    for each in (saved, model):
        each(INPUTS)
    saved.save_weights("cp")
    restore("cp", model)
    assert apart(saved, model) < 1e-6


def dense(library, *names, units=4):
    made = [library.layers.Dense(units, name=name) for name in names]
    return library.Sequential([library.Input((4,)), *made, library.layers.Dense(2, name="last")])


def train(model, steps):
    for _ in range(steps):
        model.train_on_batch(INPUTS[:, 0], TARGETS)


OPTIMIZERS = {
    "adam": lambda o: o.Adam(0.01, amsgrad=True),
    "sgd": lambda o: o.SGD(0.01),
    "momentum": lambda o: o.SGD(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda o: o.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda o: o.Adagrad(0.01),
    "lion": lambda o: o.Lion(0.01),
    "nadam": lambda o: o.Nadam(0.01),
}


LEGACY = OPTIMIZERS.keys() - {"lion", "nadam"}  # Lion is younger, the older Nadam another formula


@pytest.mark.parametrize(
    ("name", "legacy"),
    [*((name, False) for name in OPTIMIZERS), *((name, True) for name in sorted(LEGACY))],
)
def test_training_goes_on_as_keras_2_would(name, legacy, old, keras, workplace):
    saved, model = dense(old, "a", "b"), dense(keras, "a", "b")
    library = old.optimizers.legacy if legacy else old.optimizers
    saved.compile(OPTIMIZERS[name](library), "mse", run_eagerly=True)
    model.compile(OPTIMIZERS[name](keras.optimizers), "mse", run_eagerly=True)
    model.optimizer.learning_rate = 0.5
    train(saved, 2)
    saved.save_weights("cp")
    found = restore("cp", model)
    assert found.step == int(model.optimizer.iterations) == 2
    assert "learning rate 0.01 from the file in place of 0.5" in found.notes
    moved = np.array(saved.get_weights()[0])
    for each in (saved, model):
        train(each, 2)
    assert np.abs(moved - saved.get_weights()[0]).max() > 1e-4
    for one, other in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 if name == "rmsprop" else 1e-6)


def test_slots_follow_their_weights_into_a_model_that_counts_them_in_another_order(
    old, keras, workplace
):
    def made(library, reverse):
        class Own(library.Model):
            def __init__(self):
                super().__init__()
                for name in ("b", "a") if reverse else ("a", "b"):
                    setattr(self, name, library.layers.Dense(4))

            def call(self, inputs):
                return self.b(self.a(inputs))[:, :2]

        return Own()

    for legacy in (True, False):
        saved, model = made(old, False), made(keras, True)
        library = old.optimizers.legacy if legacy else old.optimizers
        saved.compile(library.Adam(), "mse", run_eagerly=True)
        model.compile("adam", "mse", run_eagerly=True)
        train(saved, 3)
        saved.save_weights("cp")
        model(INPUTS[:, 0])
        assert model.trainable_weights[0] is model.b.kernel
        restore("cp", model)
        for each in (saved, model):
            train(each, 2)
        np.testing.assert_allclose(saved.a.kernel, model.a.kernel, atol=1e-6)


def test_a_schedule_stays_and_what_differs_is_told(old, keras, workplace):
    saved, model = dense(old, "a"), dense(keras, "a")
    saved.compile(old.optimizers.legacy.Adam(0.01, beta_1=0.8, decay=0.1), "mse", run_eagerly=True)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    model.compile(keras.optimizers.Adam(schedule), "mse")
    train(saved, 1)
    saved.save_weights("cp")
    found = restore("cp", model)
    assert found.notes == (
        "beta_1=0.8 in the file, 0.9 is kept",
        "Keras 3 has no decay=0.1",
        "learning rate 0.01 in the file, your schedule is kept",
    )
    assert "note: Keras 3 has no decay=0.1" in repr(found)
    assert "not used: optimizer/decay" in repr(found)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda k: dense(k, "a", units=5), r"has the shape \(4, 4\), \S+/a/kernel is \(4, 5\)"),
        (lambda k: dense(k, "a", "b", "c"), r"last/kernel \(4, 2\): the file has nothing for it"),
        (lambda k: dense(k), r"the model has no place for it"),
        (
            lambda k: dense(k, "b", "a"),
            r"was named 'a/kernel' in Keras 2; its path leads to \S+/b/",
        ),
        (lambda k: k.Sequential([k.layers.Dense(4)]), "has no weights: call it on a batch"),
        (lambda k: in_lists(k), "call it on a batch"),
    ],
)
def test_a_wrong_model_is_refused_and_stays_as_it_was(change, words, old, keras, workplace):
    saved, model = dense(old, "a", "b"), change(keras)
    saved.compile("adam", "mse", run_eagerly=True)
    model.compile("adam", "mse")
    train(saved, 1)
    saved.save_weights("cp")
    before = values(model)
    with pytest.raises(Unreadable, match=words):
        restore("cp", model)
    assert unchanged(model, before)


@pytest.mark.parametrize(
    "saved_by, compiled, words",
    [
        (lambda o: o.SGD(), lambda o: o.Adam(), "is of SGD; the model's optimizer is Adam"),
        (lambda o: o.RMSprop(momentum=0.5), lambda o: o.Adam(), "is of RMSprop; the model's opt"),
        (lambda o: o.legacy.SGD(), lambda o: o.Adam(), r"momentum \(4, 4\): the file has nothing"),
        (lambda o: o.Adam(amsgrad=True), lambda o: o.Adam(), "the model's Adam has no such slot"),
    ],
)
def test_another_optimizer_is_refused_and_can_be_left_alone(
    saved_by, compiled, words, old, keras, workplace
):
    saved, model = dense(old, "a"), dense(keras, "a")
    saved.compile(saved_by(old.optimizers), "mse", run_eagerly=True)
    model.compile(compiled(keras.optimizers), "mse")
    model.optimizer.build(model.trainable_variables)
    train(saved, 1)
    saved.save_weights("cp")
    before = values(model)
    with pytest.raises(Unreadable, match=rf"{words}.*To leave the optimizer, pass optimizer=False"):
        restore("cp", model)
    assert unchanged(model, before)
    found = restore("cp", model, optimizer=False)
    assert found.step is None and not found.optimizer and int(model.optimizer.iterations) == 0
    assert apart(saved, model, INPUTS[:, 0]) < 1e-6


def test_an_optimizer_that_scales_the_loss_is_refused_in_plain_words(old, keras, workplace):
    saved, model = dense(old, "a"), dense(keras, "a")
    saved.compile("adam", "mse", run_eagerly=True)
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "mse")
    train(saved, 1)
    saved.save_weights("cp")
    with pytest.raises(Unreadable, match=r"scales the loss.*pass optimizer=False"):
        restore("cp", model)


def test_a_damaged_tensor_leaves_the_model_as_it_was(old, keras, workplace):
    dense(old, "a", "b").save_weights("cp")
    data = workplace / "cp.data-00000-of-00001"
    held = bytearray(data.read_bytes())
    held[100] ^= 1
    data.write_bytes(held)
    model = dense(keras, "a", "b")
    before = values(model)
    with pytest.raises(Unreadable, match="can't be read as a tensor"):
        restore("cp", model)
    assert unchanged(model, before)


def test_one_of_two_models_in_a_checkpoint_is_found_or_asked_for(old, keras, workplace):
    import tensorflow as tf

    one, other, wide = dense(old, "a"), dense(old, "a"), dense(old, "a", units=7)
    first, second = (old.optimizers.legacy.Adam() for _ in range(2))
    for optimizer, saved in ((first, one), (second, wide)):
        gradients = [tf.ones_like(weight) for weight in saved.trainable_weights]
        optimizer.apply_gradients(zip(gradients, saved.trainable_weights, strict=True))
    tf.train.Checkpoint(g=one, d=wide, g_opt=first, d_opt=second, step=tf.Variable(3)).save("gan")
    model = dense(keras, "a", units=7)
    model.compile("adam", "mse")
    with pytest.raises(Unreadable, match=r"pass optimizer=, one of \['d_opt', 'g_opt'\]"):
        restore("gan-1", model)
    with pytest.raises(Unreadable, match="belongs to no variable that the model trains"):
        restore("gan-1", model, optimizer="g_opt")
    found = restore("gan-1", model, optimizer="d_opt")
    assert found.step == 1 and apart(wide, model, INPUTS[:, 0]) < 1e-6
    assert "step/.ATTRIBUTES/VARIABLE_VALUE" in found.unused
    tf.train.Checkpoint(one=one, other=other).write("pair")
    model = dense(keras, "a")
    with pytest.raises(Unreadable, match=r"pass part=, one of \['one', 'other'\]"):
        restore("pair", model)
    restore("pair", model, part="other")
    assert apart(other, model, INPUTS[:, 0]) < 1e-6 < apart(one, model, INPUTS[:, 0])
    with pytest.raises(Unreadable, match=r"has no 'none'; expected one of \['one', 'other'"):
        restore("pair", model, part="none")


HOSTILE = [
    "__class__",
    "__dict__",
    "_layers",
    "_tracker",
    "trap",
    "layers",
    "a\x1b[2J\u202e",
    "../x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_name_reaches_no_property_and_no_terminal(name, old, keras, workplace):
    import tensorflow as tf

    touched = []

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(2)

        def call(self, inputs):
            return self.last(inputs)

        @property
        def trap(self):
            touched.append(True)
            return self.last

    model = Own()
    model(INPUTS[:, 0])
    touched.clear()
    root, last = tf.Module(), dense(old).layers[-1]
    held = tf.train.Checkpoint(last=last)
    held._track_trackable(last if name in ("trap", "layers") else root, name)
    root.kernel = tf.Variable(np.zeros((4, 2), "float32"))
    held.write("cp")
    before = values(model)
    if name in ("trap", "layers"):  # another name of a layer that is there
        restore("cp", model)
    else:
        with pytest.raises(Unreadable, match="the model has no place for it") as caught:
            restore("cp", model)
        assert str(caught.value).isprintable()
        assert unchanged(model, before)
    assert not touched


def test_what_is_no_checkpoint_of_keras_2_is_refused(keras, workplace):
    import tensorflow as tf

    model = dense(keras, "a")
    tf.train.Checkpoint(model=model).write("k3")
    with pytest.raises(Unreadable, match="a Keras 3 model; expected a TensorFlow checkpoint of K"):
        restore("k3", model)
    np.save("x.npy", np.zeros(2))
    with pytest.raises(Unreadable, match="is: array of NumPy"):
        restore("x.npy", model)
    with pytest.raises(FileNotFoundError):
        restore("missing", model)


@pytest.mark.parametrize("make", [nested, in_lists])
def test_the_lines_of_describe_restore_weights_and_step(make, old, keras, workplace, monkeypatch):
    from helpers import models
    from helpers.files import describe_here

    saved, model = filled(make(old), 1), filled(make(keras), 2)
    for each in (saved, model):
        each.compile("adam", "mse", run_eagerly=True)
    saved.train_on_batch(INPUTS, TARGETS)
    saved.save_weights("cp")
    found = describe_here("cp")
    assert "from helpers.files import restore" in found.load
    monkeypatch.setattr(models, "create_model", lambda: model)
    monkeypatch.setattr("helpers.files.by_path.describe", describe_here)
    exec(found.load, {})
    assert apart(saved, model) < 1e-6 and int(model.optimizer.iterations) == 1


def test_the_weights_of_a_saved_model_are_taken_once_a_process_has_looked_at_it(
    old, keras, workplace, monkeypatch
):
    from helpers import files

    saved, model, looked = dense(old, "a"), dense(keras, "a"), []

    def describe(path):
        looked.append(path)
        return files.describe_here(path)

    monkeypatch.setattr("helpers.files.by_path.describe", describe)
    saved.save("folder")
    found = files.restore("folder", model)
    assert looked == ["folder"] and apart(saved, model, INPUTS[:, 0]) < 1e-6
    assert len(found.filled) == 4 and found.prefix == "folder/variables/variables"
