"""The HTTP server from outside: whether it keeps to its description, and how it stands attacks."""
