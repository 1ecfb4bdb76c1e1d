"""Normalisation of text before it is split into pieces: the rules, in the form that SentencePiece stores in a model.

A rule is a table of strings and their replacements. It is stored in the model file, so that splitting in bulk, in the
graph and on a server that has only the model file normalises identically. Under every rule, runs of spaces become one
space and leading and trailing spaces are dropped; control characters, line separators and U+2581, which represents a
space inside a model, become spaces, so that words are never joined.

identity   nothing else: no-break and ideographic spaces, zero-width characters and all symbols are kept
nfc        canonical composition: e + U+0301 becomes é; combining marks in non-canonical order are not reordered
nfkc       also replaces compatibility characters: fullwidth letters, ligatures, ², ™, … and all spaces
nmt_nfkc   also replaces zero-width characters with spaces
"""

from __future__ import annotations

import functools
import os
import struct
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

sentencepiece.set_min_log_level(1)  # it logs each table that it builds to standard error
_SHOWN = 40  # characters shown of an example
_LETTERS = range(0x41, sys.maxunicode + 1)
# NUL cannot be in a table; it is kept.
_CONTROLS = (*map(chr, range(0x01, 0x20)), *map(chr, range(0x7F, 0xA0)))
_SPACES = dict.fromkeys((*_CONTROLS, "\u2028", "\u2029", "\u2581"), " ")
_HAS_LEAF, _LABEL, _VALUE = 1 << 8, (1 << 31) | 0xFF, (1 << 31) - 1  # bits of a unit of SentencePiece's trie


@functools.cache  # compiling a table takes most of a second
def normalizer_spec(rule: str, *, lowercase: bool) -> Any:
    """Returns the NormalizerSpec of a rule, the message that a model file contains.

    Args:
      rule: one of config.common.NORMALIZATIONS.
      lowercase: whether to fold case too.
    """
    fold = "_cf" if lowercase else ""
    if rule in ("nfkc", "nmt_nfkc"):
        spec = _compiled(_entries(_built_in(rule + fold).precompiled_charsmap))
    else:
        spec = _compiled(_canonical(lowercase) if rule == "nfc" else _folded(_LETTERS) if lowercase else {})
    spec.name = rule + fold
    spec.ClearField("normalization_rule_tsv")
    return spec


class Normalizer:
    """Applies a rule outside a model: text in, text out.

    Args:
      rule: one of config.common.NORMALIZATIONS.
      lowercase: whether to fold case too.
    """

    def __init__(self, rule: str, *, lowercase: bool = False) -> None:
        self._normalizer = sentencepiece.SentencePieceNormalizer(
            normalizer_spec=normalizer_spec(rule, lowercase=lowercase),
            add_dummy_prefix=False,
            escape_whitespaces=False,
        )

    def __call__(self, texts: Iterable[str]) -> list[str]:
        """Returns the normalised texts."""
        return self._normalizer.Normalize(list(texts))


class Changed(NamedTuple):
    """Count of the lines that normalisation changes, with the first as an example."""

    lines: int
    changed: int
    number: int  # of the first changed line, from 1; 0 if there is none
    before: str  # the first changed line
    after: str  # its normalised form

    def __str__(self) -> str:
        """Returns the count with its example: `1 of 9 lines, the first is line 5: 'a  b' becomes 'a b'`."""
        count = f"{self.changed:,} of {self.lines:,} lines"
        if not self.changed:
            return count
        same = len(os.path.commonprefix([self.before, self.after]))
        start = max(same - _SHOWN // 2, 0)
        before, after = (repr(text[start : start + _SHOWN]) for text in (self.before, self.after))
        return f"{count}, the first is line {self.number:,}: {before} becomes {after}"

    def followed_by(self, before: list[str], after: list[str]) -> Changed:
        """Returns the count extended by more lines: `before` and `after` normalisation."""
        different = [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        total = self._replace(lines=self.lines + len(before), changed=self.changed + len(different))
        if self.changed or not different:
            return total
        first = different[0]
        return total._replace(number=self.lines + first + 1, before=before[first], after=after[first])


NONE_CHANGED = Changed(0, 0, 0, "", "")


def _compiled(table: Mapping[str, str]) -> Any:
    """Returns the spec of a table, extended by the spaces of every rule."""
    changes = sorted((key, value) for key, value in {**table, **_SPACES}.items() if key != value)
    return _spec_of(sentencepiece.SentencePieceNormalizer(norm_map=changes))


def _spec_of(normalizer: sentencepiece.SentencePieceNormalizer) -> Any:
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # protobuf creates it on import
    model.ParseFromString(normalizer.serialized_model_proto())
    return model.normalizer_spec


def _built_in(rule: str) -> Any:
    return _spec_of(sentencepiece.SentencePieceNormalizer(rule_name=rule))


def _folded(characters: range) -> dict[str, str]:
    """Returns the case folding of characters, for those that it changes."""
    return {c: c.casefold() for c in map(chr, characters) if c != c.casefold()}


def _canonical(lowercase: bool) -> dict[str, str]:
    """Returns the table of NFC: changed characters, and the sequences that it composes."""
    table: dict[str, str] = {}
    for character in map(chr, range(0xA0, sys.maxunicode + 1)):
        normal = unicodedata.normalize("NFC", character)
        if normal != character:
            table[character] = normal
        else:
            table.update(dict.fromkeys(_spellings(character), character))
    if lowercase:
        table = {**_folded(_LETTERS), **{key: value.casefold() for key, value in table.items()}}
    return {key: unicodedata.normalize("NFC", value) for key, value in table.items()}


def _spellings(composed: str) -> set[str]:
    """Returns the sequences that compose to a character: for ế, e with two marks and ê with one."""
    if 0xAC00 <= ord(composed) <= 0xD7A3:  # Hangul is composed arithmetically, not by the character database
        syllable, tail = divmod(ord(composed) - 0xAC00, 28)
        two = chr(0x1100 + syllable // 21) + chr(0x1161 + syllable % 21)
        return {start + chr(0x11A7 + tail) for start in (two, chr(ord(composed) - tail))} if tail else {two}
    parts = unicodedata.decomposition(composed).split()
    if len(parts) != 2 or parts[0].startswith("<"):
        return set()
    first, mark = (chr(int(part, 16)) for part in parts)
    return {start + mark for start in {first, *_spellings(first)}}


def _entries(charsmap: bytes) -> dict[str, str]:
    """Returns the table from which a precompiled one was built.

    The precompiled form consists of the size of a double-array trie, the trie, and the values, each ended by NUL; a
    leaf is the offset of its value (sentencepiece, src/normalizer.cc and third_party/darts_clone).
    """
    size = struct.unpack_from("<I", charsmap)[0]
    units, values = np.frombuffer(charsmap, "<u4", size // 4, 4), charsmap[4 + size :]
    labels, bytes_ = units & _LABEL, np.arange(1, 256)
    nodes: dict[int, list[tuple[int, int]]] = {}  # the byte and the node of each child; many keys share a node
    found = {}
    left = [(0, b"")]
    while left:
        node, key = left.pop()
        below = node ^ _offset(int(units[node]))
        if node not in nodes:
            children = np.minimum(below ^ bytes_, len(units) - 1)
            real = labels[children] == bytes_
            nodes[node] = list(zip(bytes_[real].tolist(), children[real].tolist(), strict=True))
        left += [(child, key + bytes([byte])) for byte, child in nodes[node]]
        if key and int(units[node]) & _HAS_LEAF:
            start = int(units[below]) & _VALUE
            found[key.decode()] = values[start : values.index(b"\0", start)].decode()
    return found


def _offset(unit: int) -> int:
    return unit >> 10 << ((unit & 1 << 9) >> 6)
