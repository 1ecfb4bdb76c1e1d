"""Decoding speed: python benchmarks/decode_speed.py --model_dir=runs/NAME --source=FILE

Prints one row per beam and batch size: sentences and target pieces per second and mean output length, with the end of
the sentence counted as a piece; then the latency of a single sentence. Times include tokenization, but not loading,
tracing and a warm-up call. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import tempfile
import time
from typing import Any

from absl import flags
from number_flags import whole_numbers

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "run folder", required=True)
flags.DEFINE_string("source", None, "sentences to translate [default: the run's test set]")
flags.DEFINE_list("beams", ["5", "1"], "beam sizes")
flags.DEFINE_list("batch_tokens", ["512", "1024", "2048", "4096"], "batch sizes, in padded source pieces")
flags.DEFINE_integer("shortlist", 0, "search.shortlist; 0 = exact", lower_bound=0)
flags.DEFINE_bool("early_stop", False, "search.early_stop; false = exact")
flags.DEFINE_integer("single", 100, "sentences translated one by one to measure latency", lower_bound=1)
flags.DEFINE_integer("repeats", 3, "runs per row; the median is printed", lower_bound=1)
flags.DEFINE_string("precision", None, "float32 or bfloat16 [default: the precision of the run]")
flags.DEFINE_string("json", None, "also write the numbers and the translations to this file")


def load_translator() -> Any:
    """Returns the translator of the run, in the requested precision."""
    from seq2seq_tf.config.loading import to_yaml, with_values
    from seq2seq_tf.tasks.translation.config import TranslationConfig
    from seq2seq_tf.tasks.translation.translator import Translator
    from seq2seq_tf.training.run_dir import RunDir

    run = RunDir(FLAGS.model_dir)
    if not FLAGS.precision or not os.path.exists(run.config_file):
        return Translator.load(FLAGS.model_dir)
    config = with_values(run.load_config(TranslationConfig), {"train.precision": FLAGS.precision})
    with tempfile.TemporaryDirectory() as folder:
        other = RunDir(folder)
        with open(other.config_file, "w", encoding="utf-8") as file:
            file.write(to_yaml(config))
        files = {
            run.source_model: other.source_model,
            run.target_model: other.target_model,
            run.weights_file(): other.final_model,
            run.data: other.data,  # shortlists are learnt from it
        }
        for path, link in files.items():
            os.symlink(os.path.abspath(path), link)
        translator = Translator.load(folder)
        if FLAGS.shortlist:
            translator.lexicon()  # learnt while the folder exists
        return translator


def search_options(translator: Any, beam: int, **options: int) -> Any:
    """Returns the options of a search for the best translation, exact unless the flags approximate it."""
    approximate = {"shortlist": FLAGS.shortlist, "early_stop": FLAGS.early_stop}
    return translator.search_options(beam_size=beam, n_best=1, split_sentences=False, **approximate, **options)


def kind_of_search(precision: str) -> str:
    """Returns the precision and the approximations of the search."""
    shortlist = f", shortlist {FLAGS.shortlist}" if FLAGS.shortlist else ""
    return precision + shortlist + (", early stop" if FLAGS.early_stop else "")


def time_batches(translator: Any, sources: list[str], beam: int, tokens: int) -> tuple[dict[str, Any], list[str]]:
    """Returns the table row for one beam and batch size, and the translations."""
    search = search_options(translator, beam, batch_tokens=tokens)
    translator.translate_all(sources[:100], search)
    times = []
    rows: list[Any] = []
    for _ in range(FLAGS.repeats):
        begin = time.perf_counter()
        rows = translator.translate_all(sources, search)
        times.append(time.perf_counter() - begin)
    seconds = statistics.median(times)
    pieces = sum(len(row[0].pieces) + 1 for row in rows)
    row = {
        "beam": beam,
        "batch": tokens,
        "unit": "pieces",
        "sentences_per_s": len(rows) / seconds,
        "pieces_per_s": pieces / seconds,
        "mean_pieces": pieces / len(rows),
    }
    return row, [row[0].text for row in rows]


def time_single(translator: Any, sources: list[str], beam: int) -> dict[str, Any]:
    """Returns the latency of a single sentence."""
    search = search_options(translator, beam)
    times = []
    for text in [*sources[:5], *sources[: FLAGS.single]]:
        begin = time.perf_counter()
        translator.translate_all([text], search)
        times.append(1e3 * (time.perf_counter() - begin))
    times = sorted(times[len(sources[:5]) :])
    ninety = times[int(0.9 * len(times))]
    return {"beam": beam, "median_ms": statistics.median(times), "mean_ms": statistics.fmean(times), "90%_ms": ninety}


def main() -> None:
    """Measures and prints the tables."""
    beams, sizes = whole_numbers("beams"), whole_numbers("batch_tokens")
    program.import_tensorflow()
    from machine import describe

    from seq2seq_tf.text.lines import iter_lines
    from seq2seq_tf.training.hardware import use_cores_side_by_side

    use_cores_side_by_side()
    begin = time.perf_counter()
    translator = load_translator()
    path = FLAGS.source or translator.config.data.test_source
    sources = list(iter_lines(path)) if path else []
    if not sources:
        raise InputError("no sentences: --source is empty or not given, and the run has no test set")
    translator.translate(sources[0])
    first = time.perf_counter() - begin
    kind = kind_of_search(translator.config.train.precision)
    print(f"{describe()}; {kind}; loading to first translation: {first:.1f} s\n")
    print("| beam | batch tokens | sentences/s | pieces/s | mean pieces |\n|---|---|---|---|---|")
    rows, single, texts = [], [], {}
    for beam in beams:
        for tokens in sizes:
            row, texts[str(beam)] = time_batches(translator, sources, beam, tokens)
            rows.append(row)
            speed = f"{row['sentences_per_s']:,.0f} | {row['pieces_per_s']:,.0f} | {row['mean_pieces']:.1f}"
            print(f"| {beam} | {tokens} | {speed} |", flush=True)
    print("\n| beam | single sentence, median | 90 % |\n|---|---|---|")
    for beam in beams:
        single.append(time_single(translator, sources, beam))
        print(f"| {beam} | {single[-1]['median_ms']:.1f} ms | {single[-1]['90%_ms']:.1f} ms |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"\npeak memory {peak / 1024:.2f} GiB")
    if FLAGS.json:
        found = {"program": "ours", "precision": kind, "rows": rows, "single": single, "peak_mib": peak}
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump({**found, "first_translation_s": first, "texts": texts}, file, indent=1)


if __name__ == "__main__":
    program.run(main)
