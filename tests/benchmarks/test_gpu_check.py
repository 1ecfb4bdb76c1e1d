"""The GPU check reports that there is no GPU, and runs on a CPU on request, so that it is known to work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from benchmarks.gpu_check import NO_GPU
from benchmarks.gpu_measures import Traffic, Variant, ops_by_device, traffic, varied
from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.translation.config import TranslationConfig
from tests import toy

SCRIPT = str(toy.ROOT / "benchmarks" / "gpu_check.py")

without_gpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="a GPU is visible")


@without_gpu
def test_without_a_gpu_it_says_so_and_measures_nothing() -> None:
    done = toy.run_python(SCRIPT)
    assert (done.returncode, done.stdout, done.stderr) == (0, NO_GPU + "\n", "")


@pytest.mark.parametrize(
    ("flags", "words"),
    [(["--parts=loops,lops"], "'lops'"), (["--batch_tokens=a"], "--batch_tokens"), (["--device=CPU:0"], "--model_dir")],
)
def test_a_wrong_flag_is_one_line(flags: list[str], words: str) -> None:
    done = toy.run_python(SCRIPT, *flags)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


@pytest.fixture
def turns() -> Callable[[], tf.Tensor]:
    def run(x: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda t, x: t < 3, lambda t, x: (t + 1, tf.tanh(x)), (tf.constant(0), x))[1]

    function = tf.function(run)
    return lambda: function(tf.ones([5]))


@without_gpu
def test_placed_ops_are_counted_by_device(turns: Callable[[], tf.Tensor]) -> None:
    placed = ops_by_device(turns)
    assert placed["CPU", "Tanh"] == 1
    assert {kind for kind, _ in placed} <= {"CPU", ""}


@without_gpu
def test_the_profile_of_a_cpu_holds_nothing_of_a_gpu(turns: Callable[[], tf.Tensor], tmp_path: Path) -> None:
    assert traffic(turns, str(tmp_path)) == Traffic(0, 0.0, 0, 0)
    assert list(tmp_path.rglob("*.xplane.pb"))


def test_a_variant_changes_how_and_not_what_is_trained() -> None:
    config: TranslationConfig = load(None).config
    changed = varied(config, Variant("float16", cudnn=False, jit=True), dropout=True)
    changed.check()
    assert (changed.train.precision, changed.train.jit_compile, changed.model.cudnn) == ("float16", True, False)
    assert changed.train.length_multiple > 1
    assert changed.model.output_dropout == config.model.output_dropout
    assert varied(config, Variant("float32", cudnn=True), dropout=False).model.output_dropout == 0.0


@pytest.mark.slow
def test_every_part_runs_on_a_cpu(toy_run: Path, tmp_path: Path) -> None:
    flags = [f"--model_dir={toy_run}", "--device=CPU:0", "--sentences=5", "--pairs=50", "--updates=2", "--nojit"]
    done = toy.run_python(SCRIPT, *flags, "--batch_tokens=64", f"--json={tmp_path}/found.json", timeout=900.0)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    for row in found["agreement"]:
        assert row["beam 1: same"] >= 0.8
        assert row["gradient"] < (1e-6 if "float32" in row[""] else 0.05)
    assert {row["ops without a kernel"] for row in found["loops"]} == {0}
    assert len(found["training"]) == 6
    assert all(row["tokens/s"] > 0 for row in found["training"])
    assert all(row["sentences/s"] > 0 for row in found["searching"])
    assert "CPU" not in str(found["devices"])
