"""The table of stages: where each lives, which settings it may see, and the version of what it computes.

Raise a stage's version by hand when its results change: Snakemake then reruns it and what follows.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One command of the pipeline."""

    module: str
    help: str
    sections: tuple[str, ...] = ()
    version: int = 1


PLANNED = ("corpora", "download", "detect", "quality", "motion", "window", "metrics", "listening")
PLANNED += ("audio2exp", "audio2pose", "renderers", "others", "methods")
GIVEN = ("window", "mel", "synthesise")
PACKED = ("window", "mel", "detect", "crop", "motion", "synthesise")
NETWORKS = ("metrics", "audio2exp", "audio2pose", "renderers")
CONVERT = (*PACKED, "audio2exp", "audio2pose", "renderers")
SCORE = ("window", "mel", "detect", "score", "synthesise")
CARD = ("corpus", "download", "trim", "detect", "crop", "quality", "duplicates")

STAGES = {
    "sheet": Stage("tavce.sheet.stage", "write the shard tables of the corpora", ("corpora", "leaks", "trim"), 2),
    "render_demo": Stage("tavce.demo.stage", "render a shard of the demo's videos", ("corpus",)),
    "download": Stage("tavce.data.download", "fetch the videos of a shard", ("download",), version=2),
    "trim": Stage("tavce.data.trim", "cut the clips of a shard", ("trim",), version=2),
    "clear_raw": Stage("tavce.data.clear_raw", "remove the downloads of a shard whose clips are cut"),
    "detect": Stage("tavce.data.detect", "find and follow the face in every clip", ("detect", "trim"), version=3),
    "crop": Stage("tavce.data.crop", "cut the face out of every clip", ("trim", "crop"), version=3),
    "quality": Stage("tavce.data.quality", "measure every clip and drop what passes a threshold", ("quality",)),
    "mel": Stage("tavce.data.mel", "compute log-mel spectrograms", ("mel", "trim"), version=3),
    "basis": Stage("tavce.data.basis", "fit the expression basis on the training speakers", ("motion",), version=2),
    "motion": Stage("tavce.data.motion", "turn crops into motion coefficients", ("motion",), version=3),
    "index": Stage("tavce.data.index", "list a dataset's finished clips", ("duplicates",), version=3),
    "card": Stage("tavce.card.stage", "write a dataset's card", CARD),
    "funnel": Stage("tavce.data.funnel", "count kept and dropped clips by stage and reason"),
    "contact_sheet": Stage("tavce.data.contact_sheet", "draw clips with their faces and crops, to look at"),
    "archives": Stage("tavce.archives.stage", "verify archives of corpora that you have, and unpack them"),
    "fetch": Stage("tavce.weights", "download published weights and check their digest"),
    "gate": Stage("tavce.data.gate", "stop when too few clips are left", ("gate",)),
    "metric": Stage("tavce.metric.train", "train the correlation metric", ("window", "metric"), version=2),
    "listen": Stage("tavce.metric.listen", "ask a trained metric what it hears", ("window", "listening")),
    "listening_gate": Stage("tavce.metric.gate", "stop where a metric that does not listen would be used"),
    "sync": Stage("tavce.metric.sync", "tell the offset of sound and picture by a trained metric", ("window",)),
    "audio2exp": Stage("tavce.generator.audio2exp", "train sound to expression", ("window", "audio2exp")),
    "audio2pose": Stage("tavce.generator.audio2pose", "train sound to pose", ("window", "audio2pose"), 2),
    "renderer": Stage("tavce.generator.renderer", "train the face renderer", ("window", "renderer"), 2),
    "convert": Stage("tavce.generator.convert", "turn SadTalker's files into a talking-head model, or back", CONVERT),
    "networks": Stage("tavce.generator.networks", "count the parameters of every network as JSON", NETWORKS),
    "pack": Stage("tavce.generator.pack", "pack trained networks into one file that makes a portrait talk", PACKED),
    "synthesise": Stage("tavce.methods.synthesise", "make a method's test videos", GIVEN, 3),
    "inputs": Stage("tavce.methods.inputs", "write portrait and sound of test clips, for another method", GIVEN),
    "gather": Stage("tavce.methods.gather", "gather another method's test videos", (*GIVEN, "score")),
    "animate": Stage("tavce.animate.stage", "make a portrait speak"),
    "score": Stage("tavce.measure.score", "measure the videos of a method", SCORE, version=3),
    "selftest": Stage("tavce.selftest.stage", "ask every metric about clips whose answer is known", SCORE),
    "tables": Stage("tavce.evaluate.tables", "write a dataset's tables", ("tables", "quoted"), 3),
    "funnel_table": Stage("tavce.evaluate.funnel_table", "write the funnel as a table"),
    "explain": Stage("tavce.evaluate.explain", "say where a number of a table comes from"),
    "report": Stage("tavce.report.report", "write the report page", ("trim", "report"), 5),
    "slurm_check": Stage("tavce.cluster.check", "say what on this cluster does not fit profiles/slurm"),
    "redo": Stage("tavce.rerun.redo", "do one video, the drops of one reason or one dataset anew"),
    "why": Stage("tavce.rerun.why", "say in words what a run would do, and why"),
    "plan": Stage("tavce.plan.stage", "say what a run would take", PLANNED),
    "finish": Stage("tavce.training.finish", "close the invocation's MLflow run and print the funnel"),
}

SHARD_STAGES = ("download", "trim", "detect", "crop", "quality", "mel", "motion")
RESULT_FOLDERS = (*STAGES, "leaks", "mlflow", "models", "tracking", "weights")
