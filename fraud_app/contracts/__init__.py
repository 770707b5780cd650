"""Messages and values that cross a boundary. This package must need nothing but pydantic and the
standard library.
"""
