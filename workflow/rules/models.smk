"""What is handed on: one file a variant that makes a portrait talk."""


localrules:
    pack_model,


rule pack_model:
    input:
        networks=networks_of_variant,
        basis="results/basis/basis.npz",
    output:
        model="results/models/{variant}.pt",
    log:
        "logs/models/{variant}.log",
    conda:
        "../../envs/train.yaml"
    params:
        settings=sections("pack"),
        version=version("pack"),
    shell:
        "python -m tavce pack --name {wildcards.variant:q} --settings {params.settings:q}"
        " --networks {input.networks:q} --basis {input.basis:q} --out {output.model:q} 2> {log:q}"
