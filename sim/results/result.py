"""A stored run as DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sim.errors import UserError, nearest
from sim.record.facts import TABLES, Status
from sim.record.phases import COLUMN as PHASE
from sim.record.phases import Begins, PhaseName, begins_of
from sim.results.checked import checked

SETTINGS: Final = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS")
"""Keys of a config that are variables of a Go program's environment."""

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from sim.results.diagnosis import Finding
    from sim.results.summary import Summary


class Result:
    """One run. Tables are read when they are asked for.

    Every DataFrame has its `description`, and the `units` and `meanings` of its columns, in
    `attrs`. Reading raises UserError for tables that are damaged or lack a column.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], pa.Table],
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`read` gives a table by its name: from a folder, or from memory (MemorySink.table).

        `settings` are the keys that the run's sweep varied, and their values in this run.
        """
        self.name = name
        self.settings = settings
        self._read = read

    @cached_property
    def run(self) -> dict[str, Any]:
        """Config, seed, versions, status and end of the run."""
        rows: list[dict[str, Any]] = self._table("run").to_pylist()
        if not rows:
            raise UserError(f"{self.name}: the run broke off before it had begun")
        return rows[-1]

    @cached_property
    def config(self) -> dict[str, Any]:
        """The config with every default, as it could stand in a file."""
        import yaml

        try:
            config = yaml.safe_load(self.run["config"])
        except (yaml.YAMLError, ValueError, RecursionError):
            config = None
        if not isinstance(config, dict) or not config.keys() >= {*SETTINGS}:
            raise UserError(f"{self.name}: table 'run' is damaged: its config is none")
        return config

    @property
    def collects(self) -> bool:
        """Whether GOGC or GOMEMLIMIT make cycles begin; with both off a program may have none."""
        return any(self.config[key] != "off" for key in ("GOGC", "GOMEMLIMIT"))

    @property
    def provenance(self) -> dict[str, str]:
        """Hashes of what decided besides the config, by name; that of the simulator is first."""
        lines = self.run["provenance"].splitlines()
        return {name: digest for name, _, digest in (line.rpartition(" ") for line in lines)}

    @property
    def partial(self) -> bool:
        """Whether the run did not come to an end of its own: interrupted, failed or killed."""
        return self.run["status"] not in {status for status in Status if status.whole}

    @cached_property
    def end_ns(self) -> int:
        """Simulated time at the end; of a run that was killed, the last that is known of it."""
        if self.run["status"] != Status.RUNNING:
            return int(self.run["end_ns"])
        seen = (self.samples["at_ns"], self.requests["end_ns"], self.cycles["end_ns"])
        return max((int(times.max()) for times in seen if len(times)), default=0)

    @cached_property
    def phases(self) -> pd.DataFrame:
        """When start-up, warm-up and service began, and how that is known."""
        return self._frame("phases")

    @cached_property
    def service_ns(self) -> int:
        """When service began, which statistics are about; of a run without phases, its begin.

        Of a run that was killed before its warm-up was found, when load began.
        """
        begins = self._begins
        return begins.get(PhaseName.SERVICE, begins.get(PhaseName.WARM_UP, 0))

    @property
    def counts(self) -> bool:
        """Whether any of it comes after its warm-up, so that statistics are about something."""
        return not 0 < self.end_ns <= self.service_ns

    def service(self, table: str) -> pd.DataFrame:
        """The rows of a table, such as `cycles`, from the begin of service on."""
        rows: pd.DataFrame = getattr(self, table)
        phases = [name for name, begin in self._begins.items() if begin >= self.service_ns]
        return rows[rows[PHASE].isin(phases)]

    @cached_property
    def _begins(self) -> Begins:
        return begins_of(self._table("phases").to_batches())

    @cached_property
    def samples(self) -> pd.DataFrame:
        """State and counters at regular instants, named as in Go's runtime/metrics."""
        return self._frame("samples")

    @cached_property
    def requests(self) -> pd.DataFrame:
        """Requests that ended, and where their time went."""
        return self._frame("requests")

    @cached_property
    def locks(self) -> pd.DataFrame:
        """Locks of the runtime by cause."""
        return self._frame("locks")

    @cached_property
    def spans(self) -> pd.DataFrame:
        """Spans by class, at the end of each cycle and of the run."""
        return self._frame("spans")

    @cached_property
    def free_runs(self) -> pd.DataFrame:
        """Free pages between spans by length of run, at the end of each cycle and of the run."""
        return self._frame("free_runs")

    @cached_property
    def cycles(self) -> pd.DataFrame:
        """GC cycles."""
        return self._frame("cycles")

    @cached_property
    def pauses(self) -> pd.DataFrame:
        """Stops of the world."""
        return self._frame("pauses")

    @cached_property
    def throttles(self) -> pd.DataFrame:
        """Stretches in which the CPU quota was used up."""
        return self._frame("throttles")

    @cached_property
    def slices(self) -> pd.DataFrame:
        """What each P did when; empty unless the run was asked to tell."""
        return self._frame("slices")

    @cached_property
    def marking(self) -> pd.DataFrame:
        """White, grey and black bytes while marking; empty unless the run was asked to tell."""
        return self._frame("marking")

    def gctrace(self) -> str:
        """What GODEBUG=gctrace=1 would have printed."""
        from sim.results.traces import gctrace

        return "".join(f"{line}\n" for line in gctrace(self.cycles))

    def gcpacertrace(self) -> str:
        """What GODEBUG=gcpacertrace=1 would have printed, without the end of sweeping."""
        from sim.results.traces import gcpacertrace

        return "".join(f"{line}\n" for line in gcpacertrace(self.cycles))

    def summary(self) -> Summary:
        """The headline figures; printed, they are a table."""
        return self._figures

    def diagnose(self) -> list[Finding]:
        """What was wrong with the run, in words, the gravest first."""
        return list(self._findings)

    @cached_property
    def _figures(self) -> Summary:
        from sim.results.summary import summary

        return summary(self)

    @cached_property
    def _findings(self) -> list[Finding]:
        from sim.results.diagnosis import diagnose

        return diagnose(self)

    def __repr__(self) -> str:
        return f"Result({self.name!r}, {self.run['workload']}, {self.run['status']})"

    def _repr_html_(self) -> str:
        """The headline figures, for notebooks."""
        return f"<b>{escape(self.name)}</b>{self.summary()._repr_html_()}"

    def _table(self, name: str) -> pa.Table:
        return checked(self.name, name, self._read(name))

    def _frame(self, name: str) -> pd.DataFrame:
        table = self._table(name)
        frame: pd.DataFrame = table.to_pandas()
        frame.attrs = {
            "description": table.schema.metadata[b"description"].decode(),
            "units": _AboutColumns(
                {field.name: field.metadata[b"unit"].decode() for field in table.schema}
            ),
            "meanings": _AboutColumns(
                {field.name: field.metadata[b"meaning"].decode() for field in table.schema}
            ),
        }
        return frame


class _AboutColumns(dict[str, str]):
    """By name of a column. pandas copies all that is in `attrs` at every step: this is shared."""

    def __deepcopy__(self, memo: dict[int, object]) -> _AboutColumns:
        return self


class Results(Mapping[str, Result]):
    """Several runs by name, in order of their names."""

    def __init__(self, runs: Mapping[str, Result]) -> None:
        """Raises UserError if they come from different versions of the simulator."""
        self._runs = dict(sorted(runs.items()))
        seen: dict[str, dict[str, str]] = {}
        for name, run in self._runs.items():
            for what, version in run.provenance.items():
                seen.setdefault(what, {}).setdefault(version, name)
        for what, versions in seen.items():
            if len(versions) > 1:
                sources = ", ".join(f"{name} from {version}" for version, name in versions.items())
                raise UserError(
                    f"these runs come from different versions of {what}: {sources};"
                    " simulate them again"
                )

    def __getitem__(self, name: str) -> Result:
        return self._runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def summary(self) -> pd.DataFrame:
        """The headline figures, one run a row; units in `attrs`.

        In front are what the sweep of the run varied, its seed, workload and status.
        """
        from sim.results.frames import summary_frame

        return summary_frame(self)

    def table(self, name: str) -> pd.DataFrame:
        """A table of all runs, such as `cycles`; the settings and seed of each run in front."""
        from sim.results.frames import table_frame

        if name not in TABLES or name == "run":
            raise UserError(f"there is no table {name!r}{nearest(name, TABLES.keys() - {'run'})}")
        return table_frame(self, name)

    def _repr_html_(self) -> str:
        """The figures with their units, for notebooks."""
        from sim.results.frames import with_units

        html: str = with_units(self.summary()).to_html()
        return html
