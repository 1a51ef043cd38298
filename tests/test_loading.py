"""Facts about loader processes: they take one core, and what they refuse is told as if they were none."""

import cv2
import pytest
import torch
from threadpoolctl import threadpool_info
from torch.utils.data import DataLoader

from tavce.config import paper
from tavce.dataset import Clips
from tavce.loading import plain_errors
from tavce.records import InputError
from tavce.training.stopping import ignore_in_worker


class Threads(torch.utils.data.Dataset):
    """In how many threads the process that loads computes."""

    def __getitem__(self, _number: int) -> list[int]:
        return [cv2.getNumThreads(), torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())]

    def __len__(self) -> int:
        return 1


class Refusing(torch.utils.data.Dataset):
    """Refuses its second sample, in two lines."""

    def __getitem__(self, number: int) -> int:
        if number == 1:
            raise InputError("a.h5 is not there\nrerun the stage crop") from KeyError("other: words")
        return number

    def __len__(self) -> int:
        return 3


def test_a_loader_process_of_clips_computes_in_one_thread():
    cv2.setNumThreads(2)
    Clips(paper().window)
    (threads,) = DataLoader(Threads(), batch_size=None, num_workers=1, worker_init_fn=ignore_in_worker)
    assert {*map(int, threads)} == {1}


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_loader_process_refuses_is_told_in_its_own_words(workers):
    loader = iter(DataLoader(Refusing(), batch_size=None, num_workers=workers))
    assert next(loader) == 0
    with pytest.raises(InputError) as caught, plain_errors():
        next(loader)
    assert str(caught.value) == "a.h5 is not there\nrerun the stage crop"
