"""The interface of a task to a training session: model, batches, validation. Each task in `tasks/` implements it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.trainer import TaskModel


class EpochPlan(NamedTuple):
    """The batches of one epoch, known before it starts."""

    batches: Sequence[Any]  # as `Task.load` takes them, in order
    padding: float  # share of padding among all positions


class GradientCurves(NamedTuple):
    """How the gradient flows back over the time steps at one point of training, for TensorBoard."""

    scalars: dict[str, float]  # name -> norm
    pictures: dict[str, bytes]  # name -> PNG


@runtime_checkable
class LeavesMore(Protocol):
    """Implemented by a task whose runs need more than their weights to be used."""

    def complete(self, run: RunDir, say: Callable[[str], None]) -> None:
        """Derives the rest from the training data and writes it to the run folder; called when training ends."""


@runtime_checkable
class HasGradientCurves(Protocol):
    """Implemented by a task that supports `train.gradient_curves`."""

    def gradient_curves(self) -> GradientCurves:
        """Returns the curves of the current weights; does not affect training."""


@runtime_checkable
class HasSearch(Protocol):
    """Implemented by a task whose outputs come from a search; `validate` uses the quickest one, greedy."""

    def search_scores(self) -> dict[str, float]:
        """Returns name -> held-out score with the run's own search; empty if `validate` uses the same search."""


class Task(Protocol):
    """A task with its data and its model.

    Everything random is a function of the seed in the configuration and the number of the epoch or batch, so that
    an interrupted run can continue as if it had never been interrupted.
    """

    @property
    def model(self) -> TaskModel:
        """The network that is trained."""

    batch_spec: Any  # nest of TensorSpecs of a batch
    carry_spec: Any  # nest of TensorSpecs [B, ...] of what a batch passes to the next; () for separate sequences

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch (the first is 0)."""

    def load(self, epoch: int, batches: Sequence[Any]) -> Iterator[Any]:
        """Yields planned batches as nests of arrays."""

    def first_carry(self) -> Any:
        """Returns the carry that the first batch of an epoch starts from: a nest of arrays like `carry_spec`."""

    def describe(self, batches: Sequence[Any]) -> str:
        """Returns where planned batches come from, for error messages: "training pairs 3, 17, ..."."""

    def validate(self) -> dict[str, float]:
        """Returns name -> held-out score of the current weights, `loss` (nats per symbol) among them.

        If there are outputs, it includes `length_ratio`: characters of all outputs divided by those of all references.
        """

    def pictures(self) -> dict[str, bytes]:
        """Returns name -> PNG for TensorBoard, made after a validation; may be empty."""


class SeparateSequences:
    """The part of a `Task` with separate sequences: a batch passes nothing to the next. Without pictures."""

    carry_spec = ()

    def first_carry(self) -> tuple[()]:
        """See `Task.first_carry`."""
        return ()

    def pictures(self) -> dict[str, bytes]:
        """See `Task.pictures`."""
        return {}
