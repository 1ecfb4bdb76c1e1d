"""Attention over images and scenes: one line, one picture and one section of the page for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.captioner import Captioner, build_model
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.grammar import all_words
from seq2seq_tf.tasks.captioning.inspect import attention, check_attention
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer
from tests import oracles

SIZES = {"filters": 3, "embedding_units": 5, "decoder_units": 13, "attention_units": 11, "output_units": 7}
NOTHING = {"image": [], "invert": False, "scene": [], "scenes": 0}


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Captioner:
    path = str(tmp_path_factory.mktemp("words") / "labels.txt")
    write_word_tokenizer(all_words(), path)
    options = {**{f"model.{name}": value for name, value in SIZES.items()}, "search.max_words": 3}
    config: CaptioningConfig = load(None, {**options, "train.precision": "float32"}, CaptioningConfig).config
    model = build_model(config, WordTokenizer(path))
    oracles.randomise(model, np.random.default_rng(11), 0.4)
    return Captioner(model, WordTokenizer(path), config)


def test_images_come_before_scenes_each_with_its_name(captioner: Captioner, tmp_path: Path) -> None:
    path = str(tmp_path / "x.png")
    Image.fromarray(np.full([40, 40], 200, np.uint8)).save(path)
    maps = attention(captioner, {**NOTHING, "image": [path], "scene": [5], "scenes": 2}, {"n_best": 3})
    assert [line.partition(": ")[0] for line in maps.lines()] == [path, "scene 5", "scene 0", "scene 1"]
    assert len(maps.pictures()) == 4
    assert [section.title.partition(": ")[0] for section in maps.sections()[1:]] == maps.names
    inverted = attention(captioner, {**NOTHING, "image": [path], "invert": True}, {})
    assert int(maps.images[0].max()) + int(inverted.images[0].max()) == 255


def test_nothing_to_describe_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to describe"):
        check_attention("run", NOTHING)
    check_attention("run", {**NOTHING, "scenes": 1})
