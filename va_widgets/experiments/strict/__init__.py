"""VA's two experiments exactly as the code of its release does them; docs/va_experiments.md names the differences."""
