"""PostgreSQL and Mosquitto as child processes of the demo and of the tests."""
