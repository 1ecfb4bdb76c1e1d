"""The measurements of gpu_check.py. Each takes a device, so that it can also be tried on a CPU."""

from __future__ import annotations

import dataclasses
import glob
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from seq2seq_tf.data.batching import make_batch, pad_batch, pad_rows, plan_epoch, round_up
from seq2seq_tf.structures import EOS_ID, PAD_ID, Batch
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.trainer import Trainer
from seq2seq_tf.training.weights import load_weights

BATCH_SPEC = Batch(*(tf.TensorSpec([None, None], tf.int32),) * 3)
_DROPOUTS = ("word_dropout", "embedding_dropout", "layer_dropout", "encoder_dropout", "output_dropout")
_JIT_MULTIPLE = 16
_RATE = 1e-5  # any learning rate takes the same time


class Variant(NamedTuple):
    """A way of training."""

    precision: str
    cudnn: bool
    jit: bool = False
    tf32: bool = True  # float32 products on tensor cores with 10-bit mantissas, TensorFlow's default

    def __str__(self) -> str:
        extras = [name for name, on in (("cuDNN", self.cudnn), ("XLA", self.jit), ("no TF32", not self.tf32)) if on]
        return ", ".join([self.precision, *extras])


def varied(config: TranslationConfig, variant: Variant, *, dropout: bool) -> TranslationConfig:
    """Returns the configuration of a run for another way of training, with or without dropout."""
    off: dict[str, Any] = {} if dropout else dict.fromkeys(_DROPOUTS, 0.0)
    multiple = _JIT_MULTIPLE if variant.jit else config.train.length_multiple
    train = dataclasses.replace(
        config.train,
        precision=variant.precision,
        jit_compile=variant.jit,
        length_multiple=multiple,
        shards=1,
        accumulate=1,
    )
    return dataclasses.replace(config, model=dataclasses.replace(config.model, cudnn=variant.cudnn, **off), train=train)


def load(model_dir: str, device: str, variant: Variant, *, dropout: bool = False) -> Translator:
    """Returns a run loaded onto a device, for training and translating as in a variant."""
    run = RunDir(model_dir)
    config = varied(run.load_config(TranslationConfig), variant, dropout=dropout)
    source, target = SentencePieceTokenizer(run.source_model), SentencePieceTokenizer(run.target_model)
    tf.config.experimental.enable_tensor_float_32_execution(variant.tf32)
    with tf.device(device):
        model = Translation(
            config.model, source.vocab_size, target.vocab_size, precision=config.train.precision, smoothing=0.1
        )
        model.build()
        load_weights(run, model)
        return Translator(model, source, target, config, run)


class Found(NamedTuple):
    """Results of a device, for comparison with another."""

    tokens: dict[int, list[list[int]]]  # beam size -> piece ids of each translation
    scores: dict[int, np.ndarray]  # beam size -> log-probability of each translation
    loss: float
    gradient: np.ndarray  # of all weights, concatenated


def compute(translator: Translator, device: str, sources: Sequence[list[int]], batch: Batch) -> Found:
    """Returns greedy and beam translations, and the loss of one batch with its gradient."""
    tokens: dict[int, list[list[int]]] = {}
    scores: dict[int, np.ndarray] = {}
    with tf.device(device):
        for beam in (1, translator.config.search.beam_size):
            options = dataclasses.replace(
                translator.config.search, beam_size=beam, n_best=1, shortlist=0, split_sentences=False
            )
            found = translator.search_ids(pad_rows(sources, last=EOS_ID), options)
            lengths = found.lengths.numpy()[:, 0]
            tokens[beam] = [row[:n].tolist() for row, n in zip(found.tokens.numpy()[:, 0], lengths, strict=True)]
            scores[beam] = found.log_probs.numpy()[:, 0]
        loss, gradients = tf.function(_loss_and_gradients, autograph=False)(translator.model, batch)
    return Found(tokens, scores, float(loss), np.concatenate([g.numpy().ravel() for g in gradients]))


def _loss_and_gradients(model: Translation, batch: Batch) -> tuple[tf.Tensor, list[tf.Tensor]]:
    values = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss, _ = model.batch_loss(batch, (), dropout_seed=tf.constant([1, 2]))
    zero = tf.UnconnectedGradients.ZERO
    return loss.total, [tf.convert_to_tensor(g) for g in tape.gradient(loss.total, values, unconnected_gradients=zero)]


def compare(found: Found, expected: Found) -> dict[str, float]:
    """Returns shares of equal translations, largest differences of their scores, and relative errors of the rest."""
    numbers: dict[str, float] = {}
    for beam, rows in expected.tokens.items():
        same = np.array([a == b for a, b in zip(found.tokens[beam], rows, strict=True)])
        difference = np.abs(found.scores[beam] - expected.scores[beam])[same]
        numbers[f"beam {beam}: same"] = float(same.mean())
        numbers[f"beam {beam}: score"] = float(difference.max(initial=0.0))
    numbers["loss"] = abs(found.loss - expected.loss) / abs(expected.loss)
    off = found.gradient - expected.gradient
    numbers["gradient"] = float(np.linalg.norm(off) / np.linalg.norm(expected.gradient))
    return numbers


def batches_of(pairs: Sequence[tuple[list[int], list[int]]], config: TranslationConfig, count: int) -> list[Batch]:
    """Returns the first batches of an epoch over pairs of piece ids, padded as in training."""
    train = config.train
    lengths = [round_up(np.array([len(p[side]) + 1 for p in pairs]), train.length_multiple) for side in (0, 1)]
    plan = plan_epoch(*lengths, batch_tokens=train.batch_tokens, pool_pairs=train.pool_pairs, seed=train.seed, epoch=0)
    made = (make_batch(*zip(*(pairs[n] for n in chosen), strict=True)) for chosen in plan.batches[:count])
    full_at = train.batch_tokens if train.jit_compile else 0
    return [pad_batch(batch, multiple=train.length_multiple, full_at=full_at) for batch in made]


def time_training(translator: Translator, device: str, batches: Sequence[Batch]) -> dict[str, float]:
    """Trains on the batches twice and times the second pass; the first traces, compiles and warms up."""
    seconds = []
    with tf.device(device):
        trainer = Trainer(translator.model, translator.config.train, BATCH_SPEC)
        for epoch in range(2):
            begin = time.perf_counter()
            for n, batch in enumerate(batches):
                trainer.update([batch], (), epoch * len(batches) + n, _RATE)  # waits for its result
            seconds.append(time.perf_counter() - begin)
    target = sum(int((batch.target_out != PAD_ID).sum()) for batch in batches)
    shapes = len({tuple(array.shape for array in batch) for batch in batches})
    return {"tokens/s": target / seconds[1], "first pass s": seconds[0], "shapes": shapes}


def time_search(translator: Translator, texts: Sequence[str], beam: int, batch_tokens: int) -> dict[str, float]:
    """Times the translation of all texts, after one pass that traces and warms up."""
    search = translator.search_options(beam_size=beam, n_best=1, split_sentences=False, batch_tokens=batch_tokens)
    seconds = 0.0
    for _ in range(2):
        begin = time.perf_counter()
        translator.translate_all(texts, search)
        seconds = time.perf_counter() - begin
    return {"beam": beam, "batch tokens": batch_tokens, "sentences/s": len(texts) / seconds}


def ops_by_device(call: Callable[[], Any]) -> Counter[tuple[str, str]]:
    """Returns (device type, op) -> number of such ops in the graphs of a call, after placement."""
    eager = context.context()
    eager.enable_graph_collection()
    try:
        call()
        graphs = eager.export_run_metadata().function_graphs
    finally:
        eager.disable_graph_collection()
    nodes = (node for graph in graphs for part in graph.partition_graphs for node in part.node)
    return Counter((tf.DeviceSpec.from_string(node.device).device_type or "", node.op) for node in nodes)


class Traffic(NamedTuple):
    """Counts of the profiler for the GPUs during a call."""

    kernels: int
    kernel_ms: float
    to_host: int  # copies from a GPU to the host
    to_device: int


def traffic(call: Callable[[], Any], folder: str) -> Traffic:
    """Profiles a call, writing to an empty folder; all counts are zero if nothing ran on a GPU."""
    tf.profiler.experimental.start(folder)
    try:
        call()
    finally:
        tf.profiler.experimental.stop()
    kernels = to_host = to_device = 0
    picoseconds = 0
    for name, length in _gpu_events(folder):
        if "memcpy" in name.lower():
            to_host += "d2h" in name.lower()
            to_device += "h2d" in name.lower()
        elif "memset" not in name.lower():
            kernels += 1
            picoseconds += length
    return Traffic(kernels, picoseconds / 1e9, to_host, to_device)


def _gpu_events(folder: str) -> Iterator[tuple[str, int]]:
    """Yields name and duration in picoseconds of every event in the streams of the GPUs."""
    for path in glob.glob(os.path.join(folder, "**", "*.xplane.pb"), recursive=True):
        space = xplane_pb2.XSpace()
        with open(path, "rb") as file:
            space.ParseFromString(file.read())
        for plane in space.planes:
            if plane.name.startswith("/device:GPU"):
                for line in plane.lines:
                    if line.name.startswith("Stream"):  # other lines repeat the events of the streams
                        yield from ((plane.event_metadata[e.metadata_id].name, e.duration_ps) for e in line.events)
