"""Fixtures shared by the tests of SavedModels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trained import Exported


@pytest.fixture(scope="session")
def exported_folder(exported: Exported) -> Path:
    """The folder of a successful export."""
    assert exported.ended.code == 0, exported.ended.stderr
    return exported.folder
