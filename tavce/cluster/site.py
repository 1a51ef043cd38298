"""What one cluster is like: partitions, account, limits, scratch. The profile asks here, so that it stays the same.

Read from `profiles/slurm/site.yaml`, or from the file that TAVCE_SITE names; the environment comes first:
TAVCE_CPU_PARTITION sets `cpu_partition`, TAVCE_SCRATCH sets `scratch`, and so on. Without any, the defaults hold.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from tavce.config import SettingsError, read_mapping
from tavce.config.data import Section
from tavce.config.explain import explain

SITE = Path(__file__).parents[2] / "profiles/slurm/site.yaml"
FORM = "`name: value`, as profiles/slurm/site.example.yaml does"
NUMBERS = {"mem_mb", "runtime", "threads", "gpus", "nodes"}
Resources = dict[str, Any]


class Site(Section):
    """A cluster, as its users know it."""

    cpu_partition: str = Field("cpu", description="partition of the data stages")
    gpu_partition: str = Field("gpu", description="partition of the stages that learn and draw")
    account: str | None = Field(None, description="who pays; None = your default account")
    qos: str | None = Field(None, description="quality of service")
    gpu_type: str | None = Field(None, description="as `sinfo -o %G` shows it, say h100; None = any")
    jobs: int = Field(200, gt=0, description="jobs in the queue at once")
    downloads: int = Field(4, gt=0, description="download jobs at once: they share what a video site allows an address")
    cpu_minutes: int | None = Field(None, gt=0, description="longest job of the CPU partition")
    gpu_minutes: int | None = Field(
        None, gt=0, description="longest job of the GPU partition; training goes on after it"
    )
    cpu_mem_mb: int | None = Field(None, gt=0, description="memory of the CPU partition's largest node, MB")
    gpu_mem_mb: int | None = Field(None, gt=0, description="memory of the GPU partition's largest node, MB")
    warn_seconds: int = Field(180, ge=30, description="before a limit, training is warned, saves and queues again")
    check_seconds: int = Field(20, gt=0, description="between two looks at the jobs' states")
    scratch: str | None = Field(None, description="folder on a node's own disk; variables are expanded in the job")
    rules: dict[str, Resources] = Field({}, description="rule → resources that replace the profile's")

    @field_validator("cpu_partition", "gpu_partition", "account", "qos", "gpu_type", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("rules")
    @classmethod
    def _whole_numbers(cls, rules: dict[str, Resources]) -> dict[str, Resources]:
        for rule, said in rules.items():
            for name, value in said.items():
                least = 0 if name == "gpus" else 1
                if name in NUMBERS and (type(value) is not int or value < least):
                    raise ValueError(f"{rule}.{name} is {value!r}: give a whole number, {least} or more")
        return rules

    def resources(self, stages: Mapping[str, Resources]) -> dict[str, Resources]:
        """Return what Snakemake's `set-resources` takes, from the profile's table of stages.

        A stage names mem_mb and runtime (minutes) of its first attempt, `threads`, and, where it learns or draws,
        `gpus` on each of `nodes`. A retry gets twice, then three times the memory and time.
        """
        return {rule: self.of_rule(said) for rule, said in self.over(stages).items()}

    def threads(self, stages: Mapping[str, Resources]) -> dict[str, int]:
        """Return what Snakemake's `set-threads` takes."""
        return {rule: said["threads"] for rule, said in self.over(stages).items() if "threads" in said}

    def over(self, stages: Mapping[str, Resources]) -> dict[str, Resources]:
        """Return the profile's table of stages with the site's `rules` over it.

        Raises:
            SettingsError: `rules` names a rule that the profile does not.
        """
        for rule in self.rules:
            if rule not in stages:
                raise SettingsError(f"site setting rules.{rule}: no such rule. The profile has {', '.join(stages)}")
        return {rule: {**said, **self.rules.get(rule, {})} for rule, said in stages.items()}

    def of_rule(self, said: Resources) -> Resources:
        """Return the resources of one rule as Snakemake's expressions."""
        said = {name: value for name, value in said.items() if name != "threads"}
        gpus, nodes, learns = said.pop("gpus", 0), said.pop("nodes", 1), said.pop("learns", False)
        most = {"runtime": self.gpu_minutes, "mem_mb": self.gpu_mem_mb}
        most = most if gpus else {"runtime": self.cpu_minutes, "mem_mb": self.cpu_mem_mb}
        extra = [said.pop("slurm_extra", "")]
        resources = {"slurm_partition": self.gpu_partition if gpus else self.cpu_partition}
        if self.account:
            resources["slurm_account"] = self.account
        if self.qos:
            resources["qos"] = self.qos
        if gpus:
            resources["gres"] = ":".join(["gpu", *([self.gpu_type] if self.gpu_type else []), str(gpus)])
        if learns:
            extra += ["--requeue", f"--signal=USR1@{self.warn_seconds}", f"--ntasks-per-node={gpus or 1}"]
            resources |= {"nodes": nodes, "launcher": launcher(nodes, gpus or 1)}
        return {
            **{name: _expression(value) for name, value in resources.items()},
            **{
                name: _growing(value, most[name]) if name in most else _expression(value)
                for name, value in said.items()
            },
            **({"slurm_extra": repr(" ".join(filter(None, extra)))} if any(extra) else {}),
        }


def _growing(value: int, most: int | None) -> str:
    """Return the expression for a request that grows with every attempt, up to what the partition has."""
    return f"{value} * attempt" if most is None else f"min({value} * attempt, {most})"


def launcher(nodes: int, tasks: int) -> str:
    """Return the command before a training command: one task a GPU, all ended when one ends badly."""
    return f"srun --nodes={nodes} --ntasks-per-node={tasks} --cpus-per-task=$SLURM_CPUS_PER_TASK --kill-on-bad-exit=1"


def _expression(value: Any) -> Any:
    """Return a value as Snakemake evaluates it: a text is quoted, so that `min` is a partition and no function."""
    return repr(value) if isinstance(value, str) else value


def site(environment: Mapping[str, str] = os.environ) -> Site:
    """Return the cluster's settings.

    Raises:
        SettingsError: the file is not there or no YAML mapping, or a value cannot be used; names the file.
    """
    path = Path(environment.get("TAVCE_SITE") or SITE)
    said = read_mapping(path, FORM) if "TAVCE_SITE" in environment or path.is_file() else {}
    names = {f"TAVCE_{name.upper()}": name for name in Site.model_fields if name != "rules"}
    given = {name: environment[variable] for variable, name in names.items() if environment.get(variable)}
    try:
        return Site(**{**said, **given})
    except ValidationError as error:
        raise SettingsError(f"{path} and TAVCE_…: {explain(error, set(Site.model_fields))}") from None
