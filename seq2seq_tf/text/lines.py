"""Raw parallel text: strict reading, keys for comparing sentences, all-or-nothing writing."""

from __future__ import annotations

import csv
import gzip
import hashlib
import itertools
import os
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts

PathLike = str | os.PathLike[str]
Pair = tuple[str, str]

_BOM = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def iter_raw_lines(path: PathLike) -> Iterator[bytes]:
    """Yields the lines of a plain or `.gz` file as bytes, without line ends and byte order mark.

    Only LF ends a line; one CR before it is dropped. No more than one line is kept in memory.

    Raises:
      InputError: the file is missing, a folder, unreadable or a damaged gzip file.
    """
    name = os.fspath(path)
    try:
        with cast(BinaryIO, gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb")) as file:
            for number, line in enumerate(file):
                if number == 0:
                    line = line.removeprefix(_BOM)
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, expected a text file") from None
    except PermissionError:
        raise InputError(f"{name}: no permission to read this file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{name}: not a complete gzip file ({error})") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None


def decode_line(raw: bytes, path: PathLike, number: int) -> str:
    """Decodes line `number` (from 1) of `path` as strict UTF-8.

    Raises:
      InputError: the line is not UTF-8; the message gives the file, the line, the byte and its column (in characters,
        from 1).
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        column = len(raw[: error.start].decode("utf-8")) + 1
        byte = f"byte 0x{raw[error.start]:02x} at column {column}"
        hint = "; the file looks like UTF-16" if number == 1 and raw[:2] in _UTF16_MARKS else ""
        raise InputError(f"{os.fspath(path)}:{number}: invalid UTF-8 ({byte}){hint}") from None


def iter_lines(path: PathLike) -> Iterator[str]:
    """Yields the lines of a UTF-8 file, plain or `.gz`; U+2028, U+0085, VT and FF do not end a line.

    Raises:
      InputError: as for `iter_raw_lines`; at the first byte that is not UTF-8; and after the only line of a file whose
        lines end with CR only.
    """
    number, returns = 0, 0
    for number, raw in enumerate(iter_raw_lines(path), start=1):
        returns = raw.count(b"\r") if number == 1 else 0
        yield decode_line(raw, path, number)
    if number == 1 and returns:
        raise InputError(
            f"{os.fspath(path)}: one line with {returns} CR in it; only LF ends a line "
            "(classic Mac text? tr '\\r' '\\n' < FILE > NEW)"
        )


def iter_pairs(source_path: PathLike, target_path: PathLike) -> Iterator[Pair]:
    """Yields line N of the source file together with line N of the target file.

    Raises:
      InputError: as for `iter_lines`; and, after the last complete pair, if the files differ in length.
    """
    sources, targets = iter_lines(source_path), iter_lines(target_path)
    count = 0
    for source in sources:
        target = next(targets, None)
        if target is None:
            longer = count + 1 + sum(1 for _ in sources)
            raise _length_error((source_path, longer), (target_path, count))
        count += 1
        yield source, target
    surplus = sum(1 for _ in targets)
    if surplus:
        raise _length_error((source_path, count), (target_path, count + surplus))


def same_lines(one: PathLike, other: PathLike) -> bool:
    """Returns whether two files, plain or `.gz`, contain the same lines; False for empty files.

    Raises:
      InputError: as for `iter_raw_lines`.
    """
    lines = list(itertools.islice(iter_raw_lines(one), 1))
    pairs = itertools.zip_longest(iter_raw_lines(one), iter_raw_lines(other))
    return bool(lines) and all(first == second for first, second in pairs)


def _length_error(source: tuple[PathLike, int], target: tuple[PathLike, int]) -> InputError:
    sides = " but ".join(f"{os.fspath(path)} has {count} lines" for path, count in (source, target))
    return InputError(f"{sides}: line N of one must translate line N of the other")


def iter_rows(
    path: PathLike, delimiter: str = ",", problem: str = "not a row of a CSV file", remedy: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows of a table with quoted fields, which may contain line ends: (number of its first line, fields).

    Args:
      path: see `iter_lines`.
      delimiter: character between fields.
      problem: names, in the message, what is wrong with a row that cannot be read.
      remedy: ends that message.

    Raises:
      InputError: as for `iter_lines`; or a row cannot be read.
    """
    reader = csv.reader((f"{line}\n" for line in iter_lines(path)), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in reader:
            yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{number}: {problem} ({error}){remedy}") from None


class _WithoutPunctuation(dict[int, int | None]):
    """A `str.translate` table, filled lazily, that drops punctuation, symbols and control characters."""

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        space = chr(code).isspace()
        self[code] = ord(" ") if space else None if category[0] in "PSC" else code
        return self[code]


_WITHOUT_PUNCTUATION = _WithoutPunctuation()


def normalised(text: str) -> str:
    """Returns a normalised form that is equal for sentences that are considered the same.

    The text is NFKC-normalised and case-folded; punctuation, symbols and control characters are removed and white space
    is collapsed. A text that is only punctuation keeps it, so that such lines are not all considered the same.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = " ".join(folded.translate(_WITHOUT_PUNCTUATION).split())
    return unicodedata.normalize("NFKC", kept or " ".join(folded.split()))


def text_hash(text: str) -> int:
    """Returns a 64-bit BLAKE2b hash: the same on every machine, with a negligible chance of collisions."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def sentence_key(text: str) -> int:
    """Returns the hash of the normalised text: equal for sentences that are considered the same."""
    return text_hash(normalised(text))


def write_corpus(
    folder: Path, languages: Pair, parts: Sequence[str], pairs: Iterable[tuple[str, Pair]], readme: str
) -> None:
    """Writes `folder/PART.LANGUAGE` for each part and both languages and `folder/README.txt`, all or nothing.

    Args:
      folder: created if it is missing; other files in it are kept.
      languages: the file extensions of the sources and of the targets.
      parts: names such as train, valid, test.
      pairs: (part, pair) tuples; iterated over once.
      readme: content of README.txt.

    Raises:
      InputError: a file cannot be written.
    """
    paths = [folder / f"{part}.{language}" for part in parts for language in languages]
    with atomic_write_texts([*paths, folder / "README.txt"]) as (*files, about):
        of_part = dict(zip(parts, zip(files[::2], files[1::2], strict=True), strict=True))
        for part, pair in pairs:
            for file, text in zip(of_part[part], pair, strict=True):
                file.write(f"{text}\n")
        about.write(readme)
