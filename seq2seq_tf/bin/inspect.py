"""Draws attention maps: seq2seq-inspect --model_dir=runs/NAME --text="a sentence" --out=attention.png

Several --text flags, or lines on standard input without any, give numbered files: attention_1.png, ...
"""

from __future__ import annotations

import os

from absl import flags

from seq2seq_tf.bin import program, search_flags
from seq2seq_tf.errors import InputError

FLAGS = flags.FLAGS
search_flags.define()
flags.DEFINE_multi_string("text", [], "source sentence; may be given several times")
flags.DEFINE_string("out", "attention.png", "PNG file to write")


def main() -> int:
    """Translates each text and writes its attention map."""
    if not FLAGS.model_dir:
        raise InputError("--model_dir must name the run folder")
    program.import_tensorflow()
    from seq2seq_tf.inspection.attention import attention_png
    from seq2seq_tf.translator import Translator

    texts = [text for text in FLAGS.text or program.input_lines() if text.strip()]
    if not texts:
        raise InputError("no text: give --text or lines on standard input")
    translator = Translator.load(FLAGS.model_dir)
    search = translator.search_options(**search_flags.given())
    stem, ending = os.path.splitext(FLAGS.out)
    for n, row in enumerate(translator.translate_all(texts, search, attention=True), start=1):
        path = FLAGS.out if len(texts) == 1 else f"{stem}_{n}{ending or '.png'}"
        try:
            with open(path, "wb") as file:
                file.write(attention_png(row[0]))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        print(f"{path}: {row[0].text}")
    return 0


def run() -> None:
    """Entry point."""
    program.run(main)


if __name__ == "__main__":
    run()
