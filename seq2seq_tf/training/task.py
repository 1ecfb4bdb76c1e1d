"""What a training session needs of a task: its model, batches, validation. Each task in `tasks/` is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.trainer import TaskModel


class EpochPlan(NamedTuple):
    """The batches of one epoch, known before it starts."""

    batches: Sequence[Any]  # what `Task.load` takes, in order
    padding: float  # share of padding among all positions


class GradientCurves(NamedTuple):
    """How the gradient flows back over the steps at one moment, for TensorBoard."""

    scalars: dict[str, float]  # name -> norm
    pictures: dict[str, bytes]  # name -> PNG


@runtime_checkable
class LeavesMore(Protocol):
    """What a task offers besides, if the use of a run needs more than its weights."""

    def complete(self, run: RunDir, say: Callable[[str], None]) -> None:
        """Writes that into the run folder, made from the training data; called when training ends."""


@runtime_checkable
class HasGradientCurves(Protocol):
    """What a task offers besides, if it can draw them: `train.gradient_curves` asks for it."""

    def gradient_curves(self) -> GradientCurves:
        """Returns the curves of the current weights; changes nothing of the training."""


@runtime_checkable
class HasSearch(Protocol):
    """What a task offers besides, if its outputs are searched for: validation takes the quickest search, greedy."""

    def search_scores(self) -> dict[str, float]:
        """Returns name -> held-out score under the run's own search; empty if that is the one of `validate`."""


class Task(Protocol):
    """A task with its data and its model.

    Everything random is a function of the seed in the configuration and the number of the epoch or batch, so that
    an interrupted run can go on as if it had not been interrupted.
    """

    @property
    def model(self) -> TaskModel:
        """The network that is trained."""

    batch_spec: Any  # nest of TensorSpecs of a batch
    carry_spec: Any  # nest of TensorSpecs [B, ...] of what a batch hands to the next; () for separate sequences

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch, counted from 0."""

    def load(self, epoch: int, batches: Sequence[Any]) -> Iterator[Any]:
        """Yields planned batches as nests of arrays."""

    def first_carry(self) -> Any:
        """Returns what the first batch of an epoch starts from: a nest of arrays like `carry_spec`."""

    def describe(self, batches: Sequence[Any]) -> str:
        """Returns where planned batches come from, for error messages: "training pairs 3, 17, ..."."""

    def validate(self) -> dict[str, float]:
        """Returns name -> held-out score of the current weights, `loss` (nats per symbol) among them.

        `length_ratio`, characters of all outputs by those of all references, stands there too if there are outputs.
        """

    def pictures(self) -> dict[str, bytes]:
        """Returns name -> PNG for TensorBoard, made after a validation; may be empty."""


class SeparateSequences:
    """The part of a `Task` whose sequences stand alone: a batch hands nothing to the next. Without pictures."""

    carry_spec = ()

    def first_carry(self) -> tuple[()]:
        """See `Task.first_carry`."""
        return ()

    def pictures(self) -> dict[str, bytes]:
        """See `Task.pictures`."""
        return {}
