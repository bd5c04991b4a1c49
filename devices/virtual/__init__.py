"""Virtual Bluetooth devices for the demo and the tests: real GATT over an in-process link, no radio.

Only this package imports bumble, and only its modules `peripheral` and `models` do; `history` is pure.
"""
