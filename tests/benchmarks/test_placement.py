"""TensorFlow's kernel registry shows, without a GPU, where the ops of a loop would run on one."""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from benchmarks.placement import Placement, loops
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.translator import Translator
from tests import oracles

VOCAB = 1201  # enough for the search to find the best pieces in blocks

pytestmark = pytest.mark.skipif(not tf.test.is_built_with_cuda(), reason="this TensorFlow has no kernels for GPUs")


def loop_over(body: Any, x: tf.TensorSpec) -> Placement:
    """Returns the placement of a loop of three iterations."""
    turns = tf.constant(3)

    def run(x: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda t, x: t < turns, lambda t, x: (t + 1, body(t, x)), (tf.constant(0), x))[1]

    (found,) = loops(tf.function(run, input_signature=[x]).get_concrete_function())
    return found


def test_float_work_stays_on_the_gpu_and_the_counter_on_the_host() -> None:
    found = loop_over(lambda t, x: tf.tanh(x * 2.0), tf.TensorSpec([None, 5]))
    assert {"Tanh", "Mul"} <= {work.op for work in found.on_device}
    assert {"AddV2", "Less"} <= {work.op for work in found.on_host}
    assert not found.without_kernel
    assert not found.to_host
    assert not any(work.data for work in (*found.on_host, *found.to_device))


@pytest.mark.parametrize(("dtype", "by_the_host"), [(tf.int32, True), (tf.int64, False)])
def test_int32_data_is_worked_on_by_the_host(dtype: tf.DType, by_the_host: bool) -> None:
    found = loop_over(lambda t, x: x * 2 + tf.cast(t, dtype), tf.TensorSpec([None, 5], dtype))
    assert any(work.data for work in found.on_host) == by_the_host
    assert not any(work.data for work in found.to_host)


def test_data_that_changes_memory_is_found_in_a_branch_too() -> None:
    def body(t: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return tf.cond(t > 1, lambda: tf.cast(tf.cast(x, tf.int32) * 2, tf.float32), lambda: x)

    found = loop_over(body, tf.TensorSpec([None]))
    assert ("Cast", True) in {(work.op, work.data) for work in found.to_host if "then_branch" in work.function}
    assert any(work.op == "Mul" and work.data for work in found.to_device)


def test_an_op_for_the_cpu_alone_is_found() -> None:
    found = loop_over(lambda t, x: tf.strings.to_number(tf.strings.as_string(x)), tf.TensorSpec([None]))
    assert {work.op for work in found.without_kernel} == {"AsString", "StringToNumber"}


@pytest.fixture(scope="module")
def searches() -> dict[str, Placement]:
    model = Translation(oracles.small_config(), VOCAB, VOCAB, precision="bfloat16")
    model.build()
    translator = Translator(model, None, None, TranslationConfig(model=oracles.small_config()))  # type: ignore[arg-type]
    return {name: loops(translator.searches[name, False].get_concrete_function())[-1] for name in ("greedy", "beam")}


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_every_op_of_a_step_has_a_gpu_kernel_for_its_types(search: str, searches: dict[str, Placement]) -> None:
    found = searches[search]
    assert len(found.on_device) > 50
    assert not found.without_kernel


@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_a_step_works_on_no_data_by_the_host_and_copies_none(search: str, searches: dict[str, Placement]) -> None:
    """Only sizes are left to the host; scalars are copied, for example whether a sentence has ended."""
    found = searches[search]
    for works in (found.on_host, found.to_host, found.to_device):
        assert [work for work in works if work.data] == []
