"""The JavaScript runtime that YouTube's videos need: deno, and the scripts of yt-dlp-ejs that it runs.

Both come with pip (`yt-dlp[default,deno]`). Without them YouTube gives yt-dlp some formats only, or none: yt-dlp#15012.
"""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

YT_DLP_SAYS = "No supported JavaScript runtime could be found"  # where this module says what to do
REMEDY = "run `make setup`, or `pip install 'yt-dlp[default,deno]'`"


def options() -> dict[str, dict[str, dict[str, str]]]:
    """Return yt-dlp's option for deno: that of this Python's environment, else the one in PATH, else none."""
    path = _deno()
    return {"js_runtimes": {"deno": {"path": path}}} if path else {"js_runtimes": {}}


def missing() -> str | None:
    """Return what YouTube's videos lack on this machine, and the remedy; None where nothing does."""
    lacking = [] if _deno() else ["deno"]
    lacking += [] if importlib.util.find_spec("yt_dlp_ejs") else ["yt-dlp-ejs"]
    if not lacking:
        return None
    return f"without {' and '.join(lacking)}, YouTube gives some formats only, or none: {REMEDY}"


def _deno() -> str | None:
    here = Path(sysconfig.get_path("scripts"), "deno")
    return str(here) if here.is_file() else shutil.which("deno")
