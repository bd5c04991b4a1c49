"""A plan's limits in words, those of one author and reason together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.rules.plan import Limit, Plan, WeightChange
from clinician_api.i18n import N_, Language
from clinician_api.wording import DIRECTIONS, QUANTITIES

WEIGHT = {
    "up": N_("weight up more than %(kg)s kg in %(days)s days"),
    "down": N_("weight down more than %(kg)s kg in %(days)s days"),
}


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One line, e.g. "systolic under 80 or over 170, with symptoms under 90 or over 160"."""

    text: str
    author: str
    reason: str


def limit_lines(plan: Plan, language: Language) -> list[LimitLine]:
    """Return the plan's weight rules and limits in words, each with its author and reason."""
    lines = [
        LimitLine(_weight(rule, language), rule.author, rule.reason)
        for rule in plan.rules
        if isinstance(rule, WeightChange)
    ]
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


def _weight(rule: WeightChange, language: Language) -> str:
    return language.gettext(WEIGHT[rule.direction], kg=language.number(rule.kg, 1), days=rule.days)


def _values(limits: Iterable[Limit], language: Language) -> str:
    either = language.gettext("or")
    return f" {either} ".join(
        f"{language.gettext(DIRECTIONS[x.direction])} {language.number(x.value)}"
        for x in sorted(limits, key=lambda x: x.value)
    )
