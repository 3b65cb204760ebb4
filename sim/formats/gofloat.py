"""Floats as Go prints them: strconv's format 'g' with the fewest digits that read back."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_PLAIN_POWERS: Final = range(-4, 6)


def format_float(value: float) -> str:
    """`print(value)` of Go 1.27, and a Prometheus sample value; `float` reads it back.

    Source: internal/strconv, ftoa.go: an exponent below -4 or above 5 is written out.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    plain = repr(float(value))
    sign, digits, exponent = Decimal(plain).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    if value == 0 or power in _PLAIN_POWERS:
        return plain.removesuffix(".0")
    head, tail = digits[0], "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{head}{'.' + tail if tail else ''}e{power:+03d}"
