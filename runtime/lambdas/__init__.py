"""The Lambda functions that clients create: kept by moto, run in the process pool, with all that Lambda does."""
