"""The guard in a test run, `pytest --client-guard`: each test answers for its clients, sockets and TIME_WAITs."""
