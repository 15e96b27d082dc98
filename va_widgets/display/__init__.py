"""HTML and plots: summaries, players, maps, plots, reports. Other parts import it only in methods that draw."""
