"""The Python API: shapes of results, independence of the batch, options, invalid and unusual input."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.search.decode import METHODS
from seq2seq_tf.tasks.translation.lexicon import Lexicon, load_lexicon
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from seq2seq_tf.training.run_dir import RunDir
from tests.toy import sentences
from tests.trained import assert_same, copy_run

TEXTS = [" ".join(words) for words in sentences(23, seed=3, longest=11)]  # unsorted lengths


# --- Results ----------------------------------------------------------------------------------------------------------


def test_the_toy_translator_has_learnt_something(translator: Translator) -> None:
    """Otherwise the other tests would compare empty translations."""
    texts = [h.text for h in translator.translate(TEXTS)]
    assert len(set(texts)) > 11
    assert np.mean([len(text.split()) for text in texts]) > 1


def test_a_string_gives_one_result_and_a_list_gives_a_list(translator: Translator) -> None:
    one = translator.translate(TEXTS[0])
    assert isinstance(one, Hypothesis)
    assert_same(translator.translate([TEXTS[0]])[0], one)
    assert translator.translate([]) == []


def test_n_best_gives_a_list_per_text(translator: Translator) -> None:
    of_one: Any = translator.translate(TEXTS[0], n_best=2)
    assert [type(h) for h in of_one] == [Hypothesis] * 2
    of_three: Any = translator.translate(tuple(TEXTS[:3]), n_best=2)
    assert [len(row) for row in of_three] == [2, 2, 2]
    assert_same(of_three[0][1], of_one[1])


@pytest.mark.parametrize("beam_size", [1, 3])
def test_texts_without_words_stay_empty_at_their_places(translator: Translator, beam_size: int) -> None:
    texts = ["", TEXTS[1], "   ", "\t \n", TEXTS[2], "\u00a0\u3000", "\u200b", "\ufeff\x01"]
    found = translator.translate(texts, beam_size=beam_size, attention=True)
    for n in (0, 2, 3, 5, 6, 7):
        assert found[n][:5] == ("", 0.0, 0.0, [], [])
    for n in (1, 4):
        assert_same(found[n], translator.translate(texts[n], beam_size=beam_size))
    only_empty = translator.translate(["", " "], n_best=2)
    assert [[h.text for h in row] for row in only_empty] == [["", ""], ["", ""]]


@pytest.mark.kernels
@pytest.mark.parametrize("options", [{"beam_size": 1}, {"beam_size": 3, "n_best": 2}])
def test_a_translation_does_not_depend_on_batch_mates(translator: Translator, options: dict[str, int]) -> None:
    search = translator.search_options(**options)
    alone = [translator.translate_all([text], search)[0] for text in TEXTS]
    for batch_tokens in (1, 29, 4096):
        together = translator.translate_all(TEXTS, dataclasses.replace(search, batch_tokens=batch_tokens))
        for ours, theirs in zip(together, alone, strict=True):
            for hypothesis, same in zip(ours, theirs, strict=True):
                assert_same(hypothesis, same)


def test_order_is_kept_whatever_the_lengths(translator: Translator, rng: np.random.Generator) -> None:
    expected = dict(zip(TEXTS, translator.translate(TEXTS), strict=True))
    shuffled = [TEXTS[n] for n in rng.permutation(len(TEXTS))]
    for text, found in zip(shuffled, translator.translate(shuffled, batch_tokens=31), strict=True):
        assert_same(found, expected[text])


# --- Options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beam_size", [1, 3])
def test_length_options_bound_the_output(translator: Translator, beam_size: int) -> None:
    sources = translator.encode_sources(TEXTS, 1000)
    for max_ratio, max_extra in [(0.0, 1), (0.0, 4), (0.3, 2)]:
        found = translator.translate(TEXTS, beam_size=beam_size, max_ratio=max_ratio, max_extra=max_extra)
        for h, source in zip(found, sources, strict=True):
            assert len(h.pieces) + 1 <= int(np.float32(max_ratio) * (len(source) + 1)) + max_extra
    for h, source in zip(translator.translate(TEXTS, beam_size=beam_size, min_ratio=1.5), sources, strict=True):
        assert len(h.pieces) + 1 >= int(1.5 * (len(source) + 1))


def test_defaults_are_the_options_of_the_run(translator: Translator) -> None:
    assert translator.search_options() == translator.config.search
    assert translator.config.search.beam_size == 3
    for ours, theirs in zip(translator.translate(TEXTS), translator.translate(TEXTS, beam_size=3), strict=True):
        assert_same(ours, theirs)


def test_a_smaller_beam_reduces_the_n_best_of_the_run(translator: Translator) -> None:
    search = dataclasses.replace(translator.config.search, beam_size=5, n_best=4)
    config = dataclasses.replace(translator.config, search=search)
    wide = Translator(translator.model, translator.source, translator.target, config)
    assert wide.search_options().n_best == 4
    assert wide.search_options(beam_size=2).n_best == 2
    with pytest.raises(InputError, match="n_best=4"):
        wide.search_options(beam_size=2, n_best=4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"beam_sise": 3}, ["beam_sise", "beam_size"]),
        ({"beam_size": 0}, ["beam_size", "[1, 64]", "0"]),
        ({"beam_size": 65}, ["beam_size", "65"]),
        ({"beam_size": 2.5}, ["beam_size", "int", "2.5"]),
        ({"beam_size": "wide"}, ["beam_size", "int", "wide"]),
        ({"n_best": 4}, ["n_best=4", "beam_size=3"]),
        ({"length_penalty": -0.1}, ["length_penalty", "-0.1"]),
        ({"length_penalty": float("nan")}, ["length_penalty", "nan"]),
        ({"max_ratio": "wide"}, ["max_ratio", "wide"]),
        ({"batch_tokens": 0}, ["batch_tokens"]),
        ({"max_source_pieces": True}, ["max_source_pieces", "bool"]),
    ],
)
def test_an_unknown_option_or_one_out_of_range_is_named(
    translator: Translator, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        translator.translate(TEXTS, **options)
    for word in words:
        assert word in str(caught.value)
    assert "--" not in str(caught.value)  # flags are written like that


def test_score_refuses_lists_of_different_lengths_and_single_texts(translator: Translator) -> None:
    with pytest.raises(InputError, match="2 and 1"):
        translator.score(TEXTS[:2], TEXTS[:1])
    with pytest.raises(InputError, match="sources must be a list of texts, got one text"):
        translator.score("ka be", ["ka be"])


@pytest.mark.parametrize("bad", [None, b"ka", 7, ["ka"], float("nan"), "ka\udcff"])
def test_an_item_that_is_not_a_text_is_named(translator: Translator, bad: Any) -> None:
    named = "texts: item 2 (must be a str|is not valid Unicode)"
    with pytest.raises(InputError, match=named):
        translator.translate([TEXTS[0], bad])
    with pytest.raises(InputError, match=named.replace("texts", "targets")):
        translator.score(TEXTS[:2], [TEXTS[0], bad])
    others: tuple[Any, ...] = (None, 7, b"ka", {"ka": 1}, tf.constant("ka"))
    for given in others:
        with pytest.raises(InputError, match="texts must be a list of texts, got "):
            translator.translate(given)
    with pytest.raises(InputError, match="texts: item 1 must be a str, got EagerTensor"):
        translator.translate(tf.constant(["ka"]))


def test_texts_may_be_an_array_or_a_generator(translator: Translator) -> None:
    expected = [h.text for h in translator.translate(TEXTS[:3])]
    for texts in (np.array(TEXTS[:3]), (text for text in TEXTS[:3])):
        assert [h.text for h in translator.translate(texts)] == expected
    np.testing.assert_allclose(translator.score(np.array(TEXTS), iter(TEXTS)), translator.score(TEXTS, TEXTS))


def test_a_pair_too_long_for_memory_is_named_and_not_scored(translator: Translator) -> None:
    with pytest.raises(InputError, match=r"pair 2: [\d,]+ source and [\d,]+ target pieces are too many to score"):
        translator.score(["ka", "ka be " * 9999], ["ka", "be ka " * 9999])


def test_a_translator_describes_itself(translator: Translator, toy_run: Path) -> None:
    parameters = sum(v.value.numpy().size for v in translator.model.trainable_variables)
    for part in (
        str(toy_run),
        translator.weights.label,
        "lstm",
        "attention bahdanau",
        f"{parameters:,} parameters",
        "60 source and 60 target",
    ):
        assert part in repr(translator)


def test_no_call_traces_again(translator: Translator) -> None:
    for count, beam_size, penalty in [(1, 1, 0.0), (2, 2, 0.5), (5, 3, 1.0), (7, 11, 2.0), (23, 1, 1.5)]:
        translator.translate(TEXTS[:count], beam_size=beam_size, length_penalty=penalty, attention=True)
        translator.translate(TEXTS[:count], beam_size=beam_size, max_ratio=0.1 * count, max_extra=count, min_ratio=0.1)
        translator.score(TEXTS[:count], TEXTS[-count:])
    exact = [translator.searches[method, False] for method in METHODS]
    for function in (*exact, translator.score_ids):
        assert function.experimental_get_tracing_count() == 1


def test_parallel_batches_trace_once(translator: Translator) -> None:
    fresh = Translator(translator.model, translator.source, translator.target, translator.config)
    fresh.translate(TEXTS, beam_size=1, batch_tokens=1)
    counts = {key: function.experimental_get_tracing_count() for key, function in fresh.searches.items()}
    assert counts.pop(("greedy", False)) == 1
    assert not any(counts.values())  # the others are traced on first use


# --- Unusual texts ----------------------------------------------------------------------------------------------------


def test_a_long_text_is_truncated_with_a_warning_that_names_it(translator: Translator) -> None:
    long = "ka be du " * 11_112  # 100,008 characters
    with pytest.warns(UserWarning, match=r"text 2: cut from \d+ to 37 pieces") as caught:
        found = translator.translate([TEXTS[0], long, TEXTS[1]], max_source_pieces=37)
    assert len(caught) == 1
    assert len(found[1].source_pieces) == 37
    assert_same(found[0], translator.translate(TEXTS[0]))
    assert_same(found[2], translator.translate(TEXTS[1]))


def test_a_text_at_the_limit_is_not_truncated(translator: Translator) -> None:
    pieces = len(translator.source.encode([TEXTS[0]])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = translator.translate(TEXTS[0], max_source_pieces=pieces)
    assert_same(found, translator.translate(TEXTS[0]))


def test_line_ends_are_spaces(translator: Translator) -> None:
    for text in ("ka be\nlo mi", "ka be\n\nlo mi\n", "ka be\r\nlo mi"):
        assert_same(translator.translate(text), translator.translate("ka be lo mi"))
        np.testing.assert_allclose(translator.score([text], [text]), translator.score(["ka be lo mi"], ["ka be lo mi"]))


STRANGE = {
    "a NUL": "a\x00b",
    "only a NUL": "\x00",
    "emoji": "\U0001f600 ka \U0001f469\u200d\U0001f467",
    "combining marks": "e\u0301\u0301",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "Korean": "\uae40\uce58",
    "a byte order mark": "\ufeffka",
    "a long word": "x" * 999,
    "names of special pieces": "<s> </s> <unk> <pad>",
}


@pytest.mark.filterwarnings("ignore:text .*cut from")
@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_any_text_gives_some_text(translator: Translator, text: str) -> None:
    found = translator.translate(text, attention=True)
    assert isinstance(found.text, str)
    assert np.isfinite(found.score)
    assert np.isfinite(translator.score([text], [text])[0])


def test_early_stopping_never_finds_a_better_translation_and_here_sometimes_a_worse_one(translator: Translator) -> None:
    texts = [" ".join(words) for words in sentences(31, seed=5)]
    exact, early = (
        np.array([h.score for h in translator.translate(texts, beam_size=5, length_penalty=3.0, early_stop=early_stop)])
        for early_stop in (False, True)
    )
    assert (early <= exact + 1e-5).all()
    assert (early < exact - 1e-3).any()


def test_a_shortlist_of_all_pieces_gives_the_exact_translations(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = Lexicon(
        np.zeros((translator.source.vocab_size, 1), np.int32),
        np.arange(translator.target.vocab_size),
        translator.target.vocab_size,
        joint=True,
    )
    monkeypatch.setattr(translator, "_lexicon", everything)
    texts = [" ".join(words) for words in sentences(9, seed=5)]
    for beam_size in (1, 3):
        exact = translator.translate(texts, beam_size=beam_size)
        short = translator.translate(texts, beam_size=beam_size, shortlist=1)
        assert [h.text for h in short] == [h.text for h in exact]
        np.testing.assert_allclose([h.score for h in short], [h.score for h in exact], rtol=1e-4, atol=1e-5)


def test_a_shortlist_restricts_the_search_to_its_pieces(translator: Translator, toy_run: Path) -> None:
    found = translator.translate("ba de gi", shortlist=1, beam_size=3)
    allowed = translator.lexicon().candidates(np.asarray(translator.source.encode(["ba de gi"])), 1)
    assert set(translator.target.encode([found.text])[0]) <= set(allowed)
    assert (toy_run / "lexicon.npz").exists()


def test_a_shortlist_without_training_pairs_is_refused(toy_run: Path, tmp_path: Path) -> None:
    bare = Translator.load(str(copy_run(toy_run, tmp_path / "bare", "lexicon.npz")))
    with pytest.raises(InputError, match=r"lexicon\.npz: no such file, and the training pairs in .*data"):
        bare.translate("ba", shortlist=5)


def test_a_lexicon_is_learnt_from_undamaged_training_pairs_only(toy_run: Path, tmp_path: Path) -> None:
    run = RunDir(str(copy_run(toy_run, tmp_path / "run", "lexicon.npz")))
    shutil.copytree(toy_run / "data", run.data)
    ids = next(Path(run.data).glob("train.0.target.*.ids"))
    whole = ids.read_bytes()
    ids.write_bytes(bytes([whole[0], whole[1] ^ 0x80]) + whole[2:])  # a piece that does not exist
    with pytest.raises(InputError, match=rf"{ids.name}: damaged: differs from what was prepared"):
        Translator.load(run.path).translate("ba", shortlist=5)
    assert not Path(run.lexicon).exists()
    ids.write_bytes(whole)
    Path(run.path, "lock").unlink(missing_ok=True)
    Path(run.path, "lock").mkdir()  # the folder cannot be written
    found = Translator.load(run.path).lexicon()
    assert not Path(run.lexicon).exists()
    np.testing.assert_array_equal(found.best, load_lexicon(str(toy_run / "lexicon.npz")).best)


def test_weights_prepared_at_loading_give_the_same_results_as_those_in_training(translator: Translator) -> None:
    live = Translator(translator.model, translator.source, translator.target, translator.config)
    texts = [" ".join(words) for words in sentences(7, seed=6)]
    for beam_size in (1, 3):
        kept, read = translator.translate(texts, beam_size=beam_size), live.translate(texts, beam_size=beam_size)
        assert [h.text for h in kept] == [h.text for h in read]
        np.testing.assert_allclose([h.score for h in kept], [h.score for h in read], rtol=1e-4, atol=1e-5)
