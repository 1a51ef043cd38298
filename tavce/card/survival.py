"""How much of what a corpus annotates exists today: every video, and what became of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tavce.data.counts import ShardRecords
from tavce.records import ClipRecord

EXISTS = "exists"
COLUMNS = "video_id\tsource\toutcome\tclips\tasked\tdetail"


@dataclass(frozen=True)
class Asked:
    """What the ledger says of the last time a video was asked for."""

    date: str
    yt_dlp: str


@dataclass
class Video:
    """One video of a corpus."""

    source: str
    outcome: str
    detail: str
    clips: int = 0


class Survival:
    """The videos of a corpus; `asked` has those that were asked for, by id."""

    def __init__(self, asked: Mapping[str, Asked]):
        self._asked = asked
        self._videos: dict[str, Video] = {}

    def add(self, shard: ShardRecords) -> None:
        """Take the videos of a shard; rows that the sheet refuses do not count."""
        for row, record in zip(shard.rows, shard.records["download"], strict=True):
            if row.reason is None:
                video = Video(row.source, _outcome(record), record.detail)
                self._videos.setdefault(row.video_id, video).clips += 1

    def as_json(self) -> dict[str, object]:
        """Return videos and clips by outcome, the shares that exist, and when and by which yt-dlp all were asked."""
        videos = Counter(video.outcome for video in self._videos.values())
        clips: Counter[str] = Counter()
        for video in self._videos.values():
            clips[video.outcome] += video.clips
        dates = sorted(asked.date for asked in self._asked.values())
        return {
            "videos": dict(videos.most_common()),
            "clips": dict(clips.most_common()),
            "share_videos": _share(videos),
            "share_clips": _share(clips),
            "asked": {"first": dates[0], "last": dates[-1]} if dates else None,
            "yt_dlp": dict(sorted(Counter(asked.yt_dlp for asked in self._asked.values()).items())),
        }

    def table(self) -> str:
        """Return one line a video, those that are lost first."""
        lines = sorted(self._line(video_id, video) for video_id, video in self._videos.items())
        return "\n".join([COLUMNS, *(line for _, line in lines)]) + "\n"

    def _line(self, video_id: str, video: Video) -> tuple[bool, str]:
        asked = self._asked.get(video_id)
        cells = (video_id, video.source, video.outcome, video.clips, asked.date if asked else "", video.detail)
        return video.outcome == EXISTS, "\t".join(" ".join(str(cell).split()) for cell in cells)


def _outcome(record: ClipRecord) -> str:
    return EXISTS if record.kept else str(record.reason)


def _share(counts: Counter[str]) -> float | None:
    total = counts.total()
    return round(counts[EXISTS] / total, 4) if total else None
