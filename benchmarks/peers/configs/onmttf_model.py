"""The compared shape in OpenNMT-tf: embeddings 256, LSTM 2x256, LSTM 512, additive attention with input feeding."""

import opennmt
import tensorflow as tf
import tensorflow_addons as tfa


class RecurrentAttention(opennmt.models.SequenceToSequence):
    """OpenNMT-tf builds its model from a function `model` of the file that --model names."""

    def __init__(self) -> None:
        super().__init__(
            source_inputter=opennmt.inputters.WordEmbedder(embedding_size=256, dropout=0.3),
            target_inputter=opennmt.inputters.WordEmbedder(embedding_size=256, dropout=0.3),
            encoder=opennmt.encoders.RNNEncoder(
                num_layers=1, num_units=256, bidirectional=True, dropout=0.3, cell_class=tf.keras.layers.LSTMCell
            ),
            decoder=opennmt.decoders.AttentionalRNNDecoder(
                num_layers=1,
                num_units=512,
                dropout=0.3,
                bridge_class=opennmt.layers.CopyBridge,
                attention_mechanism_class=tfa.seq2seq.BahdanauAttention,
                cell_class=tf.keras.layers.LSTMCell,
            ),
        )


model = RecurrentAttention
