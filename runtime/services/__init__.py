"""The task integrations, one file a service, each a client of the cloud."""
