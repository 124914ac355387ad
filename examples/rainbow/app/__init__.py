"""Raw material, extraction and checks: everything that comes before training."""
