"""What people have: templates, stacks and plans, read into one `Project`, and made into a scenario."""
