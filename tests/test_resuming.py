"""`helpers.resuming`: 08_resume_exactly compares trainings, and these are what it compares with."""

import keras
import numpy as np
import pytest

from helpers import resuming


@pytest.fixture(scope="module")
def trained():
    return resuming.fit(resuming.create(), 1)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    keras.config.set_dtype_policy("float32")


def test_a_model_is_exact_to_itself_or_no_route_would_be(trained):
    resuming.keep(trained, "kept.npz")
    assert resuming.exact(trained, "kept.npz")


@pytest.mark.parametrize("part", ["weight", "random state", "step count", "slot"])
def test_one_bit_that_differs_is_not_exact_or_a_loss_would_pass(trained, part):
    variables = [*trained.variables, *trained.optimizer.variables]
    names = {"random state": "seed_generator_state", "step count": "iteration"}
    names |= {"weight": "kernel", "slot": "kernel_velocity"}
    (variable,) = [v for v in variables if v.name.endswith(names[part])][:1]
    resuming.keep(trained, "kept.npz")
    before = np.array(variable)
    bits = bytearray(before.tobytes())
    bits[0] ^= 1
    variable.assign(np.frombuffer(bits, before.dtype).reshape(before.shape))
    assert not resuming.exact(trained, "kept.npz")
    variable.assign(before)
    assert resuming.exact(trained, "kept.npz")


def test_another_number_of_variables_is_not_exact(trained):
    resuming.keep(trained, "kept.npz")
    assert not resuming.exact(resuming.create(build=False), "kept.npz")


def test_the_seed_gives_the_first_weights_or_a_restart_could_not_begin_anew():
    first, again, other = [resuming.create(seed=s).get_weights()[0] for s in (1, 1, 2)]
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_an_optimizer_is_built_only_where_it_was_asked_for():
    assert len(resuming.create().optimizer.variables) == 6
    assert len(resuming.create(build=False).optimizer.variables) == 2


def test_fit_takes_ten_steps_an_epoch_and_counts_the_epochs_that_are_done(trained):
    assert int(trained.optimizer.iterations) == 10
    resuming.fit(trained, 1, first=1)
    assert int(trained.optimizer.iterations) == 10


def test_the_plain_variant_scales_the_loss_and_the_next_one_does_not():
    plain = resuming.variant("plain")
    assert isinstance(plain.optimizer, keras.optimizers.LossScaleOptimizer)
    assert not any(v.name == "seed_generator_state" for v in plain.variables)
    assert isinstance(resuming.variant("dropout").optimizer, keras.optimizers.Adam)


def test_a_variant_that_does_not_exist_is_refused_with_the_names_of_those_that_do():
    with pytest.raises(ValueError, match="expected one of plain, dropout, by epoch"):
        resuming.variant("schedule")


def test_save_leaves_each_format_and_filled_brings_the_optimizer_back():
    model = resuming.fit(resuming.create(), 1)
    resuming.keep(model, "kept.npz")
    resuming.save(model, "one")
    assert resuming.steps("one.weights.h5") == 10
    loaded = resuming.filled("one.h5")
    pairs = zip(model.optimizer.variables, loaded.optimizer.variables, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert "optimizer" in keras.saving.load_model("one.keras").get_compile_config()


def test_each_epoch_of_fit_shuffles_all_six_numbers():
    assert [sorted(order) for order in resuming.orders(1)] == [list(range(6))] * 3


def test_at_acts_once_and_at_its_step():
    seen = []
    model = resuming.create()
    resuming.fit(model, 1, callbacks=[resuming.at(3, lambda: seen.append("now"))])
    assert seen == ["now"]


def test_a_report_of_a_process_is_read_to_the_last_bit():
    assert resuming.reported("") == []
    assert resuming.reported(f"1 {0.1 + 0.2}\n2 1.0\n") == [(1, 0.1 + 0.2), (2, 1.0)]


def test_the_score_gets_better_once_and_is_counted():
    score, *watching = resuming.judges()
    logs = [{} for _ in range(4)]
    for epoch, log in enumerate(logs):
        score.on_epoch_end(epoch, log)
    assert [log["score"] for log in logs] == [5, 3, 4, 4] and score.seen == 4
    assert {callback.monitor for callback in watching} == {"score"}
