"""seq2seq-export as a user runs it; tests/tasks/translation/test_served.py tests what it writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.toy import ROOT, environment
from tests.trained import Call, Ended, Exported, assert_one_error_line, copy_run, run_program, run_programs


@pytest.fixture(scope="module")
def ended(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """All slow runs of this file that end with an error."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "there").mkdir()
    (folder / "blank").write_text("\n  \n")
    model, new = f"--model_dir={toy_run}", f"--out={folder / 'new'}"
    calls = {
        "exists": Call("export", [model, f"--out={folder / 'there'}"]),
        "blank": Call("export", [model, new, f"--sentences={folder / 'blank'}"]),
        "missing": Call("export", [model, new, f"--sentences={folder / 'missing'}"]),
    }
    done = run_programs(calls)
    assert sorted(path.name for path in folder.iterdir()) == ["blank", "there"]
    return done


def test_an_export_reports_its_folder_and_the_comparison(exported: Exported) -> None:
    assert (exported.ended.code, exported.ended.stderr) == (0, "")
    wrote, compared = exported.ended.stdout.splitlines()
    where, _, weights = wrote.partition(": ")
    assert where == f"wrote {exported.folder}/text and {exported.folder}/ids"
    assert re.fullmatch(r"final weights, (best checkpoint|average of the \d best), after 296 updates", weights)
    found = re.fullmatch(
        r"reloaded in a fresh process: 12 translations equal, scores within (\S+) \(relative\)", compared
    )
    assert found is not None
    assert 0.0 <= float(found[1]) < 1e-4


@pytest.mark.parametrize(
    ("name", "words"),
    [("exists", ["there", "already exists"]), ("blank", ["blank", "no sentence"]), ("missing", ["missing", "no such"])],
)
def test_bad_input_is_one_line_and_exit_code_2(ended: dict[str, Ended], name: str, words: list[str]) -> None:
    assert_one_error_line(ended[name], *words)


@pytest.mark.parametrize(
    ("flags", "word"), [(["--model_dir=x"], "--out"), (["--model_dir=x", "--out=y", "--compare=0"], "--compare")]
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], word: str) -> None:
    assert_one_error_line(run_program(Call("export", flags)), word)


@pytest.mark.slow
def test_a_moved_run_is_exported_without_its_corpus(toy_run: Path, tmp_path: Path) -> None:
    moved = copy_run(toy_run, tmp_path / "moved", "model.npz")
    config = moved / "config.yaml"
    config.write_text(config.read_text().replace(str(toy_run.parent), "/gone"))
    done = run_program(Call("export", [f"--model_dir={moved}", f"--out={tmp_path / 'out'}"]))
    assert done.code == 0, done
    assert "12 translations equal" in done.stdout
    assert "not the final weights" in done.stderr
    weights = json.loads((tmp_path / "out" / "about.json").read_text())["weights"]
    assert (weights["final"], weights["label"]) == (False, "best so far")
    (moved / "examples.txt").unlink()
    old = run_program(Call("export", [f"--model_dir={moved}", f"--out={tmp_path / 'other'}"]))
    assert old.code == 2
    assert "--sentences" in old.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_terminated_export_leaves_nothing(toy_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seq2seq_tf.cli.export", f"--model_dir={toy_run}", f"--out={tmp_path / 'out'}"]
    running = subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL)
    while running.poll() is None and not list(tmp_path.glob(".export-*")):
        time.sleep(0.05)
    running.terminate()
    assert running.wait(120) == 143
    assert list(tmp_path.iterdir()) == []
