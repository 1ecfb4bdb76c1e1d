"""Protocols of `seq2seq-inspect`: what a task's module, named by `TaskConfig.inspected_by`, must provide.

The module is imported when flags are checked, so it imports TensorFlow, which is slow to load, only inside its
functions. It implements in full each protocol below that `TaskConfig.inspects` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from seq2seq_tf.inspection.cell_traces import Recordable
    from seq2seq_tf.inspection.context_page import Contexts
    from seq2seq_tf.inspection.page import Section
    from seq2seq_tf.inspection.readings import Reading


class Input(NamedTuple):
    """A flag that selects what the model looks at."""

    name: str
    kind: Literal["lines", "paths", "numbers", "count", "switch"]  # lines: read from standard input if not given
    help: str


class Maps(Protocol):
    """Attention maps of the model's outputs."""

    @property
    def notes(self) -> Sequence[str]:
        """Lines for standard error."""

    def lines(self) -> list[str]:
        """Returns the lines to print, one per output."""

    def sections(self) -> Sequence[Section]:
        """Returns the sections of the page."""

    def pictures(self) -> list[bytes]:
        """Returns a PNG of each output."""


class ShowsAttention(Protocol):
    """The `attention` command: maps of what a model looks at."""

    @property
    def ATTENTION_INPUTS(self) -> tuple[Input, ...]:  # noqa: N802  a constant of the module
        """The input flags of the task; its search flags are separate."""

    def check_attention(self, model_dir: str, given: Mapping[str, Any], /) -> None:
        """Raises InputError if the inputs (flag name -> value) leave nothing to show."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run, ready for use."""

    def attention(self, loaded: Any, given: Mapping[str, Any], search: Mapping[str, Any], /) -> Maps:
        """Returns the maps of the inputs, found with the given search options."""


class Asked(NamedTuple):
    """The text to inspect."""

    model_dir: str
    text: str | None  # file or folder; None: held-out text of the run
    target: str | None  # file of translations, if the task reads pairs


class ShowsUnits(Protocol):
    """The `units` command: the value of each hidden unit after each token of a text."""

    @property
    def READS_PAIRS(self) -> bool:  # noqa: N802  a constant of the module
        """Whether the task reads pairs of texts, so that --target applies."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run, ready for use."""

    def read(self, loaded: Any, asked: Asked, characters: int, /) -> tuple[list[Reading], str]:
        """Returns what the model read, about `characters` long, and its kind of text: "python" or "text"."""


class Sizes(NamedTuple):
    """The size of the batch on which gradients are measured."""

    sequences: int
    steps: int


class ShowsGradients(Protocol):
    """The `gradients` command: how gradients flow back through time."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run, ready for use."""

    def reference_copy(self, model: Any, /) -> Recordable:
        """Returns a model of the same sizes, freshly initialised, whose every step can be recorded."""

    def gradient_batch(self, loaded: Any, asked: Asked, sizes: Sizes, /) -> Any:
        """Returns a batch of the text in the form that `Recordable.loss` expects."""


class Comparison(NamedTuple):
    """Freshly initialised networks that differ only in their cells, and a batch for all of them."""

    layers: int
    units: int
    forget_bias: float
    batch: Any
    fresh: Callable[[str], Recordable]  # kind of cell -> network


class ComparesCells(ShowsGradients, Protocol):
    """The `cells` comparison: gradients of freshly initialised networks, with the sizes of a run or with given ones."""

    def sizes_of_run(self, loaded: Any, asked: Asked, sizes: Sizes, /) -> Comparison:
        """Returns networks with the sizes of a run, and a batch of its text."""

    def sizes_given(self, asked: Asked, sizes: Sizes, /, *, units: int, layers: int, seed: int) -> Comparison:
        """Returns networks of the given sizes, and a batch of a text or, without one, of random tokens."""


class ContextSizes(NamedTuple):
    """How the length of context is varied."""

    lengths: tuple[int, ...]  # ascending, tokens
    targets: int  # tokens to predict, at most
    ngrams: int  # longest context of the counted n-grams; 0: none


class ShowsContexts(Protocol):
    """The `contexts` command: how well the next token is predicted from the last k tokens."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run, ready for use."""

    def contexts(self, runs: Mapping[str, Any], text: str | None, sizes: ContextSizes, /) -> Contexts:
        """Returns the curves of runs, run folder -> loaded run, on a file or folder, by default held-out text."""
