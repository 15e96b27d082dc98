"""What people bring along, vectors and tables, becomes a corpus."""
