"""A translator whose every step can be recorded: states after each piece of both sides, gradients over the steps."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import NamedCell, copy_weights, record_states, unit_names, unit_values
from seq2seq_tf.inspection.readings import SEPARATOR, Reading, token_spans
from seq2seq_tf.structures import EOS_ID, PAD_ID, Batch, LossSum
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.text.running_text import TextOfIds
from seq2seq_tf.text.tokenizer import Tokenizer

_ROWS = 64  # sentences per batch


class RecordableTranslation:
    """See `Recordable`; its batches are `Batch`es of pairs."""

    def __init__(self, model: Translation) -> None:
        """Wraps a model without hand-written loops; see `reference_copy`."""
        self.model = model
        self.cells = [NamedCell(*named) for side in (model.encoder, model.decoder) for named in side.named_cells()]

    def start(self, batch: Batch) -> tuple[()]:
        """Returns an empty state: sentences are independent."""
        del batch
        return ()

    def loss(self, batch: Batch, start: tuple[()]) -> LossSum:
        """Returns the loss of a batch."""
        return self.model.batch_loss(batch, start, dropout_seed=None)[0]

    def lengths(self, batch: Batch, cell: str) -> np.ndarray:
        """Returns [B]: the pieces of each row, EOS included, on the side that a cell reads."""
        ids = batch.source if cell.startswith("encoder") else batch.target_out
        return np.sum(np.asarray(ids) != PAD_ID, 1)

    def describe(self, batch: Batch) -> str:
        """Returns the size of a batch."""
        rows, columns = batch.source.shape
        return f"{rows} sequences of up to {columns} steps"


def reference_copy(model: Translation) -> RecordableTranslation:
    """Returns a newly initialised float32 model of the same sizes, whose every step can be recorded.

    Raises:
      InputError: the model has no recurrent cell.
    """
    if not (*model.encoder.named_cells(), *model.decoder.named_cells()):
        raise InputError(
            f"the model ({model.config.network}) has no recurrent cells, hence no states over time to show"
        )
    sizes = (model.source_embedding.vocab_size, model.target_embedding.vocab_size)
    twin = Translation(dataclasses.replace(model.config, fused=False, cudnn=False), *sizes, precision="float32")
    twin.build()
    return RecordableTranslation(twin)


def pair_batch(pairs: Sequence[tuple[list[int], list[int]]], sequences: int, steps: int) -> Batch:
    """Returns the pairs of ids with the longest sources, each side truncated to `steps` pieces, EOS included.

    Raises:
      InputError: no pair has text on both sides.
    """
    longest = sorted((pair for pair in pairs if all(pair)), key=lambda pair: -len(pair[0]))[:sequences]
    if not longest:
        raise InputError("no pair of sentences has text on both sides")
    return make_batch([s[: steps - 1] for s, _ in longest], [t[: steps - 1] for _, t in longest])


def read_pairs(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[Reading]:
    """Reads pairs of sentences with encoder and decoder, in float32; pairs with an empty side are left out.

    Texts longer than search.max_source_pieces are truncated, with a warning.

    The encoder's states are those after each source piece, including the end of the sentence, shown as a line end. The
    decoder's states are those after each target piece has been fed in (teacher forcing), from which it predicts the
    next one.

    Returns:
      the readings of the source side and of the target side, unless that side has no recurrent cells.

    Raises:
      InputError: no pair has text on both sides, or the model has no recurrent cell.
    """
    most = translator.config.search.max_source_pieces
    source_rows = _encode(translator.source, sources, "source", most)
    rows = zip(source_rows, _encode(translator.target, targets, "target", most), strict=True)
    pairs = [(source, target) for source, target in rows if source and target]
    if not pairs:
        raise InputError("no pair of sentences has text on both sides")
    names, states = _pair_states(translator, pairs)
    source_ids, target_ids = zip(*pairs, strict=True)
    sides = (("source", translator.source, source_ids), ("target", translator.target, target_ids))
    return [
        Reading(name, *_sentences(tokenizer, ids, name == "source"), np.concatenate(states[n]), names[n])
        for n, (name, tokenizer, ids) in enumerate(sides)
        if names[n]
    ]


def _encode(tokenizer: Tokenizer, texts: Sequence[str], side: str, most: int) -> list[list[int]]:
    """Returns the ids of texts, truncated to `most` with a warning, as the states of every step are kept."""
    rows = tokenizer.encode(list(texts))
    for n, row in enumerate(rows):
        if len(row) > most:
            warnings.warn(f"{side} {n + 1}: cut from {len(row)} to {most} pieces", stacklevel=4)
            rows[n] = row[:most]
    return rows


def _pair_states(
    translator: Translator, pairs: Sequence[tuple[list[int], list[int]]]
) -> tuple[list[list[str]], list[list[np.ndarray]]]:
    """Returns, for encoder and decoder, the names of U units and their values [S + 1, U] or [T, U] for each pair."""
    twin = reference_copy(translator.model)
    copy_weights(translator.model, twin.model)
    names: list[list[str]] = [[], []]
    states: list[list[np.ndarray]] = [[np.zeros(0)] * len(pairs) for _ in range(2)]
    order = sorted(range(len(pairs)), key=lambda n: -len(pairs[n][0]))
    for start in range(0, len(order), _ROWS):
        chosen = order[start : start + _ROWS]
        batch = make_batch([pairs[n][0] for n in chosen], [pairs[n][1] for n in chosen])
        with record_states(twin.cells) as traces:
            twin.model.teacher_force(batch, dropout_seed=None)
        for side, prefix in enumerate(("encoder", "decoder")):
            found = [each for each in traces if each.name.startswith(prefix)]
            if not found:  # a Transformer
                continue
            names[side] = [name for each in found for name in unit_names(each)]
            values = np.concatenate([unit_values(each) for each in found], 2)  # [T, B, U]
            for row, n in enumerate(chosen):
                length = len(pairs[n][side]) + 1
                states[side][n] = values[side:length, row]  # step 0 of the decoder reads BOS
    return names, states


def _sentences(
    tokenizer: Tokenizer, rows: Sequence[Sequence[int]], with_end: bool
) -> tuple[list[str], list[str], np.ndarray]:
    """Returns files, tokens and spans of a `Reading` of sentences, each as a separate file.

    Without a token for the end of a sentence, its last piece is shown with the line end that follows it.
    """
    files, shown, spans, at = [], [], [], 0
    for ids in rows:
        gained = TextOfIds(tokenizer)
        pieces = [gained.add(i) for i in (*ids, EOS_ID)]
        files.append("".join(pieces)[: -len(SEPARATOR)])
        spans.append(at + token_spans(pieces)[: None if with_end else -1])
        at = at + sum(map(len, pieces))
        shown += pieces if with_end else [*pieces[:-2], pieces[-2] + pieces[-1]]
    return [*files, ""], shown, np.concatenate(spans)
