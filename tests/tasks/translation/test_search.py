"""The search gives the results of the Python API, and a score is the teacher-forced log-probability."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.data.batching import make_batch, pad_rows
from seq2seq_tf.search.options import values_of
from seq2seq_tf.structures import BOS_ID, EOS_ID
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.search import TranslationOptions, search_ids
from seq2seq_tf.tasks.translation.translator import Translator
from tests.oracles import wu_penalty
from tests.toy import sentences
from tests.trained import assert_same

TEXTS = [" ".join(words) for words in sentences(23, seed=3, longest=11)]  # unsorted lengths
FEW = [" ".join(words) for words in sentences(7, seed=5)]


def source_of(translator: Translator) -> tf.Tensor:
    ids = [[*row, 3] for row in translator.source.encode(FEW)]
    return tf.ragged.constant(ids, dtype=tf.int32).to_tensor(0)


@pytest.mark.parametrize("options", [{"beam_size": 1}, {"beam_size": 3, "n_best": 2, "length_penalty": 0.5}], ids=str)
def test_ids_are_those_of_the_python_api(options: dict[str, float], translator: Translator) -> None:
    search = translator.search_options(**options)
    chosen = TranslationOptions.by_name(values_of(search))
    chosen = tf.nest.map_structure(tf.constant, chosen)
    found = search_ids(translator.model, source_of(translator), chosen)
    rows = translator.translate_all(FEW, search)
    for n, row in enumerate(rows):
        for k, hypothesis in enumerate(row):
            ids = found.tokens[n, k, : int(found.lengths[n, k]) - 1].numpy().tolist()
            assert translator.target.decode([ids]) == [hypothesis.text]
            np.testing.assert_allclose(found.scores[n, k], hypothesis.score, atol=1e-4)


def test_tokens_of_a_shortlist_are_piece_ids_and_not_columns(translator: Translator) -> None:
    options = tf.nest.map_structure(
        tf.constant, TranslationOptions.by_name(values_of(translator.search_options(beam_size=1)))
    )
    source = source_of(translator)
    whole = search_ids(translator.model, source, options).tokens
    used = sorted({0, 1, 2, 3, *np.unique(whole).tolist()})  # every piece that the search chose, and no other
    short = search_ids(translator.model, source, options, candidates=tf.constant(used, tf.int32)).tokens
    np.testing.assert_array_equal(short, whole)


def test_n_best_is_sorted_and_its_best_is_that_of_n_best_one(translator: Translator) -> None:
    rows = translator.translate(TEXTS, beam_size=5, n_best=5)
    for row, best in zip(rows, translator.translate(TEXTS, beam_size=5), strict=True):
        scores = [h.score for h in row]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(h.pieces) for h in row}) == len(row)
        assert_same(row[0], best)


def assert_scores_are_teacher_forced(translator: Translator, search: TranslationSearchConfig, rtol: float) -> None:
    """Asserts that each hypothesis, scored with its own pieces, gets the log-probability of the search."""
    sources = translator.encode_sources(TEXTS, 1000)
    found = [x.numpy() for x in translator.search_ids(pad_rows(sources, last=EOS_ID), search)]
    tokens, lengths, scores, log_probs = (x.reshape(-1, *x.shape[2:]) for x in found)
    rows = [row[: length - 1] for row, length in zip(tokens, lengths, strict=True)]
    batch = make_batch([source for source in sources for _ in range(search.n_best)], rows)
    forced = translator.score_ids(*batch)[0].numpy().sum(1)
    np.testing.assert_allclose(log_probs, forced, rtol=rtol)
    penalties = [wu_penalty(length, search.length_penalty) for length in lengths]
    np.testing.assert_allclose(scores, forced / penalties, rtol=rtol)
    hypotheses = [h for row in translator.translate_all(TEXTS, search) for h in row]
    np.testing.assert_allclose([h.score for h in hypotheses], scores, rtol=rtol)
    np.testing.assert_allclose([h.log_prob for h in hypotheses], log_probs, rtol=rtol)


@pytest.mark.parametrize(
    ("beam_size", "n_best", "length_penalty"), [(1, 1, 0.7), (3, 1, 0.0), (3, 3, 1.0), (7, 5, 2.3)]
)
def test_a_score_is_the_teacher_forced_log_probability_over_the_length_penalty(
    translator: Translator, beam_size: int, n_best: int, length_penalty: float
) -> None:
    search = TranslationSearchConfig(beam_size=beam_size, n_best=n_best, length_penalty=length_penalty)
    assert_scores_are_teacher_forced(translator, search, rtol=1e-4)


def test_a_score_is_the_teacher_forced_log_probability_in_bfloat16_too(translator: Translator) -> None:
    vocabs = (translator.source.vocab_size, translator.target.vocab_size)
    model = Translation(translator.config.model, *vocabs, precision="bfloat16")
    model.build()
    for ours, theirs in zip(model.trainable_variables, translator.model.trainable_variables, strict=True):
        ours.assign(theirs.value)
    rounding = Translator(model, translator.source, translator.target, translator.config)
    assert_scores_are_teacher_forced(rounding, TranslationSearchConfig(beam_size=3, n_best=3), rtol=1e-2)


def greedy_by_trying(translator: Translator, source: list[int], longest: int) -> list[int]:
    """Returns the greedy translation, found by scoring every piece of the vocabulary at each step."""
    vocab = translator.target.vocab_size
    tokens: list[int] = []
    while len(tokens) < longest - 1:
        rows = np.array([[*tokens, last] for last in range(1, vocab)], np.int32)  # [V - 1, T]; PAD is no piece
        starts = np.full([vocab - 1, 1], BOS_ID, np.int32)
        batch = (np.array([[*source, EOS_ID]] * (vocab - 1), np.int32), np.hstack([starts, rows[:, :-1]]), rows)
        gained = translator.score_ids(*batch)[0].numpy()[:, -1]  # [V - 1]
        gained[BOS_ID - 1] = -np.inf
        tokens.append(int(np.argmax(gained)) + 1)
        if tokens[-1] == EOS_ID:
            return tokens
    return [*tokens, EOS_ID]


def test_a_beam_size_of_one_chooses_the_best_piece_at_each_step(translator: Translator) -> None:
    search = TranslationSearchConfig(beam_size=1)
    sources = translator.encode_sources(TEXTS[:5], 1000)
    found = translator.search_ids(pad_rows(sources, last=EOS_ID), search)
    for n, source in enumerate(sources):
        longest = int(search.max_ratio * (len(source) + 1)) + search.max_extra
        expected = greedy_by_trying(translator, source, longest)
        assert found.tokens[n, 0, : found.lengths[n, 0]].numpy().tolist() == expected


@pytest.mark.kernels
def test_score_counts_the_end_and_does_not_depend_on_batch_mates(translator: Translator) -> None:
    targets = [*TEXTS[1:-1], "", TEXTS[0]]
    together = translator.score(TEXTS, targets)
    alone = [translator.score([s], [t])[0] for s, t in zip(TEXTS, targets, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-4)
    assert max(together) < 0.0  # that of the empty target too
    assert translator.score([], []) == []


def test_score_agrees_with_the_search_if_the_pieces_are_the_same(translator: Translator) -> None:
    found = translator.translate(TEXTS)
    cuts = [translator.target.pieces(ids) for ids in translator.target.encode([h.text for h in found])]
    same = [n for n, cut in enumerate(cuts) if cut == found[n].pieces]
    assert len(same) > 5
    scores = translator.score([TEXTS[n] for n in same], [found[n].text for n in same])
    np.testing.assert_allclose(scores, [found[n].log_prob for n in same], rtol=1e-4)


@pytest.mark.parametrize("n_best", [1, 3])
def test_attention_rows_are_shares_of_the_source(translator: Translator, n_best: int) -> None:
    rows = translator.translate_all(TEXTS, translator.search_options(n_best=n_best), attention=True)
    for row in rows:
        for h in row:
            assert h.attention.shape == (len(h.pieces) + 1, len(h.source_pieces) + 1)
            np.testing.assert_allclose(h.attention.sum(1), 1.0, rtol=1e-5)
            assert h.attention.min() >= 0.0
    assert translator.translate(TEXTS[0]).attention.shape == (0, 0)


def test_attention_does_not_depend_on_batch_mates(translator: Translator) -> None:
    together = translator.translate(TEXTS, attention=True)
    for n in (0, 7, 13):
        alone = translator.translate(TEXTS[n], attention=True)
        np.testing.assert_allclose(alone.attention, together[n].attention, atol=1e-5)
