"""What is known of the clips that a mean is over, and of those that it is not over, as plain values."""

from collections.abc import Iterable
from typing import Any

from tavce.measure.rows import ScoreRow

Facts = dict[str, Any]
RATE_HZ = 25  # of the frames that the index counts
UNTOLD = "no reason was told"


def clips_of(rows: Iterable[ScoreRow], metric: Facts, index: dict[str, Facts], most: int) -> Facts:
    """Return a run's clips: `worst` and `best` by the metric, and `dropped` and `without_number` by reason.

    Of a metric with no better direction, the worst are the lowest. A pooled metric has no clip's value.
    """
    reasons: dict[str, dict[str, list[str]]] = {"dropped": {}, "without_number": {}}
    counted = []
    for row in rows:
        if (value := row.metrics.get(metric["name"])) is not None:
            counted.append((abs(value) if metric["magnitude"] else value, row))
        elif row.video is None:  # for one reason, whatever the metric
            reason = next(iter(row.reasons.values()), UNTOLD)
            reasons["dropped"].setdefault(reason, []).append(row.clip_id)
        elif not metric["pooled"]:
            reason = row.reasons.get(metric["name"], UNTOLD)
            reasons["without_number"].setdefault(reason, []).append(row.clip_id)
    sign = -1 if metric["better"] == "lower" else 1
    ranked = sorted(counted, key=lambda item: (sign * item[0], item[1].clip_id))
    ends = {"worst": ranked[:most], "best": ranked[max(most, len(ranked) - most) :][::-1]}
    told = {end: [_clip(row, value, index.get(row.clip_id, {})) for value, row in items] for end, items in ends.items()}
    return {"clips": len(counted), **told, **reasons}


def _clip(row: ScoreRow, value: float, entry: Facts) -> Facts:
    # where the trimmed clip begins in the source, and how far in what was kept of it begins
    start = entry["start_frame"] + entry["first_frame"] if entry else None
    return {
        "clip_id": row.clip_id,
        "speaker": row.speaker,
        "value": value,
        "source": entry.get("source") or row.source,
        "video_id": entry.get("video_id"),
        "start_s": None if start is None else start / RATE_HZ,
        "end_s": None if start is None else (start + entry["frames"]) / RATE_HZ,
        "licence": entry.get("licence"),
        "video": row.video,
        "notes": row.notes,
    }
