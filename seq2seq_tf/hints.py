"""Suggestions for an unknown name: by meaning, by shared words, by spelling."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# Names in other toolkits and everyday words -> our options, without their section, the likeliest first.
_MEANINGS: dict[str, tuple[str, ...]] = {
    "accum": ("accumulate",),
    "accum_steps": ("accumulate",),
    "alpha": ("length_penalty", "learning_rate"),
    "amp": ("precision",),
    "attention_size": ("attention_units",),
    "averaging": ("average_best",),
    "batch": ("batch_tokens", "batch_size"),
    "beam": ("beam_size",),
    "beam_width": ("beam_size",),
    "beams": ("beam_size",),
    "bidirectional_encoder": ("bidirectional",),
    "bpe": ("piece_model", "vocab_size"),
    "bptt": ("bptt_steps",),
    "cell_type": ("cell",),
    "checkpoint_dir": ("model_dir",),
    "checkpoint_interval": ("checkpoint_every",),
    "checkpoint_path": ("model_dir",),
    "clip": ("clip_norm",),
    "cuda": ("cudnn",),
    "d_ff": ("feed_forward_units",),
    "d_model": ("encoder_units", "decoder_units"),
    "decay": ("weight_decay",),
    "depth": ("encoder_layers", "layers", "decoder_layers"),
    "dim": ("embedding_units", "encoder_units", "units"),
    "dropout": ("output_dropout", "encoder_dropout", "embedding_dropout"),
    "early_stopping": ("patience",),
    "emb": ("embedding_units",),
    "embedding": ("embedding_units",),
    "embed": ("embedding_units",),
    "epoch": ("max_epochs",),
    "eta": ("learning_rate",),
    "eval_every": ("validate_every",),
    "eval_interval": ("validate_every",),
    "eval_steps": ("validate_every",),
    "ffn": ("feed_forward_units",),
    "fp16": ("precision",),
    "bf16": ("precision",),
    "grad_accum": ("accumulate",),
    "grad_clip": ("clip_norm",),
    "gradient_accumulation": ("accumulate",),
    "gradient_accumulation_steps": ("accumulate",),
    "gradient_clipping": ("clip_norm",),
    "head": ("transformer_heads", "attention_heads"),
    "hidden": ("encoder_units", "units", "decoder_units"),
    "input": ("source", "text", "input", "train_source"),
    "iteration": ("max_epochs",),
    "layer": ("encoder_layers", "layers", "decoder_layers"),
    "learning_rate_schedule": ("schedule",),
    "log_interval": ("log_every",),
    "log_steps": ("log_every",),
    "logging_steps": ("log_every",),
    "lr": ("learning_rate",),
    "lr_scheduler": ("schedule",),
    "max_grad_norm": ("clip_norm",),
    "max_len": ("max_pieces", "max_tokens", "max_words", "length", "max_extra"),
    "max_length": ("max_pieces", "max_tokens", "max_words", "length", "max_extra"),
    "max_seq_len": ("max_pieces", "max_tokens", "bptt_steps"),
    "max_new_tokens": ("length", "max_extra", "max_words"),
    "max_step": ("max_epochs",),
    "max_token": ("batch_tokens",),
    "minibatch": ("batch_tokens", "batch_size"),
    "mixed_precision": ("precision",),
    "model": ("model_dir",),
    "model_path": ("model_dir",),
    "n_layer": ("encoder_layers", "layers", "decoder_layers"),
    "nbest": ("n_best",),
    "nucleus": ("top_p",),
    "num_beams": ("beam_size",),
    "num_step": ("max_epochs",),
    "optim": ("optimizer",),
    "optimiser": ("optimizer",),
    "out_dir": ("model_dir", "out"),
    "output": ("out", "output", "json", "model_dir"),
    "output_dir": ("model_dir", "out"),
    "random_seed": ("seed",),
    "reference": ("reference", "target"),
    "ref": ("reference",),
    "positional_encoding": ("positions",),
    "rnn_size": ("encoder_units", "units", "decoder_units"),
    "rnn_type": ("cell",),
    "run": ("model_dir",),
    "run_dir": ("model_dir",),
    "save_dir": ("model_dir",),
    "save_every": ("checkpoint_every",),
    "save_interval": ("checkpoint_every",),
    "save_steps": ("checkpoint_every",),
    "scheduler": ("schedule",),
    "seq_len": ("max_pieces", "max_tokens", "bptt_steps"),
    "sequence_length": ("max_pieces", "max_tokens", "bptt_steps"),
    "share_embeddings": ("tie",),
    "size": ("encoder_units", "units", "vocab_size"),
    "smoothing": ("label_smoothing",),
    "src": ("source", "train_source"),
    "step": ("max_epochs",),
    "steps_per_epoch": ("max_epochs",),
    "temp": ("temperature",),
    "threads": ("shards",),
    "tgt": ("reference", "target", "train_target"),
    "tie_embeddings": ("tie",),
    "tie_weights": ("tie",),
    "tied": ("tie",),
    "train_data": ("train_source", "train"),
    "train_step": ("max_epochs",),
    "tokeniser": ("tokenizer",),
    "trg": ("reference", "target", "train_target"),
    "unit": ("encoder_units", "units", "decoder_units"),
    "vocab": ("vocab_size",),
    "vocabulary": ("vocab_size",),
    "val_every": ("validate_every",),
    "valid_every": ("validate_every",),
    "warmup": ("warmup_updates",),
    "warmup_steps": ("warmup_updates",),
    "wd": ("weight_decay",),
    "workers": ("shards",),
}
_EMPTY = frozenset(("max", "min", "num", "n", "size", "number", "of", "the", "number_of", "total", "every"))
_ALIKE = 0.8  # difflib's ratio from which one word counts as a misspelling of another
_SHOWN = 3
_MAX_LENGTH = 100  # characters; no option is that long, and comparing takes long


def similar(name: str, known: Iterable[str]) -> list[str]:
    """Returns the known names that the user may have meant, the likeliest first; empty if none is close.

    Args:
      name: a flag, a key (`train.epochs`) or a word.
      known: names that exist.
    """
    known = list(known)
    if len(name) > _MAX_LENGTH:
        return []
    misspelt = difflib.get_close_matches(name, known, n=2, cutoff=0.87)
    found = misspelt or _by_meaning(name, known) or _by_words(name, known) or _by_letters(name, known)
    return found[:_SHOWN]


def _by_meaning(name: str, known: Sequence[str]) -> list[str]:
    tail = "_".join(_words(_tail(name)))
    bare = "_".join(word for word in _words(_tail(name)) if word not in _EMPTY)
    meanings = {"_".join(_words(word)): options for word, options in _MEANINGS.items()}
    options = meanings.get(tail) or meanings.get(bare) or ()
    ranked = [
        (options.index(_tail(k)), not _same_section(name, k), n, k) for n, k in enumerate(known) if _tail(k) in options
    ]
    return [k for *_, k in sorted(ranked)]


def _by_words(name: str, known: Sequence[str]) -> list[str]:
    """Returns the names that share words with `name`, those that share most first."""
    wanted = _words(_tail(name))
    ranked = []
    for k in known:
        words = _words(_tail(k))
        common = [w for w in wanted if w not in _EMPTY and difflib.get_close_matches(w, words, n=1, cutoff=_ALIKE)]
        share = len(common) / (len(wanted) + len(words) - len(common))
        if share >= 0.3:
            ranked.append((-share, not _same_section(name, k), known.index(k), k))
    return [k for *_, k in sorted(ranked)]


def _by_letters(name: str, known: Sequence[str]) -> list[str]:
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    tail = _tail(name)  # "batch_tokens" finds "data.batch_tokens"
    return close or [k for k in known if difflib.SequenceMatcher(None, tail, _tail(k)).ratio() > 0.7][:2]


def _tail(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _same_section(name: str, other: str) -> bool:
    return name.rpartition(".")[0] == other.rpartition(".")[0]


def _words(name: str) -> list[str]:
    """Returns the words of a name in lower case and singular: maxEpochs, max-epochs and max_epoch are the same."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[^\W_]+", name)
    lower = [part.lower() for part in parts]
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in lower]
