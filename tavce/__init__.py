"""Reproduction of TAVCE (arXiv 2504.05746), from videos to the paper's tables."""

__version__ = "0.1.0"
