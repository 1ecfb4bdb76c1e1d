"""seq2seq-evaluate as a user runs it: it prints and writes the results of sacreBLEU and the Python API."""

from __future__ import annotations

import dataclasses
import gzip
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sacrebleu

from seq2seq_tf.tasks.translation.translator import Translator
from tests.trained import Call, Ended, assert_one_error_line, copy_run, run_program, run_programs


class Evaluated(NamedTuple):
    """Results of all slow runs of this file, and the folder with what they wrote."""

    ended: dict[str, Ended]
    folder: Path


@pytest.fixture(scope="module")
def evaluated(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder = tmp_path_factory.mktemp("evaluate")
    corpus = toy_run.parent / "corpus"
    capitals, short = folder / "capitals.gz", folder / "short"
    capitals.write_bytes(gzip.compress((corpus / "valid.tgt").read_bytes().upper()))
    short.write_text("ka\n")
    untested = copy_run(toy_run, folder / "untested", "best", "checkpoints")
    config = (untested / "config.yaml").read_text().splitlines()
    config = [f"{line.split(':')[0]}: ''" if line.startswith("  test_") else line for line in config]
    config = [line.replace("bleu_tokenizer: 13a", "bleu_tokenizer: intl") for line in config]
    (untested / "config.yaml").write_text("\n".join(config))

    model, source = f"--model_dir={toy_run}", f"--source={corpus / 'valid.src'}"
    own = [model, "--show=3", f"--json={folder / 'own.json'}", f"--hypotheses={folder / 'own.txt'}"]
    other = [model, source, f"--reference={capitals}", "--lowercase", "--tokenize=char", "--beam_size=1"]
    calls = {
        "own": Call("evaluate", own),
        "other": Call("evaluate", [*other, f"--json={folder / 'other.json'}"]),
        "empty": Call(
            "evaluate",
            [
                *(model, source, f"--reference={corpus / 'valid.tgt'}", f"--reference={capitals}"),
                *("--max_ratio=0", "--max_extra=1", f"--json={folder / 'empty.json'}"),
            ],
        ),
        "run's tokenizer": Call(
            "evaluate", [f"--model_dir={untested}", source, f"--reference={corpus / 'valid.tgt'}", "--beam_size=1"]
        ),
        "no test set": Call("evaluate", [f"--model_dir={untested}"]),
        "lengths": Call("evaluate", [model, source, f"--reference={short}"]),
        "tokenizer": Call("evaluate", [model, "--tokenize=nonsense"]),
    }
    return Evaluated(run_programs(calls), folder)


def result(evaluated: Evaluated, name: str) -> dict[str, Any]:
    assert (evaluated.ended[name].code, evaluated.ended[name].stderr) == (0, "")
    return json.loads((evaluated.folder / f"{name}.json").read_text())


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_scores_are_those_of_sacrebleu_for_the_written_translations(evaluated: Evaluated, toy_run: Path) -> None:
    found = result(evaluated, "own")
    translations, references = lines(evaluated.folder / "own.txt"), lines(toy_run.parent / "corpus" / "valid.tgt")
    bleu, chrf, ter = sacrebleu.BLEU(), sacrebleu.CHRF(), sacrebleu.TER()
    for name, metric in (("bleu", bleu), ("chrf", chrf), ("ter", ter)):
        expected = metric.corpus_score(translations, [references]).score
        assert found[name] == {"score": pytest.approx(expected), "signature": str(metric.get_signature())}
        assert f"{name.upper():<10} {expected:6.2f}  {metric.get_signature()}" in evaluated.ended["own"].stdout
    assert 5.0 < found["chrf"]["score"] < 100.0  # otherwise this proves little


def test_the_test_set_of_the_run_is_translated_with_its_options(
    evaluated: Evaluated, toy_run: Path, translator: Translator
) -> None:
    found = result(evaluated, "own")
    data = translator.config.data
    assert (found["source"], found["reference"]) == (data.test_source, data.test_target)
    assert found["sentences"] == 11
    assert found["search"] == dataclasses.asdict(translator.config.search)
    sources = lines(Path(data.test_source))
    assert lines(evaluated.folder / "own.txt") == [h.text for h in translator.translate(sources)]


def test_perplexity_is_that_of_the_references(evaluated: Evaluated, translator: Translator) -> None:
    sources, references = (lines(Path(path)) for path in dataclasses.astuple(translator.config.data)[4:6])
    pieces = sum(len(row) + 1 for row in translator.target.encode(references))
    expected = math.exp(-sum(translator.score(sources, references)) / pieces)
    assert result(evaluated, "own")["perplexity_per_piece"] == pytest.approx(expected, rel=1e-4)


def test_bleu_uses_the_tokenizer_of_the_run_unless_another_is_given(evaluated: Evaluated) -> None:
    assert "|tok:intl|" in evaluated.ended["run's tokenizer"].stdout
    assert "tok:13a" in result(evaluated, "own")["bleu"]["signature"]
    assert "tok:char" in result(evaluated, "other")["bleu"]["signature"]


def test_show_prints_sentences_with_references_and_translations(evaluated: Evaluated, translator: Translator) -> None:
    data = translator.config.data
    files = (Path(data.test_source), Path(data.test_target), evaluated.folder / "own.txt")
    possible = {
        f"  source       {source}\n  reference    {reference}\n  translation  {translation}"
        for source, reference, translation in zip(*map(lines, files), strict=True)
    }
    blocks = evaluated.ended["own"].stdout.rstrip("\n").split("\n\n")[1:]
    assert len(blocks) == 3
    assert set(blocks) <= possible
    assert "source  " not in evaluated.ended["other"].stdout


def test_other_files_another_case_and_another_tokenizer_can_be_scored(evaluated: Evaluated, toy_run: Path) -> None:
    """The reference is a .gz in capitals: it gets the score of the plain file only because case is ignored."""
    found = result(evaluated, "other")
    assert found["reference"].endswith("capitals.gz")
    assert found["search"]["beam_size"] == 1
    assert "case:lc" in found["bleu"]["signature"]
    assert "tok:char" in found["bleu"]["signature"]
    assert found["bleu"]["score"] > 5.0


def test_the_length_of_the_translations_is_printed_beside_the_scores(evaluated: Evaluated) -> None:
    found, printed = result(evaluated, "own"), evaluated.ended["own"].stdout
    assert f"length     {found['length_ratio']:6.2f}  times the reference" in printed
    assert f"brevity penalty {found['brevity_penalty']:.3f}\n" in printed
    assert f"empty      {len(found['empty_lines']):6}  " in printed
    assert f"too short  {len(found['short_lines']):6}  " in printed
    assert found["split_lines"] == 0
    assert "sentence by sentence" not in printed


def test_translations_that_are_all_empty_are_reported(evaluated: Evaluated, toy_run: Path) -> None:
    """Several references are used, too, here for empty translations."""
    done = evaluated.ended["empty"]
    assert (done.code, done.stderr) == (
        0,
        "warning: the translations are only 0.00 times as long as the reference\n",
    )
    found = json.loads((evaluated.folder / "empty.json").read_text())
    assert (found["bleu"]["score"], found["brevity_penalty"], found["character_ratio"]) == (0.0, 0.0, 0.0)
    assert found["empty_lines"] == list(range(1, 12))
    assert "empty          11  100.0 % of the translations: lines 1, 2, 3, 4, 5, ...\n" in done.stdout
    assert found["reference"] == [str(toy_run.parent / "corpus" / "valid.tgt"), str(evaluated.folder / "capitals.gz")]
    assert "nrefs:2" in found["bleu"]["signature"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no test set", ["no test set", "--source"]),
        ("lengths", ["valid.src has 11 lines", "short has 1 lines"]),
        ("tokenizer", ["nonsense", "13a"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(evaluated: Evaluated, name: str, words: list[str]) -> None:
    assert_one_error_line(evaluated.ended[name], *words)
    assert evaluated.ended[name].stdout == ""


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ([], "--model_dir"),
        (["--model_dir=x", "--source=y"], "--reference"),
        (["--model_dir=x", "--referense=y"], "referense"),
    ],
)
def test_a_mistake_in_the_flags_is_reported_before_anything_is_loaded(flags: list[str], word: str) -> None:
    assert_one_error_line(run_program(Call("evaluate", flags)), word)
