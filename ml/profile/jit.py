"""Functions that numba turns into machine code, and how Python calls them.

They read and write packed words (64 bits each) in place, so that what a decision needs of a user's
memory is not unpacked into Python's objects first. Called by address through `ctypes`: a call with
four packed values costs half a microsecond, one through numba's own dispatch ten times that.
Compiled at the first start, kept beside the byte code, and compiled anew when any source of
`ml.profile` or `ml.features` changes: numba itself looks at one file only.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numba
import numpy as np

WORD = 8
"""Bytes of a word."""
LOW = 0xFFFFFFFF
"""The lower half of a word."""


def _kept_in() -> Path | None:
    """Where only who may change this code may write, as with byte code: what is kept is run. None
    when there is no such place.
    """
    here = Path(__file__).parent
    packages = (here, here.parent / "features")
    sources = hashlib.sha256(
        b"".join(
            path.read_bytes() for package in packages for path in sorted(package.rglob("*.py"))
        )
    )
    for root in (here / "__pycache__", Path.home() / ".cache" / "fraud-app"):
        with suppress(OSError):
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK):
                return root / f"compiled-{sources.hexdigest()[:16]}"
    return None


_KEPT = _kept_in()
if _KEPT:
    numba.config.CACHE_DIR = str(_KEPT)


class Floats(Protocol):
    """Numbers one behind the other, as compiled functions see them."""

    def __getitem__(self, place: int, /) -> float: ...
    def __setitem__(self, place: int, value: float, /) -> None: ...
    def __len__(self) -> int: ...


class Words(Protocol):
    """64-bit integers one behind the other. `view(np.float64)` are the same bits as numbers."""

    def __getitem__(self, place: int, /) -> int: ...
    def __setitem__(self, place: int, value: int, /) -> None: ...
    def __len__(self) -> int: ...
    def view(self, kind: type[np.float64], /) -> Floats: ...


F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """A function for other compiled ones."""
    return cast(F, numba.njit(error_model="numpy")(function))


def uncompiled(function: F) -> F:
    """A part as the Python that it is written in, over any sequence of words."""
    return cast(F, cast(Any, function).py_func)


array: Any = numba.carray
"""In a kernel: what is at an address, and how many."""

_POINTER = numba.types.CPointer
PACKED = (_POINTER(numba.types.int64), ctypes.c_char_p)
"""Words that are read, given as `bytes`."""
NUMBER = (numba.types.int64, ctypes.c_int64)
WRITTEN = (_POINTER(numba.types.int64), ctypes.c_void_p)
"""Words that are written, given by their address."""
FLOATS = (_POINTER(numba.types.float32), ctypes.c_void_p)
"""Float32 that are written, given by their address."""
_ALIVE: list[Any] = []
"""What is called by address is not to be collected."""


def kernel(*given: tuple[Any, Any]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """A compiled function that Python calls with what is given and that returns an int. It keeps
    the interpreter's lock.
    """

    def compiled(function: Callable[..., int]) -> Callable[..., int]:
        signature = numba.types.int64(*(native for native, _ in given))
        made = numba.cfunc(signature, cache=_KEPT is not None, error_model="numpy")(function)
        _ALIVE.append(made)
        return ctypes.PYFUNCTYPE(ctypes.c_int64, *(called for _, called in given))(made.address)

    return compiled


class Scratch(threading.local):
    """Words to write to, of each thread its own."""

    def __init__(self, words: int) -> None:
        self._words = np.zeros(words, np.int64)
        self.address = self._words.ctypes.data

    def read(self, words: int) -> bytes:
        """The first of them."""
        return self._words[:words].tobytes()
