"""Facts about progress: a line now and then in a log, a bar on a terminal."""

import io
import logging
import sys

from tavce import progress as module
from tavce.progress import progress


def test_every_item_comes_through_in_order():
    assert list(progress("abc", "letters")) == ["a", "b", "c"]


def test_quick_work_writes_no_line(caplog):
    caplog.set_level(logging.INFO)
    list(progress(range(1000), "quick"))
    assert caplog.messages == []


def test_long_work_says_how_much_is_done_and_left(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "LINE_EVERY_S", 0.0)
    list(progress(range(2), "trim", total=5, start=3))
    assert caplog.messages[0].startswith("trim: 4 of 5, about ")
    assert caplog.messages[1].startswith("trim: 5 of 5, about 0 s left")


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(progress(range(4), "crop")) == [0, 1, 2, 3]
    assert "crop" in terminal.getvalue()
    assert "4/4" in terminal.getvalue()
