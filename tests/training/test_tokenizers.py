"""Weights identify the tokenizers they were trained with, and a run that has weights never makes these again."""

import importlib
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from seq2seq_tf.training.weights import load_weights
from tests import every_task

TRAINERS = ("train_piece_model", "train_piece_models", "write_character_tokenizer", "write_word_tokenizer")
QUICK = ("translation", "tagging")  # pieces of two sides; pieces, labels and words


class Trained(NamedTuple):
    """A task whose training was stopped after its first validation."""

    name: str
    example: every_task.Example
    folder: Path
    task: Any


def stop_after(updates: int) -> Any:
    left = iter(range(updates, -1, -1))
    return lambda: next(left) == 1


@pytest.fixture(
    scope="module",
    params=[pytest.param(t, marks=() if t in QUICK else pytest.mark.slow) for t in every_task.TASKS],
)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp(request.param)
    example = every_task.example(request.param, folder / "data", train__validate_every=2, train__max_epochs=2)
    every_task.train(example, folder / "run", stop_after(3))
    _, _, task = every_task.prepare(example, folder / "run")
    return Trained(request.param, example, folder / "run", task)


def copy(trained: Trained, to: Path) -> RunDir:
    shutil.copytree(trained.folder, to)
    return RunDir(str(to))


def test_weights_of_other_tokenizers_are_refused_and_both_files_named(trained: Trained, tmp_path: Path) -> None:
    run = copy(trained, tmp_path / "run")
    for name in trained.example.config.tokenizer_files:
        path = Path(run.path, name)
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        with pytest.raises(InputError) as caught:
            load_weights(run, trained.task.model)
        assert str(caught.value).startswith(f"{run.weights_file()}: these weights were trained with another {path}")
        with pytest.raises(InputError, match=f"trained with another .*{name}"):
            Session(run, run.load_config(type(trained.example.config)), trained.task, lambda: True).run()
        path.write_bytes(content)
    load_weights(run, trained.task.model)


def test_weights_without_hashes_load_as_before(trained: Trained, tmp_path: Path) -> None:
    run = copy(trained, tmp_path / "run")
    path = run.weights_file()
    arrays, state = checkpoint.load_arrays(path)
    assert set(state.pop("tokenizers")) == set(trained.example.config.tokenizer_files)
    checkpoint.save_arrays(path, arrays, state)
    Path(run.path, trained.example.config.tokenizer_files[0]).write_bytes(b"another")
    load_weights(run, trained.task.model)


def test_a_run_with_weights_never_makes_its_tokenizers_again(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy(trained, tmp_path / "run")
    shutil.rmtree(run.data)
    module = importlib.import_module(f"seq2seq_tf.tasks.{trained.name}.task")
    for name in TRAINERS:
        monkeypatch.setattr(module, name, None, raising=False)
    files = [Path(run.path, name) for name in trained.example.config.tokenizer_files]
    before = [path.read_bytes() for path in files]
    every_task.prepare(trained.example, Path(run.path))
    assert [path.read_bytes() for path in files] == before
    shutil.rmtree(run.data)
    files[0].unlink()
    with pytest.raises(InputError, match=f"{files[0].name}: missing, and the weights of this run are useless without"):
        every_task.prepare(trained.example, Path(run.path))
    assert not files[0].exists()
