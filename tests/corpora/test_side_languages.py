"""Languages that match the file extensions are not reported; wrong or equal ones are, by a model or by script."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import invented
from tests.invented import audited, english_and_german, errors_and_warnings, only_error

SOURCES, TARGETS = invented.sides()


@pytest.mark.parametrize(
    "languages", [("en", "de"), ("en-us", "de_AT"), ("eng", "deu"), ("src", "tgt"), ("l.en", "l.de")]
)
def test_matching_and_unknown_languages_are_not_reported(tmp_path: Path, languages: tuple[str, str]) -> None:
    part = invented.write_part(tmp_path, *english_and_german(), languages=languages)
    assert errors_and_warnings(audited(part, languages)) == []


def test_languages_the_wrong_way_round_are_an_error(tmp_path: Path) -> None:
    english, german = english_and_german()
    part = invented.write_part(tmp_path, german, english, languages=("en", "de"))
    assert errors_and_warnings(audited(part, ("en", "de"))) == [
        ("error", "wrong way round: the sources are in de, the targets in en")
    ]


def test_a_wrong_language_is_a_warning_and_one_language_on_both_sides_an_error(tmp_path: Path) -> None:
    english, german = english_and_german()
    part = invented.write_part(tmp_path, english, german, languages=("fr", "de"))
    assert errors_and_warnings(audited(part, ("fr", "de"))) == [("warning", "the source side looks like en, not fr")]
    part = invented.write_part(tmp_path, english, english[::-1], languages=("en", "de"))
    assert ("error", "both sides are in one language (en)") in errors_and_warnings(audited(part, ("en", "de")))


def test_a_language_that_the_model_does_not_know_is_identified_by_its_script(tmp_path: Path) -> None:
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


def test_scripts_identify_sides_the_wrong_way_round_whatever_their_languages(tmp_path: Path) -> None:
    greek = [text.translate({n: n + 0x350 for n in range(ord("a"), ord("z") + 1)}) for text in TARGETS]
    for languages in (("en", "el"), ("xx", "el")):  # neither is English, and only the letters are Greek
        part = invented.write_part(tmp_path, greek, SOURCES, languages=languages)
        assert only_error(audited(part, languages)).check.startswith("wrong way round")
        part = invented.write_part(tmp_path, SOURCES, greek, languages=languages)
        assert not audited(part, languages).errors
