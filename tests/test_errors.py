"""A user's mistake is a one-line ValueError that suggests similar names."""

from __future__ import annotations

from seq2seq_tf.errors import InputError, TrainingError, nearest


def test_suggestions_are_in_brackets() -> None:
    assert nearest("trian", ["train", "translate", "x"]).startswith(" (did you mean 'train'")
    assert nearest("trian", ["train", "trains"]) == " (did you mean 'train' or 'trains'?)"
    assert nearest("zzz", ["train"]) == ""
    assert nearest("train", []) == ""


def test_input_errors_are_value_errors_and_training_errors_are_not() -> None:
    assert issubclass(InputError, ValueError)
    assert not issubclass(TrainingError, ValueError)
