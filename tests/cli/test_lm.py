"""seq2seq-lm as a user runs it: the smallest example of the docs from training to its table, and mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from seq2seq_tf.config.loading import leaves
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from tests.toy import ROOT
from tests.trained import Call, Ended, assert_one_error_line, run_program, run_programs


class Hello(NamedTuple):
    """A run that has learnt "hello", and the results of all slow runs of this file."""

    run: Path
    trained: Ended
    ended: dict[str, Ended]


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Hello:
    folder = tmp_path_factory.mktemp("hello")
    run, text = folder / "run", folder / "hello.txt"
    text.write_text("hello", encoding="utf-8")
    (folder / "odd").mkdir()
    (folder / "odd" / "jello.txt").write_text("jello", encoding="utf-8")
    (folder / "odd" / "hell.txt").write_text("hell", encoding="utf-8")
    (folder / "long.txt").write_text("hello" * 30, encoding="utf-8")
    (folder / "broken.txt").write_bytes(b"he\nl\xfflo")
    (folder / "empty.txt").write_bytes(b"")
    files = [f"--data.train={text}", f"--data.valid={text}"]
    config = f"--config={ROOT / 'configs' / 'lm_hello.yaml'}"
    trained = run_program(Call("lm", ["train", config, f"--model_dir={run}", *files]))
    model = f"--model_dir={run}"
    calls = {
        "stream": Call("lm", ["sample", model, "--prompt=h"]),
        "several": Call("lm", ["sample", model, "--samples=2", "--prompt=he", "--temperature=1", "--seed=3"]),
        "score": Call("lm", ["score", model, f"--text={text}", f"--json={folder / 'score.json'}"]),
        "files": Call("lm", ["score", model, f"--text={folder / 'odd'}", "--files"]),
        "logits": Call("lm", ["score", model, f"--text={text}", "--logits"]),
        "no text": Call("lm", ["score", model]),
        "broken": Call("lm", ["score", model, f"--text={folder / 'broken.txt'}"]),
        "empty": Call("lm", ["score", model, f"--text={folder / 'empty.txt'}"]),
        "too long": Call("lm", ["score", model, f"--text={folder / 'long.txt'}", "--logits"]),
        "top_p": Call("lm", ["sample", model, "--top_p=2"]),
        "again": Call("lm", ["train", config, f"--model_dir={run}", *files]),
    }
    return Hello(run, trained, run_programs(calls))


def stdout(hello: Hello, name: str) -> str:
    assert (hello.ended[name].code, hello.ended[name].stderr) == (0, ""), hello.ended[name]
    return hello.ended[name].stdout


def test_a_vanilla_rnn_learns_hello_exactly(hello: Hello) -> None:
    assert hello.trained.code == 0, hello.trained.stderr
    assert re.search(r"finished after 300 updates; best loss 0\.00\d", hello.trained.stdout)
    assert "nothing to do" in stdout(hello, "again")
    assert stdout(hello, "stream") == "hello\n"


def test_the_table_of_logits_marks_the_right_letter_at_every_step(hello: Hello) -> None:
    name, header, _, *rows = stdout(hello, "logits").splitlines()
    assert name == "hello.txt"
    assert header.split() == ["read", "<s>", "h", "e", "l", "l", "o"]
    assert rows[-1].split() == ["should", "come", "next", "h", "e", "l", "l", "o", "<s>"]
    assert sorted(row.split()[0] for row in rows[:-1]) == ["<s>", "e", "h", "l", "o"]
    best = {column: row.split()[0] for row in rows[:-1] for column, x in enumerate(row.split()[1:]) if x.endswith("*")}
    assert [best[n] for n in range(6)] == ["h", "e", "l", "l", "o", "<s>"]
    _, logits = TextGenerator.load(str(hello.run)).logits("hello")
    first = next(row for row in rows if row.startswith("<s>")).split()[1:]
    assert [float(x.rstrip("*")) for x in first] == pytest.approx(logits[:, 2].tolist(), abs=0.006)


def test_scores_are_those_of_the_python_api(hello: Hello) -> None:
    (score,) = TextGenerator.load(str(hello.run)).score(["hello"])
    assert f"bits per character    {score.bits_per_character:.4f}" in stdout(hello, "score")
    assert "(6 tokens: characters and the ends of files)" in stdout(hello, "score")
    written = json.loads((hello.run.parent / "score.json").read_text())
    assert written["bits_per_character"] == pytest.approx(score.bits_per_character)
    assert (written["files"], written["characters"], written["tokens"], written["unknown"]) == (1, 5, 6, 0)


def test_files_are_listed_best_first_and_unknown_characters_counted(hello: Hello) -> None:
    lines = stdout(hello, "files").splitlines()
    assert lines[0].split() == ["file", "characters", "unknown", "bits", "per", "character"]
    assert {line.split()[0]: line.split()[1:3] for line in lines[2:4]} == {
        "hell.txt": ["4", "0"],
        "jello.txt": ["5", "1"],
    }
    assert float(lines[2].split()[3]) <= float(lines[3].split()[3])
    assert "2 files, 9 characters" in lines
    assert any(line.startswith("1 tokens are unknown to the model") for line in lines)


def test_several_samples_are_those_of_the_python_api(hello: Hello) -> None:
    texts = TextGenerator.load(str(hello.run)).sample("he", samples=2, temperature=1.0, seed=3)
    assert stdout(hello, "several") == "".join(f"--- {n} ---\nhe{text}\n" for n, text in enumerate(texts, start=1))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no text", ["no test text", "--text"]),
        ("broken", ["broken.txt:2: invalid UTF-8"]),
        ("empty", ["empty.txt: empty, nothing to score"]),
        ("too long", ["--logits", "150 characters"]),
        ("top_p", ["top_p", "must be in"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(hello: Hello, name: str, words: list[str]) -> None:
    assert_one_error_line(hello.ended[name], *words)


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ([], "no command given"),
        (["sampel"], "did you mean 'sample'?"),
        (["sample"], "--model_dir"),
        (["score", "--model_dir=x", "--temperature=1"], "temperature"),
        (["train", "--model_dir=x", "--train.bach_size=3"], "did you mean --train.batch_size?"),
        (["train", "--model_dir=x", "--train.chunk=3"], "--train.chunk is now --train.bptt_steps"),
        (["train", "--model_dir=x", "--notrain.rotate"], "--notrain.rotate is now --notrain.random_offset"),
    ],
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], word: str) -> None:
    assert_one_error_line(run_program(Call("lm", flags)), word)


def test_help_of_a_command_names_its_options() -> None:
    shown = run_program(Call("lm", ["sample", "--help"]))
    assert shown.code == 0
    names = [
        leaf.name.removeprefix("sample.") for leaf in leaves(LanguageModelConfig) if leaf.name.startswith("sample.")
    ]
    for name in ("prompt", "samples", *names):
        assert re.search(rf"--{name}\b", shown.stdout), name
    assert "train.batch_size" not in shown.stdout
