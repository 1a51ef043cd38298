"""temporary"""

import re

YT = re.compile(
    r"https?://(?:www\.|m\.)?(?:youtube(?:-nocookie)?\.com/(?:watch\?(?:.*&)?v=|embed/|shorts/|live/|v/)|youtu\.be/)([\w-]{11})"
)


def video_key(source: str) -> str:
    found = YT.match(source)
    return f"youtube:{found[1]}" if found else source
