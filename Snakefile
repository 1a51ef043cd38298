"""TAVCE, from videos to the paper's tables. `snakemake -n` shows what would run; README.md says how."""

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.basedir}/workflow/config/paper.yaml"


# Only with `--software-deployment-method apptainer`; envs/tavce.def says how it is built.
container: f"{workflow.basedir}/envs/tavce.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/evaluate.smk"


rule all:
    default_target: True
    input:
        REPORT,
        TABLES,
        METRICS,
        LISTENED,
        GENERATORS,
        MODELS,
        CARDS,
        CLEARED,


rule data:
    input:
        INDEXES,
        CARDS,
        CLEARED,
        "results/funnel/funnel.json",


rule metric:
    input:
        METRICS,
        LISTENED,


rule generator:
    input:
        GENERATORS,
        MODELS,


rule tables:
    input:
        TABLES,


onstart:
    start()


onsuccess:
    finish("FINISHED")


onerror:
    finish("FAILED")
