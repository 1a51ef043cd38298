"""The demo corpus: talking heads rendered from a public-domain portrait, fetched from a local server."""

from collections.abc import Iterator

from tavce.config.corpora import DemoCorpus
from tavce.corpora.source import Source
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.records import Row


def rows(source: Source[DemoCorpus]) -> Iterator[Row]:
    """Yield the rows of the demo's plan; nothing is rendered yet."""
    corpus = source.corpus
    clips = ClipsPerSpeaker(corpus.clips_train, corpus.clips_val, corpus.clips_test)
    for clip in plan(corpus.speakers, clips, corpus.seed):
        yield Row(
            clip_id=clip.clip_id,
            dataset=source.dataset,
            split=clip.split,
            speaker=f"s{clip.speaker:02d}",
            video_id=clip.clip_id,
            source=f"served:{clip.clip_id}.mp4",
            licence="public domain",
        )
