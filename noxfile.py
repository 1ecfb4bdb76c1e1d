"""Runs the tests with other versions of Python and TensorFlow: `make test-versions`, or nox with its own flags.

Each combination has its own environment in .nox/ (about 2 GB). A missing interpreter is skipped, and nox reports it.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import nox

SETUP = configparser.ConfigParser()
SETUP.read(Path(__file__).with_name("setup.cfg"), encoding="utf-8")
PYTHONS = re.findall(r"Python :: (\d+\.\d+)", SETUP["metadata"]["classifiers"])
(RANGE,) = re.findall(r"^tensorflow>=([\d.]+),<([\d.]+)$", SETUP["options"]["install_requires"], re.MULTILINE)
VERSIONS = """import sys, keras, numpy, tensorflow
print("Python", sys.version.split()[0], *(f"{m.__name__} {m.__version__}" for m in (tensorflow, keras, numpy)))"""

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.stop_on_first_error = False


@nox.session(python=PYTHONS)
@nox.parametrize("tensorflow", [f"=={RANGE[0]}.*", f"<{RANGE[1]}"], ids=["oldest", "newest"])
def tests(session: nox.Session, tensorflow: str) -> None:
    """Runs all tests except the slow ones, or those given: nox -s "tests-3.13(newest)" -- tests/nn."""
    pinned = (f"tensorflow{tensorflow}", f"tensorflow-text{tensorflow}")
    session.install("--quiet", "--upgrade", "--editable", ".[dev]", *pinned)
    session.run("python", "-c", VERSIONS, env={"TF_CPP_MIN_LOG_LEVEL": "3"})
    session.run("python", "-m", "pytest", *(session.posargs or ["--numprocesses=2", "--dist=loadfile"]))
