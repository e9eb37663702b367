"""JSONata: expressions between ``{%`` and ``%}``, as Step Functions runs them."""
