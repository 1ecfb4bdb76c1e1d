"""The position of a training run, in updates, epochs and batches."""

from __future__ import annotations

from typing import NamedTuple

from seq2seq_tf.config.common import TrainConfig


class Position(NamedTuple):
    """How far training has come; part of every checkpoint."""

    update: int = 0  # updates done
    epoch: int = 0
    batch: int = 0  # batches of this epoch done
    batches: int = 0  # batches done in total

    def after_update(self, batches: int) -> Position:
        """Returns the position after one more update, made from `batches` batches."""
        return Position(self.update + 1, self.epoch, self.batch + batches, self.batches + batches)

    def next_epoch(self) -> Position:
        """Returns the position at the start of the next epoch."""
        return self._replace(epoch=self.epoch + 1, batch=0)

    def expected(self, batches: int, train: TrainConfig) -> int:
        """Returns the expected total number of updates, now that this epoch is planned.

        Args:
          batches: number in this epoch; later epochs are assumed to have as many.
          train: options of the run.
        """
        here, later = (-(-count // train.accumulate) for count in (batches - self.batch, batches))
        total = self.update + here + later * (train.max_epochs - self.epoch - 1)
        return min(total, train.max_updates) if train.max_updates else total
