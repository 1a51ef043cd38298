"""The model of a table of results, and its JSON, from which all other forms, `explain` and the page are made.

A table is methods × metrics on one dataset. Its JSON has the fields of the classes below, by name; `format` is raised
when their meaning changes. A number that could not be had is null, and the field beside it says why.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from tavce.files import write_text
from tavce.measure.metrics import Metric
from tavce.records import InputError

FORMAT = 1
Mark = Literal["best", "second"]


class Part(BaseModel):
    """A part of a table: unknown fields and numbers that are not finite are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Column(Part):
    """A metric: `identity` says what exactly is computed; `digits` are shown; `pooled` is one number for all clips."""

    name: str
    heading: str
    identity: str
    unit: str
    better: Literal["higher", "lower", "none"]
    digits: int
    definition: str
    pooled: bool = False

    @classmethod
    def of(cls, metric: Metric) -> Self:
        """Return the column of a metric of `METRICS`."""
        return cls(**{name: getattr(metric, name) for name in cls.model_fields})


class Against(Part):
    """A method less the baseline, on the clips that both have; `p_holm` is corrected for all tests of the column.

    Where no test could be made, `why` says so, and there is no p.
    """

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    speakers: int = 0
    p: float | None = None
    p_holm: float | None = None
    why: str | None = None


class Cell(Part):
    """A metric of a method.

    value: mean over the seeds of each seed's mean over clips; of a Fréchet distance, over its subsets.
    low, high: interval of the mean over the clips, by drawing the speakers anew.
    sd_seeds: sample standard deviation of the seeds' means, from two seeds on.
    sd_subsets: of a Fréchet distance, the standard deviation over the subsets, mean over the seeds.
    n: clips with a number: of a seed that counts, the fewest; of a Fréchet distance, frames of a subset; None: quoted.
    seed_n: clips with a number by seed, in the order of the row's runs; seed_values: None where a seed does not count.
    dropped: clips without a number, of the seed that has fewest numbers; missing: why, counted over all seeds.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    sd_seeds: float | None = None
    sd_subsets: float | None = None
    seed_values: tuple[float | None, ...] = ()
    n: int | None = None
    seed_n: tuple[int, ...] = ()
    speakers: int = 0
    dropped: int = 0
    missing: dict[str, int] = {}
    why_no_value: str | None = None
    why_no_interval: str | None = None
    against_baseline: Against | None = None
    mark: Mark | None = None


class Line(Part):
    """A row: of a method that was measured here, or of numbers that others published (`source` says where).

    runs: the method's trainings, one a seed, that were scored; clips and dropped: of the run that lost most, all and
    those without a video; scores and run_json: each run's rows and the record of their making.
    """

    method: str
    label: str
    kind: Literal["measured", "quoted"]
    source: str | None = None
    runs: tuple[str, ...] = ()
    clips: int = 0
    dropped: int = 0
    scores: dict[str, str] = {}
    run_json: dict[str, str] = {}
    cells: dict[str, Cell]

    @property
    def measured(self) -> bool:
        """Whether the numbers were measured here."""
        return self.kind == "measured"


class Table(Part):
    """Methods × metrics on one dataset; every row has a cell for every metric."""

    format: Literal[1] = FORMAT
    table: str
    kind: Literal["comparison", "ablations"]
    dataset: str
    baseline: str
    alpha: float
    metrics: tuple[Column, ...]
    rows: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_full(self) -> Self:
        names = {column.name for column in self.metrics}
        for row in self.rows:
            if {*row.cells} != names:
                raise ValueError(f"the cells of {row.method} are not the metrics of the table")
        return self

    @property
    def shown(self) -> tuple[Column, ...]:
        """The metrics that have a number in some row."""
        return tuple(
            column for column in self.metrics if any(row.cells[column.name].value is not None for row in self.rows)
        )

    @property
    def unmeasured(self) -> dict[str, str]:
        """Why a metric has no number in any row, by name: the reasons of the measured rows, each once."""
        reasons = {}
        for column in self.metrics:
            if column not in self.shown:
                said = (row.cells[column.name].why_no_value for row in self.rows)
                reasons[column.name] = "; ".join(dict.fromkeys(why for why in said if why)) or "no method was measured"
        return reasons


def to_json(table: Table) -> str:
    """Return a table as indented JSON."""
    return table.model_dump_json(indent=1) + "\n"


def write_table(path: str | Path, table: Table) -> None:
    """Write a table's JSON, whole or not at all."""
    write_text(path, to_json(table))


def read_table(path: str | Path) -> Table:
    """Return the table in a JSON file.

    Raises:
        InputError: the file cannot be read, or holds no table of this version.
    """
    try:
        return Table.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}: run the stage tables") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path} holds no table of this version ({where or 'file'}: {first['msg']}): rerun the stage tables"
        ) from error
