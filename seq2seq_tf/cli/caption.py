"""Captions images of handwritten digits: seq2seq-caption train|describe|evaluate|draw --flag=value ...

seq2seq-caption train --config=configs/captions_digits.yaml --model_dir=runs/captions
seq2seq-caption describe --model_dir=runs/captions --image=scene.png
seq2seq-caption evaluate --model_dir=runs/captions
seq2seq-caption draw --model_dir=runs/captions --image=scene.png --out=attention.png
seq2seq-caption draw --scenes=10 --out=scenes
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from seq2seq_tf.cli import program, run_folder, search_flags, training
from seq2seq_tf.cli.flag_types import define_integer, define_numbers, define_output, define_path, define_paths
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json
from seq2seq_tf.tasks.captioning.config import CaptioningConfig, SceneConfig

if TYPE_CHECKING:
    import numpy as np

    from seq2seq_tf.tasks.captioning.captioner import Caption, Captioner
    from seq2seq_tf.tasks.captioning.grammar import CaptionScores, Tally

FLAGS = flags.FLAGS
_NAME = "seq2seq-caption train"


class Picture(NamedTuple):
    """An image to describe, with pixels [H, W]."""

    name: str
    pixels: np.ndarray


def _define_train() -> None:
    training.define_flags(CaptioningConfig)


def _train() -> int:
    return training.train(CaptioningConfig, _prepare)


def _prepare(run: Any, config: CaptioningConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.captioning.task import prepare

    return prepare(run, config, say)


def _define_pictures() -> None:
    search_flags.define(CaptioningConfig, _NAME)
    define_paths("image", "square image file; may be given several times")
    flags.DEFINE_bool("invert", False, "the images have dark digits on a bright background")
    define_numbers("scene", "number of a test scene; may be given several times", 0)


def _define_describe() -> None:
    _define_pictures()
    flags.DEFINE_enum(
        "output",
        "text",
        ["text", "jsonl"],
        "text: one caption per line; jsonl: one object per image with scores",
    )


def _describe() -> int:
    _check_pictures()
    captioner = _load()
    search = captioner.search_options(**search_flags.given(CaptioningConfig))
    pictures = _pictures(captioner.config.data)
    rows = captioner.describe_all([picture.pixels for picture in pictures], search)
    for picture, row in zip(pictures, rows, strict=True):
        if FLAGS.output == "jsonl":
            print(to_json({"image": picture.name, "captions": [_record(caption) for caption in row]}))
        else:
            print("\n".join(f"{picture.name}: {c.text} (score {c.score:.4f})" for c in row))
    return 0


def _record(caption: Caption) -> dict[str, Any]:
    return {name: value for name, value in caption._asdict().items() if name != "attention"}


def _check_pictures() -> None:
    """Raises InputError if the flags name no image or scene, before the slow import of TensorFlow."""
    if not FLAGS.image and not FLAGS.scene:
        raise InputError("nothing to describe: give --image=FILE or --scene=NUMBER")
    for path in FLAGS.image:
        if not os.path.isfile(path):
            raise InputError(f"{path}: no such file")


def _load() -> Captioner:
    folder = run_folder.model_dir(CaptioningConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.captioning.captioner import Captioner

    return run_folder.say_weights(Captioner.load(folder))


def _pictures(data: SceneConfig) -> list[Picture]:
    """Returns the images named by --image and --scene."""
    from seq2seq_tf.tasks.captioning.images import read_image
    from seq2seq_tf.tasks.captioning.scenes import SceneMaker

    found = [Picture(path, read_image(path, data.image_size, invert=FLAGS.invert)) for path in FLAGS.image]
    if FLAGS.scene:
        maker = SceneMaker("test", data)
        drawn = maker.draw([maker.scene(number) for number in FLAGS.scene])
        found += [Picture(f"scene {number}", pixels) for number, pixels in zip(FLAGS.scene, drawn, strict=True)]
    return found


def _define_evaluate() -> None:
    search_flags.define(CaptioningConfig, _NAME)
    define_integer("scenes", None, "number of test scenes [default: data.test_scenes of the run]", 1, 20_000)
    define_output("json", None, "also write the results to this file")
    define_integer("show", 0, "print this many wrong captions", 0)


def _evaluate() -> int:
    captioner = _load()
    from seq2seq_tf.files import write_text
    from seq2seq_tf.tasks.captioning.grammar import score_captions
    from seq2seq_tf.tasks.captioning.scenes import SceneMaker

    data = captioner.config.data
    maker = SceneMaker("test", data)
    scenes = maker.scenes(FLAGS.scenes or data.test_scenes)
    images, references = maker.draw(scenes), [scene.caption for scene in scenes]
    search = captioner.search_options(**{**search_flags.given(CaptioningConfig), "n_best": 1})
    begin = time.perf_counter()
    captions = [row[0].text for row in captioner.describe_all(images, search)]
    seconds = time.perf_counter() - begin
    scores = score_captions(captions, references)
    print(
        f"{len(scenes):,} test scenes, described in {seconds:.1f} s with beam {search.beam_size}; {captioner.weights}"
    )
    print("\n".join(f"{name:<28} {100 * t.share:6.2f} %  {t.right:,} of {t.all:,}" for name, t in _rows(scores)))
    wrong = [n for n, caption in enumerate(captions) if caption != references[n]]
    for n in wrong[: FLAGS.show]:
        print(f"\n  scene      {n}\n  reference  {references[n]}\n  caption    {captions[n]}")
    if FLAGS.json:
        result = {
            "model_dir": FLAGS.model_dir,
            "weights": str(captioner.weights),
            "scenes": len(scenes),
            "search": dataclasses.asdict(search),
            **_numbers(scores),
            "seconds": seconds,
        }
        write_text(FLAGS.json, to_json(result, indent=2) + "\n")
    return 0


def _rows(scores: CaptionScores) -> list[tuple[str, Tally]]:
    """Returns (name, tally) in the order in which they are printed."""
    from seq2seq_tf.tasks.captioning.grammar import RELATIONS

    return [
        ("exact match", scores.exact),
        *((f"exact match, {number} digit{'s' * (number > 1)}", tally) for number, tally in scores.by_digits.items()),
        *((f"exact match, {RELATIONS[name]}", tally) for name, tally in scores.by_relation.items()),
        ("digit names", scores.digit_names),
        ("layouts", scores.layouts),
    ]


def _numbers(tree: Any) -> Any:
    """Returns the scores as dictionaries for JSON, each tally with its share."""
    if isinstance(tree, dict):
        return {name: _numbers(value) for name, value in tree.items()}
    return {**tree._asdict(), "share": tree.share} if hasattr(tree, "share") else _numbers(tree._asdict())


def _define_draw() -> None:
    _define_pictures()
    define_integer("scenes", None, "instead: write this many test scenes as images into the folder --out", 1, 20_000)
    define_path("out", "attention.png", "PNG file to write; with --scenes, a folder")


def _draw() -> int:
    if FLAGS.scenes is not None:
        return _draw_scenes()
    _check_pictures()
    check_output(FLAGS.out)
    captioner = _load()
    from seq2seq_tf.files import write_bytes
    from seq2seq_tf.inspection.image_attention import image_attention_png

    search = captioner.search_options(**{**search_flags.given(CaptioningConfig), "n_best": 1})
    pictures = _pictures(captioner.config.data)
    rows = captioner.describe_all([picture.pixels for picture in pictures], search, attention=True)
    stem, ending = os.path.splitext(FLAGS.out)
    for n, (picture, row) in enumerate(zip(pictures, rows, strict=True), start=1):
        path = FLAGS.out if len(pictures) == 1 else f"{stem}_{n}{ending or '.png'}"
        write_bytes(path, image_attention_png(picture.pixels, row[0]))
        print(f"{path}: {row[0].text}")
    return 0


def _draw_scenes() -> int:
    """Writes test scenes as images, and their captions; needs no run, but uses the options of --model_dir if given."""
    if FLAGS.image or FLAGS.scene:
        raise InputError("--scenes writes scenes, --image and --scene draw attention: they cannot be given together")
    if FLAGS["out"].using_default_value:
        raise InputError("--out must name the folder for the scenes")
    check_output(FLAGS.out, folder=True)
    from seq2seq_tf.files import write_text
    from seq2seq_tf.tasks.captioning.images import write_image
    from seq2seq_tf.tasks.captioning.scenes import SceneMaker

    data = SceneConfig()
    if FLAGS.model_dir:
        program.import_tensorflow()
        from seq2seq_tf.training.run_dir import RunDir

        data = RunDir(FLAGS.model_dir).load_config(CaptioningConfig).data
    maker = SceneMaker("test", data)
    scenes = maker.scenes(FLAGS.scenes)
    try:
        os.makedirs(FLAGS.out, exist_ok=True)
    except OSError as error:
        raise InputError(f"{FLAGS.out}: cannot create the folder: {error.strerror}") from None
    names = [f"scene_{number:04d}.png" for number in range(len(scenes))]
    for name, pixels in zip(names, maker.draw(scenes), strict=True):
        write_image(os.path.join(FLAGS.out, name), pixels)
    listed = "".join(f"{name}\t{scene.caption}\n" for name, scene in zip(names, scenes, strict=True))
    write_text(os.path.join(FLAGS.out, "captions.txt"), listed)
    print(f"{FLAGS.out}: {len(scenes):,} scenes and captions.txt")
    return 0


COMMANDS = {
    "train": program.Command(
        "trains on scenes of digits, or resumes a run that was stopped",
        _define_train,
        _train,
        """
        seq2seq-caption train --config=configs/captions_digits.yaml --model_dir=runs/digits
        """,
    ),
    "describe": program.Command(
        "writes captions for images or test scenes",
        _define_describe,
        _describe,
        """
        seq2seq-caption describe --model_dir=runs/digits --image=scene.png --scene=3
        """,
        is_filter=True,
    ),
    "evaluate": program.Command(
        "scores captions of unseen test scenes",
        _define_evaluate,
        _evaluate,
        """
        seq2seq-caption evaluate --model_dir=runs/digits --show=5 --json=scores.json
        """,
    ),
    "draw": program.Command(
        "draws the attention over an image, or writes test scenes as images",
        _define_draw,
        _draw,
        """
        seq2seq-caption draw --model_dir=runs/digits --image=scene.png --out=attention.png
        seq2seq-caption draw --scenes=10 --out=scenes
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
