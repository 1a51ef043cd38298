"""Stop before the generator learns from a metric that does not listen, where its gate says so.

Reads   run.json of `listen`
Writes  gate.json: the verdict
"""

import argparse
import logging

from tavce.files import input_file, read_json, write_json
from tavce.records import InputError

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--listened", type=input_file, required=True, help="run.json of listen")
    parser.add_argument("--out", required=True)


def run(arguments: argparse.Namespace) -> None:
    """Pass the verdict on.

    Raises:
        InputError: the metric is deaf, and its gate is `stop`; says what to do.
    """
    listened = read_json(arguments.listened)
    verdict = listened["listening"]["verdict"]
    if verdict["deaf"] and verdict["gate"] == "stop":
        raise InputError(
            f"{verdict['words']}. Nothing is trained on it: let renderers use another recipe (`recommended`), train it "
            f"longer, or set listening.gates.{listened['name']}: warn. {arguments.listened} has what it hears."
        )
    if verdict["deaf"] and verdict["gate"] == "warn":
        log.warning("%s; the generator learns from it all the same (listening.gates)", verdict["words"])
    write_json(arguments.out, verdict)
