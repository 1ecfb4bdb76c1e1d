"""Trains and uses language models: seq2seq-lm train|sample|score

seq2seq-lm train --config=configs/lm_python_source.yaml --model_dir=runs/NAME
seq2seq-lm sample --model_dir=runs/NAME --prompt="def " --length=300
seq2seq-lm score --model_dir=runs/NAME --text=FILE_OR_FOLDER
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, training
from seq2seq_tf.cli.flag_types import define_integer, define_option, define_output, define_path
from seq2seq_tf.cli.program import Command
from seq2seq_tf.config.loading import leaves
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig

if TYPE_CHECKING:
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator, TextScore

FLAGS = flags.FLAGS
_SECTION = "sample."
_MAX_TABLE_WIDTH = 100  # characters; more cannot be read side by side


def _train_flags() -> None:
    training.define_flags(LanguageModelConfig)


def _train() -> int:
    return training.train(LanguageModelConfig, _prepare)


def _prepare(run: Any, config: LanguageModelConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.language_model.task import prepare

    return prepare(run, config, say)


def _model_flags() -> None:
    define_path("model_dir", None, "run folder of a trained model")


def _load() -> TextGenerator:
    folder = run_folder.model_dir(LanguageModelConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator

    return run_folder.say_weights(TextGenerator.load(folder))


def _options() -> dict[str, Any]:
    """Returns the sampling options by name: `length`, `temperature`, ..."""
    return {leaf.name[len(_SECTION) :]: leaf for leaf in leaves(LanguageModelConfig) if leaf.name.startswith(_SECTION)}


def _sample_flags() -> None:
    _model_flags()
    flags.DEFINE_string("prompt", "", "text to continue; \\n and \\t mean line break and tab")
    define_integer("samples", 1, "number of texts", 1, 10_000)
    for name, leaf in _options().items():
        define_option(name, leaf, f"sample.{name} of the run")


def _sample() -> int:
    """Prints texts that begin with the prompt; a single text appears character by character."""
    given = {name: FLAGS[name].value for name in _options() if FLAGS[name].present}
    generator = _load()
    generator.sample_options(**given)  # reports a mistake before the prompt is printed
    prompt = FLAGS.prompt.replace("\\n", "\n").replace("\\t", "\t")
    if FLAGS.samples == 1:
        sys.stdout.write(prompt)
        for gained in generator.stream(prompt, **given):
            sys.stdout.write(gained)
            sys.stdout.flush()
        print()
        return 0
    for n, text in enumerate(generator.sample(prompt, samples=FLAGS.samples, **given), start=1):
        print(f"--- {n} ---\n{prompt}{text}")
    return 0


def _score_flags() -> None:
    _model_flags()
    define_path("text", None, "file, or folder of files, to score [default: test text of the run]")
    flags.DEFINE_bool("files", False, "also print a line per file, best predicted first")
    flags.DEFINE_bool("logits", False, "instead: print the logits of every token at every step; for short texts")
    define_output("json", None, "also write the results to this file")


def _score() -> int:
    """Prints the bits per character of a text, or its logits."""
    generator = _load()
    from seq2seq_tf.files import write_text
    from seq2seq_tf.tasks.language_model.task import text_parts
    from seq2seq_tf.text.text_files import find_text_files, read_text
    from seq2seq_tf.training.validation import perplexity_shown

    data = generator.config.data
    files = find_text_files(FLAGS.text, data.pattern, data.exclude) if FLAGS.text else text_parts(data)["test"]
    if not files.names:
        raise InputError("the run has no test text; give one with --text")
    texts = [read_text(path) for path in files.paths()]
    if FLAGS.logits:
        tables = [_logit_table(generator, text) for text in texts]
        print("\n".join(f"{name}\n{table}" for name, table in zip(files.names, tables, strict=True)))
        return 0
    if not any(texts):
        raise InputError(f"{FLAGS.text or files.root}: empty, nothing to score")
    scores = generator.score(texts)
    if FLAGS.files:
        print(_file_table(files.names, scores) + "\n")
    total = _total(scores)
    print(f"{len(texts):,} files, {total['characters']:,} characters")
    print(generator.weights)
    if total["unknown"]:
        print(
            f"{total['unknown']:,} tokens are unknown to the model; their share of the loss says nothing about the text"
        )
    print(f"bits per character    {total['bits_per_character']:.4f}")
    tokens = f"{total['tokens']:,} tokens: {generator.tokenizer.units} and the ends of files"
    print(f"bits per token        {total['bits_per_token']:.4f}  ({tokens})")
    print(f"perplexity            {perplexity_shown(total['perplexity'], 3)}  per token")
    if FLAGS.json:
        run = {"model_dir": FLAGS.model_dir, "weights": str(generator.weights)}
        about = {**run, "text": FLAGS.text or files.root, "files": len(texts)}
        write_text(FLAGS.json, to_json({**about, **total}, indent=2) + "\n")
    return 0


def _total(scores: Sequence[TextScore]) -> dict[str, Any]:
    """Returns the scores of all texts together, for the report."""
    from seq2seq_tf.training.validation import perplexity

    nats = math.fsum(score.nats for score in scores)
    tokens, characters = (sum(getattr(s, name) for s in scores) for name in ("tokens", "characters"))
    return {
        "characters": characters,
        "tokens": tokens,
        "unknown": sum(score.unknown for score in scores),
        "bits_per_character": nats / math.log(2.0) / characters,
        "bits_per_token": nats / math.log(2.0) / tokens,
        "perplexity": perplexity(nats, tokens),
    }


def _file_table(names: Sequence[str], scores: Sequence[TextScore]) -> str:
    from seq2seq_tf.cli.tables import format_table

    ranked = sorted(zip(names, scores, strict=True), key=lambda pair: pair[1].bits_per_character)
    rows = [(name, s.characters, s.unknown, f"{s.bits_per_character:.4f}") for name, s in ranked]
    return format_table(["file", "characters", "unknown", "bits per character"], rows)


def _logit_table(generator: TextGenerator, text: str) -> str:
    """Returns a table of logits, a row per token and a column per step; * marks the largest of a column."""
    from seq2seq_tf.cli.tables import format_table

    if len(text) > _MAX_TABLE_WIDTH:
        raise InputError(
            f"--logits: the text has {len(text):,} characters; the table allows {_MAX_TABLE_WIDTH} at most"
        )
    read, logits = generator.logits(text)
    names = generator.tokenizer.pieces(range(generator.tokenizer.vocab_size))
    shown = [n for n in range(len(names)) if generator.drawable[n]]
    best = logits[:, shown].max(1)  # [T + 1]
    rows = [
        (_visible(names[n]), *(f"{x:7.2f}{'*' if x == b else ' '}" for x, b in zip(logits[:, n], best, strict=True)))
        for n in shown
    ]
    wanted = ("should come next", *(_visible(token) for token in (*read[1:], read[0])))
    return format_table(["read", *map(_visible, read)], [*rows, wanted])


def _visible(token: str) -> str:
    return token if token.isprintable() and token != " " else repr(token)


COMMANDS = {
    "train": Command(
        "trains a language model, or resumes a run that was stopped",
        _train_flags,
        _train,
        """
        seq2seq-lm train --config=configs/lm_python_source.yaml --model_dir=runs/python
        """,
    ),
    "sample": Command(
        "samples text from a language model",
        _sample_flags,
        _sample,
        """
        seq2seq-lm sample --model_dir=runs/python --prompt="def " --length=300
        seq2seq-lm sample --model_dir=runs/python --samples=5 --temperature=1.2 --seed=3
        """,
        is_filter=True,
    ),
    "score": Command(
        "reports the bits per character of a text",
        _score_flags,
        _score,
        """
        seq2seq-lm score --model_dir=runs/python --text=FILE_OR_FOLDER --files --json=score.json
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
