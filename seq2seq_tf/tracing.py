"""The only place where functions become graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def trace(function: Callable[..., Any], signature: Sequence[Any], *, jit_compile: bool | None = None) -> Any:
    """Returns `tf.function(function)`, traced once, at its first call, for all shapes that the signature allows.

    AutoGraph is off: loops and conditions on tensors are written as `tf.while_loop` and `tf.cond`, so it would find
    nothing to rewrite, and its search would take three quarters of the time to the first translation.

    Args:
      function: takes nests of tensors that match the signature.
      signature: a nest of TensorSpecs per argument.
      jit_compile: whether to compile with XLA; None rather than False, which would stop callers from compiling.
    """
    return tf.function(function, input_signature=list(signature), jit_compile=jit_compile, autograph=False)
