"""How well the next token of a text is predicted from only the last k tokens, by any language model and by n-grams."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import ContextSizes
from seq2seq_tf.inspection.context_page import Contexts, Curve
from seq2seq_tf.structures import BOS_ID
from seq2seq_tf.tasks.language_model.kneser_ney import KneserNey
from seq2seq_tf.tasks.language_model.streams import load_stream
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.running_text import text_ids
from seq2seq_tf.training.prepared import check_data
from seq2seq_tf.training.run_dir import RunDir

_TOKENS = 16_384  # tokens read per call; bounds memory
_ROWS = 1024


class Targets(NamedTuple):
    """Files as tokens, and which of these are predicted: the same ones after each length of context."""

    files: list[list[int]]  # each begins and ends with BOS
    stream: np.ndarray  # [N] the files one after the other
    places: np.ndarray  # [P] ascending, indices into the stream

    def windows(self, length: int) -> Iterator[np.ndarray]:
        """Yields [B, length + 1] int32: targets, each after the `length` tokens before it, in order."""
        rows = max(1, min(_ROWS, _TOKENS // length))
        for start in range(0, len(self.places), rows):
            places = self.places[start : start + rows, np.newaxis] + np.arange(-length, 1)
            yield self.stream[places]

    def chosen(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the values of the targets [..., P]. values: for each file [..., T] those of all tokens but BOS."""
        nothing = np.zeros((*values[0].shape[:-1], 1))  # BOS, which is never a target
        return np.concatenate([each for file in values for each in (nothing, file)], -1)[..., self.places]


def find_targets(files: list[list[int]], longest: int, count: int) -> Targets:
    """Returns targets, spread evenly over all tokens that have at least `longest` tokens of their file before them.

    Raises:
      InputError: there is no such token.
    """
    starts = np.cumsum([0, *map(len, files[:-1])])
    possible = np.concatenate(
        [np.arange(start + longest, start + len(file)) for start, file in zip(starts, files, strict=True)]
    )
    if not len(possible):
        raise InputError(f"no file of the text has more than {longest} tokens; give shorter --lengths")
    spread = np.linspace(0, len(possible) - 1, min(count, len(possible)))
    stream = np.concatenate([np.asarray(file, np.int32) for file in files])
    return Targets(files, stream, possible[np.rint(spread).astype(np.int64)])


def measure(runs: Mapping[str, TextGenerator], texts: Sequence[str], sizes: ContextSizes) -> Contexts:
    """Returns a curve of each run, run folder -> run, and one of n-grams counted on the text that they learnt from.

    Raises:
      InputError: the runs do not read the text as the same tokens, it is too short, or there is nothing to count.
    """
    if not any(texts):
        raise InputError("the text is empty")
    first = next(iter(runs.values()))
    files = [_ids(first, text) for text in texts]
    for folder, run in runs.items():
        if run.tokenizer.vocab_size != first.tokenizer.vocab_size or [_ids(run, text) for text in texts] != files:
            raise InputError(
                f"{folder}: reads the text as other tokens than {next(iter(runs))}; they cannot be compared"
            )
    targets = find_targets(files, sizes.lengths[-1], sizes.targets)
    tokens, characters = sum(len(file) - 1 for file in files), sum(map(len, texts))
    bits = tokens / characters / math.log(2.0)  # from nats per token to bits per character
    _warn_of_differences(runs)
    curves = [_of_ngrams(next(iter(runs)), first, targets, sizes)] if sizes.ngrams else []
    names = _names(list(runs))
    curves += [_of_run(name, run, targets, sizes) for name, run in zip(names, runs.values(), strict=True)]
    scaled = [curve.scaled(bits) for curve in curves]
    return Contexts(sizes.lengths, scaled, len(targets.places), tokens, characters, first.tokenizer.units)


def _ids(run: TextGenerator, text: str) -> list[int]:
    return [BOS_ID, *text_ids(run.tokenizer, text), BOS_ID]


def _of_run(name: str, run: TextGenerator, targets: Targets, sizes: ContextSizes) -> Curve:
    """Scores each target with only the last k tokens read, each time from the zero state; then with its whole file."""
    found = {}
    for length in sizes.lengths:
        parts = [run.score_last_ids(rows, run.zero_state(len(rows))).numpy() for rows in targets.windows(length)]
        found[length] = np.concatenate(parts)
    whole = targets.chosen(_whole(run, targets.files))
    reader = run.model.reader
    parameters = sum(int(v.value.shape.num_elements()) for v in run.model.trainable_variables)
    means, errors = _means(found)
    return Curve(name, reader.name, parameters, run.weights.update, means, errors, float(whole.mean()), reader.reach)


def _whole(run: TextGenerator, files: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Returns -log p of all tokens of each file but its BOS, read from the zero state."""
    parts: list[list[np.ndarray]] = [[] for _ in files]
    for group, nll in run.in_chunks(run.score_ids, files, overlap=1):
        for n, found in zip(group, nll, strict=True):
            parts[n].append(found)
    return [np.concatenate(part)[: len(file) - 1] for part, file in zip(parts, files, strict=True)]


def _of_ngrams(folder: str, run: TextGenerator, targets: Targets, sizes: ContextSizes) -> Curve:
    """Scores each target with n-grams counted on the training text of a run.

    Raises:
      InputError: the prepared text no longer exists or has changed.
    """
    path = RunDir(folder)
    if not os.path.exists(path.prepared):
        raise InputError(
            f"{path.data}: the training text no longer exists, so n-grams cannot be counted; give --ngrams=0"
        )
    check_data(path)
    ids = load_stream(os.path.join(path.data, "train")).ids
    lengths = [length for length in sizes.lengths if length <= sizes.ngrams]
    if not lengths:
        raise InputError(f"--ngrams={sizes.ngrams} is shorter than each of --lengths")
    model = KneserNey(ids, run.tokenizer.vocab_size, lengths[-1] + 1)
    nats = targets.chosen([model.nats(np.array(file)) for file in targets.files])  # [order, P]
    means, errors = _means({length: nats[length] for length in lengths})
    return Curve("n-grams", "Kneser-Ney", model.ngrams, None, means, errors, None, None)


def _means(nats: Mapping[int, np.ndarray]) -> tuple[dict[int, float], dict[int, float]]:
    """Returns means and their standard errors."""
    means = {length: float(found.mean(dtype=np.float64)) for length, found in nats.items()}
    return means, {length: float(found.std() / math.sqrt(len(found))) for length, found in nats.items()}


def _names(folders: Sequence[str]) -> list[str]:
    """Returns the last part of each path, or whole paths if two parts are equal."""
    short = [os.path.basename(os.path.normpath(folder)) for folder in folders]
    return short if len(set(short)) == len(short) else list(folders)


def _warn_of_differences(runs: Mapping[str, TextGenerator]) -> None:
    """Warns if the runs did not learn from the same text in the same number of updates: the curves then show both."""
    for what, values in (
        ("numbers of updates", {folder: f"{run.weights.update:,}" for folder, run in runs.items()}),
        ("training texts", {folder: run.config.data.train for folder, run in runs.items()}),
    ):
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{folder} {value}" for folder, value in values.items())
            warnings.warn(f"the runs have different {what}: {listed}", stacklevel=2)
