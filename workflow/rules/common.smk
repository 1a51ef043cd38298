"""Checked settings, the sheets, and the names that rules share. Imports no torch: every cluster job parses this."""

import os
import shlex
import signal
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from importlib.util import find_spec

from snakemake.exceptions import WorkflowError
from snakemake.shell import shell

from tavce import weights
from tavce.cluster import guard
from tavce.cluster.site import site
from tavce.config import SettingsError, load
from tavce.methods.folder import listing
from tavce.shards import shard_names
from tavce.stages import STAGES

os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]))
shell.prefix(f"export PYTHONPATH={shlex.quote(str(workflow.basedir))}; ")  # whatever Python a job's environment has
os.environ.setdefault("TAVCE_INVOCATION", f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}")

try:
    settings = load(config)
    here = site()
except SettingsError as error:
    raise WorkflowError(str(error))
if not settings.corpora:
    raise WorkflowError(
        "no corpus is configured. Put this into a file of your own, say my.yaml, and end with `--configfile my.yaml`:\n"
        "  corpora:\n"
        "    mine: {reader: folder, source: /path/to/videos, shards: 8, split: {val: 0.1, test: 0.1, seed: 2024}}\n"
        "or start from workflow/config/corpora.example.yaml, which has the paper's,\n"
        "or run `make demo` to see the whole pipeline on rendered talking heads."
    )
if not any(corpus.train for corpus in settings.corpora.values()):
    raise WorkflowError("no corpus is trained on: the expression basis needs one, set corpora.NAME.train to true")


def tavce(*arguments):
    """Run a stage now, in this process' environment, and stop where it fails."""
    done = subprocess.run([sys.executable, "-m", "tavce", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise WorkflowError(f"tavce {arguments[0]} failed")
    sys.stderr.write(done.stdout)


def note(words):
    """Tell the user, where there is something to tell."""
    if words:
        sys.stderr.write(f"{words}\n")


if workflow.is_main_process:
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    from tavce.cluster.executor import Executor

    ExecutorPluginRegistry().get_plugin("slurm").executor = Executor
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for what it starts with `&`
    os.environ.update({"TAVCE_SCRATCH": here.scratch} if here.scratch else {})  # jobs inherit it
    note(guard.killed())
    note(guard.other())
    if not guard.other():
        tavce("sheet", "--settings", settings.sections("sheet"))


def start():
    """Note that this Snakemake works here, or stop where another does."""
    busy = guard.enter()
    if busy:
        raise WorkflowError(busy)


def finish(status):
    """Close the invocation's MLflow run, and print what became of the clips."""
    guard.leave()
    tavce("finish", "--status", status)


def sections(stage, name=None):
    """Return what a rule's command may see of the settings; `name` is a wildcard that picks one entry."""
    if name is None:
        return settings.sections(stage)
    return lambda wildcards: settings.sections(stage, wildcards[name])


def deciding(stage, name):
    """Return what decides a rule's results: its settings without those of pace."""
    return lambda wildcards: settings.sections(stage, wildcards[name], pace=False)


def aside(value):
    """Return a param that reruns nothing: Snakemake does not compare params that it derives from `threads`."""
    return lambda wildcards, threads: value(wildcards)


def version(stage):
    """Return a stage's version, so that raising it reruns the stage."""
    return STAGES[stage].version


SHARDS = {name: shard_names(corpus.shards) for name, corpus in settings.corpora.items()}
TRAIN = [name for name, corpus in settings.corpora.items() if corpus.train]
SYNCNET = any(settings.section("quality", name).weights for name in settings.corpora)
LANDMARKS_ONLY = not settings.motion.weights
TRAININGS = settings.trainings  # of renderers: a variant with each of its seeds
OWN_METHODS = [name for name in settings.compared if name not in settings.others]
OTHERS = [name for name in settings.compared if name in settings.others]
NONE = "(?!)"  # as a wildcard's constraint: nothing
EVALUATE = [name for name, corpus in settings.corpora.items() if corpus.evaluate]


def shard_files(pattern, datasets):
    """Return `pattern` for every shard of the datasets."""
    return [pattern.format(dataset=name, shard=shard) for name in datasets for shard in SHARDS[name]]


def of_shards(*patterns):
    """Return an input function: every pattern for every shard of the wildcard dataset."""
    return lambda wildcards: [name for pattern in patterns for name in shard_files(pattern, [wildcards.dataset])]


def rendered(wildcards):
    """Return the listing of a demo shard's videos; other corpora have theirs elsewhere."""
    demo = settings.corpora[wildcards.dataset].reader == "demo"
    return f"results/{wildcards.dataset}/render_demo/{wildcards.shard}.json" if demo else []


def serve(wildcards):
    """Return the option that serves a demo's videos over HTTP."""
    demo = settings.corpora[wildcards.dataset].reader == "demo"
    return ["--serve", f"store/rendered/{wildcards.dataset}"] if demo else []


def metric_of(wildcards):
    """Return the metric that a training of the renderer listens to."""
    return f"results/metric/{TRAININGS[wildcards.variant].metric}/best.pt"


def verdict_on_metric(wildcards):
    """Return the verdict that lets a training of the renderer begin; what it says changes nothing in it."""
    return ancient(f"results/listen/{TRAININGS[wildcards.variant].metric}/gate.json")


def weights_of(section):
    """Return an input function: the listings of the published weights that a section of a dataset's settings needs."""
    return lambda wildcards: [
        ancient(f"results/weights/{name}.json")
        for name in settings.section(section, getattr(wildcards, "dataset", None)).weights
    ]


def weights_of_metric(wildcards):
    """Return the listings of the published weights that a recipe starts from, or its reconstruction loss needs."""
    return [ancient(f"results/weights/{name}.json") for name in settings.metrics[wildcards.recipe].weights]


def weights_of_renderer(wildcards):
    """Return the listings of the published weights that a training starts from, or its losses need."""
    return [ancient(f"results/weights/{name}.json") for name in TRAININGS[wildcards.variant].all_weights]


def weights_of_start(section):
    """Return the listings of the published weights that audio2exp or audio2pose starts from."""
    return [ancient(f"results/weights/{name}.json") for name in getattr(settings, section).start_weights]


def networks_of(wildcards):
    """Return the networks that a method needs; the static frame and the ground truth need none."""
    return networks_of_renderer(wildcards.method) if wildcards.method in TRAININGS else []


def networks_of_variant(wildcards):
    """Return the networks that a model of a training of the renderer is packed from."""
    return networks_of_renderer(wildcards.variant)


def networks_of_renderer(name):
    """Return the networks with which a training of the renderer makes a portrait talk."""
    variant = TRAININGS[name]
    metric = [f"results/metric/{variant.metric}/best.pt"] if variant.attends else []
    return metric + [f"results/renderer/{name}/best.pt", "results/audio2exp/best.pt", "results/audio2pose/best.pt"]


def tavc_metric(wildcards):
    """Return the metric whose similarity is measured, where the settings name one."""
    return f"results/metric/{settings.score.tavc}/best.pt" if settings.score.tavc else []


def judges_fetched():
    """Return the listings of the weights that metrics need, of those that this run fetches for a training or a gate."""
    needed = {name for recipe in settings.metrics.values() for name in recipe.weights}
    needed |= {"syncnet_v2"} if SYNCNET else set()
    return [ancient(f"results/weights/{name}.json") for name in settings.score.JUDGES if name in needed]


def judges():
    """Return what metrics have of the weights and packages that they need: with one more, they are measured anew."""
    fetched = [os.path.basename(listing).removesuffix(".json") for listing in judges_fetched()]
    have = [name for name in settings.score.JUDGES if name in fetched or weights.is_there(name)]
    return [*have, *(["dlib"] if find_spec("dlib") else [])]


def source_of(wildcards):
    """Return the arguments that say where another method's videos come from."""
    other = settings.others[wildcards.method]
    if other.videos is not None:
        return ["--source", other.videos]
    return ["--command", other.command, "--timeout-s", str(other.timeout_s)]


def listing_of(wildcards):
    """Return what changes with the videos of another method's folder; those of a command have none."""
    other = settings.others[wildcards.method]
    return "" if other.videos is None else listing(other.videos, wildcards.dataset)


INDEXES = expand("results/{dataset}/index.parquet", dataset=SHARDS)
TRAIN_INDEXES = expand("results/{dataset}/index.parquet", dataset=TRAIN)
CARDS = expand("results/{dataset}/card.json", dataset=SHARDS)
CLEARED = shard_files(
    "results/{dataset}/clear_raw/{shard}.json",
    [name for name in SHARDS if not settings.section("download", name).keep_raw],
)
METRICS = expand("results/metric/{recipe}/run.json", recipe=settings.metrics)
LISTENED = expand("results/listen/{recipe}/run.json", recipe=settings.metrics)
GENERATORS = [
    "results/audio2exp/run.json",
    "results/audio2pose/run.json",
    *expand("results/renderer/{variant}/run.json", variant=TRAININGS),
]
MODELS = expand("results/models/{variant}.pt", variant=settings.renderers)  # another seed's: ask for its file
FORMS = ["json", "md", "csv", "tex"]
MEASURED_TABLES = [*EVALUATE, *expand("{dataset}_ablations", dataset=EVALUATE)]
TABLES = expand("results/tables/{table}.{form}", table=[*MEASURED_TABLES, "funnel"], form=FORMS)
REPORT = ["results/report"] if EVALUATE else []  # without tables there is nothing to report


wildcard_constraints:
    dataset="|".join(SHARDS),
    shard=r"\d+",
    recipe="|".join(settings.metrics),
    variant="|".join(TRAININGS),
    method="|".join(settings.compared),
    weights=r"\w+",
