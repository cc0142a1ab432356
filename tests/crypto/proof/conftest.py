"""The proofs that most tests look at. They need Python 3.11, as what they test does."""

import sys

import pytest

if sys.version_info < (3, 11):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def case():
    """A committed code with its proofs."""
    from tests.crypto.proof.cases import made_case

    return made_case()
