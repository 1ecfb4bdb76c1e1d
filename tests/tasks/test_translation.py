"""The translation task: what preparing makes of raw files."""

from pathlib import Path

import pytest

from seq2seq_tf.options.translation import Config
from seq2seq_tf.tasks.translation import TranslationTask, prepare
from seq2seq_tf.training.run_dir import RunDir
from tests import toy

TARGETS = ["你好，世界！", "5 m² und ½ l …", "می‌خواهم بروم"]  # what NFKC would change


def with_lines(corpus: toy.ToyCorpus, part: str, sources: list[str], targets: list[str]) -> None:
    """Adds lines to the train or valid files."""
    for side, lines in (("source", sources), ("target", targets)):
        path: Path = getattr(corpus, f"{part}_{side}")
        path.write_text(path.read_text(encoding="utf-8") + "".join(f"{x}\n" for x in lines), encoding="utf-8")


def prepared(folder: Path, config: Config) -> tuple[TranslationTask, list[str]]:
    """Returns the task of a new run and what was said."""
    run, said = RunDir(str(folder)), list[str]()
    config = run.create(config)
    return prepare(run, config, said.append), said


@pytest.mark.parametrize("joint", [True, False])
def test_a_model_can_write_each_target_line_of_its_training_data(tmp_path: Path, joint: bool) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    with_lines(corpus, "train", TARGETS, TARGETS)
    config = toy.tiny_config(corpus, data__joint_vocab=joint, data__vocab_size=110, model__tie="none")
    task, said = prepared(tmp_path / "run", config)
    assert task.target.decode(task.target.encode(TARGETS)) == TARGETS
    assert task.source.decode(task.source.encode(TARGETS)) == ["你好,世界!", "5 m2 und 1⁄2 l ...", "می خواهم بروم"]
    assert (task.source.vocab_size == task.target.vocab_size) or not joint
    told = [line for line in said if line.startswith("not written back")]
    assert [line.rpartition("): ")[2][:13] for line in told] == ["3 of 40 lines", "0 of 40 lines"]


def test_the_normalisation_of_the_target_may_be_chosen(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    with_lines(corpus, "train", TARGETS, TARGETS)
    config = toy.tiny_config(corpus, data__vocab_size=110, data__target_normalization="nmt_nfkc")
    task, said = prepared(tmp_path / "run", config)
    assert task.target.decode(task.target.encode(TARGETS[1:2])) == ["5 m2 und 1⁄2 l ..."]
    assert any("target_normalization=nmt_nfkc): 3 of 40 lines" in line for line in said)
