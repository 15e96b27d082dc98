"""Published models: what is left when the labelling is done."""
