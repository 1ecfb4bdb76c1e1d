"""The translation task: preparing raw files, validation and held-out scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.metrics import bleu, chrf
from seq2seq_tf.tasks.translation.task import TranslationTask, prepare
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import toy

TARGETS = ["你好，世界！", "5 m² und ½ l …", "می‌خواهم بروم"]  # what NFKC would change


def with_lines(corpus: toy.ToyCorpus, part: str, sources: list[str], targets: list[str]) -> None:
    """Adds lines to the train or valid files."""
    for side, lines in (("source", sources), ("target", targets)):
        path: Path = getattr(corpus, f"{part}_{side}")
        path.write_text(path.read_text(encoding="utf-8") + "".join(f"{x}\n" for x in lines), encoding="utf-8")


def prepared(folder: Path, config: TranslationConfig) -> tuple[TranslationTask, list[str]]:
    """Returns the task of a new run and the lines that were printed."""
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
    told = [line for line in said if line.startswith("not restored exactly")]
    assert [line.rpartition("): ")[2][:13] for line in told] == ["3 of 40 lines", "0 of 40 lines"]


CHINESE = ["你好世界", "再见世界", "世界你好再见"]


def chinese_run(folder: Path, **changes: Any) -> TranslationConfig:
    """Returns the configuration of a corpus whose targets are Chinese."""
    corpus = toy.make_corpus(folder / "corpus", seed=5)
    count = len(corpus.train_target.read_text(encoding="utf-8").splitlines())
    corpus.train_target.write_text("".join(f"{CHINESE[n % 3]}\n" for n in range(count)), encoding="utf-8")
    corpus.valid_target.write_text("".join(f"{CHINESE[n % 3]}\n" for n in range(5)), encoding="utf-8")
    return toy.tiny_config(corpus, **{"train__bleu_tokenizer": "auto", **changes})


def test_the_tokenizer_of_bleu_is_chosen_for_the_target_text_stored_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = chinese_run(tmp_path)
    task, said = prepared(tmp_path / "run", config)
    run = RunDir(str(tmp_path / "run"))
    assert task.tokenizer == run.load_config(TranslationConfig).train.bleu_tokenizer == "zh"
    assert "BLEU of the held-out text uses sacreBLEU's tokenizer zh" in said
    references = [target for _, target in task.valid_texts]
    written = [[Hypothesis(text + "。", 0.0, 0.0, [], [], np.zeros((0, 0)))] for text in references]
    monkeypatch.setattr(task.translator, "translate_all", lambda *_, **__: written)
    assert task.validate()["bleu"] > 40.0  # 13a sees five wrong words
    assert run.create(config).train.bleu_tokenizer == "zh"  # auto is compatible with the choice
    again, _ = prepared(tmp_path / "run", config)
    assert again.tokenizer == "zh"


def test_a_run_older_than_the_option_keeps_its_tokenizer(tmp_path: Path) -> None:
    config = chinese_run(tmp_path)
    prepared(tmp_path / "run", config)
    stored = tmp_path / "run" / "config.yaml"
    stored.write_text("".join(x for x in stored.read_text().splitlines(True) if "bleu_tokenizer" not in x))
    again, said = prepared(tmp_path / "run", config)
    assert again.tokenizer == "13a"
    assert not any("tokenizer" in line for line in said)


def test_a_tokenizer_that_is_not_installed_gives_a_one_line_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sacrebleu.tokenizers import tokenizer_ja_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    with pytest.raises(InputError, match=r"^train\.bleu_tokenizer: tokenize=ja-mecab: .*pip install sacrebleu\[ja\]"):
        prepared(tmp_path / "run", chinese_run(tmp_path, train__bleu_tokenizer="ja-mecab"))


def test_training_reports_that_its_metric_is_constant_and_the_loss_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    config = toy.tiny_config(corpus, train__metric="bleu", train__max_epochs=3, train__patience=2)
    run = RunDir(str(tmp_path / "run"))
    config = run.create(config)
    task = prepare(run, config, lambda _: None)
    losses = iter([5.0, 4.0, 3.0, 9.0, 8.0])  # of three validations and of the two choices at the end
    monkeypatch.setattr(task, "validate", lambda: {"loss": next(losses), "bleu": 0.0, "chrf": 0.0})
    session = Session(run, config, task, lambda: False)
    assert session.run().finished
    assert session.validations.updates[0] == session.position.update
    told = "".join(capsys.readouterr())
    assert "train.metric=bleu has stayed at 0.000 for 3 validations while the loss fell" in told


def test_the_normalisation_of_the_target_may_be_chosen(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    with_lines(corpus, "train", TARGETS, TARGETS)
    config = toy.tiny_config(corpus, data__vocab_size=110, data__target_normalization="nmt_nfkc")
    task, said = prepared(tmp_path / "run", config)
    assert task.target.decode(task.target.encode(TARGETS[1:2])) == ["5 m2 und 1⁄2 l ..."]
    assert any("target_normalization=nmt_nfkc): 3 of 40 lines" in line for line in said)


@pytest.mark.parametrize("part", ["train", "valid"])
def test_the_same_text_on_both_sides_is_refused_with_a_reference_to_the_doctor(tmp_path: Path, part: str) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    source, target = getattr(corpus, f"{part}_source"), getattr(corpus, f"{part}_target")
    target.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    wanted = rf"data\.{part}_source and data\.{part}_target contain the same lines .*seq2seq-data doctor"
    with pytest.raises(InputError, match=wanted):
        prepared(tmp_path / "copied", toy.tiny_config(corpus))
    config = toy.tiny_config(corpus, **{f"data__{part}_target": str(source)})
    with pytest.raises(InputError, match=wanted):
        prepared(tmp_path / "named twice", config)
    assert not (tmp_path / "copied" / "source.model").exists()


def test_final_weights_are_scored_greedily_and_with_the_beam_of_the_run(toy_run: Path, translator: Translator) -> None:
    final = json.loads((toy_run / "metrics.jsonl").read_text().splitlines()[-1])
    data = translator.config.data
    sources, references = (Path(x).read_text().splitlines() for x in (data.valid_source, data.valid_target))
    for prefix, size in (("", 1), ("beam_", 3)):
        written = [h.text for h in translator.translate(sources, split_sentences=False, beam_size=size)]
        assert final[f"valid_{prefix}bleu"] == pytest.approx(bleu(written, references).value)
        assert final[f"valid_{prefix}chrf"] == pytest.approx(chrf(written, references).value)
        assert final[f"valid_{prefix}length_ratio"] == pytest.approx(sum(map(len, written)) / sum(map(len, references)))
    told = next(x for x in (toy_run / "train.log").read_text().splitlines() if "final weights" in x)
    assert f"beam bleu {final['valid_beam_bleu']:.3f}" in told


def test_without_a_beam_there_are_only_greedy_scores(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    task, _ = prepared(tmp_path / "run", toy.tiny_config(corpus, search__beam_size=1, search__n_best=1))
    assert task.search_scores() == {}


def test_outputs_that_are_far_too_short_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    run, config = RunDir(str(tmp_path / "run")), toy.tiny_config(corpus, train__max_epochs=1)
    config = run.create(config)
    task = prepare(run, config, lambda _: None)
    empty = [[Hypothesis("", 0.0, 0.0, [], [], np.zeros((0, 0)))] for _ in task.valid_texts]
    monkeypatch.setattr(task.translator, "translate_all", lambda *_, **__: empty)
    monkeypatch.setattr(task, "pictures", dict)
    assert task.validate()["length_ratio"] == 0.0
    Session(run, config, task, lambda: False).run()
    assert "warning: the outputs are only 0.00 times as long as the references" in capsys.readouterr().out


@pytest.mark.parametrize("blank", ["\u200b", "\x01 \ufeff"])
def test_held_out_pairs_without_content_are_left_out_and_training_continues(tmp_path: Path, blank: str) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    lines = corpus.valid_source.read_text(encoding="utf-8")
    corpus.valid_source.write_text(f"{blank}\n{lines}ba\n", encoding="utf-8")
    targets = corpus.valid_target.read_text(encoding="utf-8")
    corpus.valid_target.write_text(f"du\n{targets} \x02\n", encoding="utf-8")
    task, said = prepared(tmp_path / "run", toy.tiny_config(corpus))
    assert "held-out text: 2 of 7 pairs with an empty side skipped" in said
    assert len(task.valid_texts) == 5
    assert all(map(np.isfinite, task.validate().values()))
    assert len(task.pictures()) == 3


def test_held_out_text_without_any_content_is_refused(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=5)
    corpus.valid_source.write_text("\u200b\n", encoding="utf-8")
    corpus.valid_target.write_text("ba\n", encoding="utf-8")
    with pytest.raises(InputError, match="no pair has text on both sides"):
        prepared(tmp_path / "run", toy.tiny_config(corpus))
