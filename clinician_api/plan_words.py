"""A plan's limits in words, those of one author and reason together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.rules.plan import ConfirmedPressure, Limit, Plan, Target, WeightChange
from clinician_api.i18n import N_, Language
from clinician_api.wording import DIRECTIONS, QUANTITIES

WEIGHT = {
    "up": N_("weight up more than %(kg)s kg in %(days)s days"),
    "down": N_("weight down more than %(kg)s kg in %(days)s days"),
}
CONFIRMED = N_("blood pressure %(values)s or more, also when measured again")
DIGITS = {"weight": 1}
"""Decimals of a quantity; a weight of 79.6 kg must not read as 80."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One line, e.g. "systolic under 80 or over 170, with symptoms under 90 or over 160"."""

    text: str
    author: str
    reason: str


def limit_lines(plan: Plan, language: Language) -> list[LimitLine]:
    """Return the plan's weight rules, confirmed pressure and limits in words, with author and reason."""
    lines: list[LimitLine] = []
    for rule in plan.rules:
        if isinstance(rule, WeightChange):
            lines.append(LimitLine(_weight(rule, language), rule.author, rule.reason))
        elif isinstance(rule, ConfirmedPressure):
            lines.append(LimitLine(_confirmed(rule, language), rule.author, rule.reason))
    groups: dict[tuple[str, str, str], list[Limit]] = {}
    for limit in plan.limits:
        groups.setdefault((limit.quantity, limit.author, limit.reason), []).append(limit)
    for (quantity, author, reason), limits in groups.items():
        always = _values((x for x in limits if not x.with_symptoms), language)
        symptoms = _values((x for x in limits if x.with_symptoms), language)
        parts = [always] if always else []
        if symptoms:
            parts.append(language.gettext("with symptoms %(values)s", values=symptoms))
        text = f"{language.gettext(QUANTITIES[quantity])} {', '.join(parts)}"
        lines.append(LimitLine(text, author, reason))
    return lines


def target_lines(plan: Plan, language: Language) -> list[LimitLine]:
    """Return the plan's targets in words, e.g. "weight 79.6–81.6 kg" or "systolic under 135"."""
    return [LimitLine(_target(target, language), target.author, target.reason) for target in plan.targets]


def _target(target: Target, language: Language) -> str:
    def number(value: float) -> str:
        return language.number(value, DIGITS.get(target.quantity, 0))

    if target.low is not None and target.high is not None:
        values = f"{number(target.low)}–{number(target.high)}"
    elif target.high is not None:
        values = f"{language.gettext(DIRECTIONS['below'])} {number(target.high)}"
    else:
        values = f"{language.gettext(DIRECTIONS['above'])} {number(target.low or 0)}"
    unit = " kg" if target.quantity == "weight" else ""
    return f"{language.gettext(QUANTITIES[target.quantity])} {values}{unit}"


def _confirmed(rule: ConfirmedPressure, language: Language) -> str:
    values = f"{language.number(rule.systolic)}/{language.number(rule.diastolic)}"
    return language.gettext(CONFIRMED, values=values)


def _weight(rule: WeightChange, language: Language) -> str:
    return language.gettext(WEIGHT[rule.direction], kg=language.number(rule.kg, 1), days=rule.days)


def _values(limits: Iterable[Limit], language: Language) -> str:
    either = language.gettext("or")
    return f" {either} ".join(
        f"{language.gettext(DIRECTIONS[x.direction])} {language.number(x.value, DIGITS.get(x.quantity, 0))}"
        for x in sorted(limits, key=lambda x: x.value)
    )
