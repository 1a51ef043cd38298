"""Render a planned clip to a video with sound, and its exact labels beside it.

Writes  `<clip_id>.mp4`: H.264, 256 x 256, 25 fps, AAC; `<clip_id>.npz`: opening, spread, blink [T], pose [T, 3]
        radians, landmarks [T, 68, 2] px, all float32. Both appear whole or not at all, the video last.
Two renders of one clip are the same, byte by byte, on one machine.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tavce.demo.movement import LIFELIKE, Lips, Movement, move
from tavce.demo.plan import LONGEST_S, DemoClip
from tavce.demo.speakers import head_of
from tavce.demo.speech import RATE_HZ, SAMPLE_RATE_HZ, articulation, speak
from tavce.files import whole
from tavce.media import VideoFormat, write_video

FORMAT = VideoFormat(rate_hz=RATE_HZ, sample_rate_hz=SAMPLE_RATE_HZ, crf=18, preset="veryfast")


def render_clip(clip: DemoClip, folder: str | Path, lips: Lips = LIFELIKE) -> Path:
    """Render a clip into the folder and return the video's path.

    Raises:
        SpeechError: eSpeak NG is not installed.
        FileNotFoundError: the portrait's package is not installed.
    """
    wave = speak(clip.sentence, clip.voice, LONGEST_S)
    movement = move(*articulation(wave), clip.seed, lips)
    landmarks = []
    video, labels = (Path(folder, clip.clip_id + suffix) for suffix in (".mp4", ".npz"))
    with whole(video) as part_video:
        write_video(part_video, _frames(clip.speaker, movement, landmarks), wave, FORMAT)
        with whole(labels) as part_labels:
            np.savez(part_labels, landmarks=np.stack(landmarks), **vars(movement))
    return video


def _frames(speaker: int, movement: Movement, landmarks: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the pictures, and put every picture's landmarks [68, 2] on the list."""
    head = head_of(speaker)
    for expression in movement.expressions():
        picture, points = head.frame(expression)
        landmarks.append(points)
        yield picture
