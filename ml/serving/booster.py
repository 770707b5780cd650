"""A LightGBM model, called through LightGBM's stable C API (`c_api.h`).

The Python package's `Booster.predict` spends more time on checking and converting its input than a
small batch takes to score (docs/performance.md). The C library checks nothing: no matrix may reach
it that `_check` has not accepted.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from lightgbm.basic import LightGBMError

from ml.features import Matrix

Doubles = npt.NDArray[np.float64]

_API: Any = lightgbm.basic._LIB  # type: ignore[attr-defined]
# Constants of `c_api.h`.
_FLOAT32, _ROW_MAJOR, _ALL_TREES = 0, 1, -1
_RAW_SCORE, _CONTRIBUTIONS = 1, 3
_PARAMETERS = b"num_threads=1"
_MAX_SINGLE_ROWS = 16
"""Up to this many rows are scored one by one: that is faster than as a matrix, because LightGBM
parses its parameters again for each matrix (15 µs with warm caches, 35 µs in a worker).
"""
_score_row = ctypes.PYFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 4)(
    ("LGBM_BoosterPredictForMatSingleRowFast", _API)
)


class Booster:
    """A loaded model, single-threaded.

    Raises `LightGBMError` for a text that LightGBM cannot read.
    """

    def __init__(self, text: str) -> None:
        self._handle = ctypes.c_void_p()
        trees, features = ctypes.c_int(), ctypes.c_int()
        _call(
            "LGBM_BoosterLoadModelFromString",
            text.encode(),
            ctypes.byref(trees),
            ctypes.byref(self._handle),
        )
        weakref.finalize(self, _API.LGBM_BoosterFree, self._handle)
        _call("LGBM_BoosterGetNumFeature", self._handle, ctypes.byref(features))
        self.features = features.value
        self._prepared = ctypes.c_void_p()
        _call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle,
            _RAW_SCORE,
            0,
            _ALL_TREES,
            _FLOAT32,
            self.features,
            _PARAMETERS,
            ctypes.byref(self._prepared),
        )
        weakref.finalize(self, _API.LGBM_FastConfigFree, self._prepared)

    def raw_scores(self, matrix: Matrix) -> Doubles:
        """Uncalibrated log-odds of each row. Raises `ValueError` unless the matrix is float32,
        C-ordered, (rows, features).
        """
        if len(matrix) > _MAX_SINGLE_ROWS:
            return self._predict(matrix, _RAW_SCORE, 1)[:, 0]
        self._check(matrix)
        out, written = np.empty(len(matrix), dtype=np.float64), ctypes.c_int64()
        count = ctypes.addressof(written)
        row_address, score_address = matrix.ctypes.data, out.ctypes.data
        for _ in range(len(matrix)):
            if _score_row(self._prepared, row_address, count, score_address):
                raise _error()
            row_address += matrix.strides[0]
            score_address += out.itemsize
        return out

    def contributions(self, matrix: Matrix) -> Doubles:
        """What each feature adds to the raw score, and the base value last: (rows, features + 1),
        log-odds. Exact TreeSHAP (Lundberg et al., 2020). Raises `ValueError` as `raw_scores` does.
        """
        return self._predict(matrix, _CONTRIBUTIONS, self.features + 1)

    def _predict(self, matrix: Matrix, kind: int, width: int) -> Doubles:
        self._check(matrix)
        out = np.empty((len(matrix), width), dtype=np.float64)
        written = ctypes.c_int64()
        if len(matrix):
            _call(
                "LGBM_BoosterPredictForMat",
                self._handle,
                ctypes.c_void_p(matrix.ctypes.data),
                _FLOAT32,
                len(matrix),
                self.features,
                _ROW_MAJOR,
                kind,
                0,
                _ALL_TREES,
                _PARAMETERS,
                ctypes.byref(written),
                ctypes.c_void_p(out.ctypes.data),
            )
        return out

    def _check(self, matrix: Matrix) -> None:
        if (
            matrix.dtype != np.float32
            or not matrix.flags.c_contiguous
            or matrix.shape[1:] != (self.features,)
        ):
            raise ValueError(f"not a C-ordered float32 matrix of {self.features} columns")


def _call(function: str, *arguments: Any) -> None:
    """Call a function of the C API. Raises `LightGBMError` with the library's message."""
    if getattr(_API, function)(*arguments):
        raise _error()


def _error() -> LightGBMError:
    return LightGBMError(_API.LGBM_GetLastError().decode())
