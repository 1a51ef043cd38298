"""`tavce STAGE …`: one subcommand a stage; a stage's module is imported only when it is chosen."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from tavce.config import SettingsError, stage_sections
from tavce.records import InputError
from tavce.stages import STAGES

SETTINGS_HELP = "the stage's own sections as JSON, or a .yaml laid over the paper's settings (default: the paper's)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; return 0, or 2 with one clear sentence when the input or a setting is wrong."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    listing = "\n".join(f"  {name:<13} {stage.help}" for name, stage in STAGES.items())
    parser = argparse.ArgumentParser(
        prog="tavce",
        description=f"stages:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`tavce STAGE --help` lists a stage's arguments",
    )
    parser.add_argument("stage", metavar="STAGE", choices=[*STAGES])
    chosen = parser.parse_args(arguments[:1]).stage
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    module = importlib.import_module(STAGES[chosen].module)
    stage_parser = argparse.ArgumentParser(prog=f"tavce {chosen}", description=STAGES[chosen].help)
    if STAGES[chosen].sections:
        stage_parser.add_argument("--settings", help=SETTINGS_HELP)
    module.arguments(stage_parser)
    options = stage_parser.parse_args(arguments[1:])
    try:
        if STAGES[chosen].sections:
            options.settings = stage_sections(options.settings, chosen, getattr(options, "name", None))
        module.run(options)
    except (SettingsError, InputError) as error:
        sys.stderr.write(f"tavce {chosen}: {error}\n")
        return 2
    return 0
