"""A `keras.Model` that translates with the layers of seq2seq_tf: fit, translate greedily, save as .keras, load again.

It learns to reverse random sentences, the smallest task that needs attention:

    python examples/keras_layers.py reverse.keras
"""

from __future__ import annotations

import sys

import keras
import numpy as np

from seq2seq_tf import layers

VOCAB = 20  # ids, four special ones included
LONGEST = 9  # pieces of the longest sentence


def build(units: int = 64) -> keras.Model:
    """Returns a translator that is not trained yet: ids of source and target -> logits of each next piece."""
    source = keras.Input([None], dtype="int32", name="source")  # ends with EOS, then PAD
    target_in = keras.Input([None], dtype="int32", name="target_in")  # starts with BOS
    encoder = layers.Encoder(
        layers.EncoderConfig(encoder_units=units), layers.Embedding(VOCAB, units, 0.1), name="encoder"
    )
    decoder = layers.AttentionDecoder(
        layers.DecoderConfig(decoder_units=units, attention_units=units, output_units=units, output_dropout=0.1),
        layers.Embedding(VOCAB, units, 0.1),
        name="decoder",
    )
    hidden = decoder(target_in, encoder(source))
    return keras.Model([source, target_in], keras.layers.Dense(VOCAB, dtype="float32", name="logits")(hidden))


def made_up(sentences: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns inputs and labels: random sentences and the same in reverse order."""
    random = np.random.default_rng(seed)
    source, target_in, labels = np.zeros([3, sentences, LONGEST + 1], np.int32)
    for row in range(sentences):
        pieces = random.integers(layers.EOS_ID + 1, VOCAB, random.integers(1, LONGEST + 1))
        source[row, : len(pieces) + 1] = [*pieces, layers.EOS_ID]
        target_in[row, : len(pieces) + 1] = [layers.BOS_ID, *pieces[::-1]]
        labels[row, : len(pieces) + 1] = [*pieces[::-1], layers.EOS_ID]
    return {"source": source, "target_in": target_in}, labels


def train(model: keras.Model, sentences: int, epochs: int) -> keras.callbacks.History:
    """Fits the model. By the mask that the decoder passes on, Keras ignores padding in loss and accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
    )
    inputs, labels = made_up(sentences, seed=1)
    return model.fit(inputs, labels, batch_size=64, epochs=epochs, verbose=2)


def translate(model: keras.Model, source: np.ndarray) -> np.ndarray:
    """Returns greedy translations: [B, LONGEST + 1] ids, including EOS and whatever follows it."""
    target = np.full([len(source), 1], layers.BOS_ID, np.int32)
    for _ in range(LONGEST + 1):
        logits = model({"source": source, "target_in": target}, training=False)
        target = np.concatenate([target, np.argmax(logits[:, -1:], -1).astype(np.int32)], 1)
    return target[:, 1:]


def main(path: str) -> None:
    """Trains, saves, loads and compares."""
    keras.utils.set_random_seed(1)
    model = build()
    train(model, sentences=8192, epochs=12)
    inputs, labels = made_up(200, seed=2)
    found = translate(model, inputs["source"])
    right = np.all((found == labels) | (labels == layers.PAD_ID), 1)
    print(f"reversed without a mistake: {right.mean():.0%} of {len(right)} new sentences")
    model.save(path)
    again = keras.saving.load_model(path)
    np.testing.assert_array_equal(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0))
    print(f"{path} contains the same model")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "reverse.keras")
