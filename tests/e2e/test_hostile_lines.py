"""Lines that nobody would write on purpose: each gets a translation, none ends a program or affects another."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.tasks.translation.translator import Translator
from tests.toy import WORDS
from tests.trained import Call, run_program

POOLS = (
    [*WORDS, " "],
    list(" \t\u00a0\u3000\u2003"),  # white space
    list(".!?…。！？।۔()\"'“”„«»「」—-"),  # ends of sentences, brackets, quotes
    [chr(n) for n in (*range(10), *range(11, 32), 127, 0x85, 0x2028, 0x2029)],  # control characters except LF
    list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u061c"),  # invisible characters and directions
    list("你好世界、いろはカナ한국어ไทยລາວខ្មែរ"),
    list("שלוםعربیहिन्दीქართულიአማርኛ"),
    ["e\u0301\u0301\u0323", "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\ue000", "\U0010ffff", "\uffff"],
    ["<s>", "</s>", "<unk>", "<pad>", "\u2581", "&amp;", "%s", "{}", "\\n", "|||", "'; --", "../"],
    list("ÄÖÜßéñçøłİıſ½²™0123456789"),
)


def hostile_lines(count: int, seed: int) -> list[str]:
    """Returns lines of mixed pools: most are short, some empty, one in a thousand long."""
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        length = int(random.geometric(0.15)) - 1 if random.random() > 0.001 else 2000
        chosen = [POOLS[n] for n in random.integers(0, len(POOLS), 2)]
        kinds, places = random.integers(0, 2, length), random.random(length)
        lines.append("".join(chosen[k][int(p * len(chosen[k]))] for k, p in zip(kinds, places, strict=True)))
    return lines


def test_each_hostile_text_gets_a_translation_independent_of_the_others(translator: Translator) -> None:
    texts = hostile_lines(1000, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long ones are truncated
        found = translator.translate(texts, beam_size=1, attention=True)
        assert len(found) == len(texts)
        for text, hypothesis in zip(texts, found, strict=True):
            assert isinstance(hypothesis.text, str)
            assert np.isfinite([hypothesis.score, hypothesis.log_prob]).all()
            assert text.strip() or not hypothesis.text
        for n in range(0, len(texts), 97):
            alone = translator.translate(texts[n], beam_size=1)
            np.testing.assert_allclose(alone.score, found[n].score, rtol=1e-3, atol=1e-4)
    assert np.isfinite(translator.score(texts[:99], texts[99:198])).all()


@pytest.mark.slow
def test_a_hundred_thousand_hostile_lines_give_one_line_each(toy_run: Path) -> None:
    lines = hostile_lines(100_000, seed=2)
    content = "".join(f"{line}\n" for line in lines).encode()
    done = run_program(Call("translate", [f"--model_dir={toy_run}", "--beam_size=1"], content))
    assert done.code == 0, done.stderr[-1000:]
    assert all(line.startswith("warning: window from line ") for line in done.stderr.splitlines())
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(lines)
    assert not any(answer for answer, line in zip(answers, lines, strict=True) if not line.strip())


@pytest.mark.slow
def test_a_bad_byte_among_hostile_lines_loses_no_line_before_it(toy_run: Path) -> None:
    lines = [line.encode() for line in hostile_lines(5000, seed=3)]
    lines[3210] += b"\xc3\x28"
    done = run_program(Call("translate", [f"--model_dir={toy_run}", "--beam_size=1"], b"\n".join(lines)))
    assert done.code == 2
    assert done.stdout.count("\n") == 3210
    assert "error: <standard input>:3211: invalid UTF-8" in done.stderr
