"""The machine a process runs on: what to set before TensorFlow is imported, and what rounding depends on.

TensorFlow's faster CPU kernels (oneDNN) are off by default on processors without AVX-512 VNNI or BF16 or AMX, although
they are up to 1.4 times as fast there too. The two sets of kernels round sums differently, so a run keeps the setting
that it was started with.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform

from seq2seq_tf.files import write_text

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # read once, when TensorFlow is imported
_RECORD = "machine.json"
_MEANING = {
    "onednn": ONEDNN,
    "processor": "the processor",
    "tensorflow": "TensorFlow",
}


def switch_on_onednn(setting: str = "1") -> None:
    """Sets TF_ENABLE_ONEDNN_OPTS unless the user has; call before TensorFlow is imported. "" leaves it unset."""
    if setting:
        os.environ.setdefault(ONEDNN, setting)


def onednn_of_run(model_dir: str) -> str:
    """Returns the oneDNN setting of a run: "1" for a new run, "" for a run of a version that did not set it."""
    recorded = _recorded(model_dir)
    if recorded:
        return recorded.get("onednn", "")
    return "" if os.path.exists(os.path.join(model_dir, "data", "prepared.json")) else "1"


def record(model_dir: str) -> str:
    """Writes RUN/machine.json when a run is started.

    Returns:
      a sentence about what has changed since the run was started; "" if nothing has.
    """
    here = {"onednn": os.environ.get(ONEDNN, ""), "processor": processor(), "tensorflow": installed("tensorflow")}
    began = _recorded(model_dir)
    if not began:
        write_text(os.path.join(model_dir, _RECORD), json.dumps(here, indent=1) + "\n")
        return ""
    changed = [
        f"{meaning} changed from {began[key] or 'unset'} to {here[key] or 'unset'}"
        for key, meaning in _MEANING.items()
        if began.get(key, here[key]) != here[key]
    ]
    if not changed:
        return ""
    return (
        f"since this run was started, {', '.join(changed)}: rounding differs, so results will not be exactly the same"
    )


def _recorded(model_dir: str) -> dict[str, str]:
    """Returns the record of a run; empty if there is none or it cannot be read."""
    try:
        with open(os.path.join(model_dir, _RECORD), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):  # an unreadable record must not stop a run; `record` replaces it
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def processor() -> str:
    """Returns the name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:  # not Linux
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def installed(package: str) -> str:
    """Returns the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a build under another name, or a checkout on the path
        return "unknown"
