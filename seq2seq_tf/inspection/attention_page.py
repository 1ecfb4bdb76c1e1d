"""A page of attention maps: of translated sentences, or over captioned images; and alignments as text."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.attention import Aligned, word_alignment
from seq2seq_tf.inspection.image_attention import Described
from seq2seq_tf.inspection.page import AttentionMap, AttentionMaps, ImageAttention, Paragraphs, Section, Table

_END = "</s>"
_OF_SENTENCES = """Each map has the source pieces across and the translation's pieces down. A row says where the \
decoder looked when it wrote that piece, and sums to 1. The last row and column are the end of the sentence. Empty \
cells are under 0.0005, cells without a number under 0.005.

A column that many rows look at need not be a translation of them: the encoder may read in both directions, so that \
each of its outputs knows of its neighbours.
"""
_OF_IMAGES = """For each word, where on the image the decoder looked when it wrote it. Colours are full at the cell \
with the largest weight of the word, which stands below as max; the weights of all cells sum to 1. What a cell stands \
for was computed from its neighbours, too, so the brightest cell may lie beside the thing.
"""


def pharaoh(found: Aligned) -> str:
    """Returns "0-0 1-2 ...": source word and target word from 0, each target word with its most attended source word.

    The format is that of the Pharaoh decoder (Koehn 2004), which word aligners write. See `word_alignment`.
    """
    return " ".join(f"{source}-{target}" for source, target in word_alignment(found))


def translation_sections(sources: Sequence[str], hypotheses: Sequence[Aligned]) -> list[Section]:
    """Returns the sections of a page about translated sentences.

    Raises:
      InputError: made without attention=True, or by a model without attention.
    """
    if not all(found.attention.size for found in hypotheses):
        raise InputError("no attention weights: translate text with attention=True and a model with attention")
    rows = [
        [source, found.text, f"{found.score:.3f}", pharaoh(found)]
        for source, found in zip(sources, hypotheses, strict=True)
    ]
    maps = [
        AttentionMap(f"{n}. {found.text}", [*found.source_pieces, _END], [*found.pieces, _END], found.attention)
        for n, found in enumerate(hypotheses, 1)
    ]
    return [
        Paragraphs("", _OF_SENTENCES),
        Table("Sentences", ["source", "translation", "score", "alignment (source word-target word)"], rows),
        AttentionMaps("Attention", maps),
    ]


def caption_sections(names: Sequence[str], pngs: Sequence[bytes], captions: Sequence[Described]) -> list[Section]:
    """Returns the sections of a page about captioned images.

    Raises:
      InputError: made without attention=True, or by a model without attention.
    """
    found: list[Section] = [Paragraphs("", _OF_IMAGES)]
    for name, png, caption in zip(names, pngs, captions, strict=True):
        if not caption.attention.size:
            raise InputError("no attention maps: describe with attention=True and a model with attention")
        title = f"{name}: {caption.text}"
        found.append(ImageAttention(title, png, [*caption.words, _END], caption.attention))
    return found
