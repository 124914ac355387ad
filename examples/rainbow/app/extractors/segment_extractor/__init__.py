"""Songs to segments with metadata and audio bytes."""
