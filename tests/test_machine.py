"""TensorFlow's kernels: programs enable oneDNN, a run keeps its setting, and all guarantees hold without it too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq_tf import machine
from tests.toy import ROOT, environment, make_corpus, tiny_config
from tests.trained import Exported, copy_run

# Translates one by one, in a batch and with the SavedModel; prints whether oneDNN was on, strings and scores.
THREE_WAYS = """
import json, sys
from seq2seq_tf.tasks.translation.translator import Translator
import numpy as np, tensorflow as tf, tensorflow_text
from tensorflow.python.util import _pywrap_util_port

run, folder, texts = sys.argv[1], sys.argv[2], sys.argv[3:]
live = Translator.load(run)
together = live.translate(texts)
alone = [live.translate(text) for text in texts]
loaded = tf.saved_model.load(folder)
served = loaded.translate(tf.constant(texts))
print(json.dumps({
    "onednn": bool(_pywrap_util_port.IsMklEnabled()),
    "together": [h.text for h in together], "alone": [h.text for h in alone],
    "served": [row[0].decode() for row in served["translations"].numpy().tolist()],
    "scores": [h.score for h in together], "scores alone": [h.score for h in alone],
    "scores served": served["scores"][:, 0].numpy().tolist(),
}))
"""


def under(setting: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**environment(), machine.ONEDNN: setting}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=variables, cwd=ROOT
    )


def test_single_batched_and_exported_translations_are_equal_without_onednn_too(
    toy_run: Path, exported: Exported
) -> None:
    """The rest of the suite runs with oneDNN; this test uses the other kernels."""
    done = under("0", "-c", THREE_WAYS, str(toy_run), str(exported.folder / "text"), "ba", "ka be du", "lo mi nu re")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["onednn"]
    assert found["together"] == found["alone"] == found["served"]
    assert found["scores alone"] == pytest.approx(found["scores"], rel=1e-5)
    assert found["scores served"] == pytest.approx(found["scores"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["0", "1"])
def test_resuming_batches_and_exports_are_exact_with_and_without_onednn(setting: str) -> None:
    done = under(
        setting, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "kernels", "tests/training", "tests/tasks"
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_setting_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.ONEDNN, "0")
    machine.switch_on_onednn()
    assert os.environ[machine.ONEDNN] == "0"
    monkeypatch.delenv(machine.ONEDNN)
    machine.switch_on_onednn("")
    assert machine.ONEDNN not in os.environ
    machine.switch_on_onednn()
    assert os.environ[machine.ONEDNN] == "1"


def test_a_run_is_resumed_with_the_setting_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.onednn_of_run(str(tmp_path / "new")) == "1"
    monkeypatch.setenv(machine.ONEDNN, "0")
    assert machine.record(str(tmp_path)) == ""
    assert machine.onednn_of_run(str(tmp_path)) == "0"
    assert machine.record(str(tmp_path)) == ""
    monkeypatch.setenv(machine.ONEDNN, "1")
    assert "TF_ENABLE_ONEDNN_OPTS changed from 0 to 1" in machine.record(str(tmp_path))
    assert machine.onednn_of_run(str(tmp_path)) == "0"


def test_a_run_of_an_older_version_keeps_the_default_of_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prepared.json").write_text("[]")
    assert machine.onednn_of_run(str(tmp_path)) == ""


def test_another_processor_is_reported_and_a_damaged_record_rewritten(tmp_path: Path) -> None:
    place = tmp_path / "machine.json"
    machine.record(str(tmp_path))
    began = json.loads(place.read_text())
    assert began["processor"] == machine.processor() != ""
    place.write_text(json.dumps({**began, "processor": "an abacus"}))
    assert "the processor changed from an abacus" in machine.record(str(tmp_path))
    for damaged in ("", "{", "[]", "\x00"):
        place.write_text(damaged)
        assert machine.record(str(tmp_path)) == ""
        assert json.loads(place.read_text()) == began


@pytest.mark.slow
def test_training_records_the_setting_and_reports_when_it_changed(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", seed=3)
    config = tmp_path / "run.yaml"
    from seq2seq_tf.config.loading import to_yaml

    config.write_text(to_yaml(tiny_config(corpus)))
    train = ["-m", "seq2seq_tf.cli.train", f"--config={config}", f"--model_dir={tmp_path / 'run'}"]
    first = under("0", *train)
    assert first.returncode == 0, first.stderr
    assert json.loads((tmp_path / "run" / "machine.json").read_text())["onednn"] == "0"
    moved = copy_run(tmp_path / "run", tmp_path / "again", "model.npz")
    shutil.copytree(tmp_path / "run" / "data", moved / "data")
    for setting, said in (("1", True), ("0", False)):
        done = under(setting, *train[:-1], f"--model_dir={moved}")
        assert ("TF_ENABLE_ONEDNN_OPTS changed from 0 to 1" in done.stderr) == said, done.stderr
