"""What outlives memory and, where asked, the process: ended executions and everything else, in one SQLite file."""
