"""Tables of the user's: read, checked, and joined to the clips of a corpus."""
