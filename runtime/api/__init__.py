"""The Step Functions API as plain functions on a registry; the endpoint and the boto3 hook are thin skins on it."""
