"""Which clips the demo corpus has: speakers, splits, voices and sentences. Nothing is rendered here.

Speakers never cross splits; every sentence is said once, so that a held-out speaker's words are new, too.
"""

import random
from dataclasses import dataclass

from tavce.demo.espeak import Voice
from tavce.records import Split

VAL_SPEAKERS, TEST_SPEAKERS = 1, 2
LONGEST_S = 8.0

VOICES = (  # eSpeak NG calls British English "en"
    Voice("en-us+f3", 160, 50),
    Voice("en-us+m3", 155, 40),
    Voice("en+f2", 160, 60),
    Voice("en-us+m7", 165, 35),
    Voice("en+m1", 165, 50),
    Voice("en-us+f5", 155, 65),
    Voice("en+f4", 155, 55),
    Voice("en-us+m5", 145, 45),
)

WHO = (
    *("the old captain", "a young doctor", "my brother", "every farmer"),
    *("the lonely teacher", "our neighbor", "that painter", "the baker"),
)
DID = (
    *("opened", "carried", "watched", "bought", "wanted"),
    *("remembered", "moved", "borrowed", "followed", "broke"),
)
WHAT = (
    *("a wooden boat", "the open window", "five apples", "a cup of coffee", "the purple map"),
    *("an enormous bag", "the music box", "a warm loaf of bread", "paper flowers", "the broken piano"),
)
WHEN = (
    *("before the storm came over the mountain", "while everybody was sleeping upstairs"),
    *("because mama and papa were away", "and never talked about it again"),
    *("near the harbor at five in the morning", "although nobody asked for it"),
    "until the bells of the market rang",
)


@dataclass(frozen=True)
class DemoClip:
    """One clip to render."""

    clip_id: str
    speaker: int
    split: Split
    voice: Voice
    sentence: str
    seed: int  # of the movements


@dataclass(frozen=True)
class ClipsPerSpeaker:
    """How many clips a speaker of each split has."""

    train: int
    val: int
    test: int


def plan(speakers: int, clips: ClipsPerSpeaker, seed: int) -> list[DemoClip]:
    """Return the clips of the corpus, speaker by speaker, in the order of their ids.

    Raises:
        ValueError: fewer than 4 speakers, or more than there are voices.
    """
    fewest = 1 + VAL_SPEAKERS + TEST_SPEAKERS
    if not fewest <= speakers <= len(VOICES):
        raise ValueError(
            f"the demo has {fewest} to {len(VOICES)} speakers, each with a voice of its own: not {speakers}"
        )
    draw, said, planned = random.Random(seed), set(), []
    for speaker in range(speakers):
        split = split_of(speaker, speakers)
        for number in range(getattr(clips, split)):
            planned.append(
                DemoClip(
                    clip_id=f"s{speaker:02d}_c{number:02d}",
                    speaker=speaker,
                    split=split,
                    voice=VOICES[speaker],
                    sentence=_new_sentence(draw, said),
                    seed=draw.getrandbits(32),
                )
            )
    return planned


def split_of(speaker: int, speakers: int) -> Split:
    """Return the split of a speaker: the first ones train, then one to validate, then two to test."""
    if speaker >= speakers - TEST_SPEAKERS:
        return "test"
    return "val" if speaker >= speakers - TEST_SPEAKERS - VAL_SPEAKERS else "train"


def _new_sentence(draw: random.Random, said: set[str]) -> str:
    """Return a sentence nobody has said yet, and remember it."""
    while True:
        first = f"{draw.choice(WHO)} {draw.choice(DID)} {draw.choice(WHAT)} {draw.choice(WHEN)}"
        sentence = f"{first}, and {draw.choice(WHO)} {draw.choice(DID)} {draw.choice(WHAT)}."
        if sentence not in said:
            said.add(sentence)
            return sentence
