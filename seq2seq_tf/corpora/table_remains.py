"""Detection of what remains of a table in text extracted from TSV or CSV: quoting, tabs, a header."""

from __future__ import annotations

from seq2seq_tf.corpora.delimited import is_header, is_quoted_field
from seq2seq_tf.corpora.findings import Finding, Findings, Place
from seq2seq_tf.corpora.part_text import PartText

_ALL_SHARE = 0.9  # of the texts: if more are in quotation marks, it is quoting, not direct speech
_RUINOUS_SHARE = 0.1  # of the lines: above it, a model would learn to write the quoting

_QUOTED = "quoted like a table field"
_TAB = "tab inside a line"
_HEADER = "the first line is a table header"
_REMEDY = {
    _QUOTED: "read the table again: seq2seq-data split --tsv=FILE or --csv=FILE removes the quoting",
    _TAB: "read the table again with seq2seq-data split --tsv=FILE, or replace the tabs with spaces",
    _HEADER: "delete the first line of both files",
}


def check_table_remains(text: PartText) -> list[Finding]:
    """Reports fields still quoted as in CSV, columns that were not separated, and a header taken for a pair."""
    found = Findings(text.part.name)
    in_marks = Findings(text.part.name)  # texts in quotation marks: quoting only if nearly all are
    lines = texts = 0
    for number, pair in enumerate(text.lines(), start=1):
        lines += 1
        if number == 1 and is_header([side or "" for side in pair], text.languages):
            place = Place(str(text.part.source), 1, "", str(text.part.target), 1)
            found.report("warning", _HEADER, place, _REMEDY[_HEADER])
        for path, line in zip(text.part[1:], pair, strict=True):
            texts += bool(line)
            place = Place(str(path), number)
            if line and is_quoted_field(line):
                found.report("warning", _QUOTED, place, _REMEDY[_QUOTED])
            if line and '"' not in line[1:-1] and line[:1] == '"' == line[-1:]:
                in_marks.report("error", _QUOTED, place, _REMEDY[_QUOTED])
            if line and "\t" in line:
                found.report("warning", _TAB, place, _REMEDY[_TAB])
    if texts > 2 and sum(finding.times for finding in in_marks.listed()) > _ALL_SHARE * texts:
        return [*in_marks.listed(), *(finding for finding in found.listed() if finding.check != _QUOTED)]
    return [
        finding._replace(severity="error") if finding.times > _RUINOUS_SHARE * lines else finding
        for finding in found.listed()
    ]
