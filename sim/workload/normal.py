"""Quantiles of the standard normal distribution.

Moshier's algorithm (Cephes Mathematical Library, 1989: ndtri), which scipy.special has as well: the
same results to the last bit, without an import that takes as long as a short run.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TAIL: Final = 0.13533528323661269189
"""exp(-2): where the approximations of the tails begin."""
_FAR: Final = 8.0
"""Of sqrt(-2 log u): where that of the far tails begins."""
_ROOT_OF_2_PI: Final = 2.50662827463100050242
_MIDDLE: Final = (
    (
        -5.99633501014107895267e1,
        9.80010754185999661536e1,
        -5.66762857469070293439e1,
        1.39312609387279679503e1,
        -1.23916583867381258016e0,
    ),
    (
        1.0,
        1.95448858338141759834e0,
        4.67627912898881538453e0,
        8.63602421390890590575e1,
        -2.25462687854119370527e2,
        2.00260212380060660359e2,
        -8.20372256168333339912e1,
        1.59056225126211695515e1,
        -1.18331621121330003142e0,
    ),
)
_NEAR_TAIL: Final = (
    (
        4.05544892305962419923e0,
        3.15251094599893866154e1,
        5.71628192246421288162e1,
        4.40805073893200834700e1,
        1.46849561928858024014e1,
        2.18663306850790267539e0,
        -1.40256079171354495875e-1,
        -3.50424626827848203418e-2,
        -8.57456785154685413611e-4,
    ),
    (
        1.0,
        1.57799883256466749731e1,
        4.53907635128879210584e1,
        4.13172038254672030440e1,
        1.50425385692907503408e1,
        2.50464946208309415979e0,
        -1.42182922854787788574e-1,
        -3.80806407691578277194e-2,
        -9.33259480895457427372e-4,
    ),
)
_FAR_TAIL: Final = (
    (
        3.23774891776946035970e0,
        6.91522889068984211695e0,
        3.93881025292474443415e0,
        1.33303460815807542389e0,
        2.01485389549179081538e-1,
        1.23716634817820021358e-2,
        3.01581553508235416007e-4,
        2.65806974686737550832e-6,
        6.23974539184983293730e-9,
    ),
    (
        1.0,
        6.02427039364742014255e0,
        3.67983563856160859403e0,
        1.37702099489081330271e0,
        2.16236993594496635890e-1,
        1.34204006088543189037e-2,
        3.28014464682127739104e-4,
        2.89247864745380683936e-6,
        6.79019408009981274425e-9,
    ),
)


def normal_quantile(u: Floats) -> Floats:
    """The values below which a standard normal variable lies with probabilities in (0, 1)."""
    above = u > 1 - _TAIL
    share = np.where(above, 1 - u, u)
    middle = share > _TAIL
    found = np.empty_like(share)
    distance = share[middle] - 0.5
    square = distance * distance
    inner = distance + distance * _times_ratio(square, _MIDDLE)
    found[middle] = inner * _ROOT_OF_2_PI
    tail = _tail(share[~middle])
    found[~middle] = np.where(above[~middle], tail, -tail)
    return found


def _tail(share: Floats) -> Floats:
    """How far out the quantiles of small probabilities lie.

    Logarithms are those of the C library: numpy's depend on the CPU.
    """
    x = np.sqrt(-2.0 * _log(share))
    z = 1.0 / x
    near, far = _times_ratio(z, _NEAR_TAIL), _times_ratio(z, _FAR_TAIL)
    return x - _log(x) / x - np.where(x < _FAR, near, far)


def _log(values: Floats) -> Floats:
    return np.array([math.log(value) for value in values.tolist()])


def _times_ratio(x: Floats, of: tuple[tuple[float, ...], tuple[float, ...]]) -> Floats:
    """x times a ratio of two polynomials of x."""
    return x * _polynomial(x, of[0]) / _polynomial(x, of[1])


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """By Horner's rule."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
