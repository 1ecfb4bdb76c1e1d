"""Bundles of tensors are nested structures to TensorFlow; special ids are those of every file."""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf import structures
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID, DecoderState, Memory


def test_special_ids_are_those_in_files_of_ids_and_piece_models() -> None:
    assert (PAD_ID, UNK_ID, BOS_ID, EOS_ID) == (0, 1, 2, 3)


def test_every_bundle_of_tensors_is_a_tuple_that_tensorflow_maps_over() -> None:
    """A plain dataclass could not be the state of a `tf.while_loop`."""
    bundles = [value for value in vars(structures).values() if isinstance(value, type) and hasattr(value, "_fields")]
    assert {bundle.__name__ for bundle in bundles} >= {"Batch", "EncoderOutput", "Hypotheses", "LossSum", "Memory"}
    for bundle in bundles:
        made = bundle(*range(len(bundle._fields)))
        assert tf.nest.map_structure(lambda n: n + 1, made) == bundle(*range(1, len(bundle._fields) + 1))


def test_a_decoders_state_goes_through_a_loop_of_the_graph() -> None:
    state = DecoderState(((tf.zeros([2, 3]), tf.zeros([2, 3])), (tf.zeros([2, 3]),)), tf.zeros([2, 5]))
    memory = Memory(tf.ones([2, 4, 3]), tf.ones([2, 4, 5]), tf.ones([2, 4], tf.bool))

    def body(n: tf.Tensor, state: DecoderState) -> tuple[tf.Tensor, DecoderState]:
        return n + 1, tf.nest.map_structure(lambda x: x + memory.values[0, 0, 0], state)

    _, final = tf.function(lambda s: tf.while_loop(lambda n, _: n < 3, body, (tf.constant(0), s)))(state)
    assert isinstance(final, DecoderState)
    assert [float(x[0, 0]) for x in tf.nest.flatten(final)] == [3.0] * 4
