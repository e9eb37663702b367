"""Recorded executions as a scenario: durations and error rates of what really ran, fitted and written down."""
