"""Inputs and faults that reach a machine's branches: Hypothesis strategies, and a search that writes tests."""

from stepsim.runtime.explore.strategies import failures, inputs

__all__ = ["failures", "inputs"]
