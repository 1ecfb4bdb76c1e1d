"""Options of forecasting: series of numbers from a CSV file, a recurrent network, Gaussian or quantile output."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from seq2seq_tf.config.common import (
    CHANGEABLE,
    EPOCHS,
    PATH,
    SHARE,
    UNITS,
    UPDATES_OR_NONE,
    NetworkConfig,
    Range,
    TaskConfig,
    TrainConfig,
    option,
    with_default,
)
from seq2seq_tf.errors import InputError, nearest

CYCLES = ("day", "week", "year")
STEPS = Range(1, 100_000)


@dataclasses.dataclass(frozen=True)
class SeriesConfig:
    """The CSV file, and which of its rows are held out."""

    series: str = option(
        "", "CSV file with a header: a column per variable, a row per step, the oldest first; may be .gz", PATH
    )
    columns: str = option(
        "", "names of the columns to read and forecast, separated by commas; empty = all but that of the dates"
    )
    time: str = option("time", "name of the column with the dates (ISO 8601), if the file has one")
    valid_share: float = option(
        0.15, "share of the rows held out to choose the best checkpoint: those before the test rows", Range(0.0, 0.5)
    )
    test_share: float = option(0.2, "share of the rows held out for the final score: the last ones", Range(0.0, 0.5))
    window: int = option(
        48,
        "steps read before a forecast (model.predicts=horizon), or read per batch, with the state carried over to the "
        "next (model.predicts=step: truncated back-propagation through time)",
        STEPS,
    )
    season: int = option(
        1, "steps of a season, for the seasonal naive forecast and the scale of its errors; 1 = no season", STEPS
    )


@dataclasses.dataclass(frozen=True)
class ForecastModelConfig(NetworkConfig):
    """Sizes and regularisation. The series are short and the networks small."""

    predicts: str = option(
        "horizon",
        "horizon: reads a window, then predicts the next `horizon` steps at once (many to one); step: predicts the "
        "next value after every step (many to many), and its predictions are fed back to go further",
        ("horizon", "step"),
    )
    horizon: int = option(12, "steps predicted: at once, or by default with predicts=step", Range(1, 10_000))
    distribution: str = option(
        "gaussian",
        "predicted of each number: mean and log-variance, or quantiles (trained by the pinball loss)",
        ("gaussian", "quantile"),
    )
    quantiles: str = option(
        "0.05,0.1,0.25,0.5,0.75,0.9,0.95", "distribution=quantile: the levels, ascending, separated by commas"
    )
    difference: int = option(
        0,
        "n > 0: the network reads and predicts changes against n steps earlier (1, or the steps of a season), which "
        "lets a forecast follow a trend; 0 = the values themselves",
        Range(0, 100_000),
    )
    calendar: str = option(
        "", f"cycles of the date read beside the values, separated by commas: {', '.join(CYCLES)}; empty = none"
    )
    layers: int = option(1, "depth", Range(1, 16))
    units: int = option(48, "state size of each layer", UNITS)
    embedding_units: int = option(24, "size of the vector into which the numbers of a step are projected", UNITS)
    embedding_scale: float = option(
        0.5, "standard deviation of the initial kernel of that projection", Range(1e-6, 10.0)
    )
    word_dropout: float = option(0.0, "share of steps whose whole vector is zeroed", SHARE)
    embedding_dropout: float = option(0.0, "dropout on the vectors of the steps", SHARE)
    layer_dropout: float = option(0.1, "dropout between stacked layers", SHARE)
    output_dropout: float = option(0.1, "dropout before the last projection", SHARE)

    @property
    def cycles(self) -> tuple[str, ...]:
        """The cycles of the calendar."""
        return tuple(name.strip() for name in self.calendar.split(",")) if self.calendar.strip() else ()

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the quantiles.

        Raises:
          InputError: they are not at least two ascending numbers between 0 and 1.
        """
        wrong = f"model.quantiles must be two or more ascending numbers between 0 and 1, got {self.quantiles!r}"
        try:
            found = tuple(float(level) for level in self.quantiles.split(","))
        except ValueError:
            raise InputError(wrong) from None
        bounded = (0.0, *found, 1.0)
        if len(found) < 2 or not all(low < high for low, high in zip(bounded, bounded[1:], strict=False)):
            raise InputError(wrong)
        return found


@dataclasses.dataclass(frozen=True)
class ForecastTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_size: int = option(32, "windows per batch, or places of the series read in parallel", Range(1, 65_536))
    max_epochs: int = option(60, "passes over the training rows", EPOCHS)
    learning_rate: float = option(3e-3, "peak learning rate", Range(0.0, 100.0))
    warmup_updates: int = option(50, "updates over which the learning rate rises from zero", UPDATES_OR_NONE)
    label_smoothing: float = option(0.0, "always 0: numbers have no classes", Range(0.0, 0.0))
    precision: str = with_default(TrainConfig, "precision", "float32")


@dataclasses.dataclass(frozen=True)
class ForecastConfig:
    """Defaults of a forecast, which each call from a program or from Python can override."""

    level: float = option(0.9, "probability that a value lies in its interval", Range(0.01, 0.999))
    feed: str = option(
        "samples",
        "predicts=step: what is fed back to go further: samples (paths, from which mean and intervals are computed), "
        "or the mean (one path; the intervals are those of single steps, too narrow further ahead)",
        ("mean", "samples"),
    )
    samples: int = option(200, "feed=samples: number of paths", Range(2, 100_000))
    seed: int = option(1, "feed=samples: the same seed gives the same paths", Range(0, 2**31 - 1))


@dataclasses.dataclass(frozen=True)
class ForecastingConfig(TaskConfig):
    """All options of a forecasting run."""

    task: ClassVar[str] = "forecasting"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("series.json",)  # names and scales of the variables
    changeable: ClassVar[tuple[str, ...]] = (*CHANGEABLE, "data.season", "forecast.*")
    trained_by: ClassVar[str] = "seq2seq-forecast train"
    used_by: ClassVar[str] = "seq2seq-forecast predict, evaluate, draw or seq2seq-inspect gradients"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.forecasting.forecaster:Forecaster"
    inspected_by: ClassVar[str] = "seq2seq_tf.tasks.forecasting.inspect"
    inspects: ClassVar[tuple[str, ...]] = ("gradients",)
    has_gradient_curves: ClassVar[bool] = True

    data: SeriesConfig = SeriesConfig()
    model: ForecastModelConfig = ForecastModelConfig()
    train: ForecastTrainConfig = ForecastTrainConfig()
    forecast: ForecastConfig = ForecastConfig()

    def check(self) -> None:
        """Raises InputError for values that are valid on their own but contradict each other."""
        super().check()
        for name in self.model.cycles:
            if name not in CYCLES:
                raise InputError(
                    f"model.calendar must contain some of {', '.join(CYCLES)}, got {name!r}{nearest(name, CYCLES)}"
                )
        if len(set(self.model.cycles)) < len(self.model.cycles):
            raise InputError(f"model.calendar={self.model.calendar} contains a cycle twice")
        check_level(self.model, self.forecast.level)


def check_level(model: ForecastModelConfig, level: float) -> None:
    """Raises InputError if the ends of an interval are beyond the outermost quantiles that a network predicts."""
    if model.distribution != "quantile":
        return
    outer = model.levels
    tail = (1.0 - level) / 2.0
    if tail < outer[0] - 1e-9 or 1.0 - tail > outer[-1] + 1e-9:
        raise InputError(
            f"forecast.level={level:g} needs quantiles {tail:g} and {1.0 - tail:g}, but the outermost of "
            f"model.quantiles are {outer[0]:g} and {outer[-1]:g}"
        )
