"""What a client puts into a project folder and fetches from it: the `files` commands."""
