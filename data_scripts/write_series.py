"""Runs `seq2seq-data write-series` from a checkout, with the same flags."""

from seq2seq_tf.cli import data, program

if __name__ == "__main__":
    program.run(data.COMMANDS["write-series"])
