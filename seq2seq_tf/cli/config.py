"""Prints example configurations, all options, shell completion: seq2seq-config list|show|options|completion

seq2seq-config show quickstart_en_de > mine.yaml
seq2seq-config options --task=tagging
source <(seq2seq-config completion bash)
"""

from __future__ import annotations

from absl import flags

from seq2seq_tf.cli.program import Command, run_commands
from seq2seq_tf.config import examples
from seq2seq_tf.config.registry import DEFAULT_TASK
from seq2seq_tf.config.yaml_file import read_config_file
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks import TASKS

FLAGS = flags.FLAGS
_FORMATS = ("yaml", "markdown")


class _ExampleParser(flags.ArgumentParser):
    """Parses the name of an example; an unknown name is refused when the example is read, with similar names."""

    @property
    def known(self) -> list[str]:
        """The names, for completion in a shell."""
        return examples.names()


def _list() -> None:
    from seq2seq_tf.cli.tables import format_table

    rows = []
    for name in examples.names():
        path = examples.path_of(name)
        task = read_config_file(str(path), ()).task or DEFAULT_TASK
        if task in TASKS:  # the example of a removed task may still exist
            rows.append((name, task, examples.about(path.read_text(encoding="utf-8"))))
    print(format_table(["name", "task", "what it trains"], rows))


def _show_flags() -> None:
    flags.DEFINE(_ExampleParser(), "name", None, "example to print; `seq2seq-config list` lists the names")


def _show() -> None:
    if not FLAGS.name:
        raise InputError(f"name an example: {', '.join(examples.names())}")
    print(examples.path_of(FLAGS.name).read_text(encoding="utf-8"), end="")


def _options_flags() -> None:
    flags.DEFINE_enum("task", DEFAULT_TASK, sorted(TASKS), "task whose options are printed")
    flags.DEFINE_enum("format", "yaml", _FORMATS, "yaml: a configuration file with comments; markdown: a table")


def _options() -> None:
    from seq2seq_tf.config import option_lists

    write = {"yaml": option_lists.as_yaml, "markdown": option_lists.as_markdown}[FLAGS.format]
    print(write(TASKS[FLAGS.task]), end="")


def _completion_flags() -> None:
    from seq2seq_tf.cli.completion import SHELLS

    flags.DEFINE_enum("shell", None, SHELLS, "shell to print the script for")


def _completion() -> None:
    from seq2seq_tf.cli.completion import SHELLS, script
    from seq2seq_tf.cli.programs import programs

    if not FLAGS.shell:
        raise InputError(f"name a shell: {', '.join(SHELLS)}")
    print(script(FLAGS.shell, programs()), end="")


COMMANDS = {
    "list": Command("lists the example configurations", lambda: None, _list, "seq2seq-config list", is_filter=True),
    "show": Command(
        "prints an example configuration to start your own from",
        _show_flags,
        _show,
        "seq2seq-config show quickstart_en_de > mine.yaml",
        operand="name",
        is_filter=True,
    ),
    "options": Command(
        "prints every option of a task with its default, range and meaning",
        _options_flags,
        _options,
        """
        seq2seq-config options
        seq2seq-config options --task=language_model > all.yaml
        """,
        is_filter=True,
    ),
    "completion": Command(
        "prints a script that makes a shell complete the programs' commands, flags, choices and file names",
        _completion_flags,
        _completion,
        """
        source <(seq2seq-config completion bash)              # in ~/.bashrc
        source <(seq2seq-config completion zsh)               # in ~/.zshrc, after compinit
        seq2seq-config completion fish | source               # in ~/.config/fish/config.fish
        """,
        operand="shell",
        is_filter=True,
    ),
}


def run() -> None:
    """Entry point."""
    run_commands(COMMANDS)


if __name__ == "__main__":
    run()
