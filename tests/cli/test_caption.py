"""seq2seq-caption as a user runs it: train, describe, evaluate, draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from seq2seq_tf.tasks.captioning.captioner import Captioner
from seq2seq_tf.tasks.captioning.images import read_image
from seq2seq_tf.tasks.captioning.scenes import SceneMaker
from tests.trained import Call, Ended, assert_one_error_line, run_program, run_programs

pytestmark = pytest.mark.slow  # about twenty starts of the program
PNG = b"\x89PNG\r\n\x1a\n"
TRAIN = (
    "--data.train_scenes=90",
    "--data.valid_scenes=7",
    "--data.test_scenes=11",
    "--model.filters=3",
    "--model.embedding_units=5",
    "--model.decoder_units=13",
    "--model.attention_units=11",
    "--model.output_units=7",
    "--train.max_epochs=2",
    "--train.batch_size=31",
    "--train.average_best=2",
    "--train.warmup_updates=2",
    "--train.learning_rate=0.01",
    "--train.metric=loss",
    "--train.precision=float32",
    "--search.beam_size=2",
)


class Used(NamedTuple):
    """Results of all slow runs of this file, and the folder with what they wrote."""

    ended: dict[str, Ended]
    folder: Path
    run: str


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Used:
    folder = tmp_path_factory.mktemp("caption")
    run, scenes = str(folder / "run"), folder / "scenes"
    (folder / "text.png").write_text("no image")
    Image.new("L", (50, 40)).save(folder / "oblong.png")
    first = {
        "train": Call("caption", ["train", f"--model_dir={run}", *TRAIN]),
        "scenes": Call("caption", ["draw", "--scenes=5", f"--out={scenes}"]),
    }
    model = f"--model_dir={run}"
    image = f"--image={scenes / 'scene_0003.png'}"
    calls = {
        "describe": Call("caption", ["describe", model, image, "--scene=3", "--scene=4"]),
        "jsonl": Call("caption", ["describe", model, image, "--output=jsonl", "--n_best=2"]),
        "evaluate": Call("caption", ["evaluate", model, f"--json={folder / 'scores.json'}", "--show=2"]),
        "draw": Call("caption", ["draw", model, image, f"--out={folder / 'attention.png'}"]),
        "draw two": Call("caption", ["draw", model, image, "--scene=0", f"--out={folder / 'two.png'}"]),
        "scenes of the run": Call("caption", ["draw", model, "--scenes=5", f"--out={folder / 'again'}"]),
        "text": Call("caption", ["describe", model, f"--image={folder / 'text.png'}"]),
        "oblong": Call("caption", ["describe", model, f"--image={folder / 'oblong.png'}"]),
        "no run": Call("caption", ["describe", f"--model_dir={scenes}", "--scene=0"]),
        "no folder": Call("caption", ["draw", model, image, f"--out={folder / 'missing' / 'x.png'}"]),
    }
    ended = run_programs(first)
    return Used({**ended, **run_programs(calls)}, folder, run)


@pytest.fixture(scope="module")
def captioner(used: Used) -> Captioner:
    return Captioner.load(used.run)


def test_training_reports_its_end(used: Used) -> None:
    ended = used.ended["train"]
    assert ended.code == 0, ended.stderr
    assert "digits: 1,200 images for training scenes, 200 different ones for validation" in ended.stdout
    assert "finished after 6 updates; best loss" in ended.stdout


def test_scenes_are_written_with_their_captions(used: Used, captioner: Captioner) -> None:
    assert used.ended["scenes"].stdout == f"{used.folder / 'scenes'}: 5 scenes and captions.txt\n"
    maker = SceneMaker("test", captioner.config.data)
    scenes = maker.scenes(5)
    listed = (used.folder / "scenes" / "captions.txt").read_text().splitlines()
    assert listed == [f"scene_000{n}.png\t{scene.caption}" for n, scene in enumerate(scenes)]
    for folder in ("scenes", "again"):  # again with the run's options, which are the defaults here
        for n, pixels in enumerate(maker.draw(scenes)):
            np.testing.assert_array_equal(read_image(str(used.folder / folder / f"scene_000{n}.png"), 40), pixels)


def test_a_scene_and_its_file_get_the_caption_of_the_python_api(used: Used, captioner: Captioner) -> None:
    lines = used.ended["describe"].stdout.splitlines()
    path = str(used.folder / "scenes" / "scene_0003.png")
    caption = captioner.describe(read_image(path, 40))
    said = f"{caption.text} (score {caption.score:.4f})"
    assert lines[:2] == [f"{path}: {said}", f"scene 3: {said}"]
    assert lines[2].startswith("scene 4: ")
    assert len(lines) == 3


def test_jsonl_contains_the_n_best_with_scores(used: Used) -> None:
    (record,) = (json.loads(line) for line in used.ended["jsonl"].stdout.splitlines())
    assert record["image"].endswith("scene_0003.png")
    first, second = record["captions"]
    assert set(first) == {"text", "score", "log_prob", "words"}
    assert first["score"] >= second["score"]
    assert " ".join(first["words"]) == first["text"]


def test_evaluating_prints_and_stores_the_same_numbers(used: Used) -> None:
    ended = used.ended["evaluate"]
    result = json.loads((used.folder / "scores.json").read_text())
    assert ended.stdout.startswith("11 test scenes, described in")
    assert result["scenes"] == result["exact"]["all"] == result["layouts"]["all"] == 11
    assert sum(tally["all"] for tally in result["by_digits"].values()) == 11
    exact = result["exact"]
    assert f"exact match {100 * exact['share']:23.2f} %  {exact['right']} of 11" in ended.stdout
    wrong = min(2, 11 - exact["right"])
    assert ended.stdout.count("  reference  ") == wrong


def test_drawing_writes_one_picture_per_image(used: Used) -> None:
    for name, files in {"draw": ["attention.png"], "draw two": ["two_1.png", "two_2.png"]}.items():
        assert used.ended[name].code == 0
        paths = [used.folder / file for file in files]
        assert [line.split(": ")[0] for line in used.ended[name].stdout.splitlines()] == [str(p) for p in paths]
        assert all(path.read_bytes().startswith(PNG) for path in paths)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text", ["text.png", "not an image"]),
        ("oblong", ["oblong.png", "must be square", "50 x 40"]),
        ("no run", ["scenes", "not a run folder"]),
        ("no folder", ["missing", "cannot be written"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(used: Used, name: str, words: list[str]) -> None:
    assert_one_error_line(used.ended[name], *words)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["describe", "--scene=0"], ["--model_dir"]),
        (["describe", "--model_dir=x"], ["--image", "--scene"]),
        (["describe", "--model_dir=x", "--image=nowhere.png"], ["nowhere.png", "no such file"]),
        (["draw", "--model_dir=x", "--scene=-1"], ["--scene", "-1"]),
        (["draw", "--scenes=0", "--out=x"], ["--scenes", "0"]),
        (["draw", "--scenes=2"], ["--out"]),
        (["draw", "--scenes=2", "--scene=1", "--out=x"], ["--scenes", "one of them"]),
        (["evaluate", "--model_dir=x", "--scenes=0"], ["--scenes", "0"]),
        (["train", "--model_dir=x", "--data.image_size=42"], ["data.image_size=42"]),
        (["descibe"], ["descibe", "describe"]),
    ],
    ids=" ".join,
)
def test_wrong_flags_are_refused_before_tensorflow_is_imported(
    flags: list[str], words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('imported')")
    assert_one_error_line(run_program(Call("caption", flags, environment={"PYTHONPATH": path_with(tmp_path)})), *words)


def path_with(folder: Path) -> str:
    """Returns a PYTHONPATH that starts with the folder."""
    from tests.toy import environment

    return f"{folder}:{environment()['PYTHONPATH']}"
