"""The list of programs, their commands and flags."""

from __future__ import annotations

import configparser

from absl import flags

from seq2seq_tf.cli import programs
from tests.toy import ROOT


def test_the_programs_are_those_in_setup_cfg() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    installed = dict(line.split(" = ") for line in lines if line)
    names = {name: name.removeprefix(programs.PREFIX) for name in programs.programs()}
    assert installed == {name: f"seq2seq_tf.cli.{module}:run" for name, module in names.items()}


def test_a_program_without_commands_has_one_unnamed_command() -> None:
    found = programs.programs()
    assert list(found["seq2seq-train"]) == [""]
    assert list(found["seq2seq-lm"]) == ["train", "sample", "score"]


def test_flags_of_a_command_are_defined_inside_the_context_and_those_of_the_caller_are_restored() -> None:
    earlier = [flags.FLAGS[name] for name in flags.FLAGS if name == "model_dir"]  # defined by another test
    if earlier:
        del flags.FLAGS.model_dir
    flags.DEFINE_string("model_dir", "kept", "of the caller")
    names = set(flags.FLAGS)
    try:
        flags.FLAGS["model_dir"].parse("given")
        with programs.defined(programs.programs()["seq2seq-export"][""]) as found:
            assert "model_dir" in [flag.name for flag in found]
            assert flags.FLAGS["model_dir"].value is None
        assert flags.FLAGS["model_dir"].value == "given"
        assert set(flags.FLAGS) == names
    finally:
        del flags.FLAGS.model_dir
        if earlier:
            flags.FLAGS["model_dir"] = earlier[0]
