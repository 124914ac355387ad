"""What a client asks about Python on its own machine: what code imports, and what could be imported."""
