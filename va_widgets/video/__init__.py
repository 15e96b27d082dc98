"""Video files become frames, shots, filmstrips and previews. It knows no corpus: its modules can be used alone."""
