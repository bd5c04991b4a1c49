"""One evaluator: reading by reading as they come, or all at once as in a backtest, it finds the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rules.evaluate import affected, evaluate, lookback
from alerts.rules.finding import Finding
from alerts.rules.series import Row, build
from alerts.rules.templates import heart_failure
from tests.unit.alerts.build import STOCKHOLM

PLAN = heart_failure()
START = datetime(2025, 3, 26, 5, 0, tzinfo=UTC)  # over the change to summer time

VALUES = st.one_of(
    st.builds(lambda kg: ("weight", {"weight": kg}), st.sampled_from([80.0, 81.0, 82.0, 82.5, 84.0])),
    st.builds(
        lambda systolic, pulse: ("blood_pressure", {"systolic": systolic, "diastolic": 80.0, "pulse": pulse}),
        st.sampled_from([75.0, 85.0, 120.0, 165.0, 180.0]),
        st.sampled_from([35.0, 45.0, 70.0, 105.0, 120.0]),
    ),
    st.builds(lambda grade: ("symptoms", {"breathlessness": grade}), st.integers(0, 2)),
)
STEPS = st.lists(st.tuples(st.sampled_from([2, 20, 300, 700, 1440]), VALUES), max_size=25)
NAMES = ("systolic", "diastolic", "pulse", "heart_rate", "weight", "breathlessness")


def rows_of(steps: list[tuple[int, tuple[str, dict[str, float]]]]) -> list[Row]:
    """Steps of minutes to rows."""
    at, rows = START, list[Row]()
    for number, (minutes, (kind, values)) in enumerate(steps):
        at += timedelta(minutes=minutes)
        cells = [values.get(name) for name in NAMES]
        rows.append((UUID(int=number), kind, at, *cells, None, None, None, [], None, 1))
    return rows


@settings(deadline=None)  # a shared machine may stall
@given(STEPS)
def test_live_and_backtest_agree(steps: list[tuple[int, tuple[str, dict[str, float]]]]) -> None:
    rows = rows_of(steps)
    live: dict[tuple[str, datetime], Finding] = {}
    for index, row in enumerate(rows):
        now = row[2]
        within = affected(now, now, now)
        weights, others = lookback(PLAN, within)
        window = [
            known
            for known in rows[: index + 1]
            if known[2] > now - (weights if known[1] == "weight" else others)
        ]
        for finding in evaluate(build(window), PLAN, zone=STOCKHOLM, now=now, within=within):
            live[finding.rule, finding.measured_at] = finding
    end = START + timedelta(days=60)
    batch = evaluate(build(rows), PLAN, zone=STOCKHOLM, now=end, within=timedelta(days=90))
    assert live == {(finding.rule, finding.measured_at): finding for finding in batch}
