"""What one job takes: from the user's own benchmarks where there are some, else from the table of costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tavce.plan.benchmarks import Rate
from tavce.plan.costs import CorpusSize, Costs, Load
from tavce.plan.learning import Network

MEASURED, ASSUMED, ESTIMATE, OWN, UNKNOWN = "measured", "assumed", "estimate", "own", "unknown"
MBIT = 1e6


@dataclass(frozen=True)
class Price:
    """What one job takes; None where nobody has counted it."""

    wall_s: float | None
    bytes: float = 0
    gpu_s: float | None = 0
    origin: str = MEASURED


@dataclass(frozen=True)
class Dataset:
    """A corpus and what is done with it."""

    size: CorpusSize
    shards: int
    train: bool = True
    evaluate: bool = True

    def load(self, jobs: int = 1) -> Load:
        """Return what each of so many jobs is given, when they divide the corpus."""
        return Load(self.size.clips / jobs, self.size.hours * 3600 / jobs, self.size.megapixels)

    @property
    def test_load(self) -> Load:
        """What a job on the test split is given."""
        return Load(self.size.test_clips, self.size.test_clips * self.size.clip_s, self.size.megapixels)


@dataclass(frozen=True)
class Prices:
    """Costs, and the rates of the user's own runs by dataset and stage; a dataset None is all of them together."""

    costs: Costs
    rates: Mapping[tuple[str | None, str], Rate] = field(default_factory=dict)

    def shard(self, stage: str, name: str, dataset: Dataset) -> Price:
        """Return what a shard's job of a data stage takes."""
        load = dataset.load(dataset.shards)
        fetched_here = stage == "download" and dataset.size.fetched_hours
        rate = self.rates.get((name, stage)) or self.rates.get((None, stage))
        if rate and (rate.bytes or not fetched_here):  # videos that lay there say nothing of a network
            return Price(rate.wall_s * load.seconds, rate.bytes * load.seconds, origin=OWN)
        cost = self.costs.stages[stage]
        if fetched_here:
            fetched = dataset.size.fetched_hours * 3600 * self.costs.fetched_mbit_s * MBIT / 8 / dataset.shards
            wall_s = cost.wall_s(load) + fetched * 8 / (self.costs.network_mbit_s * MBIT)
            return Price(wall_s, fetched, origin=ASSUMED)
        return Price(cost.wall_s(load), cost.bytes(load))

    def whole(self, stage: str, *datasets: Dataset) -> Price:
        """Return what a job over all clips of some datasets takes."""
        cost = self.costs.stages[stage]
        loads = [dataset.load() for dataset in datasets]
        return Price(
            cost.job_s + sum(cost.wall_s(load) - cost.job_s for load in loads),
            sum(cost.bytes(load) for load in loads),
        )

    def training(self, network: Network, clips: int) -> Price:
        """Return what learning takes: the GPU's time, or that of the loader processes where they are slower."""
        cost = self.costs.trainings.get(network.shape)
        if cost is None:
            return Price(None, gpu_s=None, origin=UNKNOWN)
        samples = network.samples(clips)
        gpu_s = samples * cost.flops / (self.costs.tflops * 1e12)
        loading_s = samples * cost.loader_s / max(1, network.section.training.workers)
        wall_s = max(gpu_s, loading_s) if network.section.training.workers else gpu_s + loading_s
        return Price(wall_s, cost.bytes, wall_s, ESTIMATE)

    def synthesise(self, dataset: Dataset, rate_hz: int, network: Network | None) -> Price:
        """Return what the test videos of a method take; the fixed ones render nothing."""
        load, cost = dataset.test_load, self.costs.stages["synthesise"]
        if network is None:
            return Price(cost.wall_s(load), cost.bytes(load))
        known = self.costs.trainings.get(network.shape)
        if known is None:
            return Price(None, cost.bytes(load), None, UNKNOWN)
        rendering_s = load.seconds * rate_hz * known.frame_flops / (self.costs.tflops * 1e12)
        wall_s = cost.wall_s(load) + rendering_s
        return Price(wall_s, cost.bytes(load), wall_s, ESTIMATE)

    def gather(self, dataset: Dataset, command: str | None) -> Price:
        """Return what another method's videos take: at most as long as encoding, which was measured, or a command."""
        still = self.synthesise(dataset, 0, None)
        return still if command is None else Price(None, still.bytes, origin=UNKNOWN)

    def score(self, dataset: Dataset) -> Price:
        """Return what measuring a method's videos takes."""
        cost = self.costs.stages["score"]
        return Price(cost.wall_s(dataset.test_load), cost.bytes(dataset.test_load))

    def listen(self, datasets: Iterable[Dataset], max_clips: int) -> Price:
        """Return what asking a metric what it hears takes, on at most `max_clips` test clips of all datasets."""
        loads = [dataset.test_load for dataset in datasets]
        clips = sum(load.clips for load in loads)
        share = min(1, max_clips / clips) if clips else 0
        return Price(
            self.costs.stages["listen"].wall_s(Load(share * clips, share * sum(load.seconds for load in loads), 0))
        )
