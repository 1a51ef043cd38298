"""The Inception-v3 of FID by the names and shapes of its entries, written down once more.

Nothing here knows of tavce's networks: the names are those of torchvision, in which the file is published.
"""

from published_layouts import Shapes, norm


def inception() -> Shapes:
    """Return the Inception-v3 of FID without its classifier: every convolution has a norm and no bias."""
    stem = {"1a_3x3": (32, 3, 3, 3), "2a_3x3": (32, 32, 3, 3), "2b_3x3": (64, 32, 3, 3)}
    stem |= {"3b_1x1": (80, 64, 1, 1), "4a_3x3": (192, 80, 3, 3)}
    convolutions = {f"Conv2d_{name}": shape for name, shape in stem.items()}
    for letter, width, pooled in (("b", 192, 32), ("c", 256, 64), ("d", 288, 64)):
        convolutions |= _inside(f"Mixed_5{letter}", _narrow(width) | {"pool": (pooled, width, 1, 1)})
    convolutions |= _inside("Mixed_6a", _narrow(288, halving=True))
    for letter, inside in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        convolutions |= _inside(f"Mixed_6{letter}", _sevens(inside))
    convolutions |= _inside("Mixed_7a", _LAST_HALVING)
    for letter, width in (("b", 1280), ("c", 2048)):
        convolutions |= _inside(f"Mixed_7{letter}", _fan(width))
    shapes: Shapes = {}
    for name, shape in convolutions.items():
        shapes |= {f"{name}.conv.weight": shape} | norm(f"{name}.bn", shape[0])
    return shapes


_LAST_HALVING = {
    "3x3_1": (192, 768, 1, 1),
    "3x3_2": (320, 192, 3, 3),
    "7x7x3_1": (192, 768, 1, 1),
    "7x7x3_2": (192, 192, 1, 7),
    "7x7x3_3": (192, 192, 7, 1),
    "7x7x3_4": (192, 192, 3, 3),
}


def _inside(block: str, branches: Shapes) -> Shapes:
    return {f"{block}.branch{'_pool' if name == 'pool' else name}": shape for name, shape in branches.items()}


def _narrow(width: int, halving: bool = False) -> Shapes:
    double = {"3x3dbl_1": (64, width, 1, 1), "3x3dbl_2": (96, 64, 3, 3), "3x3dbl_3": (96, 96, 3, 3)}
    if halving:
        return {"3x3": (384, width, 3, 3)} | double
    return {"1x1": (64, width, 1, 1), "5x5_1": (48, width, 1, 1), "5x5_2": (64, 48, 5, 5)} | double


def _sevens(inside: int) -> Shapes:
    single = {"7x7_1": (inside, 768, 1, 1), "7x7_2": (inside, inside, 1, 7), "7x7_3": (192, inside, 7, 1)}
    double = {"1": (inside, 768, 1, 1), "2": (inside, inside, 7, 1), "3": (inside, inside, 1, 7)}
    double |= {"4": (inside, inside, 7, 1), "5": (192, inside, 1, 7)}
    sides = {"1x1": (192, 768, 1, 1), "pool": (192, 768, 1, 1)}
    return sides | single | {f"7x7dbl_{name}": shape for name, shape in double.items()}


def _fan(width: int) -> Shapes:
    ends = {"2a": (384, 384, 1, 3), "2b": (384, 384, 3, 1)}
    single = {"1": (384, width, 1, 1), **ends}
    double = {"1": (448, width, 1, 1), "2": (384, 448, 3, 3), "3a": ends["2a"], "3b": ends["2b"]}
    branches: Shapes = {"1x1": (320, width, 1, 1), "pool": (192, width, 1, 1)}
    branches |= {f"3x3_{name}": shape for name, shape in single.items()}
    return branches | {f"3x3dbl_{name}": shape for name, shape in double.items()}
