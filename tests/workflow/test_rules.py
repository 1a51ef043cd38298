"""Facts about the rules' text: quoted values, a log each, and what makes a job stale."""

import re
from dataclasses import dataclass

import pytest
from project import REPOSITORY, TARGETS

from tavce.stages import STAGES

WITHOUT_RULE = {"sheet", "plan", "finish"}  # before and after the jobs


@dataclass(frozen=True)
class Rule:
    """A rule as it is written: its name and the text of its directives."""

    name: str
    text: str

    @property
    def shell(self) -> str:
        """The text of the shell command."""
        return self.text.partition("shell:")[2]

    @property
    def stage(self) -> str | None:
        """The stage that the command runs."""
        found = re.search(r"-m tavce (\w+)", self.shell)
        return found and found[1]

    def has(self, directive: str) -> bool:
        """Return whether the rule has a directive."""
        return re.search(rf"^    {directive}:", self.text, re.MULTILINE) is not None


def _rules() -> list[Rule]:
    files = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))]
    parts = [re.split(r"^rule (\w+):\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:] for path in files]
    return [Rule(*pair) for part in parts for pair in zip(part[::2], part[1::2], strict=True)]


RULES = _rules()
WORKING = [pytest.param(rule, id=rule.name) for rule in RULES if rule.name not in TARGETS]
STAGED = [pytest.param(rule, id=rule.name) for rule in RULES if rule.stage]


def test_every_stage_but_the_first_and_the_last_has_one_rule():
    assert sorted(rule.stage for rule in RULES if rule.stage) == sorted(set(STAGES) - WITHOUT_RULE)


@pytest.mark.parametrize("rule", WORKING)
def test_a_rule_is_a_shell_command_with_a_log_and_an_environment(rule):
    assert [name for name in ("output", "log", "conda", "params", "shell") if not rule.has(name)] == []
    assert [name for name in ("run", "script", "notebook", "wrapper", "group") if rule.has(name)] == []
    assert "2> {log:q}" in rule.shell


@pytest.mark.parametrize("rule", WORKING)
def test_every_value_in_a_command_is_quoted(rule):
    values = re.findall(r"(?<!{){([^{}]+)}", rule.shell)
    assert [value for value in values if not value.endswith(":q") and value != "threads"] == []


@pytest.mark.parametrize("rule", STAGED)
def test_a_rule_knows_its_stage_s_version_and_no_settings_but_its_own(rule):
    assert f'version=version("{rule.stage}")' in rule.text
    assert re.findall(r'sections\(\s*"(\w+)"', rule.text) == [rule.stage] * bool(STAGES[rule.stage].sections)


def test_no_rule_is_a_checkpoint():
    files = (REPOSITORY / "workflow" / "rules").glob("*.smk")
    assert not any(re.search(r"^checkpoint ", path.read_text(encoding="utf-8"), re.MULTILINE) for path in files)
