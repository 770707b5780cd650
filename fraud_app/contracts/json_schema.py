"""Descriptions in generated schemas: docstrings are wrapped for who reads the code, not for who reads the schema."""

from __future__ import annotations

import re
from typing import Any


def unwrapped(text: str) -> str:
    """A docstring with each paragraph in one line.

    >>> unwrapped("One thought,\\ncontinued.\\n\\nAnother.")
    'One thought, continued.\\n\\nAnother.'
    """
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def with_unwrapped_descriptions(schema: Any) -> Any:
    """The schema with every description's paragraphs in one line each."""
    if isinstance(schema, dict):
        return {
            name: unwrapped(value)
            if name == "description" and isinstance(value, str)
            else with_unwrapped_descriptions(value)
            for name, value in schema.items()
        }
    if isinstance(schema, list):
        return [with_unwrapped_descriptions(value) for value in schema]
    return schema
