"""The version of the package, defined only here (setup.cfg reads it)."""

__version__ = "0.1.0"
