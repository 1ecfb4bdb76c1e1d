"""One update of the weights (forward, backward, clip, apply) as traced functions; independent of tasks and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import keras
import tensorflow as tf

from seq2seq_tf.config.common import TrainConfig
from seq2seq_tf.structures import LossSum
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.loss_scale import LossScale
from seq2seq_tf.training.optimizer import Optimizer, make_optimizer


class TaskModel(Protocol):
    """The interface of a model to the Trainer; the models of all tasks implement it."""

    @property
    def trainable_variables(self) -> Sequence[keras.Variable]:
        """The variables that an update changes."""

    def batch_loss(self, batch: Any, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        """Returns the summed loss of a batch and the carry for the next; dropout_seed: [2] int32, or None for none."""


class UpdateResult(NamedTuple):
    """The result of one update."""

    total: float  # nats, summed over real tokens
    nll: float  # nats, summed, without label smoothing
    weight: float  # real tokens
    norm: float  # global gradient norm before clipping
    finite: bool  # False: loss or gradient was not a number and nothing was applied
    overflow: bool = False  # not finite, but perhaps only because of float16, and the next loss scale is smaller


def split_rows(tree: Any, parts: int) -> list[Any]:
    """Returns `parts` nests among which the rows of each tensor are divided as evenly as possible, in order."""
    flat = tf.nest.flatten(tree)
    if parts == 1 or not flat:
        return [tree] * parts
    rows = tf.shape(flat[0])[0]
    ends = [rows * n // parts for n in range(parts + 1)]
    sizes = [ends[n + 1] - ends[n] for n in range(parts)]
    columns = [tf.split(x, sizes, num=parts) for x in flat]
    return [tf.nest.pack_sequence_as(tree, row) for row in zip(*columns, strict=True)]


class Trainer:
    """Trains a model batch by batch.

    The gradient of an update is that of the mean loss per real token over its batches. Dropout masks are a function
    of (seed, number of the batch), and the caller passes the learning rate: an update has no state other than the
    variables that `variables()` returns.

    Args:
      model: a built model.
      config: optimiser, clipping, accumulation.
      batch_spec: nest of TensorSpecs of a batch; one trace serves all shapes.
      carry_spec: nest of TensorSpecs of what a batch passes to the next; () for separate sequences.
    """

    def __init__(self, model: TaskModel, config: TrainConfig, batch_spec: Any, carry_spec: Any = ()) -> None:
        self.model = model
        self.config = config
        self.optimizer: Optimizer = make_optimizer(model.trainable_variables, config)
        self.loss_scale = LossScale(config) if config.precision == "float16" else None
        self._values = [v.value for v in model.trainable_variables]
        number = tf.TensorSpec([], tf.int32)
        rate = tf.TensorSpec([], tf.float32)
        spec = (batch_spec, carry_spec, number)
        jit = config.jit_compile or None  # None, since False would keep callers from compiling it
        self._update_one = trace(self._update_from_batch, [*spec, rate], jit_compile=jit)
        if config.accumulate > 1:
            self._sums = [tf.Variable(tf.zeros(v.shape), trainable=False) for v in self._values]
            self._loss = LossSum(*(tf.Variable(0.0, trainable=False) for _ in LossSum._fields))
            self._add = trace(self._add_gradients, spec, jit_compile=jit)
            self._finish = trace(self._apply_sums, [rate], jit_compile=jit)

    def variables(self) -> dict[str, tf.Variable]:
        """Returns name -> variable of everything that an update changes."""
        model = {f"model/{v.path}": v.value for v in self.model.trainable_variables}
        scale = self.loss_scale.state() if self.loss_scale else {}
        return {
            **model,
            **{f"optimizer/{name}": v for name, v in self.optimizer.state().items()},
            **{f"loss_scale/{name}": v for name, v in scale.items()},
        }

    def update(self, batches: Sequence[Any], carry: Any, first: int, rate: float) -> tuple[UpdateResult, Any]:
        """Makes one update from `config.accumulate` batches (fewer at the end of an epoch); also returns their carry.

        Args:
          batches: nests of arrays.
          carry: what the previous batch passed on.
          first: number of the first batch since the start of training; selects the dropout masks.
          rate: learning rate.
        """
        if self.config.accumulate == 1:
            loss, applied, carry = self._update_one(batches[0], carry, first, rate)
        else:
            losses = []
            for n, batch in enumerate(batches):
                part, carry = self._add(batch, carry, first + n)
                losses.append(part)
            loss = LossSum(*(tf.add_n(parts) for parts in zip(*losses, strict=True)))
            applied = self._finish(rate)
        norm, finite, overflow = float(applied[0]), bool(applied[1]), bool(applied[2])
        return UpdateResult(float(loss.total), float(loss.nll), float(loss.weight), norm, finite, overflow), carry

    def _gradients(self, batch: Any, carry: Any, number: tf.Tensor) -> tuple[LossSum, list[tf.Tensor], Any]:
        """Returns the loss, the dense gradients of its sum, and the carry.

        The rows of the batch are divided among `shards` independent parts, which TensorFlow runs in parallel: the steps
        of a single recurrence are too small to keep several cores busy.
        """
        shards = max(self.config.shards, 1)
        losses, carries = [], []
        with tf.GradientTape() as tape:
            for n, (rows, handed_on) in enumerate(
                zip(split_rows(batch, shards), split_rows(carry, shards), strict=True)
            ):
                seed = tf.stack([self.config.seed, number * shards + n])
                part, new_carry = self.model.batch_loss(rows, handed_on, dropout_seed=seed)
                losses.append(part)
                carries.append(new_carry)
            loss = LossSum(*(tf.add_n(parts) for parts in zip(*losses, strict=True)))
            objective = self.loss_scale.scaled(loss.total, loss.weight) if self.loss_scale else loss.total
        found = tape.gradient(objective, self._values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradients = [tf.convert_to_tensor(g) for g in found]
        if self.loss_scale:
            gradients = self.loss_scale.unscaled(gradients, loss.weight)
        carry = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *carries)
        return loss, gradients, carry

    def _update_from_batch(self, batch: Any, carry: Any, number: tf.Tensor, rate: tf.Tensor) -> tuple[Any, ...]:
        loss, gradients, carry = self._gradients(batch, carry, number)
        return loss, self._apply(gradients, loss, rate), carry

    def _add_gradients(self, batch: Any, carry: Any, number: tf.Tensor) -> tuple[LossSum, Any]:
        loss, gradients, carry = self._gradients(batch, carry, number)
        for total, gradient in zip(self._sums, gradients, strict=True):
            total.assign_add(gradient)
        for total, part in zip(self._loss, loss, strict=True):
            total.assign_add(part)
        return loss, carry

    def _apply_sums(self, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        loss = LossSum(*(tf.identity(s) for s in self._loss))
        applied = self._apply([tf.identity(s) for s in self._sums], loss, rate)
        for total in (*self._sums, *self._loss):
            total.assign(tf.zeros_like(total))
        return applied

    def _apply(
        self, gradients: list[tf.Tensor], loss: LossSum, rate: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Scales gradients to the mean per token, clips their global norm (Pascanu 2013) and applies them, if finite.

        Returns:
          the last three fields of `UpdateResult`.
        """
        per_token = 1.0 / tf.maximum(loss.weight, 1.0)
        norm = tf.linalg.global_norm(gradients) * per_token
        finite = tf.math.is_finite(norm) & tf.math.is_finite(loss.total)
        scale = per_token
        if self.config.clip_norm > 0.0:
            scale *= tf.minimum(1.0, self.config.clip_norm / tf.maximum(norm, 1e-12))

        def apply() -> tf.Tensor:
            self.optimizer.apply([g * scale for g in gradients], rate)
            return tf.constant(True)

        applied = tf.cond(finite, apply, lambda: tf.constant(False))
        smaller_left = self.loss_scale.update(finite) if self.loss_scale else tf.constant(False)
        return norm, applied, smaller_left & ~finite
