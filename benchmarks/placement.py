"""Where the ops of a traced loop would run on a GPU, read from TensorFlow's kernel registry: no GPU is needed.

TensorFlow keeps int32 tensors of loops, calls and most arithmetic in host memory, even if an op runs "on the GPU": they
are assumed to be sizes. So this module looks for three things in the body of a loop: ops without a GPU kernel, tensors
of data (not of sizes) that the host computes, and copies between the two memories.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.framework import kernels
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

_CALLS = {  # op -> attributes that name the functions it calls
    "While": ("cond", "body"),
    "StatelessWhile": ("cond", "body"),
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "PartitionedCall": ("f",),
    "StatefulPartitionedCall": ("f",),
}
_LOOPS = ("While", "StatelessWhile")
_BOUNDARY = ("Placeholder", "NoOp")
_ALWAYS_ON_HOST = (tf.int32, tf.resource, tf.string)  # where a tensor enters or leaves a function

Library = dict[str, Any]  # name -> FunctionDef


class Work(NamedTuple):
    """An op, or the op whose output is copied."""

    function: str  # "body", "body/then_branch", ...
    op: str  # type of the op
    name: str
    dtype: str
    shape: str  # as far as known when tracing
    data: bool  # True if an output has an unknown size, which depends on the batch, the beam or the lengths


class Placement(NamedTuple):
    """Where the ops of one iteration of a loop would run, and which tensors would be copied."""

    on_device: list[Work]  # ops whose kernel works in GPU memory
    without_kernel: list[Work]  # ops that would run on the CPU, with inputs and outputs copied
    on_host: list[Work]  # ops whose GPU kernel computes in host memory by design
    to_host: list[Work]  # copied tensors; the host waits for each
    to_device: list[Work]  # copied tensors; nothing waits for them


def loops(function: Any) -> list[Placement]:
    """Returns the placement of every loop that a concrete function runs, in the order of the graph."""
    library = {f.signature.name: f for f in function.graph.as_graph_def().library.function}
    found = []
    for graph, _ in _with_called(library, function.graph, "", into_loops=False):
        for operation in graph.get_operations():
            if operation.type in _LOOPS:
                placement = Placement([], [], [], [], [])
                for part in _CALLS[operation.type]:
                    called = _function(library, graph, operation, part)
                    for inner, path in _with_called(library, called, part, into_loops=True):
                        _compute(placement, inner, path)
                        _copies(placement, inner, path)
                found.append(placement)
    return found


def _with_called(library: Library, graph: Any, path: str, *, into_loops: bool) -> Iterator[tuple[Any, str]]:
    """Yields a graph and the graphs of the functions it calls, each with its path."""
    yield graph, path
    for operation in graph.get_operations():
        for part in _CALLS.get(operation.type, ()):
            if into_loops or operation.type not in _LOOPS:
                called = _function(library, graph, operation, part)
                yield from _with_called(library, called, f"{path}/{part}", into_loops=into_loops)


def _function(library: Library, graph: Any, operation: Any, part: str) -> Any:
    """Returns the graph of a function that an op calls, with the shapes of its arguments set."""
    given = operation.outputs if operation.type in _LOOPS else operation.inputs
    shapes = [t.shape for t in given][1 if operation.type.endswith("If") else 0 :]
    with graph.as_default():
        return function_def_to_graph(library[operation.get_attr(part).name], input_shapes=shapes)


def _compute(placement: Placement, graph: Any, path: str) -> None:
    """Adds the ops of one function."""
    for operation in graph.get_operations():
        if operation.type in _BOUNDARY or operation.type in _CALLS:
            continue
        host = _host_arguments(operation)
        kind = placement.on_device
        if host is None:
            kind = placement.without_kernel
        elif operation.outputs and all(name in host for name in _names(operation, "output")):
            kind = placement.on_host
        kind.append(_work(path, operation, operation.outputs))


def _copies(placement: Placement, graph: Any, path: str) -> None:
    """Adds the tensors of one function that are copied between the memories, each once per direction."""
    results = {id(t) for t in graph.outputs}
    for operation in graph.get_operations():
        for n, tensor in enumerate(operation.outputs):
            produced = _on_host(operation, "output", n)
            consumers = [(c, i) for c in tensor.consumers() for i, x in enumerate(c.inputs) if x is tensor]
            wanted = {_on_host(c, "input", i) for c, i in consumers}
            if id(tensor) in results:
                wanted.add(tensor.dtype in _ALWAYS_ON_HOST)
            if not produced and True in wanted:
                placement.to_host.append(_work(path, operation, [tensor]))
            if produced and False in wanted:
                placement.to_device.append(_work(path, operation, [tensor]))


def _on_host(operation: Any, side: str, index: int) -> bool:
    """Returns whether an input or output of an op is in host memory."""
    tensor = (operation.inputs if side == "input" else operation.outputs)[index]
    if operation.type in _BOUNDARY:
        return tensor.dtype in _ALWAYS_ON_HOST
    host = _host_arguments(operation)
    if host is None:
        return True
    name = _names(operation, side)[index]
    if operation.type in _CALLS:
        return name in host or tensor.dtype in _ALWAYS_ON_HOST
    return name in host


def _names(operation: Any, side: str) -> list[str]:
    """Returns the name of the argument to which each input (or output) belongs; an argument may be a list."""
    names = []
    for argument in operation.op_def.input_arg if side == "input" else operation.op_def.output_arg:
        count = 1
        if argument.number_attr:
            count = operation.get_attr(argument.number_attr)
        elif argument.type_list_attr:
            count = len(operation.get_attr(argument.type_list_attr))
        names += [argument.name] * count
    return names


def _host_arguments(operation: Any) -> set[str] | None:
    """Returns the arguments that the GPU kernel keeps in host memory; None if there is no GPU kernel."""
    fitting = []
    for kernel in kernels.get_registered_kernels_for_op(operation.type).kernel:
        if kernel.device_type in ("GPU", "DEFAULT") and not kernel.label and _fits(kernel, operation):
            fitting.append(kernel)
    fitting.sort(key=lambda kernel: (kernel.priority, kernel.device_type == "GPU"))
    return set(fitting[-1].host_memory_arg) if fitting else None


def _fits(kernel: Any, operation: Any) -> bool:
    """Returns whether a kernel supports the types of an op."""
    for constraint in kernel.constraint:
        value = operation.get_attr(constraint.name)
        types = [tf.as_dtype(t).as_datatype_enum for t in (value if isinstance(value, list) else [value])]
        if not set(types) <= set(constraint.allowed_values.list.type):
            return False
    return True


def _work(path: str, operation: Any, tensors: Any) -> Work:
    first = tensors[0] if len(tensors) else None
    data = operation.type != "Shape" and any(not t.shape.is_fully_defined() for t in tensors)
    dtype, shape = (first.dtype.name, str(first.shape)) if first is not None else ("", "")
    return Work(path, operation.type, operation.name, dtype, shape, data)
