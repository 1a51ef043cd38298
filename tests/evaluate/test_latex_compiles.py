"""Facts about LaTeX: pdflatex sets every table, with booktabs and graphicx alone.

Without pdflatex it is skipped: apt-get install --no-install-recommends texlive-latex-base texlive-latex-recommended
(half a minute, 170 MB).
"""

import shutil
import subprocess

import pytest
from toy_scores import rows_of, tables_of, write_features

from tavce.config.evaluation import Quoted
from tavce.evaluate import latex
from tavce.evaluate.funnel_table import FORMS, Counts, FunnelTable, Step
from tavce.evaluate.latex import to_latex
from tavce.measure.metrics import METRICS

LABEL = r"[1] Mé_ø ½ <frame> & 50 % {~^\#$} “x” → ≤ 3° ² 方 ą Ł"
DOCUMENT = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}%s\end{document}"

needs_pdflatex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not there: apt-get install texlive-latex-recommended"
)


@needs_pdflatex
def test_pdflatex_sets_all_tables(tmp_path):
    every = {metric.name: [1.5, 2.5, 3.5, 4.5] for metric in METRICS if not metric.pooled}
    runs = ("ground_truth", "plain", "ours", "ours-2025")
    rows = [row for run in runs for row in rows_of(run, ["a", "b", "c", "d"], **every)]
    write_features(tmp_path / "plain.features.npz", "fid", 8, 0.5)
    quoted = Quoted(label=LABEL, source=LABEL, datasets={"toy_set": {"psnr": 20}})
    labels = {"ground_truth": "Real", "plain": LABEL, "ours": "Ours"}
    tables = tables_of(tmp_path, rows, labels, ["plain"], {"other": quoted})
    step = Step(dataset="toy_set", stage="sheet", splits={"test": Counts(total=2, kept=1, dropped={"no_face": 1})})
    texts = [*map(to_latex, tables), FORMS[".tex"](FunnelTable(rows=(step,)))]
    characters = latex.escape_latex("".join((*latex.MATHS, *latex.TEXTS, LABEL)))
    (tmp_path / "all.tex").write_text(DOCUMENT % "\n".join([*texts, characters]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "all.log").read_text(errors="replace")
    assert (tmp_path / "all.pdf").stat().st_size > 0
