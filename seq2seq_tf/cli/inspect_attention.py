"""seq2seq-inspect attention: maps of what a translator or a captioner looks at."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, search_flags
from seq2seq_tf.cli.flag_types import define_integer, define_numbers, define_option, define_path, define_paths
from seq2seq_tf.cli.inspect_files import (
    PAGE_ENDINGS,
    PICTURE_ENDINGS,
    check_ending,
    numbered,
    task_of_run,
    warnings_as_lines,
    write_all,
)
from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.config import CaptioningConfig, SceneConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.text.scripts import is_visible

if TYPE_CHECKING:
    from seq2seq_tf.inspection.page import Section
    from seq2seq_tf.tasks.translation.hypotheses import Hypothesis

FLAGS = flags.FLAGS
_IMAGE_FLAGS = ("image", "scene", "scenes", "invert")


def define_flags() -> None:
    """Defines the flags of the command: those of both tasks."""
    search_flags.define(TranslationConfig)
    for name, leaf in search_flags.search_leaves(CaptioningConfig).items():
        if name not in search_flags.search_leaves(TranslationConfig):
            define_option(name, leaf, "the run's own value", "captions: ")
    flags.DEFINE_multi_string("text", [], "translator: source sentence; several times, or lines on standard input")
    define_paths("image", "captions: square image file; may be given several times")
    flags.DEFINE_bool("invert", False, "captions: the images have dark ink on a bright ground")
    define_numbers("scene", "captions: number of a test scene; may be given several times", 0)
    define_integer("scenes", 0, "captions: the first test scenes, that many", 0, 1000)
    define_path("out", "attention.png", "page with all maps (.html), or a picture of each (.png)")


def main() -> int:
    """Writes the maps; prints alignments or captions."""
    check_ending("out", FLAGS.out, (*PICTURE_ENDINGS, *PAGE_ENDINGS))
    task = task_of_run((TranslationConfig.task, CaptioningConfig.task), "attention maps")
    if task == TranslationConfig.task:
        _refuse(task, [*_IMAGE_FLAGS, *(set(_options(CaptioningConfig)) - set(_options(TranslationConfig)))])
        run: Callable[[], int] = functools.partial(_translate, _texts())
    else:
        _refuse(task, ["text", *(set(_options(TranslationConfig)) - set(_options(CaptioningConfig)))])
        _check_images()
        run = _describe
    program.import_tensorflow()
    return run()


def _options(kind: type[TaskConfig]) -> list[str]:
    return list(search_flags.search_leaves(kind))


def _refuse(task: str, names: list[str]) -> None:
    for name in names:
        if FLAGS[name].present:
            raise InputError(f"--{name} is nothing for a run of {task}")


def _texts() -> list[str]:
    texts = [text for text in FLAGS.text or program.input_lines() if text.strip()]
    if not any(map(is_visible, texts)):
        raise InputError("no text: give --text or lines on standard input")
    return texts


def _translate(texts: list[str]) -> int:
    from seq2seq_tf.inspection.attention import attention_png
    from seq2seq_tf.inspection.attention_page import pharaoh, translation_sections
    from seq2seq_tf.tasks.translation.translator import Translator
    from seq2seq_tf.training.run_dir import RunDir

    if RunDir(FLAGS.model_dir).load_config(TranslationConfig).model.attention == "none":
        raise InputError(f"{FLAGS.model_dir}: a model without attention (model.attention is none) has no maps")
    translator = run_folder.say_weights(Translator.load(FLAGS.model_dir))
    search = translator.search_options(**search_flags.given())
    with warnings_as_lines():
        rows = translator.translate_all(texts, search, attention=True)
    texts, found = with_pieces(texts, [row[0] for row in rows])
    if _is_page():
        files = _page(translation_sections(texts, found))
    else:
        files = _pictures([attention_png(hypothesis) for hypothesis in found])
    for text, hypothesis in zip(texts, found, strict=True):
        print(f"{program.one_line(text)} ||| {program.one_line(hypothesis.text)} ||| {pharaoh(hypothesis)}")
    write_all(files)
    return 0


def with_pieces(texts: list[str], found: list[Hypothesis]) -> tuple[list[str], list[Hypothesis]]:
    """Returns the texts in which the model finds something to read, and their translations.

    Raises:
      InputError: there are none, or one is so long that it has no map.
    """
    kept = [n for n, hypothesis in enumerate(found) if hypothesis.source_pieces]
    if not kept:
        raise InputError("no text: the model finds nothing to read in what was given")
    if left_out := len(texts) - len(kept):
        print(f"{left_out} text{'s' * (left_out > 1)} left out: nothing to read for the model", file=sys.stderr)
    for n in kept:
        if not found[n].attention.size:
            raise InputError(f"text {n + 1}: too long for one map: give its sentences one by one")
    return [texts[n] for n in kept], [found[n] for n in kept]


def _describe() -> int:
    from seq2seq_tf.inspection.attention_page import caption_sections
    from seq2seq_tf.inspection.image_attention import image_attention_png
    from seq2seq_tf.tasks.captioning.captioner import Captioner

    captioner = run_folder.say_weights(Captioner.load(FLAGS.model_dir))
    options = {**search_flags.given(CaptioningConfig), "n_best": 1}
    search = captioner.search_options(**options)
    names, images = _images(captioner.config.data)
    found = [row[0] for row in captioner.describe_all(images, search, attention=True)]
    if _is_page():
        files = _page(caption_sections(names, images, found))
    else:
        files = _pictures([image_attention_png(*pair) for pair in zip(images, found, strict=True)])
    for name, caption in zip(names, found, strict=True):
        print(f"{name}: {caption.text}")
    write_all(files)
    return 0


def _check_images() -> None:
    if not FLAGS.image and not FLAGS.scene and not FLAGS.scenes:
        raise InputError("nothing to describe: give --image=FILE, --scene=NUMBER or --scenes=COUNT")


def _images(data: SceneConfig) -> tuple[list[str], list[Any]]:
    """Returns names and pixels of what --image names and of test scenes."""
    from seq2seq_tf.tasks.captioning.images import read_image
    from seq2seq_tf.tasks.captioning.scenes import SceneMaker

    numbers = [*FLAGS.scene, *range(FLAGS.scenes)]
    images = [read_image(path, data.image_size, invert=FLAGS.invert) for path in FLAGS.image]
    if numbers:
        maker = SceneMaker("test", data)
        images += list(maker.draw([maker.scene(number) for number in numbers]))
    return [*FLAGS.image, *(f"scene {number}" for number in numbers)], images


def _is_page() -> bool:
    return os.path.splitext(FLAGS.out)[1].lower() in PAGE_ENDINGS


def _page(sections: Sequence[Section]) -> dict[str, bytes]:
    from seq2seq_tf.inspection.page import page_html

    return {FLAGS.out: page_html(f"Attention of {FLAGS.model_dir}", sections).encode()}


def _pictures(pngs: Sequence[bytes]) -> dict[str, bytes]:
    names = [str(n) for n in range(1, len(pngs) + 1)]
    return dict(zip(numbered(FLAGS.out, names), pngs, strict=True))
