"""Sentences for language identification: none occurs in two languages, none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from seq2seq_tf.corpora.libreoffice_help import HelpPage
from seq2seq_tf.corpora.split import Split, split_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import sentence_key
from seq2seq_tf.text.sentences import split_sentences

_MIN_LETTERS = 3  # "42 %" belongs to no language


class Kept(NamedTuple):
    """The sentences of each language, in the order of the pages, and counts of those left out by reason."""

    sentences: dict[str, list[str]]
    refused: dict[str, Counter[str]]  # language -> reason -> count


def help_sentences(folder: Path) -> Iterator[str]:
    """Yields the sentences of all help pages below a folder, including duplicates."""
    for path in sorted(folder.rglob("*.html")):
        for _, text in HelpPage(path.read_text(encoding="utf-8", errors="replace")).paragraphs:
            for line in text.split("\n"):
                yield from split_sentences(line)


def distinct_sentences(texts: Mapping[str, Iterable[str]], *, shortest: int, longest: int) -> Kept:
    """Returns sentences that occur in one language only, each once.

    Sentences are considered the same if their normalised forms are equal. One that occurs in several languages is a
    name or a formula or was never translated, and is no evidence of its language.

    Args:
      texts: language -> sentences, iterated over once.
      shortest, longest: limits of the length of a sentence, in characters.
    """
    found: dict[str, dict[int, str]] = {}
    refused: dict[str, Counter[str]] = {}
    languages_of: Counter[int] = Counter()
    for language, sentences in texts.items():
        of_key: dict[int, str] = {}
        why: Counter[str] = Counter()
        for sentence in sentences:
            letters = sum(map(str.isalpha, sentence))
            if letters < _MIN_LETTERS or not shortest <= len(sentence) <= longest:
                why["too short, too long or without letters"] += 1
            elif of_key.setdefault(sentence_key(sentence), sentence) is not sentence:
                why["duplicate"] += 1
        languages_of.update(of_key.keys())  # the keys, not the sentences as counts
        found[language], refused[language] = of_key, why
    kept = {}
    for language, of_key in found.items():
        kept[language] = [sentence for key, sentence in of_key.items() if languages_of[key] == 1]
        refused[language]["in several languages"] = len(of_key) - len(kept[language])
    return Kept(kept, refused)


def balanced_split(sentences: Mapping[str, list[str]], *, train: int, held_out: int, seed: int) -> dict[str, Split]:
    """Returns the indices of train, valid and test sentences for each language: the same number for each.

    Args:
      sentences: language -> distinct sentences.
      train: maximum number of sentences per language for training; if the smallest language has fewer, all languages
        get that many.
      held_out: number of sentences per language in valid, and also in test.
      seed: determines the choice, which does not depend on the order of the sentences.

    Raises:
      InputError: a language has too few sentences.
    """
    smallest = min(sentences, key=lambda language: len(sentences[language]))
    fewest = len(sentences[smallest])
    if fewest <= 2 * held_out:
        raise InputError(f"{smallest}: {fewest} sentences are too few to hold out {held_out} each for valid and test")
    train = min(train, fewest - 2 * held_out)
    splits = {}
    for language, texts in sentences.items():
        pairs = [(text, text) for text in texts]
        rest, valid, test = split_pairs(pairs, valid=held_out, test=held_out, seed=seed)
        left = [pairs[n] for n in rest]
        # A second split of the rest: which sentences to drop is decided by the same hash, not by their order.
        chosen = rest if len(left) == train else rest[split_pairs(left, valid=0, test=train, seed=seed).test]
        splits[language] = Split(chosen, valid, test)
    return splits
