"""seq2seq-tag as a user runs it: train, restore, evaluate, mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer
from tests import labelled_runs
from tests.trained import Call, Ended, assert_one_error_line, run_programs

LINES = ["ka kiki ku ba lu", "", "  ", "ba (de) äbc ra " * 21]


class Runs:
    """A run trained by the program, and what the programs printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.ended: dict[str, Ended] = {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """All slow runs of this file: training, then the others."""
    runs = Runs(tmp_path_factory.mktemp("text"))
    for name, lines in (("train", 211), ("valid", 23)):
        labelled_runs.write_cased(runs.folder / f"{name}.txt", seed=lines, lines=lines)
    tiny = {**labelled_runs.TINY, "data.vocab_size": 60, "data.byte_fallback": False, "data.max_pieces": 31}
    tiny |= {"train.max_epochs": 6, "train.batch_tokens": 101}
    options = [f"--{name}={value}" for name, value in tiny.items()]
    options += [f"--data.{part}={runs.folder / part}.txt" for part in ("train", "valid")]
    model = f"--model_dir={runs.run}"
    runs.ended |= run_programs({"train": Call("tag", ["train", model, *options])})
    (runs.folder / "in.txt").write_text("\n".join(LINES) + "\n")
    (runs.folder / "broken.txt").write_bytes(b"ka\n" * 9 + b"\xff\n")
    (runs.folder / "kept.txt").write_text("old\n")
    test = f"--data={runs.folder / 'valid.txt'}"
    calls = {
        "restore": Call("tag", ["restore", model, "--window=2"], "\n".join(LINES).encode(), {"LC_ALL": "C"}),
        "file": Call(
            "tag", ["restore", model, f"--input={runs.folder / 'in.txt'}", f"--output={runs.folder / 'o.txt'}"]
        ),
        "broken input": Call("tag", ["restore", model], b"ka\n" * 9 + b"\xff\n"),
        "broken": Call(
            "tag",
            [
                "restore",
                model,
                "--window=2",
                f"--input={runs.folder / 'broken.txt'}",
                f"--output={runs.folder / 'kept.txt'}",
            ],
        ),
        "evaluate": Call("tag", ["evaluate", model, test, f"--json={runs.folder / 'x.json'}", "--show=2"]),
        "no test set": Call("tag", ["evaluate", model]),
    }
    runs.ended |= run_programs(calls)
    return runs


def test_training_reports_what_it_does_and_its_score(runs: Runs) -> None:
    done = runs.ended["train"]
    assert done.code == 0, done.stderr
    assert "211 lines" in done.stdout
    assert "1 of them with a form of mixed case" in done.stdout
    assert "best f1" in done.stdout


def test_text_is_restored_as_in_python_from_stdin_and_from_a_file(runs: Runs) -> None:
    expected = "".join(f"{text}\n" for text in PunctuationRestorer.load(str(runs.run)).restore(LINES))
    assert (runs.ended["restore"].code, runs.ended["restore"].stderr) == (0, "")
    assert runs.ended["restore"].stdout == expected
    assert (runs.ended["file"].code, runs.ended["file"].stdout) == (0, "")
    assert (runs.folder / "o.txt").read_text() == expected


def test_a_file_is_written_whole_or_not_at_all(runs: Runs) -> None:
    assert_one_error_line(runs.ended["broken"], "broken.txt:10", "0xff")
    assert_one_error_line(runs.ended["broken input"], "<standard input>:10", "0xff")
    assert len(runs.ended["broken input"].stdout.splitlines()) == 9
    assert (runs.folder / "kept.txt").read_text() == "old\n"
    assert not list(runs.folder.glob(".*.tmp"))


def test_evaluation_prints_scores_beside_two_baselines(runs: Runs) -> None:
    done = runs.ended["evaluate"]
    assert (done.code, done.stderr) == (0, "")
    result = json.loads((runs.folder / "x.json").read_text())
    bare = result["lower case, no marks"]
    assert (bare["case_f1"], bare["punctuation_f1"]) == (0.0, 0.0)
    assert result["model"]["accuracy"] > bare["accuracy"]
    assert f"{result['words']:,} words" in done.stdout
    assert (
        result["model"]["punctuation"]["none"]["support"] + result["model"]["punctuation"]["marks"]["support"]
        == (result["words"])
    )
    assert done.stdout.count("  restored  ") == 2


def test_the_error_for_a_run_without_a_test_set_names_the_flag(runs: Runs) -> None:
    assert_one_error_line(runs.ended["no test set"], "no test set", "--data")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["restroe"], ["restroe", "restore"]),
        (["restore"], ["--model_dir"]),
        (["restore", "--model_dir=x", "--input=missing.txt"], ["missing.txt: no such file"]),
        (["evaluate", "--model_dir=x", "--max_lines=0"], ["max_lines", "0"]),
    ],
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], words: list[str]) -> None:
    (ended,) = run_programs({"": Call("tag", flags)}).values()
    assert_one_error_line(ended, *words)
