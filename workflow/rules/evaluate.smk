"""From trained networks to tables and a report: one job a dataset and method."""

import json


rule synthesise:
    input:
        index="results/{dataset}/index.parquet",
        fates="results/{dataset}/index.jsonl",
        gate="results/gate/gate.json",
        networks=networks_of,
    output:
        videos=directory("results/synthesise/{dataset}/{method}"),
        records="results/synthesise/{dataset}/{method}.jsonl",
    log:
        "logs/synthesise/{dataset}/{method}.log",
    benchmark:
        "benchmarks/synthesise/{dataset}/{method}.tsv"
    wildcard_constraints:
        method="|".join(OWN_METHODS),
    conda:
        "../../envs/train.yaml"
    threads: 4
    params:
        settings=sections("synthesise"),
        version=version("synthesise"),
    shell:
        "python -m tavce synthesise --settings {params.settings:q} --threads {threads}"
        " --method {wildcards.method:q} --index {input.index:q} --fates {input.fates:q}"
        " --networks {input.networks:q}"
        " --videos {output.videos:q} --records {output.records:q} 2> {log:q}"


rule gather:
    input:
        index="results/{dataset}/index.parquet",
        fates="results/{dataset}/index.jsonl",
        gate="results/gate/gate.json",
    output:
        videos=directory("results/synthesise/{dataset}/{method}"),
        records="results/synthesise/{dataset}/{method}.jsonl",
    log:
        "logs/gather/{dataset}/{method}.log",
    benchmark:
        "benchmarks/gather/{dataset}/{method}.tsv"
    wildcard_constraints:
        method="|".join(OTHERS) or NONE,
    conda:
        "../../envs/train.yaml"
    threads: 4
    params:
        settings=sections("gather"),
        source=source_of,
        listing=listing_of,
        version=version("gather"),
    shell:
        "python -m tavce gather --settings {params.settings:q}"
        " --method {wildcards.method:q} --dataset {wildcards.dataset:q}"
        " --index {input.index:q} --fates {input.fates:q} {params.source:q}"
        " --videos {output.videos:q} --records {output.records:q} 2> {log:q}"


rule score:
    input:
        index="results/{dataset}/index.parquet",
        records="results/synthesise/{dataset}/{method}.jsonl",
        videos="results/synthesise/{dataset}/{method}",
        tavc=tavc_metric,
        judges=judges_fetched(),
    output:
        scores="results/score/{dataset}/{method}.parquet",
        frames="results/score/{dataset}/{method}.frames.parquet",
        features="results/score/{dataset}/{method}.features.npz",
        run="results/score/{dataset}/{method}.run.json",
    log:
        "logs/score/{dataset}/{method}.log",
    benchmark:
        "benchmarks/score/{dataset}/{method}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 4
    params:
        settings=sections("score"),
        judges=judges(),
        version=version("score"),
    shell:
        "python -m tavce score --settings {params.settings:q} --threads {threads} --dataset {wildcards.dataset:q}"
        " --method {wildcards.method:q} --index {input.index:q} --records {input.records:q}"
        " --videos {input.videos:q} --tavc {input.tavc:q} --scores {output.scores:q} --frames {output.frames:q}"
        " --features {output.features:q} --run-json {output.run:q} 2> {log:q}"


rule check_metrics:
    input:
        index="results/{dataset}/index.parquet",
        records="results/synthesise/{dataset}/ground_truth.jsonl",
        videos="results/synthesise/{dataset}/ground_truth",
        tavc=tavc_metric,
        judges=judges_fetched(),
    output:
        found="results/selftest/{dataset}.json",
        markdown="results/selftest/{dataset}.md",
    log:
        "logs/selftest/{dataset}.log",
    benchmark:
        "benchmarks/selftest/{dataset}.tsv"
    conda:
        "../../envs/train.yaml"
    params:
        settings=sections("selftest"),
        judges=judges(),
        version=version("selftest"),
    shell:
        "python -m tavce selftest --settings {params.settings:q} --threads {threads} --dataset {wildcards.dataset:q}"
        " --index {input.index:q} --records {input.records:q} --videos {input.videos:q} --tavc {input.tavc:q}"
        " --json {output.found:q} --markdown {output.markdown:q} 2> {log:q}"


rule write_tables:
    input:
        scores=expand("results/score/{{dataset}}/{method}.parquet", method=settings.compared),
        features=expand("results/score/{{dataset}}/{method}.features.npz", method=settings.compared),
        runs=expand("results/score/{{dataset}}/{method}.run.json", method=settings.compared),
        checked="results/selftest/{dataset}.json",
    output:
        comparison=expand("results/tables/{{dataset}}.{form}", form=FORMS),
        ablations=expand("results/tables/{{dataset}}_ablations.{form}", form=FORMS),
    log:
        "logs/tables/{dataset}.log",
    conda:
        "../../envs/train.yaml"
    params:
        settings=sections("tables"),
        labels=json.dumps(settings.methods, sort_keys=False),
        ablations=settings.ablations,
        version=version("tables"),
    shell:
        "python -m tavce tables --settings {params.settings:q} --dataset {wildcards.dataset:q}"
        " --scores {input.scores:q} --labels {params.labels:q} --ablations {params.ablations:q}"
        " --comparison {output.comparison:q} --ablation-table {output.ablations:q} 2> {log:q}"


localrules:
    write_funnel_table,


rule write_funnel_table:
    input:
        funnel="results/funnel/funnel.json",
    output:
        table=expand("results/tables/funnel.{form}", form=FORMS),
    log:
        "logs/tables/funnel.log",
    conda:
        "../../envs/data.yaml"
    params:
        version=version("funnel_table"),
    shell:
        "python -m tavce funnel_table --funnel {input.funnel:q} --out {output.table:q} 2> {log:q}"


rule report:
    input:
        tables=expand("results/tables/{table}.json", table=MEASURED_TABLES),
        funnel="results/funnel/funnel.json",
        runs=METRICS + GENERATORS,
        listened=LISTENED,
        cards=CARDS,
        checked=expand("results/selftest/{dataset}.json", dataset=EVALUATE),
        scores=expand("results/score/{dataset}/{method}.parquet", dataset=EVALUATE, method=settings.compared),
        frames=expand("results/score/{dataset}/{method}.frames.parquet", dataset=EVALUATE, method=settings.compared),
        videos=expand("results/synthesise/{dataset}/{method}", dataset=EVALUATE, method=settings.methods),
    output:
        page=directory("results/report"),
    log:
        "logs/report.log",
    conda:
        "../../envs/train.yaml"
    params:
        settings=sections("report"),
        labels=json.dumps(settings.methods, sort_keys=False),
        videos=lambda wildcards, input: os.path.dirname(os.path.dirname(input.videos[0])),
        version=version("report"),
    shell:
        "python -m tavce report --settings {params.settings:q} --tables {input.tables:q} --funnel {input.funnel:q}"
        " --runs {input.runs:q} --listened {input.listened:q} --cards {input.cards:q} --selftests {input.checked:q}"
        " --scores {input.scores:q} --labels {params.labels:q}"
        " --videos-root {params.videos:q} --out {output.page:q} 2> {log:q}"
