"""seq2seq-translate as a user runs it: order, formats, bad input, a reader that stops early, memory."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.tasks.translation.translator import Translator
from tests.toy import ROOT, environment, sentences
from tests.trained import Call, Ended, assert_one_error_line, run_program, run_programs

WORDS = [" ".join(words) for words in sentences(7, seed=13, longest=11)]
LINES = [WORDS[0], "", *WORDS[1:4], "   ", *WORDS[4:], "\t", "ka"]  # 11
INPUT = "\n".join(LINES).encode()  # the last line has no line break
LONG = b"ka be du " * 99


@pytest.fixture(scope="module")
def ended(toy_run: Path) -> dict[str, Ended]:
    """All slow runs of this file, by what they show."""
    model = f"--model_dir={toy_run}"
    latin = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    calls = {
        "text": Call("translate", [model, "--window=3"], INPUT.replace(b"\n", b"\r\n")),
        "jsonl": Call("translate", [model, "--window=1000", "--output=jsonl", "--n_best=2"], INPUT, latin),
        "n-best": Call("translate", [model, "--n_best=2", "--beam_size=4", "--early_stop"], LONG + b"\n\n" + INPUT),
        "invalid": Call("translate", [model], INPUT[: INPUT.index(b"   ")] + b"ka \xff be\nka\n"),
        "not a run": Call("translate", [f"--model_dir={toy_run.parent}"], INPUT),
        "bad option": Call("translate", [model, "--n_best=9"], INPUT),
        "no input": Call("translate", [model, "--progress"]),
    }
    return run_programs(calls)


def test_each_line_gets_one_line_of_output_in_order(ended: dict[str, Ended], translator: Translator) -> None:
    done = ended["text"]
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == "".join(h.text + "\n" for h in translator.translate(LINES))
    assert {out for out, line in zip(done.stdout.split("\n"), LINES, strict=False) if not line.strip()} == {""}


def test_the_size_of_the_window_does_not_matter(ended: dict[str, Ended]) -> None:
    in_one = [json.loads(line)["hypotheses"][0]["text"] for line in ended["jsonl"].stdout.splitlines()]
    assert in_one == ended["text"].stdout.splitlines()


def test_jsonl_equals_the_results_of_the_python_api(ended: dict[str, Ended], translator: Translator) -> None:
    """The output is UTF-8 even if the locale is ASCII: pieces contain a character outside ASCII."""
    done = ended["jsonl"]
    assert (done.code, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    rows = translator.translate(LINES, n_best=2)
    for number, (record, line, row) in enumerate(zip(records, LINES, rows, strict=True), start=1):
        assert list(record) == ["line", "source", "source_pieces", "hypotheses"]
        assert (record["line"], record["source"]) == (number, line)
        assert record["source_pieces"] == row[0].source_pieces
        for said, hypothesis in zip(record["hypotheses"], row, strict=True):
            assert list(said) == ["text", "score", "log_prob", "pieces", "alignment"]
            assert (said["text"], said["pieces"]) == (hypothesis.text, hypothesis.pieces)
            np.testing.assert_allclose(
                [said["score"], said["log_prob"]], [hypothesis.score, hypothesis.log_prob], rtol=1e-4
            )
            pairs = [pair.split("-") for pair in said["alignment"]]
            assert [int(target) for _, target in pairs] == list(range(len(hypothesis.text.split())))
            assert all(int(source) < len(line.split()) for source, _ in pairs)


def test_n_best_lines_contain_number_translation_and_score(ended: dict[str, Ended], translator: Translator) -> None:
    done = ended["n-best"]
    assert done.code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * (len(LINES) + 2)
    assert lines[2:4] == ["2 |||  ||| 0.000000"] * 2
    rows = translator.translate(LINES, n_best=2, beam_size=4, early_stop=True)
    for n, row in enumerate(rows):
        for line, hypothesis in zip(lines[2 * n + 4 :], row, strict=False):
            number, text, score = line.split(" ||| ")
            assert (number, text) == (str(n + 3), hypothesis.text)
            np.testing.assert_allclose(float(score), hypothesis.score, atol=1e-4)


def test_a_truncated_line_is_reported_on_standard_error(ended: dict[str, Ended]) -> None:
    (line,) = ended["n-best"].stderr.splitlines()
    assert re.fullmatch(r"warning: window from line 1: text 1: cut from \d+ to 41 pieces", line)


def test_a_byte_that_is_not_utf8_is_reported_after_the_lines_before_it(
    ended: dict[str, Ended], translator: Translator
) -> None:
    assert_one_error_line(ended["invalid"], "<standard input>:6:", "0xff", "column 4")
    assert ended["invalid"].stdout == "".join(h.text + "\n" for h in translator.translate(LINES[:5]))


def test_no_input_gives_no_output(ended: dict[str, Ended]) -> None:
    assert (ended["no input"].code, ended["no input"].stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not a run", ["not a run folder"]),
        ("bad option", ["n_best=9", "beam_size=3"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(ended: dict[str, Ended], name: str, words: list[str]) -> None:
    assert_one_error_line(ended[name], *words)
    assert ended[name].stdout == ""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--beam_sise=3"], ["beam_sise", "beam_size"]),
        ([], ["--model_dir"]),
        (["--model_dir=x", "--window=0"], ["--window", "0"]),
        (["--model_dir=x", "--beam_size=wide"], ["beam_size", "wide"]),
        (["--model_dir=x", "--output=xml"], ["output", "xml", "jsonl"]),
        (["in.txt"], ["in.txt"]),
    ],
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], words: list[str]) -> None:
    assert_one_error_line(run_program(Call("translate", flags)), *words)


@pytest.mark.parametrize("program", ["translate", "evaluate", "export"])
def test_help_lists_the_flags(program: str) -> None:
    done = run_program(Call(program, ["--help"]))
    assert (done.code, done.stderr) == (0, "")
    assert "--model_dir" in done.stdout


def start(run: Path, source: Path, *flags: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "seq2seq_tf.cli.translate", f"--model_dir={run}", *flags]
    with source.open("rb") as stdin:
        return subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT
        )


def test_a_reader_that_stops_early_is_not_an_error(toy_run: Path, tmp_path: Path) -> None:
    """Like `seq2seq-translate ... | head -1`."""
    source = tmp_path / "in.txt"
    source.write_text("ka be\n" * 999)
    process = start(toy_run, source, "--window=2", "--beam_size=1")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().endswith(b"\n")
    process.stdout.close()
    assert process.communicate()[1] == b""
    assert process.returncode == 0


def test_a_user_who_types_sees_loading_a_prompt_and_translations_on_separate_lines(
    toy_run: Path, translator: Translator
) -> None:
    """Everything appears in one terminal, as a user sees it: the echo of what is typed, and the program's output."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "seq2seq_tf.cli.translate", f"--model_dir={toy_run}"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment(), cwd=ROOT)
    os.close(slave)
    shown = b""
    for n, typed in enumerate((f"{WORDS[0]}\n".encode(), b"\n", b"\x04"), start=1):
        while shown.count(b"> ") < n:
            shown += os.read(master, 1024)
        os.write(master, typed)
    process.wait()
    shown += os.read(master, 1024)
    os.close(master)
    assert process.returncode == 0
    lines = shown.decode().replace("^D\x08\x08", "").splitlines()
    assert lines.pop(1) == f"{toy_run}/model.npz: {translator.weights}"
    assert lines == [
        f"loading {toy_run} ...",
        "ready: type a line and press Enter, Ctrl-D ends",
        f"> {WORDS[0]}",
        translator.translate(WORDS[0]).text,
        "> ",
        "",
        "> ",
    ]


def peak_memory(run: Path, source: Path, lines: int) -> int:
    """Returns the peak memory in bytes of translating a file; free small blocks are returned to the system."""
    out = source.with_name("out.txt")
    command = [sys.executable, "-m", "seq2seq_tf.cli.translate", f"--model_dir={run}", "--beam_size=1"]
    allocator = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    with source.open("rb") as stdin, out.open("wb") as stdout:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, env={**environment(), **allocator}, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert out.read_bytes().count(b"\n") == lines
    return usage.ru_maxrss * 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(toy_run: Path, tmp_path: Path) -> None:
    """It only grows until oneDNN has seen each batch shape; keeping the results of 200,000 lines would take 180 MB."""
    source = tmp_path / "in.txt"
    peaks = []
    for lines in (200_000, 400_000):
        source.write_text("".join(" ".join(words) + "\n" for words in sentences(lines, seed=1, longest=5)))
        peaks.append(peak_memory(toy_run, source, lines))
    assert peaks[1] < peaks[0] + 80e6
