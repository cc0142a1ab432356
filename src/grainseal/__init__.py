"""Authenticate people by the camera they hold, on encrypted camera fingerprints."""

__version__ = "0.1.0"
