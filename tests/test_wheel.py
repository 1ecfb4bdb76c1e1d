"""A wheel is self-contained: without a checkout it fetches, splits, checks, trains, translates and exports."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest

from seq2seq_tf.version import __version__
from tests import toy
from tests.toy import ROOT

SOURCES = ("seq2seq_tf", "configs", "setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that it contains nothing from earlier builds."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=folder / "source", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_a_wheel_contains_every_module_template_and_configuration_and_nothing_else(wheel: Path) -> None:
    kept = {".py", ".yaml", ".typed", ".html", ".css", ".js", ".bash", ".fish", ".zsh"}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "seq2seq_tf").rglob("*") if path.suffix in kept}
    configs = {f"seq2seq_tf/configs/{path.name}" for path in (ROOT / "configs").iterdir()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == package | configs
    assert "seq2seq_tf/py.typed" in held


def test_the_metadata_name_version_author_licence_and_keras(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel)
    (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(files.read(name).decode())
    assert (metadata["Name"], metadata["Version"]) == ("seq2seq_tf", __version__)
    assert wheel.name == f"seq2seq_tf-{__version__}-py3-none-any.whl"
    assert metadata["Author"] == "The seq2seq_tf developers"
    assert "Apache-2.0" in (metadata["License"], metadata["License-Expression"])
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"tensorflow", "keras"} <= {need.split("<")[0] for need in metadata.get_all("Requires-Dist", [])}


def test_a_wheel_installs_every_program(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel)
    (name,) = [name for name in files.namelist() if name.endswith("entry_points.txt")]
    found, setup = configparser.ConfigParser(), configparser.ConfigParser()
    found.read_string(files.read(name).decode())
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    assert dict(found["console_scripts"]) == dict(line.split(" = ") for line in lines if line)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Installs the wheel in a new environment outside the checkout; returns a function that runs a program there.

    Its dependencies are those of this Python, so nothing is downloaded; the checkout installed here is not visible.
    """
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder / "env", symlinks=True, with_pip=False)
    python = folder / "env" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    target = {"python_version": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    site = folder / "env" / "lib" / f"python{target['python_version']}" / "site-packages"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    done = subprocess.run([*pip, str(wheel)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files are not read
    (folder / "work").mkdir()

    def run(name: str, *flags: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(folder / "env" / "bin" / name), *flags],
            cwd=folder / "work",
            env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
            input=given,
            text=True,
            capture_output=True,
            check=False,
        )

    where = run("python", "-c", "import seq2seq_tf; print(seq2seq_tf.__file__)")
    assert where.stdout.strip() == str(site / "seq2seq_tf" / "__init__.py"), where.stderr
    return run


def ended_well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.slow
def test_a_translator_is_trained_and_exported_without_a_checkout(installed: Run, tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=1, train=600)
    options = corpus.options()
    sources = [options[f"data.{part}_source"] for part in ("train", "valid")]
    targets = [options[f"data.{part}_target"] for part in ("train", "valid")]
    for name, files in (("all.xx", sources), ("all.yy", targets)):
        (tmp_path / name).write_text("".join(Path(file).read_text() for file in files))
    languages = ["--source_lang=xx", "--target_lang=yy"]
    two = [f"--source_file={tmp_path / 'all.xx'}", f"--target_file={tmp_path / 'all.yy'}"]
    ended_well(installed("seq2seq-data", "split", *two, *languages, "--valid=50", "--test=50", "--out=data/mine"))
    ended_well(installed("seq2seq-data", "doctor", *languages, "--data=data/mine"))
    assert "quickstart_en_de" in ended_well(installed("seq2seq-config", "list"))
    text = ended_well(installed("seq2seq-config", "show", "quickstart_en_de"))
    text = text.replace("data/libreoffice_en_de", "data/mine").replace(".en\n", ".xx\n").replace(".de\n", ".yy\n")
    (tmp_path / "mine.yaml").write_text(text)
    small = ["--data.vocab_size=320", "--train.max_epochs=1", "--train.max_minutes=0", "--train.batch_tokens=500"]
    small += [f"--model.{name}=16" for name in ("embedding_units", "output_units", "encoder_units", "decoder_units")]
    run = "--model_dir=runs/mine"
    ended_well(installed("seq2seq-train", f"--config={tmp_path / 'mine.yaml'}", run, *small))
    lines = ended_well(installed("seq2seq-translate", run, given="one line\n\n")).splitlines()
    assert len(lines) == 2
    assert "BLEU" in ended_well(installed("seq2seq-evaluate", run))
    ended_well(installed("seq2seq-inspect", "attention", run, "--text=ab", "--out=maps.html"))
    ended_well(installed("seq2seq-export", run, "--out=exported"))
    use = "from saved_translator import SavedTranslator; print(SavedTranslator('exported').translate('ab'))"
    load = f"import sys; sys.path.append('exported'); {use}"
    assert "text=" in ended_well(installed("python", "-c", load))


@pytest.mark.slow
def test_a_corpus_is_made_of_published_files_without_a_checkout(installed: Run, tmp_path: Path) -> None:
    for part in ("train", "val", "test_2016_flickr"):
        for language in ("de", "en"):
            (tmp_path / f"{part}.{language}").write_text(f"{part} {language}\n")
    shown = ended_well(installed("seq2seq-data", "fetch-multi30k", f"--from_folder={tmp_path}", "--out=data/multi30k"))
    assert shown.count("differs from the published text") == 6
    assert "complete -F" in ended_well(installed("seq2seq-config", "completion", "bash"))
    assert ended_well(installed("seq2seq-lm", "--version")).startswith(f"seq2seq-lm {__version__} (Python ")
