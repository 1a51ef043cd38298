"""Tables as LaTeX, for the packages booktabs and graphicx; pdflatex can set every text in them."""

import unicodedata
from collections.abc import Iterable, Sequence

from tavce.evaluate.seeds import parts_in_words
from tavce.evaluate.table import Column, Line, Table
from tavce.measure.metrics import ARROWS

WIDEST = 4  # metrics side by side; more would be too small to read
MATHS = {
    **{"↑": r"\uparrow", "↓": r"\downarrow", "→": r"\to", "←": r"\leftarrow", "×": r"\times", "·": r"\cdot"},
    **{
        "≤": r"\le",
        "≥": r"\ge",
        "≠": r"\neq",
        "≈": r"\approx",
        "±": r"\pm",
        "−": "-",
        "<": "<",
        ">": ">",
        "°": r"^\circ",
    },
    **{"²": "^2", "³": "^3", "½": r"\frac{1}{2}", "√": r"\surd", "∞": r"\infty", "†": r"\dagger", "|": r"\vert"},
    **{"σ": r"\sigma", "μ": r"\mu", "µ": r"\mu", "α": r"\alpha", "λ": r"\lambda", "τ": r"\tau", "Δ": r"\Delta"},
}
TEXTS = {
    "[": "{[}",  # at the start of a line it would be read as an argument of the line's end before it
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\u00a0": "~", '"': "''"},
    **{"–": "--", "—": "---", "…": r"\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'"},
    **{
        "ß": r"\ss{}",
        "ø": r"\o{}",
        "Ø": r"\O{}",
        "æ": r"\ae{}",
        "Æ": r"\AE{}",
        "ł": r"\l{}",
        "Ł": r"\L{}",
        "ı": r"\i{}",
    },
}
ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": "."},
    **{"\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c"},
}
AROUND = {"best": r"\textbf", "second": r"\underline", None: ""}


def escape_latex(text: str) -> str:
    """Return the text with every character that LaTeX would read as a command, or cannot set, made harmless.

    Letters with accents become commands; a character that is neither known here nor ASCII becomes its number, U+65B9.
    """
    return "".join(map(_set, text))


def _set(character: str) -> str:
    if character in MATHS:
        return f"${MATHS[character]}$"
    if character in TEXTS:
        return TEXTS[character]
    if character.isascii():
        return character if character.isprintable() else " "
    letter, *accents = unicodedata.normalize("NFD", character)
    if letter.isascii() and letter.isalpha() and len(accents) == 1 and accents[0] in ACCENTS:
        return rf"\{ACCENTS[accents[0]]}{{{letter}}}"
    return f"U+{ord(character):04X}"


def tabular(headings: Sequence[Sequence[str]], lines: Iterable[Sequence[str]], columns: str) -> list[str]:
    """Return a tabular's lines of text, made smaller where it is wider than the page; the cells are LaTeX.

    Args:
        headings: one or several lines of them.
        lines: the cells.
        columns: one letter a column, l, r or c.
    """
    return [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *(" & ".join(heading) + r" \\" for heading in headings),
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in lines),
        r"\bottomrule",
        r"\end{tabular}}",
    ]


def floating(caption: str, label: str, lines: Sequence[str]) -> list[str]:
    """Return a table environment around the lines; the caption is LaTeX."""
    opening = [r"\begin{table}[htbp]", r"\centering", rf"\caption{{{caption}}}", rf"\label{{tab:{label}}}"]
    return [*opening, *lines, r"\end{table}"]


def small_print(texts: Iterable[str]) -> list[str]:
    """Return paragraphs in small print, of LaTeX, below a table."""
    return [r"\begingroup\footnotesize\raggedright", *(rf"\noindent {text}\par" for text in texts), r"\endgroup"]


def to_latex(table: Table) -> str:
    """Return a table of results: at most four metrics side by side, what they mean in small print below."""
    shown = table.shown
    blocks = [shown[start : start + WIDEST] for start in range(0, len(shown), WIDEST)] or [()]
    text: list[str] = []
    for number, block in enumerate(blocks, 1):
        part = f" ({number} of {len(blocks)})" if len(blocks) > 1 else ""
        label = table.table if number == 1 else f"{table.table}-{number}"
        caption = f"{'Ablations' if table.kind == 'ablations' else 'Results'} on {escape_latex(table.dataset)}{part}."
        text += [*floating(caption, label, _block(table, block)), ""]
    return "\n".join([*text, *small_print(_words(table)), ""])


def _block(table: Table, columns: Sequence[Column]) -> list[str]:
    names = [rf"\textbf{{{escape_latex(text)}}}" for text in ("Method", *map(_heading, columns), "Dropped")]
    units = ["", *(_small(f"({column.unit})" if column.unit else "") for column in columns), ""]
    identities = ["", *(rf"\texttt{{{_small(column.identity)}}}" for column in columns), ""]
    lines = [line for row in table.rows for line in _lines(row, columns)]
    return tabular([names, units, identities], lines, f"l{'r' * len(columns)}r")


def _lines(row: Line, columns: Sequence[Column]) -> list[list[str]]:
    """Return a row's two lines of cells: the values, and in small print how sure they are."""
    parts = [(row.cells[column.name], *parts_in_words(column, row.cells[column.name])) for column in columns]
    values = [f"{AROUND[cell.mark]}{{{escape_latex(value)}}}" for cell, value, _ in parts]
    return [[_label(row), *values, _dropped(row)], ["", *(_small(sure) for _, _, sure in parts), ""]]


def _small(text: str) -> str:
    return rf"{{\scriptsize {escape_latex(text)}}}" if text else ""


def _words(table: Table) -> list[str]:
    named = {column.name: column for column in table.metrics}
    notes = [escape_latex(note) for note in table.notes]
    notes += [r"\textbf{Bold}: best; \underline{underlined}: second."]
    notes += [f"{escape_latex(f'{column.heading}: {column.definition}')}." for column in table.shown]
    unmeasured = table.unmeasured.items()
    return notes + [escape_latex(f"{named[name].heading}: not measured: {why}") for name, why in unmeasured]


def _heading(column: Column) -> str:
    return f"{column.heading} {ARROWS[column.better]}".strip()


def _label(row: Line) -> str:
    return escape_latex(row.label if row.measured else f"{row.label} †")


def _dropped(row: Line) -> str:
    return f"{row.dropped} of {row.clips}" if row.measured else ""
