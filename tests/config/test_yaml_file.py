"""A configuration file is read completely or refused immediately, whatever it contains."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError


def refusal(path: Path, content: str | bytes) -> str:
    """Returns the message about a file with this content, without its path."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
    return str(caught.value).removeprefix(f"{path}:")


def test_an_alias_bomb_is_refused_immediately(tmp_path: Path) -> None:
    lines = ["train:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    message = refusal(tmp_path / "x.yaml", "\n".join([*lines, "  seed: *a29"]))
    assert message == "2: not valid YAML: anchors and aliases (& and *) are not supported"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("train: &x\n  seed: 1\n", "1: not valid YAML: anchors and aliases"),
        ("train:\n  seed: &x 1\n  patience: *x\n", "2: not valid YAML: anchors and aliases"),
        ("train:\n  seed: 1\n  patience: *x\n", "3: not valid YAML: anchors and aliases"),
        ("train:\n  seed: " + "[" * 50_000, "2: not valid YAML: nested too deeply"),
        ("train:\n" + "".join(" " * n + "x:\n" for n in range(1, 300)), "16: not valid YAML: nested too deeply"),
        ("# " + "x" * 300_000, " larger than 262,144 bytes"),
        (b"\xff\xfe\x00", " cannot be read"),
        ("train:\n  seed: \x00\n", " not valid YAML"),
    ],
)
def test_an_invalid_configuration_gives_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(tmp_path / "x.yaml", content).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epochs: 3\n", "1: unknown key 'epochs' outside of any section (did you mean 'train.max_epochs'?)"),
        ("lr: 3\n", "1: unknown key 'lr' outside of any section (did you mean 'train.learning_rate'?)"),
        ("train.seed: 3\n", "1: 'train.seed' must be written as a line `seed: VALUE` in section 'train'"),
        ("trian: {seed: 3}\n", "1: unknown section 'trian' (did you mean 'train'?)"),
        ("train: 3\n", "1: section 'train' must contain key: value lines"),
        ("train: [seed]\n", "1: section 'train' must contain key: value lines"),
    ],
)
def test_the_message_about_a_key_outside_a_section_names_its_place(tmp_path: Path, content: str, message: str) -> None:
    assert refusal(tmp_path / "x.yaml", content) == message


def test_a_misspelt_task_gets_a_suggestion(tmp_path: Path) -> None:
    assert refusal(tmp_path / "x.yaml", "task: traslation\n").endswith("'traslation' (did you mean 'translation'?)")


@pytest.mark.parametrize("value", ["x" * 200_000, "[" + "x, " * 6_000 + "]", "9" * 4000, "0x" + "9" * 200_000])
def test_a_long_value_is_not_repeated(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path / "x.yaml", f"train:\n  seed: {value}\n")
    assert "train.seed must" in message
    assert len(message) < 400


def test_a_path_that_is_not_a_file_is_refused(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "cannot be read"), (tmp_path / "x", "no such file"), ("/dev/zero", "larger than")):
        with pytest.raises(InputError, match=words):
            load(path)
