"""Forecasts series of numbers: seq2seq-forecast train|predict|evaluate|draw --model_dir=runs/NAME ...

train     trains like seq2seq-train, with a configuration of `task: forecasting`
predict   prints means and intervals of the steps after the last row of a CSV file
evaluate  compares the run with naive, seasonal naive and autoregressive forecasts from many origins
draw      draws a forecast with its intervals beside what came
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, training
from seq2seq_tf.cli.flag_types import define_integer, define_option, define_output, define_path
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.config.loading import leaves
from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.files import to_json, write_bytes, write_text
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig

if TYPE_CHECKING:
    import numpy as np

    from seq2seq_tf.inspection.forecast_plot import Shown
    from seq2seq_tf.tasks.forecasting.evaluation import Evaluation
    from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
    from seq2seq_tf.tasks.forecasting.outcomes import Forecasts
    from seq2seq_tf.tasks.forecasting.series_file import Table

FLAGS = flags.FLAGS
_SECTION = "forecast."
_MAX_PANELS = 12
_INNER = 0.5  # probability of the darker band in a picture


def _train() -> int:
    return training.train(ForecastingConfig, _prepare)


def _prepare(run: Any, config: ForecastingConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.forecasting.task import prepare

    return prepare(run, config, say)


def _options() -> dict[str, Any]:
    """Returns the options of a forecast by name: `level`, `feed`, ..."""
    return {leaf.key: leaf for leaf in leaves(ForecastingConfig) if leaf.name.startswith(_SECTION)}


def _given() -> dict[str, Any]:
    return {name: FLAGS[name].value for name in _options() if FLAGS[name].present}


def _common_flags(data: str) -> None:
    define_path("model_dir", None, "run folder")
    define_path("data", None, data)
    define_integer("horizon", None, "steps to forecast [default: model.horizon of the run]", 1, 10_000)
    for name, leaf in _options().items():
        define_option(name, leaf, f"forecast.{name} of the run")


def _load() -> Forecaster:
    folder = run_folder.model_dir(ForecastingConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.forecasting.forecaster import Forecaster

    loaded = Forecaster.load(folder)
    loaded.options(**_given())  # reports a mistake before the work
    return run_folder.say_weights(loaded)


def _table(forecaster: Forecaster, path: str | None) -> Table:
    """Returns the rows of a file, by default of the run's own."""
    from seq2seq_tf.tasks.forecasting.series_file import read_table

    data = forecaster.config.data
    return read_table(path or data.series, forecaster.names, data.time)


def _rolling(forecaster: Forecaster, table: Table, origin: int, horizon: int) -> Forecasts:
    import numpy as np

    from seq2seq_tf.tasks.forecasting.evaluation import rolling

    return rolling(forecaster, table, np.array([origin]), horizon, **_given())


def _predict_flags() -> None:
    _common_flags("CSV file with the history, up to its last row [default: data.series of the run]")


def predict() -> int:
    """Prints a CSV file: for each step, mean and ends of the interval of each variable."""
    forecaster = _load()
    table, horizon = _table(forecaster, FLAGS.data), forecaster.horizon(FLAGS.horizon)
    found = _rolling(forecaster, table, len(table.values), horizon)
    lower, upper = found.interval(forecaster.options(**_given()).level)
    title, places = _places_ahead(table, horizon, forecaster.config.data.time)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([title, *(f"{name}{end}" for name in forecaster.names for end in ("", "_lower", "_upper"))])
    for k, place in enumerate(places):
        ends = zip(found.mean[0, k], lower[0, k], upper[0, k], strict=True)
        out.writerow([place, *(f"{number:.8g}" for three in ends for number in three)])
    return 0


def _places_ahead(table: Table, horizon: int, time_name: str) -> tuple[str, list[str]]:
    """Returns a heading and the dates of the steps after a file, or their numbers if the dates are not known."""
    from seq2seq_tf.tasks.forecasting.time_axis import shown

    ahead = _places(table, horizon)[-horizon:]
    return (time_name, shown(ahead)) if ahead.dtype.kind == "M" else ("step", [str(k + 1) for k in range(horizon)])


def _evaluate_flags() -> None:
    _common_flags("CSV file of the variables of the run, all of whose rows are forecast [default: its test rows]")
    define_integer("stride", 1, "rows from one origin to the next", 1, 1_000_000)
    define_integer("lags", 0, "lags of the autoregression; 0 = those with the lowest Akaike criterion", 0, 10_000)
    define_integer("max_lags", 36, "with --lags=0: the most lags to try", 1, 10_000)
    flags.DEFINE_bool("by_step", False, "also print the errors of each step ahead")
    define_output("json", None, "also write the results to this file")


def evaluate() -> int:
    """Prints a table of scores, a row for each method."""
    forecaster = _load()
    from seq2seq_tf.tasks.forecasting.evaluation import Asked
    from seq2seq_tf.tasks.forecasting.evaluation import evaluate as evaluated
    from seq2seq_tf.tasks.forecasting.series_file import split_rows
    from seq2seq_tf.training.prepared import check_prepared
    from seq2seq_tf.training.run_dir import RunDir

    data, level = forecaster.config.data, forecaster.options(**_given()).level
    own = _table(forecaster, None)
    check_prepared(RunDir(FLAGS.model_dir), {"data.series": [data.series]}, ["data.series"], print)
    split = split_rows(len(own.values), data)
    if not FLAGS.data and split.test == split.rows:
        raise InputError("the run has no test rows (data.test_share=0); give --data")
    asked = Asked(
        own.values[: split.test],
        _table(forecaster, FLAGS.data) if FLAGS.data else own,
        0 if FLAGS.data else split.test,
        forecaster.horizon(FLAGS.horizon),
        FLAGS.stride,
        level,
        data.season,
        FLAGS.lags,
        FLAGS.max_lags,
    )
    begin = time.perf_counter()
    found = evaluated(forecaster, asked, **{name: value for name, value in _given().items() if name != "level"})
    seconds = time.perf_counter() - begin
    print(
        f"{len(found.origins):,} origins in {asked.table.path}, {asked.horizon:,} steps ahead, in {seconds:.1f} s; "
        f"{forecaster.weights}"
    )
    _print_scores(found, asked.level, data.season, forecaster)
    if FLAGS.json:
        about = {"model_dir": FLAGS.model_dir, "weights": str(forecaster.weights), "data": asked.table.path}
        sizes = {"origins": found.origins.tolist(), "horizon": asked.horizon, "season": data.season, "level": level}
        methods = {name: scores._asdict() for name, scores in found.scores.items()}
        write_text(FLAGS.json, to_json({**about, **sizes, "lags": found.lags, "methods": methods}, indent=2) + "\n")
    return 0


def _print_scores(found: Evaluation, level: float, season: int, forecaster: Forecaster) -> None:
    rows = [[name, f"{s.mase:.3f}", f"{s.crps:.3f}", f"{100 * s.coverage:.1f} %"] for name, s in found.scores.items()]
    print("\n" + format_table(["method", "MASE", "CRPS", f"in the {100 * level:g} % interval"], rows))
    unit = f"the {'seasonal ' * (season > 1)}naive forecast of {season} step{'s' * (season > 1)}"
    print(f"\nMASE: absolute error divided by that of {unit} in the rows before the test; CRPS in the same unit.")
    print(f"Autoregression: {', '.join(map(str, found.lags))} lags")
    names = list(found.scores)
    if len(forecaster.names) > 1:
        by = [
            [n, *(f"{found.scores[m].mase_by_variable[v]:.3f}" for m in names)] for v, n in enumerate(forecaster.names)
        ]
        print("\n" + format_table(["MASE of", *names], by))
    if FLAGS.by_step:
        steps = zip(*(found.scores[m].mase_by_step for m in names), strict=True)
        by = [[str(k), *(f"{error:.3f}" for error in errors)] for k, errors in enumerate(steps, start=1)]
        print("\n" + format_table(["step ahead", *names], by))


def _draw_flags() -> None:
    _common_flags("CSV file of the variables of the run [default: data.series of the run]")
    define_integer("origin", None, "rows seen before the forecast [default: all but the last `horizon`]", 1)
    define_integer("history", 100, "rows drawn before the forecast", 1, 1_000_000)
    flags.DEFINE_list("columns", [], "names of the variables to draw, separated by commas [default: all]")
    define_output("out", "forecast.png", "PNG file to write")


def draw() -> int:
    """Writes a picture with a panel for each variable."""
    check_output(FLAGS.out)  # the default is not checked at the start
    forecaster = _load()
    chosen = FLAGS.columns or list(forecaster.names)
    for name in chosen:
        if name not in forecaster.names:
            raise InputError(f"--columns: no variable {name!r}{nearest(name, forecaster.names)}")
    if len(chosen) > _MAX_PANELS:
        raise InputError(f"--columns: {len(chosen)} variables are too many for a picture; at most {_MAX_PANELS}")
    table, horizon = _table(forecaster, FLAGS.data), forecaster.horizon(FLAGS.horizon)
    rows = len(table.values)
    origin = max(1, rows - horizon) if FLAGS.origin is None else FLAGS.origin
    if origin > rows:
        raise InputError(f"--origin={origin}: {table.path} has {rows:,} rows")
    from seq2seq_tf.inspection.forecast_plot import forecast_png

    found, level = _rolling(forecaster, table, origin, horizon), forecaster.options(**_given()).level
    panels = [_shown(table, found, origin, level, forecaster.names.index(name)) for name in chosen]
    write_bytes(FLAGS.out, forecast_png(panels, f"forecast after row {origin:,} of {table.path}"))
    print(f"{FLAGS.out}: {horizon:,} steps after row {origin:,} of {rows:,}")
    return 0


def _shown(table: Table, found: Forecasts, origin: int, level: float, variable: int) -> Shown:
    """Returns what is drawn of one variable."""
    from seq2seq_tf.inspection.forecast_plot import Shown

    horizon = found.mean.shape[1]
    begin, end = max(0, origin - FLAGS.history), min(len(table.values), origin + horizon)
    places = _places(table, horizon)
    bands = []
    for share in sorted({level, min(level, _INNER)}, reverse=True):
        lower, upper = found.interval(share)
        bands.append((share, lower[0, :, variable], upper[0, :, variable]))
    return Shown(
        table.names[variable],
        places[begin:end],
        table.values[begin:end, variable],
        places[origin : origin + horizon],
        found.mean[0, :, variable],
        bands,
    )


def _places(table: Table, horizon: int) -> np.ndarray:
    """Returns the dates of the rows and of the steps after them; their numbers if the dates are not known."""
    import numpy as np

    from seq2seq_tf.tasks.forecasting.time_axis import extended, spacing_of

    if table.dates is None or spacing_of(table.dates) is None:
        return np.arange(1, len(table.values) + horizon + 1)
    return extended(table.dates, horizon, table.path)


COMMANDS = {
    "train": program.Command(
        "trains on the series of a CSV file, or resumes a run that was stopped",
        lambda: training.define_flags(ForecastingConfig),
        _train,
        """
        seq2seq-data write-series --name=sunspots --out=data/sunspots.csv
        seq2seq-forecast train --config=configs/forecast_sunspots.yaml --model_dir=runs/sunspots
        """,
    ),
    "predict": program.Command(
        "prints means and intervals of the steps after a series",
        _predict_flags,
        predict,
        """
        seq2seq-forecast predict --model_dir=runs/sunspots --horizon=5 --level=0.8
        """,
        is_filter=True,
    ),
    "evaluate": program.Command(
        "compares a run with simple forecasts from many origins",
        _evaluate_flags,
        evaluate,
        """
        seq2seq-forecast evaluate --model_dir=runs/sunspots --by_step --json=scores.json
        """,
    ),
    "draw": program.Command(
        "draws a forecast with its intervals",
        _draw_flags,
        draw,
        """
        seq2seq-forecast draw --model_dir=runs/sunspots --origin=280 --out=forecast.png
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
