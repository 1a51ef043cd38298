"""Methods trained with several seeds: mean and spread over the seeds, how cells read, and what a run is called."""

import math
from collections.abc import Sequence

from tavce.config.variants import method_of, seed_of
from tavce.evaluate.table import Cell, Column

SPREAD = (
    "Of a method trained with several seeds: mean over the seeds of each seed's mean, ± the standard deviation over "
    "the seeds (divided by seeds − 1), and n is clips × seeds; ×2 of 3: one of three seeds has no number"
)
QUOTED_MARK = "†"


def mean_and_sd(seed_values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return the mean of the seeds that count, and their sample standard deviation; None below one, and two of them."""
    values = [value for value in seed_values if value is not None]
    if not values:
        return None, None
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def in_words(column: Column, cell: Cell) -> str:
    """Return a cell as people read it.

    19.12 [18.40, 20.10] n=6; with clips that have none 19.12 n=4 (2 lost); of seeds 0.441 ± 0.021 n=6×3; of a published
    number 0.44†; - where there is none.
    """
    return " ".join(parts_in_words(column, cell)).strip()


def parts_in_words(column: Column, cell: Cell) -> tuple[str, str]:
    """Return a cell as people read it, in two parts: the value, and how sure it is."""
    lost = f" ({cell.dropped} lost)" if cell.dropped else ""
    if cell.value is None:
        return "-", lost.strip()
    value = _rounded(column, cell.value)
    if cell.n is None:
        return f"{value}{QUOTED_MARK}", ""
    sd = cell.sd_subsets if cell.sd_seeds is None else cell.sd_seeds
    if sd is not None:
        return value, f"± {_rounded(column, sd)} n={_counts(cell)}{lost}"
    interval = "" if cell.low is None else f"[{_rounded(column, cell.low)}, {_rounded(column, cell.high)}] "
    return value, f"{interval}n={_counts(cell)}{lost}"


def _rounded(column: Column, number: float) -> str:
    return f"{number:.{column.digits}f}"


def _counts(cell: Cell) -> str:
    counted = [n for n, value in zip(cell.seed_n, cell.seed_values, strict=True) if value is not None]
    fewest, most = min(counted), max(counted)
    each = str(fewest) if fewest == most else f"{fewest}–{most}"
    if len(cell.seed_n) == 1:
        return each
    return f"{each}×{len(counted)}" + ("" if len(counted) == len(cell.seed_n) else f" of {len(cell.seed_n)}")


def label_of(run: str, labels: dict[str, str]) -> str:
    """Return what a run is called: its method's label, and the seed that its name has."""
    seed = seed_of(run)
    return labels[method_of(run)] + (f", seed {seed}" if seed else "")
