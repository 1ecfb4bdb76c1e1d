"""Hostile lines in program, Python API and SavedModel, and many calls from many threads: no errors, no leaks."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf

from seq2seq_tf.tasks.translation.saved_translator import SavedTranslator
from seq2seq_tf.tasks.translation.translator import Translator
from tests.toy import sentences
from tests.trained import Call, Exported, run_program

MANY = 100_000
FEW = 150
CALLS = 20_000
THREADS = 8
GROWTH = 48 * 2**20  # bytes; detects a leak of 3 kB per call

PARTS = [
    *(
        "ka",
        "be du",
        "lo mi nu re",
        "BA",
        "x" * 50,
        "12345",
        "1e308",
        "-0",
        "NaN",
        "%s%n",
        "${HOME}",
        "../../etc",
        "<s>",
        "</s>",
    ),
    *(
        "<unk>",
        "<pad>",
        "<0x00>",
        "<0xFF>",
        "\u2581",
        "|||",
        "\\n",
        "\x00",
        "\x01\x02",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\t",
        "\r",
    ),
    *(
        "\u00a0",
        "\u2028",
        "\u2029",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\ufffd",
        "\uffff",
        "\u202e",
        "\u2066",
    ),
    *(
        "e\u0301\u0301",
        "Z" + "\u0300" * 200,
        "\U0001f469\u200d\U0001f467",
        "\U0001f1e9\U0001f1ea",
        "\U0010ffff",
        "\U000e0041",
    ),
    *(
        "\u05e9\u05dc\u05d5\u05dd",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u4f60\u597d\uff0c\u4e16\u754c\uff01",
        "\uae40\uce58",
        "\u0e2a\u0e27\u0e31\u0e2a",
    ),
    *(
        "\u00bd",
        "\u2122",
        "\u2026",
        "\ufb01",
        "\u1e9e",
        "\u0130",
        ". ",
        "! ",
        "? ",
        "\u3002",
        " ",
        "   ",
        '"',
        "'",
        "&amp;",
        "{}",
        "",
    ),
]


def hostile(count: int, seed: int = 5) -> list[str]:
    """Returns lines of unusual parts, a few of them with thousands of characters."""
    draw = random.Random(seed)
    lines = []
    for n in range(count):
        size = draw.randrange(400, 1200) if n % 997 == 0 else draw.randrange(9)
        lines.append("".join(draw.choices(PARTS, k=size)).replace("\n", ""))
    return lines


def spoilt(lines: list[str], seed: int = 6) -> list[bytes]:
    """Returns the lines in UTF-8, each made invalid by an inserted byte."""
    draw = random.Random(seed)
    found = []
    for line in lines:
        raw = line.encode()
        at = draw.randrange(len(raw) + 1)
        found.append(raw[:at] + bytes([draw.choice((0xFF, 0xC0, 0x80, 0xED, 0xF8))]) + raw[at:])
    return found


@pytest.fixture(scope="module")
def saved(exported: Exported) -> SavedTranslator:
    assert exported.ended.code == 0, exported.ended.stderr
    return SavedTranslator(str(exported.folder))


def texts(found: Any) -> list[str]:
    return [h.text for h in found]


def check_api_and_saved_model(translator: Translator, saved: SavedTranslator, count: int) -> None:
    lines = hostile(count)
    whole = translator.translate(lines, beam_size=1, split_sentences=False)
    assert texts(saved.translate(lines, beam_size=1)) == texts(whole)
    assert all(np.isfinite(h.score) for h in whole)
    for n in range(0, count, max(count // 40, 1)):
        assert translator.translate(lines[n], beam_size=1, split_sentences=False).text == whole[n].text


def check_bytes(saved: SavedTranslator, count: int) -> None:
    """Asserts that the SavedModel answers invalid UTF-8 with valid UTF-8, as it cannot refuse it like the program."""
    raw = spoilt(hostile(count))
    for start in range(0, count, 500):
        found = saved._loaded.translate(tf.constant(raw[start : start + 500]))
        for row in found["translations"].numpy().tolist():
            assert isinstance(row[0].decode(), str)
        assert np.isfinite(found["scores"].numpy()).all()


def check_program(translator: Translator, run: Path, count: int) -> None:
    lines = [line.replace("\r", "") for line in hostile(count)]
    good = "".join(f"{line}\n" for line in lines).encode()
    done = run_program(Call("translate", [f"--model_dir={run}", "--beam_size=1"], good + b"\xff\nka\n"))
    assert done.code == 2
    assert f"<standard input>:{count + 1}" in done.stderr.splitlines()[-1], done.stderr[-500:]
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == count
    chosen = range(0, count, max(count // 500, 1))
    expected = translator.translate([lines[n] for n in chosen], beam_size=1)
    assert [answers[n] for n in chosen] == [h.text.replace("\n", " ") for h in expected]


@pytest.mark.filterwarnings("ignore:text .*cut from")
def test_hostile_lines_get_the_same_translations_from_api_and_saved_model(
    translator: Translator, saved: SavedTranslator
) -> None:
    check_api_and_saved_model(translator, saved, FEW)
    check_bytes(saved, FEW)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:text .*cut from")
def test_the_program_writes_one_line_for_each_hostile_line(translator: Translator, toy_run: Path) -> None:
    check_program(translator, toy_run, FEW)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:text .*cut from")
def test_a_hundred_thousand_hostile_lines(translator: Translator, saved: SavedTranslator, toy_run: Path) -> None:
    check_api_and_saved_model(translator, saved, MANY)
    check_bytes(saved, MANY)
    check_program(translator, toy_run, MANY)


def check_threads(translate: Callable[..., Any], translator: Translator, calls: int) -> int:
    """Calls from all threads with different texts and options; returns the growth of memory in the later calls."""
    made = [[" ".join(words) for words in sentences(1 + n % 5, seed=n)] for n in range(40)]
    expected = {(n, beam): texts(translator.translate(made[n], beam_size=beam)) for n in range(40) for beam in (1, 2)}
    process = psutil.Process()

    def one(n: int) -> None:
        place, beam = n % 40, 1 + n % 2
        assert texts(translate(made[place], beam_size=beam)) == expected[place, beam]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(calls // 4)))  # until every thread has its resources
        before = process.memory_info().rss
        list(pool.map(one, range(calls - calls // 4)))
    return int(process.memory_info().rss - before)


def traces(translator: Translator) -> list[int]:
    return [f.experimental_get_tracing_count() for f in translator.searches.values()]


def test_calls_from_many_threads_give_the_results_of_a_single_thread(
    translator: Translator, saved: SavedTranslator
) -> None:
    check_threads(translator.translate, translator, 80)
    check_threads(saved.translate, translator, 80)
    assert max(traces(translator)) == 1


@pytest.mark.slow
def test_twenty_thousand_calls_from_eight_threads_keep_memory_flat(
    translator: Translator, saved: SavedTranslator
) -> None:
    assert check_threads(translator.translate, translator, CALLS) < GROWTH
    assert check_threads(saved.translate, translator, CALLS) < GROWTH
    assert max(traces(translator)) == 1
