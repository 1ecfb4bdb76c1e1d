"""An unknown name gets a suggestion of what was meant."""

from __future__ import annotations

import pytest

from seq2seq_tf.config.loading import leaves
from seq2seq_tf.errors import nearest
from seq2seq_tf.hints import _MEANINGS, _words, similar
from seq2seq_tf.tasks import TASKS

KNOWN = {task: [leaf.name for leaf in leaves(kind)] for task, kind in TASKS.items()}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epochs", "train.max_epochs"),
        ("train.epochs", "train.max_epochs"),
        ("lr", "train.learning_rate"),
        ("train.lr", "train.learning_rate"),
        ("batch_size", "train.batch_tokens"),
        ("train.batch-size", "train.batch_tokens"),
        ("search.batch_size", "search.batch_tokens"),
        ("model.hidden_size", "model.encoder_units"),
        ("num_layers", "model.encoder_layers"),
        ("model.dropout", "model.output_dropout"),
        ("vocab", "data.vocab_size"),
        ("beam", "search.beam_size"),
        ("early_stopping", "train.patience"),
        ("warmup_steps", "train.warmup_updates"),
        ("optim", "train.optimizer"),
        ("random_seed", "train.seed"),
        ("max_len", "data.max_pieces"),
        ("embedding_dim", "model.embedding_units"),
        ("grad_clip", "train.clip_norm"),
        ("fp16", "train.precision"),
        ("maxEpochs", "train.max_epochs"),
        ("model.batch_tokens", "train.batch_tokens"),
        ("train.batch_token", "train.batch_tokens"),
        ("train.bacth_tokens", "train.batch_tokens"),
        ("trian.seed", "train.seed"),
        ("data.src", "data.train_source"),
    ],
)
def test_the_first_suggestion_is_what_was_meant(name: str, meant: str) -> None:
    assert similar(name, KNOWN["translation"])[0] == meant


@pytest.mark.parametrize(
    ("task", "meant"),
    [
        ("captioning", "train.batch_size"),
        ("classification", "train.batch_tokens"),
        ("language_model", "train.batch_size"),
        ("tagging", "train.batch_tokens"),
    ],
)
def test_each_task_has_its_own_batch_size(task: str, meant: str) -> None:
    assert similar("train.batch_size", KNOWN[task])[0] == meant


def test_a_name_without_similar_names_gets_no_suggestion() -> None:
    assert similar("xyzzy", KNOWN["translation"]) == []
    assert nearest("xyzzy", KNOWN["translation"]) == ""
    assert nearest("sampel", ["train", "sample"]) == " (did you mean 'sample'?)"


def test_a_name_of_megabytes_is_not_compared() -> None:
    assert similar("a_" * 2**20, KNOWN["translation"]) == []


def test_meanings_name_options_that_exist() -> None:
    tails = {name.rsplit(".", 1)[-1] for names in KNOWN.values() for name in names}
    flags = {"model_dir", "out", "output", "json", "source", "reference", "target", "text", "input"}
    assert {option for options in _MEANINGS.values() for option in options} <= tails | flags
    assert not {word for word in _MEANINGS if word in tails}, "the name of an option must not be an alias of another"


def test_words_are_split_at_punctuation_and_capitals() -> None:
    assert _words("maxEpochs") == _words("max-epochs") == _words("max_epoch") == ["max", "epoch"]
    assert _words("numGPUs2") == ["num", "gpu", "s2"] or _words("numGPUs2")[0] == "num"
