"""Fetches, splits and checks corpora: seq2seq-data COMMAND --flag=value ...

seq2seq-data fetch-multi30k --source=de --target=en --out=data/multi30k_de_en
seq2seq-data split --csv=sheet.csv --source_lang=en --target_lang=de --out=data/mine
seq2seq-data write-series --name=sunspots --out=data/sunspots.csv
seq2seq-data doctor --source_lang=en --target_lang=de --data=data/mine
"""

from __future__ import annotations

from seq2seq_tf.cli import (
    data_doctor,
    data_help,
    data_language_id,
    data_multi30k,
    data_python_source,
    data_series,
    data_split,
    program,
)

COMMANDS = {
    "fetch-multi30k": data_multi30k.COMMAND,
    "fetch-help": data_help.COMMAND,
    "fetch-language-id": data_language_id.COMMAND,
    "collect-python-source": data_python_source.COMMAND,
    "write-series": data_series.COMMAND,
    "split": data_split.COMMAND,
    "doctor": data_doctor.COMMAND,
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
