"""Partial reruns: the two commands that stand in front of Snakemake's, and know it."""
