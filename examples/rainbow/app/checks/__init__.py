"""Own checks that serve as `script` gates."""
