"""Chances, errors and ranks of ten thousand candidates in one world, fast enough for 2000 worlds.

What bounds the time is not arithmetic but drawing normal deviates, logarithms and sorting. So
errors are drawn from 65536 equally likely quantiles, the normal distribution is looked up in steps
of 1/128, and ranks are counted in bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = 1.0 / 128.0
_MAX = 37.0
"""Beyond it, Phi(-z) is below the smallest double: candidates that are further from the host than
37 standard deviations tie in their intervals."""
_QUANTILES = 1 << 16
_BINS = 1 << 14
_CENTRE = np.float32((_BINS - 1) / 2.0)
_HALF_BITS = int(np.array(0.5).view(np.int64))
_ROOT_SCALE = np.float32(_CENTRE / np.sqrt(_HALF_BITS))
_COLUMNS = 256
_ROUNDING = 1e-9


class Chance(NamedTuple):
    """A probability and its complement, each without the rounding of one minus the other."""

    yes: NDArray[Any]
    no: NDArray[Any]


def chance(z: NDArray[np.float64]) -> Chance:
    """Return Phi(z), the normal cumulative distribution."""
    from scipy.special import ndtr

    return Chance(ndtr(z), ndtr(-z))


def both(a: Chance, b: Chance) -> Chance:
    """Return the chance of two independent events together."""
    return Chance(a.yes * b.yes, a.no + a.yes * b.no)


def either(a: Chance, b: Chance) -> Chance:
    """Combine two chances; one that is unknown (NaN) adds nothing."""
    a = Chance(np.nan_to_num(a.yes), np.where(np.isnan(a.no), 1, a.no))
    b = Chance(np.nan_to_num(b.yes), np.where(np.isnan(b.no), 1, b.no))
    no = a.no * b.no
    # near certainty only the complement is exact: a sum could round to more than 1, or fall
    return Chance(np.where(no < 0.5, 1 - no, a.yes + a.no * b.yes), no)  # noqa: PLR2004


def logit(p: Chance) -> NDArray[Any]:
    """Return log(p / (1 - p))."""
    tiny = np.finfo(p.yes.dtype).tiny
    return np.asarray(np.log(np.maximum(p.yes, tiny)) - np.log(np.maximum(p.no, tiny)))


class Errors:
    """Standard normal errors, each one of 65536 equally likely quantiles (up to 4.3)."""

    def __init__(self, rng: np.random.Generator) -> None:
        from scipy.special import ndtri

        self._rng = rng
        middle = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
        self._quantiles = ndtri(middle).astype(np.float32)

    def draw(self, n: int) -> NDArray[np.float32]:
        """Return n of them."""
        place = self._rng.integers(0, _QUANTILES, n, dtype=np.uint16)
        return np.asarray(self._quantiles.take(place))


class PhiTable:
    """The normal cumulative distribution from a table in steps of 1/128."""

    def __init__(self) -> None:
        self._table = chance(np.arange(-_MAX, _MAX + _STEP / 2, _STEP))

    def of(self, z: NDArray[np.float32]) -> Chance:
        """Return Phi(z); z beyond 37 counts as 37."""
        position = z * np.float32(1.0 / _STEP)
        position += np.float32(_MAX / _STEP + 0.5)
        index = position.astype(np.intp)
        yes, no = self._table
        return Chance(yes.take(index, mode="clip"), no.take(index, mode="clip"))


def ranks_by_chance(total: Chance) -> NDArray[np.int64]:
    """Return competition ranks, best first, by counting in bins: no sort per world.

    The bins are even in the root of -log2(2 p), p being the smaller of the chance and its
    complement, with the logarithm taken as linear between powers of two, as the bits of a
    floating-point number are: 0.01 of it wide at p = 0.1, 0.1 at 1e-43.
    """
    smaller = np.minimum(total.yes, total.no)
    depth = (_HALF_BITS - smaller.view(np.int64)).astype(np.float32)
    root = np.sqrt(np.maximum(depth, 0, out=depth), out=depth)
    root *= _ROOT_SCALE
    np.copysign(root, (total.no - total.yes).astype(np.float32), out=root)
    root += _CENTRE
    return counted_ranks(root.astype(np.intp), _BINS)


def counted_ranks(index: NDArray[np.intp], bins: int) -> NDArray[np.int64]:
    """Return competition ranks (1, 1, 3) of bins, the lowest bin first."""
    counts = np.bincount(index, minlength=bins)
    better = np.cumsum(counts)
    better -= counts
    better += 1
    return np.asarray(better.take(index), dtype=np.int64)


def quantiles(ranks: NDArray[Any], content: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the two ends of the central interval of each candidate's rank.

    Parameters
    ----------
    ranks
        Shape (worlds, n).
    content
        Probability that the interval holds, e.g. 0.90.
    """
    worlds, n = ranks.shape
    best = int((1.0 - content) / 2.0 * (worlds - 1) + _ROUNDING)
    worst = worlds - 1 - best
    low, high = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for start in range(0, n, _COLUMNS):
        part = slice(start, start + _COLUMNS)
        block = np.ascontiguousarray(ranks[:, part].T)
        block.partition((best, worst), axis=1)
        low[part], high[part] = block[:, best], block[:, worst]
    return low, high
