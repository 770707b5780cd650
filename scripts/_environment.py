"""Lets a Python script of this folder be started directly: it runs with the project's packages,
which are installed first when they are missing.
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
    """Make the project's packages importable. When they are not installed, run `scripts/setup.sh`
    and start the script again with its interpreter.
    """
    sys.path.insert(0, str(ROOT))
    if importlib.util.find_spec("lightgbm") is None and Path(sys.executable) != PYTHON:
        subprocess.run(["bash", str(ROOT / "scripts" / "setup.sh")], check=True)
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - this script, with another interpreter
