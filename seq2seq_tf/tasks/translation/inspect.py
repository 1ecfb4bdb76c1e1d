"""`seq2seq-inspect` for translators; see `inspection.abilities`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Asked, Input, Sizes
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.text.lines import iter_lines, iter_pairs
from seq2seq_tf.text.scripts import is_visible

if TYPE_CHECKING:
    from seq2seq_tf.inspection.page import Section
    from seq2seq_tf.inspection.readings import Reading
    from seq2seq_tf.structures import Batch
    from seq2seq_tf.tasks.translation.hypotheses import Hypothesis
    from seq2seq_tf.tasks.translation.model import Translation
    from seq2seq_tf.tasks.translation.recording import RecordableTranslation
    from seq2seq_tf.tasks.translation.translator import Translator

ATTENTION_INPUTS = (
    Input(
        "text", "lines", "translator: source sentence; may be given several times [default: lines on standard input]"
    ),
)
READS_PAIRS = True
_PAIRS = 500  # of which the longest are used to measure gradients


def load(model_dir: str) -> Translator:
    """Returns the trained translator."""
    from seq2seq_tf.tasks.translation.translator import Translator

    return Translator.load(model_dir)


def check_attention(model_dir: str, given: Mapping[str, Any]) -> None:
    """Raises InputError if there is no text or the model has no attention."""
    from seq2seq_tf.training.run_dir import RunDir

    if not any(map(is_visible, given["text"])):
        raise InputError("no text: give --text or lines on standard input")
    if RunDir(model_dir).load_config(TranslationConfig).model.attention == "none":
        raise InputError(f"{model_dir}: the model has no attention (model.attention=none), so there are no maps")


class TranslatedMaps(NamedTuple):
    """Attention maps of translations; see `Maps`."""

    texts: list[str]
    found: list[Hypothesis]
    notes: list[str]

    def lines(self) -> list[str]:
        """Returns a line per text: source, translation and word alignment."""
        from seq2seq_tf.inspection.attention_page import pharaoh

        pairs = zip(self.texts, self.found, strict=True)
        return [f"{text} ||| {found.text} ||| {pharaoh(found)}" for text, found in pairs]

    def sections(self) -> list[Section]:
        """Returns the sections of a page."""
        from seq2seq_tf.inspection.attention_page import translation_sections

        return translation_sections(self.texts, self.found)

    def pictures(self) -> list[bytes]:
        """Returns a PNG of each translation."""
        from seq2seq_tf.inspection.attention import attention_png

        return [attention_png(found) for found in self.found]


def attention(translator: Translator, given: Mapping[str, Any], search: Mapping[str, Any]) -> TranslatedMaps:
    """Translates the texts, with attention."""
    texts = [text for text in given["text"] if text.strip()]
    rows = translator.translate_all(texts, translator.search_options(**search), attention=True)
    return with_pieces(texts, [row[0] for row in rows])


def with_pieces(texts: list[str], found: list[Hypothesis]) -> TranslatedMaps:
    """Returns the texts that have source pieces, and their translations.

    Raises:
      InputError: there are none, or one is too long for an attention map.
    """
    kept = [n for n, hypothesis in enumerate(found) if hypothesis.source_pieces]
    if not kept:
        raise InputError("no text: the model finds nothing to read in the lines")
    for n in kept:
        if not found[n].attention.size:
            raise InputError(f"text {n + 1}: too long for one map; pass its sentences separately")
    left_out = len(texts) - len(kept)
    notes = [f"{left_out} text{'s' * (left_out > 1)} left out: nothing to read"] if left_out else []
    return TranslatedMaps([texts[n] for n in kept], [found[n] for n in kept], notes)


def read(translator: Translator, asked: Asked, characters: int) -> tuple[list[Reading], str]:
    """Returns pairs of sentences as read by encoder and decoder, and their kind, "text"."""
    from seq2seq_tf.tasks.translation.recording import read_pairs

    sources, targets = _sentences(translator.config, asked)
    count = _first_characters(sources, characters)
    sources = sources[:count]
    if targets is None:
        targets = _translations(translator, sources)
    return read_pairs(translator, sources, targets[:count]), "text"


def reference_copy(model: Translation) -> RecordableTranslation:
    """Returns a newly initialised model of the same sizes, whose every step can be recorded."""
    from seq2seq_tf.tasks.translation import recording

    return recording.reference_copy(model)


def gradient_batch(translator: Translator, asked: Asked, sizes: Sizes) -> Batch:
    """Returns a batch of the longest pairs of sentences."""
    from seq2seq_tf.tasks.translation.recording import pair_batch

    sources, targets = _sentences(translator.config, asked)
    sources = sources[:_PAIRS]
    if targets is None:
        sources = sorted(sources, key=len)[-sizes.sequences :]
        targets = _translations(translator, sources)
    ids = zip(translator.source.encode(sources), translator.target.encode(targets[:_PAIRS]), strict=True)
    return pair_batch(list(ids), *sizes)


def _translations(translator: Translator, sources: Sequence[str]) -> list[str]:
    search = translator.search_options(n_best=1, split_sentences=False)
    return [row[0].text for row in translator.translate_all(sources, search)]


def _sentences(config: TranslationConfig, asked: Asked) -> tuple[list[str], list[str] | None]:
    """Returns source lines and their translations; None for these if there is --text without --target.

    Raises:
      InputError: no such file, files with different numbers of lines, or --target without --text.
    """
    if asked.target and not asked.text:
        raise InputError("--target contains the translations of --text; give both")
    if asked.text:
        if not asked.target:
            return list(iter_lines(asked.text)), None
        return _columns(asked.text, asked.target)
    data = config.data
    for known, translated in ((data.test_source, data.test_target), (data.valid_source, data.valid_target)):
        if known and translated and os.path.isfile(known) and os.path.isfile(translated):
            return _columns(known, translated)
    raise InputError("the run's held-out files were not found; give a text with --text (and --target)")


def _columns(source: str, target: str) -> tuple[list[str], list[str]]:
    pairs = list(iter_pairs(source, target))
    return [s for s, _ in pairs], [t for _, t in pairs]


def _first_characters(texts: Sequence[str], characters: int) -> int:
    """Returns how many of the first texts are needed for at least `characters` characters, at most all."""
    lengths = itertools.accumulate(len(text) + 1 for text in texts)
    return next((n for n, length in enumerate(lengths, 1) if length >= characters), len(texts))
