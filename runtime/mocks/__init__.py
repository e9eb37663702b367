"""Mocks of tasks: Step Functions Local's mock configuration file, what stepsim adds to it, and how mocked tasks run."""
