"""What the unit tests share: real videos beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real videos and other test data that lie beside a checkout of ours."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real test videos (../shared/data) are not on this machine")
    return folder
