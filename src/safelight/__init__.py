"""Safelight: ask for N images of a character, get exactly N different ones."""

__version__ = "0.1.0"
__all__ = ["__version__"]
