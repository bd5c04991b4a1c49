"""The demo: the whole service on one machine, with virtual people in virtual homes. Synthetic data."""
