"""What tests of a SavedModel share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trained import Exported


@pytest.fixture(scope="session")
def exported_folder(exported: Exported) -> Path:
    """The folder of an export that has succeeded."""
    assert exported.ended.code == 0, exported.ended.stderr
    return exported.folder
