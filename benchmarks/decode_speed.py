"""Decoding speed: python benchmarks/decode_speed.py --model_dir=runs/NAME --source=FILE

One row per beam and batch size: sentences and target pieces per second, mean output length; then the latency of
one sentence alone. Loading, tracing and one warm-up call are not counted. Run it with nothing else running.
"""

from __future__ import annotations

import resource
import statistics
import time

from absl import flags

from seq2seq_tf.bin import program

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "run folder", required=True)
flags.DEFINE_string("source", None, "sentences to translate [default: the run's test set]")
flags.DEFINE_list("beams", ["5", "1"], "beam sizes")
flags.DEFINE_list("batch_tokens", ["512", "1024", "2048", "4096"], "batch sizes in padded source pieces")
flags.DEFINE_integer("single", 100, "sentences translated one by one for the latency")
flags.DEFINE_integer("repeats", 3, "runs per row; the median is printed")


def main() -> None:
    """Prints the table."""
    from seq2seq_tf.data.pairs import iter_lines
    from seq2seq_tf.training.hardware import use_cores_side_by_side

    use_cores_side_by_side()
    begin = time.perf_counter()
    from seq2seq_tf.translator import Translator

    translator = Translator.load(FLAGS.model_dir)
    sources = list(iter_lines(FLAGS.source or translator.config.data.test_source))
    translator.translate(sources[0])
    print(f"import to first translation: {time.perf_counter() - begin:.1f} s (TensorFlow's own import not counted)\n")
    print("| beam | batch tokens | sentences/s | pieces/s | mean pieces |\n|---|---|---|---|---|")
    for beam in map(int, FLAGS.beams):
        for tokens in map(int, FLAGS.batch_tokens):
            search = translator.search_options(beam_size=beam, n_best=1, batch_tokens=tokens)
            translator.translate_all(sources[:100], search)
            times = []
            for _ in range(FLAGS.repeats):
                begin = time.perf_counter()
                rows = translator.translate_all(sources, search)
                times.append(time.perf_counter() - begin)
            seconds = statistics.median(times)
            pieces = sum(len(row[0].pieces) + 1 for row in rows)
            mean = pieces / len(rows)
            print(
                f"| {beam} | {tokens} | {len(rows) / seconds:,.0f} | {pieces / seconds:,.0f} | {mean:.1f} |", flush=True
            )
    print("\n| beam | one sentence alone, median | 90 % |\n|---|---|---|")
    for beam in map(int, FLAGS.beams):
        search = translator.search_options(beam_size=beam, n_best=1)
        times = []
        for text in sources[: FLAGS.single]:
            begin = time.perf_counter()
            translator.translate_all([text], search)
            times.append(1e3 * (time.perf_counter() - begin))
        times.sort()
        print(f"| {beam} | {statistics.median(times):.1f} ms | {times[int(0.9 * len(times))]:.1f} ms |", flush=True)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    program.run(main)
