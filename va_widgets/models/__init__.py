"""Published models: a concept's classifier in a folder."""
