"""A made-up language is learned to its entropy, and the configurations of the project train."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.config.loading import load, task_of
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.language_model.task import prepare
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import language_models, toy

PATHS = [path for path in sorted((toy.ROOT / "configs").glob("*.yaml")) if task_of(path) == "language_model"]
ENTROPY = 4.0 / 5.0  # bits per character: two of five carry two bits each, the others follow from them


def write_mirrors(path: Path, *, groups: int, seed: int) -> None:
    """Writes groups of two random letters, the same two mirrored, and a space."""
    letters = np.random.default_rng(seed).choice(list("abcd"), [groups, 2])
    path.write_text("".join(f"{x}{y}{y}{x} " for x, y in letters), encoding="utf-8")


def test_a_language_of_known_entropy_is_learned_to_its_entropy(tmp_path: Path, run_seed: int) -> None:
    """Chunks of 7 cut the groups at every position, so the state of the previous chunk is needed."""
    for n, part in enumerate(("train", "valid")):
        write_mirrors(tmp_path / part, groups=(3000, 400)[n], seed=run_seed + n)
    config = language_models.config(
        tmp_path / "train",
        data__valid=str(tmp_path / "valid"),
        model__units=29,
        model__output_dropout=0.0,
        train__seed=run_seed,
        train__batch_size=20,
        train__bptt_steps=7,
        train__max_epochs=7,
        train__log_every=1000,
    )
    assert language_models.train(tmp_path / "run", config).finished
    text = (tmp_path / "valid").read_text(encoding="utf-8")
    generator = TextGenerator.load(str(tmp_path / "run"))
    found = generator.score([text])[0].bits_per_character
    assert ENTROPY - 0.01 < found < ENTROPY + 0.04, found
    groups = generator.sample("ab", length=300, temperature=1.0)[0].split(" ")
    right = sum(group == group[::-1] for group in groups[1:-1])
    assert right >= 0.95 * len(groups[1:-1]), groups


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_configuration_of_language_models_trains_two_updates(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("def f(x):\n    return [x]\n" * 30, encoding="utf-8")
    files = {f"data.{part}": str(tmp_path / "text") for part in ("train", "valid", "test")}
    run = RunDir(str(tmp_path / "run"))
    config = run.create(load(path, {**files, "train.log_every": 1, "train.bptt_steps": 3}, LanguageModelConfig).config)
    calls = iter((False, True))
    session = Session(run, config, prepare(run, config, lambda _: None), lambda: next(calls))
    assert session.run()[:2] == (False, 2)
    assert run.latest_checkpoint() == run.checkpoint_file(2)
