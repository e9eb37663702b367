"""What starts executions from outside: objects that land, queues that are polled, schedules; and what arrives."""
