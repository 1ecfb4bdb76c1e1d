"""seq2seq-inspect gradients: how gradients flow back over the steps of a trained run, of untrained cells, of a toy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from seq2seq_tf.cli import program, run_folder
from seq2seq_tf.cli.flag_types import define_float, define_integer, define_output, define_path
from seq2seq_tf.cli.inspect_files import (
    PAGE_ENDINGS,
    PICTURE_ENDINGS,
    ability_of_run,
    check_ending,
    kinds_that_show,
    module_of,
    numbered,
    warnings_as_lines,
    write_all,
)
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.config.common import CELLS
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json
from seq2seq_tf.inspection.abilities import Asked, ComparesCells, ShowsGradients, Sizes

if TYPE_CHECKING:
    from seq2seq_tf.inspection.cell_traces import Recordable
    from seq2seq_tf.inspection.gradient_page import Measured
    from seq2seq_tf.inspection.gradients import Flow
    from seq2seq_tf.training.run_dir import RunDir

FLAGS = flags.FLAGS
_MAX_STEPS, _MAX_STATES = 2**20, 2**27


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("model_dir", None, "run folder of a language model, translator or forecaster")
    define_path("text", None, "file or folder to read [default: held-out text, or series, of the run]")
    define_path("target", None, "translations of --text, line by line, for a translator [default: its own]")
    define_path("out", "gradients.html", "page to write")
    define_path("png", None, "also write each picture; STEM.png gives the files STEM_NAME.png")
    define_output("json", None, "also write all curves to this file")
    flags.DEFINE_enum("compare", None, ["cells"], "cells: rnn, gru and lstm of the same size with initial weights")
    define_integer("hidden", 128, "with --compare and no run: state size H of each layer", 1, 4096)
    define_integer("depth", 1, "with --compare and no run: number of layers", 1, 16)
    define_float(
        "recurrent_scale", 1.0, "with --compare: factor for the initially orthogonal recurrent kernels", -1e3, 1e3
    )
    define_integer("seed", 1, "seed of the random directions and, with --compare, of the weights", 0)
    define_integer("sequences", 16, "sequences in the batch", 1, 4096)
    define_integer("steps", 60, "steps of each sequence, at most", 2, 10_000)
    define_integer("directions", 4, "random directions per sequence for the Jacobian", 1, 4096)
    flags.DEFINE_bool("toy", False, "instead: h_t = tanh(2 x_t + 3 h_(t-1) + 1) with scalars, factor by factor")
    flags.DEFINE_list("x", ["0.5", "-1", "0.25"], "with --toy: the inputs x_1,x_2,...")


def main() -> int:
    """Measures, prints a table and writes a page, or prints the toy."""
    if FLAGS.toy:
        return _toy()
    if not FLAGS.model_dir and not FLAGS.compare:
        raise InputError("--model_dir must name the run folder, or give --compare=cells or --toy")
    _check_size()
    check_ending("out", FLAGS.out, PAGE_ENDINGS)
    check_ending("png", FLAGS.png, PICTURE_ENDINGS)
    task = _task()
    program.import_tensorflow()
    from seq2seq_tf.inspection.gradient_page import as_json, pictures, rows, sections
    from seq2seq_tf.inspection.page import page_html

    with warnings_as_lines():
        measured = _compare(task) if FLAGS.compare else _trained(task)
    print(format_table(*rows(measured.flows)))
    files = {FLAGS.out: page_html(f"Gradients of {FLAGS.model_dir or 'untrained cells'}", sections(measured)).encode()}
    if FLAGS.json:
        files[FLAGS.json] = (to_json(as_json(measured)) + "\n").encode()
    if FLAGS.png:
        drawn = pictures(measured)
        files |= dict(zip(numbered(FLAGS.png, list(drawn)), drawn.values(), strict=True))
    write_all(files)
    return 0


def _task() -> Any:
    """Returns the inspection module of the run's task or, without a run, of the first task that compares cells."""
    ability = "cells" if FLAGS.compare else "gradients"
    if FLAGS.model_dir:
        return module_of(ability_of_run(ability, "these gradients"))
    kinds = kinds_that_show(ability)
    if not kinds:
        raise InputError(f"--compare={FLAGS.compare}: no task of this package compares {ability}")
    return module_of(kinds[0])


def _check_size() -> None:
    """Raises InputError if sizes multiply to more than fits in memory: states and gradients of all steps are kept."""
    steps, directions = FLAGS.sequences * FLAGS.steps, FLAGS.directions
    if steps * directions > _MAX_STEPS:
        raise InputError(
            f"--sequences={FLAGS.sequences} times --steps={FLAGS.steps} times --directions={directions} are more than "
            f"{_MAX_STEPS:,} steps"
        )
    if not FLAGS.model_dir and steps * FLAGS.hidden * FLAGS.depth > _MAX_STATES:
        raise InputError(
            f"--hidden={FLAGS.hidden} times --depth={FLAGS.depth} times {steps:,} steps are more than {_MAX_STATES:,} "
            "numbers"
        )


def _options() -> dict[str, Any]:
    return {"directions": FLAGS.directions, "seed": FLAGS.seed}


def _asked() -> tuple[Asked, Sizes]:
    return Asked(FLAGS.model_dir, FLAGS.text, FLAGS.target), Sizes(FLAGS.sequences, FLAGS.steps)


def _trained(task: ShowsGradients) -> Measured:
    """Measures a run with its trained weights and with its initial weights."""
    import keras

    from seq2seq_tf.inspection.cell_traces import copy_weights
    from seq2seq_tf.inspection.gradient_page import Measured, Updates
    from seq2seq_tf.inspection.gradients import gradient_flow
    from seq2seq_tf.training.run_dir import RunDir

    loaded = run_folder.say_weights(task.load(FLAGS.model_dir))
    batch, config = task.gradient_batch(loaded, *_asked()), loaded.config
    keras.utils.set_random_seed(config.train.seed)
    twin = task.reference_copy(loaded.model)  # the initial weights of the run: same seed, same order
    untrained = gradient_flow(twin, batch, **_options())
    copy_weights(loaded.model, twin.model)
    flows = {"trained": gradient_flow(twin, batch, **_options()), "untrained": untrained}
    what = f"{FLAGS.model_dir}, cell {config.model.cell}; {_about_batch(twin, batch)} {_about_jacobian(flows)}"
    return Measured(flows, what, Updates(*_gradient_norms(RunDir(FLAGS.model_dir)), config.train.clip_norm))


def _compare(task: ComparesCells) -> Measured:
    """Measures the three cells at the same size with initial weights."""
    import keras

    from seq2seq_tf.inspection.gradient_page import Measured
    from seq2seq_tf.inspection.gradients import gradient_flow

    if FLAGS.model_dir:
        chosen = task.sizes_of_run(run_folder.say_weights(task.load(FLAGS.model_dir)), *_asked())
    else:
        chosen = task.sizes_given(*_asked(), units=FLAGS.hidden, layers=FLAGS.depth, seed=FLAGS.seed)
    flows, counts, about = {}, [], ""
    for kind in sorted(CELLS, key=("rnn", "gru", "lstm").index):
        keras.utils.set_random_seed(FLAGS.seed)
        fresh = chosen.fresh(kind)
        for _, cell, _ in fresh.cells:
            cell.recurrent_kernel.assign(cell.recurrent_kernel * FLAGS.recurrent_scale)
        flows[kind] = gradient_flow(fresh, chosen.batch, **_options())
        counts.append(f"{kind} {sum(math.prod(v.shape) for n in fresh.cells for v in n.cell.trainable_variables):,}")
        about = _about_batch(fresh, chosen.batch)
    layers = f"{chosen.layers} layer{'s' * (chosen.layers > 1)}"
    scaled = "" if FLAGS.recurrent_scale == 1 else f", times {FLAGS.recurrent_scale:g}"
    what = (
        f"Initial weights, {layers} of {chosen.units} units (recurrent parameters: {', '.join(counts)}). "
        f"The recurrent kernels are orthogonal{scaled}; the forget gates of the LSTM have an initial bias of "
        f"{chosen.forget_bias:g}. {about} {_about_jacobian(flows)}"
    )
    return Measured(flows, what)


def _about_batch(model: Recordable, batch: Any) -> str:
    return f"{model.describe(batch)}; in float32, without dropout or label smoothing."


def _about_jacobian(flows: Mapping[str, Flow]) -> str:
    if all(flow.exact for flow in flows.values()):
        return "The norms of the Jacobians are exact."
    return f"The norms of the Jacobians are estimates from {FLAGS.directions} random directions for each sequence."


def _gradient_norms(run: RunDir) -> tuple[list[int], list[float]]:
    """Returns the updates and gradient norms in metrics.jsonl; none if the file is missing."""
    from seq2seq_tf.training.history import History

    lines = History(run.metrics, run.tensorboard).records()
    found = [(line["update"], norm) for line in lines if isinstance(norm := line.get("gradient_norm"), (int, float))]
    return [update for update, _ in found], [norm for _, norm in found]


def _toy() -> int:
    try:
        inputs = [float(x) for x in FLAGS.x]
    except ValueError:
        raise InputError(f"--x must be numbers separated by commas, got {','.join(FLAGS.x)!r}") from None
    if len(inputs) < 2 or not np.isfinite(inputs).all():
        raise InputError(f"--x must be two or more finite numbers, got {','.join(FLAGS.x)!r}")
    program.import_tensorflow()
    from seq2seq_tf.inspection.toy_recurrence import run_toy

    toy = run_toy(inputs)
    rows = [
        (str(t), f"{s.x:g}", f"{s.h:.6f}", f"{s.factor:.6g}" if t > 1 else "") for t, s in enumerate(toy.steps, start=1)
    ]
    print("h_t = tanh(2 x_t + 3 h_(t-1) + 1), h_0 = 0;  dh_t/dh_(t-1) = 3 (1 - h_t^2)\n")
    print(format_table(["t", "x_t", "h_t", "dh_t/dh_(t-1)"], rows))
    factors = " * ".join(f"{step.factor:.6g}" for step in toy.steps[1:])
    print(f"\ndh_{len(rows)}/dh_1 = {factors} = {toy.product:.6g}")
    print(f"by automatic differentiation of the vanilla cell: {toy.automatic:.6g}")
    return 0
