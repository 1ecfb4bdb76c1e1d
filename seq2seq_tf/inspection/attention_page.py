"""The sections of an attention page, for translated sentences or captioned images; and word alignments as text."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.attention import Aligned, word_alignment
from seq2seq_tf.inspection.image_attention import Described
from seq2seq_tf.inspection.page import AttentionMap, AttentionMaps, ImageAttention, Paragraphs, Section, Table

_END = "</s>"
_OF_SENTENCES = """Each map has the source pieces across and the pieces of the translation down. A row shows where the \
decoder looked when it wrote that piece, and sums to 1. The last row and column are the end of the sentence. Weights \
below 0.0005 are left blank; those below 0.005 are shaded but not printed.

A source piece that many rows attend to is not necessarily translated by all of them: in an encoder that reads in both \
directions, the output for a piece also depends on its neighbours.
"""
_OF_IMAGES = """For each word, where in the image the decoder looked when it wrote the word. The cell with the word's \
largest weight, printed below as max, has the full colour; the weights of all cells sum to 1. The features of a cell \
also depend on its neighbours, so the brightest cell may lie beside the object.
"""


def pharaoh(found: Aligned) -> str:
    """Returns the word alignment as "0-0 1-2 ...": source word and target word, counted from 0; see `word_alignment`.

    This is the format of the Pharaoh decoder (Koehn 2004), which word aligners write.
    """
    return " ".join(f"{source}-{target}" for source, target in word_alignment(found))


def translation_sections(sources: Sequence[str], hypotheses: Sequence[Aligned]) -> list[Section]:
    """Returns the sections of a page about translated sentences.

    Raises:
      InputError: a translation was made without attention=True, or by a model without attention.
    """
    if not all(found.attention.size for found in hypotheses):
        raise InputError("no attention weights: translate with attention=True, using a model with attention")
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
      InputError: a caption was made without attention=True, or by a model without attention.
    """
    found: list[Section] = [Paragraphs("", _OF_IMAGES)]
    for name, png, caption in zip(names, pngs, captions, strict=True):
        if not caption.attention.size:
            raise InputError("no attention maps: caption images with attention=True, using a model with attention")
        title = f"{name}: {caption.text}"
        found.append(ImageAttention(title, png, [*caption.words, _END], caption.attention))
    return found
