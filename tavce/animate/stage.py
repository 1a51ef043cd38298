"""`tavce animate`: make a portrait speak.

Reads   a picture, a file with sound, and a talking-head model
Writes  an mp4 (`tavce.animate.api`)
"""

import argparse

from tavce.animate.api import MODEL, animate
from tavce.animate.options import Options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments: the files, and every field of `Options`."""
    parser.add_argument("--portrait", required=True, help="a picture with a face")
    parser.add_argument(
        "--audio", dest="speech", metavar="AUDIO", required=True, help="the speech: a file with sound, video too"
    )
    parser.add_argument("--out", required=True, help="output: the video, .mp4")
    parser.add_argument("--model", default=MODEL, help=f"a talking-head model (default: {MODEL})")
    for name, field in Options.model_fields.items():
        how = {"action": "store_true"} if field.annotation is bool else {}
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, help=field.description, default=argparse.SUPPRESS, **how)


def run(arguments: argparse.Namespace) -> None:
    """Make the video."""
    animate(**vars(arguments))
