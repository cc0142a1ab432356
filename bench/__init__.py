"""Benchmarks: `python -m bench [SECTION...]` prints tables of speed and accuracy, seeds fixed."""
