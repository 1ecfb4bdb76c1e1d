"""The search for translations is what the Python API says, whatever is known when it is traced."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.search.options import values_of
from seq2seq_tf.tasks.translation.search import TranslationOptions, search_ids
from seq2seq_tf.tasks.translation.translator import Translator
from tests.toy import sentences

TEXTS = [" ".join(words) for words in sentences(7, seed=5)]


def source_of(translator: Translator) -> tf.Tensor:
    ids = [[*row, 3] for row in translator.source.encode(TEXTS)]
    return tf.ragged.constant(ids, dtype=tf.int32).to_tensor(0)


@pytest.mark.parametrize("options", [{"beam_size": 1}, {"beam_size": 3, "n_best": 2, "length_penalty": 0.5}], ids=str)
def test_ids_are_those_of_the_python_api(options: dict[str, float], translator: Translator) -> None:
    search = translator.search_options(**options)
    chosen = TranslationOptions.by_name(values_of(search))
    chosen = tf.nest.map_structure(tf.constant, chosen)
    found = search_ids(translator.model, source_of(translator), chosen)
    rows = translator.translate_all(TEXTS, search)
    for n, row in enumerate(rows):
        for k, hypothesis in enumerate(row):
            ids = found.tokens[n, k, : int(found.lengths[n, k]) - 1].numpy().tolist()
            assert translator.target.decode([ids]) == [hypothesis.text]
            np.testing.assert_allclose(found.scores[n, k], hypothesis.score, atol=1e-4)


def test_tokens_of_a_shortlist_are_pieces_and_not_columns(translator: Translator) -> None:
    options = tf.nest.map_structure(
        tf.constant, TranslationOptions.by_name(values_of(translator.search_options(beam_size=1)))
    )
    source = source_of(translator)
    whole = search_ids(translator.model, source, options).tokens
    used = sorted({0, 1, 2, 3, *np.unique(whole).tolist()})  # every piece that the search chose, and no other
    short = search_ids(translator.model, source, options, candidates=tf.constant(used, tf.int32)).tokens
    np.testing.assert_array_equal(short, whole)
