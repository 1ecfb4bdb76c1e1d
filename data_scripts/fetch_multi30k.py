"""Runs `seq2seq-data fetch-multi30k` from a checkout, with the same flags."""

from seq2seq_tf.cli import data, program

if __name__ == "__main__":
    program.run(data.COMMANDS["fetch-multi30k"])
