"""Labels: every annotator's label events, in an append-only log, and what they agree on."""
