"""The recurrent and Transformer layers and their options, for your own Keras models; see docs/layers.md.

    from seq2seq_tf import layers
    encoder = layers.Encoder(layers.EncoderConfig(cell="gru"), layers.Embedding(8000, 256, 0.1))

Importing this module registers the layers, so that `keras.saving.load_model` finds them.
"""

from __future__ import annotations

from seq2seq_tf.config.common import DecoderConfig, EncoderConfig, NetworkConfig
from seq2seq_tf.config.transformer import TransformerDecoderConfig, TransformerEncoderConfig
from seq2seq_tf.nn.attention import BahdanauAttention, DotAttention, GeneralAttention, MultiHeadAttention
from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.nn.scaled_attention import ScaledDotProductAttention
from seq2seq_tf.nn.transformer_decoder import TransformerDecoder
from seq2seq_tf.nn.transformer_encoder import TransformerEncoder
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID, EncoderOutput

__all__ = [
    "BOS_ID",
    "EOS_ID",
    "PAD_ID",
    "UNK_ID",
    "AttentionDecoder",
    "BahdanauAttention",
    "DecoderConfig",
    "DotAttention",
    "Embedding",
    "Encoder",
    "EncoderConfig",
    "EncoderOutput",
    "GeneralAttention",
    "MultiHeadAttention",
    "NetworkConfig",
    "RecurrentStack",
    "ScaledDotProductAttention",
    "TransformerDecoder",
    "TransformerDecoderConfig",
    "TransformerEncoder",
    "TransformerEncoderConfig",
]
