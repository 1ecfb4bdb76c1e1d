"""The layers of docs/architecture.md: imports go down or sideways, never up and never in a cycle."""

from __future__ import annotations

import ast
import configparser
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq_tf.version import __version__

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "seq2seq_tf"

# The longest prefix decides. The package itself only exports names, lazily, and is above everything.
LAYERS = {
    "seq2seq_tf": 5,
    "seq2seq_tf.errors": 0,
    "seq2seq_tf.config": 0,
    "seq2seq_tf.files": 0,
    "seq2seq_tf.machine": 0,
    "seq2seq_tf.forks": 0,
    "seq2seq_tf.hints": 0,
    "seq2seq_tf.structures": 0,
    "seq2seq_tf.tracing": 0,
    "seq2seq_tf.version": 0,
    "seq2seq_tf.text": 1,
    "seq2seq_tf.data": 1,
    "seq2seq_tf.corpora": 1,
    "seq2seq_tf.nn": 1,
    "seq2seq_tf.search": 1,
    "seq2seq_tf.training": 1,
    "seq2seq_tf.inspection": 2,
    "seq2seq_tf.tasks": 3,
    "seq2seq_tf.layers": 4,
    "seq2seq_tf.cli": 4,
}
SUBPACKAGES = {name for name in LAYERS if (ROOT / name.replace(".", "/")).is_dir()} - {PACKAGE}


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Returns dotted name -> syntax tree of every module of the package."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def layer(module: str) -> int:
    prefix = module
    while prefix not in LAYERS:
        prefix = prefix.rpartition(".")[0]
    return LAYERS[prefix]


def imported(module: str, tree: ast.Module) -> set[str]:
    """Returns every module imported anywhere in the tree, including functions and TYPE_CHECKING blocks."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide the layer"
            assert node.module
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules() else node.module)
    return found


def own_imports(module: str) -> set[str]:
    return {name for name in imported(module, modules()[module]) if name.split(".")[0] == PACKAGE}


@pytest.mark.parametrize("module", modules())
def test_imports_never_go_up(module: str) -> None:
    upwards = {name for name in own_imports(module) if layer(name) > layer(module)}
    assert not upwards, f"{module} (layer {layer(module)}) imports {upwards}"


def test_imports_form_no_circle() -> None:
    waiting = {module: own_imports(module) & modules().keys() for module in modules()}
    while free := {module for module, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {module: needs for module, needs in waiting.items() if module not in free}
    assert not waiting


def test_every_module_has_a_layer() -> None:
    without = [m for m in modules() if m not in LAYERS and ".".join(m.split(".")[:2]) not in SUBPACKAGES]
    assert not without, f"add {without} to LAYERS"
    gone = [m for m in LAYERS if m not in modules()]
    assert not gone, f"remove {gone} from LAYERS"


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("search", {"nn", "training", "text", "data", "corpora"}),
        ("nn", {"search", "training", "text", "data", "corpora"}),
        ("data", {"search", "nn", "training", "corpora"}),
        ("text", {"search", "nn", "training", "data", "corpora"}),
        ("corpora", {"search", "nn", "training"}),
        ("training", {"search", "nn", "text", "data", "corpora"}),
        ("inspection", {"search", "corpora"}),
    ],
)
def test_packages_of_one_layer_stay_independent(package: str, forbidden: set[str]) -> None:
    for module in modules():
        if f"{module}.".startswith(f"{PACKAGE}.{package}."):
            met = {name for name in own_imports(module) if name.split(".")[1] in forbidden}
            assert not met, f"{module} imports {met}"


def test_no_task_imports_another() -> None:
    for module in modules():
        parts = module.split(".")
        if parts[1:2] == ["tasks"] and len(parts) > 2:
            others = {n for n in own_imports(module) if n.split(".")[1] == "tasks" and n.split(".")[2:3] != parts[2:3]}
            assert not others, f"{module} imports {others}"


@pytest.mark.parametrize("package", ["nn", "search", "training", "inspection"])
def test_shared_building_blocks_import_no_task(package: str) -> None:
    for module in modules():
        if f"{module}.".startswith(f"{PACKAGE}.{package}."):
            met = {name for name in own_imports(module) if name.split(".")[1:2] == ["tasks"]}
            assert not met, f"{module} imports {met}"


def test_nothing_imports_programs_scripts_or_benchmarks() -> None:
    for module, tree in modules().items():
        for name in imported(module, tree):
            assert name.split(".")[0] not in {"data_scripts", "benchmarks", "tests"}, f"{module} imports {name}"
            from_cli = name.startswith(f"{PACKAGE}.cli")
            assert not from_cli or module.startswith(f"{PACKAGE}.cli"), f"{module} imports {name}"


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [("data_scripts", {"data_scripts", "benchmarks", "tests"}), ("benchmarks", {"data_scripts", "tests"})],
)
def test_scripts_and_benchmarks_use_the_package_only(folder: str, forbidden: set[str]) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        met = {name for name in imported(str(path), tree) if name.split(".")[0] in forbidden}
        assert not met, f"{path} imports {met}"


def test_flags_are_read_in_programs_only() -> None:
    for module, tree in modules().items():
        if module.startswith(f"{PACKAGE}.cli"):
            continue
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "FLAGS" not in names, module
        assert not any(name.split(".")[0] == "absl" for name in imported(module, tree)), module


def test_no_function_is_traced_and_nothing_is_random_or_printed_below_training() -> None:
    """Rule 9: lower layers are pure, and their callers decide."""
    for module, tree in modules().items():
        part = module.split(".")[1:]
        if part[:1] not in (["nn"], ["search"], ["structures"]) and part[2:] != ["model"]:
            continue
        called = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        called |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        unwanted = {
            "tf.function",
            "trace",
            "tf.random.set_seed",
            "keras.utils.set_random_seed",
            "np.random.seed",
            "print",
        }
        assert not called & unwanted, f"{module} uses {called & unwanted}"
        assert not any(isinstance(node, ast.Global) for node in ast.walk(tree)), module


def test_only_exporting_needs_tensorflow_text() -> None:
    """tensorflow-text has no wheel for Windows."""
    users = {module for module, tree in modules().items() if "tensorflow_text" in imported(module, tree)}
    assert users == {f"{PACKAGE}.{name}" for name in ("text.sentencepiece", "tasks.translation.saved_translator")}
    for function in ast.walk(modules()[f"{PACKAGE}.text.sentencepiece"]):
        if isinstance(function, ast.Import) and function.names[0].name == "tensorflow_text":
            assert function.col_offset > 0, "import it where a graph is built"
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert 'tensorflow-text>=2.20,<2.22; platform_system != "Windows"' in setup["options"]["install_requires"]


def test_functions_are_traced_in_one_place() -> None:
    for module, tree in modules().items():
        uses = any(isinstance(node, ast.Attribute) and ast.unparse(node) == "tf.function" for node in ast.walk(tree))
        assert not uses or module == f"{PACKAGE}.tracing", module


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_package_does_not_import_tensorflow() -> None:
    code = "import sys, seq2seq_tf as s; s.Config(); s.load_config(None)"
    version, loaded = in_a_fresh_process(f"{code}; print(s.__version__, 'tensorflow' in sys.modules)").split()
    assert loaded == "False"
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == f"attr: {PACKAGE}.version.__version__"
    assert version == __version__


def test_the_package_exports_its_main_names() -> None:
    import seq2seq_tf
    from seq2seq_tf import Config, InputError, Translator, load_config
    from seq2seq_tf.config.loading import load
    from seq2seq_tf.errors import InputError as InputErrorItself
    from seq2seq_tf.tasks.translation.translator import Translator as TranslatorItself

    assert Translator is TranslatorItself
    assert InputError is InputErrorItself
    assert load_config is load
    assert load_config(None).config == Config()
    assert set(seq2seq_tf.__all__) <= set(dir(seq2seq_tf))
    with pytest.raises(AttributeError, match="no attribute 'Translater'"):
        _ = seq2seq_tf.Translater
