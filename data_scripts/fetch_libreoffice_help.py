"""The command `seq2seq-data fetch-help` with the same flags, from a checkout."""

from seq2seq_tf.cli import data, program

if __name__ == "__main__":
    program.run(data.COMMANDS["fetch-help"])
