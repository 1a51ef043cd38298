"""The learning stages. `last.ckpt` lies beside the outputs, undeclared: a killed job goes on where it was."""


localrules:
    fetch_weights,


rule fetch_weights:
    # Among the first jobs, so that what is missing is known before days of data stages, and where the network is.
    output:
        listing="results/weights/{weights}.json",
    log:
        "logs/weights/{weights}.log",
    priority: 3
    conda:
        "../../envs/train.yaml"
    params:
        version=version("fetch"),
    shell:
        "python -m tavce fetch {wildcards.weights:q} --listing {output.listing:q} 2> {log:q}"


rule train_metric:
    input:
        indexes=TRAIN_INDEXES,
        gate="results/gate/gate.json",
        weights=weights_of_metric,
    output:
        model="results/metric/{recipe}/best.pt",
        run="results/metric/{recipe}/run.json",
        history="results/metric/{recipe}/history.jsonl",
    log:
        "logs/metric/{recipe}.log",
    benchmark:
        "benchmarks/metric/{recipe}.tsv"
    priority: 1  # on the longest path to the tables
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        launcher="",  # a cluster's profile puts srun here
    params:
        settings=sections("metric", "recipe"),
        version=version("metric"),
        folder=subpath(output.run, parent=True),
    shell:
        "{resources.launcher} python -m tavce metric --name {wildcards.recipe:q} --settings {params.settings:q}"
        " --threads {threads} --indexes {input.indexes:q} --folder {params.folder:q} 2> {log:q}"


rule listen:
    input:
        indexes=INDEXES,
        metric="results/metric/{recipe}/best.pt",
    output:
        run="results/listen/{recipe}/run.json",
        figure="results/listen/{recipe}/listening.png",
    log:
        "logs/listen/{recipe}.log",
    benchmark:
        "benchmarks/listen/{recipe}.tsv"
    priority: 1
    conda:
        "../../envs/train.yaml"
    threads: 4
    params:
        settings=sections("listen"),
        version=version("listen"),
        folder=subpath(output.run, parent=True),
    shell:
        "python -m tavce listen --name {wildcards.recipe:q} --settings {params.settings:q} --threads {threads}"
        " --metric {input.metric:q} --indexes {input.indexes:q} --folder {params.folder:q} 2> {log:q}"


localrules:
    listening_gate,


rule listening_gate:
    input:
        listened="results/listen/{recipe}/run.json",
    output:
        verdict="results/listen/{recipe}/gate.json",
    log:
        "logs/listening_gate/{recipe}.log",
    priority: 1
    conda:
        "../../envs/data.yaml"
    params:
        version=version("listening_gate"),
    shell:
        "python -m tavce listening_gate --listened {input.listened:q} --out {output.verdict:q} 2> {log:q}"


rule train_audio2exp:
    input:
        indexes=TRAIN_INDEXES,
        gate="results/gate/gate.json",
        basis="results/basis/basis.npz",
        weights=weights_of_start("audio2exp"),
    output:
        model="results/audio2exp/best.pt",
        run="results/audio2exp/run.json",
        history="results/audio2exp/history.jsonl",
    log:
        "logs/audio2exp.log",
    benchmark:
        "benchmarks/audio2exp.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        launcher="",  # a cluster's profile puts srun here
    params:
        settings=sections("audio2exp"),
        version=version("audio2exp"),
        folder=subpath(output.run, parent=True),
    shell:
        "{resources.launcher} python -m tavce audio2exp --settings {params.settings:q} --threads {threads}"
        " --indexes {input.indexes:q} --basis {input.basis:q} --folder {params.folder:q} 2> {log:q}"


rule train_audio2pose:
    input:
        indexes=TRAIN_INDEXES,
        gate="results/gate/gate.json",
        weights=weights_of_start("audio2pose"),
    output:
        model="results/audio2pose/best.pt",
        run="results/audio2pose/run.json",
        history="results/audio2pose/history.jsonl",
    log:
        "logs/audio2pose.log",
    benchmark:
        "benchmarks/audio2pose.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        launcher="",  # a cluster's profile puts srun here
    params:
        settings=sections("audio2pose"),
        version=version("audio2pose"),
        folder=subpath(output.run, parent=True),
    shell:
        "{resources.launcher} python -m tavce audio2pose --settings {params.settings:q} --threads {threads}"
        " --indexes {input.indexes:q} --folder {params.folder:q} 2> {log:q}"


rule train_renderer:
    input:
        indexes=TRAIN_INDEXES,
        gate="results/gate/gate.json",
        metric=metric_of,
        verdict=verdict_on_metric,
        weights=weights_of_renderer,
    output:
        model="results/renderer/{variant}/best.pt",
        run="results/renderer/{variant}/run.json",
        history="results/renderer/{variant}/history.jsonl",
    log:
        "logs/renderer/{variant}.log",
    benchmark:
        "benchmarks/renderer/{variant}.tsv"
    priority: 2  # on the longest path to the tables
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        launcher="",  # a cluster's profile puts srun here
    params:
        settings=sections("renderer", "variant"),
        version=version("renderer"),
        folder=subpath(output.run, parent=True),
    shell:
        "{resources.launcher} python -m tavce renderer --name {wildcards.variant:q} --settings {params.settings:q}"
        " --threads {threads} --indexes {input.indexes:q} --metric {input.metric:q}"
        " --folder {params.folder:q} 2> {log:q}"
