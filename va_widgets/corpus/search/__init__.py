"""Search over a corpus: texts and clips become vectors, and vectors become the nearest clips."""
