"""The seed of a test run: `pytest --seed=N`, printed in the header, with every failure and at the end.

Without the option each run draws the same numbers and the same examples of Hypothesis, so that different results come
from a change in the code. `--seed=random` (`make test-all`) draws a new seed, `--seed=N` repeats it. Worker processes
get the seed of the process that started them, and that process reports failures, so the seed is printed even for a
worker that crashed.
"""

from __future__ import annotations

import argparse
import secrets
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

DEFAULT = 17
LIMIT = 2**30  # seeds are int32, and tests also use the numbers next to the seed

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("drawn", print_blob=True)


def parse_seed(text: str) -> int:
    """Returns the given number, or a new one for "random"."""
    if text == "random":
        return secrets.randbelow(LIMIT)
    if not text.isdecimal() or int(text) >= LIMIT:
        raise argparse.ArgumentTypeError(f"expected random or a number from 0 to {LIMIT - 1}, got {text!r}")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=parse_seed, metavar="N", help=f"seed of the run (default {DEFAULT}), or random")


@pytest.hookimpl(tryfirst=True)  # before the Hypothesis plugin reads its own option
def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker:  # it was started with the same flags and would draw another seed
        config.option.seed = worker["seed"]
    drawn = config.option.seed is not None
    settings.load_profile("drawn" if drawn else "repeatable")
    if drawn and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(config.option.seed)
    if not worker:
        config.pluginmanager.register(SeedReporter(config), "seed_reporter")


def seed_of(config: pytest.Config) -> int:
    """Returns the seed of the run."""
    return DEFAULT if config.option.seed is None else config.option.seed


class SeedReporter:
    """Prints the seed in the reports of a run; used only in the main process."""

    def __init__(self, config: pytest.Config) -> None:
        seed = seed_of(config)
        self.given = config.option.seed
        self.line = f"seed: {seed} (repeat with --seed={seed})"
        self.failures = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Passes the seed to a worker process of xdist."""
        node.workerinput["seed"] = self.given

    def pytest_report_header(self) -> str:
        return self.line

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter prints it
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._name_seed(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._name_seed(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.failures:
            terminalreporter.write_line(self.line)

    def _name_seed(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self.failures += 1
            report.sections.append(("seed", self.line))


@pytest.fixture(scope="session")
def run_seed(pytestconfig: pytest.Config) -> int:
    """The seed of the run as a number."""
    return seed_of(pytestconfig)


@pytest.fixture
def rng(run_seed: int) -> np.random.Generator:
    """A random generator with the seed of the run; no test may depend on the numbers that it draws."""
    return np.random.default_rng(run_seed)


@pytest.fixture
def seed(run_seed: int) -> int:
    """Seeds Keras for initial weights; not used automatically, because importing Keras takes seconds."""
    import keras

    keras.utils.set_random_seed(run_seed)
    return run_seed
