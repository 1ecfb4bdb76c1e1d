"""The value of every hidden unit after every symbol of a text, for language models and both sides of a translator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import CellTrace, cells_of, copy_weights, record_states, reference_copy
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.language_model.streams import TextOfIds, text_ids
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.text.characters import CharacterTokenizer, Tokenizer

SEPARATOR = "\n"  # between files
_ROWS = 64  # sentences at once


class Reading(NamedTuple):
    """A text as a model reads it, and the state after each of its T symbols."""

    side: str  # "text", "source" or "target"
    files: list[str]  # whole; joined by SEPARATOR they begin with what was read
    symbols: list[str]  # T characters or pieces as text; joined they are what was read
    spans: np.ndarray  # [T, 2] characters of each symbol
    values: np.ndarray  # [T, U] float32
    names: list[str]  # U; "layer_0/h/17", "encoder/layer_0/backward/c/3"


def read_files(generator: TextGenerator, texts: Sequence[str], characters: int) -> Reading:
    """Reads texts from their beginnings, each as a file of its own, until there are enough characters.

    Args:
      generator: the language model.
      texts: whole files.
      characters: the last text is cut there, at the end of a line if there is one.

    Raises:
      InputError: nothing to read.
    """
    whole, kept = _enough(texts, characters)
    if not any(kept):
        raise InputError("the text is empty")
    found = generator.activations_of(kept)
    symbols = [list(text) if _spells(generator.symbols) else _pieces(generator.symbols, text) for text in kept]
    if not _spells(generator.symbols):  # pieces may fold spaces: the text is what they spell
        whole = ["".join(_pieces(generator.symbols, text)) for text in whole]
    shown = [symbol for row in symbols for symbol in row]
    values = np.concatenate([each.values for each in found])
    return Reading("text", whole, shown, _spans(shown), values, found[0].names)


def _spells(symbols: Tokenizer) -> bool:
    return isinstance(symbols, CharacterTokenizer)


def _enough(texts: Sequence[str], characters: int) -> tuple[list[str], list[str]]:
    """Returns the first texts that hold enough characters: whole; and with separators, the last one cut."""
    whole: list[str] = []
    left = characters
    while len(whole) < len(texts) and left > 0:
        whole.append(texts[len(whole)])
        left -= len(whole[-1]) + len(SEPARATOR)
    if not whole:
        return [], []
    last = whole[-1]
    if left < -len(SEPARATOR):
        last = last[: left + len(SEPARATOR)]
        last = last[: last.rfind("\n") + 1] or last
    return whole, [text + SEPARATOR for text in whole[:-1]] + [last]


def _pieces(symbols: Tokenizer, text: str) -> list[str]:
    """Returns what each symbol of a text adds to it; "" for a byte that is not a whole character yet."""
    gained = TextOfIds(symbols)
    return [gained.add(i) for i in text_ids(symbols, text)]


def _spans(symbols: Sequence[str]) -> np.ndarray:
    ends = np.cumsum([len(symbol) for symbol in symbols])
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], 1)


def read_pairs(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[Reading]:
    """Reads pairs of sentences with encoder and decoder, in float32; pairs without text on one side are left out.

    Texts longer than the longest source that is translated are cut, with a warning.

    The encoder's state is that after each source piece, the end of the sentence among them, shown as a line end. The
    decoder's state is that after each target piece was given to it (teacher forcing): what it holds when it chooses
    the next one.

    Returns:
      the source side and the target side.

    Raises:
      InputError: no pair has text on both sides.
    """
    most = translator.config.search.max_source_pieces
    source_rows = _encode(translator.source, sources, "source", most)
    rows = zip(source_rows, _encode(translator.target, targets, "target", most), strict=True)
    pairs = [(source, target) for source, target in rows if source and target]
    if not pairs:
        raise InputError("no pair of sentences has text on both sides")
    names, states = _pair_states(translator, pairs)
    source_ids, target_ids = zip(*pairs, strict=True)
    return [
        Reading("source", *_sentences(translator.source, source_ids, True), np.concatenate(states[0]), names[0]),
        Reading("target", *_sentences(translator.target, target_ids, False), np.concatenate(states[1]), names[1]),
    ]


def _encode(symbols: Tokenizer, texts: Sequence[str], side: str, most: int) -> list[list[int]]:
    """Returns the ids of texts, each cut to `most` with a warning: states of every step are kept."""
    rows = symbols.encode(list(texts))
    for n, row in enumerate(rows):
        if len(row) > most:
            warnings.warn(f"{side} {n + 1}: cut from {len(row)} to {most} pieces", stacklevel=4)
            rows[n] = row[:most]
    return rows


def _pair_states(
    translator: Translator, pairs: Sequence[tuple[list[int], list[int]]]
) -> tuple[list[list[str]], list[list[np.ndarray]]]:
    """Returns, for encoder and decoder, the names of U units and their values [S + 1, U] or [T, U] of each pair."""
    twin = reference_copy(translator.model)
    copy_weights(translator.model, twin)
    names: list[list[str]] = [[], []]
    states: list[list[np.ndarray]] = [[np.zeros(0)] * len(pairs) for _ in range(2)]
    order = sorted(range(len(pairs)), key=lambda n: -len(pairs[n][0]))
    for start in range(0, len(order), _ROWS):
        chosen = order[start : start + _ROWS]
        batch = make_batch([pairs[n][0] for n in chosen], [pairs[n][1] for n in chosen])
        with record_states(cells_of(twin)) as traces:
            twin.teacher_force(batch, dropout_seed=None)
        for side, prefix in enumerate(("encoder", "decoder")):
            found = [each for each in traces if each.name.startswith(prefix)]
            names[side] = [name for each in found for name in _unit_names(each)]
            values = np.concatenate([_values(each) for each in found], 2)  # [T, B, U]
            for row, n in enumerate(chosen):
                length = len(pairs[n][side]) + 1
                states[side][n] = values[side:length, row]  # step 0 of the decoder reads BOS
    return names, states


def _unit_names(trace: CellTrace) -> list[str]:
    return [f"{trace.name}/{part}/{u}" for part, steps in trace.states.items() for u in range(steps[0].shape[1])]


def _values(trace: CellTrace) -> np.ndarray:
    """Returns all tensors of the state beside each other, in the order of the text, [T, B, U]."""
    values = np.concatenate([np.stack(steps) for steps in trace.states.values()], 2)
    return values[::-1] if trace.reverse else values


def _sentences(
    symbols: Tokenizer, rows: Sequence[Sequence[int]], with_end: bool
) -> tuple[list[str], list[str], np.ndarray]:
    """Returns files, symbols and spans of a `Reading` of sentences, each a file of its own.

    Without a symbol for the end of a sentence, its last piece shows the line end that stands behind it.
    """
    files, shown, spans, at = [], [], [], 0
    for ids in rows:
        gained = TextOfIds(symbols)
        pieces = [gained.add(i) for i in (*ids, EOS_ID)]
        files.append("".join(pieces)[: -len(SEPARATOR)])
        spans.append(at + _spans(pieces)[: None if with_end else -1])
        at = at + sum(map(len, pieces))
        shown += pieces if with_end else [*pieces[:-2], pieces[-2] + pieces[-1]]
    return [*files, ""], shown, np.concatenate(spans)
