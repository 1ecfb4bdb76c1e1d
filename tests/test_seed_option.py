"""The random numbers of a test can be reproduced, even after a crash."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.seed_option import parse_seed
from tests.toy import ROOT, environment

DRAWING = """
from hypothesis import given, strategies as st

def test_one(rng):
    assert False, f"drawn {rng.integers(2**40)}"

@given(st.integers(0, 2**40))
def test_hypothesis(number):
    assert number < 1000, f"drawn {number}"
"""
CRASHING = """
import os
import pathlib

def test_crash(rng):
    pathlib.Path("drawn").write_text(str(rng.integers(2**40)))
    os.abort()
"""
UNSEEDED = re.compile(
    r"default_rng\(\)|Random\(\)|\bsecrets\.|urandom|np\.random\.(rand|normal|uniform|integers)\b|uuid4"
)


def run(folder: Path, test: str, *options: str) -> str:
    """Runs a test file in a separate process and returns its output."""
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.seed_option",
        "-p",
        "no:cacheprovider",
        *options,
        "test_it.py",
    ]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def drawn(output: str) -> list[str]:
    return re.findall(r"AssertionError: (drawn \d+)", output)


def test_a_failure_names_the_seed_that_repeats_it(tmp_path: Path) -> None:
    first = run(tmp_path, DRAWING, "--seed=random")
    seeds = set(re.findall(r"--seed=(\d+)", first))
    assert len(seeds) == 1, first
    assert len(re.findall("- seed -.*\nseed: ", first)) == 2  # with each failure; also in the header and at the end:
    assert len(re.findall("^seed: ", first, re.MULTILINE)) == 4
    again = run(tmp_path, DRAWING, f"--seed={seeds.pop()}")
    assert drawn(first) == drawn(again) != []


def test_a_crashed_worker_has_its_seed_named_and_draws_from_it(tmp_path: Path) -> None:
    output = run(tmp_path, CRASHING, "--numprocesses=1", "--seed=random")
    assert "crashed while running" in output
    seed = re.findall(r"- seed -.*\nseed: (\d+) ", output)[0]
    assert set(re.findall(r"--seed=(\d+)", output)) == {seed}
    assert np.random.default_rng(int(seed)).integers(2**40) == int((tmp_path / "drawn").read_text())


@pytest.mark.parametrize("text", ["many", "-1", "1.5", str(2**30)])
def test_what_is_not_a_seed_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected random or a number from 0 to "):
        parse_seed(text)


def test_no_test_draws_numbers_that_the_seed_does_not_determine() -> None:
    files = [
        path for path in (ROOT / "tests").rglob("*.py") if path.name not in (Path(__file__).name, "seed_option.py")
    ]
    found = [f"{path}: {line}" for path in files for line in path.read_text().splitlines() if UNSEEDED.search(line)]
    assert not found
