"""Labels: what annotators said, when, and why they were asked; kept as an append-only log of events."""
