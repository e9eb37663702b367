"""The account's HTTP face: one endpoint for Step Functions, Lambda's Invoke and whatever else moto holds."""
