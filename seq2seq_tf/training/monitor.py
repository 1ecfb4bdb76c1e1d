"""Reports on training: progress, metrics.jsonl, TensorBoard."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import tensorflow as tf

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.training.history import History
from seq2seq_tf.training.progress import Progress
from seq2seq_tf.training.task import GradientCurves
from seq2seq_tf.training.trainer import UpdateResult
from seq2seq_tf.training.validation import ValidationHistory, perplexity

_LARGEST = float(tf.float32.max)  # TensorBoard stores float32
_FAR_TOO_SHORT = 0.5  # ratio of the characters in outputs to those in references


class Monitor:
    """Collects updates and writes a line every `train.log_every` of them.

    Args:
      history: metrics.jsonl.
      tensorboard: folder of the event files.
      config: of the run.
      progress: the display to update.
    """

    def __init__(self, history: History, tensorboard: str, config: TaskConfig, progress: Progress) -> None:
        self._history = history
        self._tensorboard = tensorboard
        self._config = config
        self._progress = progress
        self._since: list[tuple[UpdateResult, float]] = []
        self._start = time.perf_counter()

    def __enter__(self) -> Monitor:
        self._writer = tf.summary.create_file_writer(self._tensorboard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def flush(self) -> None:
        """Writes all records to disk, before a checkpoint that relies on them is written."""
        self._history.flush()
        self._writer.flush()

    def update(
        self, update: int, epoch: int, result: UpdateResult, rate: float, padding: float, seconds: float
    ) -> None:
        """Records one update that took `seconds`."""
        if not result.overflow:  # else nothing was applied, and the norm is not a number
            self._since.append((result, seconds))
        self._progress.advance()
        if update % self._config.train.log_every or not self._since:
            return
        results = [r for r, _ in self._since]
        weight = max(sum(r.weight for r in results), 1.0)
        record = {
            "update": update,
            "epoch": epoch + 1,
            "loss": sum(r.total for r in results) / weight,
            "perplexity": perplexity(sum(r.nll for r in results), weight),
            "gradient_norm": sum(r.norm for r in results) / len(results),
            "learning_rate": rate,
            "tokens_per_second": weight / sum(s for _, s in self._since),
            "padding": padding,
            "elapsed_seconds": time.perf_counter() - self._start,
        }
        self._since = []
        self._write("train", record)
        self._progress.show(f"epoch {epoch + 1} loss {record['loss']:.3f} {record['tokens_per_second']:,.0f} tok/s")

    def validation(
        self, update: int, scores: Mapping[str, float], validations: ValidationHistory, pictures: Mapping[str, bytes]
    ) -> None:
        """Records a validation, with pictures (PNG) for TensorBoard."""
        record = {
            "update": update,
            **{f"valid_{name}": value for name, value in scores.items()},
            "valid_perplexity": perplexity(scores["loss"], 1.0),
            "best": validations.best[0][1] == update,
            "elapsed_seconds": time.perf_counter() - self._start,
        }
        self._write("valid", record)
        star = " *" if record["best"] else ""
        self._progress.log(f"update {update}: valid {_listed(scores)}{star}")
        if scores.get("length_ratio", 1.0) < _FAR_TOO_SHORT:
            ratio = scores["length_ratio"]
            self._progress.log(f"warning: the outputs are only {ratio:.2f} times as long as the references")
        if count := validations.stands_still:
            metric = self._config.train.metric
            self._progress.log(
                f"train.metric={metric} has stayed at {scores[metric]:.3f} for {count} validations while the loss "
                "fell: equal scores are ranked by the loss; another train.metric (loss, chrf) may be more informative"
            )
        self._show(update, pictures)

    def gradient_curves(self, update: int, curves: GradientCurves) -> None:
        """Records how the gradient flows back, in TensorBoard only."""
        with self._writer.as_default(step=update):
            for name, value in curves.scalars.items():
                tf.summary.scalar(f"gradients/{name}", _for_tensorboard(value))
        self._show(update, {f"gradients/{name}": png for name, png in curves.pictures.items()})

    def _show(self, update: int, pictures: Mapping[str, bytes]) -> None:
        with self._writer.as_default(step=update):
            for name, png in pictures.items():
                tf.summary.image(name, tf.image.decode_png(png, channels=3)[tf.newaxis])

    def final(self, update: int, label: str, scores: Mapping[str, float]) -> None:
        """Records the choice of the final weights."""
        record = {"update": update, "final": label, **{f"valid_{name}": value for name, value in scores.items()}}
        self._history.append(record)
        self.flush()
        self._progress.log(f"final weights: {label}, valid {_listed(scores)}")

    def _write(self, group: str, record: dict[str, Any]) -> None:
        self._history.append(record)
        with self._writer.as_default(step=record["update"]):
            for name, value in record.items():
                if name not in ("update", "best"):
                    tf.summary.scalar(f"{group}/{name.removeprefix('valid_')}", _for_tensorboard(value))
        self._writer.flush()


def _for_tensorboard(value: float) -> float:
    """Returns the number, clipped to the range of float32."""
    return value if math.isnan(value) else min(max(value, -_LARGEST), _LARGEST)


def _listed(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in scores.items())
