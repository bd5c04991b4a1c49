"""How long to wait before trying again."""

from __future__ import annotations

import random


def full_jitter(attempt: int, rng: random.Random, *, base: float, cap: float) -> float:
    """Return seconds to wait after the failed attempt number `attempt` (0 is the first).

    Exponential backoff with full jitter: evenly drawn from 0 to min(cap, base * 2**attempt), so that
    thousands of gateways that lost the same server do not come back in step.
    """
    return rng.uniform(0, min(cap, base * 2 ** min(attempt, 32)))
