"""What people look at: summaries, players, maps, plots, reports. The core imports it only where a method draws."""
