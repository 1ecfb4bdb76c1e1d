"""seq2seq-inspect contexts: how well language models predict the next token from only the last k tokens."""

from __future__ import annotations

from absl import flags

from seq2seq_tf.cli import program, run_folder
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path, define_paths
from seq2seq_tf.cli.inspect_files import (
    PAGE_ENDINGS,
    PICTURE_ENDINGS,
    check_ability,
    check_ending,
    module_of,
    warnings_as_lines,
    write_all,
)
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json
from seq2seq_tf.inspection.abilities import ContextSizes, ShowsContexts

FLAGS = flags.FLAGS
_LONGEST = 4096  # tokens


def define_flags() -> None:
    """Defines the flags of the command."""
    define_paths("model_dir", "run folder of a language model; may be given several times, one curve each")
    define_path("text", None, "file or folder to predict [default: test text of the first run, or its held-out text]")
    define_path("out", "contexts.html", "page to write")
    define_path("png", None, "also write the picture")
    define_output("json", None, "also write all numbers to this file")
    flags.DEFINE_list("lengths", ["1", "2", "4", "8", "16", "32", "64"], "lengths of context, in tokens")
    define_integer("targets", 20_000, "tokens to predict after each length of context, at most", 1, 10_000_000)
    define_integer(
        "ngrams", 8, "longest context of the n-grams, which are counted on the first run's text; 0 = none", 0, 32
    )


def main() -> int:
    """Measures, prints a table and writes the page."""
    check_ending("out", FLAGS.out, PAGE_ENDINGS)
    check_ending("png", FLAGS.png, PICTURE_ENDINGS)
    sizes = ContextSizes(_lengths(), FLAGS.targets, FLAGS.ngrams)
    task = _task()
    program.import_tensorflow()
    from seq2seq_tf.inspection.context_page import as_json, picture, rows, sections
    from seq2seq_tf.inspection.page import page_html

    with warnings_as_lines():
        runs = {folder: run_folder.say_weights(task.load(folder)) for folder in FLAGS.model_dir}
        found = task.contexts(runs, FLAGS.text, sizes)
    print(format_table(*rows(found)))
    print(f"\n{found.about}")
    files = {FLAGS.out: page_html("How much context language models use", sections(found)).encode()}
    if FLAGS.json:
        files[FLAGS.json] = (to_json(as_json(found), indent=2) + "\n").encode()
    if FLAGS.png:
        files[FLAGS.png] = picture(found)
    write_all(files)
    return 0


def _lengths() -> tuple[int, ...]:
    """Returns --lengths, ascending.

    Raises:
      InputError: not whole numbers in the range, or one is repeated.
    """
    numbers = [int(word) if word.strip().isdecimal() else 0 for word in FLAGS.lengths]
    if not numbers or min(numbers) < 1 or max(numbers) > _LONGEST or len(set(numbers)) < len(numbers):
        raise InputError(
            f"--lengths must be different whole numbers from 1 to {_LONGEST}, separated by commas, "
            f"got {','.join(FLAGS.lengths)!r}"
        )
    return tuple(sorted(numbers))


def _task() -> ShowsContexts:
    """Returns the inspection module of the runs' task.

    Raises:
      InputError: no run is named, one is named twice, is not a run folder, or is a run of another task.
    """
    folders = FLAGS.model_dir
    if not folders:
        raise InputError("--model_dir must name the run folder of a language model; it may be given several times")
    if len(set(folders)) < len(folders):
        raise InputError(f"--model_dir names a folder twice: {', '.join(folders)}")
    kinds = {check_ability(*run_folder.task_in(folder), "contexts", "lengths of context") for folder in folders}
    if len(kinds) > 1:
        raise InputError(f"--model_dir names runs of different tasks: {', '.join(kind.task for kind in kinds)}")
    return module_of(kinds.pop())
