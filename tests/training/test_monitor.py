"""Reports on training: a line of metrics and an event for each number, whatever its magnitude."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from seq2seq_tf.training.history import History
from seq2seq_tf.training.monitor import Monitor
from seq2seq_tf.training.progress import Progress, RunLog
from seq2seq_tf.training.task import GradientCurves
from seq2seq_tf.training.trainer import UpdateResult
from seq2seq_tf.training.validation import ValidationHistory
from tests.crash_points import shown
from tests.every_task import example


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf, -math.inf, math.nan])
def test_numbers_of_any_size_are_written(value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = example("translation", tmp_path / "text").config
    history = History(str(tmp_path / "metrics.jsonl"), str(tmp_path / "tensorboard"))
    progress = Progress(RunLog(str(tmp_path / "log")), done=0, total=2)
    with Monitor(history, str(tmp_path / "tensorboard"), config, progress) as monitor:
        monitor.update(1, 0, UpdateResult(value, value, 0.0, value, True), rate=value, padding=0.0, seconds=1.0)
        monitor.validation(1, {"loss": value, "bleu": value}, ValidationHistory(best=((0.0, 1),)), {})
        monitor.gradient_curves(1, GradientCurves({"first": value}, {}))
        monitor.final(1, "best checkpoint", {"loss": value})
    progress.close(finished=True)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0]["loss"] == lines[1]["valid_bleu"] == (value if math.isfinite(value) else None)
    assert ("train/loss", 1) in shown(tmp_path / "tensorboard")
