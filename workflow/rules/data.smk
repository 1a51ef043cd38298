"""From videos to motion coefficients: one job a shard and stage, one record a clip and stage."""


rule render_demo:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
    output:
        listing="results/{dataset}/render_demo/{shard}.json",
    log:
        "logs/render_demo/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/render_demo/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("render_demo", "dataset"),
        version=version("render_demo"),
        videos="store/rendered/{dataset}",
    shell:
        "python -m tavce render_demo --settings {params.settings:q} --rows {input.rows:q}"
        " --videos {params.videos:q} --listing {output.listing:q} 2> {log:q}"


rule download:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        rendered=rendered,
    output:
        records="results/{dataset}/download/{shard}.jsonl",
    log:
        "logs/download/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/download/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        downloads=1,
    params:
        settings=aside(sections("download", "dataset")),
        decides=deciding("download", "dataset"),
        version=version("download"),
        raw="store/raw/{dataset}",
        quarantine="store/quarantine/{dataset}",
        ledger="store/ledger/{dataset}/{shard}.jsonl",
        hosts="store/hosts",
        serve=serve,
    shell:
        "python -m tavce download --settings {params.settings:q} --rows {input.rows:q}"
        " --raw {params.raw:q} --quarantine {params.quarantine:q}"
        " --ledger {params.ledger:q} --hosts {params.hosts:q} {params.serve:q}"
        " --records {output.records:q} 2> {log:q}"


rule trim:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/download/{shard}.jsonl",
    output:
        clips="results/{dataset}/trim/{shard}.h5",
        records="results/{dataset}/trim/{shard}.jsonl",
    log:
        "logs/trim/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/trim/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("trim", "dataset"),
        version=version("trim"),
    shell:
        "python -m tavce trim --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q}"
        " --out {output.clips:q} --records {output.records:q} 2> {log:q}"


localrules:
    clear_raw,


rule clear_raw:
    # Only where `download.keep_raw` is false: the videos of a shard go when all its clips are cut.
    input:
        downloaded="results/{dataset}/download/{shard}.jsonl",
        trimmed="results/{dataset}/trim/{shard}.jsonl",
    output:
        listing="results/{dataset}/clear_raw/{shard}.json",
    log:
        "logs/clear_raw/{dataset}/{shard}.log",
    conda:
        "../../envs/data.yaml"
    params:
        version=version("clear_raw"),
        raw="store/raw/{dataset}",
    shell:
        "python -m tavce clear_raw --downloaded {input.downloaded:q} --trimmed {input.trimmed:q} --raw {params.raw:q}"
        " --listing {output.listing:q} 2> {log:q}"


rule detect:
    # The back-end face_alignment needs torch, which envs/data.yaml has not: run it from .venv or in the image.
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/trim/{shard}.jsonl",
        clips="results/{dataset}/trim/{shard}.h5",
        weights=weights_of("detect"),
    output:
        faces="results/{dataset}/detect/{shard}.h5",
        records="results/{dataset}/detect/{shard}.jsonl",
    log:
        "logs/detect/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/detect/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("detect", "dataset"),
        version=version("detect"),
    shell:
        "python -m tavce detect --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q} --clips {input.clips:q}"
        " --out {output.faces:q} --records {output.records:q} 2> {log:q}"


rule crop:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/detect/{shard}.jsonl",
        clips="results/{dataset}/trim/{shard}.h5",
        faces="results/{dataset}/detect/{shard}.h5",
    output:
        crops="results/{dataset}/crop/{shard}.h5",
        records="results/{dataset}/crop/{shard}.jsonl",
    log:
        "logs/crop/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/crop/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("crop", "dataset"),
        version=version("crop"),
    shell:
        "python -m tavce crop --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q}"
        " --clips {input.clips:q} --faces {input.faces:q}"
        " --out {output.crops:q} --records {output.records:q} 2> {log:q}"


rule quality:
    # Apart from `detect` and `crop`, so that a changed threshold finds and crops no face again.
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/crop/{shard}.jsonl",
        detected="results/{dataset}/detect/{shard}.jsonl",
        clips="results/{dataset}/trim/{shard}.h5",
        crops="results/{dataset}/crop/{shard}.h5",
        weights=weights_of("quality"),
    output:
        records="results/{dataset}/quality/{shard}.jsonl",
    log:
        "logs/quality/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/quality/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml" if not SYNCNET else "../../envs/train.yaml"
    params:
        settings=sections("quality", "dataset"),
        version=version("quality"),
    shell:
        "python -m tavce quality --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q} --detected {input.detected:q}"
        " --clips {input.clips:q} --crops {input.crops:q} --records {output.records:q} 2> {log:q}"


rule mel:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/quality/{shard}.jsonl",
        clips="results/{dataset}/trim/{shard}.h5",
    output:
        mels="results/{dataset}/mel/{shard}.h5",
        records="results/{dataset}/mel/{shard}.jsonl",
    log:
        "logs/mel/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/mel/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=sections("mel", "dataset"),
        version=version("mel"),
    shell:
        "python -m tavce mel --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q} --clips {input.clips:q}"
        " --out {output.mels:q} --records {output.records:q} 2> {log:q}"


localrules:
    basis_origin,


rule basis_origin:
    # Snakemake does not compare the params of a job below a stale one, and `ancient` passes no staleness on:
    # this file, which depends on no clip, is what tells `basis` that it must be fitted anew.
    output:
        origin="results/basis/origin.txt",
    log:
        "logs/basis_origin.log",
    conda:
        "../../envs/data.yaml"
    params:
        settings=[settings.sections(stage, name) for name in TRAIN for stage in ("trim", "detect", "crop", "quality")],
        basis=sections("basis"),
        version=[version(stage) for stage in ("trim", "detect", "crop", "quality", "basis")],
        shards=[f"{name} {len(SHARDS[name])}" for name in TRAIN],
    shell:
        "printf '%s\\n' {params.settings:q} {params.basis:q} {params.version:q} {params.shards:q} > {output.origin:q} 2> {log:q}"


rule basis:
    # A frozen artefact: new clips are projected on it, changed settings upstream fit it anew.
    input:
        origin="results/basis/origin.txt",
        crops=ancient(shard_files("results/{dataset}/crop/{shard}.h5", TRAIN)),
        records=ancient(shard_files("results/{dataset}/quality/{shard}.jsonl", TRAIN)),
        weights=weights_of("motion"),
    output:
        basis="results/basis/basis.npz",
    log:
        "logs/basis.log",
    conda:
        "../../envs/data.yaml" if LANDMARKS_ONLY else "../../envs/train.yaml"
    params:
        settings=sections("basis"),
        version=version("basis"),
    shell:
        "python -m tavce basis --settings {params.settings:q}"
        " --crops {input.crops:q} --records {input.records:q} --out {output.basis:q} 2> {log:q}"


rule motion:
    input:
        rows="results/{dataset}/sheet/{shard}.jsonl",
        before="results/{dataset}/quality/{shard}.jsonl",
        crops="results/{dataset}/crop/{shard}.h5",
        basis="results/basis/basis.npz",
        weights=weights_of("motion"),
    output:
        motion="results/{dataset}/motion/{shard}.h5",
        records="results/{dataset}/motion/{shard}.jsonl",
    log:
        "logs/motion/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/motion/{dataset}/{shard}.tsv"
    conda:
        "../../envs/data.yaml" if LANDMARKS_ONLY else "../../envs/train.yaml"
    params:
        settings=sections("motion"),
        version=version("motion"),
    shell:
        "python -m tavce motion --settings {params.settings:q} --threads {threads}"
        " --rows {input.rows:q} --before {input.before:q} --crops {input.crops:q}"
        " --basis {input.basis:q} --out {output.motion:q} --records {output.records:q} 2> {log:q}"
