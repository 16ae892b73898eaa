"""Fixtures that several test files share."""

import pytest

from helpers import load_bert


@pytest.fixture(scope="session")
def bert():
    """The bundled model, loaded once for a worker. Do not change it in a test."""
    return load_bert("bundled")
