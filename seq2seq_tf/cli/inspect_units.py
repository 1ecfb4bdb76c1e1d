"""seq2seq-inspect units: colours text by hidden units, and finds units that follow a property of the text."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from absl import flags

from seq2seq_tf.cli import program, run_folder
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path
from seq2seq_tf.cli.inspect_files import (
    PAGE_ENDINGS,
    PICTURE_ENDINGS,
    ability_of_run,
    check_ending,
    module_of,
    numbered,
    warnings_as_lines,
    write_all,
)
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json
from seq2seq_tf.inspection.abilities import Asked, ShowsUnits

if TYPE_CHECKING:
    from seq2seq_tf.inspection.readings import Reading
    from seq2seq_tf.inspection.unit_search import UnitSearch

FLAGS = flags.FLAGS
_DRAWN = 2000  # tokens per picture


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("model_dir", None, "run folder of a language model or translator")
    define_path(
        "text",
        None,
        "file to read, or folder of files for a language model; on training text, scores are too good "
        "[default: the run's test text, or else its held-out text]",
    )
    define_path("target", None, "translations of --text, line by line, for a translator [default: its own]")
    define_path("out", "units.html", "page to write")
    define_path("png", None, "also draw the text coloured by each of --units, or by the best of each property")
    define_output("json", None, "also write all scores to this file")
    flags.DEFINE_list("units", [], "inspect only these units, such as layer_0/h/17,layer_0/c/3")
    flags.DEFINE_enum(
        "property_kind", None, ["python", "text"], "set of properties to look for [default: python for .py files]"
    )
    flags.DEFINE_multi_string(
        "pattern", [], "regular expression whose matches are a property; may be given several times"
    )
    define_integer("characters", 20_000, "characters to read, at most", 100, 1_000_000)
    define_integer("shown", 6000, "characters or pieces of the coloured text to show, at most", 1, 1_000_000)
    define_integer("top", 5, "units listed per property", 1, 65_536)


def main() -> int:
    """Searches, prints the best units and writes the page."""
    check_ending("out", FLAGS.out, PAGE_ENDINGS)
    check_ending("png", FLAGS.png, PICTURE_ENDINGS)
    _check_patterns()
    kind = ability_of_run("units", "units")
    task: ShowsUnits = module_of(kind)
    if FLAGS.target and not task.READS_PAIRS:
        raise InputError(f"--target does not apply to a run of {kind.task}")
    program.import_tensorflow()
    from seq2seq_tf.inspection.page import page_html
    from seq2seq_tf.inspection.unit_search import as_json, overview, search_units, sections

    with warnings_as_lines():
        loaded = run_folder.say_weights(task.load(FLAGS.model_dir))
        asked = Asked(FLAGS.model_dir, FLAGS.text, FLAGS.target)
        readings, known = task.read(loaded, asked, FLAGS.characters)
    searches, parts = [], []
    for reading, units in _with_units(readings):
        search = search_units(reading, FLAGS.property_kind or known, FLAGS.pattern, top=FLAGS.top, units=units)
        searches.append(search)
        parts += sections(search, shown=FLAGS.shown, chosen=units)
        print(f"{reading.side}: {len(reading.tokens):,} tokens, {len(search.reading.names):,} units")
        print(format_table(*overview(search)) + "\n")
        for name in search.rankings.skipped:
            print(f"{name}: left out, as it is constant in one half of the text", file=sys.stderr)
    files = {FLAGS.out: page_html(f"Units of {FLAGS.model_dir}", parts).encode()}
    if FLAGS.json:
        files[FLAGS.json] = (to_json([as_json(search) for search in searches], indent=2) + "\n").encode()
    if FLAGS.png:
        files |= _draw(searches)
    write_all(files)
    return 0


def _check_patterns() -> None:
    from seq2seq_tf.inspection.properties import matches

    for pattern in FLAGS.pattern:
        matches("", pattern)


def _with_units(readings: list[Reading]) -> list[tuple[Reading, list[str]]]:
    """Returns the readings that have units of --units, with these units; without the flag, all readings."""
    if not FLAGS.units:
        return [(reading, []) for reading in readings]
    from seq2seq_tf.inspection.unit_search import check_units

    check_units(readings, FLAGS.units)
    found = [(reading, [unit for unit in FLAGS.units if unit in set(reading.names)]) for reading in readings]
    return [(reading, units) for reading, units in found if units]


def _draw(searches: list[UnitSearch]) -> dict[str, bytes]:
    """Returns path -> PNG."""
    from seq2seq_tf.inspection.coloured_text import coloured_text_png
    from seq2seq_tf.inspection.unit_search import best_units, picture_values

    wanted = []
    for search in searches:
        chosen = {unit: unit for unit in search.reading.names} if FLAGS.units else best_units(search)
        wanted += [(search.reading, name, unit) for name, unit in chosen.items()]
    names = [f"{reading.side}_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}" for reading, name, _ in wanted]
    paths = numbered(FLAGS.png, names)
    pngs = []
    for reading, name, unit in wanted:
        tokens, values = picture_values(reading, unit, _DRAWN)
        pngs.append(coloured_text_png(tokens, values, unit if name == unit else f"{unit} ({name})"))
    return dict(zip(paths, pngs, strict=True))
