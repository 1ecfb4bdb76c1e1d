"""A made-up task is learnt: the words of a sentence in reverse order."""

from pathlib import Path

import pytest

from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import toy

pytestmark = pytest.mark.slow

UNSEEN = 200


def test_95_percent_of_sentences_are_reversed_exactly(tmp_path: Path, run_seed: int) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=run_seed, train=4000, valid=50, longest=8)
    config = toy.tiny_config(
        corpus,
        model__embedding_units=32,
        model__encoder_units=48,
        model__decoder_units=64,
        model__attention_units=32,
        model__output_units=32,
        model__embedding_dropout=0.0,
        model__encoder_dropout=0.0,
        model__output_dropout=0.0,
        train__seed=run_seed,
        train__max_epochs=20,
        train__batch_tokens=400,
        train__pool_pairs=1000,
        train__learning_rate=0.008,
        train__warmup_updates=50,
        train__label_smoothing=0.0,
        train__checkpoint_every=1000,
        train__log_every=100,
    )
    run = RunDir(str(tmp_path / "run"))
    config = run.create(config)
    assert Session(run, config, prepare(run, config, lambda _: None), lambda: False).run().finished

    known = set(corpus.train_source.read_text().splitlines())
    made = toy.sentences(3 * UNSEEN, seed=run_seed + 1, longest=8)
    unseen = [words for words in made if " ".join(words) not in known][:UNSEEN]
    assert len(unseen) == UNSEEN
    translator = Translator.load(run.path)
    found = translator.translate([" ".join(words) for words in unseen], beam_size=4)
    exact = sum(f.text == " ".join(reversed(words)) for f, words in zip(found, unseen, strict=True))
    assert exact >= 0.95 * UNSEEN, f"{exact} of {UNSEEN} exact"
