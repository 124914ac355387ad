"""Embedding, models and notebooks: what runs on the pod."""
