"""seq2seq-classify as a user runs it: train, predict, evaluate, mistakes; and the data doctor with its run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.tasks.classification.classifier import Classifier
from tests import labelled_runs
from tests.toy import environment
from tests.trained import Call, Ended, assert_one_error_line, run_programs

LINES = ["abcdefgh", "", "adgjbehk", "   ", "ahdkgcjf"]


class Runs:
    """A run trained by the program, and what the programs printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = labelled_runs.write_languages(folder, seed=3, train=61)
        self.run = self.folder / "run"
        self.ended: dict[str, Ended] = {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """All slow runs of this file: training, then the others."""
    runs = Runs(tmp_path_factory.mktemp("languages"))
    config = runs.folder / "config.yaml"
    options = {**labelled_runs.TINY, "data.min_snippet": 3, "train.batch_tokens": 303, "train.max_epochs": 9}
    sections: dict[str, dict[str, object]] = {}
    for name, value in options.items():
        sections.setdefault(name.split(".")[0], {})[name.split(".")[1]] = value
    config.write_text("task: classification\n" + json.dumps(sections)[1:-1].replace("}, ", "}\n"))
    data = [f"--data.{part}={runs.folder / name}" for part, name in (("train", "train"), ("valid", "valid"))]
    model, text = f"--model_dir={runs.run}", "\n".join(LINES).encode()
    runs.ended |= run_programs({"train": Call("classify", ["train", f"--config={config}", model, *data])})
    test = f"--data={runs.folder / 'valid'}"
    results = [f"--json={runs.folder / 'x.json'}", f"--plot={runs.folder / 'x.png'}"]
    calls = {
        "predict": Call("classify", ["predict", model, "--top=2", "--window=2"], text, {"LC_ALL": "C"}),
        "evaluate": Call("classify", ["evaluate", model, test, *results, "--show=2"]),
        "no test set": Call("classify", ["evaluate", model]),
        "invalid": Call("classify", ["predict", model], b"abc\n\xff\n"),
        "again": Call("classify", ["train", f"--config={config}", model, *data]),
        "other": Call("classify", ["train", f"--config={config}", model, *data, "--model.cell=gru"]),
        "snippets": Call("classify", ["evaluate", model, test, "--snippet=5"]),
    }
    runs.ended |= run_programs(calls)
    return runs


def test_training_reports_what_it_does_and_its_score(runs: Runs) -> None:
    done = runs.ended["train"]
    assert done.code == 0, done.stderr
    assert "183 texts" in done.stdout
    assert "3 labels: aa, bb, cc" in done.stdout
    assert "best accuracy" in done.stdout
    assert (runs.run / "model.npz").exists()
    assert "nothing to do" in runs.ended["again"].stdout


def test_a_line_gets_labels_and_probabilities_and_an_empty_line_an_empty_line(runs: Runs) -> None:
    done = runs.ended["predict"]
    assert (done.code, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.split("\n")[:-1]]
    assert [len(row) for row in rows] == [4, 1, 4, 1, 4]
    for row, found in zip(rows, Classifier.load(str(runs.run)).classify(LINES, top=2), strict=True):
        for n, prediction in enumerate(found):
            assert row[2 * n] == prediction.label
            assert float(row[2 * n + 1]) == pytest.approx(prediction.probability, abs=2e-4)


def test_evaluation_counts_the_labels_of_the_classifier(runs: Runs) -> None:
    done = runs.ended["evaluate"]
    assert (done.code, done.stderr) == (0, "")
    result = json.loads((runs.folder / "x.json").read_text())
    table = np.array(result["confusion"])
    assert table.sum(1).tolist() == [5, 5, 5]
    assert result["accuracy"] == pytest.approx(np.trace(table) / 15)
    assert f"accuracy {100 * result['accuracy']:.2f} %" in done.stdout
    assert sum(row["texts"] for row in result["by_length"]) == 15
    assert set(result["labels"]) == {"aa", "bb", "cc"}
    assert (runs.folder / "x.png").read_bytes().startswith(b"\x89PNG")
    assert "true \\ predicted" in done.stdout
    assert "parts of 5 characters of 15 texts" in runs.ended["snippets"].stdout


def test_mistakes_are_one_line(runs: Runs) -> None:
    assert_one_error_line(runs.ended["no test set"], "no test set", "--data")
    assert_one_error_line(runs.ended["invalid"], "<standard input>:2", "0xff")
    assert len(runs.ended["invalid"].stdout.splitlines()) == 1  # the good line before the bad one
    assert_one_error_line(runs.ended["other"], "model.cell", "'lstm'", "'gru'")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], ["no command given", "train, predict, evaluate"]),
        (["predcit"], ["predcit", "predict"]),
        (["predict"], ["--model_dir"]),
        (["predict", "--model_dir=x", "--top=0"], ["top", "0"]),
        (["predict", "--model_dir=x", "--beam_size=3"], ["beam_size"]),
        (["train", "--model_dir=x", "--config=configs/quickstart_en_de.yaml"], ["translation", "classification"]),
    ],
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], words: list[str]) -> None:
    (ended,) = run_programs({"": Call("classify", flags)}).values()
    assert_one_error_line(ended, *words)


def doctor(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seq2seq_tf.cli.data", "doctor", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=environment())


def test_the_doctor_reports_lines_in_another_language(runs: Runs, tmp_path: Path) -> None:
    texts = {language: labelled_runs.language_texts(language, 9, seed=7) for language in ("aa", "bb")}
    classifier = Classifier.load(str(runs.run))
    sure = {
        language: [text for text in found if classifier.classify([text])[0][0].label == language]
        for language, found in texts.items()
    }
    source = [*sure["aa"][:2], sure["bb"][0]]
    (tmp_path / "train.aa").write_text("".join(f"{text}\n" for text in source))
    (tmp_path / "train.bb").write_text("".join(f"{text}\n" for text in sure["bb"][:3]))
    flags = [
        "--source_lang=aa",
        "--target_lang=bb",
        f"--train={tmp_path / 'train'}",
        f"--language_model_dir={runs.run}",
    ]
    done = doctor(*flags, "--language_min_probability=0.1", "--language_min_characters=5")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "line is not" in line]
    assert line == "warning: train: line is not aa"
    assert f"  {os.fspath(tmp_path / 'train.aa')}:3 (bb, " in done.stdout
    unknown = doctor("--source_lang=aa", "--target_lang=xx", *flags[2:])
    assert unknown.returncode == 2
    assert "no such file" in unknown.stderr or "knows only aa, bb, cc" in unknown.stderr
