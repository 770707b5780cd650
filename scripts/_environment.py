"""Lets a Python script of this folder be started by itself: with the project's packages, made ready
first when they are missing.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".fraud" / "venv" / "bin" / "python"


def enter() -> None:
    """Go on here when the packages are installed, else start again with the environment of
    `scripts/setup.sh`.
    """
    sys.path.insert(0, str(ROOT))
    if importlib.util.find_spec("lightgbm") is None and Path(sys.executable) != PYTHON:
        subprocess.run(["bash", str(ROOT / "scripts" / "setup.sh")], check=True)
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - ourselves, with another interpreter
