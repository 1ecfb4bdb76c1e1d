"""Gradients equal numeric ones, Jacobians equal products of analytic factors, and padding changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.inspection.cell_traces import record_states
from seq2seq_tf.inspection.gradients import Flow, gradient_flow
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.language_model.recording import RecordableLanguageModel, StreamBatch
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.recording import RecordableTranslation, reference_copy
from tests import oracles
from tests.language_models import model_config

B, T, V, H = 2, 5, 11, 7

pytestmark = pytest.mark.usefixtures("seed")


def language_model(rng: np.random.Generator, **changes: Any) -> RecordableLanguageModel:
    recorded = RecordableLanguageModel(model_config(units=H, **changes), V)
    oracles.randomise(recorded.model, rng)
    return recorded


def at_the_beginning(ids: np.ndarray) -> StreamBatch:
    """Returns sequences that start from the zero state."""
    return StreamBatch(ids[:, :0], ids)


def curve(flow: Flow, cell: str, part: str, field: str) -> np.ndarray:
    (found,) = [getattr(each, field) for each in flow.curves if (each.cell, each.part) == (cell, part)]
    return found


def numpy_loss(model: LanguageModel, ids: np.ndarray, change: dict[tuple[int, int], np.ndarray]) -> float:
    """Computes the loss of one row step by step at float64; change[t, layer] is added to h."""
    own, table = oracles.numpy_weights(model), np.asarray(model.embedding.table, np.float64)
    weights = [oracles.numpy_weights(cell) for cell in model.cells]
    states = [tuple(np.zeros([1, H]) for _ in range(cell.states)) for cell in model.cells]
    loss = 0.0
    for t in range(len(ids) - 1):
        x = table[ids[t : t + 1]]
        for n, w in enumerate(weights):
            h, *rest = oracles.cell_step(model.config.cell, w, x, x[:, :0], states[n])
            states[n] = (h + change.get((t, n), 0.0), *rest)
            x = x + states[n][0] if n and model.config.residual else states[n][0]
        loss -= np.log(oracles.softmax(x @ own["output_table"].T + own["vocabulary_bias"])[0, ids[t + 1]])
    return float(loss)


@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("gru", 2), ("lstm", 2)])
def test_loss_gradients_equal_numeric_ones_at_float64(cell: str, layers: int, rng: np.random.Generator) -> None:
    model = language_model(rng, cell=cell, layers=layers)
    batch = rng.integers(4, V, [B, T + 1]).astype(np.int32)
    flow = gradient_flow(model, at_the_beginning(batch), directions=0, seed=1)
    for n in range(layers):
        expected = np.zeros([B, T])
        for row, t in np.ndindex(B, T):

            def changed(x: np.ndarray, row: int = row, place: tuple[int, int] = (t, n)) -> float:
                return numpy_loss(model.model, batch[row], {place: x})

            gradient = oracles.numeric_gradient(changed, np.zeros(H))
            expected[row, t] = np.linalg.norm(gradient)
        np.testing.assert_allclose(curve(flow, f"layer_{n}", "h", "loss"), expected.mean(0), rtol=1e-4)
    losses = [numpy_loss(model.model, row, {}) for row in batch]
    assert flow.loss == pytest.approx(np.sum(losses) / (B * T), rel=1e-5)


def plain_states(model: LanguageModel, ids: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """Returns the states of the lowest layer after each of ids [T], tensors [1, H] at float64."""
    table, w = np.asarray(model.embedding.table, np.float64), oracles.numpy_weights(model.cells[0])
    states = [tuple(np.zeros([1, H]) for _ in range(model.cells[0].states))]
    for i in ids:
        x = table[i][np.newaxis]
        states.append(oracles.cell_step(model.config.cell, w, x, x[:, :0], states[-1]))
    return states[1:]


def test_the_jacobian_of_a_vanilla_cell_is_the_product_of_its_factors(rng: np.random.Generator) -> None:
    """dh_t/dh_(t-1) = diag(1 - h_t^2) U^T for h = tanh(.. + h U)."""
    model = language_model(rng, cell="rnn")
    batch = rng.integers(4, V, [B, T + 1]).astype(np.int32)
    kernel = oracles.numpy_weights(model.model.cells[0])["recurrent_kernel"]
    expected = np.zeros([B, T])
    for row in range(B):
        product = np.eye(H)
        for back, (h,) in enumerate(reversed(plain_states(model.model, batch[row, :-1]))):
            expected[row, back] = np.linalg.norm(product) / np.sqrt(H)
            product = product @ np.diag(1.0 - h[0] ** 2) @ kernel.T
    flow = gradient_flow(model, at_the_beginning(batch), directions=H, seed=1)
    assert flow.exact
    np.testing.assert_allclose(curve(flow, "layer_0", "h", "jacobian"), expected.mean(0), rtol=1e-4)


def test_the_jacobian_with_respect_to_the_cell_state_equals_a_numeric_one(rng: np.random.Generator) -> None:
    """Numeric dh_T/dc_t, through h_t = o tanh(c_t) as well."""
    model = language_model(rng, cell="lstm")
    batch = rng.integers(4, V, [1, T + 1]).astype(np.int32)
    table, w = np.asarray(model.model.embedding.table, np.float64), oracles.numpy_weights(model.model.cells[0])
    states = plain_states(model.model, batch[0, :-1])

    def last_h(t: int, c: np.ndarray) -> np.ndarray:
        h, old = states[t]
        state: tuple[np.ndarray, ...] = (
            h / np.tanh(old) * np.tanh(c),
            c,
        )  # the output gate does not depend on the new c
        for i in batch[0, t + 1 : -1]:
            x = table[i][np.newaxis]
            state = oracles.cell_step("lstm", w, x, x[:, :0], state)
        return state[0]

    expected = []
    for t in reversed(range(T)):
        columns = []
        for n in range(H):

            def component(c: np.ndarray, t: int = t, n: int = n) -> float:
                return float(last_h(t, c)[0, n])

            columns.append(oracles.numeric_gradient(component, states[t][1]))
        expected.append(np.linalg.norm(columns) / np.sqrt(H))
    flow = gradient_flow(model, at_the_beginning(batch), directions=H, seed=1)
    np.testing.assert_allclose(curve(flow, "layer_0", "c", "jacobian"), expected, rtol=1e-3)


def test_random_directions_estimate_the_exact_jacobian(rng: np.random.Generator) -> None:
    model = language_model(rng, cell="gru", layers=2)
    batch = np.repeat(rng.integers(4, V, [1, T + 1]).astype(np.int32), 97, 0)
    exact = gradient_flow(model, at_the_beginning(batch[:1]), directions=H, seed=1)
    estimate = gradient_flow(model, at_the_beginning(batch), directions=H - 1, seed=1)
    assert (exact.exact, estimate.exact) == (True, False)
    for one, other in zip(exact.curves, estimate.curves, strict=True):
        np.testing.assert_allclose(other.jacobian, one.jacobian, rtol=0.15)


def translation(rng: np.random.Generator, **changes: Any) -> RecordableTranslation:
    model = Translation(oracles.small_config(tie="none", **changes), V, V, precision="float32")
    model.build()
    twin = reference_copy(model)
    oracles.randomise(twin.model, rng)
    return twin


@pytest.mark.parametrize("changes", [{}, {"cell": "gru", "encoder_layers": 2, "decoder_layers": 2}])
def test_gradients_of_both_sides_of_a_translator_equal_numeric_ones(
    changes: dict[str, Any], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = translation(rng, **changes)
    batch = make_batch([[5, 7, 9]], [[6, 4]])
    flow = gradient_flow(model, batch, directions=0, seed=1)
    for name, cell, reverse in model.cells:
        steps = 4 if name.startswith("encoder") else 3
        t = int(rng.integers(steps))
        direction = rng.normal(size=[1, cell.units]).astype(np.float32)

        def loss(size: float, cell: Any = cell, at: int = steps - 1 - t if reverse else t, d: Any = direction) -> float:
            count = iter(range(99))
            step = type(cell).step

            def changed(weights: Any, projected: Any, context: Any, state: Any) -> Any:
                h, *rest = step(cell, weights, projected, context, state)
                return (h + size * d * (next(count) == at), *rest)

            with monkeypatch.context() as patch:
                patch.setattr(cell, "step", changed)
                return float(model.loss(batch, ()).nll)

        # The derivative along one direction: the whole gradient would cost a run per unit.
        slope = (loss(1e-2) - loss(-1e-2)) / 2e-2
        gradient = gradient_by_state(model, batch, name, steps - 1 - t if reverse else t)
        assert slope == pytest.approx(float(np.sum(gradient * direction)), rel=2e-2, abs=2e-3), name
        assert curve(flow, name, "h", "loss")[t] == pytest.approx(float(np.linalg.norm(gradient)), rel=1e-4), name


def gradient_by_state(model: RecordableTranslation, batch: Any, name: str, step: int) -> np.ndarray:
    """Returns dLoss/dh at one step, from a tape that watches all weights."""
    with tf.GradientTape() as tape, record_states(model.cells) as trace:
        loss = model.loss(batch, ()).nll
    (found,) = [each for each in trace if each.name == name]
    return tape.gradient(loss, found.states["h"][step]).numpy()


def test_padding_changes_no_curve(rng: np.random.Generator) -> None:
    """The curves of two pairs in a batch are the mean of those of each pair, as long as both have steps."""
    model = translation(rng)
    pairs = ([5, 7, 9, 4, 8], [6, 4, 7]), ([8, 4], [9, 5, 6, 10, 4])
    together = gradient_flow(model, make_batch(*map(list, zip(*pairs, strict=True))), directions=H, seed=1)
    alone = [gradient_flow(model, make_batch([s], [t]), directions=H, seed=1) for s, t in pairs]
    assert together.exact
    for n, found in enumerate(together.curves):
        for field in ("loss", "jacobian"):
            both = [getattr(flow.curves[n], field) for flow in alone]
            if field == "loss" and "backward" in found.cell:
                continue  # it starts at the end, so the steps that both share are not its first ones
            common = min(map(len, both))
            expected = np.mean([values[:common] for values in both], 0)
            np.testing.assert_allclose(getattr(found, field)[:common], expected, rtol=1e-4, err_msg=found.cell)
            assert len(getattr(found, field)) == max(map(len, both))
    for n, share in enumerate(together.gates):
        steps = [len(s if share.cell.startswith("encoder") else t) + 1 for s, t in pairs]
        expected = np.average([flow.gates[n].open for flow in alone], 0, steps)
        np.testing.assert_allclose(share.open, expected, atol=1e-6)


def test_gate_shares_count_closed_and_open_steps(rng: np.random.Generator) -> None:
    model = language_model(rng, cell="lstm")
    cell = model.model.cells[0]
    for variable in (cell.kernel, cell.recurrent_kernel):
        variable.assign(tf.zeros_like(variable))
    logits = np.repeat([-3.0, 3.0, 0.0, 0.0], H)  # sigmoid: 0.05, 0.95, -, 0.5
    logits[0] = 0.0  # one unit of the input gate is neither closed nor open
    cell.bias.assign(logits)
    batch = at_the_beginning(rng.integers(4, V, [B, T + 1]).astype(np.int32))
    flow = gradient_flow(model, batch, directions=0, seed=1)
    shares = {share.gate: (share.closed.tolist(), share.open.tolist()) for share in flow.gates}
    assert shares == {
        "input": ([0.0] + [1.0] * (H - 1), [0.0] * H),
        "forget": ([0.0] * H, [1.0] * H),
        "output": ([0.0] * H, [0.0] * H),
    }


def test_the_initial_state_is_carried_in_but_no_gradient_flows_out(rng: np.random.Generator) -> None:
    model = language_model(rng, cell="lstm")
    whole = rng.integers(4, V, [B, T + 1]).astype(np.int32)
    later = gradient_flow(model, StreamBatch(whole[:, :2], whole[:, 2:]), directions=H, seed=1)
    expected = gradient_flow(model, at_the_beginning(whole), directions=H, seed=1)
    for found, known in zip(later.curves, expected.curves, strict=True):
        np.testing.assert_allclose(found.loss, known.loss[2:], rtol=1e-4)
        np.testing.assert_allclose(found.jacobian, known.jacobian[: T - 2], rtol=1e-4)
