"""The captioner describes images; the caption of each is the same alone and in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf import forks
from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.captioner import Caption, Captioner, build_model
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.grammar import all_words
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import model_variables
from tests import oracles

SIZE, SIDE, COUNT = 40, 10, 5
OPTIONS = {
    "model.filters": 3,
    "model.embedding_units": 5,
    "model.decoder_units": 13,
    "model.attention_units": 11,
    "model.output_units": 7,
    "train.precision": "float32",
    "train.shards": 1,
    "search.max_words": 9,
    "search.batch_size": 3,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Returns a run folder with random weights, large enough for distinct probabilities."""
    run = RunDir(str(tmp_path_factory.mktemp("captions") / "run"))
    config = run.create(load(None, OPTIONS, CaptioningConfig).config)
    write_word_tokenizer(all_words(), run.labels)
    model = build_model(config, WordTokenizer(run.labels))
    oracles.randomise(model, np.random.default_rng(11), 0.4)
    checkpoint.save(run.final_model, model_variables(model), {"update": 0, "score": 0.0})
    return run


@pytest.fixture(scope="module")
def captioner(run: RunDir) -> Captioner:
    return Captioner.load(run.path)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, [COUNT, SIZE, SIZE]).astype(np.uint8)


def assert_same(mine: Caption, theirs: Caption) -> None:
    assert mine.text == theirs.text
    np.testing.assert_allclose(mine.log_prob, theirs.log_prob, rtol=1e-4)
    np.testing.assert_allclose(mine.attention, theirs.attention, atol=1e-4)


def test_an_image_gives_a_caption_and_several_give_a_list(captioner: Captioner, images: np.ndarray) -> None:
    one = captioner.describe(images[0])
    assert isinstance(one, Caption)
    assert one.text == " ".join(one.words)
    assert one.attention.shape == (0, 0, 0)
    for several in (list(images), images):
        assert [c.text for c in captioner.describe(several)][0] == one.text
    assert captioner.describe([]) == []


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_batch_equals_single_images(beam_size: int, captioner: Captioner, images: np.ndarray) -> None:
    together = captioner.describe(images, attention=True, beam_size=beam_size)
    for image, caption in zip(images, together, strict=True):
        assert_same(captioner.describe(image, attention=True, beam_size=beam_size), caption)


def test_attention_is_a_map_over_the_grid_for_each_word_and_the_end(captioner: Captioner, images: np.ndarray) -> None:
    for row in captioner.describe(images, attention=True, n_best=2):
        for caption in row:
            assert caption.attention.shape == (len(caption.words) + 1, SIDE, SIDE)
            np.testing.assert_allclose(caption.attention.sum((1, 2)), 1.0, rtol=1e-4)


def test_the_score_of_a_caption_is_its_log_probability(captioner: Captioner, images: np.ndarray) -> None:
    rows = captioner.describe(images, n_best=3, beam_size=3)
    flat = [(image, caption) for image, row in zip(images, rows, strict=True) for caption in row]
    scores = captioner.score([image for image, _ in flat], [caption.text for _, caption in flat])
    np.testing.assert_allclose(scores, [caption.log_prob for _, caption in flat], rtol=1e-4, atol=1e-4)
    for row in rows:
        assert [c.score for c in row] == sorted((c.score for c in row), reverse=True)
        assert [c.score for c in row] == [c.log_prob for c in row]  # without a length penalty
        assert len({c.text for c in row}) == 3


def test_no_caption_is_longer_than_the_limit(captioner: Captioner, images: np.ndarray) -> None:
    for longest in (1, 4):
        assert all(len(c.words) <= longest for c in captioner.describe(images, max_words=longest))


def test_each_function_is_traced_once(captioner: Captioner, images: np.ndarray) -> None:
    for count, beam in ((1, 1), (2, 1), (2, 3), (3, 4)):
        captioner.describe(images[:count], attention=True, beam_size=beam, max_words=3 + beam)
    functions = (*captioner.searches.values(), captioner.score_ids)
    traces = [function.experimental_get_tracing_count() for function in functions]
    assert traces == [1, 1, 1]


@pytest.mark.parametrize(
    ("image", "got"),
    [
        (np.zeros([SIZE, SIZE - 1], np.uint8), r"\(40, 39\) uint8"),
        (np.zeros([SIZE, SIZE], np.float32), r"\(40, 40\) float32"),
        (np.zeros([SIZE, SIZE, 3], np.uint8), r"\(40, 40, 3\) uint8"),
        ("scene.png", "str"),
    ],
)
def test_an_image_of_wrong_shape_or_type_is_refused_by_number(image: Any, got: str, captioner: Captioner) -> None:
    with pytest.raises(InputError, match=rf"image 2: must be a \(40, 40\) array of uint8, got {got}"):
        captioner.describe([np.zeros([SIZE, SIZE], np.uint8), image])


@pytest.mark.parametrize(
    ("options", "words"),
    [({"beam": 3}, "search.beam"), ({"beam_size": 0}, "beam_size must be in"), ({"n_best": 7}, "n_best=7")],
)
def test_a_wrong_option_is_named(options: dict, words: str, captioner: Captioner, images: np.ndarray) -> None:
    with pytest.raises(InputError, match=words):
        captioner.describe(images, **options)


def test_n_best_follows_a_smaller_beam(run: RunDir) -> None:
    config = load(None, {**OPTIONS, "search.beam_size": 5, "search.n_best": 4}, CaptioningConfig).config
    words = WordTokenizer(run.labels)
    assert Captioner(build_model(config, words), words, config).search_options(beam_size=2).n_best == 2


def test_images_and_captions_must_be_lists_of_equal_length(captioner: Captioner, images: np.ndarray) -> None:
    wrong: list[tuple[Any, str]] = [
        (["a one"], "differ in length"),
        ("a one", "captions must be a list of texts"),
        (["a one", None], "captions: item 2 must be a str, got NoneType"),
    ]
    for captions, words in wrong:
        with pytest.raises(InputError, match=words):
            captioner.score(images, captions)


@pytest.mark.parametrize("given", [None, 7, "image.png", {"a": 1}])
def test_anything_but_a_list_of_images_is_refused(captioner: Captioner, given: Any) -> None:
    with pytest.raises(InputError, match=f"images must be a list of arrays, got {type(given).__name__}"):
        captioner.describe(given)


def test_images_may_come_from_a_generator(captioner: Captioner, images: np.ndarray) -> None:
    found = captioner.describe(image for image in images)
    assert [caption.text for caption in found] == [caption.text for caption in captioner.describe(images)]


def test_a_run_without_its_words_is_refused(run: RunDir, tmp_path: Path) -> None:
    other = RunDir(str(tmp_path / "run"))
    other.create(run.load_config(CaptioningConfig))
    with pytest.raises(InputError, match=r"labels\.txt: cannot be read"):
        Captioner.load(other.path)


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    other = RunDir(str(tmp_path / "run"))
    other.create(load(None).config)
    with pytest.raises(InputError, match="a run of translation, made by seq2seq-train"):
        Captioner.load(other.path)


def test_it_reports_its_weights_and_refuses_to_work_after_a_fork(
    captioner: Captioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert captioner.weights.final
    assert str(captioner.weights).startswith("final weights, ")
    monkeypatch.setattr(forks, "_computing", {-1})
    with pytest.raises(InputError, match="spawn"):
        captioner.score([], [])


def test_the_repr_of_a_captioner_describes_it(captioner: Captioner, run: RunDir) -> None:
    assert repr(captioner).startswith(f"<Captioner of '{run.path}' ({captioner.weights.label}): ")
    assert repr(captioner).endswith(" parameters>")
