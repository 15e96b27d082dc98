"""Published models at work on whole corpora: their scores, queries over them, and how good they still are."""
