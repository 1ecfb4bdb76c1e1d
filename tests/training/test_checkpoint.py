"""A checkpoint is written completely or not at all, and read completely or not at all."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from tests import toy

STATE = {"position": {"update": 7, "epoch": 2}, "best": [[0.1, 3], [-1e-300, 5]], "text": "ü"}


def variables(seed: int) -> dict[str, tf.Variable]:
    """Returns variables of several shapes and types; the largest spans many blocks of a file."""
    random = np.random.default_rng(seed)
    return {
        "model/encoder/kernel": tf.Variable(random.normal(size=(53, 97)), dtype=tf.float32),
        "model/encoder/bias": tf.Variable(random.normal(size=(5,)), dtype=tf.float32),
        "optimizer/updates": tf.Variable(random.integers(2**60), dtype=tf.int64),
    }


def values(named: dict[str, tf.Variable]) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in named.items()}


def restore(path: str, named: dict[str, tf.Variable]) -> dict[str, Any]:
    """Assigns a file to the variables, as a session does, and returns its state."""
    arrays, state = checkpoint.load_arrays(path)
    checkpoint.assign(path, arrays, named)
    return state


def refusal(path: Path | str, named: dict[str, tf.Variable]) -> str:
    """Returns the message of a file that must be refused; no variable may have changed."""
    before = values(named)
    with pytest.raises(InputError) as caught:
        restore(str(path), named)
    for name, value in values(named).items():
        np.testing.assert_array_equal(value, before[name])
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "step.npz"
    checkpoint.save(str(path), variables(1), STATE)
    return path


def test_variables_and_state_come_back_bit_for_bit(saved: Path) -> None:
    named = variables(2)
    assert restore(str(saved), named) == STATE
    for name, value in values(variables(1)).items():
        assert named[name].numpy().tobytes() == value.tobytes()
        assert named[name].numpy().dtype == value.dtype
    assert [path.name for path in saved.parent.iterdir()] == ["step.npz"]


def test_numbers_that_are_not_finite_come_back(tmp_path: Path) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32)
    checkpoint.save_arrays(str(tmp_path / "odd.npz"), {"odd": odd}, {})
    named = {"odd": tf.Variable(np.zeros(5, np.float32))}
    restore(str(tmp_path / "odd.npz"), named)
    assert named["odd"].numpy().tobytes() == odd.tobytes()


def test_checkpoints_are_read_and_written_without_tensorflow() -> None:
    script = "import sys; from seq2seq_tf.training import checkpoint; assert 'tensorflow' not in sys.modules"
    done = toy.run_python("-c", script)
    assert done.returncode == 0, done.stderr


def test_the_file_can_be_read_with_numpy_alone(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["model/encoder/bias"], variables(1)["model/encoder/bias"].numpy())
        assert json.loads(archive["state.json"].tobytes()) == STATE


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such checkpoint" in refusal(tmp_path / "none.npz", variables(2))


def test_what_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    assert refusal(tmp_path, variables(2)).endswith(": cannot read the checkpoint: Is a directory")


def test_a_truncated_file_changes_nothing(saved: Path) -> None:
    content = saved.read_bytes()
    named = variables(2)
    for size in (0, 1, 30, 200, len(content) // 2, len(content) - 30, len(content) - 1):
        saved.write_bytes(content[:size])
        assert "damaged or truncated" in refusal(saved, named)


def test_a_flipped_byte_never_gives_other_values(saved: Path, rng: np.random.Generator) -> None:
    content = saved.read_bytes()
    with zipfile.ZipFile(saved) as archive:
        heads = [info.header_offset for info in archive.infolist()]
        directory = archive.start_dir
    near = [start + n for start in (*heads, directory) for n in range(140)]  # names, sizes, shapes, types
    anywhere = rng.integers(len(content), size=100)
    good, other = values(variables(1)), values(variables(2))
    named, refused = variables(2), 0
    for at in {*near, *anywhere.tolist()} & set(range(len(content))):
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        saved.write_bytes(damaged)
        try:
            state = restore(str(saved), named)
        except InputError:
            refused += 1
            expected = other
        else:  # a byte without meaning, such as one of a file date
            assert state == STATE, f"byte {at}"
            expected = good
        for name, variable in named.items():
            assert np.array_equal(variable.numpy(), expected[name]), f"byte {at}"
            variable.assign(other[name])
    assert refused > 200


@pytest.mark.parametrize("at", range(0, 128, 16))
def test_a_damaged_array_header_is_refused(saved: Path, at: int) -> None:
    """A shorter type or shape in the header must not end reading before the checksum is compared."""
    content = saved.read_bytes()
    start = content.index(b"\x93NUMPY", content.index(b"model/encoder/kernel"))
    header = content[start : start + 128]
    for old, new in ((b"<f4", b"<f2"), (b"53", b"13"), (b"97", b"17"), (header[at : at + 1], b"#")):
        saved.write_bytes(content[:start] + header.replace(old, new) + content[start + 128 :])
        refusal(saved, variables(2))


@pytest.mark.parametrize("content", [b"model/encoder\n" * 99, b"\x93NUMPY\x01\x00", b"PK\x03\x04" + b"\0" * 99])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    assert "damaged or truncated" in refusal(path, variables(2))


def test_a_missing_variable_is_named_with_the_nearest(saved: Path) -> None:
    named = {**variables(2), "model/encoder/bias_2": tf.Variable(0.0)}
    message = refusal(saved, named)
    assert "lacks the variable 'model/encoder/bias_2'" in message
    assert "'model/encoder/bias'" in message


def test_a_variable_of_another_shape_is_named_with_both(saved: Path) -> None:
    named = {**variables(2), "model/encoder/bias": tf.Variable(tf.zeros([7]))}
    message = refusal(saved, named)
    for part in "'model/encoder/bias'", "(5,)", "(7,)":
        assert part in message


def test_a_variable_of_another_type_is_named_with_both(saved: Path) -> None:
    named = {**variables(2), "optimizer/updates": tf.Variable(0.0)}
    message = refusal(saved, named)
    for part in "'optimizer/updates'", "int64", "float32":
        assert part in message


def test_an_unknown_variable_is_named(saved: Path) -> None:
    named = variables(2)
    del named["model/encoder/bias"]
    assert "'model/encoder/bias'" in refusal(saved, named)


def test_a_checkpoint_without_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stateless.npz"
    np.savez(path, allow_pickle=False, **values(variables(1)))
    assert "damaged" in refusal(path, variables(2))


FULL_DISK = f"""
import resource, signal, sys
sys.path.insert(0, {str(toy.ROOT)!r})
import numpy as np
from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
path, first, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checkpoint.save_arrays(path, {{"a": np.full(first, 1.0)}}, {{"update": 1}})
for size in (limit // 8 - 3, limit // 4, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        checkpoint.save_arrays(path, {{"a": np.full(size, 2.0)}}, {{"update": 2}})
        print("written")
    except InputError as error:
        print(error)
"""


def test_a_full_disk_gives_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files simulates the disk: the write fails in the last, a middle and the first part."""
    path = tmp_path / "step.npz"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), "50", "100000"],
        capture_output=True,
        text=True,
        env=toy.environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{path}: cannot write the checkpoint: File too large") for line in lines)
    arrays, state = checkpoint.load_arrays(str(path))
    assert state == {"update": 1}
    assert arrays["a"].tolist() == [1.0] * 50
    assert [entry.name for entry in tmp_path.iterdir()] == ["step.npz"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_small_disk_that_is_full_gives_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount")
    try:
        path = disk / "step.npz"
        checkpoint.save_arrays(str(path), {"a": np.ones(3000)}, {"update": 1})
        with pytest.raises(InputError, match="cannot write the checkpoint: No space left on device"):
            checkpoint.save_arrays(str(path), {"a": np.zeros(6000)}, {"update": 2})
        arrays, state = checkpoint.load_arrays(str(path))
        assert state == {"update": 1}
        assert arrays["a"].tolist() == [1.0] * 3000
        assert [entry.name for entry in disk.iterdir()] == ["step.npz"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_missing_folder_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none" / "step.npz"
    with pytest.raises(InputError, match=f"{path}: cannot write the checkpoint: No such file"):
        checkpoint.save_arrays(str(path), {}, {})


WRITE_FOR_EVER = f"""
import sys
sys.path.insert(0, {str(toy.ROOT)!r})
import numpy as np
from seq2seq_tf.training import checkpoint
n = 0
while True:
    n += 1
    arrays = {{f"a{{k}}": np.full(100_000, float(n)) for k in range(5)}}
    checkpoint.save_arrays(sys.argv[1], arrays, {{"update": n}})
    if n == 1:
        print("started", flush=True)
"""


def test_killed_at_any_moment_of_a_write_a_whole_file_remains(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "step.npz"
    command = [sys.executable, "-c", WRITE_FOR_EVER, str(path)]
    delay = float(rng.uniform(0.0, 0.2))
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=toy.environment()) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        arrays, state = checkpoint.load_arrays(str(path))
        assert state["update"] >= 1, f"after {delay} s"
        assert {float(a.min()) for a in arrays.values()} == {float(state["update"])}
        assert {float(a.max()) for a in arrays.values()} == {float(state["update"])}
        delay *= 2.0
