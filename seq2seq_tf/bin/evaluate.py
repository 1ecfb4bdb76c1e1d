"""seq2seq-evaluate scores a run.

Without --source and --reference the test set of the run's configuration is used. Prints BLEU, chrF and TER with
their sacreBLEU signatures, and the perplexity of the reference.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time

from absl import flags

from seq2seq_tf.bin import program, run_folder, search_flags
from seq2seq_tf.bin.flag_types import define_integer, define_output, define_path
from seq2seq_tf.data.pairs import iter_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.options.translation import Config

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the program."""
    search_flags.define()
    define_path("source", None, "sentences to translate [default: data.test_source of the run]")
    define_path("reference", None, "their translations [default: data.test_target of the run]")
    define_output("json", None, "also write the results to this file")
    define_output("hypotheses", None, "also write the translations to this file, one a line")
    define_integer("show", 0, "print this many sentences, evenly spread: source, reference, translation", 0)
    flags.DEFINE_bool(
        "lowercase", None, "ignore case in BLEU and chrF; the signature says so [default: data.lowercase of the run]"
    )
    flags.DEFINE_string(
        "tokenize",
        None,
        "sacreBLEU tokenizer of BLEU, such as 13a, intl, zh, ja-mecab, ko-mecab, char [default: that of the run, see "
        "docs/evaluating.md]",
    )


def main() -> int:
    """Translates the source and scores it against the reference."""
    folder = run_folder.model_dir(Config)
    if (FLAGS.source is None) != (FLAGS.reference is None):
        raise InputError("--source and --reference go together")
    program.import_tensorflow()
    from seq2seq_tf.evaluation import bleu, check_tokenizer, chrf, ter, tokenizer_for
    from seq2seq_tf.training.run_dir import write_text
    from seq2seq_tf.training.validation import perplexity
    from seq2seq_tf.translator import Translator

    translator = Translator.load(folder)
    data = translator.config.data
    files = (FLAGS.source or data.test_source, FLAGS.reference or data.test_target)
    if not all(files):
        raise InputError("the run has no test set; name --source and --reference")
    pairs = list(iter_pairs(*files))
    if not pairs:
        raise InputError(f"{files[0]}: empty, nothing to score")
    sources, references = [s for s, _ in pairs], [t for _, t in pairs]
    chosen = translator.config.train.bleu_tokenizer
    tokenize = FLAGS.tokenize or (tokenizer_for(references) if chosen == "auto" else chosen)
    check_tokenizer(tokenize)  # a missing one shows before the work
    search = translator.search_options(**{**search_flags.given(), "n_best": 1})
    begin = time.perf_counter()
    translations = [row[0].text for row in translator.translate_all(sources, search)]
    seconds = time.perf_counter() - begin
    lowercase = data.lowercase if FLAGS.lowercase is None else FLAGS.lowercase
    scores = [
        bleu(translations, references, lowercase=lowercase, tokenize=tokenize),
        chrf(translations, references, lowercase=lowercase),
        ter(translations, references),
    ]
    tokens = sum(len(ids) + 1 for ids in translator.target.encode(references))
    total = math.fsum(translator.score(sources, references))
    result = {
        "model_dir": FLAGS.model_dir,
        "source": files[0],
        "reference": files[1],
        "sentences": len(pairs),
        "search": dataclasses.asdict(search),
        **{s.name: {"score": s.value, "signature": s.signature} for s in scores},
        "perplexity_per_piece": perplexity(-total, tokens),
        "seconds": seconds,
    }
    print(f"{len(pairs):,} sentences of {files[0]}, translated in {seconds:.1f} s with beam {search.beam_size}")
    for score in scores:
        print(f"{score.name.upper():<10} {score.value:6.2f}  {score.signature}")
    print(f"{'perplexity':<10} {result['perplexity_per_piece']:6.2f}  per target piece, end of sentence included")
    shown = range(0, len(pairs), max(len(pairs) // max(FLAGS.show, 1), 1))
    for n in list(shown)[: FLAGS.show]:
        print(f"\n  source       {sources[n]}\n  reference    {references[n]}\n  translation  {translations[n]}")
    if FLAGS.json:
        write_text(FLAGS.json, json.dumps(result, indent=2) + "\n")
    if FLAGS.hypotheses:
        write_text(FLAGS.hypotheses, "".join(program.one_line(t) + "\n" for t in translations))
    return 0


COMMAND = program.Command(
    "translates a test set and scores it: BLEU, chrF, TER with signatures, perplexity",
    define_flags,
    main,
    """
    seq2seq-evaluate --model_dir=runs/de_en --show=5 --json=test.json
    seq2seq-evaluate --model_dir=runs/de_en --source=news.de --reference=news.en --hypotheses=news.out
    """,
)


def run() -> None:
    """Entry point."""
    program.run(COMMAND)


if __name__ == "__main__":
    run()
