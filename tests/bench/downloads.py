"""How much of its time the download stage waits for the network, and whether more videos at once are faster.

A real mp4 of about 1 MB under 200 names, from a server in a process of its own that is 20 ms away (distant_server.py:
20 ms before the first byte and before every further 64 KB, so about a third of a second a video). The stage is the real
command in this process, after it loaded what it needs, with no pause between two starts at one host.

waiting     the seconds that the server made its answers wait, as it measured them, of the worker seconds there were:
            wall time × concurrency. What is missing to 100 % is yt-dlp, the journal, the look into each file, and turns
            at the interpreter and at the two processors.
speed-up    videos a second at a concurrency, of those at one video at once
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tavce import cli, media
from tavce.config import Settings, load, merge, paper
from tavce.records import Row, read_records, write_lines
from tests.bench.distant_server import ROUND_TRIP_S
from tests.bench.measurement import Measurement

VIDEOS = 200
CONCURRENCY = (1, 2, 4, 8)
GOAL_WAITING = 0.9
GOAL_SPEED_UP = 0.9  # of the concurrency


def measure() -> Iterator[Measurement]:
    """Yield the share of waiting and the speed-up at every concurrency."""
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as name:
        folder = Path(name)
        size = _write_video(folder / "v.mp4")
        yield Measurement("download video", size / 1e6, "MB")
        with _distant(folder / "v.mp4") as url:
            _fetch(folder / "first", url, CONCURRENCY[-1], CONCURRENCY[-1])
            alone = None
            for concurrency in CONCURRENCY:
                videos = VIDEOS * concurrency // CONCURRENCY[-1]
                wall_s, waited_s = _fetch(folder / str(concurrency), url, videos, concurrency)
                alone = alone or videos / wall_s
                where = f"at concurrency {concurrency}"
                goal = GOAL_WAITING if concurrency == CONCURRENCY[-1] else None
                yield Measurement(f"download waiting {where}", waited_s / wall_s / concurrency, "of worker time", goal)
                yield Measurement(f"download speed {where}", videos / wall_s, "videos/s")
                if concurrency > 1:
                    speed_up = videos / wall_s / alone
                    yield Measurement(f"download speed-up {where}", speed_up, "times", GOAL_SPEED_UP * concurrency)
    yield Measurement("download round trip", ROUND_TRIP_S * 1000, "ms")


def _write_video(path: Path) -> int:
    """Write an mp4 of about 1 MB, and return its size in bytes."""
    picture = "testsrc2=s=320x240:r=25:d=1,noise=alls=60:allf=t"
    rate = ("-b:v", "10M", "-minrate", "10M", "-maxrate", "10M", "-bufsize", "1M")
    sources = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=1")
    command = [media.ffmpeg_path(), "-v", "error", "-y", *sources, *rate, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path.stat().st_size


@contextmanager
def _distant(video: Path) -> Iterator[str]:
    """Yield the url of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.distant_server", str(video)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def _fetch(folder: Path, url: str, videos: int, concurrency: int) -> tuple[float, float]:
    """Fetch that many videos; return how long that takes, and how long the server made its answers wait."""
    named = {"dataset": "bench", "split": "train", "speaker": "s"}
    sources = {f"v{n}": f"{url}/v{n}.mp4" for n in range(videos)}
    rows = [Row(clip_id=name, video_id=name, source=source, **named) for name, source in sources.items()]
    write_lines(folder / "rows.jsonl", rows)
    changes = {"concurrency": concurrency, "per_host_s": 0, "reserve_gb": 0}
    settings: Settings = load(merge(paper().model_dump(mode="json"), {"download": changes}))
    places = [word for name in ("raw", "quarantine", "ledger", "hosts") for word in (f"--{name}", str(folder / name))]
    files = ["--rows", str(folder / "rows.jsonl"), "--records", str(folder / "records.jsonl")]
    before_s, began = _waited_s(url), time.perf_counter()
    assert cli.main(["download", "--settings", settings.sections("download"), *files, *places]) == 0
    wall_s = time.perf_counter() - began
    lost = [record.detail for record in read_records(folder / "records.jsonl") if not record.kept]
    assert not lost, lost[0]
    return wall_s, _waited_s(url) - before_s


def _waited_s(url: str) -> float:
    with urlopen(f"{url}/waited") as answer:
        return float(answer.read())
