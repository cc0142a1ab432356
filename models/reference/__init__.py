"""Extractors that others published, to compare ours with; their weights are never shipped."""
