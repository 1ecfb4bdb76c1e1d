"""Looks inside a trained run: seq2seq-inspect attention|units|gradients|contexts --flag=value ...

seq2seq-inspect attention --model_dir=runs/de_en --text="Ein Hund rennt." --out=attention.html
seq2seq-inspect units --model_dir=runs/python --out=units.html
seq2seq-inspect gradients --model_dir=runs/python --out=gradients.html
seq2seq-inspect gradients --compare=cells --out=cells.html
seq2seq-inspect gradients --toy --x=0.5,-1,0.2
seq2seq-inspect contexts --model_dir=runs/markov --model_dir=runs/lstm --out=contexts.html
"""

from __future__ import annotations

from seq2seq_tf.cli import inspect_attention, inspect_contexts, inspect_gradients, inspect_units, program

COMMANDS = {
    "attention": program.Command(
        "draws attention maps of a translator or captioner, and prints alignments",
        inspect_attention.define_flags,
        inspect_attention.main,
        """
        seq2seq-inspect attention --model_dir=runs/de_en --text="Ein Hund rennt." --out=attention.html
        """,
    ),
    "units": program.Command(
        "colours a text by hidden units and finds those that follow quotes, conditions, lines, ...",
        inspect_units.define_flags,
        inspect_units.main,
        """
        seq2seq-inspect units --model_dir=runs/python --text=data/python_source/test --out=units.html
        """,
    ),
    "gradients": program.Command(
        "shows how gradients vanish or explode over time steps, and how often gates are closed",
        inspect_gradients.define_flags,
        inspect_gradients.main,
        """
        seq2seq-inspect gradients --model_dir=runs/python --out=gradients.html
        seq2seq-inspect gradients --compare=cells --out=cells.html
        seq2seq-inspect gradients --toy --x=0.5,-1,0.2
        """,
    ),
    "contexts": program.Command(
        "shows how much context language models use: bits per character after only the last k tokens",
        inspect_contexts.define_flags,
        inspect_contexts.main,
        """
        seq2seq-inspect contexts --model_dir=runs/markov --model_dir=runs/lstm --out=contexts.html
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
