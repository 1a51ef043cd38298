"""Make a portrait speak: `from tavce.animate import animate`. Torch is imported when that is asked for, not before."""

from typing import Any

__all__ = ["Animation", "animate"]


def __getattr__(name: str) -> Any:
    """Return a function or class of `tavce.animate.api`.

    Raises:
        AttributeError: it is none of `__all__`.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tavce.animate import api

    return getattr(api, name)
