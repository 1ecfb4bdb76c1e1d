"""Growth with sentence length, beam, batch and vocabulary: python benchmarks/growth.py --model_dir=runs/NAME

Measures a trained run, prints tables, writes the numbers and draws one figure; --corpus adds the numbers of scaling.py
as a fourth panel. --redraw=FILE draws again without measuring. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags
from number_flags import whole_numbers

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "trained run folder")
flags.DEFINE_string("source", None, "sentences to translate [default: the run's test set]")
flags.DEFINE_string("corpus", None, "numbers written by scaling.py --json, for the corpus panel")
flags.DEFINE_list("lengths", ["5", "10", "20", "40", "80"], "sentence lengths, in pieces")
flags.DEFINE_list("beams", ["1", "2", "3", "5", "8", "12"], "beam sizes")
flags.DEFINE_list("batch_tokens", ["256", "1024", "4096"], "batch sizes for translating, in padded source pieces")
flags.DEFINE_list("vocabularies", ["1000", "2000", "4000", "8000", "16000", "32000"], "vocabulary sizes, in pieces")
flags.DEFINE_integer("sentences", 200, "sentences translated for each beam and batch size", lower_bound=1)
flags.DEFINE_integer("update_tokens", 1000, "target pieces per training update", lower_bound=1)
flags.DEFINE_integer("repeats", 5, "runs per measurement; the median is reported", lower_bound=1)
flags.DEFINE_string("machine", None, "machine and date for the title [default: as detected]")
flags.DEFINE_string(
    "out", None, "PNG to write [default: docs/img/growth.png if there is docs/img, else docs/growth.png]"
)
flags.DEFINE_string("json", None, "write the numbers to this file")
flags.DEFINE_string("redraw", None, "draw the numbers in this file without measuring")

_SIDE_BY_SIDE = 16  # sentences in a batch when length is measured
_VOCAB_LENGTH = 14  # pieces of a sentence when the vocabulary is measured: about the mean of Multi30k


def median_ms(run: Callable[[], object]) -> float:
    """Returns the median milliseconds of `repeats` runs, after a warm-up run."""
    run()
    times = []
    for _ in range(FLAGS.repeats):
        begin = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


class UpdateClock:
    """Times training updates of a newly initialised model with the run's sizes.

    Args:
      config: options of the run.
      vocab: number of pieces of each language.
    """

    def __init__(self, config: Any, vocab: int) -> None:
        from seq2seq_tf.tasks.translation.model import Translation
        from seq2seq_tf.tasks.translation.task import TranslationTask
        from seq2seq_tf.training.trainer import Trainer

        model = Translation(
            config.model, vocab, vocab, precision=config.train.precision, smoothing=config.train.label_smoothing
        )
        model.build()
        train = dataclasses.replace(config.train, accumulate=1)
        self._trainer = Trainer(model, train, TranslationTask.batch_spec, TranslationTask.carry_spec)
        self._vocab = vocab

    def median_ms(self, sentences: int, pieces: int) -> float:
        """Returns the median milliseconds of an update on random sentences of `pieces` pieces, counting the end."""
        from seq2seq_tf.data.batching import make_batch
        from seq2seq_tf.structures import EOS_ID

        random = np.random.default_rng(1)
        rows = [list(random.integers(EOS_ID + 1, self._vocab, [sentences, pieces - 1])) for _ in ("source", "target")]
        batch = make_batch(*rows)
        return median_ms(lambda: self._trainer.update([batch], (), 0, 1e-4))


def measure_lengths(translator: Any, sources: list[str], lengths: list[int]) -> list[dict[str, float]]:
    """Times sentences of exactly these numbers of pieces; translations are forced to the length of their sources."""
    from seq2seq_tf.structures import EOS_ID

    clock = UpdateClock(translator.config, translator.target.vocab_size)
    stream = np.concatenate(translator.source.encode(sources))  # ids of real text, concatenated
    rows = []
    for length in lengths:
        source = np.resize(stream, [_SIDE_BY_SIDE, length]).astype(np.int32)
        source = np.concatenate([source, np.full([_SIDE_BY_SIDE, 1], EOS_ID, np.int32)], 1)
        row: dict[str, float] = {"pieces": length}
        for name, beam in (("greedy_ms", 1), ("beam5_ms", 5)):
            search = translator.search_options(beam_size=beam, n_best=1, max_ratio=1.0, min_ratio=1.0, max_extra=1)
            row[name] = median_ms(functools.partial(translator.search_ids, source, search)) / _SIDE_BY_SIDE
        sentences = max(FLAGS.update_tokens // length, 1)
        row["update_ms"] = clock.median_ms(sentences, length)
        row["training_ms"] = row["update_ms"] / sentences
        rows.append(row)
        print(
            f"| {length} | {row['training_ms']:.2f} ms | {row['greedy_ms']:.2f} ms | {row['beam5_ms']:.2f} ms |",
            flush=True,
        )
    return rows


def measure_beams(translator: Any, sources: list[str], beams: list[int], sizes: list[int]) -> list[dict[str, float]]:
    """Times the translation of all sentences for each beam and batch size."""
    rows = []
    for size in sizes:
        for beam in beams:
            search = translator.search_options(beam_size=beam, n_best=1, batch_tokens=size)
            ms = median_ms(functools.partial(translator.translate_all, sources, search))
            rows.append({"batch_tokens": size, "beam": beam, "sentences_per_s": 1e3 * len(sources) / ms})
            print(f"| {size:,} | {beam} | {rows[-1]['sentences_per_s']:,.0f} |", flush=True)
    return rows


def measure_vocabularies(config: Any, sizes: list[int]) -> list[dict[str, float]]:
    """Times training updates for each vocabulary size."""
    rows = []
    sentences = max(FLAGS.update_tokens // _VOCAB_LENGTH, 1)
    for size in sizes:
        ms = UpdateClock(config, size).median_ms(sentences, _VOCAB_LENGTH)
        rows.append({"pieces": size, "update_ms": ms, "tokens": sentences * _VOCAB_LENGTH})
        print(f"| {size:,} | {ms:.1f} ms |", flush=True)
    return rows


def measure() -> dict[str, Any]:
    """Returns all measurements of the run."""
    lengths, beams, sizes, vocabularies = (
        whole_numbers(name) for name in ("lengths", "beams", "batch_tokens", "vocabularies")
    )
    if not FLAGS.model_dir:
        raise InputError("either --model_dir must name a trained run folder, or --redraw a file of numbers")
    if min(lengths) < 2 or min(vocabularies) < 8:
        raise InputError("--lengths must be at least 2, and --vocabularies at least 8")
    program.import_tensorflow()
    from seq2seq_tf.tasks.translation.translator import Translator
    from seq2seq_tf.text.lines import iter_lines
    from seq2seq_tf.training.hardware import use_cores_side_by_side

    use_cores_side_by_side()
    translator = Translator.load(FLAGS.model_dir)
    path = FLAGS.source or translator.config.data.test_source
    sources = list(iter_lines(path))[: FLAGS.sentences] if path else []
    if not sources:
        raise InputError("no sentences: --source is empty or not given, and the run has no test set")
    found: dict[str, Any] = {"precision": translator.config.train.precision}
    print("| pieces | training, per sentence | greedy | beam 5 |\n|---|---|---|---|")
    found["lengths"] = measure_lengths(translator, sources, lengths)
    print("\n| batch tokens | beam | sentences/s |\n|---|---|---|")
    found["beams"] = measure_beams(translator, sources, beams, sizes)
    print("\n| vocabulary | update |\n|---|---|")
    found["vocabularies"] = measure_vocabularies(translator.config, vocabularies)
    return found


def read_json(path: str) -> dict[str, Any]:
    """Returns the contents of a file of numbers.

    Raises:
      InputError: the file cannot be read, or these benchmarks did not write it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: not a file of numbers written by these benchmarks") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: not a file of numbers written by these benchmarks")
    return found


def main() -> None:
    """Measures the run or reads earlier numbers, and draws the figure."""
    from growth_plot import draw
    from machine import describe

    corpus = read_json(FLAGS.corpus)["rows"] if FLAGS.corpus else None
    found = read_json(FLAGS.redraw) if FLAGS.redraw else {"machine": describe(), **measure()}
    if corpus is not None:
        found["corpus"] = corpus
    if FLAGS.machine:
        found["machine"] = FLAGS.machine
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    out = FLAGS.out or os.path.join("docs", "img" if os.path.isdir("docs/img") else "", "growth.png")
    draw(found, out)
    print(f"\n{found['machine']}\nfigure: {out}")


if __name__ == "__main__":
    program.run(main)
