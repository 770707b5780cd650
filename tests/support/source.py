"""The product's own source, for tests of its structure."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("fraud_app", "agents", "tables", "web", "ml")
"""What goes into the wheel."""
DEVELOPERS = ("devtools", "scripts")


@cache
def modules(*folders: str) -> dict[str, ast.Module]:
    """The parsed modules of these folders, by path from the repository's root."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
