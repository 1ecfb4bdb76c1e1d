"""The training program in its own process: flags, mistakes, signals, and being killed."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.loading import leaves, to_yaml
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training import checkpoint
from tests import toy

PROGRAM = ["-m", "seq2seq_tf.cli.train"]
PATIENCE = 300.0  # seconds, for a busy machine


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration for some 300 updates with a checkpoint every few updates."""
    folder = tmp_path_factory.mktemp("run")
    corpus = toy.make_corpus(folder / "corpus", seed=5)
    config = toy.tiny_config(
        corpus, train__max_epochs=60, train__checkpoint_every=7, train__validate_every=60, train__shards=2
    )
    (folder / "run.yaml").write_text(to_yaml(config), encoding="utf-8")
    return folder / "run.yaml"


class Training:
    """The program, training in a run folder."""

    def __init__(self, config_file: Path, folder: Path, *, unread: bool) -> None:
        self.folder = folder
        command = [sys.executable, *PROGRAM, f"--config={config_file}", f"--model_dir={folder}"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=toy.environment(), cwd=toy.ROOT
        )
        if unread:
            for stream in (self._process.stdout, self._process.stderr):
                stream.close()  # type: ignore[union-attr]
            self._process.stdout = self._process.stderr = None

    def wait_for_update(self, update: int) -> None:
        """Returns when metrics.jsonl contains that update, or when the program has ended."""
        end = time.monotonic() + PATIENCE
        while self.updates_done() < update and self._process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.002)

    def updates_done(self) -> int:
        path = self.folder / "metrics.jsonl"
        return path.read_bytes().count(b'"loss"') if path.exists() else 0

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Waits for the program to end; returns exit code, standard output and standard error."""
        out, err = (text or "" for text in self._process.communicate(timeout=PATIENCE))
        assert "Traceback" not in err, err
        return self._process.returncode, out, err


Launch = Callable[..., Training]


def measured(folder: Path) -> list[dict[str, Any]]:
    """Returns the records of metrics.jsonl without times."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    times = {"tokens_per_second", "elapsed_seconds"}
    return [{k: v for k, v in json.loads(line).items() if k not in times} for line in lines]


def assert_same_weights(found: Path, expected: Path) -> None:
    arrays, _ = checkpoint.load_arrays(str(found / "model.npz"))
    wanted, _ = checkpoint.load_arrays(str(expected / "model.npz"))
    assert set(arrays) == set(wanted)
    for name, array in arrays.items():
        assert array.tobytes() == wanted[name].tobytes(), name


@pytest.fixture(scope="module")
def launch(config_file: Path) -> Iterator[Launch]:
    """Returns a function that starts the program on a run folder; no process outlives the tests."""
    started: list[Training] = []

    def training_in(folder: Path, *, unread: bool = False) -> Training:
        started.append(Training(config_file, folder, unread=unread))
        return started[-1]

    yield training_in
    for training in started:
        training.send(signal.SIGKILL)


@pytest.fixture(scope="module")
def whole(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """An uninterrupted training whose output nobody reads; it runs in parallel to the test that needs its result."""
    return launch(tmp_path_factory.mktemp("whole"), unread=True)


@pytest.fixture(scope="module")
def finished(whole: Training) -> Path:
    code, _, _ = whole.end()
    log = (whole.folder / "train.log").read_text(encoding="utf-8")
    assert code == 0, log
    assert "finished after" in log
    return whole.folder


def failure(*arguments: str) -> str:
    """Returns the single line on standard error of a program that must refuse its arguments."""
    done = toy.run_python(*PROGRAM, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_help_names_every_option() -> None:
    done = toy.run_python(*PROGRAM, "--help")
    assert done.returncode == 0
    for name in ["config", "model_dir", *(leaf.name for leaf in leaves(TranslationConfig))]:
        assert re.search(rf"--(\[no\])?{re.escape(name)}\b", done.stdout), name


def test_an_unknown_flag_is_refused_with_the_nearest_name() -> None:
    message = failure("--model_dir=x", "--train.bach_tokens=9")
    assert "train.bach_tokens" in message
    assert "train.batch_tokens" in message


def test_an_unknown_key_is_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("train:\n  seed: 1\n  bach_tokens: 9\n", encoding="utf-8")
    message = failure(f"--config={tmp_path / 'run.yaml'}", f"--model_dir={tmp_path / 'run'}")
    assert f"{tmp_path / 'run.yaml'}:3: " in message
    assert "'train.batch_tokens'" in message
    assert not (tmp_path / "run").exists()


def test_a_wrong_value_is_refused_with_its_flag(tmp_path: Path) -> None:
    assert "--train.max_epochs" in failure(f"--model_dir={tmp_path / 'run'}", "--train.max_epochs=0")
    assert "model_dir" in failure("--train.max_epochs=1")


@pytest.mark.slow
def test_a_run_that_was_stopped_and_killed_ends_with_the_same_weights(
    config_file: Path,
    launch: Launch,
    whole: Training,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    rng: np.random.Generator,
) -> None:
    # After a mistake in the first command, the folder accepts another configuration.
    wrong = f"--data.train_source={tmp_path / 'none'}"
    assert f"{tmp_path / 'none'}: no such file" in failure(f"--config={config_file}", f"--model_dir={tmp_path}", wrong)

    stop = int(rng.integers(5, 60))
    training = launch(tmp_path)
    training.wait_for_update(stop)
    training.send(signal.SIGTERM)
    code, out, err = training.end()
    assert code == 130, err
    assert "stopping after this update" in err
    assert "resumes it" in out
    update = int(re.search(r"stopped at update (\d+)", out).group(1))  # type: ignore[union-attr]
    assert update >= stop
    kept = tmp_path / "checkpoints" / f"step_{update:08d}.npz"
    assert kept.exists()

    training = launch(tmp_path)
    kill = update + int(rng.integers(1, 60))
    training.wait_for_update(kill)
    time.sleep(float(rng.uniform(0.0, 0.02)))
    training.send(signal.SIGKILL)
    code, out, _ = training.end()
    assert code == -signal.SIGKILL
    assert f"resuming from {kept}" in out or not out  # a killed process may not have flushed its output

    training = launch(tmp_path)
    code, out, err = training.end()
    assert code == 0, err
    expected = request.getfixturevalue("finished")
    assert_same_weights(tmp_path, expected)
    assert measured(tmp_path) == measured(expected), (update, kill)


def test_training_continues_if_nobody_reads_its_output_and_its_log_is_complete(finished: Path) -> None:
    lines = (finished / "train.log").read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", line) for line in lines)
    log = "\n".join(lines)
    valid = len([line for line in measured(finished) if "valid_loss" in line and "final" not in line])
    assert log.count(": valid loss ") == valid
    for part in ("run folder ", "training data: ", "model: ", "(100 %)", "final weights: ", "finished after "):
        assert part in log
    assert "\r" not in log


def test_a_finished_run_reports_it_and_changes_nothing(config_file: Path, finished: Path) -> None:
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    done = toy.run_python(*PROGRAM, f"--config={config_file}", f"--model_dir={finished}")
    assert done.returncode == 0
    assert "this run is finished" in done.stdout
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_weights(
    launch: Launch, finished: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    """It is killed from the first second on: during tokenization, tracing and the writing of checkpoints."""
    delays = []
    for _ in range(12):
        training = launch(tmp_path)
        if rng.random() < 0.5:
            delays.append(float(rng.uniform(0.0, 10.0)))
            time.sleep(delays[-1])
        else:
            delays.append(float(training.updates_done() + rng.integers(1, 40)))
            training.wait_for_update(int(delays[-1]))
        training.send(signal.SIGINT if rng.random() < 0.2 else signal.SIGKILL)
        if training.end()[0] == 0:
            break
    code, _, err = launch(tmp_path).end()
    assert code == 0, err
    assert_same_weights(tmp_path, finished)
    assert measured(tmp_path) == measured(finished), delays
