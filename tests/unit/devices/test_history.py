from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from devices import blood_pressure, weight
from devices.blood_pressure import BloodPressure
from devices.virtual.history import Profile, history
from devices.weight import Weight

NOW = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
LOCAL_NOW = datetime(2026, 3, 10, 12, 0)  # noqa: DTZ001 - the wall clock in Stockholm
SEEDS = range(30)


def weights(profile: Profile, seed: int, **changes: bool) -> list[tuple[datetime, float]]:
    readings = history(profile, days=90, now=NOW, seed=seed, **changes)
    return [(when, m.weight) for when, m in readings if isinstance(m, Weight) and m.weight is not None]


def pressures(profile: Profile, seed: int) -> list[tuple[datetime, BloodPressure]]:
    readings = history(profile, days=90, now=NOW, seed=seed)
    return [(when, m) for when, m in readings if isinstance(m, BloodPressure)]


def highest_gain(series: list[tuple[datetime, float]]) -> float:
    """Return the most that any weight lies above one of the three days before it, in kg."""
    window = timedelta(days=3, hours=2)
    return max(
        later - earlier
        for when, later in series
        for before, earlier in series
        if timedelta(0) <= when - before <= window
    )


@pytest.mark.parametrize("profile", Profile)
def test_the_same_seed_gives_the_same_history(profile: Profile):
    first = history(profile, days=90, now=NOW, seed=7)
    assert first == history(profile.value, days=90, now=LOCAL_NOW, seed=7)
    assert first != history(profile, days=90, now=NOW, seed=8)


@pytest.mark.parametrize("profile", Profile)
def test_every_reading_is_in_order_in_the_past_and_fits_a_frame(profile: Profile):
    readings = history(profile, days=90, now=NOW, seed=1)
    times = [when for when, _ in readings]
    assert times == sorted(set(times))
    assert times[-1] <= LOCAL_NOW
    for when, measurement in readings:
        assert measurement.taken_at == when
        encoder = weight.encode if isinstance(measurement, Weight) else blood_pressure.encode
        decoder = weight.decode if isinstance(measurement, Weight) else blood_pressure.decode
        assert decoder(encoder(measurement)) == measurement


def test_before_the_morning_is_over_yesterday_is_the_last_day():
    early = datetime(2026, 3, 10, 7, 20)  # noqa: DTZ001 - a device's clock has no zone
    assert history("hypertension", days=9, now=early, seed=1)[-1][0].day == 9
    assert history("hypertension", days=9, now=LOCAL_NOW, seed=1)[-1][0].day == 10


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stable_person_never_crosses_the_weight_limit(seed: int):
    assert highest_gain(weights(Profile.STABLE_HEART_FAILURE, seed)) < 2.0
    assert highest_gain(weights(Profile.MISSING_LATELY, seed)) < 2.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_decompensating_person_crosses_it_with_the_final_reading_only(seed: int):
    whole = weights(Profile.DECOMPENSATING, seed)
    before = weights(Profile.DECOMPENSATING, seed, final_reading=False)
    assert before == whole[:-1]
    assert highest_gain(before) < 2.0
    assert whole[-1][1] - whole[-4][1] > 2.0


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_has_urgent_values_by_chance(profile: Profile, seed: int):
    for _, measured in pressures(profile, seed):
        assert 90 <= (measured.systolic or 0) <= 170
        assert 50 <= (measured.pulse_rate or 0) <= 110


@pytest.mark.parametrize("seed", SEEDS)
def test_who_went_missing_last_measured_more_than_three_days_ago(seed: int):
    assert LOCAL_NOW.date() - pressures(Profile.MISSING_LATELY, seed)[-1][0].date() == timedelta(days=4)


@pytest.mark.parametrize("profile", [p for p in Profile if p is not Profile.MISSING_LATELY])
@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_else_is_missing_for_two_days(profile: Profile, seed: int):
    days = sorted({when.date() for when, _ in pressures(profile, seed)})
    assert days[-1] == LOCAL_NOW.date()
    assert max(b - a for a, b in pairwise(days)) <= timedelta(days=2)


def test_only_fibrillation_is_irregular():
    flagged = [m.irregular_pulse for _, m in pressures(Profile.IRREGULAR, 1)]
    assert 0.6 < sum(map(bool, flagged)) / len(flagged) < 0.95
    assert not any(m.irregular_pulse for _, m in pressures(Profile.HYPERTENSION, 1))


def test_hypertension_is_high_on_average():
    measured = [m.systolic or 0 for _, m in pressures(Profile.HYPERTENSION, 1)]
    assert 138 < sum(measured) / len(measured) < 148


def test_a_short_decompensation_still_ends_high():
    readings = history(Profile.DECOMPENSATING, days=2, now=NOW, seed=1)
    assert len([m for _, m in readings if isinstance(m, Weight)]) == 2


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        history("nobody", days=1, now=NOW, seed=1)
