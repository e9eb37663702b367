"""Executions: the scheduler and interpreter, the simulated account, the drivers, and the edges that people touch."""
