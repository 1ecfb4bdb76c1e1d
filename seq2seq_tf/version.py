"""The version of the package: here and nowhere else (setup.cfg reads it)."""

__version__ = "0.1.0"
