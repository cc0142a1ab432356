"""A running server, shared by a test session, and devices and relying parties on it."""

import numpy as np
import pytest
from tests.server.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with World.started(tmp_path_factory.mktemp("server")) as world:
        yield world


@pytest.fixture
def rng():
    return np.random.default_rng(11)
