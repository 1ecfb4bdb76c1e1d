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


@pytest.mark.slow
def test_a_window_as_long_as_the_memory_of_a_markov_chain_reaches_its_entropy_rate(
    tmp_path: Path, run_seed: int
) -> None:
    """Of a chain that remembers two tokens, only a window of two reaches the entropy rate."""
    rng = np.random.default_rng(run_seed)
    letters = list("abcde")
    for order, rows in ((1, 5), (2, 25)):
        transitions = rng.dirichlet(np.full(5, 0.4), rows)  # [rows, 5]
        for part, length in (("train", 30_000), ("valid", 20_000)):
            drawn = [0] * order
            for uniform in rng.random(length):
                row = drawn[-1] if order == 1 else 5 * drawn[-2] + drawn[-1]
                drawn.append(min(int(np.searchsorted(transitions[row].cumsum(), uniform)), 4))
            (tmp_path / f"{part}{order}").write_text("".join(letters[n] for n in drawn), encoding="utf-8")
        text = (tmp_path / f"valid{order}").read_text(encoding="utf-8")
        ids = np.array([letters.index(letter) for letter in text])
        places = ids[:-1] if order == 1 else 5 * ids[:-2] + ids[1:-1]
        rate = float(-np.log2(transitions[places, ids[order:]]).mean())
        found = [_bits_of_a_window(tmp_path, f"{order}", window, run_seed) for window in (1, 2)]
        assert abs(found[order - 1] - rate) < 0.03, (order, found, rate)
        if order == 2:
            assert found[0] > rate + 0.05, (found, rate)


def _bits_of_a_window(folder: Path, text: str, window: int, seed: int) -> float:
    """Returns bits per character of a held-out text, by a window model trained on another text."""
    config = language_models.config(
        folder / f"train{text}",
        data__valid=str(folder / f"valid{text}"),
        model__cell="window",
        model__window=window,
        model__units=29,
        model__embedding_units=7,
        model__output_dropout=0.0,
        train__seed=seed,
        train__batch_size=20,
        train__bptt_steps=50,
        train__max_epochs=10,
        train__log_every=1000,
    )
    run = folder / f"run{text}_{window}"
    assert language_models.train(run, config).finished
    (score,) = TextGenerator.load(str(run)).score([(folder / f"valid{text}").read_text(encoding="utf-8")])
    return score.bits_per_character


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
