"""An account system that speaks every front end's API contract."""

__version__ = "0.1.0"
