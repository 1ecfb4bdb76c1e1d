"""seq2seq-data lists its commands, and names the nearest to one that it does not have."""

from __future__ import annotations

import pytest

from seq2seq_tf.cli import data, program


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[object, str]:
    """Returns exit code and output."""
    monkeypatch.setattr("sys.argv", ["seq2seq-data", *arguments])
    monkeypatch.setattr(program, "restart_in_utf8", lambda: None)
    monkeypatch.setattr(program, "prepare_streams", lambda *, is_filter: None)
    with pytest.raises(SystemExit) as ended:
        data.run()
    return ended.value.code, "".join(capsys.readouterr())


def test_help_lists_every_command_with_what_it_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = shown(capsys, monkeypatch, "--help")
    assert code == 0
    for name, command in data.COMMANDS.items():
        assert any(line.split()[:1] == [name] and command.help in line for line in text.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["docter"], ["unknown command 'docter'", "'doctor'"]), ([], ["no command given", "fetch-multi30k"])],
)
def test_what_is_no_command_is_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = shown(capsys, monkeypatch, *arguments)
    assert code == 2
    assert text.count("\n") == 1
    assert all(word in text for word in words)
