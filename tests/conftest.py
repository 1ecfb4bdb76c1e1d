"""Quiet TensorFlow, and random numbers that a failing run can repeat: SEED=123 pytest ..."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported anywhere

import numpy as np
import pytest

SEED = int(os.environ.get("SEED", "17"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random arrays; no test pastes numbers that depend on the seed."""
    return np.random.default_rng(SEED)


@pytest.fixture
def seed() -> int:
    """Seeds the initial weights of layers. Not automatic: importing Keras takes seconds that other tests save."""
    import keras

    keras.utils.set_random_seed(SEED)
    return SEED
