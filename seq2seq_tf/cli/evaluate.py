"""seq2seq-evaluate scores the translations of a run.

Without --source and --reference, the test set of the run's configuration is used. Prints BLEU, chrF and TER with
their sacreBLEU signatures, the perplexity of the reference, and which translations are empty or much too short.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags

from seq2seq_tf.cli import program, run_folder, search_flags
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path, define_paths
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json, write_text
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.text.lines import iter_pairs

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.output_lengths import OutputLengths

FLAGS = flags.FLAGS
_LISTED = 5  # line numbers listed
_FAR_TOO_SHORT = 0.5  # of the length of the reference, in characters


def define_flags() -> None:
    """Defines the flags of the program."""
    search_flags.define()
    define_path("source", None, "sentences to translate [default: data.test_source of the run]")
    define_paths(
        "reference",
        "reference translations; may be given several times [default: data.test_target of the run]",
    )
    define_output("json", None, "also write the results to this file")
    define_output("hypotheses", None, "also write the translations to this file, one per line")
    define_integer("show", 0, "print this many sentences, evenly spread: source, reference, translation", 0)
    flags.DEFINE_bool(
        "lowercase", None, "ignore case in BLEU and chrF, as their signatures show [default: data.lowercase of the run]"
    )
    flags.DEFINE_string(
        "tokenize",
        None,
        "sacreBLEU tokenizer of BLEU, such as 13a, intl, zh, ja-mecab, ko-mecab, char [default: "
        "train.bleu_tokenizer of the run]",
    )


class _TestSet(NamedTuple):
    """Sources and their reference translations."""

    source: str  # file
    reference: list[str]  # files
    sources: list[str]
    references: list[list[str]]  # of each file; perplexity and lengths are those of the first


def main() -> int:
    """Translates the source and scores it against the reference."""
    if (FLAGS.source is None) == bool(FLAGS.reference):
        raise InputError("--source and --reference must be given together")
    folder = run_folder.model_dir(TranslationConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.translation.metrics import BleuScore, Score, bleu, check_tokenizer, chrf, ter, tokenizer_for
    from seq2seq_tf.tasks.translation.output_lengths import output_lengths
    from seq2seq_tf.tasks.translation.translator import Translator
    from seq2seq_tf.training.validation import perplexity

    translator = run_folder.say_weights(Translator.load(folder))
    data = translator.config.data
    test = _read(data)
    sources, first = test.sources, test.references[0]
    chosen = translator.config.train.bleu_tokenizer
    tokenize = FLAGS.tokenize or (tokenizer_for(first) if chosen == "auto" else chosen)
    check_tokenizer(tokenize)  # a missing one is reported before the work
    search = translator.search_options(**{**search_flags.given(), "n_best": 1})
    tokens = sum(len(ids) + 1 for ids in translator.target.encode(first))
    total = math.fsum(translator.score(sources, first))  # before translating, as it may refuse a pair
    begin = time.perf_counter()
    found = [row[0] for row in translator.translate_all(sources, search)]
    seconds = time.perf_counter() - begin
    translations = [h.text for h in found]
    lowercase = data.lowercase if FLAGS.lowercase is None else FLAGS.lowercase
    of_words = bleu(translations, test.references, lowercase=lowercase, tokenize=tokenize)
    scores: list[Score | BleuScore] = [
        of_words,
        chrf(translations, test.references, lowercase=lowercase),
        ter(translations, test.references, asian=tokenize in ("zh", "ja-mecab", "char")),
    ]
    lengths = output_lengths(sources, translations, first)
    result = {
        "model_dir": FLAGS.model_dir,
        "weights": str(translator.weights),
        "source": test.source,
        "reference": test.reference if len(test.reference) > 1 else test.reference[0],
        "sentences": len(sources),
        "split_lines": sum(bool(h.sentences) for h in found),
        "search": dataclasses.asdict(search),
        **{s.name: {"score": s.value, "signature": s.signature} for s in scores},
        "brevity_penalty": of_words.brevity_penalty,
        "length_ratio": of_words.length_ratio,
        "character_ratio": lengths.ratio,
        "empty_lines": lengths.empty,
        "short_lines": lengths.short,
        "perplexity_per_piece": perplexity(-total, tokens),
        "seconds": seconds,
    }
    _print(result, lengths)
    _show(test, translations)
    if FLAGS.json:
        write_text(FLAGS.json, to_json(result, indent=2) + "\n")
    if FLAGS.hypotheses:
        write_text(FLAGS.hypotheses, "".join(program.one_line(t) + "\n" for t in translations))
    return 0


def _read(data: Any) -> _TestSet:
    """Reads the files given as flags, or those of the run."""
    source, reference = FLAGS.source or data.test_source, FLAGS.reference or [data.test_target]
    if not source or not all(reference):
        raise InputError("the run has no test set; give --source and --reference")
    columns = [list(zip(*iter_pairs(source, path), strict=True)) for path in reference]
    if not columns[0]:
        raise InputError(f"{source}: empty, nothing to score")
    return _TestSet(source, reference, list(columns[0][0]), [list(targets) for _, targets in columns])


def _print(result: dict[str, Any], lengths: OutputLengths) -> None:
    from seq2seq_tf.training.validation import perplexity_shown

    count = result["sentences"]
    split = f", {result['split_lines']:,} of them sentence by sentence" if result["split_lines"] else ""
    beam = result["search"]["beam_size"]
    print(f"{count:,} sentences of {result['source']}{split}, translated in {result['seconds']:.1f} s with beam {beam}")
    print(result["weights"])
    for name in ("bleu", "chrf", "ter"):
        print(f"{name.upper():<10} {result[name]['score']:6.2f}  {result[name]['signature']}")
    shown = perplexity_shown(result["perplexity_per_piece"], 2)
    print(f"{'perplexity':<10} {shown:>6}  per target piece, end of sentence included")
    ratio, penalty = result["length_ratio"], result["brevity_penalty"]
    print(f"{'length':<10} {ratio:6.2f}  times the reference in words of BLEU; brevity penalty {penalty:.3f}")
    print(f"{'empty':<10} {len(lengths.empty):6,}  {_share(lengths.empty, count)}")
    print(f"{'too short':<10} {len(lengths.short):6,}  {_share(lengths.short, count)}")
    if lengths.ratio < _FAR_TOO_SHORT:
        print(f"warning: the translations are only {lengths.ratio:.2f} times as long as the reference", file=sys.stderr)


def _share(lines: list[int], count: int) -> str:
    """Returns the share of the given lines among `count`, and their first line numbers."""
    first = ", ".join(map(str, lines[:_LISTED])) + (", ..." if len(lines) > _LISTED else "")
    share = f"{100 * len(lines) / count:.1f} % of the translations"
    return f"{share}: line{'s' * (len(lines) > 1)} {first}" if lines else share


def _show(test: _TestSet, translations: list[str]) -> None:
    """Prints --show sentences, evenly spread."""
    shown = range(0, len(translations), max(len(translations) // max(FLAGS.show, 1), 1))
    for n in list(shown)[: FLAGS.show]:
        references = "".join(f"\n  reference    {texts[n]}" for texts in test.references)
        print(f"\n  source       {test.sources[n]}{references}\n  translation  {translations[n]}")


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
