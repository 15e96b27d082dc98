"""Video files become frames, shots, filmstrips and previews. Its modules can be used without a corpus."""
