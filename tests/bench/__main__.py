"""`python -m tests.bench [NAME...]`: measure, and write one JSON object a line (`make bench`).

Names: data, long, mel, samples, frames, download, dry-run, dag, slurm, correlation, metric-step, archives, sheet,
faces, overfit, render, gpu, score; none = all. Exit status 1 where a goal is missed.
"""

import argparse
import importlib
import logging
import os
import sys

BENCHES = {
    "data": "data_stages",
    "long": "long_clip",
    "mel": "mel_speed",
    "samples": "samples",
    "frames": "frame_samples",
    "download": "downloads",
    "dry-run": "dry_run",
    "dag": "dag",
    "slurm": "slurm_jobs",
    "correlation": "correlation_loss",
    "metric-step": "metric_step",
    "archives": "archives_speed",
    "sheet": "sheet",
    "faces": "faces",
    "overfit": "overfit",
    "render": "render_speed",
    "gpu": "gpu_step",
    "score": "score_speed",
}


def main() -> int:
    """Run the chosen benches."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)}; none = all")
    names = parser.parse_args().names or [*BENCHES]
    if unknown := set(names) - set(BENCHES):
        parser.error(f"no bench {sorted(unknown)}: choose from {[*BENCHES]}")
    os.environ["OMP_NUM_THREADS"] = "1"
    logging.basicConfig(level=logging.WARNING)
    missed = False
    for name in names:
        for measurement in importlib.import_module(f"tests.bench.{BENCHES[name]}").measure():
            sys.stdout.write(measurement.line() + "\n")
            sys.stdout.flush()
            missed |= not measurement.reached
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
