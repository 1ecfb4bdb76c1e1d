"""A function becomes one graph for all shapes of its signature, and AutoGraph does not rewrite its code."""

from __future__ import annotations

import pytest
import tensorflow as tf

from seq2seq_tf.tracing import trace


def test_one_graph_serves_every_shape_of_the_signature() -> None:
    calls = []

    def double(x: tf.Tensor) -> tf.Tensor:
        calls.append(x.shape)
        return 2 * x

    traced = trace(double, [tf.TensorSpec([None, 3])])
    for rows in (1, 2, 5):
        assert traced(tf.ones([rows, 3])).shape == (rows, 3)
    assert len(calls) == 1
    with pytest.raises(TypeError):
        traced(tf.ones([1, 4]))


def test_a_python_condition_on_a_tensor_is_an_error() -> None:
    """AutoGraph would rewrite it; this package requires a `tf.cond`."""

    def positive(x: tf.Tensor) -> tf.Tensor:
        return x if x > 0 else -x

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        trace(positive, [tf.TensorSpec([])])(tf.constant(1.0))


def test_a_function_that_is_not_compiled_can_be_compiled_by_its_caller() -> None:
    inner = trace(lambda x: x + 1.0, [tf.TensorSpec([2])])
    outer = trace(lambda x: inner(x) * 2.0, [tf.TensorSpec([2])], jit_compile=True)
    assert outer(tf.zeros([2])).numpy().tolist() == [2.0, 2.0]
