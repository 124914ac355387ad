"""Model code that the embedding pass and the notebooks share."""
