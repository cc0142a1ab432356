"""gRPC: messages in, one ceremony each, messages out. Nothing is decided here."""
