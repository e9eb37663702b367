"""State machines in tests: whole runs with answers given in Python, their results, golden histories and replay."""
