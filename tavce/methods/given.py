"""What every method is given of a clip: its first frame as the portrait, and its sound.

Shapes: S the side of a picture, N samples.
"""

import wave
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tavce import store
from tavce.config import parse_sections
from tavce.dataset import Clips, Entry
from tavce.files import whole

PORTRAIT, AUDIO = "portrait.png", "audio.wav"


def clip_sound(entry: Entry, samples_per_frame: int) -> np.ndarray:
    """Return the sound of a clip's frames, float32 [N] in [-1, 1]; shorter where the clip's is."""
    frames = range(entry.first_frame, entry.first_frame + entry.frames)
    return store.clip_sound(entry.trim, entry.clip_id, frames, samples_per_frame)


@dataclass(frozen=True)
class Given:
    """Writes what a method is given."""

    clips: Clips
    image_px: int
    rate_hz: int
    sample_rate_hz: int

    @classmethod
    def of(cls, settings: str) -> "Given":
        """Return what writes the portrait and the sound as the sections window, mel and synthesise say (JSON)."""
        sections = parse_sections(settings)
        window = sections["window"]
        return cls(Clips(window), sections["synthesise"].image_px, window.rate_hz, sections["mel"].sample_rate_hz)

    def write(self, entry: Entry, folder: Path) -> tuple[Path, Path]:
        """Write the portrait of a clip, PNG [S, S, 3], and its sound, WAV of 16 bits, mono; return where.

        The sound lasts exactly as long as the clip's frames: where it ends before them, silence follows.
        """
        portrait, audio = folder / PORTRAIT, folder / AUDIO
        picture = self.clips.picture(entry, 0, self.image_px)
        with whole(portrait) as part:
            cv2.imwrite(str(part), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        samples_per_frame = self.sample_rate_hz // self.rate_hz
        heard = np.round(clip_sound(entry, samples_per_frame) * 32768).astype("<i2")
        with whole(audio) as part, wave.open(str(part), "wb") as file:
            file.setparams((1, 2, self.sample_rate_hz, 0, "NONE", "not compressed"))
            file.writeframes(np.pad(heard, (0, entry.frames * samples_per_frame - len(heard))).tobytes())
        return portrait, audio
