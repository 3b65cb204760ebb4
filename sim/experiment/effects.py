"""Which factor of a design moves a figure, and which two together do.

Source: analysis of variance with sums of squares of type II (Langsrud, "ANOVA for unbalanced data",
2003); Law, "Simulation Modeling and Analysis", 2015, chapter 12 (main effects, interactions).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from sim.errors import UserError, nearest
from sim.results.statistics import holm
from sim.units import parse_bytes, parse_duration

MOST_LEVELS: Final = 5
"""More values of a factor that are numbers are taken as a line, fewer as levels of their own."""


def factors_of(figures: pd.DataFrame) -> list[str]:
    """What a sweep varied: the columns before the seed that have more than one value."""
    before = figures.columns[: figures.columns.get_loc("seed")]
    return [name for name in before if len(figures[name].unique()) > 1]


def figures_of(figures: pd.DataFrame) -> list[str]:
    """What runs tell of themselves: the columns of numbers after the seed."""
    after = figures.columns[figures.columns.get_loc("seed") :][1:]
    return [name for name in after if pd.api.types.is_numeric_dtype(figures[name])]


def effects(figures: pd.DataFrame, figure: str) -> pd.DataFrame:
    """A row per factor and pair of factors, the one that explains most first.

    `low` and `high`: means of the figure at the `levels` where it is least and most (of a pair:
    NaN); `share`: of the sum of squares; `p`: F test, corrected for the rows
    (Holm). Seeds are blocks: what they explain is left out. Raises UserError where nothing was
    varied, there is no such figure, or too few runs to tell.
    """
    factors = factors_of(figures)
    if not factors:
        raise UserError("the sweep varies nothing that could have an effect")
    if figure not in (known := figures_of(figures)):
        raise UserError(f"the runs have no figure {figure!r}{nearest(figure, known)}")
    data = figures.dropna(subset=[figure])
    factors = factors_of(data)
    if not factors:
        raise UserError(f"the runs that have {figure} differ in nothing that could have an effect")
    data = data.drop_duplicates([*factors, "seed"])
    pairs = list(combinations(range(len(factors)), 2))
    table = _anova(data, factors, figure, pairs)
    if table is None:
        pairs = []
        table = _anova(data, factors, figure, pairs)
    if table is None:
        more = "seeds" if _can_be_told_apart(data, factors) else "points of the design"
        raise UserError(f"{len(data)} runs are too few for {', '.join(factors)}: more {more}")
    means = [data.groupby(levels(numbers(data[name])[0]))[figure].mean() for name in factors]
    rows = [
        {"effect": name, "low": mean.min(), "high": mean.max(), **table[(n,)]}
        for n, (name, mean) in enumerate(zip(factors, means, strict=True))
    ]
    rows += [{"effect": f"{factors[a]} x {factors[b]}", **table[a, b]} for a, b in pairs]
    frame = pd.DataFrame(rows).assign(p=holm([row["p"] for row in rows]))
    return frame.sort_values("share", ascending=False, ignore_index=True)


def _can_be_told_apart(data: pd.DataFrame, factors: Sequence[str]) -> bool:
    """Whether there are as many combinations as a model without interactions has terms."""
    values = [numbers(data[name])[0] for name in factors]
    terms = sum(1 if many(some) else some.nunique() - 1 for some in values)
    return len(data[list(factors)].drop_duplicates()) > terms


def _anova(
    data: pd.DataFrame, factors: Sequence[str], figure: str, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, ...], dict[str, float]] | None:
    """Share of the sum of squares and p by term; None where no run is left for the error."""
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    codes = {f"f{n}": numbers(data[name])[0] for n, name in enumerate(factors)}
    frame = pd.DataFrame({**codes, "seed": data["seed"], "y": data[figure]})
    terms = [_term(frame, f"f{n}") for n in range(len(factors))]
    named: dict[str, tuple[int, ...]] = {term: (n,) for n, term in enumerate(terms)}
    named |= {f"{terms[a]}:{terms[b]}": (a, b) for a, b in pairs}
    blocks = ["C(seed)"] if len(frame["seed"].unique()) > 1 else []
    model = ols(f"y ~ {' + '.join([*named, *blocks])}", frame)
    runs, columns = model.exog.shape
    if columns >= runs or np.linalg.matrix_rank(model.exog) < columns:
        return None
    found = anova_lm(model.fit(), typ=2)
    squares = found["sum_sq"].drop(blocks)
    total = squares.sum()
    return {
        term: {
            "share": float(squares[name] / total) if total else 0.0,
            "p": float(found["PR(>F)"][name]),
        }
        for name, term in named.items()
    }


def numbers(values: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    """Sizes and durations as numbers with their unit, where all values are such."""
    for parse, unit in ((parse_bytes, "bytes"), (parse_duration, "ns")):
        try:
            return values.map(parse), unit
        except (UserError, TypeError):
            continue
    return values, ""


def levels(values: pd.Series[Any]) -> pd.Series[Any]:
    """The value of a factor by run; of many numbers, the mean of the third of them it is in."""
    if not many(values):
        return values
    return values.groupby(pd.qcut(values, 3, duplicates="drop"), observed=True).transform("mean")


def many(values: pd.Series[Any]) -> bool:
    """Whether a factor is a range of numbers rather than some levels."""
    return bool(pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_LEVELS)


def _term(frame: pd.DataFrame, name: str) -> str:
    return name if many(frame[name]) else f"C({name}, Sum)"
