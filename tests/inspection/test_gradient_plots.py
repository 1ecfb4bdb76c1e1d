"""The figures show the numbers: a line per curve, a dot per unit, the clipping threshold as a bound."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.legend import Legend

from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.gradient_plots import flow_figure, gates_figure, updates_figure
from seq2seq_tf.inspection.gradients import Curve, Flow
from tests.gradient_flows import T, flow


def test_there_is_a_line_for_each_curve_with_its_values(rng: np.random.Generator) -> None:
    flows = {"trained": flow(rng), "untrained": flow(rng)}
    figure = flow_figure(flows)
    assert len(figure.axes) == 4
    for n, cell in enumerate(("encoder/layer_0/forward", "decoder/layer_0")):
        for axes, field, first in zip(figure.axes[2 * n : 2 * n + 2], ("loss", "jacobian"), (1, 0), strict=True):
            assert cell in axes.get_title()
            assert axes.get_yscale() == "log"
            expected = [getattr(c, field) for each in flows.values() for c in each.curves if c.cell == cell]
            for line, values in zip(axes.lines, expected, strict=True):
                np.testing.assert_array_equal(line.get_ydata(), values)
                np.testing.assert_array_equal(line.get_xdata(), np.arange(first, T + first))
    labels = [text.get_text() for text in figure.axes[1].findobj(Legend)[0].get_texts()]
    assert labels == ["trained, w.r.t. h", "trained, w.r.t. c", "untrained, w.r.t. h", "untrained, w.r.t. c"]


def test_without_a_jacobian_there_is_one_column_and_zeros_leave_gaps(rng: np.random.Generator) -> None:
    zero = np.array([1.0, 0.0, 2.0])
    figure = flow_figure({"now": Flow([Curve("layer_0", "h", zero, np.zeros(0))], [], 1.0, False)})
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, np.nan, 2.0])
    assert figure_png(figure).startswith(b"\x89PNG")


def test_each_unit_is_a_dot_in_the_panel_of_its_gate(rng: np.random.Generator) -> None:
    flows = {"gru": flow(rng, "h", ("update",)), "lstm": flow(rng)}
    figure = gates_figure(flows)
    assert figure is not None
    assert len(figure.axes) == 2 * 3  # two cells; update, input, forget
    dots = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
    shares = [
        s for gate in ("update", "input", "forget") for each in flows.values() for s in each.gates if s.gate == gate
    ]
    found = {tuple(np.asarray(line.get_xdata())): tuple(np.asarray(line.get_ydata())) for line in dots}
    assert found == {tuple(share.closed): tuple(share.open) for share in shares}
    assert gates_figure({"rnn": flow(rng, "h", ())}) is None


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_the_line_after_clipping_is_bounded_by_the_threshold(clip_norm: float) -> None:
    (axes,) = updates_figure([50, 100, 150], [0.5, 3.0, 1.5], clip_norm).axes
    lines = [np.asarray(line.get_ydata()).tolist() for line in axes.lines]
    assert lines == [[0.5, 3.0, 1.5], *([[0.5, 1.0, 1.0]] if clip_norm else [])]
