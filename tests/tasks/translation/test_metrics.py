"""Scores are those that the sacrebleu command prints for the same files."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.metrics import BleuScore, Score, bleu, check_tokenizer, chrf, ter, tokenizer_for
from seq2seq_tf.training.validation import perplexity
from tests import toy

REFERENCES = [
    "The cat sat on the mat.",
    "Ein „Zitat“, 3,5 km/h – naïve?",
    'He said: "don\'t!" &amp; left…',
    "한국어 문장 하나",
    "One",
    "A rather long sentence with quite a few words, so that four-grams can match here and there.",
]
HYPOTHESES = [
    "the cat sat on a mat .",
    "Ein „Zitat“, 3,5 km/h – naiv?",
    'He said: "don\'t!" & left...',
    "한국어 문장 둘",
    "",
    "A rather long sentence with a few words so that four-grams can match here or there.",
]


def sacrebleu(folder: Path, *arguments: str, others: Sequence[str] = ()) -> dict[str, Score]:
    """Returns the scores of sacreBLEU's command line, by metric."""
    (folder / "references").write_text("".join(f"{line}\n" for line in REFERENCES), encoding="utf-8")
    (folder / "hypotheses").write_text("".join(f"{line}\n" for line in HYPOTHESES), encoding="utf-8")
    files = [str(folder / "references"), *others, "-i", str(folder / "hypotheses")]
    done = toy.run_python("-m", "sacrebleu", *files, "--format", "json", "-w", "9", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = found if isinstance(found, list) else [found]
    names = {"bleu": "bleu", "chrf2": "chrf", "ter": "ter"}
    return {
        names[row["name"].lower()]: Score(names[row["name"].lower()], row["score"], row["signature"]) for row in rows
    }


def assert_same(found: Score | BleuScore, expected: Score) -> None:
    assert found.name == expected.name
    assert found.value == pytest.approx(expected.value, abs=1e-8)
    assert found.signature == expected.signature
    assert "version:" in found.signature


def test_bleu_chrf_and_ter_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    expected = sacrebleu(tmp_path, "-m", "bleu", "chrf", "ter")
    assert_same(bleu(HYPOTHESES, REFERENCES), expected["bleu"])
    assert_same(chrf(HYPOTHESES, REFERENCES), expected["chrf"])
    assert_same(ter(HYPOTHESES, REFERENCES), expected["ter"])


def test_several_references_are_scored_as_by_the_sacrebleu_command(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("".join(f"{line}\n" for line in HYPOTHESES[::-1]), encoding="utf-8")
    expected = sacrebleu(tmp_path, "-m", "bleu", "chrf", "ter", others=[str(tmp_path / "more")])
    for score in (bleu, chrf, ter):
        found = score(HYPOTHESES, [REFERENCES, HYPOTHESES[::-1]])
        assert_same(found, expected[found.name])
        assert "nrefs:2" in found.signature


def test_bleu_reports_the_lengths_of_the_outputs() -> None:
    words = "one two three four five six seven eight"
    found = bleu(["one two three four"], [words])
    assert found.length_ratio == pytest.approx(0.5)
    assert found.brevity_penalty == pytest.approx(math.exp(1 - 2))
    assert bleu([words], [words])[3:] == (1.0, 1.0)
    assert bleu([""], [words])[3:] == (0.0, 0.0)


def test_bleu_options_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    expected = sacrebleu(tmp_path, "-m", "bleu", "-lc", "--tokenize", "intl")
    found = bleu(HYPOTHESES, REFERENCES, lowercase=True, tokenize="intl")
    assert_same(found, expected["bleu"])
    assert "case:lc" in found.signature
    assert "tok:intl" in found.signature


def test_a_perfect_translation_scores_best() -> None:
    assert bleu(REFERENCES, REFERENCES).value == pytest.approx(100.0)
    assert chrf(REFERENCES, REFERENCES).value == pytest.approx(100.0)
    assert ter(REFERENCES, REFERENCES).value == 0.0


@pytest.mark.parametrize("score", [bleu, chrf, ter])
def test_lists_of_different_lengths_are_refused(score: object) -> None:
    assert callable(score)
    with pytest.raises(InputError, match="6 hypotheses but 5 references"):
        score(HYPOTHESES, REFERENCES[:5])
    with pytest.raises(InputError, match="empty"):
        score([], [])


def test_an_unknown_tokenizer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"13a.*got '13b'"):
        bleu(HYPOTHESES, REFERENCES, tokenize="13b")


@pytest.mark.parametrize(
    ("texts", "tokenize"),
    [
        (["Ein Satz.", "Noch einer, 漢字"], "13a"),
        (["你好，世界！ GNU/Linux", "第二句话"], "zh"),
        (
            [
                "你好，世界！",
                "这里引用「の」这个字，此外全部都是普通的中文字符，没有别的假名了，所以仍然应当算作中文，而且这样的引文很少见。",
            ],
            "zh",
        ),
        (["これは日本語の文です。", "漢字"], "ja-mecab"),
        (["한국어 문장입니다.", "둘"], "ko-mecab"),
        (["สวัสดีชาวโลก"], "char"),
        (["ကမ္ဘာလောက"], "char"),
        (["می‌خواهم بروم"], "13a"),
        (["12 345", ""], "13a"),
    ],
)
def test_the_tokenizer_of_bleu_follows_the_script(texts: list[str], tokenize: str) -> None:
    assert tokenizer_for(texts) == tokenize


def test_ter_of_text_without_spaces_counts_characters() -> None:
    found = ter(["我喜欢猫"], ["我喜欢狗"], asian=True)
    assert found.value == pytest.approx(25.0)
    assert "asian:yes" in found.signature
    assert ter(["我喜欢猫"], ["我喜欢狗"]).value == pytest.approx(100.0)


def test_a_tokenizer_that_is_not_installed_is_replaced_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    from sacrebleu.tokenizers import tokenizer_ja_mecab, tokenizer_ko_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    monkeypatch.setattr(tokenizer_ko_mecab, "MeCab", None)
    assert tokenizer_for(["これは日本語です"]) == tokenizer_for(["한국어"]) == "char"
    with pytest.raises(InputError, match=r"tokenize=ja-mecab: .*sacrebleu\[ja\]"):
        check_tokenizer("ja-mecab")


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices() -> None:
    tokens = 7
    assert perplexity(-sum(math.log(1 / 11) for _ in range(tokens)), tokens) == pytest.approx(11.0)
    assert perplexity(0.0, 3.0) == 1.0


def test_perplexity_of_a_hopeless_model_is_a_valid_json_number() -> None:
    value = perplexity(1e9, 1.0)
    assert np.isfinite(value)
    assert json.loads(json.dumps(value)) == value
