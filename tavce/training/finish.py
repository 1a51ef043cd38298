"""Close an invocation: send what MLflow has not got yet, end the parent run, print the funnel."""

import argparse
import logging
import sys
from pathlib import Path

from tavce.data.counts import table
from tavce.files import read_json
from tavce.training import mlflow_store

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--status", choices=["FINISHED", "FAILED"], required=True)
    parser.add_argument("--results", default="results", help="folder of results")


def run(arguments: argparse.Namespace) -> None:
    """End the invocation's parent run, if it has one, and print what became of the clips."""
    results = Path(arguments.results)
    waiting = [path for path in results.rglob("mlflow.json") if "pending" in read_json(path)]
    left = [path for path in waiting if not mlflow_store.Sender(path.parent).send_pending()]
    if left:
        log.warning("%d runs are still to be sent: `python -m tavce finish --status FINISHED` tries again", len(left))
    if mlflow_store.parent_file().is_file() and not left:
        close_parent(results, arguments.status)
    funnel = results / "funnel" / "funnel.json"
    if funnel.is_file():
        sys.stdout.write(f"\n{table(read_json(funnel))}\n")
        sys.stdout.write(f"every stage accounts for every clip of its sheet; lost ones: {funnel.parent}/dropped.tsv\n")
    if arguments.status == "FINISHED":
        pages = [*sorted((results / "tables").glob("*.md")), results / "report" / "index.html"]
        sys.stdout.write("".join(f"see {path}\n" for path in pages if path.is_file()))


def close_parent(results: Path, status: str) -> None:
    """Attach funnel and tables to the parent run and end it."""
    client = mlflow_store.connect()
    run_id = read_json(mlflow_store.parent_file())["run_id"]
    for path in (results / "funnel" / "funnel.json", *sorted((results / "tables").glob("*"))):
        if path.is_file():
            client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, status)
