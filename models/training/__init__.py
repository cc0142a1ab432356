"""Training of the neural extractor: the only place that needs torch (`grainseal[train]`)."""
