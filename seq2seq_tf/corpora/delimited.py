"""Pairs from the TSV or CSV file of a spreadsheet: delimiter, quoting and header row are detected and reported."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import Pair, PathLike, iter_lines, iter_rows

Choice = Literal["auto", "yes", "no"]

_LOOKED_AT = 50  # rows, to detect the delimiter and columns of numbers
_BREAKS = re.compile(r"[\t\r\n\v\f\u2028\u2029]+")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

# Usual column headings, case-insensitive; the file extensions are accepted too.
_LANGUAGE_NAMES = {
    "ar": "arabic", "bg": "bulgarian", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "fa": "persian", "fi": "finnish", "fr": "french", "he": "hebrew", "hi": "hindi",
    "hr": "croatian", "hu": "hungarian", "id": "indonesian", "it": "italian", "ja": "japanese", "ko": "korean",
    "lt": "lithuanian", "lv": "latvian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sk": "slovak", "sl": "slovenian", "sr": "serbian", "sv": "swedish",
    "th": "thai", "tr": "turkish", "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
_HEADINGS = frozenset(_LANGUAGE_NAMES.values()) | {
    *("deutsch", "englisch", "français", "anglais", "español", "inglés", "italiano", "inglese"),
    *("id", "source", "target", "src", "tgt", "trg", "text", "sentence", "original"),
    *("translation", "translated", "source text", "target text", "source_text", "target_text", "comment", "notes"),
}


class TableOptions(NamedTuple):
    """How to read a table; `auto` is resolved by inspecting it."""

    delimiters: str  # possible delimiters, the most likely first
    quoted: Choice = "auto"
    header: Choice = "auto"
    columns: tuple[int, int] | None = None  # source and target, from 1; None: as in the header, or the first two


class Table:
    """A table of pairs. Its format is detected when it is opened; each call of `pairs` reads the file again.

    Args:
      path: UTF-8 file, plain or `.gz`.
      languages: file extensions of source and target; a header may name them.
      options: what is known about its format.

    Raises:
      InputError: the file cannot be read, or is not a table with these columns.
    """

    def __init__(self, path: PathLike, languages: Pair, options: TableOptions) -> None:
        self.path = os.fspath(path)
        self.joined = 0  # pairs with line ends or tabs inside a field, in the last call of `pairs`
        self.delimiter = self._find_delimiter(options.delimiters)
        self.columns = options.columns or (1, 2)
        self.quoted = options.quoted == "yes" or (options.quoted == "auto" and self._looks_quoted())
        first = list(itertools.islice(self._rows(), _LOOKED_AT + 1))
        titles = first[0] if first else []
        self.header = options.header == "yes" or (options.header == "auto" and is_header(titles, languages))
        self.titles = titles if self.header else []
        named = _named_columns(self.titles, languages)
        if named and not options.columns:
            self.columns = named
        elif not options.columns:
            self._refuse_numbers(first[self.header :])

    def pairs(self) -> Iterator[Pair]:
        """Yields source and target of each row after the header; line ends and tabs in a field become a space.

        Raises:
          InputError: as for `iter_lines`; and for a row that lacks these columns or has an unterminated quoted field.
        """
        self.joined = 0
        for number, row in enumerate(self._rows()):
            if number < self.header:
                continue
            texts = [row[column - 1] for column in self.columns]
            cleaned = [_BREAKS.sub(" ", text.strip("\t\r\n")) for text in texts]
            self.joined += cleaned != texts
            yield cleaned[0], cleaned[1]

    def description(self) -> str:
        """Returns one line that describes how the file is read."""
        header = f"the first row ({', '.join(self.titles)}) is its header" if self.header else "no header"
        quoting = "quoted fields" if self.quoted else "quotation marks kept"
        source, target = self.columns
        return f"columns {source} and {target}, {_NAMES[self.delimiter]} between columns, {quoting}, {header}"

    def _lines(self) -> Iterator[str]:
        return (f"{line}\n" for line in iter_lines(self.path))

    def _rows(self) -> Iterator[list[str]]:
        for number, row in self._numbered_rows():
            if len(row) < max(self.columns):
                name = _NAMES[self.delimiter]
                what = f"no {name} found, expected two columns (source, target)"
                if len(row) > 1:
                    what = f"found {len(row)} columns, expected at least {max(self.columns)}"
                raise InputError(f"{self.path}:{number}: {what}")
            yield row

    def _numbered_rows(self) -> Iterator[tuple[int, list[str]]]:
        if not self.quoted:
            for number, line in enumerate(iter_lines(self.path), start=1):
                yield number, line.split(self.delimiter)
            return
        remedy = "; if quotation marks are part of the text, use --quoted=no"
        yield from iter_rows(self.path, self.delimiter, "a quoted field does not end correctly", remedy)

    def _find_delimiter(self, possible: str) -> str:
        """Returns the delimiter with the most columns in the shortest of the first rows."""

        def fewest_columns(delimiter: str) -> int:
            try:
                rows = list(itertools.islice(csv.reader(self._lines(), delimiter=delimiter, strict=True), _LOOKED_AT))
            except csv.Error:
                return 0
            return min(map(len, rows), default=0)

        return max(possible, key=fewest_columns) if len(possible) > 1 else possible

    def _looks_quoted(self) -> bool:
        """Returns whether fields are quoted as by the csv module, rather than quotation marks being part of the text.

        A CSV writer quotes fields that contain a quotation mark, delimiter or line end and doubles the marks inside, or
        it quotes all fields. Plain text has quotation marks where no quoting is needed, or inside unquoted fields.
        """
        if self.delimiter != "\t":
            return True
        read: list[str] = []
        rows = quoted = all_quoted = plain = 0
        try:
            for row in csv.reader(_remembered(self._lines(), read), delimiter=self.delimiter, strict=True):
                raw = "".join(read)
                read.clear()
                rows += 1
                if '"' in raw:
                    as_needed = raw == _written(row, self.delimiter, csv.QUOTE_MINIMAL)
                    every = raw == _written(row, self.delimiter, csv.QUOTE_ALL)
                    quoted += as_needed
                    all_quoted += every
                    plain += not as_needed and not every and any('"' in field for field in row)
        except csv.Error:
            return quoted > max(2, plain)  # reading it as quoted then reports the line at fault
        return quoted > plain or (rows > 1 and all_quoted == rows)

    def _refuse_numbers(self, rows: Sequence[Sequence[str]]) -> None:
        for column in (1, 2):
            if len(rows) > 2 and all(row[column - 1].strip().isdigit() for row in rows):
                raise InputError(f"{self.path}: column {column} contains numbers; use --columns=SOURCE,TARGET")


def is_header(titles: Sequence[str], languages: Pair) -> bool:
    """Returns whether all cells of a row are headings: names of languages, file extensions, source, text..."""
    known = {language.casefold() for language in languages} | _HEADINGS
    return bool(titles) and all(not title or title.strip().casefold() in known for title in titles) and any(titles)


def is_quoted_field(line: str) -> bool:
    """Returns whether a line is in quotation marks with doubled ones inside, like a table field."""
    inner = line[1:-1]
    return line[:1] == '"' == line[-1:] and '""' in inner and '"' not in inner.replace('""', "")


def _named_columns(titles: Sequence[str], languages: Pair) -> tuple[int, int] | None:
    folded = [title.strip().casefold() for title in titles]
    found = []
    for language, role in zip(languages, (("source", "src"), ("target", "tgt", "trg")), strict=True):
        code = language.casefold()
        names = (code, _LANGUAGE_NAMES.get(code.split("-")[0], code), *role, *(f"{part} text" for part in role))
        found += [folded.index(name) + 1 for name in names if name in folded][:1]
    return (found[0], found[1]) if len(found) == 2 else None


def _remembered(lines: Iterator[str], read: list[str]) -> Iterator[str]:
    for line in lines:
        read.append(line)
        yield line


def _written(row: Sequence[str], delimiter: str, quoting: Literal[0, 1]) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerow(row)
    return written.getvalue()
