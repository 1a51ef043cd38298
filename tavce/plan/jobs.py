"""The jobs of a run, as the rules make them: groups of jobs that are alike, and what each waits for.

`tests/plan` holds the counts against Snakemake's own. A group is known by its rule and what the rule's wildcards say
besides the shard: ("crop", "vox2"), ("score", "vox2/ours"), ("basis", "").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavce.config.variants import compared, seed_of
from tavce.plan.learning import Network, networks
from tavce.plan.prices import Dataset, Price, Prices

Key = tuple[str, str]
BEFORE = {"trim": "download", "detect": "trim", "crop": "detect", "quality": "crop", "mel": "quality"}
WITH_WEIGHTS = ("detect", "quality", "motion")  # stages whose settings may ask for published weights
LEARNING_CORES = 4  # `threads` in workflow/rules/train.smk, of synthesise and gather


@dataclass(frozen=True)
class Group:
    """Jobs that are alike."""

    rule: str
    name: str
    price: Price  # of one job
    jobs: int = 1
    needs: tuple[Key, ...] = ()  # all jobs of these groups
    each: Key | None = None  # and of this group, the job of the same shard
    cores: int = 1
    gpus: int = 0

    @property
    def key(self) -> Key:
        """What the group is known by."""
        return self.rule, self.name

    def __str__(self) -> str:
        return f"{self.rule} {self.name}".strip()


@dataclass(frozen=True)
class Workflow:
    """The rules, for some corpora and the typed sections of the settings."""

    settings: Mapping[str, Any]
    datasets: Mapping[str, Dataset]
    prices: Prices

    def groups(self) -> list[Group]:
        """Return all groups; those that a group waits for stand before it."""
        groups = [*self._fetches(), *self._data(), *self._learning(), *self._evaluation()]
        if self._evaluated:
            everything = tuple(group.key for group in groups if group.rule not in ("report", "fetch_weights"))
            groups.append(Group("report", "", self._small(), needs=everything))
        return groups

    @property
    def _trained(self) -> dict[str, Dataset]:
        return {name: dataset for name, dataset in self.datasets.items() if dataset.train}

    @property
    def _evaluated(self) -> dict[str, Dataset]:
        return {name: dataset for name, dataset in self.datasets.items() if dataset.evaluate}

    def _small(self) -> Price:
        return Price(self.prices.costs.stages["funnel"].job_s)

    def _keeps_raw(self, name: str) -> bool:
        return self.settings["corpora"][name].download.get("keep_raw", self.settings["download"].keep_raw)

    def _weights(self, section: str, name: str) -> tuple[str, ...]:
        own = getattr(self.settings["corpora"].get(name), section, {})
        return self.settings[section].model_copy(update=own).weights

    def _fetches(self) -> Iterator[Group]:
        wanted = {name for network in networks(self.settings) for name in _weights(network)}
        wanted.update(*(self._weights(section, name) for section in WITH_WEIGHTS for name in self.datasets))
        for name in sorted(wanted):
            yield Group("fetch_weights", name, Price(0))

    def _data(self) -> Iterator[Group]:
        for name, dataset in self.datasets.items():
            for stage in ("download", "trim", "detect", "crop", "quality", "mel"):
                each = (BEFORE[stage], name) if stage in BEFORE else None
                weights = self._weights(stage, name) if stage in WITH_WEIGHTS else ()
                needs = tuple(("fetch_weights", weight) for weight in weights)
                yield Group(stage, name, self.prices.shard(stage, name, dataset), dataset.shards, needs, each)
        yield Group("basis_origin", "", Price(0))
        measured = tuple(("quality", name) for name in self._trained)
        weights = tuple(("fetch_weights", weight) for weight in self._weights("motion", ""))
        basis = self.prices.whole("basis", *self._trained.values())
        yield Group("basis", "", basis, needs=(("basis_origin", ""), *weights, *measured))
        for name, dataset in self.datasets.items():
            price = self.prices.shard("motion", name, dataset)
            yield Group("motion", name, price, dataset.shards, (("basis", ""),), each=("quality", name))
            yield Group("index", name, self.prices.whole("index", dataset), needs=(("mel", name), ("motion", name)))
            yield Group("card", name, self.prices.whole("funnel", dataset), needs=(("index", name),))
            if name in self.settings["corpora"] and not self._keeps_raw(name):
                yield Group("clear_raw", name, Price(0), dataset.shards, each=("trim", name))
        indexes = tuple(("index", name) for name in self.datasets)
        yield Group("funnel", "", self.prices.whole("funnel", *self.datasets.values()), needs=indexes)
        yield Group("gate", "", self._small(), needs=(("funnel", ""),))
        yield Group("write_funnel_table", "", self._small(), needs=(("funnel", ""),))

    def _learning(self) -> Iterator[Group]:
        clips = sum(dataset.size.clips - dataset.size.test_clips for dataset in self._trained.values())
        for network in networks(self.settings):
            needs = [("gate", "")]
            if network.stage == "audio2exp":
                needs.append(("basis", ""))
            if network.stage == "renderer":
                needs += [("train_metric", network.section.metric), ("listening_gate", network.section.metric)]
            needs += [("fetch_weights", name) for name in _weights(network)]
            price = self.prices.training(network, clips)
            rule = f"train_{network.stage}"
            yield Group(rule, network.name, price, needs=tuple(needs), cores=LEARNING_CORES, gpus=1)
            if network.stage == "metric":
                yield from self._listening(network.name)
            if network.stage == "renderer" and seed_of(network.name) is None:
                yield Group("pack_model", network.name, self._small(), needs=(("basis", ""), *_networks_of(network)))

    def _listening(self, recipe: str) -> Iterator[Group]:
        price = self.prices.listen(self.datasets.values(), self.settings["listening"].max_clips)
        indexes = tuple(("index", name) for name in self.datasets)
        needs = (("train_metric", recipe), *indexes)
        yield Group("listen", recipe, price, needs=needs, cores=LEARNING_CORES)
        if any(variant.metric == recipe for variant in self.settings["renderers"].values()):
            yield Group("listening_gate", recipe, self._small(), needs=(("listen", recipe),))

    def _evaluation(self) -> Iterator[Group]:
        variants = {network.name: network for network in networks(self.settings) if network.stage == "renderer"}
        rate_hz = self.settings["window"].rate_hz
        for name, dataset in self._evaluated.items():
            scores = []
            for method in compared(self.settings["methods"], self.settings["renderers"]):
                variant = variants.get(method)
                done = f"{name}/{method}"
                price = self.prices.synthesise(dataset, rate_hz, variant)
                rule, needs = "synthesise", (("gate", ""), *_networks_of(variant))
                if method in self.settings["others"]:
                    rule, price = "gather", self.prices.gather(dataset, self.settings["others"][method].command)
                yield Group(rule, done, price, needs=needs, cores=LEARNING_CORES, gpus=0 if variant is None else 1)
                yield Group("score", done, self.prices.score(dataset), needs=((rule, done),))
                scores.append(("score", done))
            checked, truth = ("check_metrics", name), ("synthesise", f"{name}/ground_truth")
            yield Group(*checked, self._small(), needs=(truth,))
            yield Group("write_tables", name, self._small(), needs=(*scores, checked))


def _weights(network: Network) -> tuple[str, ...]:
    """Return the published weights that a network starts from, and those that its losses need."""
    section = network.section
    if network.stage == "renderer":
        return (section.perceptual,) if section.weights.perceptual else ()
    return section.weights if network.stage == "metric" else ()


def _networks_of(variant: Network | None) -> list[Key]:
    """Return what a method waits for; the static frame and the ground truth need no network."""
    if variant is None:
        return []
    metric = [("train_metric", variant.section.metric)] if variant.section.attends else []
    return [*metric, ("train_renderer", variant.name), ("train_audio2exp", ""), ("train_audio2pose", "")]
