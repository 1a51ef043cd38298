"""Facts about the plan of the demo corpus."""

import pytest

from tavce.demo.plan import ClipsPerSpeaker, plan

CLIPS = ClipsPerSpeaker(train=6, val=3, test=4)


def test_the_same_seed_plans_the_same_clips():
    assert plan(8, CLIPS, seed=3) == plan(8, CLIPS, seed=3)
    assert plan(8, CLIPS, seed=3) != plan(8, CLIPS, seed=4)


def test_eight_speakers_are_five_to_train_one_to_validate_two_to_test():
    clips = plan(8, CLIPS, seed=0)
    speakers = {split: {clip.speaker for clip in clips if clip.split == split} for split in ("train", "val", "test")}
    assert speakers == {"train": {0, 1, 2, 3, 4}, "val": {5}, "test": {6, 7}}
    assert len(clips) == 5 * 6 + 3 + 2 * 4


def test_clip_ids_name_speaker_and_clip_and_are_unique():
    clips = plan(8, CLIPS, seed=0)
    assert clips[8].clip_id == "s01_c02"
    assert len({clip.clip_id for clip in clips}) == len(clips)


def test_no_sentence_is_said_twice_and_no_voice_is_shared():
    clips = plan(8, ClipsPerSpeaker(40, 40, 40), seed=1)
    assert len({clip.sentence for clip in clips}) == len(clips)
    assert len({(clip.speaker, clip.voice.name) for clip in clips}) == len({clip.voice.name for clip in clips}) == 8


@pytest.mark.parametrize("speakers", [3, 9])
def test_too_few_or_too_many_speakers_are_refused(speakers):
    with pytest.raises(ValueError, match="4 to 8 speakers"):
        plan(speakers, CLIPS, seed=0)
