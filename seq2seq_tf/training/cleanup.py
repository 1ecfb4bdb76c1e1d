"""Frees space in the folder of a finished run, as `train.keep` specifies."""

from __future__ import annotations

import contextlib
import os
import shutil

from seq2seq_tf.training.run_dir import RunDir


def free(run: RunDir, keep: str) -> str:
    """Removes what a finished run no longer needs, and reports it; may be called repeatedly.

    Weights, configuration, tokenizers, lexicon and logs always stay: everything that translating, evaluating,
    inspecting and exporting read.

    Args:
      run: a finished run.
      keep: `all`; `resume` (what continuing the training needs: the newest checkpoint, the best weights and the
        prepared data); or `final` (none of these).

    Returns:
      one line, or "" if there was nothing to remove.

    Raises:
      InputError: another program is writing to the run folder.
    """
    folders = [folder for folder in (run.data, run.checkpoints, run.best) if os.path.isdir(folder)]
    if keep == "all" or (keep == "final" and not folders) or (keep == "resume" and len(run.checkpoint_updates()) < 2):
        return ""
    with run.lock:
        before = _size(run.path)
        if keep == "resume":
            run.rotate(1)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.remove(run.prepared)  # first: partly deleted data must not be taken for complete data
            for folder in folders:
                shutil.rmtree(folder)
        freed = before - _size(run.path)
    what = "older checkpoints" if keep == "resume" else "prepared data, checkpoints and best weights"
    return f"freed {freed / 1e6:,.1f} MB: {what} (train.keep={keep})"


def _size(path: str) -> int:
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)
