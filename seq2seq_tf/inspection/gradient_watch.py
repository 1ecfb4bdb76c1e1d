"""Gradient curves of a model that is being trained, for TensorBoard. Looking changes nothing of the training."""

from __future__ import annotations

from typing import Any

from seq2seq_tf.inspection.cell_traces import Recordable, copy_weights, reference_copy
from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.gradient_plots import flow_figure
from seq2seq_tf.inspection.gradients import gradient_flow
from seq2seq_tf.training.task import GradientCurves

SEQUENCES, STEPS = 16, 60  # a second or so on a laptop


class GradientWatch:
    """Measures |dLoss/dh_t| on one batch, always the same, with the weights as they are at the moment.

    Args:
      model: being trained; only read.
      batch: held-out, from `gradients.stream_batch` or `gradients.pair_batch`.
    """

    def __init__(self, model: Recordable, batch: Any) -> None:
        self._model = model
        self._batch = batch
        self._twin: Recordable | None = None  # made when first needed

    def look(self) -> GradientCurves:
        """Returns the curves of this moment."""
        self._twin = self._twin or reference_copy(self._model)
        copy_weights(self._model, self._twin)
        flow = gradient_flow(self._twin, self._batch, directions=0, seed=0, gates=False)
        scalars = {}
        for curve in flow.curves:
            scalars[f"{curve.cell}/{curve.part}/first_step"] = float(curve.loss[0])
            scalars[f"{curve.cell}/{curve.part}/last_step"] = float(curve.loss[-1])
        return GradientCurves(scalars, {"loss_by_state": figure_png(flow_figure({"now": flow}))})
