"""The Python API: shapes of results, independence of batch mates, one maths for search and scoring, bad input."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.data.batching import make_batch, pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.search.decode import METHODS
from seq2seq_tf.structures import BOS_ID, EOS_ID
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig
from seq2seq_tf.tasks.translation.lexicon import Lexicon, load_lexicon
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from tests.oracles import wu_penalty
from tests.toy import sentences
from tests.trained import copy_run

TEXTS = [" ".join(words) for words in sentences(23, seed=3, longest=11)]  # lengths in no order


def assert_same(ours: Hypothesis, theirs: Hypothesis) -> None:
    """Equal texts and pieces, scores up to the rounding of float32."""
    assert (ours.text, ours.pieces, ours.source_pieces) == (theirs.text, theirs.pieces, theirs.source_pieces)
    np.testing.assert_allclose([ours.score, ours.log_prob], [theirs.score, theirs.log_prob], rtol=1e-4)


# --- What comes back --------------------------------------------------------------------------------------------------


def test_the_toy_translator_has_learnt_something(translator: Translator) -> None:
    """Otherwise the other tests compare empty with empty."""
    texts = [h.text for h in translator.translate(TEXTS)]
    assert len(set(texts)) > 11
    assert np.mean([len(text.split()) for text in texts]) > 1


def test_a_str_gives_one_result_and_a_list_a_list(translator: Translator) -> None:
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


# --- Search and scoring -----------------------------------------------------------------------------------------------


def test_n_best_is_sorted_and_its_best_is_that_of_n_best_one(translator: Translator) -> None:
    rows = translator.translate(TEXTS, beam_size=5, n_best=5)
    for row, best in zip(rows, translator.translate(TEXTS, beam_size=5), strict=True):
        scores = [h.score for h in row]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(h.pieces) for h in row}) == len(row)
        assert_same(row[0], best)


def assert_scores_are_teacher_forced(translator: Translator, search: TranslationSearchConfig, rtol: float) -> None:
    """Each hypothesis of a search, scored with its own pieces, gets the log-probability that the search says."""
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
    """Takes the piece that scores best after what is there, by scoring every piece of the vocabulary."""
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


def test_a_beam_size_of_one_takes_the_best_piece_at_each_step(translator: Translator) -> None:
    search = TranslationSearchConfig(beam_size=1)
    sources = translator.encode_sources(TEXTS[:5], 1000)
    found = translator.search_ids(pad_rows(sources, last=EOS_ID), search)
    for n, source in enumerate(sources):
        longest = int(search.max_ratio * (len(source) + 1)) + search.max_extra
        expected = greedy_by_trying(translator, source, longest)
        assert found.tokens[n, 0, : found.lengths[n, 0]].numpy().tolist() == expected


def test_score_counts_the_end_and_does_not_depend_on_batch_mates(translator: Translator) -> None:
    targets = [*TEXTS[1:-1], "", TEXTS[0]]
    together = translator.score(TEXTS, targets)
    alone = [translator.score([s], [t])[0] for s, t in zip(TEXTS, targets, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-4)
    assert max(together) < 0.0  # that of the empty target too
    assert translator.score([], []) == []


def test_score_agrees_with_the_search_where_the_pieces_are_the_same(translator: Translator) -> None:
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


def test_the_n_best_of_the_run_follows_a_smaller_beam(translator: Translator) -> None:
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
    assert "--" not in str(caught.value)  # that is how flags are written


def test_score_refuses_lists_of_different_length_and_single_texts(translator: Translator) -> None:
    with pytest.raises(InputError, match="2 and 1"):
        translator.score(TEXTS[:2], TEXTS[:1])
    with pytest.raises(InputError, match="sources must be a list of texts, got one text"):
        translator.score("ka be", ["ka be"])


@pytest.mark.parametrize("bad", [None, b"ka", 7, ["ka"], float("nan"), "ka\udcff"])
def test_an_item_that_is_no_text_is_named(translator: Translator, bad: Any) -> None:
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


def test_texts_may_come_as_an_array_or_from_a_generator(translator: Translator) -> None:
    expected = [h.text for h in translator.translate(TEXTS[:3])]
    for texts in (np.array(TEXTS[:3]), (text for text in TEXTS[:3])):
        assert [h.text for h in translator.translate(texts)] == expected
    np.testing.assert_allclose(translator.score(np.array(TEXTS), iter(TEXTS)), translator.score(TEXTS, TEXTS))


def test_a_pair_too_long_for_memory_is_named_and_not_scored(translator: Translator) -> None:
    with pytest.raises(InputError, match=r"pair 2: [\d,]+ source and [\d,]+ target pieces are too many to score"):
        translator.score(["ka", "ka be " * 9999], ["ka", "be ka " * 9999])


def test_a_translator_says_what_it_is(translator: Translator, toy_run: Path) -> None:
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


def test_batches_side_by_side_trace_once(translator: Translator) -> None:
    fresh = Translator(translator.model, translator.source, translator.target, translator.config)
    fresh.translate(TEXTS, beam_size=1, batch_tokens=1)
    counts = {key: function.experimental_get_tracing_count() for key, function in fresh.searches.items()}
    assert counts.pop(("greedy", False)) == 1
    assert not any(counts.values())  # the others are traced when they are asked for


# --- Strange texts ----------------------------------------------------------------------------------------------------


def test_a_long_text_is_cut_with_a_warning_that_names_it(translator: Translator) -> None:
    long = "ka be du " * 11_112  # 100,008 characters
    with pytest.warns(UserWarning, match=r"text 2: cut from \d+ to 37 pieces") as caught:
        found = translator.translate([TEXTS[0], long, TEXTS[1]], max_source_pieces=37)
    assert len(caught) == 1
    assert len(found[1].source_pieces) == 37
    assert_same(found[0], translator.translate(TEXTS[0]))
    assert_same(found[2], translator.translate(TEXTS[1]))


def test_a_text_at_the_limit_is_not_cut(translator: Translator) -> None:
    pieces = len(translator.source.encode([TEXTS[0]])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        translator.translate(TEXTS[0], max_source_pieces=pieces)


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


# --- Loading ----------------------------------------------------------------------------------------------------------


def test_loading_takes_the_final_weights(toy_run: Path, translator: Translator) -> None:
    arrays, state = checkpoint.load_arrays(str(toy_run / "model.npz"))
    assert str(translator.weights) == f"final weights, {state['weights']}, after 296 updates"
    for variable in translator.model.trainable_variables:
        np.testing.assert_array_equal(variable.value.numpy(), arrays[f"model/{variable.path}"])


def test_loading_an_unfinished_run_takes_the_best_weights_so_far(toy_run: Path, tmp_path: Path) -> None:
    run = copy_run(toy_run, tmp_path / "run", "model.npz")
    files = sorted((run / "best").iterdir())
    assert len(files) == 2
    for better, worse in (files, files[::-1]):
        for score, path in ((0.9, better), (0.1, worse)):
            arrays, state = checkpoint.load_arrays(str(path))
            arrays["model/translation/vocabulary_bias"][:] = score
            checkpoint.save_arrays(str(path), arrays, {**state, "score": score})
        loaded = Translator.load(str(run))
        np.testing.assert_array_equal(loaded.model.vocabulary_bias.value.numpy(), np.float32(0.9))
        assert loaded.weights == (False, "best so far", int(better.stem[-8:]), 294, str(better))
    said = str(loaded.weights)
    assert said.startswith("not the final weights, as training has not ended: best so far, after update")
    assert said.endswith(f"update {int(better.stem[-8:])} of about 294")


def test_loading_a_run_before_its_first_validation_takes_the_latest_checkpoint(toy_run: Path, tmp_path: Path) -> None:
    run = copy_run(toy_run, tmp_path / "run", "model.npz", "best")
    arrays, _ = checkpoint.load_arrays(str(RunDir(str(run)).latest_checkpoint()))
    loaded = Translator.load(str(run))
    assert loaded.weights[:3] == (False, "latest checkpoint", 296)
    for variable in loaded.model.trainable_variables:
        np.testing.assert_array_equal(variable.value.numpy(), arrays[f"model/{variable.path}"])


def truncate(run: Path) -> Path:
    path = run / "model.npz"
    path.write_bytes(path.read_bytes()[:-100])
    return path


def flip_a_bit(run: Path) -> Path:
    path = run / "model.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def empty(run: Path) -> Path:
    path = run / "model.npz"
    path.write_bytes(b"")
    return path


def drop_a_variable(run: Path) -> Path:
    path = run / "model.npz"
    arrays, state = checkpoint.load_arrays(str(path))
    del arrays["model/translation/vocabulary_bias"]
    checkpoint.save_arrays(str(path), arrays, state)
    return path


def change_the_model(run: Path) -> Path:
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("decoder_units: 29", "decoder_units: 31"))
    return run / "model.npz"


def drop_the_pieces(run: Path) -> Path:
    (run / "target.model").unlink()
    return run / "target.model"


def damage_the_pieces(run: Path) -> Path:
    (run / "source.model").write_bytes(b"no pieces")
    return run / "source.model"


def drop_the_config(run: Path) -> Path:
    (run / "config.yaml").unlink()
    return run


def drop_the_weights(run: Path) -> Path:
    (run / "model.npz").unlink()
    return run


@pytest.mark.parametrize(
    "harm",
    [
        truncate,
        flip_a_bit,
        empty,
        drop_a_variable,
        change_the_model,
        drop_the_pieces,
        damage_the_pieces,
        drop_the_config,
        drop_the_weights,
    ],
)
def test_a_damaged_run_is_refused_in_one_line_that_names_the_file(
    toy_run: Path, tmp_path: Path, harm: Callable[[Path], Path]
) -> None:
    run = copy_run(toy_run, tmp_path / "run", "best", "checkpoints")
    path = harm(run)
    with pytest.raises(InputError) as caught:
        Translator.load(str(run))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path(__file__)):
        with pytest.raises(InputError, match="not a run folder") as caught:
            Translator.load(str(path))
        assert str(path) in str(caught.value)


def test_stopping_early_never_finds_better_and_here_sometimes_worse(translator: Translator) -> None:
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


def test_a_shortlist_holds_the_search_to_its_pieces(translator: Translator, toy_run: Path) -> None:
    found = translator.translate("ba de gi", shortlist=1, beam_size=3)
    allowed = translator.lexicon().candidates(np.asarray(translator.source.encode(["ba de gi"])), 1)
    assert set(translator.target.encode([found.text])[0]) <= set(allowed)
    assert (toy_run / "lexicon.npz").exists()


def test_a_shortlist_without_training_pairs_is_refused(toy_run: Path, tmp_path: Path) -> None:
    bare = Translator.load(str(copy_run(toy_run, tmp_path / "bare", "lexicon.npz")))
    with pytest.raises(InputError, match=r"lexicon\.npz: no such file, and the training pairs in .*data"):
        bare.translate("ba", shortlist=5)


def test_a_lexicon_is_learnt_from_whole_training_pairs_only(toy_run: Path, tmp_path: Path) -> None:
    run = RunDir(str(copy_run(toy_run, tmp_path / "run", "lexicon.npz")))
    shutil.copytree(toy_run / "data", run.data)
    ids = next(Path(run.data).glob("train.0.target.*.ids"))
    whole = ids.read_bytes()
    ids.write_bytes(bytes([whole[0], whole[1] ^ 0x80]) + whole[2:])  # a piece that there is not
    with pytest.raises(InputError, match=rf"{ids.name}: damaged: not what was prepared"):
        Translator.load(run.path).translate("ba", shortlist=5)
    assert not Path(run.lexicon).exists()
    ids.write_bytes(whole)
    Path(run.path, "lock").unlink(missing_ok=True)
    Path(run.path, "lock").mkdir()  # the folder cannot be written
    found = Translator.load(run.path).lexicon()
    assert not Path(run.lexicon).exists()
    np.testing.assert_array_equal(found.best, load_lexicon(str(toy_run / "lexicon.npz")).best)


def test_weights_prepared_at_load_give_what_weights_of_training_give(translator: Translator) -> None:
    live = Translator(translator.model, translator.source, translator.target, translator.config)
    texts = [" ".join(words) for words in sentences(7, seed=6)]
    for beam_size in (1, 3):
        kept, read = translator.translate(texts, beam_size=beam_size), live.translate(texts, beam_size=beam_size)
        assert [h.text for h in kept] == [h.text for h in read]
        np.testing.assert_allclose([h.score for h in kept], [h.score for h in read], rtol=1e-4, atol=1e-5)
