"""Each way in which people ruin a corpus is found by the audit, with no model trained first; a good corpus has none.

The corpora are in two invented languages, or of English and German sentences made up here.
"""

import random
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.corpora.audit import Audit, audit
from seq2seq_tf.corpora.findings import Finding, Place
from seq2seq_tf.corpora.part_text import Part
from tests import invented

LINES = 401
PAIRS = invented.corpus(LINES)
SOURCES, TARGETS = map(list, zip(*PAIRS, strict=True))


def audited(part: Part, languages: tuple[str, str] = ("xx", "yy")) -> Audit:
    return audit([part], languages, max_words=10**6, max_deviation=1e9)


def only_error(result: Audit) -> Finding:
    errors = [finding for finding in result.findings if finding.severity == "error"]
    assert len(errors) == 1, result.findings
    assert errors[0].remedy
    return errors[0]


@pytest.mark.parametrize("seed", [2, 3])
def test_a_good_corpus_has_no_findings(tmp_path: Path, seed: int) -> None:
    sources, targets = map(list, zip(*invented.corpus(LINES, seed), strict=True))
    assert audited(invented.write_part(tmp_path, sources, targets)).findings == ()


def test_a_good_corpus_sorted_by_length_has_no_findings(tmp_path: Path) -> None:
    pairs = sorted(PAIRS, key=lambda pair: len(pair[0]))
    assert audited(invented.write_part(tmp_path, [s for s, _ in pairs], [t for _, t in pairs])).findings == ()


@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_two_sides_of_one_language_are_a_task_like_any_other(tmp_path: Path, kept: float) -> None:
    draw = random.Random(3)
    shorter = [" ".join(w for w in text.split() if draw.random() < kept).upper() for text in SOURCES]
    shorter = [text or "X" for text in shorter]
    assert not audited(invented.write_part(tmp_path, SOURCES, shorter)).errors


@pytest.mark.parametrize("every", [2, 7])
def test_swapped_languages_are_found_line_by_line(tmp_path: Path, every: int) -> None:
    swapped = {n for n in range(LINES) if n % every == 0}
    sources = [PAIRS[n][n in swapped] for n in range(LINES)]
    targets = [PAIRS[n][n not in swapped] for n in range(LINES)]
    error = only_error(audited(invented.write_part(tmp_path, sources, targets)))
    assert error.check == "the texts are on each other's side"
    right = min(len(swapped), LINES - len(swapped))  # of two invented languages nobody knows which is the source
    assert right * 0.97 <= error.times <= right
    assert len({place.line % every == 1 % every for place in error.examples}) == 1


def test_a_few_swapped_lines_are_a_warning_that_names_them(tmp_path: Path) -> None:
    sources, targets = SOURCES.copy(), TARGETS.copy()
    for n in (100, 200):
        sources[n], targets[n] = targets[n], sources[n]
    (finding,) = audited(invented.write_part(tmp_path, sources, targets)).findings
    assert finding[:4] == ("warning", "train", "the texts are on each other's side", 2)
    assert [place.line for place in finding.examples] == [101, 201]


@pytest.mark.parametrize(("share", "severity"), [(0.05, "warning"), (0.3, "error"), (0.5, "error")])
def test_lines_that_were_never_translated_are_found(tmp_path: Path, share: float, severity: str) -> None:
    count = int(LINES * share)
    others = [source for source, _ in invented.corpus(LINES, 1)][::-1]
    targets = [others[n] if n < count else TARGETS[n] for n in range(LINES)]
    finding = audited(invented.write_part(tmp_path, SOURCES, targets)).findings[0]
    assert (finding.severity, finding.check) == (severity, "the target is in the language of the sources")
    assert count * 0.95 <= finding.times <= count


def test_a_target_shifted_by_one_line_is_found(tmp_path: Path) -> None:
    for sources, targets, shift in ((SOURCES[:-1], TARGETS[1:], -1), (SOURCES[1:], TARGETS[:-1], 1)):
        part = invented.write_part(tmp_path, sources, targets)
        error = only_error(audited(part))
        assert (error.check, error.times) == ("lines shifted against each other", LINES - 1)
        assert error.examples[0].note == f"up to line 400, target line N{shift:+d} translates source line N"


@pytest.mark.parametrize("missing", [100, 320])
def test_a_line_missing_in_the_middle_is_found_where_it_is(tmp_path: Path, missing: int) -> None:
    targets = TARGETS[:missing] + TARGETS[missing + 1 :] + ["one more line at the end."]
    error = audited(invented.write_part(tmp_path, SOURCES, targets)).findings[0]
    assert (error.severity, error.check) == ("error", "lines shifted against each other")
    assert abs(error.examples[0].line - (missing + 1)) <= 8
    assert error.examples[0].beside_line == error.examples[0].line - 1


def test_a_line_missing_here_and_a_surplus_one_there_bound_the_shifted_lines(tmp_path: Path) -> None:
    targets = [*TARGETS[:100], *TARGETS[101:300], "surplus.", *TARGETS[300:]]
    error = only_error(audited(invented.write_part(tmp_path, SOURCES, targets)))
    assert 185 <= error.times <= 215
    assert abs(error.examples[0].line - 101) <= 8


def test_a_missing_line_is_placed_where_the_files_differ_in_length(tmp_path: Path) -> None:
    result = audited(invented.write_part(tmp_path, SOURCES, TARGETS[:200] + TARGETS[201:]))
    assert [finding.check for finding in result.findings[:2]] == [
        "different numbers of lines",
        "lines shifted against each other",
    ]
    assert abs(result.findings[1].examples[0].line - 201) <= 8


def test_lines_far_apart_and_shuffled_lines_are_found(tmp_path: Path) -> None:
    error = only_error(audited(invented.write_part(tmp_path, SOURCES[:-50], TARGETS[50:])))
    assert error.check == "lines shifted against each other"
    assert "target line N-50" in error.examples[0].note
    shuffled = random.Random(7).sample(TARGETS, LINES)
    error = only_error(audited(invented.write_part(tmp_path, SOURCES, shuffled)))
    assert error.check == "line N of one side has nothing to do with line N of the other"


def test_lines_without_relation_are_found_where_long_and_short_ones_alternate(tmp_path: Path) -> None:
    ranked = sorted(PAIRS, key=lambda pair: len(pair[0]))
    half, draw = LINES // 2, random.Random(11)
    short, long = (draw.sample(part, len(part)) for part in (ranked[:half], ranked[-half:]))
    pairs = [pair for both in zip(short, long, strict=True) for pair in both]
    sources, targets = map(list, zip(*pairs, strict=True))
    assert not audited(invented.write_part(tmp_path, sources, targets)).findings
    targets[::2], targets[1::2] = draw.sample(targets[::2], half), draw.sample(targets[1::2], half)
    error = only_error(audited(invented.write_part(tmp_path, sources, targets)))
    assert error.check == "line N of one side has nothing to do with line N of the other"


def test_one_text_on_both_sides_is_found(tmp_path: Path) -> None:
    assert only_error(audited(invented.write_part(tmp_path, SOURCES, SOURCES))).check == "most pairs have equal sides"


def test_lines_that_end_with_cr_alone_are_found_on_either_side(tmp_path: Path) -> None:
    part = invented.write_part(tmp_path, SOURCES, TARGETS, end="\r")
    error = only_error(audited(part))
    assert (error.check, error.times) == ("lines end with CR alone", 2)
    assert error.examples[0] == Place(str(part.source), 0, f"1 line with {LINES - 1} CR inside")


def test_quoting_tabs_and_header_of_a_spreadsheet_are_found(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    quoted = [f'"{text[:5]}""x""{text[5:]}"' if draw.random() < 0.3 else text for text in TARGETS]
    sources = ["Source", *SOURCES[:-1]]
    sources[5] += "\tand a comment"
    result = audited(invented.write_part(tmp_path, sources, ["YY", *quoted[:-1]]))
    assert only_error(result).check == "quoted like a field of a table"
    assert {f.check: f.examples[0].line for f in result.findings if f.severity == "warning"} == {
        "the first line is the header of a table": 1,
        "tab inside a line": 6,
    }


def test_quoting_of_every_line_is_found_and_speech_in_quotation_marks_is_none(tmp_path: Path) -> None:
    error = only_error(audited(invented.write_part(tmp_path, [f'"{s}"' for s in SOURCES], [f'"{t}"' for t in TARGETS])))
    assert (error.check, error.times) == ("quoted like a field of a table", 2 * LINES)
    said = [f'"{text}"' if n % 3 else text for n, text in enumerate(SOURCES)]
    assert audited(invented.write_part(tmp_path, said, TARGETS)).findings == ()


ENGLISH = (
    ["The old teacher", "My neighbour", "A young woman", "This small company", "Nobody here", "Our best friend"],
    ["wants to sell", "has already seen", "would never forget", "is looking for", "did not understand"],
    ["the yellow house", "those three letters", "a good answer", "her new bicycle", "the long way home"],
    ["because it is raining.", "before the summer.", "with a little help.", "and that is enough.", "every morning."],
)
GERMAN = (
    ["Der alte Lehrer", "Mein Nachbar", "Eine junge Frau", "Diese kleine Firma", "Niemand hier", "Unser bester Freund"],
    ["will verkaufen:", "hat schon gesehen:", "würde nie vergessen:", "ist auf der Suche:", "verstand nicht:"],
    ["das gelbe Haus", "diese drei Briefe", "eine gute Antwort", "ihr neues Fahrrad", "den langen Weg nach Hause"],
    ["weil es regnet.", "noch vor dem Sommer.", "mit ein wenig Hilfe.", "und das genügt.", "jeden Morgen."],
)


def english_and_german() -> tuple[list[str], list[str]]:
    draw = random.Random(5)
    chosen = [[draw.randrange(len(part)) for part in ENGLISH] for _ in range(400)]
    sides = [
        [" ".join(part[n] for part, n in zip(words, row, strict=True)) for row in chosen] for words in (ENGLISH, GERMAN)
    ]
    return sides[0], sides[1]


def errors_and_warnings(result: Audit, *, without: str = "pair occurred before") -> list[tuple[str, str]]:
    return [(finding.severity, finding.check) for finding in result.findings if finding.check != without]


@pytest.mark.parametrize(
    "languages", [("en", "de"), ("en-us", "de_AT"), ("eng", "deu"), ("src", "tgt"), ("l.en", "l.de")]
)
def test_languages_that_are_as_named_or_unknown_are_no_findings(tmp_path: Path, languages: tuple[str, str]) -> None:
    part = invented.write_part(tmp_path, *english_and_german(), languages=languages)
    assert errors_and_warnings(audited(part, languages)) == []


def test_languages_the_wrong_way_round_are_an_error(tmp_path: Path) -> None:
    english, german = english_and_german()
    part = invented.write_part(tmp_path, german, english, languages=("en", "de"))
    assert errors_and_warnings(audited(part, ("en", "de"))) == [
        ("error", "wrong way round: the sources are in de, the targets in en")
    ]


def test_half_swapped_languages_are_named_by_their_endings(tmp_path: Path) -> None:
    english, german = english_and_german()
    swapped = [n < 240 for n in range(400)]  # the greater part
    sources = [g if s else e for e, g, s in zip(english, german, swapped, strict=True)]
    targets = [e if s else g for e, g, s in zip(english, german, swapped, strict=True)]
    part = invented.write_part(tmp_path, sources, targets, languages=("en", "de"))
    result = audited(part, ("en", "de"))
    assert errors_and_warnings(result) == [("error", "the texts are on each other's side")]
    assert result.findings[0].examples[0].line == 1
    assert result.findings[0].times >= 230


def test_another_language_than_named_is_a_warning_and_one_language_on_both_sides_an_error(tmp_path: Path) -> None:
    english, german = english_and_german()
    part = invented.write_part(tmp_path, english, german, languages=("fr", "de"))
    assert errors_and_warnings(audited(part, ("fr", "de"))) == [("warning", "the source side looks like en, not fr")]
    part = invented.write_part(tmp_path, english, english[::-1], languages=("en", "de"))
    assert ("error", "both sides are in one language (en)") in errors_and_warnings(audited(part, ("en", "de")))


def test_a_language_that_no_model_knows_is_told_by_its_script(tmp_path: Path) -> None:
    english, _ = english_and_german()
    letters = dict(zip(range(ord("a"), ord("z") + 1), range(0x13A0, 0x13BA), strict=True))
    cherokee = [text.lower().translate(letters) for text in english]
    right = invented.write_part(tmp_path, english, cherokee, languages=("en", "chr"))
    assert errors_and_warnings(audited(right, ("en", "chr"))) == []
    wrong = invented.write_part(tmp_path, cherokee, english, languages=("en", "chr"))
    assert errors_and_warnings(audited(wrong, ("en", "chr")))[0] == (
        "error",
        "wrong way round: the sources are in chr, the targets in en",
    )


def test_scripts_tell_sides_the_wrong_way_round_whatever_their_languages(tmp_path: Path) -> None:
    greek = [text.translate({n: n + 0x350 for n in range(ord("a"), ord("z") + 1)}) for text in TARGETS]
    for languages in (("en", "el"), ("xx", "el")):  # neither is English, nor Greek but for its letters
        part = invented.write_part(tmp_path, greek, SOURCES, languages=languages)
        assert only_error(audited(part, languages)).check.startswith("wrong way round")
        part = invented.write_part(tmp_path, SOURCES, greek, languages=languages)
        assert not audited(part, languages).errors
