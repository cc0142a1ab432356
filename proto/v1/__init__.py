"""Package grainseal.v1."""
