"""A program that says one sentence with eSpeak NG: text on standard input, samples on standard output.

    python espeak.py VOICE SPEED PITCH < text > samples.s16le

It is a process of its own because the library's state is global and outlives a sentence: what is said would
depend on what was said before. The standard library is all it imports.
Samples are int16, mono, at RATE_HZ. A failure is one sentence on standard error and exit status 1.
"""

import ctypes
import sys
from dataclasses import dataclass
from importlib import util
from pathlib import Path

RATE_HZ = 22_050
RETRIEVAL_MODE, CHARACTER_POSITION, UTF8 = 1, 1, 1  # espeak_AUDIO_OUTPUT, espeak_POSITION_TYPE, espeakCHARS_*
SPEED_PARAMETER, PITCH_PARAMETER = 1, 3  # espeak_PARAMETER
SAMPLE_BYTES = 2
LIBRARY_NAMES = ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll")
SEED = 1  # of the voice's flutter

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Voice:
    """An eSpeak NG voice: name with variant, words a minute, pitch 0..99."""

    name: str
    speed: int
    pitch: int


def main(voice: str, speed: str, pitch: str) -> None:
    """Say what is on standard input."""
    library = _open_library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(f"eSpeak NG has no voice {voice}")
    library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # else it is the time of day
    library.espeak_SetParameter(SPEED_PARAMETER, int(speed), 0)
    library.espeak_SetParameter(PITCH_PARAMETER, int(pitch), 0)

    def collect(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            sys.stdout.buffer.write(ctypes.string_at(samples, count * SAMPLE_BYTES))
        return 0

    callback = _Callback(collect)  # held until the library is done with it
    library.espeak_SetSynthCallback(callback)
    text = sys.stdin.buffer.read()
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, CHARACTER_POSITION, 0, UTF8, None, None)
    library.espeak_Synchronize()


def _open_library() -> ctypes.CDLL:
    """Return the library of the wheel `espeakng-loader`, started."""
    package = util.find_spec("espeakng_loader")
    folder = Path(package.submodule_search_locations[0]) if package else None
    paths = [folder / name for name in LIBRARY_NAMES if (folder / name).is_file()] if folder else []
    if not paths:
        sys.exit("the demo's speech needs eSpeak NG: pip install espeakng-loader")
    library = ctypes.CDLL(str(paths[0]))
    if library.espeak_Initialize(RETRIEVAL_MODE, 0, str(folder).encode(), 0) != RATE_HZ:
        sys.exit(f"eSpeak NG did not start with the voices in {folder}")
    return library


if __name__ == "__main__":
    main(*sys.argv[1:])
