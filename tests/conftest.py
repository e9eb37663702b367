"""What all tests share: properties are judged by their truth, never by how fast the machine makes examples of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("stepsim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stepsim")

collect_ignore = ["examples"]
"""Repositories of their own: test_examples.py runs their tests."""
