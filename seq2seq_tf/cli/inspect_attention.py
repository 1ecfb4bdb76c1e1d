"""seq2seq-inspect attention: draws maps of what a model attends to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, search_flags
from seq2seq_tf.cli.flag_types import define_integer, define_numbers, define_option, define_path, define_paths
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
from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import ShowsAttention

FLAGS = flags.FLAGS
_ABILITY = "attention"
_DEFINE: Mapping[
    str, Callable[[str, str], object]
] = {  # kind of input -> function of name and help that defines a flag
    "lines": lambda name, text: flags.DEFINE_multi_string(name, [], text),
    "paths": define_paths,
    "numbers": lambda name, text: define_numbers(name, text, 0),
    "count": lambda name, text: define_integer(name, 0, text, 0, 1000),
    "switch": lambda name, text: flags.DEFINE_bool(name, False, text),
}


def define_flags() -> None:
    """Defines the flags of the command, for all tasks that have attention."""
    first, *others = kinds_that_show(_ABILITY)
    search_flags.define(first)
    defined = set(search_flags.search_leaves(first))
    for kind in others:
        for name, leaf in search_flags.search_leaves(kind).items():
            if name not in defined:
                define_option(name, leaf, "the run's own value", f"{kind.task}: ")
                defined.add(name)
    for kind in (first, *others):
        for each in _shown_by(kind).ATTENTION_INPUTS:
            _DEFINE[each.kind](each.name, each.help)
    define_path("out", "attention.png", "file to write: a page with all maps (.html), or a picture of each (.png)")


def main() -> int:
    """Writes the maps and prints the outputs, translations with alignments."""
    check_ending("out", FLAGS.out, (*PICTURE_ENDINGS, *PAGE_ENDINGS))
    kind = ability_of_run(_ABILITY, "attention maps")
    _refuse_flags_of_others(kind)
    task, given = _shown_by(kind), _inputs(kind)
    task.check_attention(FLAGS.model_dir, given)
    program.import_tensorflow()
    loaded = run_folder.say_weights(task.load(FLAGS.model_dir))
    with warnings_as_lines():
        maps = task.attention(loaded, given, search_flags.given(kind))
    for note in maps.notes:
        print(note, file=sys.stderr)
    if os.path.splitext(FLAGS.out)[1].lower() in PAGE_ENDINGS:
        from seq2seq_tf.inspection.page import page_html

        files = {FLAGS.out: page_html(f"Attention of {FLAGS.model_dir}", maps.sections()).encode()}
    else:
        files = _pictures(maps.pictures())
    for line in maps.lines():
        print(program.one_line(line))
    write_all(files)
    return 0


def _shown_by(kind: type[TaskConfig]) -> ShowsAttention:
    return module_of(kind)


def _flags_of(kind: type[TaskConfig]) -> list[str]:
    return [each.name for each in _shown_by(kind).ATTENTION_INPUTS] + list(search_flags.search_leaves(kind))


def _refuse_flags_of_others(kind: type[TaskConfig]) -> None:
    own = _flags_of(kind)
    for other in kinds_that_show(_ABILITY):
        for name in _flags_of(other):
            if name not in own and FLAGS[name].present:
                raise InputError(f"--{name} does not apply to a run of {kind.task}")


def _inputs(kind: type[TaskConfig]) -> dict[str, Any]:
    """Returns the values of the task's own flags; lines not given by a flag are read from standard input."""
    given = {each.name: FLAGS[each.name].value for each in _shown_by(kind).ATTENTION_INPUTS}
    for each in _shown_by(kind).ATTENTION_INPUTS:
        if each.kind == "lines" and not given[each.name]:
            given[each.name] = list(program.input_lines())
    return given


def _pictures(pngs: Sequence[bytes]) -> dict[str, bytes]:
    names = [str(n) for n in range(1, len(pngs) + 1)]
    return dict(zip(numbered(FLAGS.out, names), pngs, strict=True))
