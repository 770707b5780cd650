"""Functions that numba compiles to machine code, and how Python calls them.

They read and write packed words (64 bits each) in place, so a user's profile is never unpacked into
Python objects. Python calls them by address through `ctypes`: a call with four packed arguments
costs half a microsecond, a call through numba's own dispatcher ten times that. The machine code is
compiled at the first start, cached beside the byte code, and compiled again when any source file of
`ml.profile` or `ml.features` changes: numba itself checks one file only. Compiled code must never
run on bytes that `layout.is_valid` has not accepted.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, overload

import numba
import numpy as np

WORD = 8
"""Bytes of a word."""
LOW = 0xFFFFFFFF
"""Mask of the lower 32 bits of a word."""


def _cache_directory() -> Path | None:
    """The directory for compiled code; its name depends on the sources. None when no directory can
    be written.

    Cached code is executed, so, as with byte code, only a user who may change this code may write
    there.
    """
    profile = Path(__file__).parent
    packages = (profile, profile.parent / "features")
    sources = hashlib.sha256(
        b"".join(
            path.read_bytes() for package in packages for path in sorted(package.rglob("*.py"))
        )
    )
    for root in (profile / "__pycache__", Path.home() / ".cache" / "fraud-app"):
        with suppress(OSError):
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK):
                return root / f"compiled-{sources.hexdigest()[:16]}"
    return None


_CACHE = _cache_directory()
if _CACHE:
    numba.config.CACHE_DIR = str(_CACHE)


class Floats(Protocol):
    """An array of floats, as compiled functions see it."""

    def __getitem__(self, index: int, /) -> float: ...
    def __setitem__(self, index: int, value: float, /) -> None: ...
    def __len__(self) -> int: ...


class Words(Protocol):
    """An array of 64-bit integers. A slice is a view, not a copy; `view(np.float64)` reads the same
    bits as floats.
    """

    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> Words: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...
    def __len__(self) -> int: ...
    def view(self, dtype: type[np.float64], /) -> Floats: ...


F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile a function that only other compiled functions call."""
    return cast(F, numba.njit(error_model="numpy")(function))


def uncompiled(function: F) -> F:
    """The Python source of a compiled function; it works on any sequence of words."""
    return cast(F, cast(Any, function).py_func)


array: Any = numba.carray
"""In a kernel: the array at an address, given the address and its length."""

# Kinds of kernel arguments: the type in compiled code, and the type that Python passes.
_POINTER = numba.types.CPointer
READ_WORDS = (_POINTER(numba.types.int64), ctypes.c_char_p)
"""Words to read, passed as `bytes`."""
INTEGER = (numba.types.int64, ctypes.c_int64)
WRITE_WORDS = (_POINTER(numba.types.int64), ctypes.c_void_p)
"""Words to write, passed as their address."""
WRITE_FLOATS = (_POINTER(numba.types.float32), ctypes.c_void_p)
"""Float32 values to write, passed as their address."""
_COMPILED: list[Any] = []
"""Holds every kernel: Python calls them by address, so none may be garbage collected."""


def kernel(*arguments: tuple[Any, Any]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Compile a function that Python calls with these kinds of arguments and that returns an int.

    The call holds the interpreter's lock.
    """

    def compile_kernel(function: Callable[..., int]) -> Callable[..., int]:
        signature = numba.types.int64(*(native for native, _ in arguments))
        compiled = numba.cfunc(signature, cache=_CACHE is not None, error_model="numpy")(function)
        _COMPILED.append(compiled)
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int64, *(passed for _, passed in arguments))
        return prototype(compiled.address)

    return compile_kernel


class Scratch(threading.local):
    """A buffer of words that kernels write to; each thread has its own."""

    def __init__(self, words: int) -> None:
        self._words = np.zeros(words, np.int64)
        self.address = self._words.ctypes.data

    def read(self, words: int) -> bytes:
        """A copy of the first words."""
        return self._words[:words].tobytes()
