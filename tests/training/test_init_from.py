"""A new run that starts from another run's weights, in every task; the old one is not needed afterwards."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.config.loading import TASKS as TASK_KINDS
from seq2seq_tf.config.loading import flatten, leaves, load
from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.init_from import check_base, take_over_tokenizers, values_of_base
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import model_variables
from tests import every_task
from tests.every_task import PROGRAMS, TASKS, Example, example
from tests.trained import Call, assert_one_error_line, run_program


def tuned(base: Path, found: Example, **changes: Any) -> Example:
    """Returns `found` with the weights, tokenizers and sizes of the base in its configuration."""
    kind = type(found.config)
    given = {name: value for name, value in flatten(found.config).items() if name.startswith(("data.", "train."))}
    values = {**given, **values_of_base(kind, str(base)).values, "train.init_from": str(base), **changes}
    return found._replace(config=load(None, values, kind).config)


_QUICK = ("language_model",)


@pytest.fixture(scope="module", params=[pytest.param(t, marks=() if t in _QUICK else pytest.mark.slow) for t in TASKS])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(task: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run of the task that has begun and has its first weights."""
    folder = tmp_path_factory.mktemp(task)
    asked = iter((False, False, True))
    every_task.train(example(task, folder / "data"), folder / "run", lambda: next(asked))
    return folder / "run"


def test_a_run_starts_from_the_weights_and_tokenizers_of_another_and_then_is_independent(
    base: Path, task: str, tmp_path: Path
) -> None:
    moved = shutil.copytree(base, tmp_path / "base")
    with (moved / "model.npz").open("wb") as file:  # final weights come first
        arrays, state = checkpoint.load_arrays(str(RunDir(str(moved)).latest_checkpoint()))
        weights = {name: array for name, array in arrays.items() if name.startswith("model/")}
        checkpoint.save_arrays(file.name, weights, {"update": state["position"]["update"]})
    found = tuned(moved, example(task, tmp_path / "data", train__max_epochs=1, train__seed=5))
    folder = tmp_path / "run"
    assert not every_task.train(found, folder, lambda: True).finished  # stops after one update
    first, state = checkpoint.load_arrays(str(folder / "best" / "step_00000000.npz"))
    assert {name: array.tobytes() for name, array in first.items()} == {n: a.tobytes() for n, a in weights.items()}
    for name in found.config.tokenizer_files:
        assert (folder / name).read_bytes() == (moved / name).read_bytes()
    shutil.rmtree(moved)
    assert every_task.train(found, folder).finished
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["update"] for line in lines if line.get("best") is not None][0] == 0
    assert checkpoint.load_state(str(folder / "model.npz"))["score"] >= state["score"]


def test_an_option_that_does_not_fit_is_named_with_both_values(base: Path, task: str, tmp_path: Path) -> None:
    found = tuned(base, example(task, tmp_path / "data"))
    run = RunDir(str(tmp_path / "run"))
    check_base(run, found.config)
    config: Any = found.config  # of any task
    old = config.model.embedding_units
    model = dataclasses.replace(config.model, embedding_units=old + 1)
    with pytest.raises(InputError, match=rf"model\.embedding_units={old + 1} does not fit train\.init_from=.*{old};"):
        check_base(run, dataclasses.replace(config, model=model))
    other = dataclasses.replace(config, model=dataclasses.replace(config.model, output_dropout=0.77))
    check_base(run, other)
    assert not (tmp_path / "run").exists()


def test_an_unusable_base_is_refused_before_anything_is_written(base: Path, task: str, tmp_path: Path) -> None:
    found = tuned(base, example(task, tmp_path / "data"))
    config: Any = found.config  # of any task
    run = RunDir(str(tmp_path / "run"))

    def refused(path: Path, words: str) -> None:
        train = dataclasses.replace(config.train, init_from=str(path))
        with pytest.raises(InputError, match=words):
            check_base(run, dataclasses.replace(config, train=train))

    refused(tmp_path / "none", "none: not a run folder")
    refused(Path(run.path), "is the run folder itself")
    broken = shutil.copytree(base, tmp_path / "broken")
    (broken / found.config.tokenizer_files[0]).unlink()
    refused(broken, rf"{found.config.tokenizer_files[0]} is missing there")
    for folder in ("checkpoints", "best"):
        shutil.rmtree(broken / folder)
    (broken / found.config.tokenizer_files[0]).touch()
    refused(broken, "no weights yet")
    (broken / "model.npz").write_bytes(b"PK")
    refused(broken, "damaged or truncated")
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_base_copies_nothing(tmp_path: Path) -> None:
    run = RunDir(str(tmp_path))
    assert not take_over_tokenizers(run, example("captioning", tmp_path).config, print)


def test_labels_of_the_new_data_must_be_known_to_the_base(tmp_path: Path) -> None:
    run, _, made = every_task.prepare(example("classification", tmp_path / "data"), tmp_path / "base")
    checkpoint.save(run.best_file(1), model_variables(made.model), {"score": 0.0})
    found = tuned(tmp_path / "base", example("classification", tmp_path / "other"))
    train = Path(found.config.data.train)  # type: ignore[attr-defined]
    (train / "klingon.txt").write_text("nuqneH\n", encoding="utf-8")
    with pytest.raises(InputError, match="label 'klingon' is not one of "):
        every_task.prepare(found, tmp_path / "run")


def flags(task: str, base: Path, folder: Path) -> list[str]:
    """Returns the flags of a run on other data that starts from the base; none are about sizes or tokenizers."""
    kind = TASK_KINDS[task]
    values, bound = flatten(example(task, folder / "other").config), values_of_base(kind, str(base)).values
    own = [leaf for leaf in leaves(kind) if leaf.name.startswith("data.") and leaf.name not in bound]
    given = [f"--{leaf.name}={values[leaf.name]}" for leaf in own if values[leaf.name] != leaf.default]
    return [*PROGRAMS[task][1], f"--model_dir={folder / 'run'}", f"--train.init_from={base}", *given]


def test_the_program_names_what_contradicts_the_base(base: Path, task: str, tmp_path: Path) -> None:
    ended = run_program(Call(PROGRAMS[task][0], [*flags(task, base, tmp_path), "--model.cell=gru"]))
    assert_one_error_line(ended, f"model.cell='gru' does not fit train.init_from={base}", "has 'lstm'")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_program_takes_sizes_and_tokenizers_from_the_base(base: Path, task: str, tmp_path: Path) -> None:
    few = ["--train.max_updates=1", "--train.metric=loss"]
    ended = run_program(Call(PROGRAMS[task][0], [*flags(task, base, tmp_path), *few]))
    assert ended.code == 0, ended
    assert f"starting from the weights of {base}/checkpoints/" in ended.stdout
    kind = TASK_KINDS[task]
    stored, old = (RunDir(str(folder)).load_config(kind) for folder in (tmp_path / "run", base))
    assert stored.model == old.model
    assert stored.train.init_from == str(base)
