"""Rules: pure functions of (series, plan, now) to findings. Nothing here reads a clock or a database."""
