"""The gradient page contains every picture and the numbers."""

from __future__ import annotations

import numpy as np

from seq2seq_tf.inspection.gradient_page import Measured, Updates, as_json, gate_rows, rows, sections
from seq2seq_tf.inspection.gradients import Curve, Flow
from seq2seq_tf.inspection.page import page_html
from tests.gradient_flows import flow


def test_the_page_contains_every_picture_and_the_numbers(rng: np.random.Generator) -> None:
    flows = {"trained": flow(rng), "untrained": flow(rng)}
    measured = Measured(flows, "A text <about> it.", Updates([50], [0.5], 1.0))
    page = page_html("Gradients", sections(measured))
    assert page.count("<img") == 3
    assert "A text &lt;about&gt; it." in page
    assert f"{flows['trained'].curves[0].loss[0]:.3g}" in page
    assert len(rows(flows)[1]) == len(gate_rows(flows)[1]) == 8
    assert page_html("", sections(Measured({"rnn": flow(rng, "h", ())}, ""))).count("<img") == 1
    stored = as_json(measured)["flows"]["trained"]["curves"][1]
    np.testing.assert_allclose(stored["jacobian"], flows["trained"].curves[1].jacobian)


def test_a_table_row_is_a_curve_with_dashes_for_what_was_not_measured() -> None:
    curves = [
        Curve("layer_0", "h", np.array([0.5, 0.25, 2.0]), np.array([1.0, 0.75, 0.125])),
        Curve("layer_0", "c", np.array([0.5]), np.zeros(0)),
    ]
    _, (whole, short) = rows({"lstm": Flow(curves, [], 1.0, True)})
    assert whole == ["lstm", "layer_0", "h", "0.5", "2", "0.75", "-", "0.125", "3"]
    assert short[5:8] == ["-", "-", "-"]
