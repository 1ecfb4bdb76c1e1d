"""Options common to all tasks: how an option is declared, recurrent networks, training, search.

This module and `tasks/*/config.py` are the only places where a hyperparameter has a default. A configuration is a
frozen dataclass of frozen dataclasses ("sections"); `config.loading` reads and writes them.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from seq2seq_tf.errors import InputError

CELLS = ("gru", "lstm", "rnn")
ATTENTIONS = ("bahdanau", "dot", "general", "none")
BRIDGES = ("final", "mean", "zero")
PIECE_MODELS = ("bpe", "unigram")
TOKENIZERS = ("characters", "sentencepiece")
NORMALIZATIONS = ("identity", "nfc", "nfkc", "nmt_nfkc")
OPTIMIZERS = ("adadelta", "adagrad", "adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "inverse_sqrt", "plateau")
KEEP = ("all", "resume", "final")
PRECISIONS = ("auto", "bfloat16", "float16", "float32")

# Options that affect no number of an update or a validation, in any task. (patience decides when training ends.)
CHANGEABLE = (
    "train.checkpoint_every",
    "train.gradient_curves",
    "train.keep",
    "train.keep_checkpoints",
    "train.log_every",
    "train.patience",
)
CHANGEABLE_SEARCH = ("search.beam_size", "search.early_stop", "search.length_penalty", "search.n_best")


class Range(NamedTuple):
    """Closed interval of allowed numbers, in the unit of the option."""

    low: float
    high: float


class Text(enum.Enum):
    """Kinds of strings, for options that are not a choice among words."""

    ANY = "text"
    PATH = "path"  # of a file or folder; `~` is the home folder


PATH = Text.PATH
SWITCH = Range(0, 1)  # false and true, where a range is required
SHARE = Range(0.0, 0.95)
# Every number has an upper bound that fits into memory and int32; a value beyond it is a typo.
UNITS = Range(1, 16_384)
EPOCHS = Range(1, 1_000_000)
UPDATES = Range(1, 1_000_000_000)
UPDATES_OR_NONE = Range(0, 1_000_000_000)
VALIDATIONS = Range(1, 1_000_000)
BATCH = Range(1, 2**22)  # tokens of a batch, padding included
POOL = Range(1, 1_000_000_000)  # texts shuffled together
TOKENS_OF_A_TEXT = Range(1, 100_000)


class Renamed(NamedTuple):
    """The current name of an option that has another name in configurations of earlier versions."""

    name: str  # dotted
    values: Mapping[str, str] = MappingProxyType({})  # replaced words -> current ones

    def value(self, stored: Any) -> Any:
        """Returns the current value for an old one."""
        return self.values.get(stored, stored) if isinstance(stored, str) else stored


def option(
    default: Any,
    text: str,
    allowed: Range | Text | tuple[str, ...] = Text.ANY,
    *,
    before: Any = None,
    served: Range | None = None,
) -> Any:
    """Declares a field of a section.

    Args:
      default: value for a new run.
      text: help.
      allowed: range, choices or kind of text.
      before: value for stored runs created before this option existed, if not the default.
      served: makes the option an input of an exported SavedModel, with this range; narrower than `allowed` where the
        value determines the cost, since there strangers choose it and the server pays.
    """
    stored = default if before is None else before
    metadata = {"help": text, "allowed": allowed, "before": stored, "served": served}
    return dataclasses.field(default=default, metadata=metadata)


def with_default(section: type, name: str, default: Any) -> Any:
    """Redeclares an inherited field with another default."""
    (inherited,) = (field for field in dataclasses.fields(section) if field.name == name)
    return dataclasses.field(default=default, metadata={**inherited.metadata, "before": default})


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Options of every recurrent network."""

    cell: str = option("lstm", "recurrent cell", CELLS)
    embedding_units: int = option(256, "size of a token's vector", UNITS)
    embedding_scale: float = option(0.1, "standard deviation of initial embeddings", Range(1e-6, 10.0))
    residual: bool = option(True, "add a layer's input to its output, from layer 2 on")
    layer_norm: bool = option(False, "normalise the gates inside each cell (Ba 2016)")
    forget_bias: float = option(1.0, "initial bias of the LSTM forget gate", Range(-10, 10))
    word_dropout: float = option(0.0, "share of input tokens whose whole vector is zeroed", SHARE)
    embedding_dropout: float = option(0.2, "dropout on embeddings", SHARE)
    layer_dropout: float = option(0.2, "dropout between stacked layers", SHARE)
    output_dropout: float = option(0.4, "dropout before the last projection", SHARE)
    variational: bool = option(False, "one dropout mask for all time steps of a sequence (Gal 2016)")
    fused: bool = option(True, "hand-written gradients of the recurrences and the loss; false = plain, slower code")
    cudnn: bool = option(True, "train LSTM and GRU layers with cuDNN where a GPU is visible")


@dataclasses.dataclass(frozen=True)
class EncoderConfig(NetworkConfig):
    """The recurrent encoder."""

    encoder_layers: int = option(1, "depth of the encoder", Range(1, 16))
    encoder_units: int = option(256, "state size per direction", UNITS)
    bidirectional: bool = option(True, "read in both directions")
    encoder_dropout: float = option(0.4, "dropout on the encoder's outputs", SHARE)


@dataclasses.dataclass(frozen=True)
class ReaderConfig(EncoderConfig):
    """A recurrent network that reads a whole text; classification and tagging put a projection on top."""

    encoder_units: int = option(128, "state size per direction", UNITS)
    embedding_units: int = option(64, "size of a token's vector", UNITS)
    embedding_dropout: float = option(0.1, "dropout on embeddings", SHARE)
    encoder_dropout: float = option(0.0, "dropout on the outputs of the network at each token", SHARE)
    output_dropout: float = option(0.2, "dropout before the last projection", SHARE)


@dataclasses.dataclass(frozen=True)
class DecoderConfig(NetworkConfig):
    """The attention decoder."""

    decoder_layers: int = option(1, "depth of the decoder", Range(1, 16))
    decoder_units: int = option(512, "state size of the decoder", UNITS)
    attention: str = option(
        "bahdanau",
        "bahdanau (additive, 2015), dot or general (Luong 2015), or none: plain encoder-decoder",
        ATTENTIONS,
    )
    attention_units: int = option(256, "attention=bahdanau: size to which queries and keys are projected", UNITS)
    attention_heads: int = option(
        1, "attention=bahdanau: heads among which attention_units and the encoder's outputs are divided", Range(1, 64)
    )
    bridge: str = option(
        "final",
        "what the decoder starts from: the encoder's final state, the mean of its outputs, or zeros",
        BRIDGES,
        before="mean",
    )
    output_units: int = option(256, "size of the deep output layer before the vocabulary", UNITS)


def check_attention(model: DecoderConfig, value_units: int, made_by: str) -> None:
    """Raises InputError unless a decoder can attend to an encoder's outputs.

    Args:
      model: options of the decoder.
      value_units: size of an output of the encoder.
      made_by: the options that determine this size, with their values.
    """
    if model.attention == "dot" and model.decoder_units != value_units:
        raise InputError(
            f"model.attention=dot needs model.decoder_units={model.decoder_units} to be the size of the encoder's "
            f"outputs, {value_units} ({made_by}); model.attention=general accepts any sizes"
        )
    heads = model.attention_heads
    if heads > 1 and model.attention != "bahdanau":
        raise InputError(f"model.attention_heads={heads} needs model.attention=bahdanau, got {model.attention}")
    for size, what in (
        (model.attention_units, f"model.attention_units={model.attention_units}"),
        (value_units, f"the size of the encoder's outputs, {value_units} ({made_by})"),
    ):
        if size % heads:
            raise InputError(f"model.attention_heads={heads} must divide {what}")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How the weights are trained, in any task."""

    seed: int = option(1, "everything random is a function of this seed and the update number", Range(0, 2**31 - 1))
    init_from: str = option("", "run folder whose weights, tokenizers and sizes a new run starts from", PATH)
    max_epochs: int = option(20, "passes over the training pairs", EPOCHS)
    max_updates: int = option(
        0,
        "updates after which training ends, if max_epochs allows more; the cosine schedule ends there; 0 = no limit",
        UPDATES_OR_NONE,
    )
    max_minutes: float = option(
        0.0,
        "minutes for training on this machine: speed is measured when the run begins and determines max_updates "
        "(never more than max_epochs allows); 0 = no limit",
        Range(0.0, 1e6),
    )
    accumulate: int = option(1, "batches whose gradients are summed into one update", Range(1, 1024))
    shards: int = option(
        0,
        "parts of a batch computed in parallel; 0 = one per CPU core up to 4, or 1 on a GPU, decided when the run is "
        "created",
        Range(0, 64),
    )
    optimizer: str = option("adam", "optimiser", OPTIMIZERS)
    learning_rate: float = option(1.5e-3, "peak learning rate", Range(0.0, 100.0))
    adam_beta2: float = option(0.999, "decay of Adam's second moment", Range(0.5, 0.99999))
    schedule: str = option("cosine", "learning rate after the warm-up; cosine ends at zero", SCHEDULES)
    warmup_updates: int = option(200, "updates over which the learning rate rises from zero", UPDATES_OR_NONE)
    plateau_factor: float = option(
        0.5, "schedule=plateau: factor on the rate when the metric stalls", Range(0.01, 0.99)
    )
    plateau_patience: int = option(1, "schedule=plateau: stalled validations before each reduction", VALIDATIONS)
    weight_decay: float = option(0.0, "decoupled weight decay (adamw)", Range(0.0, 1.0))
    clip_norm: float = option(1.0, "bound on the global gradient norm; 0 = no clipping", Range(0.0, 1e9))
    label_smoothing: float = option(0.1, "share of probability spread over all classes (Szegedy 2016)", SHARE)
    precision: str = option(
        "auto",
        "precision of matrix products; states and sums stay float32; auto = bfloat16 where the machine has "
        "instructions for it, decided when the run is created",
        PRECISIONS,
    )
    loss_scale: float = option(
        2.0**15,
        "precision=float16: initial factor on the loss (Micikevicius 2018); halved on overflow",
        Range(1.0, 2.0**24),
    )
    loss_scale_growth: int = option(
        2000, "precision=float16: updates without overflow after which the factor is doubled", UPDATES
    )
    jit_compile: bool = option(False, "compile an update with XLA, once per batch shape")
    validate_every: int = option(0, "updates between validations; 0 = after each epoch", UPDATES_OR_NONE)
    checkpoint_every: int = option(500, "updates between checkpoints to resume from", UPDATES)
    keep: str = option(
        "all",
        "files kept in the folder of a finished run besides those needed to use it: all; resume = those needed to "
        "train further (newest checkpoint, best weights, prepared data); final = none",
        KEEP,
    )
    keep_checkpoints: int = option(2, "number of latest checkpoints kept", Range(1, 10_000))
    metric: str = option("loss", "metric on the validation set that decides which checkpoint is best", ("loss",))
    patience: int = option(
        10, "validations without a better metric before stopping; 0 = never stop early", Range(0, VALIDATIONS.high)
    )
    average_best: int = option(5, "best checkpoints kept and averaged into the final model", Range(1, 100))
    log_every: int = option(50, "updates between lines of metrics.jsonl", UPDATES)
    gradient_curves: int = option(
        0,
        "updates between pictures in TensorBoard of how the gradient flows back over the time steps; 0 = none",
        UPDATES_OR_NONE,
    )


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """Defaults of the search for hypotheses, in any task; programs and the SavedModel can override them per call.

    These are the options in `search.options.SearchOptions`. A task adds those for its inputs and lengths.
    """

    beam_size: int = option(5, "hypotheses kept at each step; 1 = greedy", Range(1, 64), served=Range(1, 16))
    n_best: int = option(1, "hypotheses returned, at most beam_size", Range(1, 64), served=Range(1, 16))
    length_penalty: float = option(
        1.0,
        "exponent of ((5 + length) / 6) (Wu 2016); larger prefers longer",
        Range(0.0, 10.0),
        served=Range(0.0, 10.0),
    )
    early_stop: bool = option(
        False, "stop searching once no live hypothesis could win by ending at the next step: faster, approximate"
    )
    allow_unknown: bool = option(
        True, "outputs may contain the unknown token; false = the best other token replaces it", served=SWITCH
    )

    def check(self) -> None:
        """Raises InputError for values that are valid on their own but contradict each other."""
        if self.n_best > self.beam_size:
            raise InputError(f"search.n_best={self.n_best} is larger than search.beam_size={self.beam_size}")


class TaskConfig:
    """All options of a run of one task: a frozen dataclass whose fields are its sections."""

    task: ClassVar[str]  # the name in configuration files
    trained_by: ClassVar[str]  # the program, for the message if a run or its configuration was passed to another one
    used_by: ClassVar[str]
    has_gradient_curves: ClassVar[bool] = False  # whether the task supports train.gradient_curves
    changeable: ClassVar[tuple[str, ...]] = CHANGEABLE  # patterns of options that may change when a run is resumed
    python_api: ClassVar[str]  # "MODULE:CLASS" of a trained run in Python, which the package exports by name
    inspected_by: ClassVar[str] = ""  # module with what seq2seq-inspect shows of a run; see `inspection.abilities`
    inspects: ClassVar[tuple[str, ...]] = ()  # some of: attention, units, gradients, cells, contexts
    tokenizer_files: ClassVar[tuple[str, ...]]  # in the run folder; weights are useless without them
    renamed: ClassVar[Mapping[str, Renamed]] = MappingProxyType({})  # dotted name in earlier versions -> current one
    model: NetworkConfig
    train: TrainConfig

    def check(self) -> None:
        """Raises InputError for values that are valid on their own but contradict each other."""
        if self.train.weight_decay and self.train.optimizer != "adamw":
            raise InputError(f"train.weight_decay needs train.optimizer=adamw, got {self.train.optimizer}")
        if self.train.jit_compile and self.model.cudnn:
            raise InputError("train.jit_compile=true needs model.cudnn=false: XLA cannot compile a cuDNN layer")
        if self.train.gradient_curves and not self.has_gradient_curves:
            raise InputError(f"train.gradient_curves must be 0: {self.task} does not support it")
