"""Real-time payment fraud detection: a Faust stream-table application."""

__version__ = "0.1.0"
