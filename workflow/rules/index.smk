"""From finished shards to the index, the counts of every stage, and the gate before learning."""


localrules:
    gate,


rule index:
    input:
        crops=of_shards("results/{dataset}/crop/{shard}.h5"),
        mels=of_shards("results/{dataset}/mel/{shard}.h5"),
        motions=of_shards("results/{dataset}/motion/{shard}.h5"),
        records=of_shards("results/{dataset}/mel/{shard}.jsonl", "results/{dataset}/motion/{shard}.jsonl"),
        measured=of_shards("results/{dataset}/quality/{shard}.jsonl"),
    output:
        index="results/{dataset}/index.parquet",
        records="results/{dataset}/index.jsonl",
    log:
        "logs/index/{dataset}.log",
    conda:
        "../../envs/data.yaml"
    params:
        root="results/{dataset}",
        shards=lambda wildcards: SHARDS[wildcards.dataset],
        settings=sections("index", "dataset"),
        version=version("index"),
    shell:
        "python -m tavce index --settings {params.settings:q} --root {params.root:q} --shards {params.shards:q}"
        " --out {output.index:q} --records {output.records:q} 2> {log:q}"


rule card:
    input:
        index="results/{dataset}/index.parquet",
        records="results/{dataset}/index.jsonl",
    output:
        card="results/{dataset}/card.json",
        text="results/{dataset}/card.md",
        survival="results/{dataset}/survival.tsv",
    log:
        "logs/card/{dataset}.log",
    conda:
        "../../envs/data.yaml"
    params:
        decides=deciding("card", "dataset"),
        settings=aside(sections("card", "dataset")),
        version=version("card"),
        ledger="store/ledger/{dataset}",
        archives="store/archives/archives.json",
    shell:
        "python -m tavce card --settings {params.settings:q} --records {input.records:q} --ledger {params.ledger:q}"
        " --archives {params.archives:q} --card {output.card:q} --text {output.text:q} --survival {output.survival:q} 2> {log:q}"


rule funnel:
    input:
        INDEXES,
    output:
        funnel="results/funnel/funnel.json",
        dropped="results/funnel/dropped.tsv",
    log:
        "logs/funnel.log",
    conda:
        "../../envs/data.yaml"
    params:
        datasets=list(SHARDS),
        version=version("funnel"),
    shell:
        "python -m tavce funnel --datasets {params.datasets:q}"
        " --out {output.funnel:q} --dropped {output.dropped:q} 2> {log:q}"


rule gate:
    input:
        funnel="results/funnel/funnel.json",
    output:
        gate="results/gate/gate.json",
    log:
        "logs/gate.log",
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("gate"),
        train=TRAIN,
        evaluate=EVALUATE,
        version=version("gate"),
    shell:
        "python -m tavce gate --settings {params.settings:q} --funnel {input.funnel:q}"
        " --train {params.train:q} --evaluate {params.evaluate:q} --out {output.gate:q} 2> {log:q}"
