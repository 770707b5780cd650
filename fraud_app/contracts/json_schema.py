"""Descriptions in generated schemas. Docstrings are wrapped for readers of the code; in a schema
each paragraph is one line. Words must never be changed here.
"""

from __future__ import annotations

import re
from typing import Any


def unwrapped(text: str) -> str:
    """The docstring with each paragraph in one line.

    >>> unwrapped("One thought,\\ncontinued.\\n\\nAnother.")
    'One thought, continued.\\n\\nAnother.'
    """
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def with_unwrapped_descriptions(schema: Any) -> Any:
    """A copy of the JSON schema in which each paragraph of a description is one line."""
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
