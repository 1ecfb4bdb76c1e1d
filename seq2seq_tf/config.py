"""Every option of a run, with its default, range and meaning; strict loading from YAML and flags.

This is the only place where a hyperparameter has a default. A `Config` is frozen: a run folder stores the one it
was trained with, and every other program reads it from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

import yaml

from seq2seq_tf.errors import InputError, nearest

CELLS = ("gru", "lstm", "rnn")
ATTENTIONS = ("bahdanau", "none")
TIES = ("all", "none", "target")
PIECE_MODELS = ("bpe", "unigram")
OPTIMIZERS = ("adadelta", "adagrad", "adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine", "inverse_sqrt", "plateau")
PRECISIONS = ("auto", "bfloat16", "float32")
METRICS = ("bleu", "chrf", "loss")


class Range(NamedTuple):
    """Closed interval of allowed numbers, in the unit of the option."""

    low: float = float("-inf")
    high: float = float("inf")


ANY = Range()
POSITIVE = Range(1)
NOT_NEGATIVE = Range(0)
SHARE = Range(0.0, 0.95)


def _option(default: Any, text: str, allowed: Range | tuple[str, ...] = ANY) -> Any:
    return dataclasses.field(default=default, metadata={"help": text, "allowed": allowed})


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Raw parallel files and how they become pieces (subwords)."""

    train_source: str = _option("", "training sentences to translate from, one a line (.gz is read too)")
    train_target: str = _option("", "their translations, line by line")
    valid_source: str = _option("", "held-out sentences that choose the best checkpoint")
    valid_target: str = _option("", "their translations")
    test_source: str = _option("", "held-out sentences for the final score; may be left empty")
    test_target: str = _option("", "their translations")
    vocab_size: int = _option(8000, "number of pieces, special ones included", Range(8, 1_000_000))
    joint_vocab: bool = _option(True, "one piece model for both languages (needed to tie all embeddings)")
    piece_model: str = _option("bpe", "kind of SentencePiece model", PIECE_MODELS)
    character_coverage: float = _option(1.0, "share of characters that get a piece; 0.9995 for CJK", Range(0.9, 1.0))
    byte_fallback: bool = _option(True, "spell unknown characters in bytes, so that nothing is lost")
    lowercase: bool = _option(False, "fold case of source and target before cutting into pieces")
    max_pieces: int = _option(128, "training pairs with a longer side are left out (and counted)", POSITIVE)
    segmentations: int = _option(
        1,
        "number of sampled segmentations of the training text, used in turn by epoch (subword regularisation, "
        "Kudo 2018; BPE-dropout, Provilkov 2020); 1 = the best segmentation only",
        Range(1, 64),
    )
    segmentation_noise: float = _option(
        0.1, "BPE: share of merges dropped; unigram: smoothing exponent, smaller is noisier", Range(0.0, 1.0)
    )


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Sizes and regularisation of the encoder and the attention decoder."""

    cell: str = _option("lstm", "recurrent cell of encoder and decoder", CELLS)
    embedding_units: int = _option(256, "size of a piece's vector", POSITIVE)
    encoder_layers: int = _option(1, "depth of the encoder", Range(1, 16))
    encoder_units: int = _option(256, "state size per direction", POSITIVE)
    bidirectional: bool = _option(True, "read the source in both directions")
    decoder_layers: int = _option(1, "depth of the decoder", Range(1, 16))
    decoder_units: int = _option(512, "state size of the decoder", POSITIVE)
    attention: str = _option(
        "bahdanau", "additive attention (Bahdanau 2015), or none: plain encoder-decoder", ATTENTIONS
    )
    attention_units: int = _option(256, "size of the space where queries meet keys", POSITIVE)
    output_units: int = _option(256, "size of the deep output layer before the vocabulary", POSITIVE)
    tie: str = _option("all", "which tables are one: all = source, target and output; target = target and output", TIES)
    residual: bool = _option(True, "add a layer's input to its output from depth 2 on")
    layer_norm: bool = _option(False, "normalise the gates inside each cell (Ba 2016)")
    forget_bias: float = _option(1.0, "initial bias of the LSTM forget gate", Range(-10, 10))
    embedding_scale: float = _option(0.1, "standard deviation of initial embeddings", Range(1e-6, 10.0))
    word_dropout: float = _option(0.0, "share of input pieces whose whole vector is zeroed", SHARE)
    embedding_dropout: float = _option(0.2, "dropout on embeddings", SHARE)
    layer_dropout: float = _option(0.2, "dropout between stacked layers", SHARE)
    encoder_dropout: float = _option(0.4, "dropout on the encoder's outputs", SHARE)
    output_dropout: float = _option(0.4, "dropout before the vocabulary projection", SHARE)
    variational: bool = _option(False, "one dropout mask for all time steps of a sentence (Gal 2016)")
    fused: bool = _option(True, "hand-written gradients of the recurrences and the loss; false = plain, slower code")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How the weights are found."""

    seed: int = _option(1, "everything random is a function of this seed and the update number", Range(0, 2**31 - 1))
    max_epochs: int = _option(20, "passes over the training pairs", POSITIVE)
    batch_tokens: int = _option(2000, "upper bound of padded pieces per batch, on the longer side", POSITIVE)
    pool_pairs: int = _option(3000, "pairs shuffled together, then sorted by length; larger = less padding", POSITIVE)
    accumulate: int = _option(1, "batches whose gradients are summed into one update", Range(1, 1024))
    shards: int = _option(
        0,
        "parts of a batch computed side by side; 0 = one per CPU core up to 4, or 1 on a GPU, decided when the run is "
        "made",
        Range(0, 64),
    )
    optimizer: str = _option("adam", "optimiser", OPTIMIZERS)
    learning_rate: float = _option(1.5e-3, "peak learning rate", Range(0.0, 100.0))
    adam_beta2: float = _option(0.999, "decay of Adam's second moment", Range(0.5, 0.99999))
    schedule: str = _option("cosine", "learning rate after the warm-up; cosine ends at zero", SCHEDULES)
    warmup_updates: int = _option(200, "updates over which the learning rate rises from zero", NOT_NEGATIVE)
    plateau_factor: float = _option(0.5, "schedule=plateau: multiply by this when the metric stalls", Range(0.01, 0.99))
    plateau_patience: int = _option(1, "schedule=plateau: validations without a better metric before that", POSITIVE)
    weight_decay: float = _option(0.0, "decoupled weight decay (adamw)", Range(0.0, 1.0))
    clip_norm: float = _option(1.0, "bound on the global gradient norm; 0 = no clipping", Range(0.0, 1e9))
    label_smoothing: float = _option(0.1, "share of probability spread over the vocabulary", SHARE)
    precision: str = _option(
        "auto",
        "of matrix products; states and sums stay float32. auto = bfloat16 where the machine has instructions for it, "
        "decided when the run is made",
        PRECISIONS,
    )
    validate_every: int = _option(0, "updates between validations; 0 = after each epoch", NOT_NEGATIVE)
    checkpoint_every: int = _option(500, "updates between checkpoints to resume from", POSITIVE)
    keep_checkpoints: int = _option(2, "latest checkpoints kept", POSITIVE)
    metric: str = _option("bleu", "metric on the valid set that decides which checkpoint is best", METRICS)
    patience: int = _option(
        10, "validations without a better metric before stopping; 0 = never stop early", NOT_NEGATIVE
    )
    average_best: int = _option(5, "best checkpoints kept and averaged into the final model", Range(1, 100))
    log_every: int = _option(50, "updates between lines of metrics.jsonl", POSITIVE)


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """Defaults of the search; programs and the SavedModel can override them per call."""

    beam_size: int = _option(5, "hypotheses kept per sentence; 1 = greedy", Range(1, 64))
    length_penalty: float = _option(
        1.0, "exponent of ((5 + length) / 6) (Wu 2016); larger prefers longer", Range(0.0, 10.0)
    )
    n_best: int = _option(1, "translations returned per sentence, at most beam_size", Range(1, 64))
    max_ratio: float = _option(2.0, "longest output = max_ratio * source pieces + max_extra", Range(0.0, 100.0))
    max_extra: int = _option(10, "see max_ratio", POSITIVE)
    min_ratio: float = _option(0.0, "shortest output = min_ratio * source pieces", Range(0.0, 100.0))
    max_source_pieces: int = _option(1024, "longer input lines are cut there, with a warning", POSITIVE)
    batch_tokens: int = _option(2048, "upper bound of padded source pieces translated at once", POSITIVE)


@dataclasses.dataclass(frozen=True)
class Config:
    """All options of a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    search: SearchConfig = SearchConfig()


SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "model": ModelConfig,
    "train": TrainConfig,
    "search": SearchConfig,
}


class Leaf(NamedTuple):
    """One option: its dotted name, type, default, help and what is allowed."""

    name: str
    type: type
    default: Any
    help: str
    allowed: Range | tuple[str, ...]


class Resolved(NamedTuple):
    """A configuration and, for each value that is not the default, where it came from."""

    config: Config
    sources: dict[str, str]  # dotted name -> "configs/x.yaml:12" or "flag"


def leaves() -> list[Leaf]:
    """Returns every option in the order of declaration; `train.batch_tokens` is one."""
    found = []
    for section, kind in SECTIONS.items():
        types = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            found.append(
                Leaf(
                    name=f"{section}.{field.name}",
                    type=types[field.name],
                    default=field.default,
                    help=field.metadata["help"],
                    allowed=field.metadata["allowed"],
                )
            )
    return found


def check(leaf: Leaf, value: Any, where: str) -> Any:
    """Returns `value` as the leaf's type, or raises InputError that starts with `where`."""
    if leaf.type is float and isinstance(value, int | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):  # YAML 1.1 reads 1e-3 as a string
            value = float(value)
    if not isinstance(value, leaf.type) or (leaf.type is not bool and isinstance(value, bool)):
        shown = f"{type(value).__name__} {value!r}"
        raise InputError(f"{where}: {leaf.name} must be of type {leaf.type.__name__}, got {shown}")
    if isinstance(leaf.allowed, Range):
        if isinstance(value, int | float) and not leaf.allowed.low <= value <= leaf.allowed.high:
            low, high = leaf.allowed
            raise InputError(f"{where}: {leaf.name} must lie in [{low:g}, {high:g}], got {value!r}")
    elif value not in leaf.allowed:
        raise InputError(f"{where}: {leaf.name} must be one of {', '.join(leaf.allowed)}, got {value!r}")
    return value


def load(path: str | os.PathLike[str] | None, overrides: Mapping[str, Any] | None = None) -> Resolved:
    """Reads a YAML file, applies overrides (dotted name -> value, from flags) and checks every value.

    Raises:
      InputError: unknown key (with the nearest known names), wrong type, value out of range, contradiction; the
        message names file and line, or the flag.
    """
    known = {leaf.name: leaf for leaf in leaves()}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    if path is not None:
        for name, value, line in _read_yaml(os.fspath(path)):
            where = f"{os.fspath(path)}:{line}"
            if name not in known:
                raise InputError(f"{where}: unknown key {name!r}{nearest(name, known)}")
            values[name] = check(known[name], value, where)
            if values[name] != known[name].default:
                sources[name] = where
    for name, value in (overrides or {}).items():
        if name not in known:
            raise InputError(f"--{name}: unknown option{nearest(name, known)}")
        values[name] = check(known[name], value, f"--{name}")
        sources[name] = "flag"
    config = _assemble(values)
    _check_together(config)
    return Resolved(config, sources)


def _assemble(values: Mapping[str, Any]) -> Config:
    sections = {
        section: kind(**{n.split(".", 1)[1]: v for n, v in values.items() if n.startswith(section + ".")})
        for section, kind in SECTIONS.items()
    }
    return Config(**sections)


def _check_together(config: Config) -> None:
    """Raises InputError for values that are fine alone but contradict each other."""
    model, data, search = config.model, config.data, config.search
    if model.tie == "all" and not data.joint_vocab:
        raise InputError("model.tie=all needs data.joint_vocab=true; use model.tie=target with two vocabularies")
    if model.tie != "none" and model.output_units != model.embedding_units:
        raise InputError(
            f"model.tie={model.tie} needs model.output_units equal to model.embedding_units, "
            f"got {model.output_units} and {model.embedding_units}"
        )
    if config.train.weight_decay and config.train.optimizer != "adamw":
        raise InputError(f"train.weight_decay needs train.optimizer=adamw, got {config.train.optimizer}")
    if search.n_best > search.beam_size:
        raise InputError(f"search.n_best={search.n_best} is larger than search.beam_size={search.beam_size}")


def _read_yaml(path: str) -> list[tuple[str, Any, int]]:
    """Returns (dotted name, value, line) for each entry of a two-level YAML file."""
    try:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(f"{where}: not valid YAML: {_one_line(getattr(error, 'problem', error))}") from None
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}:1: must be a mapping of sections {', '.join(SECTIONS)}")
    found: list[tuple[str, Any, int]] = []
    lines: dict[str, int] = {}
    for section_key, section_node in root.value:
        section, line = _key(section_key, path), section_key.start_mark.line + 1
        if section not in SECTIONS:
            raise InputError(f"{path}:{line}: unknown section {section!r}{nearest(section, SECTIONS)}")
        if not isinstance(section_node, yaml.MappingNode):
            raise InputError(f"{path}:{line}: section {section!r} must hold key: value lines")
        for key, node in section_node.value:
            name, line = f"{section}.{_key(key, path)}", key.start_mark.line + 1
            if name in lines:
                raise InputError(f"{path}:{line}: {name} stands twice, first in line {lines[name]}")
            lines[name] = line
            found.append((name, _value(node, f"{path}:{line}", name), line))
    return found


def _key(node: yaml.Node, path: str) -> str:
    """Returns the text of a key; YAML also knows lists and mappings as keys."""
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{path}:{node.start_mark.line + 1}: a key must be a word")
    return str(node.value)


def _value(node: yaml.Node, where: str, name: str) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:  # an unknown !tag, a date like 2001-99-99, 5000 digits
        problem = _one_line(getattr(error, "problem", error))
        raise InputError(f"{where}: {name}: not a valid value: {problem}") from None


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def flatten(config: Config) -> dict[str, Any]:
    """Returns dotted name -> value."""
    return {leaf.name: getattr(getattr(config, leaf.name.split(".")[0]), leaf.name.split(".")[1]) for leaf in leaves()}


def to_yaml(config: Config) -> str:
    """Returns the YAML text that `load` reads back into an equal configuration."""
    return yaml.safe_dump(dataclasses.asdict(config), sort_keys=False, allow_unicode=True)


def describe(resolved: Resolved, names: Sequence[str] | None = None) -> str:
    """Returns one line per changed value (or per given name) with its origin, for people to read."""
    values = flatten(resolved.config)
    shown = [n for n in values if n in resolved.sources] if names is None else names
    width = max((len(n) for n in shown), default=0)
    return "\n".join(f"  {n:<{width}} = {values[n]!s:<24} ({resolved.sources.get(n, 'default')})" for n in shown)
