"""The search for translations as a function of tensors: what `Translator` and the SavedModels trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.output import SearchWeights
from seq2seq_tf.search.decode import decode
from seq2seq_tf.search.limits import LengthRule, source_limits
from seq2seq_tf.search.options import SearchOptions, by_name
from seq2seq_tf.structures import Hypotheses
from seq2seq_tf.tasks.translation.model import Translation


class TranslationOptions(NamedTuple):
    """The options of `TranslationSearchConfig` that are inputs of a graph."""

    search: SearchOptions
    lengths: LengthRule

    @classmethod
    def by_name(cls, values: Mapping[str, Any]) -> TranslationOptions:
        """Returns the options from their values by name."""
        return cls(by_name(SearchOptions, values), by_name(LengthRule, values))


def search_ids(
    model: Translation,
    source: tf.Tensor,
    options: TranslationOptions,
    *,
    weights: SearchWeights | None = None,
    candidates: tf.Tensor | None = None,
    method: str | None = None,
) -> Hypotheses:
    """Returns the translations of source [B, S] int32, whose rows end with EOS, then PAD.

    Args:
      model: of the run.
      source: piece ids.
      options: of the search.
      weights: precomputed `model.search_weights()`; computed at each call if None.
      candidates: [v] int32, the only pieces that may be chosen; see `nn.output.make_step_fn`.
      method: see `decode`.
    """
    memory, state = model.encode(source)
    step = model.step_fn(weights, candidates)
    found = decode(step, state, memory, source_limits(source, options.lengths), options.search, method=method)
    return found if candidates is None else found._replace(tokens=tf.gather(candidates, found.tokens))
