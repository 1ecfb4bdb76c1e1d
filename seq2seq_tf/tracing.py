"""Functions become graphs here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def trace(function: Callable[..., Any], signature: Sequence[Any], *, jit_compile: bool | None = None) -> Any:
    """Returns `tf.function(function)`, traced at its first call, once for every shape that the signature allows.

    Without AutoGraph: loops and conditions on tensors are written as `tf.while_loop` and `tf.cond`, so there is no
    Python to rewrite, and looking for it takes three quarters of the time to the first translation.

    Args:
      function: takes nests of tensors as the signature says.
      signature: a nest of TensorSpecs per argument.
      jit_compile: compile with XLA. None, not False, which would keep others from compiling what calls the result.
    """
    return tf.function(function, input_signature=list(signature), jit_compile=jit_compile, autograph=False)
