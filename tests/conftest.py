"""Fixtures that several test files share."""

import browser
import pytest


@pytest.fixture(scope="session")
def bert():
    """The bundled model, loaded once for a worker. Do not change it in a test."""
    from helpers import load_bert  # here, because not every run needs torch

    return load_bert("bundled")


@pytest.fixture
def tab():
    """A page of the worker's browser, with nothing in its storage."""
    with browser.page() as tab:
        yield tab
