"""The demo corpus: talking heads rendered from a public-domain portrait, fetched from a local server."""

from collections.abc import Iterator

from tavce.config.data import DemoCorpus
from tavce.demo.render import plan
from tavce.records import Row


def rows(dataset: str, corpus: DemoCorpus, rate_hz: int) -> Iterator[Row]:
    """Yield the rows of the demo's plan; nothing is rendered yet."""
    for clip in plan(corpus.clips, corpus.seed):
        yield Row(
            clip_id=clip.clip_id,
            dataset=dataset,
            split=clip.split,
            speaker=clip.speaker,
            video_id=clip.clip_id,
            source=f"served:{clip.clip_id}.mp4",
            licence="public domain",
        )
