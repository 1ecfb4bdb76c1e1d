"""A run, even an unfinished one, is loaded with the right weights; a damaged one is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from tests.trained import copy_run


def test_loading_uses_the_final_weights(toy_run: Path, translator: Translator) -> None:
    arrays, state = checkpoint.load_arrays(str(toy_run / "model.npz"))
    assert str(translator.weights) == f"final weights, {state['weights']}, after 296 updates"
    for variable in translator.model.trainable_variables:
        np.testing.assert_array_equal(variable.value.numpy(), arrays[f"model/{variable.path}"])


def test_loading_an_unfinished_run_uses_the_best_weights_so_far(toy_run: Path, tmp_path: Path) -> None:
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


def test_loading_a_run_before_its_first_validation_uses_the_latest_checkpoint(toy_run: Path, tmp_path: Path) -> None:
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


def test_a_folder_that_is_not_a_run_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing", Path(__file__)):
        with pytest.raises(InputError, match="not a run folder") as caught:
            Translator.load(str(path))
        assert str(path) in str(caught.value)
