"""Matrix products at the chosen precision; everything outside the product stays float32."""

from __future__ import annotations

import tensorflow as tf

# "auto" is resolved before a model is created. float16 needs a scaled loss, see training/loss_scale.py.
DTYPES = {"float32": tf.float32, "bfloat16": tf.bfloat16, "float16": tf.float16}


def cast(kernel: tf.Tensor, dtype: str) -> tf.Tensor:
    """Returns a weight in the type of the product. Call this once before a loop, not in it."""
    return tf.cast(tf.convert_to_tensor(kernel), DTYPES[dtype])


def dtype_policy(precision: str) -> str:
    """Returns the name of the Keras dtype policy for layers whose products have this precision."""
    return precision if precision == "float32" else f"mixed_{precision}"


def product(x: tf.Tensor, kernel: tf.Tensor, *, transpose_kernel: bool = False) -> tf.Tensor:
    """Returns x @ kernel as float32, computed in the kernel's type.

    Args:
      x: [..., I] float32.
      kernel: [I, O], or [O, I] with transpose_kernel; from `cast`.

    Returns:
      [..., O] float32; with a 16-bit kernel the product accumulates in float32 and is rounded once.
    """
    if x.shape.rank == 2:  # a step of a search: each small op counts
        return tf.cast(tf.matmul(tf.cast(x, kernel.dtype), kernel, transpose_b=transpose_kernel), tf.float32)
    out_units = kernel.shape[0] if transpose_kernel else kernel.shape[1]
    rows = tf.reshape(tf.cast(x, kernel.dtype), [-1, x.shape[-1]])  # [N, I]: one large product, not many small ones
    out = tf.cast(tf.matmul(rows, kernel, transpose_b=transpose_kernel), tf.float32)  # [N, O]
    return tf.reshape(out, tf.concat([tf.shape(x)[:-1], [out_units]], 0))  # [..., O]
