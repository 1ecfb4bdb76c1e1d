"""Gradient curves of a model during training, for TensorBoard. Measuring them does not affect the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seq2seq_tf.inspection.cell_traces import HasVariables, Recordable, copy_weights
from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.gradient_plots import flow_figure
from seq2seq_tf.inspection.gradients import gradient_flow
from seq2seq_tf.training.task import GradientCurves

SEQUENCES, STEPS = 16, 60  # about a second on a laptop


class GradientWatch:
    """Measures |dLoss/dh_t| on one fixed batch with the model's current weights.

    Args:
      model: the model being trained; it is only read.
      reference_copy: makes a model of the same sizes whose steps can be recorded; called when first needed.
      batch: a held-out batch in the form that `Recordable.loss` expects.
    """

    def __init__(self, model: HasVariables, reference_copy: Callable[[], Recordable], batch: Any) -> None:
        self._model = model
        self._reference_copy = reference_copy
        self._batch = batch
        self._twin: Recordable | None = None

    def look(self) -> GradientCurves:
        """Returns the curves for the current weights."""
        self._twin = self._twin or self._reference_copy()
        copy_weights(self._model, self._twin.model)
        flow = gradient_flow(self._twin, self._batch, directions=0, seed=0, gates=False)
        scalars = {}
        for curve in flow.curves:
            scalars[f"{curve.cell}/{curve.part}/first_step"] = float(curve.loss[0])
            scalars[f"{curve.cell}/{curve.part}/last_step"] = float(curve.loss[-1])
        return GradientCurves(scalars, {"loss_by_state": figure_png(flow_figure({"now": flow}))})
