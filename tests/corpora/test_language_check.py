"""Lines in another language are warnings with their places, whatever classifier identifies the language."""

from collections.abc import Sequence
from pathlib import Path

from seq2seq_tf.corpora.audit import audit
from seq2seq_tf.corpora.findings import Place
from seq2seq_tf.corpora.language_check import LanguageCheck, check_languages, with_findings
from seq2seq_tf.corpora.part_text import Part


def by_first_letter(texts: Sequence[str]) -> list[tuple[str, float]]:
    """A mock classifier that is certain if the text starts with a capital."""
    return [({"e": "en", "d": "de"}[text[0].lower()], 0.99 if text[0].isupper() else 0.6) for text in texts]


def test_certain_and_long_lines_in_another_language_are_counted_with_their_first_places(tmp_path: Path) -> None:
    source, target = tmp_path / "train.en", tmp_path / "train.de"
    source.write_bytes(b"English here\ndoubtful line\nD\n\n" + b"Deutsch hier \xff\n" * 4)
    target.write_text("Deutsch hier\n" * 8)
    parts = [Part("train", source, target)]
    check = LanguageCheck(("en", "de"), by_first_letter, 0.9, 5)
    places = tuple(Place(str(source), n, "de, 0.990") for n in (5, 6, 7))
    found = check_languages(parts, check)
    assert [finding[:5] for finding in found] == [("warning", "train", "line is not en", 4, places)]
    assert check_languages(parts, check._replace(min_probability=0.995)) == []
    whole = with_findings(audit(parts, ("en", "de"), max_words=100, max_deviation=3.0), found)
    assert [finding.severity for finding in whole.findings] == sorted(f.severity for f in whole.findings)
    assert found[0] in whole.findings
