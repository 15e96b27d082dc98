"""The user's vectors and tables become a corpus, or columns of one."""
