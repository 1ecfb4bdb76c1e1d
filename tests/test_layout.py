"""tests/ mirrors the package: the tests of a module are found under its name."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "seq2seq_tf"

# Modules without their own test file, and why.
WITHOUT = {
    "nn/attention_scores.py": "nn/test_attention.py tests every kind of score",
    "nn/decoder_layer.py": "a protocol, and what test_layers.py tests of every decoder in Keras",
    "nn/kernels/fused_decoder.py": "nn/test_decoder.py compares the decoder with and without it",
    "nn/layer.py": "test_layers.py: the behaviour of every public layer in Keras",
    "tasks/classification/config.py": "only options; tests/config tests every option of every task",
    "tasks/language_model/reader.py": "a protocol; test_model.py tests each implementation",
    "tasks/language_model/recurrent_reader.py": "test_model.py tests it in a language model with every cell",
    "tasks/tagging/config.py": "only options; tests/config tests every option of every task",
    "tasks/translation/reload_check.py": "a script; test_export.py runs it on intact and broken exports",
}
# Test files that do not belong to a module, and why.
BESIDE = {
    "cli/test_every_program.py": "properties of every program",
    "config/test_renamed_options.py": "old names in every task's configuration",
    "inspection/test_page_in_browser.py": "the script of the page, in a browser",
    "nn/test_cells_page.py": "docs/cells.md",
    "tasks/test_bound_options.py": "properties of the models of all tasks",
    "tasks/translation/test_loading.py": "finished, unfinished and damaged runs loaded by Translator",
    "tasks/translation/test_split_translations.py": "paragraphs split, translated and joined",
    "test_attack.py": "hostile input to several programs",
    "test_documents.py": "README and docs/",
    "test_imports.py": "the layers of the whole package",
    "test_layout.py": "this file",
    "test_one_search.py": "one search option, from the Python API to the SavedModel",
    "test_removing_a_task.py": "the registry of tasks as a whole",
    "test_seed_option.py": "tests/conftest.py",
    "test_wheel.py": "the installed package",
    "training/test_crash_points.py": "training killed at any file operation",
    "training/test_divergence.py": "diverging training, in every task",
}
FOLDERS = {
    "benchmarks": "benchmarks/",
    "data_scripts": "data_scripts/",
    "e2e": "long runs of whole tasks",
    "examples": "examples/",
}


def modules() -> set[str]:
    return {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}


def files() -> set[str]:
    found = {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")}
    return {file for file in found if file.split("/")[0] not in FOLDERS}


def file_of(module: str) -> str:
    return str(Path(module).with_name(f"test_{Path(module).name}"))


def test_every_module_has_its_test_file() -> None:
    without = {module for module in modules() if file_of(module) not in files()}
    assert without == set(WITHOUT), "add a test file named after the module, or a reason in WITHOUT"


def test_every_test_file_has_its_module() -> None:
    beside = files() - {file_of(module) for module in modules()}
    assert beside == set(BESIDE), "a name after the module that it tests, or a reason in BESIDE"


@pytest.mark.parametrize("file", sorted(files()))
def test_no_test_file_is_empty(file: str) -> None:
    assert "\ndef test_" in (ROOT / "tests" / file).read_text(encoding="utf-8")
