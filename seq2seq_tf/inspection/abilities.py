"""What a task offers to `seq2seq-inspect`: functions of the module that its configuration names in `inspected_by`.

Such a module is imported to check flags, before TensorFlow, which is slow to import; it imports the rest when a run is
read. A task offers the protocols below that `TaskConfig.inspects` names, each whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from seq2seq_tf.inspection.cell_traces import Recordable
    from seq2seq_tf.inspection.page import Section
    from seq2seq_tf.inspection.readings import Reading


class Input(NamedTuple):
    """A flag that says what the model is to look at."""

    name: str
    kind: Literal["lines", "paths", "numbers", "count", "switch"]  # lines: else those on standard input
    help: str


class Maps(Protocol):
    """Attention maps of some outputs."""

    @property
    def notes(self) -> Sequence[str]:
        """Lines for standard error."""

    def lines(self) -> list[str]:
        """Returns what to print: an output a line."""

    def sections(self) -> Sequence[Section]:
        """Returns the sections of a page."""

    def pictures(self) -> list[bytes]:
        """Returns a PNG of each output."""


class ShowsAttention(Protocol):
    """`attention`: maps of what a model looks at."""

    @property
    def ATTENTION_INPUTS(self) -> tuple[Input, ...]:  # noqa: N802  a constant of the module
        """The flags of this task, besides those of its search."""

    def check_attention(self, model_dir: str, given: Mapping[str, Any], /) -> None:
        """Raises InputError for inputs (name -> value of the flag) with which there is nothing to show."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run in use."""

    def attention(self, loaded: Any, given: Mapping[str, Any], search: Mapping[str, Any], /) -> Maps:
        """Returns the maps of the inputs under the search options that were given."""


class Asked(NamedTuple):
    """Which text to look at."""

    model_dir: str
    text: str | None  # file or folder; None: held-out text of the run
    target: str | None  # file of translations, where texts are pairs


class ShowsUnits(Protocol):
    """`units`: the value of each hidden unit after each token of a text."""

    @property
    def READS_PAIRS(self) -> bool:  # noqa: N802  a constant of the module
        """Whether texts are pairs, so that there is a --target."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run in use."""

    def read(self, loaded: Any, asked: Asked, characters: int, /) -> tuple[list[Reading], str]:
        """Returns what the model read, about that many characters, and what is known of it: "python" or "text"."""


class Sizes(NamedTuple):
    """How much to measure gradients on."""

    sequences: int
    steps: int


class ShowsGradients(Protocol):
    """`gradients`: how they flow back over the steps."""

    def load(self, model_dir: str, /) -> Any:
        """Returns the trained run in use."""

    def reference_copy(self, model: Any, /) -> Recordable:
        """Returns a model of the same sizes, with first weights of its own, whose every step can be recorded."""

    def gradient_batch(self, loaded: Any, asked: Asked, sizes: Sizes, /) -> Any:
        """Returns a batch of the text, as `Recordable.loss` takes it."""


class Comparison(NamedTuple):
    """Fresh networks that differ in nothing but their cells, and a batch for all of them."""

    layers: int
    units: int
    forget_bias: float
    batch: Any
    fresh: Callable[[str], Recordable]  # kind of cell -> network


class ComparesCells(ShowsGradients, Protocol):
    """`cells`: gradients of fresh networks, with the sizes of a run or with others."""

    def sizes_of_run(self, loaded: Any, asked: Asked, sizes: Sizes, /) -> Comparison:
        """Returns networks of the sizes of a run, on its text."""

    def sizes_given(self, asked: Asked, sizes: Sizes, /, *, units: int, layers: int, seed: int) -> Comparison:
        """Returns networks without a run, on a text or else on random tokens."""
