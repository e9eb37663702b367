"""Coverage of definitions: what of a state machine its tests have seen happen, and what they never did."""
