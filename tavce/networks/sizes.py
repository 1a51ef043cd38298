"""Checks shared by the sizes of all networks.

Contract: a network is built from a frozen dataclass of sizes; sizes that cannot work are refused when the dataclass
is built, with the size's name and value in the message.
"""

from dataclasses import fields


def require_positive(sizes: object) -> None:
    """Refuse a sizes dataclass in which a number, or a number in a tuple, is not above zero.

    `None` (an absent part) and nested sizes are left alone.

    Raises:
        ValueError: names the dataclass, the field and its value.
    """
    for field in fields(sizes):
        value = getattr(sizes, field.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if not numbers or any(isinstance(number, int | float) and number <= 0 for number in numbers):
            raise ValueError(f"{type(sizes).__name__}.{field.name} must be above zero, not {value!r}")


def require_odd(sizes: object, name: str) -> None:
    """Refuse an even kernel side, which could not keep a picture's size.

    Raises:
        ValueError: names the dataclass, the field and its value.
    """
    value = getattr(sizes, name)
    if value % 2 == 0:
        raise ValueError(f"{type(sizes).__name__}.{name} must be odd, not {value!r}")


def require_halvings(extent: int, halvings: int, name: str) -> None:
    """Refuse an extent that cannot be halved `halvings` times without a remainder.

    Raises:
        ValueError: names the extent, its value and the factor it must be a multiple of.
    """
    factor = 2**halvings
    if extent % factor != 0 or extent < factor:
        raise ValueError(f"{name} must be a multiple of {factor}, not {extent}")


def doubled_channels(block_expansion: int, max_features: int, blocks: int) -> tuple[int, ...]:
    """Return the channels before and after each of `blocks` down blocks that double them up to `max_features`.

    `(32, 1024, 5)` gives `(32, 64, 128, 256, 512, 1024)`.
    """
    return tuple(min(max_features, block_expansion * 2**level) for level in range(blocks + 1))
